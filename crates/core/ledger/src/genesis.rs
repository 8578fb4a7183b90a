//! How a chain begins: who holds what, who validates, which numbers rule. Its bytes hashed are the chain id.

use crate::codec::{Field, Item, message, take_version};
use crate::hash::{Domain, tagged};
use crate::header::{self, Header, validators_digest};
use crate::parameters::{ParameterError, Parameters};
use crate::state::State;
use crate::types::{Amount, ChainId, Height, SUPPLY_LIMIT, Uid};
use crate::{Digest, PublicKey};
use bytes::BufMut;
use commonware_codec::{Buf, Encode, EncodeSize, Error as CodecError, Read, Write};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// Version of the encoding, its first byte.
pub const VERSION: u8 = 2;

/// Most accounts and most founders of a genesis.
const MOST: usize = 65_536;

/// Most validators of any chain; a chain's own limit is `Parameters::seats`.
pub const MAX_VALIDATORS: usize = 64;

/// A peer that holds stake from the first block on. Without one nobody's row would count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Founder {
    /// Hot and cold key.
    pub key: PublicKey,
    /// What it learns from; 0 is text.
    pub modality: u8,
    /// Its stake.
    pub stake: Amount,
}

message!(Founder { key, modality, stake });

/// Who validates from the first block on, until an epoch elects others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Consensus key.
    pub key: PublicKey,
    /// The founder whose stake backs it.
    pub founder: Uid,
    /// Where other validators reach it.
    pub address: SocketAddr,
}

message!(Seat { key, founder, address });

/// How a chain begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Genesis {
    /// Name for people, at most 64 bytes.
    pub name: String,
    /// When, ms since the Unix epoch; also what makes two chains of one form different.
    pub time: u64,
    /// The numbers that rule.
    pub parameters: Parameters,
    /// Balances.
    pub accounts: Vec<(PublicKey, Amount)>,
    /// Neurons, uid 0 first.
    pub neurons: Vec<Founder>,
    /// Who validates.
    pub validators: Vec<Seat>,
}

/// Why a genesis cannot begin a chain.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GenesisError {
    /// A number is out of its range.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// The name is too long.
    #[error("the name of the chain has {0} bytes, but at most 64 are allowed")]
    Name(usize),
    /// None, or more than there are seats.
    #[error("{0} validators, but from 1 to as many as there are seats are allowed")]
    Validators(usize),
    /// A validator is backed by nobody.
    #[error("{key} is backed by founder {founder}, who does not exist")]
    Unbacked {
        /// Its consensus key.
        key: PublicKey,
        /// The uid named.
        founder: Uid,
    },
    /// A validator is backed by too little stake.
    #[error("founder {founder} backs a validator with a stake of {stake}, but a seat takes {seat}")]
    Poor {
        /// The founder.
        founder: Uid,
        /// Its stake.
        stake: Amount,
        /// Least stake.
        seat: Amount,
    },
    /// A key is named twice in one list.
    #[error("{key} stands twice among the {list}")]
    Twice {
        /// The key.
        key: PublicKey,
        /// The list.
        list: &'static str,
    },
    /// More neurons than there is room for.
    #[error("{given} founders, but there is room for {most}")]
    Founders {
        /// Founders given.
        given: usize,
        /// Room.
        most: u32,
    },
    /// More in balances and stake than may ever exist.
    #[error("balances and stake sum to more than {SUPPLY_LIMIT}")]
    Supply,
}

impl Genesis {
    /// A network on one machine: dev parameters, one validator, backed by founder 0 and to be reached by nobody, one account
    /// with everything that is not staked, and the founders (hot key, stake) as text peers.
    pub fn dev(
        time: u64,
        validator: PublicKey,
        faucet: PublicKey,
        funds: Amount,
        founders: Vec<(PublicKey, Amount)>,
    ) -> Self {
        Self {
            name: "dev".into(),
            time,
            parameters: Parameters::dev(),
            accounts: vec![(faucet, funds)],
            neurons: founders.into_iter().map(|(key, stake)| Founder { key, modality: 0, stake }).collect(),
            validators: vec![Seat { key: validator, founder: Uid(0), address: NOWHERE }],
        }
    }

    /// The chain id.
    pub fn chain(&self) -> ChainId {
        ChainId(tagged(Domain::Chain, [&self.encode(), &[], &[]]))
    }

