//! Bodies of blocks and transactions in them, before the root of a header, and transactions that are passed around, before the
//! state of the chain.

use super::{Random, Refused, Verdicts, World, bytes::spoil, read};
use commonware_codec::Encode as _;
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use ledger::block::{InclusionError, verify_inclusion};
use ledger::{Action, Amount, Body, Height, Nonce, Refusal, Transaction};
use light::gossip;

pub fn judge(world: &World, random: &mut Random, verdicts: &mut Verdicts) {
    bodies(world, random, verdicts);
    inclusions(world, random, verdicts);
    passed_on(world, random, verdicts);
}

/// A block with transactions.
fn any(world: &World, random: &mut Random) -> u64 {
    loop {
        let height = world.any(random);
        if !world.chain.bodies[height as usize].transactions.is_empty() {
            return height;
        }
    }
}

fn bodies(world: &World, random: &mut Random, verdicts: &mut Verdicts) {
    for turn in 0..800 {
        let height = any(world, random);
        let honest = &world.chain.bodies[height as usize];
        let (deed, bytes) = if turn % 2 == 0 {
            let donor = any(world, random);
            spoil(random, &honest.encode(), &world.chain.bodies[donor as usize].encode())
        } else {
            let mut transactions = honest.transactions.clone();
            let place = random.below(transactions.len());
            let deed = match random.below(4) {
                0 => {
                    transactions.remove(place);
                    "one left out"
                }
                1 => {
                    transactions.insert(place, transactions[place].clone());
                    "one twice"
                }
                2 => {
                    transactions.reverse();
                    "reordered"
                }
                _ => {
                    let other = &world.chain.bodies[any(world, random) as usize].transactions;
                    transactions[place] = random.of(other).clone();
                    "another block's"
                }
            };
            (deed, Body { transactions }.encode().to_vec())
        };
        if bytes == honest.encode() {
            continue;
        }
        let verdict = body(world, height, &bytes);
        assert!(verdict.as_ref().map_or(true, |body| body == honest), "{deed}: another body is believed");
        verdicts.take("body", deed, &verdict.map(drop));
    }
}

fn body(world: &World, height: u64, bytes: &[u8]) -> Result<Body, Refused> {
    let body = read::<Body>("body", bytes)?;
    let root = world.header(height).transactions;
    if body.root() == root {
        Ok(body)
    } else {
        Err(Refused::by_ledger("Body", &InclusionError::WrongRoot { index: 0, root }))
    }
}

fn inclusions(world: &World, random: &mut Random, verdicts: &mut Verdicts) {
    for turn in 0..800 {
        let height = any(world, random);
        let transactions = &world.chain.bodies[height as usize].transactions;
        let at = random.below(transactions.len()) as u32;
        let honest = world.chain.bodies[height as usize].prove(at).unwrap();
        let original = (world.header(height).transactions, at, transactions[at as usize].digest(), honest.to_vec());
        let (mut root, mut index, mut digest, mut proof) = original.clone();
        let other = any(world, random);
        let elsewhere = &world.chain.bodies[other as usize];
        let mut deed = "another index";
        match turn % 5 {
            0 => index ^= 1 << random.below(31),
            1 => {
                digest = random.of(&elsewhere.transactions).digest();
                deed = "another transaction";
            }
            2 => {
                root = world.header(other).transactions;
                deed = "another block";
            }
            _ => {
                let donor = elsewhere.prove(random.below(elsewhere.transactions.len()) as u32).unwrap();
                (deed, proof) = spoil(random, &honest, &donor);
            }
        }
        if (root, index, digest, &proof) == (original.0, original.1, original.2, &original.3) {
            continue;
        }
        let verdict = verify_inclusion(&root, index, &digest, &proof);
        let true_of = |(height, body): (usize, &Body)| {
            let there = body.transactions.get(index as usize).is_some_and(|there| there.digest() == digest);
            there && world.chain.headers[height].transactions == root
        };
        assert!(verdict.is_err() || world.chain.bodies.iter().enumerate().any(true_of), "{deed}: it is not there");
        verdicts.take("inclusion", deed, &verdict.map_err(|error| Refused::by_ledger("Inclusion", &error)));
    }
}

fn passed_on(world: &World, random: &mut Random, verdicts: &mut Verdicts) {
    for turn in 0..1_200 {
        let height = any(world, random);
        let honest = random.of(&world.chain.bodies[height as usize].transactions).clone();
        let (deed, bytes) = if turn % 2 == 0 {
            let donor = any(world, random);
            let donor = random.of(&world.chain.bodies[donor as usize].transactions).encode();
            spoil(random, &honest.encode(), &donor)
        } else {
            let (deed, transaction) = forged(world, random, height, &honest);
            (deed, transaction.encode().to_vec())
        };
        let verdict = admit(world, height, &bytes);
        assert!(verdict.as_ref().map_or(true, |taken| *taken == honest), "{deed}: another transaction is taken");
        verdicts.take("transaction", deed, &verdict.map(drop));
    }
}

/// As a peer that has followed up to the block before judges what it hears.
fn admit(world: &World, height: u64, bytes: &[u8]) -> Result<Transaction, Refused> {
    let transaction = gossip::transaction(bytes).map_err(Refused::from)?;
    let before = height - 1;
    match world.chain.states[before as usize].check(&transaction, &world.after(before)) {
        Ok(()) => Ok(transaction),
        // It is the next but for those before it in the block.
        Err(Refusal::NonceAhead { .. }) if world.chain.bodies[height as usize].transactions.contains(&transaction) => {
            Ok(transaction)
        }
        Err(refusal) => Err(Refused::by_ledger("Refusal", &refusal)),
    }
}

fn forged(world: &World, random: &mut Random, height: u64, honest: &Transaction) -> (&'static str, Transaction) {
    let giver = PrivateKey::from_seed(1);
    let stranger = PrivateKey::from_seed(40_000 + random.next() % 100);
    let action = || Action::Transfer { to: stranger.public_key(), amount: Amount(u64::MAX >> 2) };
    let expires = Height(height + 5);
    let nonce = Nonce(random.within(0, 3));
    match random.below(7) {
        0 => ("replayed", Transaction::sign(&giver, world.chain.id(), nonce, expires, action())),
        1 => ("ahead", Transaction::sign(&giver, world.chain.id(), Nonce(500 + nonce.0), expires, action())),
        2 => ("other chain", Transaction::sign(&giver, world.other.chain(), nonce, expires, action())),
        3 => ("expired", Transaction::sign(&giver, world.chain.id(), nonce, Height(random.within(0, 1)), action())),
        4 => {
            let late = Height(height + 61 + random.next() % 1_000);
            ("expires too late", Transaction::sign(&giver, world.chain.id(), nonce, late, action()))
        }
        5 => ("a stranger's", Transaction::sign(&stranger, world.chain.id(), Nonce(0), expires, action())),
        _ => ("long gone", {
            let old = random.of(&world.chain.bodies[4].transactions).clone();
            if height > 4 {
                old
            } else {
                Transaction::sign(&stranger, world.other.chain(), honest.nonce, expires, action())
            }
        }),
    }
}
