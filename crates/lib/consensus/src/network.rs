//! The network between validators: authenticated by their keys, open to those whom the ledger names.
//!
//! Whoever validates or is a candidate is connected, at the address that the ledger has of it or that the operator named. A hostile
//! candidate could name somebody else's address: the handshake fails there, and costs both a few packets a minute.
//!
//! Whoever reaches the port may try a handshake, since validators behind address translation come from anywhere. How often one address and
//! one network may is bounded ([`handshakes`]), so that what one source holds open is a part of what there is; who has no key that the
//! ledger names gets no further.

use crate::block::Block;
use crate::validator::StartError;
use commonware_consensus::marshal::standard::Standard;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::{marshal, simplex};
use commonware_cryptography::ChaCha20Poly1305;
use commonware_p2p::authenticated::lookup;
use commonware_p2p::utils::mux::prefixed;
use commonware_p2p::{Address, AddressableManager, max_message_size};
use commonware_runtime::{Quota, Supervisor, tokio as runtime};
use commonware_stream::cups::{self, Cups};
use commonware_stream::sake::{self, Sake};
use commonware_utils::ordered::Map;
use commonware_utils::{NZU32, NZUsize};
use ledger::genesis::MAX_VALIDATORS;
use ledger::{Amount, Digest, PrivateKey, PublicKey, State, Uid};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::time::Duration;

/// The network of a validator.
pub(crate) type Network = lookup::Network<runtime::Context, Cups<Sake<PrivateKey>, ChaCha20Poly1305>>;

/// Who is connected, and may be.
pub(crate) type Oracle = lookup::Oracle<PublicKey>;

/// Most peers of one validator: all seats, and as many candidates.
const MOST_PEERS: usize = 2 * MAX_VALIDATORS;

/// Bytes of the largest message between validators.
pub(crate) fn largest_message() -> u32 {
    let count = u32::try_from(MAX_VALIDATORS).unwrap_or(u32::MAX);
    max_message_size(&[
        prefixed(simplex::max_payload_size::<Scheme, Digest>(count)),
        marshal::max_payload_size::<Standard<Block>, Scheme>(count, &()),
        crate::gossip::MOST_BYTES,
    ])
}

/// Opens the network on `listen`, for others to reach at `address`.
pub(crate) fn open(
    context: &runtime::Context,
    namespace: &[u8],
    key: &PrivateKey,
    listen: SocketAddr,
    address: IpAddr,
) -> Result<(Network, Oracle), StartError> {
    // The engine ends the process where it cannot listen, so try before.
    TcpListener::bind(listen).map_err(|source| StartError::Listen { address: listen, source })?;
    let handshake = Cups::<_, ChaCha20Poly1305>::new(
        Sake {
            signer: key.clone(),
            synchrony_bound: Duration::from_secs(5),
            max_handshake_age: Duration::from_secs(10),
            version: sake::Version::V1,
        },
        cups::Version::V1,
    );
    let mut config =
        lookup::Config::local(handshake, namespace, listen, NZUsize!(MOST_PEERS), largest_message(), NZUsize!(1000));
    let (an_address, a_network) = handshakes(is_private(address));
    config.allowed_handshake_rate_per_ip = Quota::per_second(an_address);
    config.allowed_handshake_rate_per_subnet = Quota::per_second(a_network);
    config.max_concurrent_handshakes = HANDSHAKES;
    config.handshake_timeout = PATIENCE;
    // Nobody on a public network is made to dial into somebody's private one.
    config.allow_private_ips = is_private(address);
    // Behind an address translation a validator dials from another address than it is reached at.
    config.bypass_ip_check = true;
    // Each set is whole, so the one before is enough for who is still being asked.
    config.tracked_peer_sets = NZUsize!(2);
    Ok(lookup::Network::new(context.child("network"), config))
}

/// Handshakes that one address and one network (a /24 of IPv4, a /48 of IPv6) may begin a second. On a private network all
/// validators may be on one machine.
fn handshakes(private: bool) -> (NonZeroU32, NonZeroU32) {
    if private { (NZU32!(16), NZU32!(64)) } else { (NZU32!(4), NZU32!(16)) }
}

/// Handshakes under way with all.
const HANDSHAKES: NonZeroU32 = NZU32!(512);

/// Longest a handshake may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether an address means something within one network only.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified(),
    }
}

/// Follows the ledger in who is connected.
pub(crate) struct Neighbours<M> {
    /// Told when the peers change.
    pub manager: M,
    /// Own key and address.
    pub own: (PublicKey, SocketAddr),
    /// Where the operator says that others are.
    pub named: BTreeMap<PublicKey, SocketAddr>,
    /// Whom it was told of last.
    pub known: BTreeMap<PublicKey, SocketAddr>,
}

impl<M: AddressableManager<PublicKey = PublicKey>> Neighbours<M> {
    /// Connects whoever validates, may soon, or is named.
    pub fn follow(&mut self, state: &State) {
        let validators = state.validators();
        let mut wanted: Vec<_> = state
            .candidates()
            .iter()
            .filter(|leaf| validators.contains(&leaf.key) || (leaf.until.is_none() && !leaf.struck))
            .collect();
        // Whoever validates first, then whoever is backed by the most stake: names are cheap.
        let stake = |uid: Uid| state.neurons().get(uid.index()).map_or(Amount::ZERO, |neuron| neuron.stake);
        wanted.sort_by_key(|leaf| (!validators.contains(&leaf.key), Reverse(stake(leaf.uid)), leaf.key.clone()));
        let room = MOST_PEERS.saturating_sub(self.named.len() + 1);
        let mut peers: BTreeMap<PublicKey, SocketAddr> =
            wanted.into_iter().take(room).map(|leaf| (leaf.key.clone(), leaf.address)).collect();
        peers.extend(self.named.clone());
        peers.insert(self.own.0.clone(), self.own.1);
        if peers == self.known {
            return;
        }
        let all = Map::from_iter_dedup(peers.iter().map(|(key, address)| (key.clone(), Address::from(*address))));
        self.manager.overwrite(all.clone());
        // Heights rise, and the peers of a height are the same for all.
        self.manager.track(state.height().get().saturating_add(1), all);
        self.known = peers;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_source_holds_more_than_a_part_of_the_handshakes() {
        for private in [false, true] {
            let (an_address, a_network) = handshakes(private);
            // A burst of a second, and what comes while those wait for their deadline.
            let held = |a_second: NonZeroU32| u64::from(a_second.get()) * (PATIENCE.as_secs() + 1);
            assert!(held(an_address) * 4 <= u64::from(HANDSHAKES.get()), "an address");
            assert!(held(a_network) * 4 / 3 <= u64::from(HANDSHAKES.get()), "a network");
            assert!(an_address < a_network);
        }
    }
}
