//! The market after an epoch, as typed arrays by uid: some hundred kilobytes for thousands of peers, ready to be drawn, kept or sent to
//! another thread. Rows of W and B come in the compressed form of sparse matrices: row i has the entries `starts[i]..starts[i + 1]`.

use crate::object::Object;
use crate::words;
use js_sys::{Array, BigUint64Array, Float64Array, Uint32Array};
use ledger::{Amount, Height, NeuronLeaf, Standing, Uid, text};
use light::Market;
use light::market::Peers;
use wasm_bindgen::JsValue;

/// As `Market` of `pkg/light/index.d.ts`.
pub fn market(market: &Market) -> JsValue {
    let Market { epoch, height, time, computed, totals, standings, peers } = market;
    let figure = |figure: fn(&Standing) -> f64| floats(&mut standings.iter().map(figure));
    let object = Object::empty()
        .count("epoch", *epoch)
        .count("height", height.get())
        .count("time", *time)
        .flag("computed", *computed)
        .with("totals", &words::totals(totals))
        .with("rank", &figure(|standing| standing.rank))
        .with("trust", &figure(|standing| standing.trust))
        .with("incentive", &figure(|standing| standing.incentive))
        .with("dividend", &figure(|standing| standing.dividend))
        .with("paid", &amounts(&mut standings.iter().map(|standing| standing.paid)));
    match peers {
        Some(peers) => object.with("peers", &self::peers(peers)),
        None => object,
    }
    .into()
}

fn peers(Peers { neurons, weights, bonds }: &Peers) -> JsValue {
    let keys = |key: fn(&NeuronLeaf) -> ledger::Key| -> Array {
        let digits = |leaf: &NeuronLeaf| if leaf.vacant { String::new() } else { text::hex(key(leaf).bytes()) };
        neurons.iter().map(|leaf| JsValue::from_str(&digits(leaf))).collect()
    };
    Object::empty()
        .with("keys", &keys(|leaf| leaf.hot))
        .with("cold", &keys(|leaf| leaf.cold))
        .with("stake", &amounts(&mut neurons.iter().map(|leaf| leaf.stake)))
        .with("pending", &amounts(&mut neurons.iter().map(|leaf| leaf.pending)))
        .with("scaling", &floats(&mut neurons.iter().map(|leaf| leaf.scaling)))
        .with("registered", &floats(&mut neurons.iter().map(|leaf| height(leaf.registered))))
        .with("updated", &floats(&mut weights.iter().map(|leaf| height(leaf.updated))))
        .with("weights", &matrix(&mut weights.iter().map(|leaf| leaf.row.entries().iter().map(share).collect())))
        .with("bonds", &matrix(&mut bonds.iter().map(|leaf| leaf.held.clone())))
        .into()
}

fn share((uid, score): &(Uid, ledger::Score)) -> (Uid, f64) {
    (*uid, f64::from(score.get()) / f64::from(u16::MAX))
}

// Any iterator, so that there is one of each function in the module.

fn matrix(rows: &mut dyn Iterator<Item = Vec<(Uid, f64)>>) -> JsValue {
    let (mut starts, mut uids, mut values) = (vec![0], Vec::new(), Vec::new());
    for row in rows {
        for (uid, value) in row {
            uids.push(uid.get());
            values.push(value);
        }
        starts.push(u32::try_from(uids.len()).unwrap_or(u32::MAX));
    }
    Object::empty()
        .with("starts", &Uint32Array::from(&starts[..]))
        .with("uids", &Uint32Array::from(&uids[..]))
        .with("values", &Float64Array::from(&values[..]))
        .into()
}

fn floats(numbers: &mut dyn Iterator<Item = f64>) -> Float64Array {
    Float64Array::from(&numbers.collect::<Vec<_>>()[..])
}

fn amounts(amounts: &mut dyn Iterator<Item = Amount>) -> BigUint64Array {
    BigUint64Array::from(&amounts.map(Amount::get).collect::<Vec<_>>()[..])
}

#[expect(clippy::cast_precision_loss, reason = "heights are far below 2^53")]
const fn height(height: Height) -> f64 {
    height.get() as f64
}
