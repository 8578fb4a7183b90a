//! Every scenario, with its defaults and some with other settings, as a hash over the bits of all its numbers and of its
//! drawing. A native test and a browser test include this file and compare the same hashes, so both compute and draw the
//! same.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use peerage_lab::draw::svg;
use peerage_lab::{Report, all};

/// What runs beside the defaults of each scenario.
const SET: &[(&str, &[(&str, &str)])] = &[
    ("cabal-decay", &[("mechanism", "connectivity")]),
    ("cabal-decay", &[("mechanism", "consensus")]),
    ("cabal-decay", &[("mechanism", "competitive")]),
    ("cabal-decay", &[("tau", "10"), ("blocks", "300")]),
    ("adversaries", &[("adversary", "lazy-copier"), ("mechanism", "consensus")]),
    ("adversaries", &[("adversary", "stake-splitter"), ("mechanism", "connectivity")]),
    ("market-game", &[("law", "independent"), ("seeds", "2")]),
    ("market-game", &[("law", "diagonal"), ("seeds", "2")]),
];

/// What runs in place of the defaults of scenarios that would take long with them.
const SHORTER: &[(&str, &[(&str, &str)])] = &[("simulation", &[("blocks", "300")])];

/// Runs every scenario: (its name and what was set, hash over the bits of its numbers).
pub fn hashes() -> Vec<(String, u64)> {
    let mut hashes = Vec::new();
    for scenario in all() {
        let of = |table: &'static [(&str, &[(&str, &str)])]| {
            table.iter().filter(|(name, _)| *name == scenario.name).map(|(_, given)| *given)
        };
        for given in of(SHORTER).chain([&[][..]]).take(1).chain(of(SET)) {
            let settings = scenario.settings(1, given.iter().copied()).unwrap();
            let set: String = given.iter().map(|(name, text)| format!(" {name}={text}")).collect();
            hashes.push((format!("{}{set}", scenario.name), bits(&scenario.report(&settings).unwrap())));
        }
    }
    hashes
}

/// What does not have the hash that it must have, as lines of [`EXPECTED`].
pub fn wrong() -> String {
    let known = |key: &str| EXPECTED.iter().find(|(known, _)| *known == key).map(|(_, hash)| *hash);
    let wrong = hashes().into_iter().filter(|(key, hash)| known(key) != Some(*hash));
    wrong.map(|(key, hash)| format!("    (\"{key}\", {hash:#018x}),\n")).collect()
}

/// FNV-1a, 64 bits, over the names and the bits of all facts and columns, and the drawing.
fn bits(report: &Report) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut word = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for fact in &report.facts {
        word(fact.name.as_bytes());
        word(&fact.value.to_bits().to_le_bytes());
    }
    for column in report.tables.iter().flat_map(|table| &table.columns) {
        word(column.name.as_bytes());
        column.values.iter().for_each(|value| word(&value.to_bits().to_le_bytes()));
    }
    word(svg(report).unwrap().as_bytes());
    hash
}

/// The hash of each scenario with what is set, with seed 1.
const EXPECTED: &[(&str, u64)] = &[
    ("cabal-decay", 0xe744_7966_2d62_e6bd),
    ("cabal-share", 0xd26a_373f_0fa5_3043),
    ("simulation blocks=300", 0xc09b_9603_432c_9cef),
    ("loose-stake", 0x3f6e_afd4_e0d2_ac2f),
    ("adversaries", 0x0045_af8a_0c12_2692),
    ("adversary-table", 0xc4c3_3859_6f50_4114),
    ("stake-splitting", 0xb2b8_f67b_5ab0_f6f9),
    ("bonders", 0x6524_b0be_7bdc_c904),
    ("three-thirds", 0x32d9_9bd5_fd7a_4a75),
    ("trust-sources", 0x752c_63c3_9bed_d7f5),
    ("direct-trust", 0x4cfb_89f1_cac0_d19a),
    ("emission", 0x8b2f_643a_7768_5a8b),
    ("market-game", 0x99ef_f215_b036_18f3),
    ("market-play", 0x4a10_6026_ef39_90d1),
    ("adaptive-inflation", 0x925e_e9ff_533d_99bb),
    ("self-vote", 0x3f38_c5b8_58e9_ae83),
    ("zero-regret", 0x16ea_edc0_c1ec_56d5),
    ("score-forms", 0x8cf0_7363_76e4_4b49),
];
