//! Words over `postMessage` as plain objects, and the light client's events in them. Amounts become text, since a
//! JavaScript number cannot hold a `u64`.

use light::{Alarm, Event as Seen, Own, TransactionState as Standing, Verified};
use protocol::port::auditor::{Command, Event, Gradient, Head, Own as OwnWords, RowGradient, Signer, TransactionState};
use serde::Serialize;
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
    event
        .serialize(&serde_wasm_bindgen::Serializer::new().serialize_missing_as_null(true))
        .map_err(|error| error.to_string())
}

/// What the light client saw, in the port's words.
pub(crate) fn words(seen: Seen) -> Event {
    match seen {
        Seen::Head { head, now } => Event::Head(head_words(&head, now)),
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
        Seen::Working { tried, expected, rate } => Event::Working { tried, expected, rate, paused: false },
        Seen::Transaction { digest, action, state } => Event::Transaction {
            digest: digest.to_string(),
            action: action.to_string(),
            signer: Signer::Hot,
            state: match state {
                Standing::Pending => TransactionState::Pending,
                Standing::Included(height) => TransactionState::Included { height: height.get() },
                Standing::Refused(reason) => TransactionState::Refused { reason },
            },
        },
        Seen::Alarm(alarm) => alarm_words(&alarm),
    }
}

fn alarm_words(alarm: &Alarm) -> Event {
    Event::Alarm { message: alarm.to_string(), fatal: alarm.fatal(), stale: false }
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
    let row = own.row.iter().flat_map(|row| row.entries()).map(|(uid, score)| (uid.get(), score.get())).collect();
    OwnWords {
        uid: own.uid.map(|uid| uid.get()),
        height: own.height.get(),
        stake: own.stake.to_string(),
        balance: own.balance.to_string(),
        place: own.place,
        peers: own.peers,
        rank: own.rank,
        trust: own.trust,
        scaling: own.scaling,
        loss: own.loss,
        scaling_gradient: match own.scaling_gradient {
            Ok(value) => Gradient::Defined { value },
            Err(reason) => Gradient::NotDefined { reason },
        },
        clipping_gradient: match own.clipping_gradient {
            Ok(values) => {
                RowGradient::Defined { values: values.into_iter().map(|(uid, value)| (uid.get(), value)).collect() }
            }
            Err(reason) => RowGradient::NotDefined { reason },
        },
        row,
        version: own.version,
        unbonding: Vec::new(),
        clipped: Gradient::NotDefined { reason: String::new() },
        paid_gradient: RowGradient::NotDefined { reason: String::new() },
        payoff_gradient: RowGradient::NotDefined { reason: String::new() },
        hint: None,
    }
}
