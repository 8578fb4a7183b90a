//! A block: the engine's context, the ledger's header and the transactions.
//!
//! Its digest is the header's. The header commits to the context and the transactions, and decoding refuses a block where
//! it does not, so no two decoded blocks of one digest differ.

use bytes::BufMut;
use commonware_codec::{Buf, Encode, EncodeSize, Error as CodecError, FixedSize, MaxEncodeSize, Read, ReadExt, Write};
use commonware_consensus::simplex::types::Context;
use commonware_consensus::types::{Epoch, Height, Round, View};
use commonware_consensus::{Block as EngineBlock, BoundedBlock, CertifiableBlock, Heightable};
use commonware_cryptography::{Digest as _, Digested, Digestible};
use ledger::hash::{Domain, tagged};
use ledger::header::{VERSION, validators_digest};
use ledger::{At, Body, Digest, Genesis, GenesisError, Header, PublicKey, State};

/// The engine's context of a block.
pub type BlockContext = Context<Digest, PublicKey>;

/// A block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    context: BlockContext,
    header: Header,
    body: Body,
}

impl Block {
    /// The block of height 0. Its header is the ledger's and has no context.
    pub fn genesis(genesis: &Genesis) -> Result<Self, GenesisError> {
        let header = genesis.header()?;
        let leader = genesis.validators.first().ok_or(GenesisError::Validators(0))?.key.clone();
        let round = Round::new(Epoch::zero(), View::zero());
        Ok(Self {
            context: Context { round, leader, parent: (View::zero(), Digest::EMPTY) },
            header,
            body: Body::default(),
        })
    }

    /// The block that leads to `state`.
    pub fn new(context: BlockContext, at: &At, state: &State, body: Body) -> Self {
        let roots = state.roots();
        let header = Header {
            version: VERSION,
            context: context_digest(&context),
            parent: at.parent,
            height: at.height,
            time: at.time,
            transactions: body.root(),
            roots,
            validators: validators_digest(state.validators()),
        };
        Self { context, header, body }
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The transactions.
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// Where the transition function places it.
    pub const fn at(&self) -> At {
        At { height: self.header.height, time: self.header.time, parent: self.header.parent }
    }

    /// Whether the header's roots are those of `state`.
    pub fn leads_to(&self, state: &State) -> bool {
        self.header.roots == state.roots() && self.header.validators == validators_digest(state.validators())
    }

    /// With its digest.
    pub fn digested(self) -> Digested<Self> {
        let digest = self.digest();
        Digested::precomputed(self, digest)
    }
}

fn context_digest(context: &BlockContext) -> Digest {
    tagged(Domain::Context, [&context.encode(), &[], &[]])
}

impl Write for Block {
    fn write(&self, buf: &mut impl BufMut) {
        self.context.write(buf);
        self.header.write(buf);
        self.body.write(buf);
    }
}

impl EncodeSize for Block {
    fn encode_size(&self) -> usize {
        self.context.encode_size() + self.header.encode_size() + self.body.encode_size()
    }
}

impl Read for Block {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let block = Self { context: Context::read(buf)?, header: Header::read(buf)?, body: Body::read(buf)? };
        if block.header.height != ledger::Height(0) && block.header.context != context_digest(&block.context) {
            return Err(CodecError::Invalid("block", "the header commits to another context"));
        }
        if block.header.transactions != block.body.root() {
            return Err(CodecError::Invalid("block", "the header commits to other transactions"));
        }
        Ok(block)
    }
}

impl Digestible for Block {
    type Digest = Digest;

    fn digest(&self) -> Digest {
        self.header.digest()
    }
}

impl Heightable for Block {
    fn height(&self) -> Height {
        Height::new(self.header.height.get())
    }
}

impl EngineBlock for Block {
    fn parent(&self) -> Digest {
        self.header.parent
    }
}

impl CertifiableBlock for Block {
    type Context = BlockContext;

    fn context(&self) -> BlockContext {
        self.context.clone()
    }
}

impl BoundedBlock for Block {
    fn max_encode_size((): &()) -> usize {
        BlockContext::MAX_ENCODE_SIZE + Header::SIZE + ledger::block::MAX_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_codec::DecodeExt;
    use commonware_cryptography::Signer;
    use ledger::{Action, Amount, Height as LedgerHeight, Nonce, PrivateKey, Transaction};

    fn block() -> Block {
        let genesis = Genesis::example();
        let begin = Block::genesis(&genesis).unwrap();
        let at = At { height: LedgerHeight(1), time: genesis.time + 1, parent: begin.digest() };
        let action = Action::Transfer { to: genesis.neurons[0].key.clone(), amount: Amount(1_000_000) };
        let faucet = PrivateKey::from_seed(1);
        let transaction = Transaction::sign(&faucet, genesis.chain(), Nonce(0), LedgerHeight(9), action);
        let (state, _) = genesis.state().unwrap().apply(&at, std::slice::from_ref(&transaction)).unwrap();
        let context = Context { round: Round::new(Epoch::zero(), View::new(3)), ..begin.context() };
        Block::new(context, &at, &state, Body { transactions: vec![transaction] })
    }

    #[test]
    fn a_block_survives_the_codec_and_fits_the_bound() {
        let block = block();
        let bytes = block.encode();
        assert!(bytes.len() <= Block::max_encode_size(&()));
        assert_eq!(Block::decode(bytes).unwrap(), block);
        let genesis = Block::genesis(&Genesis::example()).unwrap();
        assert_eq!(Block::decode(genesis.encode()).unwrap(), genesis);
    }

    #[test]
    fn a_block_with_another_context_or_body_is_refused() {
        let block = block();
        let context = Context { round: Round::new(Epoch::zero(), View::new(4)), ..block.context() };
        let other = Block { context, ..block.clone() };
        assert!(
            matches!(Block::decode(other.encode()), Err(CodecError::Invalid("block", what)) if what.contains("context"))
        );
        let other = Block { body: Body::default(), ..block };
        assert!(
            matches!(Block::decode(other.encode()), Err(CodecError::Invalid("block", what)) if what.contains("transactions"))
        );
    }
}
