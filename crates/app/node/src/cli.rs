//! The command line.

mod buy;
mod genesis;
mod keys;
mod lab;
mod light;
mod node;
mod peer;
mod send;
mod serving;

pub use buy::Buy;
pub use genesis::{Genesis, New as NewGenesis, Preset, Validator as NewValidator};
pub use keys::{Keys, New as NewKeys};
pub use lab::{LINE, Lab, Output, Run, wrapped};
pub use light::{Checkpoint, Light, block as checkpoint_block};
pub use node::{Follow, Node, Validator};
pub use peer::{Device, Peer, Wanted};
pub use send::Send;
pub use serving::Serving;

use crate::log;
use clap::{Args, Parser, Subcommand};
use ledger::Kind;
use protocol::bootstrap::IceServer;
use std::{
    env,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

/// A body of peers, ranked: a market for intelligence in which peers train with one another.
#[derive(Debug, Parser)]
#[command(name = "peerage", version, about)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Form of the log on stderr; what is logged, PEERAGE_LOG says (PEERAGE_LOG=info).
    #[arg(long, global = true, value_enum, value_name = "FORM", default_value_t)]
    pub log_format: log::Format,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a whole network on this machine: ledger, relay, site and resident peers.
    Dev(Dev),
    /// Run a scenario of the mechanisms and print its numbers or draw its figures; `lab list` tells of each.
    #[command(subcommand)]
    Lab(Lab),
    /// Make the keys of a data folder, or list them.
    #[command(subcommand)]
    Keys(Keys),
    /// Write, check or show the genesis that a network of several machines begins with.
    #[command(subcommand, after_help = genesis::EXAMPLE)]
    Genesis(Genesis),
    /// Validate a chain: vote on blocks whenever the ledger elects the key of the data folder.
    Validator(Validator),
    /// Follow a chain without validating it: verify every certificate, apply every block, and serve others.
    Follow(Follow),
    /// Follow a chain as a tab does, without its blocks: verify heads and validators, compute each epoch again, prove
    /// accounts and peers.
    #[command(after_help = light::CODES)]
    Light(Light),
    /// Join a network with one peer that learns your data here, without a browser, and goes on where it left off.
    Peer(Peer),
    /// Pay a peer for answers, and have it go on with a text.
    Buy(Buy),
    /// Sign a transaction with a key of a data folder, send it, and wait until it is final.
    Send(Send),
}

/// Options of `peerage dev`.
#[derive(Clone, Debug, Args)]
pub struct Dev {
    /// Port of the page; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Port of the network (libp2p over websocket); 0 takes a free one [default: the page's port + 1].
    #[arg(long)]
    pub p2p_port: Option<u16>,
    /// Address to listen on. Others reach this machine only if you name one of its addresses here.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub host: IpAddr,
    /// Folder for keys and ledger; made if it is not there [default: peerage/dev in your cache folder].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Text to learn: a file, or a folder of .txt and .md files [default: this project's own documentation].
    #[arg(long, value_name = "PATH")]
    pub corpus: Option<PathBuf>,
    /// Mechanism that turns weights into stake on a new chain: trust, connectivity, consensus or competitive [default: trust].
    #[arg(long, value_name = "NAME", value_parser = mechanism)]
    pub mechanism: Option<Kind>,
    /// Peers that live in this program, on the CPU.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(0..=64))]
    pub residents: u16,
    /// Share of its time that each resident may train, over 0 and at most 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.25, value_parser = share)]
    pub resident_share: f64,
    /// STUN or TURN server that helps tabs to connect directly, such as `stun:stun.example:3478`; may be repeated. Everyone
    /// who opens the page can read it, username and credential too.
    #[arg(long = "ice-server", value_name = "URL[,USERNAME,CREDENTIAL]")]
    pub ice_servers: Vec<IceServer>,
    /// Folder of the built site.
    #[arg(long, value_name = "DIR", default_value = "pkg/site")]
    pub site: PathBuf,
    /// Open the page in the browser.
    #[arg(long)]
    pub open: bool,
    /// TLS, proxies, metrics.
    #[command(flatten)]
    pub serving: Serving,
}

impl Dev {
    /// The data folder: as given, or `peerage/dev` below `$XDG_CACHE_HOME` or `~/.cache`, or `.peerage` here. A
    /// development network is worth no more than a cache: whoever clears it begins a new chain.
    pub fn data(&self) -> PathBuf {
        let base = || {
            let home = env::var_os("HOME").or_else(|| env::var_os("USERPROFILE"));
            env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| Some(PathBuf::from(home?).join(".cache")))
        };
        self.data.clone().unwrap_or_else(|| match base() {
            Some(base) => base.join("peerage/dev"),
            None => PathBuf::from(".peerage"),
        })
    }

    /// The port of the network, once that of the page is known: as given, or a free one if the page's was to be free
    /// too, or the next.
    pub fn network_port(&self) -> u16 {
        self.p2p_port.unwrap_or(if self.port == 0 { 0 } else { self.port.checked_add(1).unwrap_or(0) })
    }
}

/// The mechanism of this name.
fn mechanism(name: &str) -> Result<Kind, String> {
    let names = Kind::ALL.map(Kind::name).join(", ");
    Kind::named(name).ok_or_else(|| format!("there are {names}"))
}

/// Parses a share of time.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(share),
        _ => Err("a number over 0 and at most 1 is wanted".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn dev(arguments: &[&str]) -> Result<Dev, clap::Error> {
        let all = ["peerage", "dev"].iter().chain(arguments);
        match Arguments::try_parse_from(all)?.command {
            Command::Dev(options) => Ok(options),
            _ => panic!("that is not dev"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_network_port_follows_the_page() {
        let port = |arguments: &[&str]| dev(arguments).map(|options| options.network_port()).ok();
        assert_eq!(port(&[]), Some(8081));
        assert_eq!(port(&["--port", "9000"]), Some(9001));
        assert_eq!(port(&["--port", "0"]), Some(0));
        assert_eq!(port(&["--port", "65535"]), Some(0));
        assert_eq!(port(&["--port", "0", "--p2p-port", "7"]), Some(7));
    }

    #[test]
    fn a_share_outside_its_range_is_refused() {
        for share in ["0", "-1", "1.5", "NaN", "x"] {
            assert!(dev(&["--resident-share", share]).is_err(), "{share}");
        }
        assert!(dev(&["--resident-share", "1"]).is_ok());
        assert!(dev(&["--residents", "65"]).is_err());
    }

    #[test]
    fn a_server_is_taken_as_often_as_it_is_named_and_refused_with_its_fault() {
        let options =
            dev(&["--ice-server", "stun:a.example", "--ice-server", "turn:b.example:3478,me,secret"]).unwrap();
        assert_eq!(options.ice_servers[0].urls(), ["stun:a.example"]);
        assert_eq!(options.ice_servers[1].credential(), Some("secret"));
        let refused = |server: &str| dev(&["--ice-server", server]).unwrap_err().to_string();
        assert!(refused("a.example:3478").contains("does not begin with stun:"), "{}", refused("a.example:3478"));
        assert!(refused("turn:a.example").contains("turn:a.example needs a username and a credential"));
    }

    #[test]
    fn a_data_folder_that_was_named_is_taken() {
        assert_eq!(dev(&["--data", "here"]).map(|options| options.data()).ok(), Some(PathBuf::from("here")));
    }
}
