//! Leaves with their proofs, and tables in pieces, before the roots of a verified block.

use super::{Random, Refused, Verdicts, World, bytes::spoil, read};
use bytes::Bytes;
use commonware_codec::Encode as _;
use ledger::{Reply, Table};
use light::tables::{self, Assembly, MAX_LEAVES};
use light::{Accepted, Error, Verified};

pub fn judge(world: &World, random: &mut Random, verdicts: &mut Verdicts) {
    let heads: Vec<Verified> = [9, 12, 26].map(|height| verified(world, height)).into();
    for turn in 0..2_000 {
        let head = random.of(&heads);
        let (asked, honest) = any(world, random, head);
        let (deed, bytes) = if turn % 2 == 0 {
            let other = random.of(&heads);
            let donor = any(world, random, other).1;
            spoil(random, &honest.encode(), &donor.encode())
        } else {
            forged_leaf(world, random, &heads, asked, &honest)
        };
        if bytes == honest.encode() {
            continue;
        }
        let verdict = check_leaf(head, asked, &bytes);
        let Reply::Leaf { leaf: known, .. } = &honest else { panic!("no leaf") };
        assert!(verdict.as_ref().map_or(true, |leaf| leaf == known), "{deed}: another leaf is believed");
        verdicts.take("leaf", deed, &verdict.map(drop).map_err(Refused::from));
    }
    for turn in 0..2_000 {
        let head = random.of(&heads);
        let table = *random.of(&[Table::Accounts, Table::Epoch, Table::Accounts, Table::Neurons, Table::Weights]);
        let state = &world.chain.states[head.height().get() as usize];
        let leaves = state.leaves(table);
        let honest = pieces(random, &leaves);
        let (deed, pieces) = if turn % 2 == 0 {
            spoilt_pieces(random, honest.clone())
        } else {
            let other = &world.chain.states[random.of(&heads).height().get() as usize];
            forged_pieces(random, honest.clone(), &other.leaves(table))
        };
        if pieces == honest {
            continue;
        }
        let verdict = check_pieces(head, table, &pieces);
        assert!(verdict.as_ref().map_or(true, |got| *got == leaves), "{deed}: another table is believed");
        verdicts.take("table", deed, &verdict.map(drop).map_err(Refused::from));
    }
}

/// The table and the index that were asked for.
type Asked = (Table, u32);

pub fn verified(world: &World, height: u64) -> Verified {
    let mut client = world.client(world.base(height));
    let (header, finalization) = world.chain.at(height);
    match client.accept(header, &finalization, world.now()) {
        Ok(Accepted::New(verified)) => verified,
        other => panic!("{other:?}"),
    }
}

/// Any leaf of this block.
fn any(world: &World, random: &mut Random, head: &Verified) -> (Asked, Reply) {
    let state = &world.chain.states[head.height().get() as usize];
    loop {
        let table = *random.of(&Table::ALL);
        let index = random.below(state.leaves(table).len().max(1)) as u32;
        if let Some(proven) = state.prove(table, index) {
            return ((table, index), Reply::Leaf { index, leaf: proven.leaf, proof: proven.proof });
        }
    }
}

fn check_leaf(head: &Verified, (table, asked): Asked, bytes: &[u8]) -> Result<Bytes, Error> {
    match read::<Reply>("reply", bytes)? {
        Reply::Leaf { index, leaf, proof } => {
            tables::leaf(head.header(), table, asked, index, &leaf, &proof).map(|()| leaf)
        }
        _ => Err(Error::WrongReply),
    }
}

