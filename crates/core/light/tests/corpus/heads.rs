//! Heads: a header with its certificate, to clients that trust some block of the chain.

use super::{Random, Refused, Verdicts, World, bytes::spoil, world::NEWEST};
use bytes::Bytes;
use commonware_codec::Encode as _;
use ledger::{Digest, Header, Height, Reply};
use light::{Client, Error, epochs, gossip};

pub fn judge(world: &World, random: &mut Random, verdicts: &mut Verdicts) {
    for turn in 0..2_400 {
        let height = world.any(random);
        let head = (world.header(height), world.chain.at(height).1);
        let mut client = world.client(world.base(height));
        if turn % 2 == 0 {
            let donor = encoded(world.chain.at(world.any(random)));
            let (deed, bytes) = spoil(random, &encoded(head), &donor);
            let verdict = hand(&mut client, &bytes, world.now());
            world.believes(&client, false, deed);
            verdicts.take("head", deed, &verdict.map_err(Refused::from));
        } else {
            let (deed, client, verdict) = forged(world, random, height);
            world.believes(&client, matches!(verdict, Err(Error::Conflict { .. })), deed);
            verdicts.take("head", deed, &verdict.map_err(Refused::from));
        }
    }
}

/// As a neighbour or a source hands it in.
fn hand(client: &mut Client, bytes: &[u8], now: u64) -> Result<(), Error> {
    let (header, finalization) = gossip::head(bytes)?;
    client.accept(header, &finalization, now).map(drop)
}

fn encoded((header, finalization): (Header, Bytes)) -> Vec<u8> {
    Reply::Head { header, finalization }.encode().to_vec()
}

/// A head by those who know how one is made, or to a client to whom it is of no use.
fn forged(world: &World, random: &mut Random, height: u64) -> (&'static str, Client, Result<(), Error>) {
    let header = world.header(height);
    let honest = world.chain.at(height).1;
    let (base, now) = (world.base(height), world.now());
    let epoch = world.epoch(height);
    let mut client = world.client(base);
    let say = |deed, mut client: Client, header: Header, finalization: Bytes, now| {
        let bytes = encoded((header, finalization));
        let verdict = hand(&mut client, &bytes, now);
        (deed, client, verdict)
    };
    match random.below(14) {
        0 => {
            let changed = world.changed(random, &header, false);
            say("a field changed", client, changed, honest, now)
        }
        1 => {
            let other = world.any(random);
            say("another's certificate", client, header, world.chain.at(other).1, now)
        }
        2 => {
            let few = random.below(world.quorum(epoch));
            let few = world.signed(random, &header, few).encode();
            say("too few", client, header, few, now)
        }
        3 => {
            let made = world.signed_elsewhere(epoch, &header).encode();
            say("other chain", client, header, made, now)
        }
        4 => {
            let changed = world.changed(random, &header, false);
            let made = world.signed_by_strangers(epoch, &changed).encode();
            say("strangers", client, changed, made, now)
        }
        5 => {
            client.accept(header.clone(), &honest, now).unwrap();
            let changed = world.changed(random, &header, true);
            let made = world.certified(random, &changed);
            say("a second block of a height", client, changed, made, now)
        }
        6 => {
            // Where another set may not be elected.
            let height = if epochs::after(header.height, super::world::TEMPO) > epoch { height - 1 } else { height };
            let changed = Header { validators: digest(random), ..world.header(height) };
            let made = world.certified(random, &changed);
            say("an election within an epoch", client, changed, made, now)
        }
        7 => {
            let trusted = world.header(base);
            let changed = Header { time: trusted.time - random.within(0, 5_000), parent: digest(random), ..header };
            let made = world.certified(random, &changed);
            say("time does not rise", client, changed, made, now)
        }
        8 => {
            let changed = world.changed(random, &header, true);
            let made = world.certified(random, &changed);
            say("not the checkpoint", world.client(height), changed, made, now)
        }
        9 => {
            let height = height.min(NEWEST - 1);
            let orphan = Header { parent: digest(random), ..world.header(height + 1) };
            let made = world.certified(random, &orphan);
            say("a stranger's child", world.client(height), orphan, made, now)
        }
        10 => {
            let before = random.within(0, base.saturating_sub(1));
            say("an epoch ahead", world.client(before), header, honest, now)
        }
        11 => {
            let after = random.within(height, NEWEST);
            say("an old one", world.client(after), header, honest, now)
        }
        12 => {
            let late = now + world.chain.genesis.parameters.trust_period + random.within(1, 1 << 40);
            say("too late", client, header, honest, late)
        }
        _ => {
            let beyond = Header { height: Height(NEWEST + random.within(3, 1 << 30)), ..header };
            let made = world.chain.sign(6, beyond.digest(), &[0, 1]).encode();
            say("far ahead", client, beyond, made, now)
        }
    }
}

pub fn digest(random: &mut Random) -> Digest {
    Digest::from(<[u8; 32]>::try_from(random.bytes(32)).unwrap())
}
