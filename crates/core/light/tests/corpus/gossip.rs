//! Heads that neighbours pass around, as one judges them who is on the chain itself: what goes on to others, and who is
//! blamed.

use super::{Random, Refused, Verdicts, World, bytes::spoil, world::NEWEST, world::TEMPO};
use commonware_codec::Encode as _;
use ledger::Reply;
use light::gossip::{self, Judgement};
use light::{Committee, Error};

pub fn judge(world: &World, random: &mut Random, verdicts: &mut Verdicts) {
    let digests = world.digests();
    for turn in 0..1_600 {
        let height = world.any(random);
        let own = world.header(random.within(0, NEWEST - 1));
        let epoch = world.epoch(own.height.get() + 1);
        let committee = Committee::new(world.chain.id(), epoch, &world.chain.validators_of(epoch)).unwrap();
        let (header, finalization) = world.chain.at(height);
        let (deed, bytes) = if turn % 2 == 0 {
            let (header_of_donor, donor) = world.chain.at(world.any(random));
            let donor = Reply::Head { header: header_of_donor, finalization: donor }.encode();
            spoil(random, &Reply::Head { header, finalization }.encode(), &donor)
        } else {
            match random.below(5) {
                0 => {
                    let few = random.below(world.quorum(world.epoch(height)));
                    let finalization = world.signed(random, &header, few).encode();
                    ("too few", Reply::Head { header, finalization }.encode().to_vec())
                }
                1 => {
                    let header = world.changed(random, &header, false);
                    let finalization = world.signed_by_strangers(world.epoch(height), &header).encode();
                    ("strangers", Reply::Head { header, finalization }.encode().to_vec())
                }
                2 => {
                    let count = gossip::MAX_BYTES + 1 + random.below(1_000);
                    ("too long", random.bytes(count))
                }
                3 => ("no head", Reply::Headers { headers: vec![header], finalization }.encode().to_vec()),
                _ => {
                    let finalization = world.chain.at(world.any(random)).1;
                    ("another's certificate", Reply::Head { header, finalization }.encode().to_vec())
                }
            }
        };
        let judgement = gossip::compare_head(&committee, TEMPO, Some(&own), &bytes);
        let parsed = gossip::head(&bytes);
        if judgement == Judgement::Accept {
            let (header, _) = parsed.clone().unwrap();
            assert!(digests.contains(&header.digest()), "{deed}: a block that does not exist goes on");
        }
        // Malformed bytes are told apart, well-formed ones by what they are worth.
        let verdict = match (parsed, judgement) {
            (Err(error), Judgement::Reject) => Err(Refused::from(error)),
            (Err(error), kind) => panic!("{deed}: {kind:?} of {error}"),
            (Ok(_), Judgement::Accept) => Ok(()),
            (Ok(_), kind) => Err(Refused { name: format!("Judgement::{kind:?}"), words: String::new() }),
        };
        verdicts.take("gossip", deed, &verdict);
    }
    let empty = gossip::head(&[]);
    assert!(matches!(empty, Err(Error::Truncated { .. })), "{empty:?}");
}