fn forged_leaf(
    world: &World,
    random: &mut Random,
    heads: &[Verified],
    (table, asked): Asked,
    honest: &Reply,
) -> (&'static str, Vec<u8>) {
    let Reply::Leaf { index, leaf, proof } = honest.clone() else { panic!("no leaf") };
    let other = random.of(heads);
    let (_, Reply::Leaf { index: other_index, leaf: other_leaf, proof: other_proof }) = any(world, random, other)
    else {
        panic!("no leaf")
    };
    let (deed, forged) = match random.below(7) {
        0 => ("another index", Reply::Leaf { index: index ^ (1 << random.below(31)), leaf, proof }),
        1 => ("another leaf", Reply::Leaf { index, leaf: other_leaf, proof }),
        2 => ("another proof", Reply::Leaf { index, leaf, proof: other_proof }),
        3 => ("another's place", Reply::Leaf { index, leaf: other_leaf, proof: other_proof }),
        4 => ("another answer", Reply::Leaf { index: other_index, leaf: other_leaf, proof: other_proof }),
        5 => {
            // As it was or will be.
            let state = &world.chain.states[world.any(random) as usize];
            let proven = state.prove(table, asked);
            let stale = proven.map(|proven| Reply::Leaf { index, leaf: proven.leaf, proof: proven.proof });
            ("another block", stale.unwrap_or(Reply::NoSuch))
        }
        _ => {
            let others = [
                Reply::NoSuch,
                Reply::Unavailable { reason: "not kept".into() },
                Reply::Table { total: 1, from: 0, leaves: vec![leaf] },
                Reply::Accepted { digest: super::heads::digest(random) },
            ];
            ("no leaf", random.of(&others).clone())
        }
    };
    (deed, forged.encode().to_vec())
}

/// Encoded replies, which together are the table.
fn pieces(random: &mut Random, leaves: &[Bytes]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    loop {
        let count = 1 + random.below(3);
        let leaves_here: Vec<Bytes> = leaves.iter().skip(from).take(count).cloned().collect();
        let here = leaves_here.len();
        pieces.push(piece(leaves.len(), from, leaves_here));
        from += here;
        if from >= leaves.len() {
            return pieces;
        }
    }
}

fn piece(total: usize, from: usize, leaves: Vec<Bytes>) -> Vec<u8> {
    Reply::Table { total: total as u32, from: from as u32, leaves }.encode().to_vec()
}

fn check_pieces(head: &Verified, table: Table, pieces: &[Vec<u8>]) -> Result<Vec<Bytes>, Error> {
    let mut assembly = Assembly::new(table);
    for bytes in pieces {
        match read::<Reply>("reply", bytes)? {
            Reply::Table { total, from, leaves } => {
                if let Some(tree) = assembly.add(head.header(), total, from, leaves)? {
                    return Ok(tree.leaves().to_vec());
                }
            }
            _ => return Err(Error::WrongReply),
        }
    }
    // What is missing is asked for, and nothing comes.
    assembly.add(head.header(), u32::MAX, assembly.next(), Vec::new()).map(|_| Vec::new())
}

fn spoilt_pieces(random: &mut Random, mut pieces: Vec<Vec<u8>>) -> (&'static str, Vec<Vec<u8>>) {
    let place = random.below(pieces.len());
    let donor = random.of(&pieces).clone();
    let (deed, spoilt) = spoil(random, &pieces[place], &donor);
    pieces[place] = spoilt;
    (deed, pieces)
}

fn forged_pieces(random: &mut Random, mut pieces: Vec<Vec<u8>>, other: &[Bytes]) -> (&'static str, Vec<Vec<u8>>) {
    let place = random.below(pieces.len());
    let Ok(Reply::Table { mut total, mut from, mut leaves }) = read::<Reply>("reply", &pieces[place]) else {
        panic!("no table")
    };
    let deed = match random.below(10) {
        0 => {
            pieces.remove(place);
            return ("a piece left out", pieces);
        }
        1 => {
            pieces.insert(place, pieces[place].clone());
            return ("a piece twice", pieces);
        }
        2 => {
            let with = random.below(pieces.len());
            pieces.swap(place, with);
            return ("pieces reordered", pieces);
        }
        3 => {
            total = total.wrapping_add(random.next() as u32 % 5).wrapping_sub(2);
            "another total"
        }
        4 => {
            total = MAX_LEAVES + 1 + random.next() as u32 % 1_000;
            "an endless table"
        }
        5 => {
            from = from.wrapping_add(random.next() as u32 % 5).wrapping_sub(2);
            "another beginning"
        }
        6 => {
            leaves.reverse();
            "leaves reordered"
        }
        7 => {
            leaves.clear();
            "an empty piece"
        }
        8 => {
            if let Some(leaf) = leaves.first_mut() {
                *leaf = random.of(other).clone();
            }
            "another block's leaf"
        }
        _ => {
            leaves.push(random.of(other).clone());
            "a leaf more"
        }
    };
    pieces[place] = piece(total as usize, from as usize, leaves);
    (deed, pieces)
}
