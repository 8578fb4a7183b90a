//! Stake that holds together with nobody: the loss is positive, and the chain scales until a majority is trusted.
//!
//! Two groups score among themselves, the rest of the stake is loners. No group has a majority, L ≥ 0, nothing is minted,
//! and A descends the loss. Three readings of the paper's equation 6 are run side by side: as printed, with the sign of its
//! exponent mended, and the true gradient of the normalised loss, which is what a ledger takes.

use crate::formulas::trust;
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::scenario::{LabError, Range, Scenario, Setting, Settings};
use crate::statistics::real;
use mechanism::rows::Rows;
use mechanism::scaling;
use mechanism::trust::readings::{Unit, printed};
use mechanism::trust::{Parameters, evaluate};
use mechanism::world::World;

/// The scenario.
pub const SCENARIO: Scenario = Scenario {
    name: "loose-stake",
    title: "Loose stake is scaled away",
    about: "Two groups, neither with a majority, and loners who score nobody else. The loss is positive, so nothing is \
            minted; the chain scales the stake of those who stand apart until one group is a trusted majority. Three \
            readings of the paper's equation are run side by side.",
    settings: &[
        Setting {
            name: "first",
            about: "share of the first group",
            range: Range::Number { default: 0.4, least: 0.0, most: 1.0 },
        },
        Setting {
            name: "second",
            about: "share of the second group",
            range: Range::Number { default: 0.35, least: 0.0, most: 1.0 },
        },
        Setting {
            name: "peers",
            about: "peers of each group, and loners",
            range: Range::Whole { default: 5, least: 1, most: 60 },
        },
        Setting {
            name: "beta",
            about: "slope of trust",
            range: Range::Number { default: 10.0, least: 0.1, most: 100.0 },
        },
        Setting {
            name: "rate",
            about: "step along the true gradient",
            range: Range::Number { default: 5.0, least: 0.001, most: 100.0 },
        },
        Setting {
            name: "printed-rate",
            about: "step along equation 6 as printed, which lacks stake and slope",
            range: Range::Number { default: 0.05, least: 0.0001, most: 10.0 },
        },
        Setting { name: "steps", about: "steps at most", range: Range::Whole { default: 60, least: 1, most: 10_000 } },
    ],
    random: false,
    run,
    formulas: trust::loose_stake,
};

/// Which way A goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Literal,
    SignFixed,
    True,
}

fn run(settings: &Settings, report: &mut Report) -> Result<(), LabError> {
    let steps = settings.whole("steps")?;
    let market = Market::of(settings)?;
    let parameters = parameters(settings)?;
    let mut losses = vec![Column::index("step", steps + 1)];
    let mut scalings = vec![Column::index("step", steps + 1)];
    for (name, reading, rate) in [
        ("true gradient", Reading::True, settings.number("rate")?),
        ("equation 6, sign mended", Reading::SignFixed, settings.number("printed-rate")?),
        ("equation 6 as printed", Reading::Literal, settings.number("printed-rate")?),
    ] {
        let path = market.descend(&parameters, reading, rate, steps)?;
        // A path that ended keeps its last point, so that all columns are of one length.
        let held = |pick: &dyn Fn(&Point) -> f64| -> Vec<f64> {
            (0..=steps).filter_map(|step| path.get(step).or(path.last())).map(pick).collect()
        };
        if let Some(last) = path.last().filter(|last| last.loss < 0.0) {
            report.fact(format!("steps until a majority is trusted, {name}"), real(path.len() - 1), "");
            report.fact(format!("loss then, {name}"), last.loss, "");
        }
        losses.push(Column::new(name, held(&|point| point.loss)));
        if reading == Reading::True {
            for (group, who) in ["first group", "second group", "loners"].into_iter().enumerate() {
                scalings.push(Column::new(who, held(&|point| point.scaling[group])));
            }
        }
    }
    let series = |columns: &[Column]| columns[1..].iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    report.figures.push(Figure {
        title: "The loss, until it is negative",
        table: "loss",
        x: "step".into(),
        series: series(&losses),
        y: "loss L",
        unit: "",
        mark: Mark::Line,
    });
    report.figures.push(Figure {
        title: "The scaling of each group along the true gradient",
        table: "scaling",
        x: "step".into(),
        series: series(&scalings),
        y: "scaling a",
        unit: "",
        mark: Mark::Line,
    });
    report.tables.push(Table::new("loss", losses));
    report.tables.push(Table::new("scaling", scalings));
    Ok(())
}

/// Two groups and loners; all members of a group are alike.
struct Market {
    weights: Rows,
    stake: Vec<f64>,
    peers: usize,
}

/// The loss at one step, and a of the two groups and the loners.
struct Point {
    loss: f64,
    scaling: [f64; 3],
}

impl Market {
    fn of(settings: &Settings) -> Result<Self, LabError> {
        let (first, second) = (settings.number("first")?, settings.number("second")?);
        if first + second > 1.0 {
            return Err(LabError::Settings(format!("first + second is {}, but must be at most 1", first + second)));
        }
        Self::new([first, second], settings.whole("peers")?)
    }

