//! One chain, followed, as JavaScript sees it. Functions decode, call and encode; times are ms since 1970.

use crate::object::Object;
use crate::{market, words};
use bytes::Bytes;
use commonware_codec::{Copying, DecodeExt as _, Encode as _, Error as CodecError};
use js_sys::Array;
use ledger::query::MAX_REPLY_BYTES;
use ledger::{ChainId, Digest, Genesis, Height, PublicKey, Query, Reply, Transaction, Uid, text};
use light::{Checkpoint, Follower, Options, Shelf, Source, Subject};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// Follows one chain.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Core {
    follower: Follower,
}

#[wasm_bindgen]
impl Core {
    /// Follows `chain` (hexadecimal), whose genesis is `genesis`, from a checkpoint: `height`, `digest` (hexadecimal), `time`, and the keys of
    /// the `validators` of the block after it, one after the other. Epochs of up to `whole` peers are audited; 0: none.
    ///
    /// # Errors
    /// `{ code, message }`: the genesis is that of another chain, the checkpoint is too old or no checkpoint.
    #[wasm_bindgen(constructor)]
    #[expect(
        clippy::too_many_arguments,
        reason = "called by the driver alone, and an object would have to be taken apart here"
    )]
    pub fn new(
        chain: &str,
        genesis: &[u8],
        height: f64,
        digest: &str,
        time: f64,
        validators: &[u8],
        whole: u32,
        now: f64,
    ) -> Result<Self, JsValue> {
        let chain = ChainId(parse::<Digest>("the chain", chain)?);
        let genesis = light::genesis(chain, genesis).map_err(|error| words::error(&error))?;
        let keys = validators.chunks(KEY_BYTES).map(|key| PublicKey::decode(Copying(key)));
        let keys = keys.collect::<Result<Vec<_>, _>>().map_err(|_| malformed("the checkpoint's validators"))?;
        let checkpoint = Checkpoint {
            height: Height::new(whole_number(height)),
            digest: parse("the checkpoint's digest", digest)?,
            time: whole_number(time),
            validators: keys,
        };
        let follower = Follower::new(genesis, checkpoint, Options { whole }, whole_number(now));
        Ok(Self { follower: follower.map_err(|error| words::error(&error))? })
    }

    /// The checkpoint of the chain's own beginning: `{ chain, height, digest, time, validators }`.
    ///
    /// # Errors
    /// `{ code, message }`: the bytes are no genesis.
    #[wasm_bindgen(js_name = beginning)]
    pub fn beginning(genesis: &[u8]) -> Result<JsValue, JsValue> {
        let genesis = Genesis::decode(Copying(genesis)).map_err(|_| malformed("the genesis"))?;
        let header = genesis.header().map_err(|error| words::refused("malformed", &error.to_string()))?;
        let validators = Array::new();
        for key in genesis.validator_keys() {
            validators.push(&JsValue::from_str(&text::hex(&key)));
        }
        Ok(Object::empty()
            .hex("chain", &genesis.chain().0)
            .count("height", header.height.get())
            .hex("digest", &header.digest())
            .count("time", header.time)
            .with("validators", &validators)
            .into())
    }

    /// The query for the genesis of a chain.
    #[wasm_bindgen(js_name = genesisQuery)]
    pub fn genesis_query() -> Vec<u8> {
        Query::Genesis.encode().into()
    }

    /// The genesis in a reply, `undefined` where it is another reply; whether it is the right one is for `new` to say.
    #[wasm_bindgen(js_name = genesisIn)]
    pub fn genesis_in(reply: &[u8]) -> Option<Vec<u8>> {
        match Reply::decode(Bytes::copy_from_slice(reply)) {
            Ok(Reply::Genesis { bytes }) if reply.len() <= MAX_REPLY_BYTES => Some(bytes.into()),
            _ => None,
        }
    }

    /// Somebody who answers queries, by name.
    #[wasm_bindgen(js_name = addSource)]
    pub fn add_source(&mut self, name: &str) {
        self.follower.add_source(Source::new(name));
    }

    /// It is gone.
    #[wasm_bindgen(js_name = removeSource)]
    pub fn remove_source(&mut self, name: &str) {
        self.follower.remove_source(&Source::new(name));
    }

    /// `[name, whether it is still believed and asked]` of each source, one after the other.
    pub fn sources(&self) -> Array {
        let all = Array::new();
        for (source, trusted) in self.follower.sources() {
            all.push(&JsValue::from_str(source.name()));
            all.push(&JsValue::from_bool(trusted));
        }
        all
    }

    /// The names of the shelves, in the order in which they are restored.
    pub fn shelves() -> Array {
        Shelf::ALL.iter().map(|shelf| JsValue::from_str(shelf.name())).collect()
    }

    /// What a shelf held at the end of the last visit; before the first `poll`, in the order of `shelves`.
    pub fn restore(&mut self, shelf: &str, bytes: &[u8], now: f64) {
        if let Some(shelf) = Shelf::ALL.into_iter().find(|known| known.name() == shelf) {
            self.follower.restore(shelf, bytes, whole_number(now));
        }
    }

    /// The next thing to do, `undefined` once there is none.
    pub fn poll(&mut self, now: f64) -> JsValue {
        self.follower.poll(whole_number(now)).map_or(JsValue::UNDEFINED, |step| words::step(&step))
    }

    /// When to poll again if nothing else happens.
    #[expect(clippy::cast_precision_loss, reason = "times are far below 2^53")]
    pub fn deadline(&self) -> Option<f64> {
        self.follower.deadline().map(|at| at as f64)
    }

    /// The next thing that was seen, `undefined` once there is none.
    pub fn event(&mut self) -> JsValue {
        self.follower.next_event().map_or(JsValue::UNDEFINED, |seen| words::seen(&seen))
    }

    /// Query `id` was answered with these bytes.
    pub fn reply(&mut self, id: u32, bytes: &[u8], now: f64) {
        let now = whole_number(now);
        if bytes.len() > MAX_REPLY_BYTES {
            return self.follower.handle_malformed(id, &CodecError::InvalidLength(bytes.len()), bytes.len(), now);
        }
        match Reply::decode(Bytes::copy_from_slice(bytes)) {
            Ok(reply) => self.follower.handle_reply(id, reply, now),
            Err(error) => self.follower.handle_malformed(id, &error, bytes.len(), now),
        }
    }

    /// Query `id` was not answered.
    pub fn failed(&mut self, id: u32, now: f64) {
        self.follower.handle_failed(id, whole_number(now));
    }

    /// There may be a newer head.
    pub fn hint(&mut self) {
        self.follower.hint();
    }

    /// Whether nothing more will come.
    pub fn stopped(&self) -> bool {
        self.follower.stopped()
    }

    /// The newest verified head.
    pub fn head(&self) -> JsValue {
        self.follower.head().map_or(JsValue::UNDEFINED, words::head)
    }

    /// How the newest epoch was found.
    pub fn audit(&self) -> JsValue {
        self.follower.audit().map_or(JsValue::UNDEFINED, words::audit)
    }

    /// The proof of two histories, where there is one.
    pub fn evidence(&self) -> JsValue {
        self.follower.evidence().map_or(JsValue::UNDEFINED, words::evidence)
    }

    /// Asks for a leaf with its proof: `account` or `neuron` of a key (hexadecimal).
    ///
    /// # Errors
    /// `{ code, message }`: no key.
    #[wasm_bindgen(js_name = proveKey)]
    pub fn prove_key(&mut self, kind: &str, key: &str) -> Result<(), JsValue> {
        let key = parse::<PublicKey>("the key", key)?;
        self.follower.prove(if kind == "account" { Subject::Account(key) } else { Subject::Neuron(key) });
        Ok(())
    }

    /// Asks for a leaf with its proof: `row` or `standing` of a uid, or `totals`.
    #[wasm_bindgen(js_name = proveUid)]
    pub fn prove_uid(&mut self, kind: &str, uid: u32) {
        self.follower.prove(match kind {
            "row" => Subject::Row(Uid::new(uid)),
            "standing" => Subject::Standing(Uid::new(uid)),
            _ => Subject::Totals,
        });
    }

    /// Hands in a signed transaction and gives its digest.
    ///
    /// # Errors
    /// `{ code, message }`: the bytes are no transaction.
    pub fn submit(&mut self, bytes: &[u8]) -> Result<String, JsValue> {
        let transaction =
            Transaction::decode(Bytes::copy_from_slice(bytes)).map_err(|_| malformed("the transaction"))?;
        let digest = text::hex(&transaction.digest());
        self.follower.submit(transaction);
        Ok(digest)
    }

    /// Looks for a transaction in the blocks, once.
    ///
    /// # Errors
    /// `{ code, message }`: no digest.
    pub fn find(&mut self, digest: &str) -> Result<(), JsValue> {
        self.follower.find(parse("the digest", digest)?);
        Ok(())
    }

    /// The height of the audited tables, `undefined` where there are none.
    #[expect(clippy::cast_precision_loss, reason = "heights are far below 2^53")]
    #[wasm_bindgen(js_name = tablesAt)]
    pub fn tables_at(&self) -> Option<f64> {
        self.follower.tables().map(|tables| tables.height().get() as f64)
    }

    /// The market of the newest whole tables.
    pub fn market(&self) -> JsValue {
        self.follower.newest_market().map_or(JsValue::UNDEFINED, |market| market::market(&market))
    }

    /// Asks for the market after a past epoch: an event `market` or `no-market`, sooner or later.
    #[wasm_bindgen(js_name = askMarket)]
    pub fn ask_market(&mut self, epoch: f64) {
        self.follower.market(whole_number(epoch));
    }

    /// The first and the last epoch that can be asked for.
    #[expect(clippy::cast_precision_loss, reason = "epochs are far below 2^53")]
    pub fn epochs(&self) -> Option<Vec<f64>> {
        self.follower.epochs().map(|(first, last)| vec![first as f64, last as f64])
    }

    /// What the chain reckons by: `{ mechanism, tempo, blockMs, trustMs }`.
    pub fn parameters(&self) -> JsValue {
        let parameters = self.follower.parameters();
        Object::empty()
            .text("mechanism", parameters.mechanism.name())
            .count("tempo", parameters.tempo)
            .count("blockMs", parameters.block_time)
            .count("trustMs", parameters.trust_period)
            .into()
    }

    /// Everyone in the audited tables.
    pub fn peers(&self) -> Array {
        let all = Array::new();
        let Some(tables) = self.follower.tables() else { return all };
        for (uid, leaf) in (0..).zip(tables.neurons()).filter(|(_, leaf)| !leaf.vacant) {
            all.push(&words::neuron(uid, leaf));
        }
        all
    }
}

/// A time or a height from a number of JavaScript.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is no whole number counts as the nearest"
)]
const fn whole_number(number: f64) -> u64 {
    number as u64
}

fn parse<T: commonware_codec::Read<Cfg = ()>>(what: &str, digits: &str) -> Result<T, JsValue> {
    let bytes = text::bytes(digits).map_err(|_| malformed(what))?;
    T::decode(Copying(&bytes)).map_err(|_| malformed(what))
}

fn malformed(what: &str) -> JsValue {
    words::refused("malformed", &[what, " cannot be read"].concat())
}

/// Bytes of a public key.
const KEY_BYTES: usize = 32;
