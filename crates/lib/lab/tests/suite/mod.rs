//! Every scenario, with its defaults and some with other settings, as a hash over the bits of all its numbers and of its
//! drawing; and of its formulas, as another. A native test and a browser test include this file and compare the same hashes, so both compute and draw the
//! same.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use peerage_lab::draw::svg;
use peerage_lab::{Report, Scenario, Settings, all};

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
            let report = scenario.report(&settings).unwrap();
            hashes.push((format!("{}{set}", scenario.name), bits(&report)));
            if given.is_empty() || scenario.name == "simulation" {
                hashes.push((format!("formulas of {}", scenario.name), formulas(scenario, &settings, &report)));
            }
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
    let mut hash = FIRST;
    let mut word = |bytes: &[u8]| hash = hashed(hash, bytes);
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

/// The same over the numbers of the formulas at the first step, in the middle, and at the last, and what a page shows of them.
fn formulas(scenario: &Scenario, settings: &Settings, report: &Report) -> u64 {
    let last = report.steps() - 1;
    let mut hash = FIRST;
    for step in [0, last / 2, last] {
        for formula in scenario.formulas(settings, report, step).unwrap() {
            let known = formula.terms.iter().map(|term| term.value).chain(formula.value);
            for value in known.chain(formula.literal.as_ref().and_then(|literal| literal.value)) {
                hash = hashed(hash, &value.to_bits().to_le_bytes());
            }
            let shown = formula.shown();
            for reading in [Some(shown.right), shown.literal].into_iter().flatten() {
                hash = hashed(hash, reading.math.as_bytes());
                hash = hashed(hash, reading.numbers.unwrap_or_default().as_bytes());
            }
        }
    }
    hash
}

fn hashed(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

const FIRST: u64 = 0xcbf2_9ce4_8422_2325;

/// The hash of each scenario with what is set, with seed 1.
const EXPECTED: &[(&str, u64)] = &[
    ("cabal-decay", 0xe744_7966_2d62_e6bd),
    ("cabal-share", 0xd26a_373f_0fa5_3043),
    ("loose-stake", 0x3f6e_afd4_e0d2_ac2f),
    ("adversaries", 0x30af_7a0a_465a_7141),
    ("adversary-table", 0x4450_ae6b_0ad0_6cd6),
    ("stake-splitting", 0x1a6b_00a9_2090_2994),
    ("bonders", 0x738a_13a8_51f9_4db6),
    ("three-thirds", 0x32d9_9bd5_fd7a_4a75),
    ("trust-sources", 0x9efc_e287_f6ac_c374),
    ("direct-trust", 0x4cfb_89f1_cac0_d19a),
    ("emission", 0x34e6_9e03_ca5b_28b0),
    ("market-game", 0xbd2f_34b0_d1af_04a6),
    ("market-play", 0xd4ee_ec8f_e530_baa5),
    ("adaptive-inflation", 0xc3f1_edbd_8c87_6ceb),
    ("self-vote", 0xb5de_3cee_abbf_b809),
    ("zero-regret", 0x3285_d593_8ffc_e62b),
    ("score-forms", 0x8cf0_7363_76e4_4b49),
    ("cabal-decay mechanism=connectivity", 0x0189_6a85_40d5_b3d8),
    ("cabal-decay mechanism=consensus", 0x8121_d0fe_46c9_3228),
    ("cabal-decay mechanism=competitive", 0x2754_1367_e13f_44e3),
    ("cabal-decay tau=10 blocks=300", 0x0dfe_91e8_4187_a516),
    ("simulation blocks=300", 0xc09b_9603_432c_9cef),
    ("adversaries adversary=lazy-copier mechanism=consensus", 0xf3ae_d0d9_949a_e131),
    ("adversaries adversary=stake-splitter mechanism=connectivity", 0xc43e_3601_16d3_bc9d),
    ("market-game law=independent seeds=2", 0x8a1c_f8b6_e3ae_2d03),
    ("market-game law=diagonal seeds=2", 0xbe78_e919_42fe_de5d),
    ("formulas of cabal-decay", 0xc65f_632f_79d7_a358),
    ("formulas of cabal-share", 0x3f45_882b_b1ee_9408),
    ("formulas of simulation", 0x9e7f_7479_8672_9238),
    ("formulas of loose-stake", 0xd513_0363_29b9_2422),
    ("formulas of adversaries", 0xf4b5_fd8f_6414_d061),
    ("formulas of adversary-table", 0xd46b_4b62_13a4_d396),
    ("formulas of stake-splitting", 0xae0d_a211_235e_b230),
    ("formulas of bonders", 0x33b8_a6af_25a5_ce89),
    ("formulas of three-thirds", 0xc584_1d4a_cc41_fae3),
    ("formulas of trust-sources", 0x1e1a_1e03_d36a_a91a),
    ("formulas of direct-trust", 0x4859_1de7_8f51_5d85),
    ("formulas of emission", 0xacd0_9a52_848a_2435),
    ("formulas of market-game", 0xf3a8_045f_2cfe_b24d),
    ("formulas of market-play", 0xd81d_732d_718d_6d3f),
    ("formulas of adaptive-inflation", 0xbc2c_77d1_3ec7_680d),
    ("formulas of self-vote", 0x8791_4567_2f81_7afc),
    ("formulas of zero-regret", 0x2421_571d_ae01_6743),
    ("formulas of score-forms", 0x59a9_5027_4a6a_76a3),
    ("gating", 0xe989_9d60_374e_3de1),
    ("formulas of gating", 0xbebc_d9e7_9410_700d),
    ("distillation", 0x5ddf_9654_367a_ccac),
    ("formulas of distillation", 0x1f33_374b_3aa3_91cc),
];
