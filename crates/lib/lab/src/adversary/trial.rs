//! One adversary among honest peers on a chain, and its twin: the same peers and seed, all honest.

use super::Adversary;
use crate::chain::{Behaviour, Chain, Honest, Rules, Truth, mechanism};
use crate::scenario::LabError;
use crate::statistics::real;
use mechanism::arithmetic::sum;
use mechanism::competitive::{Reading, masks, ranks};
use mechanism::world::World;

/// The conditions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Name of the mechanism.
    pub mechanism: &'static str,
    /// n.
    pub peers: usize,
    /// How many of them are the adversary's: the first ones.
    pub members: usize,
    /// Their share of the stake at first; all members hold the same, and all others.
    pub share: f64,
    /// What members are worth to others, as a share of what they would be.
    pub worth: f64,
    /// How long.
    pub blocks: usize,
    /// Deviation of the drift of every peer's worth a block.
    pub drift: f64,
    /// The rules of the chain.
    pub rules: Rules,
    /// The seed of the truth.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// The members' share of all stake after each block.
    pub share: Vec<f64>,
    /// L after each block; 0 for a mechanism without one.
    pub loss: Vec<f64>,
    /// 1 for each block that paid, else 0.
    pub paid: Vec<f64>,
    /// What the competitive masks let members see at the end, as a share of the worth of all to them.
    pub seen: f64,
    /// Rows that the chain refused.
    pub refused: usize,
}

impl Trial {
    /// Runs it; `sins` says whether the adversary does, or is its honest twin.
    ///
    /// # Errors
    /// [`LabError`] for conditions that make no world.
    pub fn run(&self, adversary: &Adversary, sins: bool) -> Result<Course, LabError> {
        let members: Vec<usize> = (0..self.members).collect();
        let mut truth = Truth::new(self.peers, self.seed);
        let mut stake = self.stake()?;
        truth.devalue(&members, self.worth);
        (adversary.prepare)(&mut truth, &mut stake, &members, sins);
        let mut acting: Vec<Box<dyn Behaviour>> = (0..self.peers)
            .map(|peer| if sins && peer < self.members { (adversary.behaviour)(&members) } else { Box::new(Honest) })
            .collect();
        let mechanism = mechanism(self.mechanism, self.peers);
        let mut chain = Chain::new(mechanism.as_ref(), self.rules, stake);
        let mut course = Course { share: vec![], loss: vec![], paid: vec![], seen: 0.0, refused: 0 };
        for _ in 0..self.blocks {
            let epoch = chain.block(&truth.scores(), &mut acting)?;
            course.paid.push(f64::from(u8::from(epoch.pays)));
            course.loss.push(epoch.loss.unwrap_or_default());
            course.share.push(chain.share(&members));
            truth.drift(self.drift);
        }
        course.seen = self.seen(&chain, &truth.scores(), &members)?;
        course.refused = chain.refused();
        Ok(course)
    }

    /// The adversary's share at the end over that of its honest twin, less 1.
    ///
    /// # Errors
    /// As [`Trial::run`].
    pub fn gain(&self, adversary: &Adversary) -> Result<f64, LabError> {
        Ok(gain(&self.run(adversary, true)?, &self.run(adversary, false)?))
    }

    fn stake(&self) -> Result<Vec<f64>, LabError> {
        if self.members == 0 || self.members >= self.peers {
            return Err(LabError::Settings(format!("{} members of {} peers", self.members, self.peers)));
        }
        let (members, others) = (real(self.members), real(self.peers - self.members));
        let held = |peer| if peer < self.members { self.share / members } else { (1.0 - self.share) / others };
        Ok((0..self.peers).map(held).collect())
    }

    /// Σ_j u_ij m_ij / Σ_j u_ij over the members with stake, j ≠ i; the temperature is half the bid of equals, ½ρ/n².
    fn seen(&self, chain: &Chain<'_>, scores: &[Vec<f64>], members: &[usize]) -> Result<f64, LabError> {
        let weights = chain.weights()?;
        let total = sum(chain.stake());
        let stake: Vec<f64> = chain.stake().iter().map(|s| s / total * self.rules.rho).collect();
        let scaling = vec![1.0; self.peers];
        let world = World { stake: &stake, scaling: &scaling, weights: &weights };
        let means = ranks(&world, Reading::Right);
        let temperature = 0.5 * self.rules.rho / (real(self.peers) * real(self.peers));
        let (mut through, mut all) = (0.0, 0.0);
        for &own in members.iter().filter(|&&member| stake[member] > 0.0) {
            let masks = masks::of(&world, own, &means, temperature)?;
            for (other, (score, mask)) in scores[own].iter().zip(&masks.values).enumerate() {
                if other != own {
                    through += score * mask;
                    all += score;
                }
            }
        }
        Ok(if all > 0.0 { through / all } else { 0.0 })
    }
}

/// The last share of the one over that of the other, less 1; 0 where there is none.
#[must_use]
pub fn gain(guilty: &Course, twin: &Course) -> f64 {
    match (guilty.share.last(), twin.share.last()) {
        (Some(guilty), Some(twin)) if *twin > 0.0 => guilty / twin - 1.0,
        _ => 0.0,
    }
}
