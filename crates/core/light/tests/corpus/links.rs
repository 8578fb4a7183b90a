//! Links: how the set of validators goes on, from the first epoch or a later one.

use super::{Random, Refused, Verdicts, World, bytes::spoil, heads::digest, read, world::TEMPO};
use commonware_codec::Encode as _;
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use ledger::query::{Link, MAX_LINKS};
use ledger::{Header, Height, PublicKey, Reply, header::validators_digest};
use light::{Client, Error};

pub fn judge(world: &World, random: &mut Random, verdicts: &mut Verdicts) {
    let all = world.chain.links(1, u64::MAX);
    let epochs = all.len() as u64;
    for turn in 0..2_400 {
        // The client knows an epoch, and is told of those that follow, some it may know.
        let known = random.within(0, epochs - 1);
        let from = random.within(known.saturating_sub(1), known) + 1;
        let mut client = world.client(known * TEMPO);
        let links = world.chain.links(from, from + random.within(0, 3));
        let (deed, verdict) = if turn % 2 == 0 {
            let donor = world.chain.links(random.within(1, epochs), epochs);
            let (deed, bytes) = spoil(random, &encoded(links), &encoded(donor));
            (deed, hand(&mut client, &bytes, world.now()))
        } else {
            let (deed, forged) = forged(world, random, links.clone());
            if forged == links {
                continue;
            }
            let verdict = client.accept_links(&forged, world.now());
            (deed, verdict)
        };
        // Where a quorum elects a set that cannot be, its word is what the client stops with.
        if !matches!(verdict, Err(Error::BadValidators { .. })) {
            world.believes(&client, matches!(verdict, Err(Error::Conflict { .. })), deed);
            // Nothing of it keeps it from the truth, but for proof that there are two.
            if client.evidence().is_none() {
                client.accept_links(&world.chain.links(client.epoch() + 1, epochs), world.now()).unwrap();
                assert_eq!(client.epoch(), epochs, "{deed}");
            }
        }
        verdicts.take("links", deed, &verdict.map_err(Refused::from));
    }
}

fn hand(client: &mut Client, bytes: &[u8], now: u64) -> Result<(), Error> {
    match read::<Reply>("reply", bytes)? {
        Reply::Epochs { links } => client.accept_links(&links, now),
        _ => Err(Error::WrongReply),
    }
}

fn encoded(links: Vec<Link>) -> Vec<u8> {
    Reply::Epochs { links }.encode().to_vec()
}

fn forged(world: &World, random: &mut Random, mut links: Vec<Link>) -> (&'static str, Vec<Link>) {
    let place = random.below(links.len());
    let other = world.chain.link(random.within(1, 6));
    let link = &mut links[place];
    let epoch = world.epoch(link.header.height.get());
    // What follows is by validators who really signed: those of the epoch that the link ends.
    let sign = |random: &mut Random, header: &Header| world.certified(random, header);
    let deed = match random.below(18) {
        0 => {
            links.remove(place);
            "one left out"
        }
        1 => {
            links.insert(place, links[place].clone());
            "one twice"
        }
        2 => {
            let with = random.below(links.len());
            links.swap(place, with);
            "reordered"
        }
        3 => {
            link.header = world.changed(random, &link.header, false);
            "a field changed"
        }
        4 => {
            link.finalization = other.finalization;
            "another's certificate"
        }
        5 => {
            link.validators = other.validators;
            "another's keys"
        }
        6 => {
            link.header = other.header;
            "another's header"
        }
        7 => {
            let key = random.below(link.validators.len());
            link.validators.remove(key);
            "a key left out"
        }
        8 => {
            let key = random.below(link.validators.len());
            link.validators[key] = stranger(random);
            "a key replaced"
        }
        9 => {
            link.validators.push(stranger(random));
            "a key more"
        }
        10 => {
            link.validators = vec![stranger(random)];
            link.header.validators = validators_digest(&link.validators);
            "elected by nobody"
        }
        11 => {
            let few = random.below(world.quorum(epoch));
            link.finalization = world.signed(random, &link.header, few).encode();
            "too few"
        }
        12 => {
            link.finalization = world.signed_elsewhere(epoch, &link.header).encode();
            "other chain"
        }
        13 => {
            // They take office one block early.
            link.header.height = Height(link.header.height.get() - random.within(1, TEMPO - 1));
            link.finalization = sign(random, &link.header);
            "no end of an epoch"
        }
        14 => {
            let first = link.validators[0].clone();
            link.validators = match random.below(3) {
                0 => Vec::new(),
                1 => vec![first.clone(), first],
                _ => (0..65).map(|seed| PrivateKey::from_seed(20_000 + seed).public_key()).collect(),
            };
            link.header = Header { validators: validators_digest(&link.validators), ..link.header.clone() };
            link.finalization = sign(random, &link.header);
            "a set that cannot be"
        }
        15 => {
            // A quorum elects two sets.
            let twice = Link {
                header: Header { context: digest(random), ..link.header.clone() },
                validators: link.validators.clone(),
                finalization: ::bytes::Bytes::new(),
            };
            let finalization = sign(random, &twice.header);
            links.insert(place + 1, Link { finalization, ..twice });
            "two ends of an epoch"
        }
        16 => {
            link.header.time = world.header(0).time - random.within(0, 1_000);
            link.header.parent = digest(random);
            link.finalization = sign(random, &link.header);
            "time does not rise"
        }
        _ => {
            links = vec![links[place].clone(); MAX_LINKS + 1];
            "too many"
        }
    };
    (deed, links)
}

fn stranger(random: &mut Random) -> PublicKey {
    PrivateKey::from_seed(30_000 + random.next() % 1_000).public_key()
}
