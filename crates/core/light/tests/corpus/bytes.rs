//! What is done to bytes without knowing what they are.

use super::random::Random;

/// The names of all that is done, in the order of [`spoil`].
const DEEDS: [&str; 12] = [
    "bit flipped",
    "byte set",
    "truncated",
    "trailing bytes",
    "range deleted",
    "range inserted",
    "range doubled",
    "ranges swapped",
    "range zeroed",
    "spliced in place",
    "spliced to another's end",
    "another version",
];

/// Spoils `honest`, perhaps with bytes of `donor`, until it is another; the name of what was done.
pub fn spoil(random: &mut Random, honest: &[u8], donor: &[u8]) -> (&'static str, Vec<u8>) {
    loop {
        let deed = random.below(DEEDS.len());
        let spoilt = work(deed, random, honest, donor);
        if spoilt != honest {
            return (DEEDS[deed], spoilt);
        }
    }
}

fn work(deed: usize, random: &mut Random, honest: &[u8], donor: &[u8]) -> Vec<u8> {
    let mut bytes = honest.to_vec();
    let length = bytes.len();
    // Somewhere, and a short way on.
    let at = random.below(length);
    let end = (at + 1 + random.below(32)).min(length);
    match deed {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.byte(),
        2 => bytes.truncate(at),
        3 => {
            let count = 1 + random.below(40);
            bytes.extend(random.bytes(count));
        }
        4 => drop(bytes.drain(at..end)),
        5 => {
            let inserted = random.bytes(end - at);
            bytes.splice(at..at, inserted);
        }
        6 => {
            let doubled = bytes[at..end].to_vec();
            bytes.splice(at..at, doubled);
        }
        7 => {
            let other = random.below(length);
            let count = (end - at).min(at.abs_diff(other)).min(length - other);
            (0..count).for_each(|step| bytes.swap(at + step, other + step));
        }
        8 => bytes[at..end].fill(0),
        9 => {
            let here = at.min(donor.len())..end.min(donor.len());
            bytes[here.clone()].copy_from_slice(&donor[here]);
        }
        10 => {
            bytes.truncate(at);
            let from = random.below(donor.len());
            bytes.extend(&donor[from..]);
        }
        _ => bytes[0] = bytes[0].wrapping_add(1 + random.byte() % 7),
    }
    bytes
}
