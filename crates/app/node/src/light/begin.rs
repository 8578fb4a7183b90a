//! Where verification begins: the block that whoever runs the program trusts.
//!
//! A height and a digest are enough, since a header hashes to the digest, and commits to the validators of the next block.
//! Both come from a source, which can hold them back but not forge them. A file or `/bootstrap.json` names time and
//! validators itself; who hands it out is trusted with all that follows.

use crate::{
    cli::{Checkpoint as Given, checkpoint_block},
    remote::Node,
};
use anyhow::{Context, Result, anyhow, bail};
use ledger::{Digest, Genesis, Height, PublicKey, Query, Reply, header::validators_digest, text};
use light::{Checkpoint, epochs};
use serde::Deserialize;
use std::{fs, path::Path, sync::mpsc, thread};

/// Where to begin, and on whose word.
pub struct Beginning {
    /// The block.
    pub checkpoint: Checkpoint,
    /// The source that is trusted with it; none where the command line names the block.
    pub trusts: Option<String>,
}

/// What was given, made whole with what sources know of it.
///
/// # Errors
/// Where a file cannot be read, or no source has what is missing.
pub fn begin(given: Option<&Given>, genesis: &Genesis, nodes: &[Node]) -> Result<Beginning> {
    let own = |checkpoint| Beginning { checkpoint, trusts: None };
    match given {
        None => {
            let node = nodes.first().context("no source is named")?;
            let checkpoint = offered(node, genesis)?;
            Ok(Beginning { checkpoint, trusts: Some(node.place().into()) })
        }
        Some(Given::Genesis) => of_genesis(genesis).map(own),
        Some(Given::Block { height, digest }) => found(*height, *digest, genesis, nodes).map(own),
        Some(Given::File(path)) => of_file(path, genesis, nodes).map(own),
    }
}

/// The block before the first.
fn of_genesis(genesis: &Genesis) -> Result<Checkpoint> {
    let header = genesis.header().context("the genesis begins no chain")?;
    Ok(Checkpoint {
        height: header.height,
        digest: header.digest(),
        time: header.time,
        validators: genesis.validator_keys(),
    })
}

/// What `/bootstrap.json` of this node says.
fn offered(node: &Node, genesis: &Genesis) -> Result<Checkpoint> {
    let place = node.place();
    let bytes = node.bootstrap().with_context(|| {
        format!(
            "{place} gives no /bootstrap.json to begin from: name a node that serves tabs first, or a block that you trust \
             with --checkpoint HEIGHT:DIGEST, or --checkpoint genesis"
        )
    })?;
    let offer = read(&bytes).with_context(|| format!("/bootstrap.json of {place} cannot be read"))?;
    offer.checkpoint(genesis).with_context(|| format!("/bootstrap.json of {place}"))
}

/// The block that a file names: `HEIGHT:DIGEST`, or a saved `/bootstrap.json`.
fn of_file(path: &Path, genesis: &Genesis, nodes: &[Node]) -> Result<Checkpoint> {
    let name = path.display();
    let bytes = fs::read(path).with_context(|| {
        format!("--checkpoint names neither HEIGHT:DIGEST nor genesis nor a file: {name} cannot be read")
    })?;
    let line = str::from_utf8(&bytes).unwrap_or_default().trim();
    if let Some((Ok(height), digest)) = line.split_once(':').map(|(height, digest)| (height.parse(), digest)) {
        return match checkpoint_block(height, digest) {
            Ok(Given::Block { height, digest }) => found(height, digest, genesis, nodes),
            Ok(_) => bail!("{name} names no block"),
            Err(words) => bail!("{name}: {words}"),
        };
    }
    let offer = read(&bytes)
        .with_context(|| format!("{name} is no checkpoint: HEIGHT:DIGEST or a saved /bootstrap.json is wanted"))?;
    offer.checkpoint(genesis).with_context(|| name.to_string())
}

/// The block of this digest: its time and who validates after it, from whichever source first has them.
fn found(height: Height, digest: Digest, genesis: &Genesis, nodes: &[Node]) -> Result<Checkpoint> {
    let whole = of_genesis(genesis)?;
    if height == whole.height {
        return if digest == whole.digest {
            Ok(whole)
        } else {
            Err(anyhow!("block 0 of this chain is {}, not {}", text::hex(&whole.digest), text::hex(&digest)))
        };
    }
    // All at once: nobody waits for one that is silent.
    let (send, come) = mpsc::channel();
    for node in nodes {
        let (node, genesis, send) = (node.clone(), genesis.clone(), send.clone());
        let ask = move || drop(send.send(ask(&node, height, digest, &genesis)));
        thread::Builder::new().name("source".into()).spawn(ask).context("the system gives no thread")?;
    }
    drop(send);
    let mut reasons = Vec::new();
    for outcome in come {
        match outcome {
            Ok(checkpoint) => return Ok(checkpoint),
            Err(error) => reasons.push(format!("{error:#}")),
        }
    }
    bail!("no source has block {height} of that digest: {}", reasons.join("; "))
}

