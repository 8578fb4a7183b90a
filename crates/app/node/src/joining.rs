//! `peerage peer`: one peer on this machine, without a browser, that joins a network at a node of it.
//!
//! The node is trusted with the chain at the first start; the folder keeps the chain's genesis, the keys and the model, and
//! refuses a node of another chain from then on. Everything after the checkpoint is verified, as in a tab. What a file
//! holds is read by the data crate, whose sentences are passed on.

use crate::{
    cli::{self, Device, Wanted},
    corpus::Corpus,
    data::{Keys, identity},
    ending, front,
    remote::Node,
    resident::{self, Keeping, Resident, now},
    say,
};
use ::data::{Dataset, Options, glyphs};
use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use commonware_codec::DecodeExt;
use commonware_cryptography::Signer;
use consensus::Folder;
use ledger::{Genesis, Height, text};
use light::{Checkpoint, Participant};
use model::Chosen;
use network::addresses;
use protocol::bootstrap::Bootstrap;
use std::{fs, path::Path};

/// Runs until told to end.
pub fn run(options: &cli::Peer) -> Result<()> {
    let device = device(options.device)?;
    let (bootstrap, node) = bootstrap(&options.node)?;
    let genesis =
        Genesis::decode(Bytes::from(bootstrap.genesis.clone())).context("the node's genesis cannot be read")?;
    if genesis.chain().0 != bootstrap.chain {
        bail!("{} names chain {} and shows the genesis of another", options.node, text::hex(&bootstrap.chain));
    }
    let folder = Folder::open(&options.folder)?;
    folder.bind(&genesis)?;
    let keys = Keys { hot: folder.key("hot")?, identity: identity(&folder, "network")? };
    let key = text::hex(&keys.hot.public_key());
    let dataset = learned(options, &bootstrap, node.as_ref(), &key)?;
    say::line(format_args!("Chain     {}, {}", genesis.name, genesis.chain()));
    say::line(format_args!("Key       {key}"));
    say::line(format_args!("Learns    {}", dataset.describe()));
    say::line(format_args!("Device    {}", device.name));

    let Bootstrap { checkpoint, validators, node: nodes, residents, .. } = bootstrap;
    let height = Height(checkpoint.height);
    let checkpoint = Checkpoint { height, digest: checkpoint.digest, time: checkpoint.time, validators };
    let chain = genesis.chain().0;
    let participant = Participant::new(genesis, checkpoint, keys.hot.clone(), now())
        .context("the node's checkpoint is no place to begin from")?;
    let config = resident::Config {
        name: "Peer".into(),
        keys,
        participant,
        chain,
        listen: front::websocket(options.listen, options.port)?,
        nodes: addresses(&nodes)?,
        residents: addresses(&residents)?,
        dataset,
        device,
        share: options.share,
        keeping: Some(Keeping::new(folder.path().into())),
        private: options.private,
        price: options.price.0,
        sources: Some(network::Sources::new(crate::limit::PEER, &[])),
        gives_way: false,
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the system gives no threads")?;
    runtime.block_on(async {
        let ended = ending::asked()?;
        let resident = Resident::start(config).await?;
        say::line(format_args!(
            "Joined    {} as {}; Ctrl-C ends it and keeps what it learned",
            options.node, resident.place.peer
        ));
        let failure = tokio::select! {
            () = ended => {
                say::line("Stopping");
                None
            }
            failure = resident.ended() => failure,
        };
        resident.stop().await;
        failure.map_or(Ok(()), |failure| Err(anyhow!(failure)))
    })
}

/// What a node tells those who come for the first time, and the node, where it was asked.
pub fn bootstrap(given: &str) -> Result<(Bootstrap, Option<Node>)> {
    let (bytes, node) = if given.starts_with("http://") || given.starts_with("https://") {
        let node = Node::new(given)?;
        (
            node.bootstrap()
                .with_context(|| format!("{given} gives no /bootstrap.json: is it a node that serves tabs?"))?,
            Some(node),
        )
    } else {
        let bytes = fs::read(given).with_context(|| {
            format!("--node names neither an address that begins with http:// or https:// nor a file: {given}")
        })?;
        (bytes, None)
    };
    let text = String::from_utf8(bytes).context("the bootstrap is no text")?;
    Ok((Bootstrap::parse(&text).with_context(|| format!("the bootstrap of {given}"))?, node))
}

/// What is to be learned.
fn learned(options: &cli::Peer, bootstrap: &Bootstrap, node: Option<&Node>, key: &str) -> Result<Dataset> {
    let wanted = options.modality;
    let read = Options {
        seq: model::Preset::small().seq,
        label: options.label.clone(),
        square: (wanted == Some(Wanted::Image)).then_some(PATCH),
        ..Options::default()
    };
    let dataset = match (&options.data, wanted) {
        (None, Some(Wanted::Glyphs)) => Dataset::glyphs(&glyphs::bundled(), read.patch)?,
        (None, Some(Wanted::Bridge)) => {
            let pictures = Dataset::glyphs(&glyphs::bundled(), read.patch)?;
            Dataset::captions(&pictures, None, read.seq)?
        }
        (Some(path), Some(Wanted::Bridge)) => {
            let pictures = Dataset::files(&files(path)?, &read)?;
            Dataset::captions(&pictures, None, read.seq)
                .with_context(|| format!("a bridge needs labelled pictures in {}", path.display()))?
        }
        (Some(path), _) => Dataset::files(&files(path)?, &read)?,
        (None, _) => {
            let text = match node {
                Some(node) => node.file(
                    &bootstrap.corpus.url,
                    usize::try_from(bootstrap.corpus.bytes)?.min(crate::corpus::LONGEST),
                )?,
                None => Corpus::bundled().text.to_vec(),
            };
            Dataset::text(&text, Some(key), read.seq)?
        }
    };
    let own = dataset.spec().own().map(|part| part.modality);
    match wanted.map(Wanted::modality) {
        Some(wanted) if own != Some(wanted) => {
            let own = own.map_or_else(|| "nothing".into(), |own| own.to_string());
            bail!("--data holds {own}, and --modality wants {wanted}: name other data, or leave --modality away")
        }
        _ => Ok(dataset),
    }
}

/// Pixels of a side of the patches that a table of pictures is cut into.
const PATCH: usize = 2;

/// The files at `path`, by their names below it, as many bytes as one dataset may have.
fn files(path: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut paths = Vec::new();
    if path.is_dir() {
        list(path, 0, &mut paths)?;
    } else {
        paths.push(path.to_owned());
    }
    paths.sort();
    let (mut files, mut total) = (Vec::new(), 0u64);
    for file in paths {
        let unreadable = || format!("{} cannot be read", file.display());
        total += fs::metadata(&file).with_context(unreadable)?.len();
        if total > ::data::limits::FILE_BYTES as u64 {
            bail!("{} holds more than {} MB: choose less", path.display(), ::data::limits::FILE_BYTES >> 20);
        }
        let name = file
            .strip_prefix(path)
            .ok()
            .filter(|name| !name.as_os_str().is_empty())
            .or(file.file_name().map(Path::new));
        files.push((name.unwrap_or(&file).to_string_lossy().into_owned(), fs::read(&file).with_context(unreadable)?));
    }
    if files.is_empty() {
        bail!("{} holds no file", path.display());
    }
    Ok(files)
}

/// Files below `folder`; hidden ones and links are left out.
fn list(folder: &Path, depth: usize, paths: &mut Vec<std::path::PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let entry = entry.with_context(|| format!("{} cannot be read", folder.display()))?;
        let kind = entry.file_type().with_context(|| format!("{} cannot be read", entry.path().display()))?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if kind.is_dir() && depth < DEPTH {
            list(&entry.path(), depth + 1, paths)?;
        } else if kind.is_file() {
            paths.push(entry.path());
        }
    }
    Ok(())
}