    fn new(shares: [f64; 2], peers: usize) -> Result<Self, LabError> {
        let count = real(peers);
        let part = [shares[0], shares[1], 1.0 - shares[0] - shares[1]].map(|share| share.max(0.0) / count);
        #[expect(clippy::cast_possible_truncation, reason = "at most 180 peers")]
        let row = |i: usize| -> Vec<(u32, f64)> {
            let group = i / peers;
            if group < 2 {
                (0..peers).map(|j| ((group * peers + j) as u32, 1.0 / count)).collect()
            } else {
                vec![(i as u32, 1.0)]
            }
        };
        let weights = Rows::new(3 * peers, (0..3 * peers).map(row))?;
        Ok(Self { weights, stake: (0..3 * peers).map(|i| part[i / peers]).collect(), peers })
    }

    /// The points of a descent, to the first with a negative loss or after so many steps.
    fn descend(
        &self,
        parameters: &Parameters,
        reading: Reading,
        rate: f64,
        steps: usize,
    ) -> Result<Vec<Point>, LabError> {
        let mut scaling = vec![1.0; self.stake.len()];
        let mut path = Vec::new();
        for step in 0..=steps {
            let world = World { stake: &self.stake, scaling: &scaling, weights: &self.weights };
            let outcome = evaluate(&world, parameters)?;
            path.push(Point { loss: outcome.loss, scaling: [0, 1, 2].map(|group| scaling[group * self.peers]) });
            if outcome.loss < 0.0 || step == steps {
                break;
            }
            let gradient = match reading {
                Reading::True => outcome.scaling_gradient,
                Reading::Literal => negated(&printed(&world, parameters, Unit::Scaled)?.literal),
                Reading::SignFixed => negated(&printed(&world, parameters, Unit::Scaled)?.sign_fixed),
            };
            scaling = scaling::descend(&world, &gradient, rate);
        }
        Ok(path)
    }
}

/// What the formulas show of a scaling of the two groups and the loners.
pub(crate) struct Slopes {
    /// t of the first group.
    pub connected: f64,
    /// ∂L/∂a of a loner.
    pub right: f64,
    /// Equation 6 for a loner, as printed.
    pub printed: f64,
}

/// The slopes at this scaling.
pub(crate) fn slopes(settings: &Settings, scaling: [f64; 3]) -> Result<Slopes, LabError> {
    let market = Market::of(settings)?;
    let parameters = parameters(settings)?;
    let each: Vec<f64> = scaling.iter().flat_map(|a| std::iter::repeat_n(*a, market.peers)).collect();
    let world = World { stake: &market.stake, scaling: &each, weights: &market.weights };
    let outcome = evaluate(&world, &parameters)?;
    let literal = printed(&world, &parameters, Unit::Scaled)?.literal;
    let of = |values: &[f64], group: usize| values.get(group * market.peers).copied().unwrap_or_default();
    Ok(Slopes { connected: of(&outcome.trust, 0), right: of(&outcome.scaling_gradient, 2), printed: of(&literal, 2) })
}

fn parameters(settings: &Settings) -> Result<Parameters, LabError> {
    Ok(Parameters {
        beta: settings.number("beta")?,
        kappa: 0.1,
        depth: 3,
        temperature: 0.0,
        sources: usize::MAX,
        seed: 0,
    })
}

fn negated(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| -value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::golden;

    #[test]
    fn each_reading_takes_the_known_steps() {
        let report = SCENARIO.report(&SCENARIO.settings(0, []).unwrap()).unwrap();
        let golden = golden("loose_stake_40_35_25");
        for (key, name) in [
            ("true_lr5", "true gradient"),
            ("eq6_expminus_lr0.05", "equation 6, sign mended"),
            ("eq6_literal_lr0.05", "equation 6 as printed"),
        ] {
            let number = |field: &str| golden[key][field].as_f64().unwrap();
            let steps = report.value(&format!("steps until a majority is trusted, {name}")).unwrap();
            assert_eq!(steps, number("steps_to_negative"));
            let losses = crate::tests::vector(&report, "loss", name);
            assert!((losses[0] - number("L0")).abs() < 1e-12);
            assert!((losses[60] - number("L_last")).abs() < 1e-12);
        }
    }

    #[test]
    fn a_majority_at_once_needs_no_step() {
        let settings = SCENARIO.settings(0, [("first", "0.6"), ("second", "0.2")]).unwrap();
        let report = SCENARIO.report(&settings).unwrap();
        assert_eq!(report.value("steps until a majority is trusted, true gradient"), Some(0.0));
    }

    #[test]
    fn shares_beyond_the_whole_are_refused() {
        let settings = SCENARIO.settings(0, [("first", "0.9"), ("second", "0.2")]).unwrap();
        assert!(SCENARIO.report(&settings).unwrap_err().to_string().contains("must be at most 1"));
    }
}
