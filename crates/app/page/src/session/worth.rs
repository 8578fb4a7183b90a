//! What each neighbour is worth to this tab: what the gate has made of it, and its stake times the weight it gives here. The network
//! keeps the best.

use super::Session;
use commonware_cryptography::ed25519::PublicKey;
use protocol::{limits, wire};
use std::collections::BTreeMap;
use wasm_bindgen_futures::spawn_local;

impl Session {
    /// Tells the network. Scores and s_i·w_ij count alike, each as a share of its largest.
    pub(super) fn tell_worth(&self) {
        let mut worth: BTreeMap<PublicKey, f64> = BTreeMap::new();
        for part in [&self.scores, &self.askers] {
            let largest = part.values().copied().fold(0.0, f64::max);
            for (key, value) in part.iter().filter(|_| largest > 0.0) {
                let key = wire::from_hex(key).and_then(|bytes| wire::decode(&bytes, limits::KEY_BYTES).ok());
                if let Some(key) = key {
                    *worth.entry(key).or_default() += value / largest;
                }
            }
        }
        let network = self.network.clone();
        spawn_local(async move {
            // A network that has stopped keeps nobody.
            let _ = network.prefer(worth).await;
        });
    }
}
