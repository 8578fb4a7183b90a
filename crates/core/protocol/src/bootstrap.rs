//! `/bootstrap.json`: what a node tells a page that is opened for the first time.
//!
//! It comes from the party that the page audits. A hostile node could name another chain, an old checkpoint or validators of its own:
//! the page keeps the chain of its first visit, the light client checks that the genesis hashes to the chain id, and everything after
//! the checkpoint by certificate, later validators among it. Addresses it names can at worst not be reached, since each ends in a peer id.

mod ice;

pub use ice::{IceError, IceServer, UrlFault, bounded};

use crate::limits;
use commonware_codec::{Copying, DecodeExt};
use commonware_cryptography::{ed25519::PublicKey, sha256::Digest};
use serde::{Deserialize, Serialize};

/// Version of the file.
pub const VERSION: u32 = 1;

/// The file, parsed. Keys, digests and bytes are lower-case hex in the text, times ms since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bootstrap {
    /// [`VERSION`].
    pub version: u32,
    /// Name of the network, for people.
    pub name: String,
    /// Chain id: the tagged hash of the genesis, computed by the ledger crate.
    #[serde(with = "hexadecimal::value")]
    pub chain: Digest,
    /// The encoded genesis.
    #[serde(with = "hexadecimal::bytes")]
    pub genesis: Vec<u8>,
    /// Where verification begins.
    pub checkpoint: Checkpoint,
    /// Who validates the block after the checkpoint.
    #[serde(with = "hexadecimal::values")]
    pub validators: Vec<PublicKey>,
    /// Where the node's network listens, as multiaddresses that end in `/p2p/<peer id>`; relay, directory and ledger.
    pub node: Vec<String>,
    /// Where its residents listen, likewise.
    pub residents: Vec<String>,
    /// What there is to learn from.
    pub corpus: Corpus,
    /// STUN and TURN servers, [`limits::ICE_SERVERS`] at most; none on one machine. A URL alone is read too.
    #[serde(default)]
    pub ice_servers: Vec<IceServer>,
}

/// A final block that the light client starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// Its height.
    pub height: u64,
    /// Its digest.
    #[serde(with = "hexadecimal::value")]
    pub digest: Digest,
    /// The time in its header.
    pub time: u64,
}

/// A text to learn from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Corpus {
    /// Where to fetch it, relative to the page.
    pub url: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its name, for people.
    pub name: String,
}

/// Why a text is not a bootstrap.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// Longer than it may be.
    #[error("bootstrap.json has {bytes} bytes, at most {} are allowed", limits::BOOTSTRAP_BYTES)]
    TooLong {
        /// Bytes of the text.
        bytes: usize,
    },
    /// Not this JSON.
    #[error("bootstrap.json cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Of another version.
    #[error("bootstrap.json is of version {version}, this page reads {VERSION}: reload the page")]
    Version {
        /// Its version.
        version: u32,
    },
    /// Nobody validates.
    #[error("bootstrap.json names no validators")]
    NoValidators,
    /// It names too many servers.
    #[error("bootstrap.json names {0}")]
    IceServers(#[from] IceError),
}

impl Bootstrap {
    /// Parses the text. Whether the genesis is the one that the chain is named after is for the light client to check.
    ///
    /// # Errors
    /// [`BootstrapError`].
    pub fn parse(text: &str) -> Result<Self, BootstrapError> {
        if text.len() > limits::BOOTSTRAP_BYTES {
            return Err(BootstrapError::TooLong { bytes: text.len() });
        }
        let version = serde_json::from_str::<Versioned>(text)?.version;
        if version != VERSION {
            return Err(BootstrapError::Version { version });
        }
        let bootstrap: Self = serde_json::from_str(text)?;
        if bootstrap.validators.is_empty() {
            return Err(BootstrapError::NoValidators);
        }
        bounded(&bootstrap.ice_servers)?;
        Ok(bootstrap)
    }

    /// The text.
    ///
    /// # Errors
    /// [`BootstrapError::Json`], which these fields do not cause.
    pub fn to_text(&self) -> Result<String, BootstrapError> {
        Ok(serde_json::to_string_pretty(self)?)
    }
}

/// The part that every version has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// A value that serde writes as hex.
mod hexadecimal {
    use super::{Copying, DecodeExt};
    use commonware_codec::Read;
    use commonware_formatting::{from_hex, hex};
    use serde::{Deserialize, Deserializer, de::Error};

    fn decode<'de, D: Deserializer<'de>>(text: &str) -> Result<Vec<u8>, D::Error> {
        from_hex(text).ok_or_else(|| D::Error::custom("not hex"))
    }

