//! Every adversary under every mechanism, worth as much as the others and worth nothing: gain over the honest twin.

use crate::adversary::{ALL, NAMES, Trial, trial};
use crate::chain::{MECHANISMS, Rules};
use crate::formulas::pay;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use crate::statistics::mean;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "adversary-table",
    title: "Every sin under every mechanism",
    about: "Gain over the honest twin after some blocks, for an adversary that is worth as much as others and for one that \
            is worth nothing to them.",
    settings: &[
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
        Setting { name: "blocks", about: "blocks", range: Range::Whole { default: 100, least: 1, most: 1_000 } },
    ],
    random: true,
    run,
    formulas: pay::adversary_table,
};

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    for (worth, tables, figure, what) in [
        (1.0, ["gain", "share", "paid"], "Gain over honesty of an adversary that is worth as much as others", ""),
        (
            0.0,
            ["gain of the worthless", "share of the worthless", "paid with the worthless"],
            "Gain over honesty of a worthless one",
            "worthless ",
        ),
    ] {
        let mut columns = [(); 3].map(|()| vec![Column::named("mechanism", MECHANISMS)]);
        for adversary in ALL {
            let mut values = [const { Vec::new() }; 3];
            for mechanism in MECHANISMS {
                let conditions = Trial { mechanism, worth, ..conditions(settings)? };
                let guilty = conditions.run(adversary, true)?;
                let earned = trial::gain(&guilty, &conditions.run(adversary, false)?);
                report.fact(format!("gain of a {what}{} under {mechanism}", adversary.name), earned, "");
                let [gain, share, paid] = &mut values;
                gain.push(earned);
                share.push(guilty.share.last().copied().unwrap_or_default());
                paid.push(mean(&guilty.paid));
            }
            for (columns, values) in columns.iter_mut().zip(values) {
                columns.push(Column::new(adversary.name, values));
            }
        }
        for (name, columns) in tables.into_iter().zip(columns) {
            report.tables.push(Table::new(name, columns));
        }
        report.figures.push(Figure {
            title: figure,
            table: tables[0],
            x: "mechanism".into(),
            series: NAMES.iter().map(|&name| name.into()).collect(),
            y: "gain over the honest twin",
            unit: "",
            mark: Mark::Bar,
        });
    }
    Ok(())
}

fn conditions(settings: &Settings) -> Result<Trial, LabError> {
    Ok(Trial {
        mechanism: "trust",
        peers: settings.whole("peers")?,
        members: settings.whole("members")?,
        share: settings.number("share")?,
        worth: 1.0,
        blocks: settings.whole("blocks")?,
        drift: 0.02,
        rules: Rules::default(),
        seed: settings.seed(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adversary::find;

    fn report(seed: u64, given: &[(&'static str, &'static str)]) -> Report {
        SCENARIO.report(&SCENARIO.settings(seed, given.iter().copied()).unwrap()).unwrap()
    }

    /// The gains of two seeds; what is asserted holds for both.
    fn gains(what: &str, mechanism: &'static str) -> Vec<f64> {
        let name = what.strip_prefix("worthless ").unwrap_or(what);
        let worth = if name == what { 1.0 } else { 0.0 };
        let gain = |seed| {
            let conditions = conditions(&SCENARIO.settings(seed, []).unwrap()).unwrap();
            Trial { mechanism, worth, ..conditions }.gain(find(name).unwrap()).unwrap()
        };
        [1, 2].map(gain).to_vec()
    }

    #[test]
    fn who_is_worth_something_gains_by_voting_for_itself_everywhere() {
        for mechanism in MECHANISMS {
            for sin in ["self-voter", "cabal", "under-bidder"] {
                assert!(gains(sin, mechanism).iter().all(|gain| *gain > 0.1), "{sin} {mechanism}");
            }
            for sin in ["weight-flipper", "over-bidder"] {
                assert!(gains(sin, mechanism).iter().all(|gain| *gain < -0.01), "{sin} {mechanism}");
            }
            assert!(gains("lazy-copier", mechanism).iter().all(|gain| gain.abs() < 0.02), "{mechanism}");
        }
    }

    #[test]
    fn the_worthless_are_stopped_by_trust_and_not_by_bids() {
        for sin in ["self-voter", "cabal"] {
            let worthless = format!("worthless {sin}");
            assert!(gains(&worthless, "trust").iter().all(|gain| gain.abs() < 0.001));
            assert!(gains(&worthless, "connectivity").iter().all(|gain| (0.0..0.1).contains(gain)));
            assert!(gains(&worthless, "consensus").iter().all(|gain| *gain < -0.3));
            assert!(gains(&worthless, "competitive").iter().all(|gain| *gain > 1.0));
        }
    }

    #[test]
    fn splitting_does_not_pay_where_copies_are_scored_together() {
        for mechanism in ["trust", "connectivity"] {
            assert!(gains("stake-splitter", mechanism).iter().all(|gain| *gain < -0.1), "{mechanism}");
        }
        let consensus = gains("stake-splitter", "consensus");
        assert!(consensus.iter().all(|gain| *gain < 1e-9), "{consensus:?}");
        assert!(gains("stake-splitter", "competitive").iter().all(|gain| gain.abs() < 1e-9));
    }

    #[test]
    fn the_same_seed_gives_the_same_report_and_another_another() {
        let short = [("blocks", "5")];
        assert_eq!(report(1, &short), report(1, &short));
        let gain = report(1, &[]).value("gain of a worthless cabal under consensus").unwrap();
        assert_eq!(gain, gains("worthless cabal", "consensus")[0]);
        assert_ne!(report(1, &short).tables, report(2, &short).tables);
    }
}
