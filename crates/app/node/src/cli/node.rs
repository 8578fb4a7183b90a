//! Options of the nodes of a network of several machines.

use super::{Serving, genesis::place};
use clap::Args;
use ledger::{PublicKey, text};
use protocol::bootstrap::IceServer;
use std::{net::SocketAddr, path::PathBuf};

/// Options of `peerage validator`.
#[derive(Clone, Debug, Args)]
pub struct Validator {
    /// What every node has.
    #[command(flatten)]
    pub node: Node,
    /// Where to listen for other validators.
    #[arg(long, value_name = "IP:PORT")]
    pub listen: SocketAddr,
    /// Where other validators reach this one, if that is another address than --listen.
    #[arg(long, value_name = "IP:PORT", value_parser = place)]
    pub address: Option<SocketAddr>,
    /// Where other validators are, if not where the ledger says; may be repeated.
    #[arg(long, value_name = "KEY@IP:PORT", value_parser = peer, num_args = 1..)]
    pub peers: Vec<(PublicKey, SocketAddr)>,
    /// Node to begin from if the folder is empty, at its API's address, such as `https://node.example`; without it the whole
    /// chain is had from the other validators. May be repeated.
    #[arg(long, value_name = "URL")]
    pub from: Vec<String>,
}

/// Options of `peerage follow`.
#[derive(Clone, Debug, Args)]
pub struct Follow {
    /// What every node has.
    #[command(flatten)]
    pub node: Node,
    /// Node to follow, at its API's address, such as `https://node.example`; may be repeated. None of them is believed
    /// without proof.
    #[arg(long, value_name = "URL", required = true)]
    pub from: Vec<String>,
}

/// What every node has.
#[derive(Clone, Debug, Args)]
pub struct Node {
    /// The chain: a file of `peerage genesis new`. Not needed once the data folder has it.
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// Folder for keys and ledger; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Serve the API here over HTTP, and the page where there is --p2p-port.
    #[arg(long, value_name = "IP:PORT")]
    pub api: Option<SocketAddr>,
    /// Port for tabs (libp2p over websocket), at the address of --api: the node is their relay and answers their light
    /// clients.
    #[arg(long, value_name = "PORT", requires = "api")]
    pub p2p_port: Option<u16>,
    /// Folder of the built site, served where there is --p2p-port.
    #[arg(long, value_name = "DIR", default_value = "pkg/site")]
    pub site: PathBuf,
    /// Text that tabs learn: a file, or a folder of .txt and .md files [default: this project's own documentation].
    #[arg(long, value_name = "PATH")]
    pub corpus: Option<PathBuf>,
    /// STUN or TURN server that helps tabs to connect directly; may be repeated.
    #[arg(long = "ice-server", value_name = "URL[,USERNAME,CREDENTIAL]")]
    pub ice_servers: Vec<IceServer>,
    /// Epochs whose blocks and transactions are kept; certificates of all epochs always are.
    #[arg(long, value_name = "EPOCHS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(2..))]
    pub keep_blocks: u64,
    /// Epochs whose ranks, trust and incentive are kept.
    #[arg(long, value_name = "EPOCHS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(2..))]
    pub keep_standings: u64,
    /// How others are served.
    #[command(flatten)]
    pub serving: Serving,
}

/// A validator and where it is.
fn peer(text: &str) -> Result<(PublicKey, SocketAddr), String> {
    let (key, address) = text.split_once('@').ok_or("KEY@IP:PORT is wanted")?;
    let key = text::decode(key).map_err(|_| format!("{key} is no public key of 64 hexadecimal digits"))?;
    let address = address.parse().map_err(|_| format!("{address} is not IP:PORT"))?;
    Ok((key, address))
}

#[cfg(test)]
mod tests {
    use crate::cli::{Arguments, Command};
    use clap::Parser;

    fn parse(arguments: &str) -> Result<Command, String> {
        let all = ["peerage"].into_iter().chain(arguments.split_whitespace());
        Arguments::try_parse_from(all).map(|arguments| arguments.command).map_err(|error| error.to_string())
    }

    #[test]
    fn a_validator_needs_a_folder_and_a_place_to_listen() {
        assert!(parse("validator --listen 1.2.3.4:5").unwrap_err().contains("--data"));
        assert!(parse("validator --data d").unwrap_err().contains("--listen"));
        let key = "11".repeat(32);
        let error = parse(&format!("validator --data d --listen 1.2.3.4:5 --peers {key}@here")).unwrap_err();
        assert!(error.contains("here is not IP:PORT"), "{error}");
        let error = parse("validator --data d --listen 1.2.3.4:5 --peers xy@1.2.3.4:5").unwrap_err();
        assert!(error.contains("xy is no public key"), "{error}");
    }

    #[test]
    fn others_must_be_able_to_reach_a_validator() {
        let error = parse("validator --data d --listen 1.2.3.4:5 --address 0.0.0.0:5").unwrap_err();
        assert!(error.contains("nobody can reach 0.0.0.0:5"), "{error}");
    }

    #[test]
    fn a_follower_needs_somebody_to_follow_and_tabs_need_an_address() {
        assert!(parse("follow --data d").unwrap_err().contains("--from"));
        assert!(parse("follow --data d --from http://a --p2p-port 1").unwrap_err().contains("--api"));
        let Command::Follow(options) = parse("follow --data d --from http://a --from http://b").unwrap() else {
            panic!("not follow")
        };
        assert_eq!(options.from, ["http://a", "http://b"]);
        assert_eq!((options.node.keep_blocks, options.node.keep_standings), (1_000, 10_000));
    }
}
