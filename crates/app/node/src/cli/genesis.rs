//! The command line of `peerage genesis`.

use super::mechanism;
use crate::genesis::parse_amount;
use clap::{Args, Subcommand, ValueEnum};
use ledger::{Amount, Kind, PublicKey, text};
use std::{net::SocketAddr, path::PathBuf};

/// What `peerage genesis` can do.
#[derive(Clone, Debug, Subcommand)]
pub enum Genesis {
    /// Print the genesis of a new chain, every parameter explained; edit it, and give the same file to all who take part.
    New(New),
    /// Check the file of a genesis: print chain id, supply and validators, or all that is wrong with it.
    Check {
        /// File to check.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Print a genesis, from its file or from the data folder of a node.
    Show {
        /// File of a genesis, or a data folder.
        #[arg(value_name = "FILE|DIR")]
        place: PathBuf,
        /// As one JSON object, with the chain id.
        #[arg(long)]
        json: bool,
    },
}

/// Options of `peerage genesis new`.
#[derive(Clone, Debug, Args)]
pub struct New {
    /// Mechanism that turns scores into rank, trust and pay: trust, connectivity, consensus or competitive.
    #[arg(long, value_name = "NAME", default_value = "trust", value_parser = mechanism)]
    pub mechanism: Kind,
    /// Numbers to begin with: `public` suits a network across the internet (blocks of 2 s, epochs of an hour), `dev` one on
    /// one machine (blocks of 1 s, epochs of ten).
    #[arg(long, value_enum, default_value_t = Preset::Public)]
    pub preset: Preset,
    /// Name of the chain, for people.
    #[arg(long, default_value = "peerage")]
    pub name: String,
    /// Who makes blocks: a consensus key and the address where other validators reach it; may be repeated. With a stake, in
    /// tokens, the key becomes a founder that backs itself; without one the founders back such validators in turn, so that
    /// stake and consensus have keys of their own.
    #[arg(long = "validator", value_name = "KEY@IP:PORT[:STAKE]", value_parser = validator)]
    pub validators: Vec<Validator>,
    /// A peer that holds stake, in tokens, from the first block on; may be repeated. The first is number 0.
    #[arg(long = "founder", value_name = "KEY:STAKE", value_parser = holding)]
    pub founders: Vec<(PublicKey, Amount)>,
    /// An account and its balance in tokens; may be repeated.
    #[arg(long = "account", value_name = "KEY:AMOUNT", value_parser = holding)]
    pub accounts: Vec<(PublicKey, Amount)>,
    /// File to write instead of standard output; one that is there is kept.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Numbers to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// A network across the internet.
    Public,
    /// A network on one machine.
    Dev,
}

/// A validator as it is named on a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// Consensus key.
    pub key: PublicKey,
    /// Where other validators reach it.
    pub address: SocketAddr,
    /// What the key stakes itself.
    pub stake: Option<Amount>,
}

/// `KEY@IP:PORT[:STAKE]`.
fn validator(text: &str) -> Result<Validator, String> {
    let (name, place) = text.split_once('@').ok_or("KEY@IP:PORT or KEY@IP:PORT:STAKE is wanted")?;
    let key = holder(name)?;
    let (address, stake) = match (place.parse::<SocketAddr>(), place.rsplit_once(':')) {
        (Ok(address), _) => (address, None),
        (Err(_), Some((address, stake))) if address.parse::<SocketAddr>().is_ok() => {
            let stake = parse_amount(stake).map_err(|error| error.to_string())?;
            (address.parse().map_err(|_| ADDRESS)?, Some(stake))
        }
        _ => return Err(ADDRESS.into()),
    };
    Ok(Validator { key, address: reachable(address)?, stake })
}

/// An address and a port that others can reach.
pub(super) fn place(text: &str) -> Result<SocketAddr, String> {
    reachable(text.parse().map_err(|_| ADDRESS)?)
}

fn reachable(address: SocketAddr) -> Result<SocketAddr, String> {
    if address.port() == 0 || address.ip().is_unspecified() {
        return Err(format!("nobody can reach {address}: name the address and port that others see"));
    }
    Ok(address)
}

