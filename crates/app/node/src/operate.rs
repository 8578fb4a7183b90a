//! `peerage validator` and `peerage follow`: one node of a network of several machines.
//!
//! A validator speaks with the others and votes whenever the ledger elects its key; a follower has its blocks from nodes
//! that it need not trust. Both serve the same API, and tabs where they are asked to.

use crate::{
    bootstrap::{Template, checkpoint},
    cli,
    corpus::Corpus,
    data,
    front::Front,
    genesis,
    progress::Progress,
    remote::Remote,
    running::{self, Running},
    say, site,
};
use anyhow::{Context as _, Result, bail};
use commonware_cryptography::Signer;
use consensus::{
    Config, Folder, Follower, LedgerHandle, Place, Source, Supervisor, Validator, records::Retention, sync,
    sync::Watcher,
};
use futures::FutureExt;
use ledger::{Genesis, PublicKey, State, text};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

/// Validates until told to end.
pub fn validate(options: cli::Validator) -> Result<()> {
    let (listen, address) = (options.listen, options.address);
    if address.is_none() && (listen.ip().is_unspecified() || listen.port() == 0) {
        bail!("nobody can reach {listen}: name with --address where other validators reach this one");
    }
    let source = if options.from.is_empty() { None } else { Some(Remote::new(&options.from)?) };
    let node = Opened::new(options.node, source)?;
    let key = node.folder.key("validator").context("the data folder cannot be used")?;
    say::line(format_args!("Validator {}", key.public_key()));
    let public = key.public_key();
    let place = Place { key, listen: Some(listen), address, peers: options.peers };
    let folder = node.folder.clone();
    running::until_told(&folder, async |context, running| {
        let ledger = Validator::start(context.child("validator"), node.config(), place).await;
        let ledger = ledger.context("the ledger cannot be opened")?;
        if let Some(reason) = ledger.state().and_then(|state| bystander(&state, &public)) {
            say::aside(reason);
        }
        node.serve(context, ledger, running).await
    })
}

/// Follows until told to end.
pub fn follow(options: cli::Follow) -> Result<()> {
    let node = Opened::new(options.node, Some(Remote::new(&options.from)?))?;
    let folder = node.folder.clone();
    running::until_told(&folder, async |context, running| {
        let ledger = Follower::start(context.child("follower"), node.config()).await;
        node.serve(context, ledger.context("the ledger cannot be opened")?, running).await
    })
}

/// Why the other validators do not connect to the one of this key, by a state that may be old.
fn bystander(state: &State, key: &PublicKey) -> Option<String> {
    let height = state.height();
    match state.candidate(key) {
        None => Some(format!(
            "by block {height} no peer names this validator, and the others connect to none that is not named: \
             `peerage send candidate` names it, with the cold key of a peer"
        )),
        Some(leaf) if leaf.struck => {
            Some("this validator was convicted of conflicting votes and gets no seat again: make another key".into())
        }
        Some(leaf) if leaf.until.is_some() => {
            Some(format!("by block {height} this validator has resigned: `peerage send candidate` names it again"))
        }
        Some(_) => None,
    }
}

/// Everything that could be checked before the first task.
struct Opened {
    options: cli::Node,
    folder: Folder,
    genesis: Genesis,
    source: Option<Remote>,
    front: Front,
    site: Option<Corpus>,
}

impl Opened {
    fn new(options: cli::Node, source: Option<Remote>) -> Result<Self> {
        protocol::bootstrap::bounded(&options.ice_servers).context("--ice-server")?;
        let site = match options.p2p_port {
            Some(_) => {
                site::check(&options.site)?;
                Some(options.corpus.as_deref().map_or_else(|| Ok(Corpus::bundled()), Corpus::read)?)
            }
            None => None,
        };
        let host = options.api.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |api| api.ip());
        let front = Front::new(&options.serving, host, options.api.map(|api| (api, "--api")))?;
        let folder = Folder::open(&options.data).context("the data folder cannot be used")?;
        let genesis = genesis::of(options.genesis.as_deref(), folder.path())?;
        folder.bind(&genesis).context("the data folder cannot be used")?;
        let chain = text::hex(&genesis.chain().0);
        say::line(format_args!("Chain     {} ({}…)", genesis.name, chain.get(..12).unwrap_or_default()));
        say::line(format_args!("Data      {}", folder.path().display()));
        Ok(Self { options, folder, genesis, source, front, site })
    }

    fn config(&self) -> Config {
        let source = self.source.clone().map(|source| Arc::new(source) as Arc<dyn Source>);
        let retention = Retention { standings: self.options.keep_standings, blocks: self.options.keep_blocks };
        Config { retention, source, watcher: watcher(), ..Config::new(self.folder.clone(), self.genesis.clone()) }
    }

    /// Serves others, and runs; returns when a part has ended that the others need.
    async fn serve(
        self,
        context: &consensus::runtime::Context,
        ledger: LedgerHandle,
        running: &mut Running,
    ) -> Result<()> {
        let Self { options, folder, genesis, front, site, .. } = self;
        let height = ledger.state().map_or(0, |state| state.height().get());
        say::line(format_args!("Ledger    at height {height}"));
        let mut ends = futures::future::pending().boxed_local();
        let mut router = None;
        let mut swarm = None;
        if let (Some(port), Some(corpus)) = (options.p2p_port, site) {
            drop(site::bind(SocketAddr::new(front.ports.host, port), "--p2p-port")?);
            let identity = data::identity(&folder, "node-network")?;
            let (handle, _, place, ended) = front.swarm(identity, &genesis, &ledger, port).await?;
            running.node = Some(handle.0.clone());
            swarm = Some(handle);
            ends = ended.boxed_local();
            let template = Template::new(&genesis, front.outside(), place, Vec::new(), &corpus, options.ice_servers);
            let source = ledger.clone();
            let bootstrap = move |asked: Option<&str>| template.text(checkpoint(&source)?, asked);
            router = Some(site::router(site::Site { folder: options.site, corpus, bootstrap: Box::new(bootstrap) }));
        }
        if let Some(address) = front.serve(context, &ledger, &genesis, swarm, router, running)? {
            say::line(format_args!("API       {address}/api"));
        }
        tokio::select! {
            error = running.server_ended() => Err(error),
            error = running::halted(&ledger, &folder) => Err(error),
            error = running::stalls(&ledger) => Err(error),
            error = ends => Err(error),
        }
    }
}

/// Shows a person who waits how far it is.
fn watcher() -> Watcher {
    let shown: Mutex<Option<(&'static str, Progress)>> = Mutex::new(None);
    Arc::new(move |progress| {
        let (what, unit, done, all) = match progress {
            sync::Progress::Epochs { done: 0 } => return,
            sync::Progress::Epochs { done } => ("Epochs", "certificates", done, done),
            sync::Progress::Leaves { table, done, total } => (table.name(), "rows", done.into(), total.into()),
            sync::Progress::Blocks { height, newest } => ("Blocks", "blocks", height.get(), newest.get()),
        };
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        // The head moves on while one looks: a few blocks behind is not behind.
        if what == "Blocks" && all.saturating_sub(done) < NEAR {
            *shown = None;
            return;
        }
        if shown.as_ref().is_none_or(|(before, _)| *before != what) {
            *shown = Some((what, Progress::new(what, unit)));
        }
        if let Some((_, bar)) = shown.as_mut() {
            bar.at(done, all);
        }
    })
}

/// Blocks behind which a node counts as being there.
const NEAR: u64 = 5;
