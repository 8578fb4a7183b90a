//! The swarm of a tab or a node: relay, discovery, gossip, asks and ledger queries.
