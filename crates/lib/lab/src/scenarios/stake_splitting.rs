//! One holder with k identities: what splitting stake changes in rank, in trust and in the share of what is paid.
//!
//! Peers score each other by true worth. The holder divides its stake evenly among k identities; others divide its score among
//! them in the same way, or score each copy like the original, as the Fisher score does. Ranks are linear, so that in the
//! first reading their sum does not change to rounding. Trust is not linear: what is scored below a threshold is not
//! connected. Trust sources are samples of the stake, so that the voice of the holder stays what its stake is, to a slot at
//! each end. The number of peers stays: identities that do not exist yet are peers without stake whom nobody scores.

use crate::chain::{MECHANISMS, Truth, mechanism, sparse};
use crate::formulas::trust::stake_splitting;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use crate::statistics::real;
use mechanism::arithmetic::sum;
use mechanism::epoch::{Epoch, Mechanism, Memory};
use mechanism::trust::{self, Parameters, Trust};
use mechanism::world::World;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "stake-splitting",
    title: "Does splitting stake over identities pay?",
    about: "One holder of k identities in one epoch of each mechanism: the sum of their ranks, their trust and their share \
            of what is paid, when others divide its score among the copies and when they score each copy in full.",
    settings: &[
        Setting { name: "peers", about: "all peers", range: Range::Whole { default: 64, least: 40, most: 512 } },
        Setting {
            name: "share",
            about: "the holder's share of the stake",
            range: Range::Number { default: 0.2, least: 0.001, most: 0.9 },
        },
        Setting {
            name: "sources",
            about: "M, trust sources of the trust mechanism",
            range: Range::Whole { default: 24, least: 1, most: 1024 },
        },
    ],
    random: true,
    run,
    formulas: stake_splitting,
};

/// k.
const IDENTITIES: &[usize] = &[1, 2, 3, 4, 6, 8, 12, 16, 24, 32];

/// Sum of rank, mean trust and sum of shares of the identities.
struct Look {
    rank: f64,
    trusted: f64,
    share: f64,
}

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    for (copies, table, title) in [
        (false, "divided", "Share of what is paid by identities, their score divided among them"),
        (true, "in full", "Share of what is paid by identities, each scored in full"),
    ] {
        let mut columns = vec![Column::new("identities", IDENTITIES.iter().map(|&k| real(k)).collect())];
        let mut series = Vec::new();
        for name in MECHANISMS {
            let looks = IDENTITIES.iter().map(|&k| look(settings, name, k, copies)).collect::<Result<Vec<_>, _>>()?;
            let of = |value: fn(&Look) -> f64| looks.iter().map(value).collect::<Vec<f64>>();
            columns.push(Column::new(format!("rank under {name}"), of(|look| look.rank)));
            columns.push(Column::new(format!("trust under {name}"), of(|look| look.trusted)));
            columns.push(Column::new(format!("share under {name}"), of(|look| look.share)));
            series.push(format!("share under {name}"));
            if let [first, .., last] = looks.as_slice() {
                let gain = if first.share > 0.0 { last.share / first.share - 1.0 } else { 0.0 };
                report.fact(format!("gain of 32 identities under {name}, score {table}"), gain, "");
            }
        }
        report.tables.push(Table::new(table, columns));
        report.figures.push(Figure {
            title,
            table,
            x: "identities".into(),
            series,
            y: "share of what is paid",
            unit: "",
            mark: Mark::Line,
        });
    }
    sources(settings, report)
}

/// How many of the trust sources, and of their voice, are the holder's.
fn sources(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let (mut places, mut voice) = (Vec::new(), Vec::new());
    for &k in IDENTITIES {
        let (stake, scores) = truth(settings, k, false)?;
        let weights = sparse(&scores)?;
        let world = World { stake: &stake, scaling: &vec![1.0; stake.len()], weights: &weights };
        let outcome = trust::evaluate(&world, &parameters(settings)?)?;
        let own = outcome.sources.iter().zip(&outcome.voices).filter(|&(&source, _)| (source as usize) < k);
        let own: Vec<f64> = own.map(|(_, voice)| *voice).collect();
        places.push(real(own.len()));
        voice.push(sum(&own) / sum(&outcome.voices));
    }
    report.fact("voice of one identity among the trust sources", voice.first().copied().unwrap_or_default(), "");
    report.fact("largest voice of any number of identities", voice.iter().copied().fold(0.0, f64::max), "");
    report.fact("least voice of any number of identities", voice.iter().copied().fold(1.0, f64::min), "");
    report.fact("voice of 32 identities", voice.last().copied().unwrap_or_default(), "");
    report.tables.push(Table::new(
        "sources",
        vec![
            Column::new("identities", IDENTITIES.iter().map(|&k| real(k)).collect()),
            Column::new("places", places),
            Column::new("voice", voice),
        ],
    ));
    report.figures.push(Figure {
        title: "The holder's share of the voice that makes trust",
        table: "sources",
        x: "identities".into(),
        series: vec!["voice".into()],
        y: "share of the sources' voice",
        unit: "",
        mark: Mark::Line,
    });
    Ok(())
}