/// How deep folders may nest.
const DEPTH: usize = 4;

/// Where the model computes.
fn device(wanted: Device) -> Result<Chosen> {
    match wanted {
        Device::Cpu => Ok(model::cpu()),
        #[cfg(feature = "vulkan")]
        Device::Vulkan => Ok(model::vulkan()),
        #[cfg(not(feature = "vulkan"))]
        Device::Vulkan => {
            bail!("this program was built without Vulkan: build it with `--features vulkan`, or take --device cpu")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &str) -> cli::Peer {
        use clap::Parser;
        let all = "peerage peer --node http://a".split(' ').chain(arguments.split_whitespace());
        match cli::Arguments::try_parse_from(all).unwrap().command {
            cli::Command::Peer(options) => options,
            other => panic!("{other:?}"),
        }
    }

    fn bootstrap() -> Bootstrap {
        use commonware_codec::Encode;
        use protocol::bootstrap::{Checkpoint, Corpus, VERSION};
        let genesis = Genesis::example();
        Bootstrap {
            version: VERSION,
            name: "test".into(),
            chain: genesis.chain().0,
            genesis: genesis.encode().to_vec(),
            checkpoint: Checkpoint { height: 0, digest: genesis.chain().0, time: 0 },
            validators: genesis.validator_keys(),
            node: vec![],
            residents: vec![],
            corpus: Corpus { url: "corpus".into(), bytes: 0, name: "none".into() },
            ice_servers: vec![],
        }
    }

    fn learn(arguments: &str) -> Result<Dataset> {
        learned(&options(arguments), &bootstrap(), None, "key")
    }

    #[test]
    fn data_is_what_its_files_are() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("flowers.csv");
        let rows: String = (0..60).map(|i| format!("{}.5,{},{}\n", i % 7, i % 5, ["iris", "rose"][i % 2])).collect();
        fs::write(&path, format!("width,height,label\n{rows}")).unwrap();
        let own = |arguments: &str| learn(arguments).unwrap().spec().own().unwrap().modality;
        assert_eq!(own(&format!("--data {}", path.display())), protocol::exchange::Modality::Tensor);
        assert_eq!(own("--modality glyphs"), protocol::exchange::Modality::Image);
        assert_eq!(learn("--modality bridge").unwrap().spec().parts.len(), 2);
        assert_eq!(own(""), protocol::exchange::Modality::Text, "the bundled text where no node can be asked");
        let error = learn(&format!("--data {} --modality speech", path.display())).unwrap_err().to_string();
        assert_eq!(
            error,
            "--data holds TENSOR, and --modality wants SPEECH: name other data, or leave --modality away"
        );
        let error = format!("{:#}", learn(&format!("--data {}/nothing", place.path().display())).unwrap_err());
        assert!(error.contains("nothing cannot be read"), "{error}");
    }

    #[test]
    fn a_bootstrap_comes_from_a_node_or_a_file() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("saved.json");
        fs::write(&path, bootstrap().to_text().unwrap()).unwrap();
        let (read, node) = super::bootstrap(path.to_str().unwrap()).unwrap();
        assert_eq!((read.chain, node.is_none()), (Genesis::example().chain().0, true));
        let error = format!("{:#}", super::bootstrap("node.example").err().unwrap());
        assert!(error.contains("begins with http://"), "{error}");
    }
}
