//! A seller before a hostile buyer, who shows one honest purchase with whatever changed, again and again and at any time: it is
//! credited once at most, and for no more than was paid.

use crate::chain::Chain;
use arbitrary::Arbitrary;
use commonware_codec::Encode;
use commonware_cryptography::Signer;
use ledger::{Action, Amount, Height, Nonce, PrivateKey, Reply, Transaction, Uid};
use light::{CLAIM_MS, Follower, Goods, Options, SKEW_MS};
use protocol::exchange::{Claim, Request};

/// How a purchase is shown.
#[derive(Arbitrary, Debug)]
struct Show {
    /// Bytes of the message that are changed: where, and by what.
    changes: Vec<(u16, u8)>,
    /// Whose headers go with it: so many blocks from this one on.
    from: u8,
    length: u8,
    /// Time since it was shown last, in seconds; none: the seller begins anew.
    after: Option<u8>,
}

const PRICE: u64 = 8_192_000;
const BUYER: &[u8] = b"the buyer";
const GOODS: Goods = Goods { uid: Uid(0), generation: 0, price: PRICE };
const NONCE: [u8; 32] = [1; 32];

thread_local! {
    /// A chain with one purchase of 2,048 positions, in the block at this height.
    static HONEST: (Chain, usize) = {
        let mut chain = Chain::new(4);
        chain.steps(15);
        let order = light::order(chain.id(), BUYER, &NONCE);
        let action = Action::Purchase { uid: Uid(0), generation: 0, amount: Amount(2 * PRICE), order };
        chain.pool.push(Transaction::sign(&PrivateKey::from_seed(1), chain.id(), Nonce(0), Height(40), action));
        chain.steps(6);
        assert_eq!(chain.bodies[16].transactions.len(), 1);
        (chain, 16)
    };
}

/// See the module.
pub fn run(bytes: &[u8]) {
    let Some(shows) = crate::input::<Vec<Show>>(bytes) else { return };
    HONEST.with(|(chain, height)| show_all(chain, *height, &shows));
}

fn show_all(chain: &Chain, height: usize, shows: &[Show]) {
    let begin = |now| {
        Follower::new(chain.genesis.clone(), chain.checkpoint_at(10), Options::default(), now).expect("it is new")
    };
    let mut now = chain.headers[0].time;
    let mut seller = begin(now);
    let mut credited = 0;
    for show in shows.iter().take(32) {
        match show.after {
            Some(seconds) => now += u64::from(seconds) * 1_000,
            None => seller = begin(now),
        }
        let from = (height + usize::from(show.from % 3)).min(chain.headers.len() - 1);
        let to = (from + usize::from(show.length % 4)).min(chain.headers.len() - 1);
        let headers = chain.headers[from..=to].to_vec();
        let body = &chain.bodies[height];
        let honest = Claim {
            transaction: body.transactions[0].encode().to_vec(),
            index: 0,
            proof: body.prove(0).expect("it is there").to_vec(),
            headers: Reply::Headers { headers, finalization: chain.finalizations[to].clone() }.encode().to_vec(),
            nonce: NONCE,
        };
        let mut bytes = Request::Claim(honest).to_bytes();
        for (at, by) in &show.changes {
            let length = bytes.len();
            bytes[usize::from(*at) % length] ^= by;
        }
        let Ok(Request::Claim(claim)) = Request::from_bytes(&bytes) else { continue };
        if let Ok(positions) = seller.claim(&claim, BUYER, &GOODS, now) {
            credited += 1;
            assert!(positions == 2_048 && credited == 1, "{positions} positions, {credited} times");
            let time = chain.headers[height].time;
            assert!(now + SKEW_MS >= time && now < time + CLAIM_MS);
        }
        assert!(seller.evidence().is_none());
    }
}