    /// The state before the first block.
    pub fn state(&self) -> Result<State, GenesisError> {
        self.check()?;
        Ok(State::begin(self))
    }

    /// The header of height 0. It has no certificate: who trusts a genesis trusts its header.
    pub fn header(&self) -> Result<Header, GenesisError> {
        let roots = self.state()?.roots();
        Ok(Header {
            version: header::VERSION,
            context: Digest::from([0; 32]),
            parent: self.chain().0,
            height: Height(0),
            time: self.time,
            transactions: crate::Body::default().root(),
            roots,
            validators: validators_digest(&self.validator_keys()),
        })
    }

    /// Whether a chain can begin like this.
    pub fn check(&self) -> Result<(), GenesisError> {
        self.parameters.check()?;
        if self.name.len() > 64 {
            return Err(GenesisError::Name(self.name.len()));
        }
        if self.validators.is_empty() || self.validators.len() > self.parameters.seats as usize {
            return Err(GenesisError::Validators(self.validators.len()));
        }
        if self.neurons.len() > self.parameters.max_neurons as usize {
            return Err(GenesisError::Founders { given: self.neurons.len(), most: self.parameters.max_neurons });
        }
        once("validators", self.validators.iter().map(|seat| &seat.key))?;
        once("accounts", self.accounts.iter().map(|(key, _)| key))?;
        once("founders", self.neurons.iter().map(|founder| &founder.key))?;
        for Seat { key, founder, .. } in &self.validators {
            let unbacked = || GenesisError::Unbacked { key: key.clone(), founder: *founder };
            let stake = self.neurons.get(founder.index()).ok_or_else(unbacked)?.stake;
            if stake < self.parameters.seat {
                return Err(GenesisError::Poor { founder: *founder, stake, seat: self.parameters.seat });
            }
        }
        if self.supply() > u128::from(SUPPLY_LIMIT.get()) { Err(GenesisError::Supply) } else { Ok(()) }
    }

    /// The keys of the first validators, ascending.
    pub fn validator_keys(&self) -> Vec<PublicKey> {
        let mut keys: Vec<PublicKey> = self.validators.iter().map(|seat| seat.key.clone()).collect();
        tiny_sort::stable::sort(&mut keys);
        keys
    }

    /// Balances and stake together.
    pub fn supply(&self) -> u128 {
        let balances: u128 = self.accounts.iter().map(|(_, amount)| u128::from(amount.get())).sum();
        balances + self.neurons.iter().map(|founder| u128::from(founder.stake.get())).sum::<u128>()
    }

    /// A small genesis for tests and examples, of this crate and of others: keys from the seeds 0 (validator), 1 (faucet),
    /// 2 and 3 (founders with 100 and 50 tokens).
    #[doc(hidden)]
    pub fn example() -> Self {
        use commonware_cryptography::Signer;
        let key = |seed| crate::PrivateKey::from_seed(seed).public_key();
        let tokens = |n: u64| Amount(n * crate::types::TOKEN);
        let founders = vec![(key(2), tokens(100)), (key(3), tokens(50))];
        Self::dev(1_700_000_000_000, key(0), key(1), tokens(1_000), founders)
    }
}

/// The address of a validator that needs no other.
const NOWHERE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

fn once<'a>(list: &'static str, keys: impl Iterator<Item = &'a PublicKey>) -> Result<(), GenesisError> {
    let mut seen = BTreeSet::new();
    for key in keys {
        if !seen.insert(key) {
            return Err(GenesisError::Twice { key: key.clone(), list });
        }
    }
    Ok(())
}

impl Item for (PublicKey, Amount) {
    const MOST: usize = MOST;
}

impl Item for Founder {
    const MOST: usize = MOST;
}

impl Item for Seat {
    const MOST: usize = MAX_VALIDATORS;
}

impl Item for PublicKey {
    const MOST: usize = MAX_VALIDATORS;
}

impl Write for Genesis {
    fn write(&self, buf: &mut impl BufMut) {
        VERSION.write(buf);
        self.name.put(buf);
        self.time.put(buf);
        self.parameters.put(buf);
        self.accounts.put(buf);
        self.neurons.put(buf);
        self.validators.put(buf);
    }
}

