//! What a person does with the cold key: saves it once, brings it back. The text of a backup goes to whoever asked and
//! is part of no event.

use super::{Session, Word};
use crate::{
    cold::{Cold, ColdError},
    words::PageEvent,
};
use futures::channel::oneshot;
use wasm_bindgen_futures::spawn_local;

impl Session {
    /// Says who this tab is, once that is known.
    pub(super) fn say_identity(&self) {
        let Some(key) = &self.key else { return };
        let cold = self.keys.cold.as_ref();
        self.listener.say(&PageEvent::Identity {
            key,
            chain: &self.chain.to_string(),
            peer: self.network.peer().to_string(),
            kept: self.keys.kept(),
            cold: cold.map(Cold::public),
            backed_up: cold.is_some_and(Cold::backed_up),
        });
    }

    /// Gives the cold key out, for the only time.
    pub(super) fn backup(&mut self, done: oneshot::Sender<Result<String, String>>) {
        let (cold, words) = (self.keys.cold.clone(), self.words.clone());
        if let Some(cold) = &mut self.keys.cold {
            cold.close();
        }
        spawn_local(async move {
            let saved = match &cold {
                Some(cold) => cold.backup().await,
                None => Err(ColdError::None),
            };
            let (text, cold) = match saved {
                Ok((text, sealed)) => (Ok(text), Some(sealed)),
                // It is as it was.
                Err(error) => (Err(error.to_string()), cold.filter(|cold| !cold.backed_up())),
            };
            if let Some(cold) = cold {
                drop(words.unbounded_send(Word::Cold(cold)));
            }
            // Whoever asked may not wait.
            let _ = done.send(text);
        });
    }

    /// Takes the cold key of a backup.
    pub(super) fn import(&self, text: String, done: oneshot::Sender<Result<(), String>>) {
        let (place, words) = (self.keys.importing(), self.words.clone());
        spawn_local(async move {
            let cold = match place {
                Ok(chain) => Cold::import(&chain, &text).await,
                Err(error) => Err(error),
            };
            let taken = cold.map(|cold| drop(words.unbounded_send(Word::Cold(cold))));
            let _ = done.send(taken.map_err(|error| error.to_string()));
        });
    }

    /// This is the cold key from now on. The auditor starts anew where it is another.
    pub(super) fn on_cold(&mut self, cold: Cold) {
        let same = self.keys.cold.as_ref().is_some_and(|known| known.public() == cold.public());
        self.keys.cold = Some(cold);
        if !same {
            self.start_auditor();
        }
        self.say_identity();
    }
}