/// `KEY:AMOUNT`.
fn holding(text: &str) -> Result<(PublicKey, Amount), String> {
    let (name, held) = text.split_once(':').ok_or("KEY:AMOUNT is wanted, the amount in tokens")?;
    Ok((holder(name)?, parse_amount(held).map_err(|error| error.to_string())?))
}

/// A public key.
pub(super) fn holder(name: &str) -> Result<PublicKey, String> {
    text::decode(name).map_err(|error| {
        format!("KEY is no public key ({error}): 64 digits are wanted, as `peerage keys show` prints them")
    })
}

/// What an address looks like.
const ADDRESS: &str = "an address and a port are wanted, such as 192.0.2.1:9000 or [2001:db8::1]:9000";

/// How a network begins, below the help of `peerage genesis`.
pub const EXAMPLE: &str = "\
How a network begins:
  1. Everyone who validates makes keys and tells their public halves:
       peerage keys new --data node --name validator --name cold
  2. One of them writes the genesis and gives the file to the others:
       peerage genesis new --founder COLD-1:5000 --validator VALIDATOR-1@192.0.2.1:9000 \\
                           --founder COLD-2:5000 --validator VALIDATOR-2@192.0.2.2:9000 -o genesis.toml
  3. All of them read it, and compare the chain id that this prints:
       peerage genesis check genesis.toml";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Arguments, Command};
    use clap::Parser;
    use ledger::types::TOKEN;

    fn new(given: &[String]) -> Result<New, String> {
        let all = ["peerage", "genesis", "new"].map(str::to_owned).into_iter().chain(given.iter().cloned());
        match Arguments::try_parse_from(all).map_err(|error| error.to_string())?.command {
            Command::Genesis(Genesis::New(new)) => Ok(new),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn validators_and_holdings_are_taken_apart() {
        let key = ledger::Genesis::example().accounts[0].0.clone();
        let given = [
            format!("--validator={key}@192.0.2.1:9000"),
            format!("--validator={key}@[2001:db8::1]:9000:1000.5"),
            format!("--founder={key}:5"),
            format!("--account={key}:0.25"),
        ];
        let options = new(&given).unwrap();
        assert_eq!(options.validators[0].address.to_string(), "192.0.2.1:9000");
        assert_eq!(options.validators[0].stake, None);
        assert_eq!(options.validators[1].address.to_string(), "[2001:db8::1]:9000");
        assert_eq!(options.validators[1].stake, Some(Amount(1_000 * TOKEN + TOKEN / 2)));
        assert_eq!(options.founders, [(key.clone(), Amount(5 * TOKEN))]);
        assert_eq!(options.accounts, [(key, Amount(TOKEN / 4))]);
        assert_eq!((options.mechanism, options.preset), (Kind::Trust, Preset::Public));
    }

    #[test]
    fn each_wrong_argument_says_what_is_wanted() {
        let key = ledger::Genesis::example().accounts[0].0.clone();
        for (given, words) in [
            (format!("--validator={key}"), "KEY@IP:PORT or"),
            ("--validator=aa@192.0.2.1:9000".to_owned(), "no public key (1 bytes"),
            (format!("--validator={key}@node.example:9000"), "such as 192.0.2.1:9000"),
            (format!("--validator={key}@192.0.2.1:9000:ten"), "\"ten\" is no amount"),
            (format!("--validator={key}@0.0.0.0:9000"), "nobody can reach 0.0.0.0:9000"),
            (format!("--validator={key}@192.0.2.1:0"), "nobody can reach"),
            (format!("--founder={key}"), "KEY:AMOUNT is wanted"),
            (format!("--founder={key}:-5"), "\"-5\" is no amount"),
            ("--account=XX:5".to_owned(), "not lower-case hexadecimal"),
            ("--mechanism=luck".to_owned(), "there are trust"),
            ("--preset=main".to_owned(), "possible values: public, dev"),
        ] {
            let error = new(&[given]).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
