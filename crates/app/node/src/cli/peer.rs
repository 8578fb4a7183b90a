//! The command line of `peerage peer`.

use super::share;
use crate::genesis::parse_amount;
use clap::{Args, ValueEnum};
use ledger::Amount;
use protocol::exchange::Modality;
use std::{net::IpAddr, path::PathBuf};

/// Options of `peerage peer`.
#[derive(Clone, Debug, Args)]
pub struct Peer {
    /// Node to join at: the address of its page, such as `https://node.example`, or a saved /bootstrap.json. It is trusted
    /// with the chain at the first start; from then on the folder names the chain.
    #[arg(long, value_name = "URL|FILE")]
    pub node: String,
    /// What to learn: a file, or a folder of files: text, a table (CSV with a header), a recording (WAV), pictures (PNG,
    /// labelled by their names) [default: the node's text].
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,
    /// What the data must be; without it, whatever the files are. `glyphs` and `bridge` draw their own.
    #[arg(long, value_enum, value_name = "NAME")]
    pub modality: Option<Wanted>,
    /// Column of a table that holds what is to be learned [default: label, class, target or y, else the last].
    #[arg(long, value_name = "COLUMN")]
    pub label: Option<String>,
    /// Where the model computes.
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    pub device: Device,
    /// Folder for keys and the model; made if it is not there. What was learned goes on from there.
    #[arg(long, value_name = "DIR", default_value = "peer")]
    pub folder: PathBuf,
    /// Address to listen on for other peers. They reach this one only if you name one of its addresses here; it reaches
    /// them anyway.
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub listen: IpAddr,
    /// Port for that; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
    /// Share of its time that it may train, over 0 and at most 1.
    #[arg(long, value_name = "SHARE", default_value_t = 1.0, value_parser = share)]
    pub share: f64,
    /// Ask nobody, so that nothing of the data leaves this machine. Others are answered.
    #[arg(long)]
    pub private: bool,
    /// Tokens for answers about 1,024 positions, such as 0.001, to those without stake; 0 gives them away.
    #[arg(long, value_name = "TOKENS", default_value = "0", value_parser = parse_amount)]
    pub price: Amount,
}

/// What the data must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Wanted {
    /// Text: the next byte.
    Text,
    /// Pictures: their labels.
    Image,
    /// Speech: the next frame's code.
    Speech,
    /// Rows of a table: their labels.
    Tensor,
    /// Pictures of letters and digits, drawn here.
    Glyphs,
    /// Text about such pictures: answers both those who ask about text and those who ask about pictures.
    Bridge,
}

/// Where the model computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Device {
    /// On the CPU, on one thread.
    #[default]
    Cpu,
    /// On a GPU through Vulkan; needs a program built with the feature `vulkan`.
    Vulkan,
}

impl Wanted {
    /// The own modality of such data.
    pub fn modality(self) -> Modality {
        match self {
            Self::Text | Self::Bridge => Modality::Text,
            Self::Image | Self::Glyphs => Modality::Image,
            Self::Speech => Modality::Speech,
            Self::Tensor => Modality::Tensor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Arguments, Command};
    use clap::Parser;

    fn parse(arguments: &str) -> Result<Peer, String> {
        let all = ["peerage", "peer"].into_iter().chain(arguments.split_whitespace());
        match Arguments::try_parse_from(all).map_err(|error| error.to_string())?.command {
            Command::Peer(options) => Ok(options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_peer_needs_a_node_and_has_defaults_for_the_rest() {
        assert!(parse("").unwrap_err().contains("--node"));
        let options = parse("--node http://a").unwrap();
        assert_eq!((options.modality, options.device, options.share), (None, Device::Cpu, 1.0));
        let options = parse("--node saved.json --modality bridge --device vulkan --price 0.25").unwrap();
        assert_eq!((options.modality, options.device), (Some(Wanted::Bridge), Device::Vulkan));
        assert_eq!((options.price, parse("--node a").unwrap().price), (Amount(250_000_000), Amount(0)));
        assert!(parse("--node a --modality smell").unwrap_err().contains("glyphs"));
        assert!(parse("--node a --share 0").is_err());
    }
}
