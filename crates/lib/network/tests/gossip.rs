//! Figures of gossip that others count on: libp2p's defaults, which the network takes as they are.

use libp2p::gossipsub::Config;
use std::time::Duration;

#[test]
fn gossip_has_the_defaults_that_the_simulated_crowd_counts_on() {
    let config = Config::default();
    assert_eq!([config.mesh_n(), config.mesh_n_low(), config.mesh_n_high()], [6, 5, 12]);
    assert_eq!((config.gossip_lazy(), config.gossip_factor(), config.history_gossip()), (6, 0.25, 3));
    assert_eq!(config.heartbeat_interval(), Duration::from_secs(1));
    assert!(config.flood_publish());
    assert_eq!(config.idontwant_message_size_threshold(), 1_000);
}
