//! What a session starts with, parsed once: `/bootstrap.json` comes from the party under audit, so its genesis must
//! hash to the chain it names; a kept seed and a cold key must be 32 bytes of hex, a peer id base58.

use commonware_codec::{Copying, DecodeExt as _};
use commonware_cryptography::ed25519::{PrivateKey, PublicKey};
use commonware_formatting::from_hex;
use ledger::{ChainId, Genesis, Height};
use light::Checkpoint;
use protocol::bootstrap::{Bootstrap, BootstrapError};
use protocol::record::RecordError;

/// A chain, a point to verify from, and the keys of one peer.
#[derive(Debug)]
pub struct Settings {
    pub(crate) genesis: Genesis,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) chain: ChainId,
    pub(crate) key: PrivateKey,
    pub(crate) seed: [u8; 32],
    pub(crate) cold: Option<PublicKey>,
    pub(crate) peer: Vec<u8>,
}

/// Why a session does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The bootstrap is none.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// The genesis or the checkpoint is refused.
    #[error("the node's bootstrap is refused: {0}")]
    Light(#[from] light::Error),
    /// The seed is not 32 bytes of hex.
    #[error("the kept key is damaged: {0} characters that should be 64 of hex")]
    Seed(usize),
    /// The cold key is no public key.
    #[error("the cold key {0:?} is no public key of 64 digits of hex")]
    Cold(String),
    /// The peer id is not base58.
    #[error("{0:?} is no peer id")]
    Peer(String),
    /// The record cannot be made.
    #[error("the record of this tab cannot be signed: {0}")]
    Record(#[from] RecordError),
}

impl StartError {
    /// Whether a newer bootstrap would do.
    pub const fn stale(&self) -> bool {
        matches!(self, Self::Light(light::Error::StaleCheckpoint { .. }))
    }
}

impl Settings {
    /// The words of `Command::Start`: the text of `/bootstrap.json`, a kept `seed` or fresh randomness from `random`,
    /// the `peer` id to bind, the `cold` key's public half where there is one.
    ///
    /// # Errors
    /// All of [`StartError`] but `Record` and what the checkpoint is refused for.
    pub fn parse(
        bootstrap: &str,
        seed: Option<&str>,
        peer: &str,
        cold: Option<&str>,
        random: impl FnOnce() -> [u8; 32],
    ) -> Result<Self, StartError> {
        let bootstrap = Bootstrap::parse(bootstrap)?;
        let chain = ChainId(bootstrap.chain);
        let genesis = light::genesis(chain, &bootstrap.genesis)?;
        let seed = match seed {
            Some(text) => parse_seed(text).ok_or(StartError::Seed(text.len()))?,
            None => random(),
        };
        let key = PrivateKey::decode(Copying(&seed)).map_err(|_| StartError::Seed(seed.len()))?;
        let cold = cold.map(|text| parse_key(text).ok_or_else(|| StartError::Cold(text.into()))).transpose()?;
        let peer = parse_peer(peer).ok_or_else(|| StartError::Peer(peer.into()))?;
        let checkpoint = Checkpoint {
            height: Height::new(bootstrap.checkpoint.height),
            digest: bootstrap.checkpoint.digest,
            time: bootstrap.checkpoint.time,
            validators: bootstrap.validators,
        };
        Ok(Self { genesis, checkpoint, chain, key, seed, cold, peer })
    }

    /// The chain that the shelves belong to, hex.
    pub fn chain(&self) -> String {
        self.chain.to_string()
    }
}

/// A seed from 64 characters of hex.
fn parse_seed(text: &str) -> Option<[u8; 32]> {
    from_hex(text)?.try_into().ok()
}

/// A key from hex.
pub(crate) fn parse_key(text: &str) -> Option<PublicKey> {
    PublicKey::decode(from_hex(text)?).ok()
}

/// The bytes of a peer id from base58.
pub(crate) fn parse_peer(text: &str) -> Option<Vec<u8>> {
    bs58::decode(text).into_vec().ok()
}