fn look(settings: &Settings, name: &str, k: usize, copies: bool) -> Result<Look, LabError> {
    let (stake, scores) = truth(settings, k, copies)?;
    let weights = sparse(&scores)?;
    let world = World { stake: &stake, scaling: &vec![1.0; stake.len()], weights: &weights };
    let mechanism: Box<dyn Mechanism> = match name {
        "trust" => Box::new(Trust { parameters: parameters(settings)?, descent: 0.0, recovery: 0.0 }),
        _ => mechanism(name, stake.len()),
    };
    let epoch: Epoch = mechanism.evaluate(&world, &Memory::new(stake.len()))?;
    Ok(Look { rank: sum(&epoch.rank[..k]), trusted: sum(&epoch.trusted[..k]) / real(k), share: sum(&epoch.share[..k]) })
}

/// Stake and rows when the holder has `k` identities, which are the first peers; each scored in full if `copies`.
fn truth(settings: &Settings, k: usize, copies: bool) -> Result<(Vec<f64>, Vec<Vec<f64>>), LabError> {
    let (peers, share) = (settings.whole("peers")?, settings.number("share")?);
    let most = IDENTITIES.last().copied().unwrap_or(1);
    let identities: Vec<usize> = (0..most).collect();
    let mut truth = Truth::new(peers, settings.seed());
    truth.identify(&identities, k);
    if copies {
        truth.devalue(&identities, real(k));
    }
    let others = real(peers - most);
    let held = |peer| {
        if peer < k {
            share / real(k)
        } else if peer < most {
            0.0
        } else {
            (1.0 - share) / others
        }
    };
    let normal = |row: &Vec<f64>| {
        let total = sum(row);
        row.iter().map(|score| score / total).collect()
    };
    Ok(((0..peers).map(held).collect(), truth.scores().iter().map(normal).collect()))
}

/// κ and T_c for those who exist with one identity, so that the number of identities moves nothing but the world.
fn parameters(settings: &Settings) -> Result<Parameters, LabError> {
    let most = IDENTITIES.last().copied().unwrap_or(1);
    let peers = u32::try_from(settings.whole("peers")? - most + 1).unwrap_or(u32::MAX);
    Ok(Parameters { sources: settings.whole("sources")?, ..Parameters::for_peers(peers) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seed: u64) -> Report {
        SCENARIO.report(&SCENARIO.settings(seed, []).unwrap()).unwrap()
    }

    #[test]
    fn ranks_do_not_change_where_the_score_is_divided() {
        for seed in 0..4 {
            let report = report(seed);
            let table = report.table("divided").unwrap();
            for name in ["trust", "consensus", "competitive"] {
                let ranks = &table.column(&format!("rank under {name}")).unwrap().values;
                assert!(ranks.iter().all(|rank| (rank / ranks[0] - 1.0).abs() < 1e-13), "{name}");
            }
            let gain =
                |name: &str| report.value(&format!("gain of 32 identities under {name}, score divided")).unwrap();
            assert!(gain("competitive").abs() < 1e-13);
            assert!(gain("trust") < -0.99 && gain("connectivity") < -0.5);
            // The least direct trust is half of an equal share in the longest row: parts of a score still count.
            assert!((-0.01..1e-12).contains(&gain("consensus")));
        }
    }

    #[test]
    fn copies_that_are_scored_in_full_pay_under_every_mechanism() {
        for name in MECHANISMS {
            assert!(report(1).value(&format!("gain of 32 identities under {name}, score in full")).unwrap() > 1.0);
        }
    }

    #[test]
    fn identities_have_the_voice_of_the_stake_that_they_share() {
        let report = report(1);
        // A fifth of the stake, and two of 24 slots.
        let value = |name: &str| report.value(name).unwrap();
        assert!(value("largest voice of any number of identities") < 0.2 + 2.0 / 24.0);
        assert!(value("least voice of any number of identities") > 0.2 - 2.0 / 24.0);
        assert!((value("voice of one identity among the trust sources") - 0.2).abs() < 1.0 / 24.0);
    }

    #[test]
    fn the_same_seed_gives_the_same_report_and_another_another() {
        assert_eq!(report(1), report(1));
        assert_ne!(report(1).tables, report(2).tables);
    }
}
