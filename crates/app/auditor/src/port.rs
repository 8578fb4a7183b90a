//! Words over `postMessage` as plain objects; the light client's events in them, and what a person asks for in the
//! light client's types. Amounts are text, since a JavaScript number cannot hold a `u64`.

use crate::settings::parse_key;
use commonware_cryptography::ed25519::PublicKey;
use ledger::{Amount, Row, Uid};
use light::own::{Figures as OwnFigures, Reason};
use light::{Alarm, Own, TransactionState as Standing, Verified};
use protocol::exchange::Request;
use protocol::port::auditor::{
    Command, Event, Figures, Gradient, Head, Intent, Outcome, Own as OwnWords, Policy, Proposal, RowGradient, Signer,
    TransactionState,
};
use serde::Serialize;
use serde_bytes::ByteBuf;
use wasm_bindgen::JsValue;

/// A command from what the page posted.
///
/// # Errors
/// What does not fit, in words.
pub fn parse(data: JsValue) -> Result<Command, String> {
    serde_wasm_bindgen::from_value(data).map_err(|error| error.to_string())
}

/// An event as a plain object; what is absent is null.
///
/// # Errors
/// What cannot be said in an object; no event has such a value.
pub fn plain(event: &Event) -> Result<JsValue, String> {
    let serializer = serde_wasm_bindgen::Serializer::new().serialize_missing_as_null(true);
    event.serialize(&serializer).map_err(|error| error.to_string())
}

/// What it took to audit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Effort {
    /// Milliseconds.
    pub(crate) millis: f64,
    /// Bytes of replies.
    pub(crate) bytes: u64,
}

/// What the participant saw, in the port's words.
pub(crate) fn words(seen: light::Event, effort: Effort) -> Event {
    use light::Event as Seen;
    match seen {
        Seen::Head { head, now } => Event::Head(head_words(&head, now)),
        Seen::Audit(audit) => Event::Audit {
            epoch: audit.epoch,
            height: audit.height.get(),
            outcome: outcome_words(audit.outcome),
            millis: effort.millis,
            bytes: effort.bytes,
        },
        Seen::Own(own) => Event::Own(own_words(*own)),
        Seen::Neurons(neurons) => Event::Neurons {
            neurons: neurons
                .into_iter()
                .map(|(uid, key, stake)| (uid.get(), key.to_string(), stake.to_string()))
                .collect(),
        },
        Seen::Askers(askers) => {
            Event::Askers { askers: askers.into_iter().map(|(key, weight)| (key.to_string(), weight)).collect() }
        }
        Seen::Masks(masks) => {
            Event::Masks { masks: masks.into_iter().map(|(key, mask)| (key.to_string(), mask)).collect() }
        }
        Seen::Working { tried, expected, rate, paused } => Event::Working { tried, expected, rate, paused },
        Seen::Proposal { proposal, signed } => Event::Proposal(Proposal {
            policy: policy_words(proposal.policy),
            signed,
            length: proposal.length,
            epsilon: proposal.epsilon,
            row: row_words(&proposal.row),
            from: row_words(&proposal.from),
            before: figure_words(&proposal.before),
            after: figure_words(&proposal.after),
        }),
        Seen::Unsigned(reason) => alarm(format!("not signed: {reason}")),
        Seen::Transaction { digest, action, signer, state } => Event::Transaction {
            digest: digest.to_string(),
            action: action.to_string(),
            signer: match signer {
                light::Signer::Hot => Signer::Hot,
                light::Signer::Cold => Signer::Cold,
            },
            state: match state {
                Standing::Pending => TransactionState::Pending,
                Standing::Included(height) => TransactionState::Included { height: height.get() },
                Standing::Final(height, index) => TransactionState::Final { height: height.get(), index },
                Standing::Refused(reason) => TransactionState::Refused { reason },
            },
        },
        Seen::Bought { digest, seller, claim } => Event::Bought {
            digest: digest.to_string(),
            seller: seller.to_string(),
            bytes: ByteBuf::from(Request::Claim(*claim).to_bytes()),
        },
        Seen::Restored { height, epochs, tables } => Event::Restored { height: height.get(), epochs, tables },
        Seen::Alarm(Alarm::Lied { who, error }) => {
            Event::Dropped { source: who.to_string(), reason: error.to_string() }
        }
        Seen::Alarm(Alarm::Damaged { shelf, error }) => {
            Event::Damaged { shelf: shelf.name().into(), reason: error.to_string() }
        }
        Seen::Alarm(alarm) => Event::Alarm { message: alarm.to_string(), fatal: alarm.fatal(), stale: alarm.stale() },
    }
}

/// Something that a person should know and that ends nothing.
pub(crate) const fn alarm(message: String) -> Event {
    Event::Alarm { message, fatal: false, stale: false }
}

/// What a person wants.
pub(crate) enum Wanted {
    /// Something to be signed.
    Intent(light::Intent),
    /// Answers of a peer.
    Purchase { from: light::Signer, seller: PublicKey, amount: Amount },
}

