//! What a follower asks for and tells, as plain objects; errors as `{ code, message }`. The types are those of `pkg/light/index.d.ts`.

use crate::object::Object;
use commonware_codec::Encode as _;
use js_sys::Array;
use ledger::{AccountLeaf, Header, NeuronLeaf, Standing, Table, Totals, WeightsLeaf};
use light::audit::{Audit, Difference, Outcome};
use light::{Alarm, Error, Evidence, Leaf, Seen, Step, Subject, Verified};
use wasm_bindgen::JsValue;

/// What the driver is to do.
pub fn step(step: &Step) -> JsValue {
    match step {
        Step::Query { id, source, query } => Object::of("query")
            .count("id", u64::from(*id))
            .text("source", source.name())
            .bytes("query", &query.encode())
            .into(),
        Step::Keep { shelf, bytes, append } => {
            Object::of("keep").text("shelf", shelf.name()).bytes("bytes", bytes).flag("append", *append).into()
        }
        // A follower has no key: it neither searches nor signs.
        _ => JsValue::UNDEFINED,
    }
}

/// What was seen.
pub fn seen(seen: &Seen) -> JsValue {
    match seen {
        Seen::Head { head: verified, .. } => Object::of("head").with("head", &head(verified)).into(),
        Seen::Audit(found) => Object::of("audit").with("audit", &audit(found)).into(),
        Seen::Proven { subject: asked, at, source, leaf } => {
            let value = leaf.as_ref().map_or(JsValue::UNDEFINED, self::leaf);
            let (kind, of) = subject(asked);
            Object::of("proven")
                .text("subject", kind)
                .with("of", &of)
                .count("height", at.get())
                .text("source", source.name())
                .with("value", &value)
                .into()
        }
        Seen::Submitted { digest, source, outcome } => {
            let object = Object::of("submitted").hex("digest", digest).text("source", source.name());
            match outcome {
                Ok(()) => object.into(),
                Err(refusal) => object.text("refusal", &refusal.to_string()).into(),
            }
        }
        Seen::NotSubmitted { digest } => Object::of("not-submitted").hex("digest", digest).into(),
        Seen::Included { digest, inclusion } => Object::of("included")
            .hex("digest", digest)
            .count("height", inclusion.height.get())
            .count("index", u64::from(inclusion.index))
            .into(),
        Seen::Restored { height, epochs, tables } => {
            Object::of("restored").count("height", height.get()).count("epochs", *epochs).flag("tables", *tables).into()
        }
        Seen::Market(found) => {
            Object::of("market").count("epoch", found.epoch).with("market", &crate::market::market(found)).into()
        }
        Seen::NoMarket { epoch, reason } => {
            Object::of("no-market").count("epoch", *epoch).text("reason", reason).into()
        }
        Seen::Alarm(seen) => alarm(seen),
    }
}

/// A verified head.
pub fn head(head: &Verified) -> JsValue {
    let (header, verdict) = (head.header(), head.verdict());
    let roots = Table::ALL.iter().fold(Object::empty(), |roots, table| roots.hex(table.name(), &header.root(*table)));
    Object::empty()
        .count("height", header.height.get())
        .hex("digest", &head.digest())
        .count("time", header.time)
        .hex("parent", &header.parent)
        .with("roots", &roots)
        .hex("transactions", &header.transactions)
        .hex("elects", &header.validators)
        .count("signers", u64::from(verdict.signers))
        .count("validators", u64::from(verdict.validators))
        .into()
}

/// How an epoch was found.
pub fn audit(audit: &Audit) -> JsValue {
    let object = Object::empty().count("epoch", audit.epoch).count("height", audit.height.get());
    match &audit.outcome {
        Outcome::Sound { peers, transactions } => object
            .text("outcome", "sound")
            .count("peers", u64::from(*peers))
            .count("transactions", u64::from(*transactions)),
        Outcome::Wrong(found) => object.text("outcome", "wrong").with("difference", &difference(found)),
        Outcome::NotAudited(reason) => object.text("outcome", "not-audited").text("reason", reason),
    }
    .into()
}

fn difference(found: &Difference) -> JsValue {
    let mut object = Object::empty()
        .count("height", found.height.get())
        .text("figure", &found.figure)
        .text("chain", &found.chain)
        .text("own", &found.own)
        .text("message", &found.to_string());
    if let Some(table) = found.table {
        object = object.text("table", table.name());
    }
    if let Some(uid) = found.uid {
        object = object.count("uid", u64::from(uid.get()));
    }
    object.into()
}

/// The proof of two histories.
pub fn evidence(evidence: &Evidence) -> JsValue {
    let one = |(header, finalization): &(Header, bytes::Bytes)| {
        Object::empty()
            .hex("digest", &header.digest())
            .bytes("header", &header.encode())
            .bytes("finalization", finalization)
    };
    Object::empty()
        .count("height", evidence.second.0.height.get())
        .with("first", &one(&evidence.first))
        .with("second", &one(&evidence.second))
        .into()
}

