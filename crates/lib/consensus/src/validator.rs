//! A validator and a follower on a machine: a data folder, sockets, and a [`Node`].

use crate::application::Skew;
use crate::engine::Disk;
use crate::engine::voting::Channels;
use crate::folder::{Folder, FolderError};
use crate::network;
use crate::node::{Identity, Node, OpenError, Setup, Wires};
use crate::records::Retention;
use crate::service::LedgerHandle;
use crate::source::Source;
use crate::sync::Watcher;
use commonware_runtime::{Quota, Supervisor, tokio as runtime};
use commonware_utils::NZU32;
use futures::FutureExt;
use futures::future::BoxFuture;
use ledger::header::namespace;
use ledger::{Genesis, PrivateKey, PublicKey};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// What every node needs.
#[derive(Clone)]
pub struct Config {
    /// Its memory. Start it in [`Folder::runner`] of the same folder.
    pub folder: Folder,
    /// The chain.
    pub genesis: Genesis,
    /// What stays of the past.
    pub retention: Retention,
    /// Where to begin from if the folder is empty, instead of from genesis; what a follower follows.
    pub source: Option<Arc<dyn Source>>,
    /// Told of progress.
    pub watcher: Watcher,
}

impl Config {
    /// A node that keeps everything that nodes keep, begins from genesis, and tells nobody.
    pub fn new(folder: Folder, genesis: Genesis) -> Self {
        Self { folder, genesis, retention: Retention::default(), source: None, watcher: Arc::new(|_| {}) }
    }
}

/// What a validator needs beside it.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its key. It votes in the epochs for which the ledger elects it.
    pub key: PrivateKey,
    /// Where it listens for other validators; `None` where there are none.
    pub listen: Option<SocketAddr>,
    /// Where others reach it, if that is another address.
    pub address: Option<SocketAddr>,
    /// Where others are, if not where the ledger says.
    pub peers: Vec<(PublicKey, SocketAddr)>,
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// What is in it cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Someone listens there already.
    #[error("{address} cannot be listened on ({source}): choose another port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// A follower has nobody to follow.
    #[error("nobody to follow: name a node with --from")]
    NoSource,
}

/// A running validator. It ends with its runtime.
pub struct Validator;

/// A running follower. It ends with its runtime.
pub struct Follower;

impl Validator {
    /// Starts it inside the runtime of its folder; it runs in tasks of its own from then on.
    ///
    /// Boxed, so that the engine is compiled here and not once more in every program that starts it.
    pub fn start(
        context: runtime::Context,
        config: Config,
        place: Place,
    ) -> BoxFuture<'static, Result<LedgerHandle, StartError>> {
        Self::wire(context, config, place).boxed()
    }

    async fn wire(context: runtime::Context, config: Config, place: Place) -> Result<LedgerHandle, StartError> {
        let Place { key, listen, address, peers } = place;
        let node = open(&context, config).await?;
        let listen = listen.unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0));
        let address = address.unwrap_or(listen);
        let (mut network, oracle) = network::open(&context, &namespace(&node.chain()), &key, listen, address.ip())?;
        let mut channel = |number, rate| network.register(number, Quota::per_second(rate));
        let wires = Wires {
            voting: Channels {
                votes: channel(0, NZU32!(256)),
                certificates: channel(1, NZU32!(256)),
                resolver: channel(2, NZU32!(128)),
            },
            backfill: channel(3, NZU32!(512)),
            broadcast: channel(4, NZU32!(128)),
            transactions: channel(5, NZU32!(128)),
        };
        let identity = Identity { key, address, named: peers.into_iter().collect() };
        // Before the node: one that begins in the middle has its first block from others.
        network.start();
        Ok(node.validate(identity, (oracle.clone(), oracle), wires).await?)
    }
}

impl Follower {
    /// Starts it inside the runtime of its folder; it runs in tasks of its own from then on.
    pub fn start(context: runtime::Context, config: Config) -> BoxFuture<'static, Result<LedgerHandle, StartError>> {
        async move {
            let source = config.source.clone().ok_or(StartError::NoSource)?;
            Ok(open(&context, config).await?.follow(source).await?)
        }
        .boxed()
    }
}

async fn open(context: &runtime::Context, config: Config) -> Result<Node<runtime::Context>, StartError> {
    let Config { folder, genesis, retention, source, watcher } = config;
    folder.bind(&genesis)?;
    let setup = Setup {
        genesis,
        vault: Arc::new(folder),
        disk: Disk::new(""),
        skew: Skew::default(),
        state: None,
        source,
        retention,
        watcher,
    };
    Ok(Node::open(context.child("node"), setup).await?)
}
