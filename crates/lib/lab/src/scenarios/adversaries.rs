//! One adversary among honest peers, beside its honest twin: what did the sin earn?
//!
//! The same peers with the same seed run twice, once with the adversary and once all honest. Honest rows follow the true
//! worth of others, which drifts. Rows are all that differs, so the ratio of the two shares of the stake is the gain.

use crate::adversary::{self, Trial, trial};
use crate::chain::{MECHANISMS, Rules};
use crate::formulas::pay;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use mechanism::arithmetic::sum;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "adversaries",
    title: "What a sin earns over honesty",
    about: "A few peers sin, the others score by true worth. The same peers run again, all honest. The adversary's share \
            of the stake beside that of its twin says what the sin earned, and whether the chain went on paying.",
    settings: &[
        Setting { name: "mechanism", about: "which draft", range: Range::Choice(MECHANISMS) },
        Setting { name: "adversary", about: "which sin", range: Range::Choice(adversary::NAMES) },
        Setting {
            name: "share",
            about: "the adversary's share of the stake at first",
            range: Range::Number { default: 0.1, least: 0.0, most: 0.9 },
        },
        Setting {
            name: "members",
            about: "peers that are the adversary's",
            range: Range::Whole { default: 3, least: 1, most: 64 },
        },
        Setting { name: "peers", about: "all peers", range: Range::Whole { default: 32, least: 2, most: 128 } },
        Setting { name: "blocks", about: "blocks", range: Range::Whole { default: 200, least: 1, most: 10_000 } },
        Setting {
            name: "worth",
            about: "worth of the adversary to others, as a share of what an honest peer is worth",
            range: Range::Number { default: 1.0, least: 0.0, most: 1.0 },
        },
        Setting {
            name: "tau",
            about: "stake minted a block, as a share of all",
            range: Range::Number { default: 0.01, least: 0.0, most: 1.0 },
        },
        Setting {
            name: "epsilon",
            about: "longest step of a row a block",
            range: Range::Number { default: 0.1, least: 0.0, most: 2.0 },
        },
        Setting {
            name: "drift",
            about: "deviation of the logarithm of every peer's worth a block",
            range: Range::Number { default: 0.02, least: 0.0, most: 1.0 },
        },
    ],
    random: true,
    run,
    formulas: pay::adversaries,
};

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let conditions = Trial {
        mechanism: settings.choice("mechanism")?,
        peers: settings.whole("peers")?,
        members: settings.whole("members")?,
        share: settings.number("share")?,
        worth: settings.number("worth")?,
        blocks: settings.whole("blocks")?,
        drift: settings.number("drift")?,
        rules: Rules { tau: settings.number("tau")?, epsilon: settings.number("epsilon")?, ..Rules::default() },
        seed: settings.seed(),
    };
    let name = settings.choice("adversary")?;
    let adversary = adversary::find(name).ok_or_else(|| LabError::Settings(format!("no adversary {name}")))?;
    let guilty = conditions.run(adversary, true)?;
    let twin = conditions.run(adversary, false)?;
    report.fact("gain over the honest twin", trial::gain(&guilty, &twin), "");
    report.fact("share at the end", guilty.share.last().copied().unwrap_or_default(), "");
    report.fact("share of the honest twin", twin.share.last().copied().unwrap_or_default(), "");
    report.fact("blocks that paid", sum(&guilty.paid), "blocks");
    report.fact("blocks that paid among honest peers", sum(&twin.paid), "blocks");
    report.fact("worth of others seen through competitive masks", guilty.seen, "");
    report.fact("worth seen by the honest twin", twin.seen, "");
    report.fact("rows refused", f64::from(u32::try_from(guilty.refused).unwrap_or(u32::MAX)), "rows");
    report.tables.push(Table::new(
        "course",
        vec![
            Column::index("block", conditions.blocks),
            Column::new("adversary", guilty.share),
            Column::new("honest twin", twin.share),
            Column::new("loss", guilty.loss),
            Column::new("loss among honest peers", twin.loss),
            Column::new("paid", guilty.paid),
        ],
    ));
    report.figures.push(Figure {
        title: "Share of the adversary, and of the same peers had they been honest",
        table: "course",
        x: "block".into(),
        series: vec!["adversary".into(), "honest twin".into()],
        y: "share of all stake",
        unit: "",
        mark: Mark::Line,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain(seed: u64, given: &[(&'static str, &'static str)]) -> Report {
        let settings = SCENARIO.settings(seed, given.iter().copied()).unwrap();
        SCENARIO.report(&settings).unwrap()
    }

    #[test]
    fn a_worthless_cabal_decays_below_one_half_and_wins_above() {
        let end = |mechanism, share, members| {
            let given = [
                ("mechanism", mechanism),
                ("adversary", "cabal"),
                ("worth", "0"),
                ("share", share),
                ("members", members),
            ];
            let report = gain(1, &given);
            report.value("share at the end").unwrap()
        };
        for mechanism in ["trust", "connectivity", "consensus"] {
            assert!(end(mechanism, "0.45", "14") < 0.45, "{mechanism}");
            assert!(end(mechanism, "0.6", "19") >= 0.6, "{mechanism}");
        }
        assert!((end("competitive", "0.45", "14") - 0.45).abs() < 1e-9);
    }

    #[test]
    fn masks_show_an_under_bidder_little_and_an_over_bidder_few() {
        let seen = |adversary| {
            let report = gain(1, &[("mechanism", "competitive"), ("adversary", adversary)]);
            report.value("worth of others seen through competitive masks").unwrap()
        };
        let twin = seen("lazy-copier");
        assert!(seen("under-bidder") < 0.5 * twin);
        assert!(seen("over-bidder") < 0.9 * twin);
    }

    #[test]
    fn the_same_seed_gives_the_same_report_and_another_another() {
        let short = [("blocks", "20")];
        assert_eq!(gain(1, &short), gain(1, &short));
        assert_ne!(gain(1, &short).tables, gain(2, &short).tables);
    }

    #[test]
    fn more_members_than_peers_are_refused() {
        let settings = SCENARIO.settings(0, [("members", "9"), ("peers", "9")]).unwrap();
        assert!(matches!(SCENARIO.report(&settings), Err(LabError::Settings(_))));
    }
}
