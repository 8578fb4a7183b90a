//! A small worker of a tab: light client, proof of work, signatures.
