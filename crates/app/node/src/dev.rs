//! `peerage dev`: a whole network on one machine, put together from its parts.
//!
//! First everything that a person can get wrong is looked at (text, site, ports, data folder), so that it is said in one
//! sentence before anything runs. Then, within the engine's runtime: validator, node, residents, site; and the end, on
//! SIGINT or SIGTERM or when a part that the others need has ended.

use crate::{
    bootstrap::{self, Place, Template, address_of},
    cli,
    corpus::Corpus,
    data::Data,
    ending, fault, node,
    resident::{self, Resident, now},
    say, site,
};
use anyhow::{Context, Result, bail};
use consensus::{Head, LedgerHandle, Runner, Spawner, Supervisor, Validator};
use ledger::text;
use light::Participant;
use network::{Multiaddr, Network};
use protocol::bootstrap::IceServer;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Command, Stdio},
    time::Duration,
};

/// Runs until told to end.
pub fn run(options: cli::Dev) -> Result<()> {
    open_files();
    let prepared = Prepared::new(options)?;
    // The runtime's storage is the engine's part of the data folder.
    let runner = prepared.data.folder.runner();
    let place = prepared.data.folder.path().to_owned();
    let outcome = catch_unwind(AssertUnwindSafe(|| runner.start(async |context| prepared.run(context).await)));
    outcome.unwrap_or_else(|_| {
        bail!(
            "the engine has ended{}; if its files in {} are damaged, restore the data folder from a copy or remove it \
             to begin a new chain",
            fault::why(),
            place.join("engine").display()
        )
    })
}

/// Takes as many open files as the system allows: every tab and every reader of the site is one, and the engine, which
/// must not fail for want of one, shares them.
fn open_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
            tracing::debug!(%error, "the number of open files stays as it is");
        }
    }
}

/// Everything that could be checked before the first task.
struct Prepared {
    options: cli::Dev,
    corpus: Corpus,
    page: TcpListener,
    network: SocketAddr,
    data: Data,
}

/// What must be told to end.
#[derive(Default)]
struct Running {
    node: Option<Network>,
    residents: Vec<Resident>,
}

impl Prepared {
    fn new(options: cli::Dev) -> Result<Self> {
        protocol::bootstrap::bounded(&options.ice_servers).context("--ice-server")?;
        let corpus = match &options.corpus {
            Some(path) => Corpus::read(path)?,
            None => Corpus::bundled(),
        };
        site::check(&options.site)?;
        let page = site::bind(SocketAddr::new(options.host, options.port), "--port")?;
        // The swarm binds for itself, later; only whether it will can be asked now.
        let network = SocketAddr::new(options.host, options.network_port());
        drop(site::bind(network, "--p2p-port")?);
        let path = options.data();
        let data = Data::open(&path, options.residents, options.mechanism, now())?;
        say::line(format_args!("Text      {}, {}", corpus.name, say::bytes(corpus.text.len())));
        say::line(format_args!("Data      {}{}", path.display(), if data.new { ", new" } else { "" }));
        Ok(Self { options, corpus, page, network, data })
    }

    async fn run(self, context: consensus::runtime::Context) -> Result<()> {
        let ended = ending::asked()?;
        let mut running = Running::default();
        let outcome = tokio::select! {
            outcome = self.serve(&context, &mut running) => outcome,
            () = ended => {
                say::line("Stopping");
                Ok(())
            }
        };
        // Asked a second time, it does not wait.
        let again = ending::asked()?;
        tokio::select! {
            () = running.stop() => {}
            () = again => {}
        }
        if let Err(error) = context.stop(0, Some(PATIENCE)).await {
            tracing::debug!(%error, "the engine did not end by itself");
        }
        outcome
    }

