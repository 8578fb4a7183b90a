//! The seven steps of a peer, over any mesh and any device.
