//! What a development network keeps in its data folder: the chain it began, and the keys of everyone it runs.
//!
//! The folder itself, its version, lock and files are the engine's ([`consensus::Folder`]); here it is decided which
//! keys there are and how the chain begins. Everyone of this program is named before the genesis is made, so that the
//! first residents are founders: a chain without stake ranks nobody.

use anyhow::{Context, Result, bail};
use commonware_codec::Encode;
use commonware_cryptography::Signer;
use consensus::Folder;
use ledger::{Amount, Genesis, Kind, PrivateKey, types::TOKEN};
use network::Keypair;
use std::path::Path;

/// A data folder in use, and the chain in it.
pub struct Data {
    /// The folder.
    pub folder: Folder,
    /// How its chain began.
    pub genesis: Genesis,
    /// Whether it begins now.
    pub new: bool,
    /// Key of the embedded validator.
    pub validator: PrivateKey,
    /// libp2p key of the node.
    pub node: Keypair,
    /// Keys of the residents.
    pub residents: Vec<Keys>,
}

/// Keys of one resident.
#[derive(Clone)]
pub struct Keys {
    /// Signs rows; names the peer on the ledger.
    pub hot: PrivateKey,
    /// libp2p key.
    pub identity: Keypair,
}

impl Data {
    /// Opens the folder; begins a chain at `now` (ms) where there is none, with the residents as founders. A chain that is
    /// there must run `mechanism`, where one is named.
    pub fn open(path: &Path, residents: u16, mechanism: Option<Kind>, now: u64) -> Result<Self> {
        Self::begin(path, residents, mechanism, now).context("the data folder cannot be used")
    }

    fn begin(path: &Path, residents: u16, mechanism: Option<Kind>, now: u64) -> Result<Self> {
        let folder = Folder::open(path)?;
        let validator = folder.key("validator")?;
        let keys = |index| -> Result<Keys> {
            let name = format!("resident-{index}");
            Ok(Keys { hot: folder.key(&name)?, identity: identity(&folder, &format!("{name}-network"))? })
        };
        let mut residents_keys = (0..residents.max(1)).map(keys).collect::<Result<Vec<_>>>()?;
        let founders = residents_keys.iter().map(|keys| (keys.hot.public_key(), Amount(FOUNDER_STAKE))).collect();
        let faucet = folder.key("faucet")?.public_key();
        let node = identity(&folder, "node-network")?;
        let mut new = false;
        let genesis = folder.genesis(|| {
            new = true;
            let genesis = Genesis::dev(now, validator.public_key(), faucet, Amount(FUNDS), founders);
            let parameters = mechanism.unwrap_or(Kind::Trust).fit(&genesis.parameters);
            Genesis { parameters, ..genesis }
        })?;
        let runs = genesis.parameters.mechanism;
        if let Some(wanted) = mechanism.filter(|wanted| *wanted != runs) {
            bail!(
                "the chain in {} runs {}: name another folder with --data for one that runs {}",
                path.display(),
                runs.name(),
                wanted.name()
            );
        }
        if !genesis.validator_keys().contains(&validator.public_key()) {
            bail!(
                "{} is not the key of this chain's validator: restore it from a copy, or begin anew by removing {}",
                path.join("validator.key").display(),
                path.display()
            );
        }
        residents_keys.truncate(residents.into());
        Ok(Self { folder, genesis, new, validator, node, residents: residents_keys })
    }
}

/// What a founder stakes, base units.
const FOUNDER_STAKE: u64 = 100 * TOKEN;

/// What the faucet's account holds, base units.
const FUNDS: u64 = 1_000 * TOKEN;

/// A libp2p key of this name.
pub fn identity(folder: &Folder, name: &str) -> Result<Keypair> {
    let mut secret = folder.key(name)?.encode().to_vec();
    Keypair::ed25519_from_bytes(&mut secret).with_context(|| format!("{name}.key is no libp2p key"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_second_opening_finds_the_same_chain_and_keys() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("new/dev");
        let first = Data::open(&path, 2, None, 5).unwrap();
        assert!(first.new);
        assert_eq!(first.genesis.neurons.len(), 2);
        let keys = |data: &Data| data.residents.iter().map(|keys| keys.hot.public_key()).collect::<Vec<_>>();
        let (genesis, before, peer) = (first.genesis.clone(), keys(&first), first.node.public().to_peer_id());
        drop(first);
        let second = Data::open(&path, 3, None, 6).unwrap();
        assert!(!second.new);
        assert_eq!((&second.genesis, second.node.public().to_peer_id()), (&genesis, peer));
        assert_eq!(keys(&second)[..2], before);
        assert_eq!(second.residents.len(), 3);
    }

    #[test]
    fn without_residents_there_is_still_a_founder() {
        let place = tempfile::tempdir().unwrap();
        let data = Data::open(place.path(), 0, None, 5).unwrap();
        assert_eq!((data.genesis.neurons.len(), data.residents.len()), (1, 0));
    }

    #[test]
    fn a_chain_keeps_its_mechanism() {
        let place = tempfile::tempdir().unwrap();
        let open = |mechanism| Data::open(place.path(), 1, mechanism, 5);
        let data = open(Some(Kind::Connectivity)).unwrap();
        let parameters = &data.genesis.parameters;
        assert_eq!((parameters.mechanism, parameters.max_neurons), (Kind::Connectivity, 1_024));
        drop(data);
        assert_eq!(open(None).unwrap().genesis.parameters.mechanism, Kind::Connectivity);
        let error = open(Some(Kind::Trust)).err().unwrap();
        assert!(format!("{error:#}").contains("runs connectivity: name another folder"), "{error:#}");
    }

    #[test]
    fn a_lost_validator_key_is_named() {
        let place = tempfile::tempdir().unwrap();
        drop(Data::open(place.path(), 0, None, 5).unwrap());
        fs::remove_file(place.path().join("validator.key")).unwrap();
        let error = Data::open(place.path(), 0, None, 6).err().unwrap();
        assert!(format!("{error:#}").contains("validator.key is not the key"), "{error:#}");
    }

    #[test]
    fn a_folder_in_use_is_not_taken() {
        let place = tempfile::tempdir().unwrap();
        let _first = Data::open(place.path(), 0, None, 5).unwrap();
        let error = Data::open(place.path(), 0, None, 6).err().unwrap();
        assert!(format!("{error:#}").contains("in use"), "{error:#}");
    }
}
