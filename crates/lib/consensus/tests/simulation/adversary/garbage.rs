//! Sends rubbish beside each message: bytes of no meaning, the message with one bit turned, and its beginning.

use crate::dice::Dice;
use crate::wire::{Mail, Tamper};
use commonware_runtime::IoBuf;
use ledger::PublicKey;
use std::sync::Mutex;

pub struct Garbage(Mutex<Dice>);

impl Default for Garbage {
    fn default() -> Self {
        Self(Mutex::new(Dice::new(0)))
    }
}

impl Tamper for Garbage {
    fn send(&self, _: u64, to: Vec<PublicKey>, message: IoBuf) -> Mail {
        let mut dice = self.0.lock().unwrap();
        let mut turned = message.as_ref().to_vec();
        if !turned.is_empty() {
            let place = dice.below(turned.len());
            turned[place] ^= 1 << dice.below(8);
        }
        let cut = turned[..dice.below(turned.len() + 1)].to_vec();
        // The first byte of most messages is the epoch.
        let epoch = dice.between(0, 6).to_le_bytes()[0];
        let rubbish = [&[epoch][..], &dice.bytes(400)].concat();
        let all = [turned, cut, rubbish].map(IoBuf::from);
        all.into_iter().chain([message]).map(|message| (to.clone(), message)).collect()
    }
}
