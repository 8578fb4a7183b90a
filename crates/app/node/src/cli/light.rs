//! The command line of `peerage light`.

use super::genesis::holder;
use clap::Args;
use ledger::{Digest, Height, PublicKey, text};
use std::path::PathBuf;

/// Options of `peerage light`.
#[derive(Clone, Debug, Args)]
pub struct Light {
    /// The chain: a file of `peerage genesis new`.
    #[arg(long, value_name = "FILE")]
    pub genesis: PathBuf,
    /// Node to ask, at its API's address, such as `https://node.example`; may be repeated, and all are asked. None of them
    /// is believed without proof.
    #[arg(long = "source", value_name = "URL", required = true)]
    pub sources: Vec<String>,
    /// Block that is trusted, where verification begins: its height and digest, a file with them or a saved
    /// /bootstrap.json, or `genesis` [default: the one of the first source's /bootstrap.json, which trusts that source].
    #[arg(long, value_name = "HEIGHT:DIGEST|FILE|genesis", value_parser = checkpoint)]
    pub checkpoint: Option<Checkpoint>,
    /// Print one JSON object a line.
    #[arg(long)]
    pub json: bool,
    /// Prove the account of this key, and again after each epoch; may be repeated.
    #[arg(long = "account", value_name = "KEY", value_parser = holder)]
    pub accounts: Vec<PublicKey>,
    /// Prove the peer with this hot key, its row and its standing, and again after each epoch; may be repeated.
    #[arg(long = "peer", value_name = "KEY", value_parser = holder)]
    pub peers: Vec<PublicKey>,
    /// End once this epoch is over, verified and audited; without it, follow until told to end.
    #[arg(long, value_name = "N")]
    pub until_epoch: Option<u64>,
    /// Folder that keeps what was verified; the next start goes on from there. Made if it is not there.
    #[arg(long, value_name = "FOLDER")]
    pub store: Option<PathBuf>,
}

/// Where verification begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checkpoint {
    /// With the chain.
    Genesis,
    /// With this block.
    Block {
        /// Its height.
        height: Height,
        /// Its digest.
        digest: Digest,
    },
    /// As a file says.
    File(PathBuf),
}

/// `HEIGHT:DIGEST`, `genesis`, or the name of a file.
fn checkpoint(given: &str) -> Result<Checkpoint, String> {
    if given == "genesis" {
        return Ok(Checkpoint::Genesis);
    }
    match given.split_once(':').map(|(height, digest)| (height.parse(), digest)) {
        Some((Ok(height), digest)) => block(height, digest),
        _ => Ok(Checkpoint::File(given.into())),
    }
}

/// The block with this height and this digest in hexadecimal.
pub fn block(height: u64, digest: &str) -> Result<Checkpoint, String> {
    let digest = text::decode(digest)
        .map_err(|error| format!("DIGEST is no digest of a block ({error}): 64 hexadecimal digits are wanted"))?;
    Ok(Checkpoint::Block { height: Height(height), digest })
}

/// How it ends, below the help.
pub const CODES: &str = "\
Exit codes:
  0  ended as asked
  1  it could not go on
  3  the validators signed wrong economics
  4  the validators signed two histories";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Arguments, Command};
    use clap::Parser;

    fn light(arguments: &str) -> Result<Light, String> {
        let all = "peerage light --genesis g.toml".split(' ').chain(arguments.split_whitespace());
        match Arguments::try_parse_from(all).map_err(|error| error.to_string())?.command {
            Command::Light(options) => Ok(options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_checkpoint_is_a_block_a_file_or_genesis() {
        let of = |given: &str| light(&format!("--source http://a --checkpoint {given}")).unwrap().checkpoint.unwrap();
        let digest = Digest::from([0x2a; 32]);
        assert_eq!(of("genesis"), Checkpoint::Genesis);
        assert_eq!(of(&format!("12:{}", "2a".repeat(32))), Checkpoint::Block { height: Height(12), digest });
        assert_eq!(of("saved/bootstrap.json"), Checkpoint::File("saved/bootstrap.json".into()));
        assert_eq!(of("C:file"), Checkpoint::File("C:file".into()));
        let options = light("--source http://a --source http://b").unwrap();
        assert_eq!((options.checkpoint, options.sources.len(), options.json), (None, 2, false));
    }

    #[test]
    fn each_wrong_argument_says_what_is_wanted() {
        for (given, words) in [
            ("--source http://a --checkpoint 12:aa", "64 hexadecimal digits are wanted"),
            ("--source http://a --checkpoint 12:", "64 hexadecimal digits are wanted"),
            ("--source http://a --account xy", "64 digits are wanted"),
            ("--source http://a --peer 12", "64 digits are wanted"),
            ("--source http://a --until-epoch soon", "invalid digit"),
            ("", "--source"),
        ] {
            let error = light(given).unwrap_err();
            assert!(error.contains(words), "{given}: {error}");
        }
    }
}
