//! What is refused before anything is computed, and why a gradient may not exist.

/// Why a world, its parameters or what it carries cannot be evaluated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// A constant outside its range.
    #[error("parameter {name} is {value}, out of range")]
    Parameter {
        /// Name of the field.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// Stake, scaling and weights are of different numbers of peers.
    #[error("{stake} stakes and {scaling} scalings for {rows} rows")]
    Lengths {
        /// Number of stakes.
        stake: usize,
        /// Number of scalings.
        scaling: usize,
        /// Number of rows.
        rows: usize,
    },
    /// A stake is NaN, infinite or negative.
    #[error("stake {value} of peer {peer} is out of range")]
    Stake {
        /// Peer.
        peer: usize,
        /// Its stake.
        value: f64,
    },
    /// A scaling is NaN or outside \[0, 1\].
    #[error("scaling {value} of peer {peer} is out of range")]
    Scaling {
        /// Peer.
        peer: usize,
        /// Its scaling.
        value: f64,
    },
    /// The stakes sum to more than binary64 holds.
    #[error("the stakes sum to more than can be held")]
    Total,
    /// The bonds are of another number of peers than the rows.
    #[error("bonds of {bonds} peers for {peers} rows")]
    Bonds {
        /// Peers that the bonds are of.
        bonds: usize,
        /// Number of rows.
        peers: usize,
    },
    /// The exact solve is not offered for so many.
    #[error("{peers} peers are more than the {limit} that the exact solve takes")]
    TooManyPeers {
        /// Number of peers.
        peers: usize,
        /// The limit.
        limit: usize,
    },
    /// A closed class has no self-loop: who enters it never leaves, and expected visits do not exist.
    #[error("peer {peer} is in a closed class without a self-loop: give one of the class a self-loop")]
    Singular {
        /// A peer of the class.
        peer: usize,
    },
    /// Vectors or matrices that belong together are of different sizes.
    #[error("{name} has {found} numbers where {expected} are needed")]
    Size {
        /// Which argument.
        name: &'static str,
        /// Numbers given.
        found: usize,
        /// Numbers needed.
        expected: usize,
    },
    /// A number that must be finite is not.
    #[error("{name} holds {value} at {position}, which is not finite")]
    NotFinite {
        /// Which argument.
        name: &'static str,
        /// Where.
        position: usize,
        /// What.
        value: f64,
    },
}

/// Why what was asked of a peer does not exist. A zero is never given in its place.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotDefined {
    /// The world is not valid.
    #[error(transparent)]
    World(#[from] Fault),
    /// There is no such peer.
    #[error("peer {peer} is not among {peers}")]
    Peer {
        /// The peer asked for.
        peer: usize,
        /// Number of peers.
        peers: usize,
    },
    /// The peer holds no stake that could be clipped.
    #[error("peer {peer} holds no stake that could be clipped")]
    NoStake {
        /// The peer.
        peer: usize,
    },
    /// Nobody holds scaled stake, or no incentive is left to share.
    #[error("nobody holds scaled stake, so nothing is shared")]
    Nothing,
    /// Connectivity is hard: it jumps, and is flat elsewhere.
    #[error("connectivity is hard at temperature 0: it has steps and no slope")]
    Hard,
    /// Direct trust is 0 or 1.
    #[error("direct trust is 0 or 1: it has steps and no slope")]
    Binary,
    /// The mechanism has no loss that scaling could lower.
    #[error("this mechanism has no loss that scaling could lower")]
    NoLoss,
    /// The peer is above the clip, where its kept stake does not depend on its row.
    #[error("the peer reaches {fraction} of half the stake, above the clip, where its row changes nothing")]
    AboveClip {
        /// Σ_j c_ij / (½‖S‖), at least 1.
        fraction: f64,
    },
}

/// Largest constant of a mechanism: slopes, thresholds, temperatures.
pub const LARGEST: f64 = 1e6;

/// [`Fault::Parameter`] unless `least` ≤ `value` ≤ [`LARGEST`].
pub(crate) fn ranged(name: &'static str, value: f64, least: f64) -> Result<(), Fault> {
    // Written so that NaN is refused.
    if (least..=LARGEST).contains(&value) { Ok(()) } else { Err(Fault::Parameter { name, value }) }
}

/// [`Fault::Size`] unless `values` has `expected` entries, [`Fault::NotFinite`] unless all are finite.
pub(crate) fn finite(name: &'static str, values: &[f64], expected: usize) -> Result<(), Fault> {
    if values.len() != expected {
        return Err(Fault::Size { name, found: values.len(), expected });
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(position) => Err(Fault::NotFinite { name, position, value: values[position] }),
        None => Ok(()),
    }
}
