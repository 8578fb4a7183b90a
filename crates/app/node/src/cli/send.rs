//! The command line of `peerage send`.

use super::{
    genesis::{holder, place},
    keys::name,
};
use crate::genesis::parse_amount;
use clap::{Args, Subcommand};
use ledger::{Action, Amount, PublicKey, Uid};
use std::{net::SocketAddr, path::PathBuf};

/// Options of `peerage send`.
#[derive(Clone, Debug, Args)]
pub struct Send {
    /// Folder with the key; a node may run in it meanwhile.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Name of the key that signs.
    #[arg(long, value_name = "NAME", default_value = "cold", value_parser = name)]
    pub key: String,
    /// The chain: a file of `peerage genesis new`. Not needed where the data folder has it.
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// Node to send it to, at its API's address, such as `https://node.example`; may be repeated. The next is asked where
    /// one is silent.
    #[arg(long, value_name = "URL", required = true)]
    pub to: Vec<String>,
    /// What is asked of the ledger.
    #[command(subcommand)]
    pub deed: Deed,
}

/// What a person may ask of the ledger from a shell. Amounts are tokens.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Deed {
    /// Move balance to another account.
    Transfer {
        /// Public key of who receives.
        #[arg(value_parser = holder)]
        key: PublicKey,
        /// Tokens, such as 1000 or 0.25.
        #[arg(value_parser = parse_amount)]
        amount: Amount,
    },
    /// Make the signing key a peer, for the price of the subscription; the peer gets a number, its uid.
    Subscribe {
        /// Public key that owns the peer's stake [default: the signing key].
        #[arg(long, value_name = "KEY", value_parser = holder)]
        cold: Option<PublicKey>,
    },
    /// Make balance the stake of a peer. Signed by its cold key, as are those below.
    Stake {
        /// Number of the peer.
        uid: u32,
        /// Tokens.
        #[arg(value_parser = parse_amount)]
        amount: Amount,
    },
    /// Make stake of a peer balance again, once the unbonding time is over.
    Unstake {
        /// Number of the peer.
        uid: u32,
        /// Tokens.
        #[arg(value_parser = parse_amount)]
        amount: Amount,
    },
    /// Give up a peer's place; its stake unbonds.
    Leave {
        /// Number of the peer.
        uid: u32,
    },
    /// Give a peer another hot key, the one that signs its weights; the old one signs for it no more.
    Rekey {
        /// Number of the peer.
        uid: u32,
        /// The new public key, which is of no other peer.
        #[arg(value_parser = holder)]
        key: PublicKey,
    },
    /// Name a validator that the stake of a peer backs.
    Candidate {
        /// Number of the peer.
        uid: u32,
        /// The validator's public key.
        #[arg(value_parser = holder)]
        key: PublicKey,
        /// Where other validators reach it, IP:PORT.
        #[arg(value_parser = place)]
        address: SocketAddr,
    },
    /// Take a validator back. Signed by the cold key that named it or by the validator's own.
    Resign {
        /// The validator's public key.
        #[arg(value_parser = holder)]
        key: PublicKey,
    },
}

impl Deed {
    /// The action of the ledger, for this signer.
    pub fn action(&self, signer: &PublicKey) -> Action {
        match self.clone() {
            Self::Transfer { key, amount } => Action::Transfer { to: key, amount },
            Self::Subscribe { cold } => {
                Action::Subscribe { cold: cold.unwrap_or_else(|| signer.clone()), modality: TEXT }
            }
            Self::Stake { uid, amount } => Action::Stake { uid: Uid(uid), amount },
            Self::Unstake { uid, amount } => Action::Unstake { uid: Uid(uid), amount },
            Self::Leave { uid } => Action::Leave { uid: Uid(uid) },
            Self::Rekey { uid, key } => Action::Rekey { uid: Uid(uid), hot: key },
            Self::Candidate { uid, key, address } => Action::Candidate { uid: Uid(uid), key, address },
            Self::Resign { key } => Action::Resign { key },
        }
    }
}

/// The modality of peers that learn text.
const TEXT: u8 = 0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Arguments, Command};
    use clap::Parser;
    use ledger::types::TOKEN;

    fn send(arguments: &str) -> Result<Send, String> {
        let all = "peerage send --data d --to http://a".split(' ').chain(arguments.split_whitespace());
        match Arguments::try_parse_from(all).map_err(|error| error.to_string())?.command {
            Command::Send(options) => Ok(options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_deed_becomes_its_action() {
        let genesis = ledger::Genesis::example();
        let (key, me) = (genesis.accounts[0].0.clone(), genesis.validators[0].key.clone());
        let address = SocketAddr::from(([192, 0, 2, 1], 9000));
        for (given, wanted) in [
            (format!("transfer {key} 0.25"), Action::Transfer { to: key.clone(), amount: Amount(TOKEN / 4) }),
            ("subscribe".into(), Action::Subscribe { cold: me.clone(), modality: 0 }),
            (format!("subscribe --cold {key}"), Action::Subscribe { cold: key.clone(), modality: 0 }),
            ("stake 4 1000".into(), Action::Stake { uid: Uid(4), amount: Amount(1_000 * TOKEN) }),
            ("unstake 4 1".into(), Action::Unstake { uid: Uid(4), amount: Amount(TOKEN) }),
            ("leave 4".into(), Action::Leave { uid: Uid(4) }),
            (format!("candidate 4 {key} {address}"), Action::Candidate { uid: Uid(4), key: key.clone(), address }),
            (format!("rekey 4 {key}"), Action::Rekey { uid: Uid(4), hot: key.clone() }),
            (format!("resign {key}"), Action::Resign { key }),
        ] {
            assert_eq!(send(&given).unwrap().deed.action(&me), wanted, "{given}");
        }
    }

    #[test]
    fn the_key_is_cold_unless_another_is_named_and_somebody_must_be_asked() {
        assert_eq!(send("leave 0").unwrap().key, "cold");
        assert_eq!(send("--key hot --to http://b leave 0").unwrap().to, ["http://a", "http://b"]);
        assert!(send("--key ../cold leave 0").unwrap_err().contains("lower-case letters"));
        let error = Arguments::try_parse_from("peerage send --data d leave 0".split(' ')).unwrap_err().to_string();
        assert!(error.contains("--to"), "{error}");
    }

    #[test]
    fn each_wrong_argument_says_what_is_wanted() {
        let key = ledger::Genesis::example().accounts[0].0.clone();
        for (given, words) in [
            ("transfer xy 5".to_owned(), "64 digits are wanted"),
            (format!("transfer {key} five"), "\"five\" is no amount"),
            (format!("transfer {key} 0.0000000001"), "9 decimal places"),
            ("stake first 5".to_owned(), "invalid digit"),
            ("rekey 4 xy".to_owned(), "64 digits are wanted"),
            (format!("candidate 0 {key} node.example:9000"), "such as 192.0.2.1:9000"),
            (format!("candidate 0 {key} 0.0.0.0:9000"), "nobody can reach 0.0.0.0:9000"),
        ] {
            let error = send(&given).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