    fn parse<'de, T: Read<Cfg = ()>, D: Deserializer<'de>>(text: &str) -> Result<T, D::Error> {
        T::decode(Copying(&decode::<D>(text)?)).map_err(D::Error::custom)
    }

    pub(super) mod bytes {
        use super::*;

        pub(crate) fn serialize<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(&hex(bytes))
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
            decode::<D>(&String::deserialize(deserializer)?)
        }
    }

    pub(super) mod value {
        use super::*;

        pub(crate) fn serialize<T: AsRef<[u8]>, S: serde::Serializer>(
            value: &T,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(&hex(value.as_ref()))
        }

        pub(crate) fn deserialize<'de, T: Read<Cfg = ()>, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<T, D::Error> {
            parse::<T, D>(&String::deserialize(deserializer)?)
        }
    }

    pub(super) mod values {
        use super::*;

        pub(crate) fn serialize<T: AsRef<[u8]>, S: serde::Serializer>(
            values: &[T],
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(values.iter().map(|value| hex(value.as_ref())))
        }

        pub(crate) fn deserialize<'de, T: Read<Cfg = ()>, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Vec<T>, D::Error> {
            Vec::<String>::deserialize(deserializer)?.iter().map(|text| parse::<T, D>(text)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_cryptography::{Hasher, Sha256, Signer, ed25519::PrivateKey};

    fn bootstrap() -> Bootstrap {
        let genesis = b"genesis".to_vec();
        Bootstrap {
            version: VERSION,
            name: "dev".into(),
            chain: Sha256::hash(&[&genesis]),
            genesis,
            checkpoint: Checkpoint { height: 0, digest: Sha256::hash(&[b"block"]), time: 5 },
            validators: vec![PrivateKey::from_seed(1).public_key()],
            node: vec!["/ip4/127.0.0.1/tcp/8081/ws".into()],
            residents: vec![],
            corpus: Corpus { url: "corpus".into(), bytes: 9, name: "text".into() },
            ice_servers: vec![],
        }
    }

    #[test]
    fn it_comes_back() {
        let text = bootstrap().to_text().unwrap();
        assert_eq!(Bootstrap::parse(&text).unwrap(), bootstrap());
        assert!(text.contains(&format!("\"chain\": \"{}\"", bootstrap().chain)));
    }

    #[test]
    fn another_version_is_told_before_its_fields() {
        let error = Bootstrap::parse(r#"{"version":2,"new":true}"#).unwrap_err();
        assert!(matches!(error, BootstrapError::Version { version: 2 }));
    }

    #[test]
    fn no_validators_no_json_and_too_long_are_refused() {
        let text = Bootstrap { validators: vec![], ..bootstrap() }.to_text().unwrap();
        assert!(matches!(Bootstrap::parse(&text), Err(BootstrapError::NoValidators)));
        assert!(matches!(Bootstrap::parse("<html>"), Err(BootstrapError::Json(_))));
        let long = " ".repeat(limits::BOOTSTRAP_BYTES + 1);
        assert!(matches!(Bootstrap::parse(&long), Err(BootstrapError::TooLong { .. })));
    }

    #[test]
    fn servers_are_read_as_they_were_written_before_and_bounded() {
        let text = bootstrap().to_text().unwrap();
        let named = |servers: &str| text.replace("\"iceServers\": []", &format!("\"iceServers\": {servers}"));
        let url = "stun:a.example:3478";
        let server = url.parse::<IceServer>().unwrap();
        for servers in [format!("[\"{url}\"]"), format!("[{{\"urls\": [\"{url}\"]}}]")] {
            assert_eq!(Bootstrap::parse(&named(&servers)).unwrap().ice_servers, std::slice::from_ref(&server));
        }
        let error = Bootstrap::parse(&named("[\"http://a.example\"]")).unwrap_err();
        assert!(error.to_string().contains("http://a.example is no STUN or TURN server"), "{error}");
        let many = Bootstrap { ice_servers: vec![server; limits::ICE_SERVERS + 1], ..bootstrap() };
        assert!(matches!(Bootstrap::parse(&many.to_text().unwrap()), Err(BootstrapError::IceServers(_))));
    }

    #[test]
    fn a_key_that_is_no_key_is_refused() {
        let text = bootstrap().to_text().unwrap().replace(&PrivateKey::from_seed(1).public_key().to_string(), "zz");
        assert!(matches!(Bootstrap::parse(&text), Err(BootstrapError::Json(_))));
    }
}
