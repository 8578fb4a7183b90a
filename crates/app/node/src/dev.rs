//! `peerage dev`: a whole network on one machine, put together from its parts.
//!
//! First everything that a person can get wrong is looked at (text, site, ports, data folder), so that it is said in one
//! sentence before anything runs. Then, within the engine's runtime: validator, node, residents, site; and the end, on
//! SIGINT or SIGTERM or when a part that the others need has ended.

use crate::{
    bootstrap::{Template, checkpoint},
    cli,
    corpus::Corpus,
    data::Data,
    fault,
    front::{self, Front},
    limit,
    resident::{self, Resident, now},
    running::{self, Running},
    say, site,
};
use ::data::Dataset;
use anyhow::{Context, Result, bail};
use commonware_cryptography::Signer;
use consensus::{Head, LedgerHandle, Place as ValidatorPlace, Supervisor, Validator};
use ledger::text;
use light::Participant;
use protocol::bootstrap::IceServer;
use std::{
    net::SocketAddr,
    process::{Command, Stdio},
    time::Duration,
};

/// Runs until told to end.
pub fn run(options: cli::Dev) -> Result<()> {
    let prepared = Prepared::new(options)?;
    // The runtime's storage is the engine's part of the data folder.
    let folder = prepared.data.folder.clone();
    running::until_told(&folder, async |context, running| prepared.serve(context, running).await)
}

/// Everything that could be checked before the first task.
struct Prepared {
    options: cli::Dev,
    corpus: Corpus,
    front: Front,
    network: SocketAddr,
    data: Data,
}

impl Prepared {
    fn new(options: cli::Dev) -> Result<Self> {
        protocol::bootstrap::bounded(&options.ice_servers).context("--ice-server")?;
        let corpus = match &options.corpus {
            Some(path) => Corpus::read(path)?,
            None => Corpus::bundled(),
        };
        site::check(&options.site)?;
        let page = (SocketAddr::new(options.host, options.port), "--port");
        let front = Front::new(&options.serving, options.host, Some(page))?;
        // The swarm binds for itself, later; only whether it will can be asked now.
        let network = SocketAddr::new(options.host, options.network_port());
        drop(site::bind(network, "--p2p-port")?);
        let path = options.data();
        let data = Data::open(&path, options.residents, options.mechanism, now())?;
        say::line(format_args!("Text      {}, {}", corpus.name, say::bytes(corpus.text.len())));
        say::line(format_args!("Data      {}{}", path.display(), if data.new { ", new" } else { "" }));
        Ok(Self { options, corpus, front, network, data })
    }

    /// Starts everything, one after the other, and runs; returns when a part has ended that the others need.
    async fn serve(self, context: &consensus::runtime::Context, running: &mut Running) -> Result<()> {
        let Self { options, corpus, front, network, data } = self;
        let genesis = data.genesis;
        let place = ValidatorPlace { key: data.validator, listen: None, address: None, peers: Vec::new() };
        let folder = data.folder;
        let config = consensus::Config::new(folder.clone(), genesis.clone());
        let started = now();
        let ledger =
            Validator::start(context.child("validator"), config, place).await.context("the ledger cannot be opened")?;
        let head = first(&ledger, started).await?;
        let chain = text::hex(&genesis.chain().0);
        let short = chain.get(..12).unwrap_or_default();
        say::line(format_args!("Ledger    chain {short}, at height {}", head.header.height));

        let (swarm, within, place, ends) = front.swarm(data.node, &genesis, &ledger, network.port()).await?;
        running.node = Some(swarm.0.clone());
        let ports = &front.ports;
        let node = front::address(ports.within(), within)?;
        let mut places = Vec::new();
        for (index, keys) in data.residents.into_iter().enumerate() {
            let checkpoint = checkpoint(&ledger)
                .with_context(|| format!("resident {index} has no block to begin from: start again"))?;
            let participant = Participant::new(genesis.clone(), checkpoint, keys.hot.clone(), now())
                .with_context(|| format!("resident {index} cannot follow the ledger"))?;
            let residents = running.residents.iter().map(|resident| front::address(ports.within(), resident.place));
            let key = text::hex(&keys.hot.public_key());
            let seq = model::Preset::small().seq;
            let bounds = ports.bounds(limit::PEER);
            let dataset = Dataset::text(&corpus.text, Some(&key), seq).context("the corpus cannot be used")?;
            let config = resident::Config {
                name: format!("Resident {index}"),
                keys,
                participant,
                chain: genesis.chain().0,
                listen: ports.listen(0)?,
                nodes: vec![node.clone()],
                residents: residents.collect::<Result<_>>()?,
                dataset,
                device: model::cpu(),
                share: options.resident_share,
                keeping: None,
                private: false,
                price: 0,
                sources: ports.inside(&bounds),
                gives_way: true,
            };
            let resident = Resident::start(config).await.with_context(|| format!("resident {index} cannot start"))?;
            places.push(ports.open(resident.place, 0, &bounds)?);
            running.residents.push(resident);
        }
        let share = 100.0 * options.resident_share;
        say::line(format_args!("Residents {}, each training {share:.0} % of the time on the CPU", places.len()));
        if !options.ice_servers.is_empty() {
            let urls: Vec<&str> = options.ice_servers.iter().flat_map(IceServer::urls).map(String::as_str).collect();
            say::line(format_args!("Servers   {}", urls.join(", ")));
        }

        let outside = front.outside();
        let template = Template::new(&genesis, outside, place, places, &corpus, options.ice_servers);
        let source = ledger.clone();
        let bootstrap = move |asked: Option<&str>| template.text(checkpoint(&source)?, asked);
        let router = site::router(site::Site { folder: options.site, corpus, bootstrap: Box::new(bootstrap) });
        let address = front.serve(context, &ledger, &genesis, Some(swarm), Some(router), running)?.unwrap_or_default();
        say::line(format_args!("Open {address}"));
        if options.open {
            open(&address);
        }
        tokio::select! {
            error = running.server_ended() => Err(error),
            error = running::halted(&ledger, &folder) => Err(error),
            error = running::stalls(&ledger) => Err(error),
            error = ends => Err(error),
        }
    }
}

/// The first final block that is made now: what is older may be too old to begin from.
async fn first(ledger: &LedgerHandle, started: u64) -> Result<Head> {
    let mut heads = ledger.heads();
    let fresh = |head: &Option<Head>| head.as_ref().is_some_and(|head| head.header.time >= started);
    match tokio::time::timeout(FIRST_BLOCK, heads.wait_for(fresh)).await {
        Ok(Ok(head)) => head.clone().context("the ledger has no block"),
        Ok(Err(_)) => bail!("the ledger has ended{}", fault::why()),
        Err(_) => bail!("the ledger made no block within {} s{}", FIRST_BLOCK.as_secs(), fault::why()),
    }
}

/// Opens a page in the browser; where there is none, a person can.
fn open(address: &str) {
    let (program, arguments): (_, &[&str]) = match std::env::consts::OS {
        "macos" => ("open", &[]),
        "windows" => ("cmd", &["/C", "start"]),
        _ => ("xdg-open", &[]),
    };
    let mut command = Command::new(program);
    command.args(arguments).arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = command.spawn() {
        tracing::warn!(%error, program, "the browser was not opened");
    }
}

/// How long the first block may take: one validator needs a block time and a half.
const FIRST_BLOCK: Duration = Duration::from_secs(60);
