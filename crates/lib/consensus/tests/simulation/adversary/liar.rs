//! Answers questions for blocks and certificates wrongly: with the answer to an earlier question, or a damaged one.

use crate::wire::{BACKFILL, Mail, RESOLVER, Tamper};
use commonware_runtime::IoBuf;
use ledger::PublicKey;
use std::sync::Mutex;

/// Questions are shorter.
const ANSWER: usize = 128;

#[derive(Default)]
pub struct Liar(Mutex<Vec<IoBuf>>);

impl Tamper for Liar {
    fn send(&self, channel: u64, to: Vec<PublicKey>, message: IoBuf) -> Mail {
        if ![BACKFILL, RESOLVER].contains(&channel) || message.as_ref().len() < ANSWER {
            return vec![(to, message)];
        }
        let mut given = self.0.lock().unwrap();
        let mut lie = message.as_ref().to_vec();
        if let Some(earlier) =
            given.iter().find(|earlier| earlier.as_ref().len() == lie.len() && given.len().is_multiple_of(2))
        {
            // The number of the question, and the body of another answer.
            lie[16..].copy_from_slice(&earlier.as_ref()[16..]);
        } else {
            let middle = lie.len() / 2;
            lie[middle] ^= 1;
        }
        given.push(message);
        vec![(to, IoBuf::from(lie))]
    }
}