impl EncodeSize for Genesis {
    fn encode_size(&self) -> usize {
        1 + self.name.size()
            + self.time.size()
            + self.parameters.size()
            + self.accounts.size()
            + self.neurons.size()
            + self.validators.size()
    }
}

impl Read for Genesis {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        take_version(buf, VERSION, "genesis")?;
        let genesis = Self {
            name: Field::take(buf)?,
            time: Field::take(buf)?,
            parameters: Field::take(buf)?,
            accounts: Field::take(buf)?,
            neurons: Field::take(buf)?,
            validators: Field::take(buf)?,
        };
        genesis.check().map_err(|error| CodecError::Wrapped("genesis", Box::new(error)))?;
        Ok(genesis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_codec::DecodeExt;

    #[test]
    fn the_chain_id_covers_everything() {
        let genesis = Genesis::example();
        assert_eq!(Genesis::decode(genesis.encode()).unwrap(), genesis);
        let seat = genesis.validators[0].clone();
        let changed = [
            Genesis { name: "other".into(), ..genesis.clone() },
            Genesis { time: 1, ..genesis.clone() },
            Genesis { parameters: Parameters { seats: 20, ..Parameters::dev() }, ..genesis.clone() },
            Genesis { accounts: vec![], ..genesis.clone() },
            Genesis { neurons: genesis.neurons[..1].to_vec(), ..genesis.clone() },
            Genesis {
                validators: vec![Seat { key: genesis.accounts[0].0.clone(), ..seat.clone() }],
                ..genesis.clone()
            },
            Genesis { validators: vec![Seat { founder: Uid(1), ..seat.clone() }], ..genesis.clone() },
            Genesis { validators: vec![Seat { address: "10.0.0.1:9".parse().unwrap(), ..seat }], ..genesis.clone() },
        ];
        for other in changed {
            other.check().unwrap();
            assert_ne!(other.chain(), genesis.chain());
            assert_ne!(other.header().unwrap().digest(), genesis.header().unwrap().digest());
        }
    }

    #[test]
    fn each_impossible_genesis_is_named() {
        let good = Genesis::example();
        let check = |genesis: Genesis| {
            let error = genesis.check().unwrap_err();
            assert!(Genesis::decode(genesis.encode()).is_err());
            assert!(genesis.state().is_err());
            error
        };
        let validator = good.validators[0].clone();
        assert_eq!(check(Genesis { validators: vec![], ..good.clone() }), GenesisError::Validators(0));
        let twice = check(Genesis { validators: vec![validator.clone(), validator.clone()], ..good.clone() });
        assert_eq!(twice, GenesisError::Twice { key: validator.key.clone(), list: "validators" });
        let second = Seat { key: good.accounts[0].0.clone(), ..validator };
        let parameters = Parameters { seats: 1, ..Parameters::dev() };
        let many = check(Genesis { parameters, validators: vec![validator.clone(), second], ..good.clone() });
        assert_eq!(many, GenesisError::Validators(2));
        let unbacked = Seat { founder: Uid(2), ..validator.clone() };
        let error = check(Genesis { validators: vec![unbacked], ..good.clone() });
        assert_eq!(error, GenesisError::Unbacked { key: validator.key.clone(), founder: Uid(2) });
        let (stake, seat) = (good.neurons[0].stake, Amount(good.neurons[0].stake.0 + 1));
        let parameters = Parameters { seat, ..Parameters::dev() };
        let error = check(Genesis { parameters, ..good.clone() });
        assert_eq!(error, GenesisError::Poor { founder: Uid(0), stake, seat });
        assert_eq!(check(Genesis { name: "x".repeat(65), ..good.clone() }), GenesisError::Name(65));
        let supply = Genesis { accounts: vec![(validator.key, Amount(SUPPLY_LIMIT.get()))], ..good.clone() };
        assert_eq!(check(supply), GenesisError::Supply);
        let parameters = Parameters { max_neurons: 1, ..Parameters::dev() };
        let founders = check(Genesis { parameters, ..good.clone() });
        assert_eq!(founders, GenesisError::Founders { given: 2, most: 1 });
        let parameters = Parameters { tempo: 0, ..Parameters::dev() };
        assert!(matches!(check(Genesis { parameters, ..good }), GenesisError::Parameter(_)));
    }
}