/// The same from one source. Both answers are checked against the digest.
fn ask(node: &Node, height: Height, digest: Digest, genesis: &Genesis) -> Result<Checkpoint> {
    let place = node.place();
    let header = match node.ask(&Query::Headers { from: height, limit: 1 })? {
        Reply::Headers { headers, .. } => headers.into_iter().next().filter(|header| header.height == height),
        other => return Err(refused(place, other, "the header")),
    };
    let header = header.with_context(|| format!("{place} has no block {height}"))?;
    if header.digest() != digest {
        bail!("block {height} of {place} is {}", text::hex(&header.digest()));
    }
    let epoch = epochs::after(height, genesis.parameters.tempo);
    let validators = match epoch {
        0 => genesis.validator_keys(),
        from => match node.ask(&Query::Epochs { from, limit: 1 })? {
            Reply::Epochs { links } => links.into_iter().next().map(|link| link.validators).unwrap_or_default(),
            other => return Err(refused(place, other, "the validators")),
        },
    };
    if validators_digest(&validators) != header.validators {
        bail!("{place} does not give the validators of epoch {epoch}");
    }
    Ok(Checkpoint { height, digest, time: header.time, validators })
}

fn refused(place: &str, reply: Reply, what: &str) -> anyhow::Error {
    match reply {
        Reply::Unavailable { reason } => anyhow!("{place} does not give {what}: {reason}"),
        _ => anyhow!("{place}, asked for {what}, answers something else"),
    }
}

/// What is read of `/bootstrap.json`.
#[derive(Deserialize)]
struct Offer {
    chain: Option<String>,
    checkpoint: Block,
    validators: Vec<String>,
}

#[derive(Deserialize)]
struct Block {
    height: u64,
    digest: String,
    time: u64,
}

fn read(bytes: &[u8]) -> Result<Offer> {
    Ok(serde_json::from_slice(bytes)?)
}

impl Offer {
    fn checkpoint(self, genesis: &Genesis) -> Result<Checkpoint> {
        let chain = genesis.chain();
        if let Some(other) = self.chain.filter(|other| *other != text::hex(&chain.0)) {
            bail!("it is of chain {other}, not of {chain}, which --genesis names");
        }
        let digest: Digest = text::decode(&self.checkpoint.digest).context("the digest of the checkpoint")?;
        let keys = self.validators.iter().map(|key| text::decode::<PublicKey>(key).context("the validators"));
        Ok(Checkpoint {
            height: Height(self.checkpoint.height),
            digest,
            time: self.checkpoint.time,
            validators: keys.collect::<Result<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Checkpoint> {
        let place = tempfile::tempdir()?;
        let path = place.path().join("file");
        fs::write(&path, text)?;
        of_file(&path, &Genesis::example(), &[])
    }

    #[test]
    fn genesis_is_where_the_chain_begins_however_it_is_named() {
        let genesis = Genesis::example();
        let wanted = of_genesis(&genesis).unwrap();
        assert_eq!(wanted.validators, genesis.validator_keys());
        let digest = text::hex(&wanted.digest);
        assert_eq!(of(&format!("0:{digest}\n")).unwrap(), wanted);
        let key = text::encode(&wanted.validators[0]);
        let offer = format!(
            r#"{{"chain":"{}","checkpoint":{{"height":0,"digest":"{digest}","time":{}}},"validators":["{key}"],"more":1}}"#,
            text::hex(&genesis.chain().0),
            wanted.time
        );
        assert_eq!(of(&offer).unwrap(), wanted);
    }

    #[test]
    fn what_is_no_checkpoint_is_named() {
        let other = "2a".repeat(32);
        let offer = |chain: &str, digest: &str, keys: &str| {
            let checkpoint = format!(r#"{{"height":3,"digest":"{digest}","time":5}}"#);
            format!(r#"{{"chain":"{chain}","checkpoint":{checkpoint},"validators":[{keys}]}}"#)
        };
        let chain = text::hex(&Genesis::example().chain().0);
        for (given, words) in [
            (format!("0:{other}"), "block 0 of this chain is"),
            (format!("7:{other}"), "no source has block 7 of that digest"),
            ("7:aa".into(), "64 hexadecimal digits"),
            ("height 7".into(), "HEIGHT:DIGEST or a saved /bootstrap.json is wanted"),
            ("{}".into(), "missing field"),
            (offer(&other, &other, ""), "it is of chain 2a2a"),
            (offer(&chain, "2a", ""), "the digest of the checkpoint"),
            (offer(&chain, &other, "\"2a\""), "the validators"),
        ] {
            let error = format!("{:#}", of(&given).unwrap_err());
            assert!(error.contains(words), "{given}: {error}");
        }
    }
}
