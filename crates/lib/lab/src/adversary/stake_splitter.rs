//! One holder with k identities, among which it splits its stake and its worth.
//!
//! **Wants** more than one identity would earn: more rank, more trust, more places among the trust sources. **Does** divide
//! its stake evenly; each identity answers with the same encoding, and others, who see the copies together, score each for
//! its k-th part. Its rows are honest. **What stops it:** ranks are linear in stake and score, so their sum does not change.
//! Trust is not linear: an identity that is scored below κ (`Trust`, `Connectivity`) or below the least direct trust
//! (`Consensus`) is not connected, so that splitting costs. Trust sources are samples of the stake: where they are fewer than
//! peers, the voice of the identities is that of their stake, within two of the M samples.
//!
//! **What does not stop it:** a score that values each copy like the original, as the Fisher score does. Then k identities
//! earn k times. The joint removal of the copies shows their true worth.

use crate::chain::Truth;
use crate::statistics::real;

/// Gives the stake of `members` to the first of them, or to all alike, and their worth with it.
pub fn set(truth: &mut Truth, stake: &mut [f64], members: &[usize], split: bool) {
    let mut total = 0.0;
    for &member in members {
        total += stake[member];
    }
    let identities = if split { members.len() } else { 1 };
    let each = total / real(identities.max(1));
    for (place, &member) in members.iter().enumerate() {
        stake[member] = if place < identities { each } else { 0.0 };
    }
    truth.identify(members, identities);
}
