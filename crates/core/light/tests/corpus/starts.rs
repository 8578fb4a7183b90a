//! Where a client begins: the bytes of a genesis, and checkpoints.

use super::{Random, Refused, Verdicts, World, bytes::spoil, heads::digest, world::NEWEST};
use commonware_codec::Encode as _;
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use ledger::{Amount, Founder, Genesis, Height, Parameters};
use light::{Client, Error, MAX_GENESIS};

pub fn judge(world: &World, random: &mut Random, verdicts: &mut Verdicts) {
    geneses(world, random, verdicts);
    checkpoints(world, random, verdicts);
}

fn geneses(world: &World, random: &mut Random, verdicts: &mut Verdicts) {
    let honest = world.chain.genesis.encode();
    assert_eq!(light::genesis(world.chain.id(), &honest).as_ref(), Ok(&world.chain.genesis));
    for turn in 0..600 {
        let (deed, bytes) = match turn % 4 {
            0..=2 => spoil(random, &honest, &world.other.encode()),
            _ => forged(world, random),
        };
        let verdict = light::genesis(world.chain.id(), &bytes);
        assert!(verdict.as_ref().map_or(true, |genesis| *genesis == world.chain.genesis), "{deed}");
        verdicts.take("genesis", deed, &verdict.map(drop).map_err(Refused::from));
    }
}

fn forged(world: &World, random: &mut Random) -> (&'static str, Vec<u8>) {
    let mut genesis: Genesis = world.chain.genesis.clone();
    let deed = match random.below(6) {
        0 => {
            genesis.name = "other".into();
            "other chain"
        }
        1 => {
            genesis.time += random.within(1, 1 << 30);
            "begins later"
        }
        2 => {
            genesis.parameters = Parameters { tempo: random.within(5, 100), ..genesis.parameters };
            "another tempo"
        }
        3 => {
            let key = PrivateKey::from_seed(random.next() % 1_000).public_key();
            genesis.neurons.push(Founder { key, modality: 0, stake: Amount(1) });
            "a founder more"
        }
        4 => {
            genesis.validators.pop();
            "a validator less"
        }
        _ => return ("too long", vec![random.byte(); MAX_GENESIS + 1 + random.below(64)]),
    };
    (deed, genesis.encode().to_vec())
}

fn checkpoints(world: &World, random: &mut Random, verdicts: &mut Verdicts) {
    for _ in 0..600 {
        let height = random.within(0, NEWEST - 1);
        let mut checkpoint = world.chain.checkpoint_at(height as usize);
        let mut now = world.now();
        let deed = match random.below(8) {
            0 => {
                checkpoint.validators.clear();
                "nobody validates"
            }
            1 => {
                let key = checkpoint.validators[0].clone();
                checkpoint.validators.push(key);
                "a key twice"
            }
            2 => {
                checkpoint.validators =
                    (0..65 + random.next() % 9).map(|seed| PrivateKey::from_seed(seed).public_key()).collect();
                "too many keys"
            }
            3 => {
                now += world.chain.genesis.parameters.trust_period + random.within(1, 1 << 40);
                "too late"
            }
            4 => {
                checkpoint.validators = world.chain.validators_of(random.within(0, 6));
                "other validators"
            }
            5 => {
                checkpoint.digest = digest(random);
                "another digest"
            }
            6 => {
                checkpoint.height = Height(random.within(0, NEWEST));
                "another height"
            }
            _ => {
                checkpoint.time += random.within(0, 5_000);
                "another time"
            }
        };
        // Whoever trusts what is false can be led anywhere by those who made it, but not by the chain.
        let verdict = begin(world, checkpoint, now, height + 1);
        verdicts.take("checkpoint", deed, &verdict.map_err(Refused::from));
    }
}

/// Begins there, and is told of the next block of the chain.
fn begin(world: &World, checkpoint: light::Checkpoint, now: u64, next: u64) -> Result<(), Error> {
    let mut client = Client::new(&world.chain.genesis, checkpoint, now)?;
    let (header, finalization) = world.chain.at(next);
    client.accept(header, &finalization, now).map(drop)
}
