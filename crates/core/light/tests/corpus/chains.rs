//! Chains of headers whose last has a certificate.

use super::{Random, Refused, Verdicts, World, bytes::spoil, heads::digest, read, world::NEWEST};
use bytes::Bytes;
use commonware_codec::Encode as _;
use ledger::{Header, Reply, query::MAX_HEADERS};
use light::{Client, Error};

pub fn judge(world: &World, random: &mut Random, verdicts: &mut Verdicts) {
    for turn in 0..2_000 {
        let last = world.any(random);
        let first = random.within(world.base(last) + 1, last);
        let mut client = world.client(random.within(world.base(last), first));
        let headers: Vec<Header> = (first..=last).map(|height| world.header(height)).collect();
        let finalization = world.chain.at(last).1;
        let (deed, verdict) = if turn % 2 == 0 {
            let other = world.any(random);
            let donor = encoded(vec![world.header(other)], world.chain.at(other).1);
            let (deed, bytes) = spoil(random, &encoded(headers, finalization), &donor);
            (deed, hand(&mut client, &bytes, world.now()))
        } else {
            let (deed, others, by) = forged(world, random, headers.clone(), finalization.clone());
            if others == headers && by == finalization {
                continue;
            }
            (deed, client.accept_chain(&others, &by, world.now()).map(drop))
        };
        world.believes(&client, matches!(verdict, Err(Error::Conflict { .. })), deed);
        verdicts.take("headers", deed, &verdict.map_err(Refused::from));
    }
}

fn hand(client: &mut Client, bytes: &[u8], now: u64) -> Result<(), Error> {
    match read::<Reply>("reply", bytes)? {
        Reply::Headers { headers, finalization } => client.accept_chain(&headers, &finalization, now).map(drop),
        _ => Err(Error::WrongReply),
    }
}

fn encoded(headers: Vec<Header>, finalization: Bytes) -> Vec<u8> {
    Reply::Headers { headers, finalization }.encode().to_vec()
}

fn forged(
    world: &World,
    random: &mut Random,
    mut headers: Vec<Header>,
    mut finalization: Bytes,
) -> (&'static str, Vec<Header>, Bytes) {
    let place = random.below(headers.len());
    let deed = match random.below(9) {
        0 => {
            headers.remove(place);
            "one left out"
        }
        1 => {
            headers.insert(place, headers[place].clone());
            "one twice"
        }
        2 => {
            let with = random.below(headers.len());
            headers.swap(place, with);
            "reordered"
        }
        3 => {
            headers[place] = world.changed(random, &headers[place], false);
            "a field changed"
        }
        4 => {
            headers.clear();
            "empty"
        }
        5 => {
            headers.resize(MAX_HEADERS + 1, headers[place].clone());
            "too many"
        }
        6 => {
            finalization = world.chain.at(world.any(random)).1;
            "another's certificate"
        }
        7 => {
            // From one place on another history, linked and signed, whose time stands still.
            headers = history(world, random, headers, place);
            if let Some(last) = headers.last() {
                finalization = world.certified(random, last);
            }
            "time does not rise"
        }
        _ => {
            let height = headers[place].height.get().min(NEWEST - 1);
            let child = Header { parent: digest(random), ..world.header(height + 1) };
            headers = vec![world.header(height), child.clone()];
            finalization = world.certified(random, &child);
            "a stranger's child"
        }
    };
    (deed, headers, finalization)
}

fn history(world: &World, random: &mut Random, mut headers: Vec<Header>, place: usize) -> Vec<Header> {
    let back = random.within(0, 3_000);
    for index in place..headers.len() {
        match index.checked_sub(1) {
            Some(before) => {
                let (parent, time) = (headers[before].digest(), headers[before].time);
                headers[index].parent = parent;
                headers[index].time = if index == place { time - back } else { time + 1 };
            }
            None => headers[index].time = world.header(0).time - back,
        }
    }
    headers
}