    /// Starts everything, one after the other, and runs; returns when a part has ended that the others need.
    async fn serve(self, context: &consensus::runtime::Context, running: &mut Running) -> Result<()> {
        let Self { options, corpus, page, network, data } = self;
        let genesis = data.genesis;

        let config = consensus::Config {
            folder: data.folder,
            genesis: genesis.clone(),
            key: data.validator,
            listen: None,
            peers: Vec::new(),
        };
        let started = now();
        let ledger =
            Validator::start(context.child("validator"), config).await.context("the ledger cannot be opened")?;
        let head = first(&ledger, started).await?;
        let chain = text::hex(&genesis.chain().0);
        let short = chain.get(..12).unwrap_or_default();
        say::line(format_args!("Ledger    chain {short}, at height {}", head.header.height));

        let listen = websocket(options.host, network.port())?;
        let (swarm, ends) = node::start(data.node, &genesis, listen, &ledger)?;
        running.node = Some(swarm.clone());
        let place = Place { port: resident::listening(&swarm).await?, peer: swarm.peer() };
        say::line(format_args!("Network   port {}, peer {}", place.port, place.peer));

        let near = local(options.host);
        let node = address(near, place)?;
        for (index, keys) in data.residents.into_iter().enumerate() {
            let checkpoint = bootstrap::checkpoint(&ledger)
                .with_context(|| format!("resident {index} has no block to begin from: start again"))?;
            let participant = Participant::new(genesis.clone(), checkpoint, keys.hot.clone(), now())
                .with_context(|| format!("resident {index} cannot follow the ledger"))?;
            let residents = running.residents.iter().map(|resident| address(near, resident.place));
            let config = resident::Config {
                index,
                keys,
                participant,
                chain: genesis.chain().0,
                listen: websocket(options.host, 0)?,
                node: node.clone(),
                residents: residents.collect::<Result<_>>()?,
                corpus: corpus.clone(),
                share: options.resident_share,
            };
            let resident = Resident::start(config).await.with_context(|| format!("resident {index} cannot start"))?;
            running.residents.push(resident);
        }
        let places: Vec<Place> = running.residents.iter().map(|resident| resident.place).collect();
        let share = 100.0 * options.resident_share;
        say::line(format_args!("Residents {}, each training {share:.0} % of the time on the CPU", places.len()));
        if !options.ice_servers.is_empty() {
            let urls: Vec<&str> = options.ice_servers.iter().flat_map(IceServer::urls).map(String::as_str).collect();
            say::line(format_args!("Servers   {}", urls.join(", ")));
        }

        let template = Template::new(&genesis, options.host, place, places, &corpus, options.ice_servers);
        let source = ledger.clone();
        let bootstrap = move |asked: Option<&str>| template.text(bootstrap::checkpoint(&source)?, asked);
        let router = site::router(site::Site { folder: options.site, corpus, bootstrap: Box::new(bootstrap) });
        let address = format!("http://{}", SocketAddr::new(near, page.local_addr()?.port()));
        say::line(format_args!("Open {address}"));
        if options.open {
            open(&address);
        }
        tokio::select! {
            outcome = site::serve(page, router) => outcome.context("the site has ended"),
            error = ends => Err(error),
        }
    }
}

impl Running {
    async fn stop(&mut self) {
        futures::future::join_all(self.residents.drain(..).map(Resident::stop)).await;
        if let Some(node) = self.node.take() {
            let _ = tokio::time::timeout(PATIENCE, node.shutdown()).await;
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

/// Where a swarm is to listen.
fn websocket(host: IpAddr, port: u16) -> Result<Multiaddr> {
    Ok(format!("{}/tcp/{port}/ws", address_of(host)).parse()?)
}

/// Where a swarm of this program is reached from this machine.
fn address(near: IpAddr, place: Place) -> Result<Multiaddr> {
    Ok(format!("{}/tcp/{}/ws/p2p/{}", address_of(near), place.port, place.peer).parse()?)
}

/// The address under which this machine reaches itself where it listens on `host`.
fn local(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
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

/// How long each part may take to end.
const PATIENCE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_reached_by_loopback_where_it_listens_everywhere() {
        assert_eq!(local(Ipv4Addr::UNSPECIFIED.into()), IpAddr::from(Ipv4Addr::LOCALHOST));
        assert_eq!(local(Ipv6Addr::UNSPECIFIED.into()), IpAddr::from(Ipv6Addr::LOCALHOST));
        let named = IpAddr::from([192, 168, 1, 5]);
        assert_eq!(local(named), named);
        assert_eq!(websocket(named, 81).unwrap().to_string(), "/ip4/192.168.1.5/tcp/81/ws");
    }
}
