//! `peerage send`: signs one transaction with a key of a data folder, hands it to a node, and waits until it is final.
//!
//! The node is believed as little as is cheap. The certificates of all epochs are followed from genesis, so the newest block,
//! the account in it and, in the end, the place of the transaction in a final block are proven. What a hostile node could do:
//! hold blocks back, so that the transaction counts for a shorter time; deny an account, so that the nonce is wrong;
//! say that it refuses; keep the transaction to itself. None of it moves anything that was not asked for. Keys of validators
//! of long ago that were sold could prove another history, as they could to a new node.

use crate::{cli, genesis, keys, remote::Remote, resident::now, say};
use anyhow::{Context, Result, anyhow, bail};
use commonware_codec::DecodeExt;
use commonware_cryptography::Signer;
use ledger::{
    AccountLeaf, Action, Digest, Genesis, Height, Link, NeuronLeaf, Nonce, PublicKey, Query, Reply, Table, Transaction,
    TransactionStatus, Uid, block::verify_inclusion, query::MAX_LINKS,
};
use light::{Accepted, Checkpoint, Client, Verified, epochs, tables};
use std::{
    thread,
    time::{Duration, Instant},
};

/// Sends, and waits.
pub fn run(options: &cli::Send) -> Result<()> {
    let key = keys::secret(&options.data, &options.key)?;
    let genesis = genesis::of(options.genesis.as_deref(), &options.data)?;
    let mut node = Node::new(Remote::new(&options.to)?, &genesis)?;
    let head = node.follow()?;
    let signer = key.public_key();
    let expires = head.height().after(genesis.parameters.expiry);
    let action = options.deed.action(&signer);
    let transaction = Transaction::sign(&key, genesis.chain(), node.nonce(&head, &signer)?, expires, action);
    let digest = transaction.digest();
    node.submit(&transaction)?;
    say::line(format_args!("Sent      {} {digest}, counts up to block {expires}", transaction.action.name()));
    let height = node.wait(&transaction, digest)?;
    node.verify(digest, height)?;
    say::line(format_args!("Final     in block {height}"));
    if matches!(transaction.action, Action::Subscribe { .. })
        && let Some(uid) = node.uid(height, &transaction.signer)?
    {
        say::line(format_args!("Peer      {uid}"));
    }
    Ok(())
}

/// A node that is asked, and what it has proven.
struct Node {
    remote: Remote,
    client: Client,
    tempo: u64,
    block_time: u64,
}

impl Node {
    fn new(remote: Remote, genesis: &Genesis) -> Result<Self> {
        let header = genesis.header()?;
        let (height, digest, time) = (header.height, header.digest(), header.time);
        let checkpoint = Checkpoint { height, digest, time, validators: genesis.validator_keys() };
        let client = Client::new(genesis, checkpoint, AGELESS)?;
        let parameters = &genesis.parameters;
        Ok(Self { remote, client, tempo: parameters.tempo, block_time: parameters.block_time })
    }

    fn ask(&self, query: &Query) -> Result<Reply> {
        self.remote.ask_now(query).context("no node answers, name another one with --to")
    }

    /// Follows all epochs, up to the newest block.
    fn follow(&mut self) -> Result<Verified> {
        for _ in 0..TRIES {
            loop {
                let links = self.links(MAX_LINKS as u64)?;
                if links.is_empty() {
                    break;
                }
                self.client.accept_links(&links, AGELESS).context(FALSE)?;
            }
            let (header, finalization) = match self.ask(&Query::Head)? {
                Reply::Head { header, finalization } => (header, finalization),
                other => return Err(unexpected(other, "its newest block")),
            };
            match self.client.accept(header, &finalization, AGELESS) {
                Ok(Accepted::New(head)) => return Ok(head),
                Ok(Accepted::Known) => {
                    return self.client.head().cloned().context("the chain has no final block yet: wait for one");
                }
                // An epoch has ended meanwhile.
                Err(light::Error::NeedsLinks { .. }) => {}
                Err(error) => return Err(anyhow!(error).context(FALSE)),
            }
        }
        bail!("the node gives no certificates up to its newest block: name another one with --to")
    }

    /// The next ends of epochs, so many at most.
    fn links(&self, most: u64) -> Result<Vec<Link>> {
        let limit = u32::try_from(most.min(MAX_LINKS as u64)).unwrap_or(u32::MAX);
        match self.ask(&Query::Epochs { from: self.client.epoch().saturating_add(1), limit })? {
            Reply::Epochs { links } => Ok(links),
            other => Err(unexpected(other, "the ends of epochs")),
        }
    }

    /// The nonce of the next transaction of `key`; 0 where the node says that there is no account.
    fn nonce(&self, head: &Verified, key: &PublicKey) -> Result<Nonce> {
        let (index, leaf, proof) = match self.ask(&Query::Account { height: head.height(), key: key.clone() })? {
            Reply::Leaf { index, leaf, proof } => (index, leaf, proof),
            Reply::NoSuch => return Ok(Nonce::default()),
            other => return Err(unexpected(other, "the account")),
        };
        tables::leaf(head.header(), Table::Accounts, index, index, &leaf, &proof).context(FALSE)?;
        let account = AccountLeaf::decode(leaf).context(FALSE)?;
        if account.key != *key {
            bail!("{FALSE}: it gives the account of another key");
        }
        Ok(account.nonce)
    }