/// What a person asks for.
///
/// # Errors
/// What is no key and no amount, in words.
pub(crate) fn wanted(intent: Intent) -> Result<Wanted, String> {
    use light::Intent as Signed;
    let key = |text: &str| parse_key(text).ok_or_else(|| format!("{text:?} is no key of 64 digits of hex"));
    let amount = |text: &str| {
        let units = text.parse().ok().filter(|units| *units > 0);
        units.map(Amount::new).ok_or_else(|| format!("{text:?} is no amount in base units"))
    };
    let signer = |signer: Signer| match signer {
        Signer::Hot => light::Signer::Hot,
        Signer::Cold => light::Signer::Cold,
    };
    Ok(Wanted::Intent(match intent {
        Intent::Purchase { from, seller, amount: units } => {
            return Ok(Wanted::Purchase { from: signer(from), seller: key(&seller)?, amount: amount(&units)? });
        }
        Intent::Weights { row } => {
            Signed::Weights { row: row.into_iter().map(|(uid, share)| (Uid::new(uid), share)).collect() }
        }
        Intent::Transfer { from, to, amount: units } => {
            Signed::Transfer { from: signer(from), to: key(&to)?, amount: amount(&units)? }
        }
        Intent::Sponsor { key: sponsored } => Signed::Sponsor { key: key(&sponsored)? },
        Intent::Subscribe => Signed::Subscribe,
        Intent::Stake { uid, amount: units } => Signed::Stake { uid: Uid::new(uid), amount: amount(&units)? },
        Intent::Unstake { uid, amount: units } => Signed::Unstake { uid: Uid::new(uid), amount: amount(&units)? },
        Intent::Leave { uid } => Signed::Leave { uid: Uid::new(uid) },
        Intent::Rekey { uid, hot } => Signed::Rekey { uid: Uid::new(uid), hot: key(&hot)? },
    }))
}

/// What the own row is to follow.
pub(crate) const fn policy(policy: Policy) -> light::Policy {
    match policy {
        Policy::Scores => light::Policy::Scores,
        Policy::Payoff { alpha } => light::Policy::Payoff { alpha },
        Policy::Hand => light::Policy::Hand,
        Policy::Never => light::Policy::Never,
    }
}

const fn policy_words(policy: light::Policy) -> Policy {
    match policy {
        light::Policy::Scores => Policy::Scores,
        light::Policy::Payoff { alpha } => Policy::Payoff { alpha },
        light::Policy::Hand => Policy::Hand,
        light::Policy::Never => Policy::Never,
    }
}

fn outcome_words(outcome: light::audit::Outcome) -> Outcome {
    use light::audit::Outcome as Found;
    match outcome {
        Found::Sound { peers, transactions } => Outcome::Sound { peers, transactions },
        Found::Wrong(difference) => Outcome::Wrong {
            table: difference.table.map(|table| table.to_string()),
            uid: difference.uid.map(|uid| uid.get()),
            figure: difference.figure,
            chain: difference.chain,
            own: difference.own,
        },
        Found::NotAudited(reason) => Outcome::NotAudited { reason },
    }
}

fn figure_words(figures: &OwnFigures) -> Figures {
    let defined = |figure: &Result<f64, Reason>| figure.as_ref().ok().copied();
    Figures {
        rank: Some(figures.rank),
        trust: defined(&figures.trust),
        clipped: defined(&figures.clipped),
        loss: defined(&figures.loss),
        paid: defined(&figures.paid),
    }
}

fn row_words(row: &Row) -> Vec<(u32, u16)> {
    row.entries().iter().map(|(uid, score)| (uid.get(), score.get())).collect()
}

fn head_words(head: &Verified, now: u64) -> Head {
    let verdict = head.verdict();
    let time = head.header().time;
    let checked = [
        "the validators are those in office, followed from epoch to epoch since the checkpoint".to_owned(),
        format!(
            "{} of {} validators signed that it is final, each signature checked",
            verdict.signers, verdict.validators
        ),
        "the signatures name this chain and the hash of this header".to_owned(),
        "height and time rise; no second block is known at this height".to_owned(),
    ];
    Head {
        height: head.height().get(),
        digest: head.digest().to_string(),
        time,
        lag: i64::try_from(now).unwrap_or(i64::MAX).saturating_sub(i64::try_from(time).unwrap_or(i64::MAX)),
        signers: verdict.signers,
        validators: verdict.validators,
        certificate_bytes: verdict.bytes,
        checked: checked.into(),
    }
}

fn own_words(own: Own) -> OwnWords {
    let (figures, clipped) = match &own.figures {
        Ok(figures) => (figure_words(figures), gradient(figures.clipped.clone())),
        Err(reason) => (Figures::default(), gradient(Err(reason.clone()))),
    };
    let advisory = own.gradients.as_ref().is_ok_and(|all| all.advisory);
    let (scaling, clipping, paid, payoff, hint) = match own.gradients {
        Ok(all) => (all.scaling, all.clipping, all.paid, all.payoff, all.hint.map(|hint| hint.to_string())),
        Err(none) => (Err(none.clone()), Err(none.clone()), Err(none.clone()), Err(none), None),
    };
    OwnWords {
        uid: own.uid.map(|uid| uid.get()),
        height: own.height.get(),
        stake: own.stake.to_string(),
        balance: own.balance.to_string(),
        place: own.place,
        peers: own.peers,
        rank: figures.rank,
        trust: figures.trust,
        scaling: own.scaling,
        loss: figures.loss,
        scaling_gradient: gradient(scaling),
        clipping_gradient: row_gradient(clipping),
        advisory,
        row: own.row.as_ref().map(row_words).unwrap_or_default(),
        version: own.version,
        unbonding: own.unbonding.iter().map(|part| (part.due.get(), part.amount.to_string())).collect(),
        clipped,
        paid_gradient: row_gradient(paid),
        payoff_gradient: row_gradient(payoff),
        hint,
    }
}

fn gradient(value: Result<f64, Reason>) -> Gradient {
    match value {
        Ok(value) => Gradient::Defined { value },
        Err(reason) => Gradient::NotDefined { reason: reason.to_string() },
    }
}

fn row_gradient(values: Result<Vec<(Uid, f64)>, Reason>) -> RowGradient {
    match values {
        Ok(values) => {
            RowGradient::Defined { values: values.into_iter().map(|(uid, value)| (uid.get(), value)).collect() }
        }
        Err(reason) => RowGradient::NotDefined { reason: reason.to_string() },
    }
}
