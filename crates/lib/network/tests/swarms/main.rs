//! Whole swarms on loopback websockets: a node, residents, and swarms in the role of tabs.

mod faults;
mod mesh;
mod world;
