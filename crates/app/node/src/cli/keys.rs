//! The command line of `peerage keys`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What `peerage keys` can do.
#[derive(Clone, Debug, Subcommand)]
pub enum Keys {
    /// Make keys, and print their public halves; a key that is there is never replaced.
    New(New),
    /// List the keys of a folder: name, public key in hexadecimal, and the peer id of a libp2p key.
    Show {
        /// The data folder.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
}

/// Options of `peerage keys new`.
#[derive(Clone, Debug, Args)]
pub struct New {
    /// The data folder; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// What the key is for; may be repeated. `validator` votes, `cold` owns stake and belongs on a machine without a
    /// network, `hot` signs rows, `faucet` gives to newcomers; a name that ends in `network` makes a libp2p key.
    #[arg(long = "name", value_name = "NAME", default_value = "validator", value_parser = name)]
    pub names: Vec<String>,
}

/// The name of a key, which is also that of its file.
pub(super) fn name(text: &str) -> Result<String, String> {
    let letters = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    match letters && (1..=LONGEST).contains(&text.len()) && !text.starts_with('-') {
        true => Ok(text.into()),
        false => Err(format!("from 1 to {LONGEST} lower-case letters, digits and dashes are wanted")),
    }
}

/// Letters of the longest name.
const LONGEST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Arguments, Command};
    use clap::Parser;

    fn names(given: &[&str]) -> Result<Vec<String>, clap::Error> {
        let all = ["peerage", "keys", "new", "--data", "here"].iter().chain(given);
        match Arguments::try_parse_from(all)?.command {
            Command::Keys(Keys::New(new)) => Ok(new.names),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_never_leaves_the_folder() {
        assert_eq!(names(&[]).unwrap(), ["validator"]);
        assert_eq!(names(&["--name", "cold", "--name", "node-network"]).unwrap(), ["cold", "node-network"]);
        for wrong in ["", "../validator", "a/b", "Cold", "-x", &"x".repeat(33)] {
            let error = names(&[&format!("--name={wrong}")]).unwrap_err().to_string();
            assert!(wrong.is_empty() || error.contains("lower-case letters"), "{error}");
        }
    }
}
