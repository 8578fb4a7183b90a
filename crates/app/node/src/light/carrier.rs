//! Carries questions to sources and their answers back, several at once.
//!
//! Each question has a thread and each source connections of its own, so that nobody waits for one that is silent. How many
//! are asked at a time, and for how long an answer is waited for, the light client says.

use crate::remote::{Fault, Node};
use anyhow::{Context, Result};
use ledger::{Query, Reply};
use light::Source;
use std::{
    collections::BTreeMap,
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::Duration,
};

/// Who may be asked, and what came.
pub struct Carrier {
    nodes: BTreeMap<Source, Node>,
    send: Sender<Answer>,
    come: Receiver<Answer>,
}

/// What became of a question.
pub struct Answer {
    /// Its number.
    pub id: u32,
    /// Who was asked.
    pub source: Source,
    /// What came.
    pub outcome: Result<Reply, Fault>,
}

impl Carrier {
    /// To these nodes, which are named by their addresses.
    pub fn new(nodes: &[Node]) -> Self {
        let (send, come) = mpsc::channel();
        let nodes = nodes.iter().map(|node| (Source::new(node.place()), node.clone())).collect();
        Self { nodes, send, come }
    }

    /// Their names.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.nodes.keys()
    }

    /// Forgets a source; what it was asked may still come.
    pub fn drop(&mut self, source: &Source) {
        self.nodes.remove(source);
    }

    /// Whether there is nobody to ask.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Asks; the answer comes later, unless nobody of that name is there.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn ask(&self, id: u32, source: Source, query: Query) -> Result<()> {
        let Some(node) = self.nodes.get(&source).cloned() else { return Ok(()) };
        let send = self.send.clone();
        let ask = move || {
            let outcome = node.ask(&query);
            // Nobody waits any more where the program ends.
            let _ = send.send(Answer { id, source, outcome });
        };
        thread::Builder::new().name("source".into()).spawn(ask).context("the system gives no thread")?;
        Ok(())
    }

    /// The next answer, if one comes in this time.
    pub fn next(&self, patience: Duration) -> Option<Answer> {
        self.come.recv_timeout(patience).ok()
    }
}