    /// The peer whose hot key this is, says the node.
    fn uid(&self, height: Height, hot: &PublicKey) -> Result<Option<Uid>> {
        let mut from = 0;
        loop {
            let (total, leaves) = match self.ask(&Query::Table { height, table: Table::Neurons, from })? {
                Reply::Table { total, leaves, .. } => (total, leaves),
                other => return Err(unexpected(other, "the peers")),
            };
            for (uid, leaf) in (from..total).zip(&leaves) {
                let neuron = NeuronLeaf::decode(leaf.clone()).context(FALSE)?;
                if neuron.hot == *hot && !neuron.vacant {
                    return Ok(Some(Uid(uid)));
                }
            }
            from = from.saturating_add(u32::try_from(leaves.len()).unwrap_or(u32::MAX));
            if leaves.is_empty() || from >= total {
                return Ok(None);
            }
        }
    }

    fn submit(&self, transaction: &Transaction) -> Result<()> {
        match self.ask(&Query::Submit { transaction: transaction.clone() })? {
            Reply::Accepted { .. } => Ok(()),
            Reply::Refused { refusal } => Err(anyhow!(refusal).context("the ledger refuses it")),
            other => Err(unexpected(other, "a transaction")),
        }
    }

    /// The height at which the node says that the transaction is final.
    fn wait(&self, transaction: &Transaction, digest: Digest) -> Result<Height> {
        let expires = transaction.expires;
        let (mut answered, mut over, mut told) = (Instant::now(), false, false);
        loop {
            match self.ask(&Query::Status { digest }) {
                Ok(Reply::Status(status)) => {
                    answered = Instant::now();
                    match status {
                        TransactionStatus::Included { height } => return Ok(height),
                        TransactionStatus::Refused { refusal } => {
                            return Err(anyhow!(refusal).context("the ledger refuses it"));
                        }
                        _ if over => {
                            bail!("it was not included up to block {expires} and no longer counts: send it again")
                        }
                        // A node that was started anew has forgotten it; that it has it again shows below.
                        TransactionStatus::Unknown => drop(self.submit(transaction)),
                        TransactionStatus::Pending => {}
                    }
                }
                Ok(other) => tracing::debug!(?other, "no status"),
                Err(error) if answered.elapsed() > SILENCE => {
                    return Err(error.context(format!(
                        "the node is silent: the transaction may still become final up to block {expires}, \
                         /api/transactions/{digest} of any node tells"
                    )));
                }
                Err(error) => tracing::debug!("no status: {error:#}"),
            }
            if let Ok(Reply::Head { header, .. }) = self.ask(&Query::Head) {
                over = header.height > expires;
                let age = Duration::from_millis(now().saturating_sub(header.time));
                if !told && age > STALLED.max(Duration::from_millis(self.block_time.saturating_mul(10))) {
                    told = true;
                    say::aside(format_args!(
                        "the newest final block, {}, is {} s old: the node is cut off, or too few validators vote; waiting",
                        header.height,
                        age.as_secs()
                    ));
                }
            }
            thread::sleep(Duration::from_millis((self.block_time / 2).clamp(100, 2_000)));
        }
    }

    /// Checks that the transaction stands in the final block of this height.
    fn verify(&mut self, digest: Digest, height: Height) -> Result<()> {
        let epoch = epochs::of(height, self.tempo);
        while self.client.epoch() < epoch {
            let links = self.links(epoch - self.client.epoch())?;
            if links.is_empty() {
                bail!(
                    "the node gives no certificates up to block {height}: ask another one for /api/transactions/{digest}"
                );
            }
            self.client.accept_links(&links, AGELESS).context(FALSE)?;
        }
        let (headers, finalization) = match self.ask(&Query::Headers { from: height, limit: 1 })? {
            Reply::Headers { headers, finalization } => (headers, finalization),
            other => return Err(unexpected(other, "the header")),
        };
        self.client.accept_chain(&headers, &finalization, AGELESS).context(FALSE)?;
        let header = headers.first().filter(|header| header.height == height).context(FALSE)?;
        let (index, proof) = match self.ask(&Query::Inclusion { digest })? {
            Reply::Inclusion { index, proof, .. } => (index, proof),
            other => return Err(unexpected(other, "the proof")),
        };
        verify_inclusion(&header.transactions, index, &digest, &proof).context(FALSE)
    }
}

/// What to say of a reply that is none.
fn unexpected(reply: Reply, what: &str) -> anyhow::Error {
    match reply {
        Reply::Unavailable { reason } => anyhow!("the node cannot give {what} now: {reason}"),
        _ => anyhow!("the node, asked for {what}, answers something else: name another one with --to"),
    }
}

/// Of an answer that does not hold.
const FALSE: &str =
    "the node's answer does not hold: it is of another chain, of another version, or lies; name another one with --to";

/// A time at which no block is too old: the client starts from genesis and follows every epoch.
const AGELESS: u64 = 0;

/// How often the newest block is asked for, if epochs end meanwhile.
const TRIES: u32 = 4;

/// How long a node may be silent.
const SILENCE: Duration = Duration::from_secs(60);

/// The least age of a newest block that is worth a word.
const STALLED: Duration = Duration::from_secs(10);
