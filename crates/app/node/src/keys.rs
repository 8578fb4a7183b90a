//! `peerage keys`: makes the keys of a data folder and lists their public halves.
//!
//! Private keys go to their files (`NAME.key`, hexadecimal, mode 0600) and nowhere else: nothing here prints one. Listing
//! takes no lock, so that it can be done while a node runs.

use crate::{
    cli::{Keys, NewKeys},
    say,
};
use anyhow::{Context, Result, bail};
use commonware_codec::Encode;
use commonware_cryptography::Signer;
use consensus::{
    Folder,
    folder::{is_exposed, read_key},
};
use ledger::{PrivateKey, PublicKey, text};
use libp2p::identity::ed25519;
use network::PeerId;
use std::{fs, path::Path};
use zeroize::Zeroizing;

/// Does what was asked.
pub fn run(options: &Keys) -> Result<()> {
    let keys = match options {
        Keys::New(new) => make(new)?,
        Keys::Show { data } => list(data)?,
    };
    say::result(&table(&keys)?).context("the keys were not printed")
}

/// What may be known of a key.
#[derive(Debug, PartialEq, Eq)]
struct Public {
    name: String,
    key: PublicKey,
    /// Whether others than the owner may read its file.
    exposed: bool,
}

/// Makes the keys that were named, none if one of them is there.
fn make(NewKeys { data, names }: &NewKeys) -> Result<Vec<Public>> {
    let folder = Folder::open(data)?;
    for (index, name) in names.iter().enumerate() {
        let path = file(data, name);
        if names[..index].contains(name) {
            bail!("the key {name} is named twice");
        }
        if path.try_exists().with_context(|| path.display().to_string())? {
            bail!("{} is there and is kept: choose another --name, or another folder with --data", path.display());
        }
    }
    let make = |name: &String| {
        Ok(Public { name: name.clone(), key: folder.key(name)?.public_key(), exposed: is_exposed(&file(data, name)) })
    };
    names.iter().map(make).collect()
}

/// The keys of a folder, by name.
fn list(data: &Path) -> Result<Vec<Public>> {
    let entries = fs::read_dir(data).with_context(|| {
        format!("{} cannot be read; `peerage keys new --data DIR` makes a data folder", data.display())
    })?;
    let mut keys = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| data.display().to_string())?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(EXTENSION)) else { continue };
        keys.push(Public { name: name.into(), key: read(&path)?.public_key(), exposed: is_exposed(&path) });
    }
    if keys.is_empty() {
        bail!("{} holds no keys; `peerage keys new --data {}` makes one", data.display(), data.display());
    }
    keys.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(keys)
}

/// The private key of this name, which is there. It takes no lock either.
pub fn secret(data: &Path, name: &str) -> Result<PrivateKey> {
    let path = file(data, name);
    if !path.try_exists().with_context(|| path.display().to_string())? {
        let data = data.display();
        bail!("{} is not there: `peerage keys show --data {data}` lists the keys of the folder", path.display());
    }
    read_key(&path)?.with_context(|| format!("{} is not there any more", path.display()))
}

fn read(path: &Path) -> Result<PrivateKey> {
    let Ok(bytes) = fs::read(path).map(Zeroizing::new) else { bail!("{} cannot be read", path.display()) };
    // The reason could quote what is in the file.
    match std::str::from_utf8(&bytes).ok().and_then(|text| text::decode(text.trim()).ok()) {
        Some(key) => Ok(key),
        None => bail!("{} holds no private key: restore it from a copy", path.display()),
    }
}

/// One line a key.
fn table(keys: &[Public]) -> Result<String> {
    let width = keys.iter().map(|key| key.name.len()).max().unwrap_or_default();
    let mut table = String::new();
    for Public { name, key, exposed } in keys {
        table += &format!("{name:width$}  {key}");
        if name.ends_with(NETWORK) {
            table += &format!("  {}", peer_id(key)?);
        }
        if *exposed {
            table += &format!("  readable by others: chmod 600 {name}{EXTENSION}");
        }
        table.push('\n');
    }
    Ok(table)
}

/// Who the owner of this key is to libp2p.
fn peer_id(key: &PublicKey) -> Result<PeerId> {
    let key = ed25519::PublicKey::try_from_bytes(&key.encode()).context("no libp2p key")?;
    Ok(libp2p::identity::PublicKey::from(key).to_peer_id())
}

fn file(data: &Path, name: &str) -> std::path::PathBuf {
    data.join(format!("{name}{EXTENSION}"))
}

/// How the file of a key ends.
const EXTENSION: &str = ".key";

/// How the name of a libp2p key ends.
const NETWORK: &str = "network";

#[cfg(test)]
mod tests {
    use super::*;
    use network::Keypair;

    fn new(data: &Path, names: &[&str]) -> Result<Vec<Public>> {
        make(&NewKeys { data: data.into(), names: names.iter().map(|&name| name.into()).collect() })
    }

    #[test]
    fn keys_are_made_once_and_readable_by_their_owner_only() {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        let made = new(&data, &["validator", "cold"]).unwrap();
        assert_ne!(made[0].key, made[1].key);
        assert!(made.iter().all(|key| !key.exposed));
        let error = new(&data, &["hot", "validator"]).unwrap_err().to_string();
        assert!(error.contains("validator.key is there and is kept: choose another --name"), "{error}");
        assert!(new(&data, &["hot", "hot"]).unwrap_err().to_string().contains("named twice"));
        let mut listed = list(&data).unwrap();
        listed.reverse();
        assert_eq!(listed, made);
        assert_eq!(Folder::open(&data).unwrap().key("validator").unwrap().public_key(), made[0].key);
    }

    #[test]
    fn a_list_has_peer_ids_and_no_secrets() {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        new(&data, &["node-network", "validator"]).unwrap();
        let folder = Folder::open(&data).unwrap();
        let mut secret = folder.key("node-network").unwrap().encode().to_vec();
        let hidden = text::hex(&secret);
        let listed = table(&list(&data).unwrap()).unwrap();
        let peer = Keypair::ed25519_from_bytes(&mut secret).unwrap().public().to_peer_id();
        let mut lines = listed.lines();
        assert!(lines.next().unwrap().ends_with(&format!("  {peer}")), "{listed}");
        let key = folder.key("validator").unwrap().public_key();
        assert_eq!(lines.next().unwrap(), format!("validator     {key}"));
        assert!(!listed.contains(&hidden), "{listed}");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_pointed_at() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        new(&data, &["validator"]).unwrap();
        fs::set_permissions(file(&data, "validator"), fs::Permissions::from_mode(0o644)).unwrap();
        let listed = table(&list(&data).unwrap()).unwrap();
        assert!(listed.contains("readable by others: chmod 600 validator.key"), "{listed}");
    }

    #[test]
    fn a_folder_without_keys_and_a_damaged_key_are_named() {
        let place = tempfile::tempdir().unwrap();
        let nowhere = list(&place.path().join("nowhere")).unwrap_err();
        assert!(format!("{nowhere:#}").contains("cannot be read; `peerage keys new"), "{nowhere:#}");
        assert!(list(place.path()).unwrap_err().to_string().contains("holds no keys"));
        fs::write(place.path().join("validator.key"), "5ec7e7").unwrap();
        let error = list(place.path()).unwrap_err().to_string();
        assert!(error.contains("validator.key holds no private key"), "{error}");
        assert!(!error.contains("5ec7e7"), "{error}");
    }
}
