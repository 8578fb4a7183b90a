//! The main thread of a tab: network and typed API.
