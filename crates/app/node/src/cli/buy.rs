//! The command line of `peerage buy`.

use super::keys::name;
use crate::genesis::parse_amount;
use clap::Args;
use ledger::Amount;
use std::path::PathBuf;

/// Options of `peerage buy`.
#[derive(Clone, Debug, Args)]
pub struct Buy {
    /// Node to join at: the address of its page, such as `https://node.example`, or a saved /bootstrap.json. It is trusted
    /// with the chain.
    #[arg(long, value_name = "URL|FILE")]
    pub node: String,
    /// Folder with the key that pays; a node may run in it meanwhile.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Name of the key that pays.
    #[arg(long, value_name = "NAME", default_value = "cold", value_parser = name)]
    pub key: String,
    /// Tokens that may be spent in all, such as 1 or 0.25.
    #[arg(long, value_name = "TOKENS", value_parser = parse_amount)]
    pub budget: Amount,
    /// Most tokens for 1,024 positions [default: the budget].
    #[arg(long, value_name = "TOKENS", value_parser = parse_amount)]
    pub price: Option<Amount>,
    /// Bytes to go on for.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub bytes: u16,
    /// How the text begins.
    #[arg(value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Arguments, Command};
    use clap::Parser;

    fn parse(arguments: &[&str]) -> Result<Buy, String> {
        let all = ["peerage", "buy", "--node", "http://a", "--data", "d"].iter().chain(arguments);
        match Arguments::try_parse_from(all).map_err(|error| error.to_string())?.command {
            Command::Buy(options) => Ok(options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_purchase_has_a_budget_and_a_text() {
        let options = parse(&["--budget", "0.5", "To be"]).unwrap();
        assert_eq!((options.budget, options.price, options.bytes), (Amount(500_000_000), None, 64));
        assert_eq!((options.key.as_str(), options.text.as_str()), ("cold", "To be"));
        assert!(parse(&["To be"]).unwrap_err().contains("--budget"));
        assert!(parse(&["--budget", "1"]).unwrap_err().contains("<TEXT>"));
        assert!(parse(&["--budget", "1", ""]).is_err());
        assert!(parse(&["--budget", "1", "--bytes", "0", "x"]).is_err());
    }
}
