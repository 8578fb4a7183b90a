//! Sends what it sent long ago once more: votes and certificates of old views and epochs, blocks and transactions.

use crate::dice::Dice;
use crate::wire::{Mail, Tamper};
use commonware_runtime::IoBuf;
use ledger::PublicKey;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Messages of a channel that it remembers.
const MOST: usize = 256;

#[derive(Default)]
pub struct Replayer(Mutex<BTreeMap<u64, Vec<IoBuf>>>);

impl Tamper for Replayer {
    fn send(&self, channel: u64, to: Vec<PublicKey>, message: IoBuf) -> Mail {
        let mut all = self.0.lock().unwrap();
        let sent = all.entry(channel).or_default();
        let mut dice = Dice::new(sent.len() as u64 ^ channel);
        let old = (!sent.is_empty()).then(|| dice.pick(sent).clone());
        if sent.len() < MOST {
            sent.push(message.clone());
        }
        old.into_iter().map(|old| (to.clone(), old)).chain([(to.clone(), message)]).collect()
    }
}
