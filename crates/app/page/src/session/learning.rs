//! The trainer: when its worker starts, what it is given to learn from, and what this tab says of itself because of that.
//!
//! A tab that only asks others has no trainer: its module loads with the first source. What comes before it has loaded waits.

use super::{Session, Training, Word, hello};
use protocol::{
    exchange::{Modalities, Modality},
    port::{
        auditor,
        trainer::{Command, Content, Source},
    },
    record::Record,
};
use wasm_bindgen_futures::spawn_local;

/// What is told to neighbours and ledger of what this tab learns, and what waits for the trainer.
#[derive(Default)]
pub(super) struct Learning {
    /// For the trainer, once its module has loaded.
    waiting: Vec<Command>,
    /// What is represented here; none before something is learned.
    pub(super) modalities: Modalities,
    /// The first of them, or the one that is to come, for the ledger.
    pub(super) modality: Option<Modality>,
    /// Base units for 1,024 positions; 0: not for sale.
    pub(super) price: u64,
    /// Whether purchases can be verified here.
    pub(super) sells: bool,
    /// Whether neighbours are neither asked nor answered.
    pub(super) offline: bool,
    /// The newest own record.
    pub(super) record: Option<Record>,
}

impl Session {
    /// What to learn from next; its content follows.
    pub(super) fn learn(&mut self, source: Source, private: bool) {
        if self.trainer.is_none() && self.training == Training::Absent {
            self.training = Training::Loading;
            self.trainer = self.worker(super::Part::Trainer);
        }
        if let Some(modality) = known(&source) {
            self.learning.modality.get_or_insert(modality);
            self.take_part();
        }
        self.train(Command::Learn { source, private });
    }

    /// A piece of that.
    pub(super) fn give(&mut self, content: Content) {
        self.train(Command::Give { content });
    }

    /// Tells the trainer, now or when it has loaded.
    pub(super) fn train(&mut self, command: Command) {
        match self.training {
            Training::Loading => self.learning.waiting.push(command),
            Training::Loaded | Training::Runs => self.to_trainer(&command),
            Training::Absent | Training::Ended => {}
        }
    }

    /// The trainer's module has loaded.
    pub(super) fn on_loaded(&mut self) {
        self.training = Training::Loaded;
        for command in std::mem::take(&mut self.learning.waiting) {
            self.to_trainer(&command);
        }
        self.begin();
    }

    /// Starts the trainer once there are a key and the wish to take part.
    pub(super) fn begin(&mut self) {
        if self.training != Training::Loaded || !self.joined {
            return;
        }
        let Some(key) = self.key.clone() else { return };
        let seed = u64::from((js_sys::Math::random() * f64::from(u32::MAX)) as u32);
        self.training = Training::Runs;
        // What is kept belongs to the tab that has the identity of this browser.
        let chain = self.keys.kept().map(|_| self.chain.to_string());
        self.to_trainer(&Command::Start { key, chain, seed, device: self.options.device });
        self.tell_neighbours();
        if self.learning.price > 0 {
            self.to_trainer(&Command::Price { price: self.learning.price });
        }
        if self.paused {
            self.to_trainer(&Command::Pause { paused: true });
        }
    }

    /// Registers and signs, once it is known what this tab represents.
    pub(super) fn take_part(&mut self) {
        if let Some(modality) = self.learning.modality.filter(|_| self.joined) {
            self.to_auditor(&auditor::Command::Modality { modality: modality.number() });
            self.to_auditor(&auditor::Command::Join);
        }
    }

    /// Something is learned from now.
    pub(super) fn on_learned(&mut self, modalities: u8) {
        let modalities = Modalities::from_bits(modalities).unwrap_or_default();
        if let Some(first) = modalities.iter().next()
            && self.learning.modality.is_none()
        {
            self.learning.modality = Some(first);
            self.take_part();
        }
        self.learning.modalities = modalities;
        self.say_hello();
    }

    /// What answers are multiplied with from now on.
    pub(super) fn masks(&mut self, masks: Vec<(String, f64)>) {
        self.train(Command::Masks { masks });
    }

    /// The price from now on, base units for 1,024 positions.
    pub(super) fn price(&mut self, price: u64) {
        self.learning.price = price;
        self.train(Command::Price { price });
        self.say_hello();
    }

    /// Cuts learning off from the network, or ends that. The ledger is followed all the same.
    pub(super) fn offline(&mut self, offline: bool) {
        self.learning.offline = offline;
        self.tell_neighbours();
    }

    /// Tells all neighbours who this is.
    pub(super) fn say_hello(&self) {
        let price = if self.learning.sells { self.learning.price } else { 0 };
        let hello = hello(self.chain, self.learning.modalities, price, self.learning.record.clone());
        let network = self.network.clone();
        spawn_local(async move {
            // A network that has stopped needs no hello.
            let _ = network.set_hello(hello).await;
        });
    }

    /// What a word of the script is for the trainer.
    pub(super) fn on_training(&mut self, word: Word) {
        match word {
            Word::Learn(source, private) => self.learn(source, private),
            Word::Give(content) => self.give(content),
            Word::Train(command) => self.train(command),
            Word::Offline(offline) => self.offline(offline),
            Word::Price(price) => self.price(price),
            _ => {}
        }
    }
}

/// What a source is learned as, where that is known before it is read. A bridge counts as what it is asked about first.
fn known(source: &Source) -> Option<Modality> {
    match source {
        Source::Text | Source::Captions => Some(Modality::Text),
        Source::Glyphs => Some(Modality::Image),
        Source::Microphone { .. } => Some(Modality::Speech),
        Source::Files => None,
    }
}