fn alarm(alarm: &Alarm) -> JsValue {
    let object = Object::of("alarm").text("message", &alarm.to_string()).flag("fatal", alarm.fatal());
    match alarm {
        Alarm::Lied { who, error } => object.text("code", "lied").text("source", who.name()).text("why", code(error)),
        Alarm::Reply(error) => object.text("code", "reply").text("why", code(error)),
        Alarm::Stalled { height, .. } => object.text("code", "stalled").count("height", height.get()),
        Alarm::Damaged { shelf, error } => {
            object.text("code", "damaged").text("shelf", shelf.name()).text("why", code(error))
        }
        Alarm::WrongEconomics(found) => object.text("code", "wrong-economics").with("difference", &difference(found)),
        Alarm::Stopped(error) => object.text("code", "stopped").text("why", code(error)),
    }
    .into()
}

/// What a leaf was asked about: which kind, and whose.
fn subject(subject: &Subject) -> (&'static str, JsValue) {
    let key = |key: &ledger::PublicKey| JsValue::from_str(&ledger::text::hex(key));
    let uid = |uid: &ledger::Uid| JsValue::from_f64(f64::from(uid.get()));
    match subject {
        Subject::Account(of) => ("account", key(of)),
        Subject::Neuron(of) => ("neuron", key(of)),
        Subject::Row(of) => ("row", uid(of)),
        Subject::Standing(of) => ("standing", uid(of)),
        Subject::Totals => ("totals", JsValue::UNDEFINED),
    }
}

fn leaf(leaf: &Leaf) -> JsValue {
    match leaf {
        Leaf::Account(leaf) => account(leaf),
        Leaf::Neuron(uid, leaf) => neuron(uid.get(), leaf),
        Leaf::Row(leaf) => row(leaf),
        Leaf::Standing(leaf) => standing(leaf),
        Leaf::Totals(leaf) => totals(leaf),
    }
}

fn account(leaf: &AccountLeaf) -> JsValue {
    let unbonding = Array::new();
    for one in &leaf.unbonding {
        unbonding.push(&Object::empty().count("due", one.due.get()).amount("amount", one.amount));
    }
    Object::empty()
        .hex("key", leaf.key.bytes())
        .amount("balance", leaf.balance)
        .count("nonce", leaf.nonce.get())
        .with("unbonding", &unbonding)
        .into()
}

/// A peer.
pub fn neuron(uid: u32, leaf: &NeuronLeaf) -> JsValue {
    Object::empty()
        .count("uid", u64::from(uid))
        .hex("key", leaf.hot.bytes())
        .hex("cold", leaf.cold.bytes())
        .count("modality", u64::from(leaf.modality))
        .amount("stake", leaf.stake)
        .amount("pending", leaf.pending)
        .number("scaling", leaf.scaling)
        .count("registered", leaf.registered.get())
        .count("generation", u64::from(leaf.generation))
        .into()
}

fn row(leaf: &WeightsLeaf) -> JsValue {
    let entries = Array::new();
    for (uid, score) in leaf.row.entries() {
        let share = f64::from(score.get()) / f64::from(u16::MAX);
        entries.push(&Object::empty().count("uid", u64::from(uid.get())).number("share", share));
    }
    Object::empty().with("entries", &entries).count("version", leaf.version).count("updated", leaf.updated.get()).into()
}

fn standing(leaf: &Standing) -> JsValue {
    Object::empty()
        .number("rank", leaf.rank)
        .number("trust", leaf.trust)
        .number("incentive", leaf.incentive)
        .number("dividend", leaf.dividend)
        .amount("paid", leaf.paid)
        .into()
}

/// Figures of the whole chain.
pub fn totals(leaf: &Totals) -> JsValue {
    Object::empty()
        .count("epoch", leaf.number)
        .count("height", leaf.height.get())
        .number("loss", leaf.loss)
        .amount("stake", leaf.stake)
        .amount("paid", leaf.paid)
        .amount("pool", leaf.pool)
        .amount("minted", leaf.minted)
        .number("tau", leaf.tau)
        .into()
}

/// What is wrong with something that the caller gave.
pub fn refused(code: &str, message: &str) -> JsValue {
    Object::empty().text("code", code).text("message", message).into()
}

/// What the light client refuses to begin with.
pub fn error(error: &Error) -> JsValue {
    refused(code(error), &error.to_string())
}

/// One name for errors that a program deals with in the same way.
const fn code(error: &Error) -> &'static str {
    match error {
        Error::WrongChain { .. } => "wrong-chain",
        Error::StaleCheckpoint { .. } => "stale-checkpoint",
        Error::NotTheCheckpoint { .. } => "not-the-checkpoint",
        Error::BadValidators { .. } => "bad-validators",
        Error::Conflict { .. } => "two-histories",
        Error::UnknownValidators { .. } | Error::NeedsLinks { .. } | Error::MissingLink { .. } => "unknown-validators",
        Error::NoEpochEnd { .. } | Error::WrongKeys { .. } | Error::BrokenLink { .. } | Error::NoHeaders => "bad-link",
        Error::Truncated { .. } | Error::Trailing { .. } | Error::Oversized { .. } | Error::Malformed { .. } => {
            "malformed"
        }
        Error::OtherBlock { .. }
        | Error::OtherEpoch { .. }
        | Error::WrongCommittee { .. }
        | Error::Quorum { .. }
        | Error::DuplicateSigner { .. }
        | Error::BadSignature { .. } => "bad-certificate",
        Error::NonMonotonicHeight { .. } | Error::NonMonotonicTime { .. } => "not-rising",
        Error::WrongRoot { .. } | Error::WrongIndex { .. } | Error::BadPiece { .. } => "bad-proof",
        _ => "wrong-reply",
    }
}
