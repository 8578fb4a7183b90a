//! The numbers that rule a chain, fixed at genesis (decisions "Defaults (genesis)" and 1 to 8).

use crate::codec::{choice, message};
use crate::types::{Amount, TOKEN};

/// Which draft's mechanism turns weights into stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Trust by depth-d connectivity, with a scaling of stake.
    Trust,
    /// Ranks by reachable stake, which is clipped.
    Connectivity,
    /// Direct trust, consensus and bonds.
    Consensus,
    /// Ranks by bids, with inflation that adapts.
    Competitive,
}

choice!(Kind { 0 => Trust {}, 1 => Connectivity {}, 2 => Consensus {}, 3 => Competitive {} });

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Trust, Self::Connectivity, Self::Consensus, Self::Competitive];

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The same constants as far as this mechanism allows: `Connectivity` has room for fewer peers, `Consensus` needs long rows.
    pub fn fit(self, parameters: &Parameters) -> Parameters {
        let parameters = Parameters { mechanism: self, ..parameters.clone() };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 2^20")]
        let most = parameters.most_neurons() as u32;
        let max_weights = match self {
            #[expect(clippy::cast_possible_truncation, reason = "1,024")]
            Self::Consensus => crate::row::LIMIT as u32,
            _ => parameters.max_weights,
        };
        Parameters { max_neurons: parameters.max_neurons.min(most), max_weights, ..parameters }
    }

    /// Its name in files and on command lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trust => "trust",
            Self::Connectivity => "connectivity",
            Self::Consensus => "consensus",
            Self::Competitive => "competitive",
        }
    }
}

/// Genesis parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// The mechanism.
    pub mechanism: Kind,
    /// Time from one block to the next, ms.
    pub block_time: u64,
    /// Blocks an epoch.
    pub tempo: u64,
    /// Emission τ, share of the scaled stake a year; under `Competitive` what it rises by in 1,024 epochs, from 0.
    pub tau: f64,
    /// Longest step of a row, ‖ΔW_i‖₂ < ε.
    pub epsilon: f64,
    /// Blocks between two updates of one row.
    pub interval: u64,
    /// Most blocks from now to the expiry height of a transaction.
    pub expiry: u64,
    /// Sum ρ of the stakes as the mechanism sees them: s_i/ΣS·ρ.
    pub rho: f64,
    /// Slope β of trust, T = σ(βt), and ρ of the consensus, C = σ(ρ(t − κ)).
    pub beta: f64,
    /// Threshold κ: of depth-d connectivity in units of d/n (half the visits of a fair share), of expected visits, or of
    /// direct trust, by the mechanism.
    pub kappa: f64,
    /// Steps d that are followed along rows.
    pub depth: u32,
    /// Temperature of soft connectivity in units of κ: T_c = temperature · κ.
    pub temperature: f64,
    /// Samples of the scaled stake over whose rows trust is measured, M; all peers where there are no more.
    pub sources: u32,
    /// Most entries of a row.
    pub max_weights: u32,
    /// Most neurons.
    pub max_neurons: u32,
    /// Whether reachable stake is clipped (`Connectivity`).
    pub clip: bool,
    /// Least weight that is direct trust (`Consensus`).
    pub direct: f64,
    /// Weight on oneself over weight on others at which inflation stops to rise (`Competitive`).
    pub target: f64,
    /// Step η of the descent of A, in the normalised gradient.
    pub scaling_step: f64,
    /// Share of the way back to 1 that each a_i goes in an epoch with L < 0.
    pub scaling_return: f64,
    /// Expected hashes of a registration at genesis, and the least later.
    pub difficulty: u64,
    /// Registrations an epoch above which the difficulty doubles; below half of it the difficulty halves.
    pub registrations: u32,
    /// Least amount of a transfer that opens an account.
    pub opening: Amount,
    /// What a transaction costs that neither work nor a subscription pays for.
    pub fee: Amount,
    /// Blocks before stake that was taken out is balance again; longer than the trust period.
    pub unbonding: u64,
    /// Blocks in which a new peer cannot be replaced and does not leave; longer than its work counts.
    pub immunity: u64,
    /// What a place costs instead of work.
    pub subscription: Amount,
    /// Most validators.
    pub seats: u32,
    /// Least stake of a peer that takes a seat among them.
    pub seat: Amount,
    /// Blocks for which it counts that a consensus key said it runs; an epoch or longer.
    pub vigil: u64,
    /// Age beyond which a light client must not start from a checkpoint, ms.
    pub trust_period: u64,
    /// Width of the representations that peers exchange.
    pub dim: u32,
}

message!(Parameters {
    mechanism,
    block_time,
    tempo,
    tau,
    epsilon,
    interval,
    expiry,
    rho,
    beta,
    kappa,
    depth,
    temperature,
    sources,
    max_weights,
    max_neurons,
    clip,
    direct,
    target,
    scaling_step,
    scaling_return,
    difficulty,
    registrations,
    opening,
    fee,
    unbonding,
    immunity,
    subscription,
    seats,
    seat,
    vigil,
    trust_period,
    dim,
});

/// A parameter outside its range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("parameter {name} is {value}, but must be from {least} to {most}")]
pub struct ParameterError {
    /// Which.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// Least value allowed.
    pub least: f64,
    /// Largest value allowed.
    pub most: f64,
}

/// Milliseconds of a year of 365 days, the unit of τ.
pub const YEAR: u64 = 365 * 24 * 3600 * 1000;

impl Parameters {
    /// A network on one machine, on which a minute shows something.
    pub const fn dev() -> Self {
        Self {
            mechanism: Kind::Trust,
            block_time: 1_000,
            tempo: 10,
            tau: 10_000.0,
            epsilon: 0.5,
            interval: 5,
            expiry: 60,
            rho: 1.0,
            beta: 10.0,
            kappa: 0.5,
            depth: 3,
            temperature: 0.25,
            sources: 256,
            max_weights: 64,
            max_neurons: 4_096,
            clip: true,
            direct: 1.0 / 2048.0,
            target: 0.1,
            scaling_step: 5.0,
            scaling_return: 0.01,
            difficulty: 1 << 16,
            registrations: 32,
            opening: Amount(1_000_000),
            fee: Amount(1_000),
            unbonding: 3_600,
            immunity: 600,
            subscription: Amount(100_000_000),
            seats: 21,
            seat: Amount(TOKEN),
            vigil: 60,
            trust_period: 30 * 60 * 1_000,
            dim: 64,
        }
    }

    /// A network across the internet.
    pub const fn public() -> Self {
        Self {
            block_time: 2_000,
            tempo: 1_800,
            tau: 0.1,
            epsilon: 0.1,
            interval: 100,
            expiry: 300,
            difficulty: 1 << 22,
            registrations: 128,
            fee: Amount(100_000),
            unbonding: 604_800,
            immunity: 43_200,
            subscription: Amount(TOKEN),
            seat: Amount(1_000 * TOKEN),
            vigil: 3 * 1_800,
            trust_period: 7 * 24 * 3600 * 1_000,
            ..Self::dev()
        }
    }

    /// τ of the first epoch.
    pub const fn begins_with_tau(&self) -> f64 {
        match self.mechanism {
            Kind::Competitive => 0.0,
            _ => self.tau,
        }
    }

    /// Most neurons for which the mechanism can be computed in time, and its tables held.
    fn most_neurons(&self) -> f64 {
        match self.mechanism {
            #[expect(clippy::cast_precision_loss, reason = "1,024")]
            Kind::Connectivity => mechanism::absorbing::LIMIT as f64,
            // A million bonds are 12 MB of table.
            Kind::Consensus => 1_024.0,
            Kind::Trust | Kind::Competitive => 1_048_576.0,
        }
    }

    /// Whether every number is in the range for which the transition function is defined.
    pub fn check(&self) -> Result<(), ParameterError> {
        #[expect(clippy::cast_precision_loss, reason = "only compared with small bounds and shown")]
        let integers = [
            ("block_time", self.block_time as f64, 10.0, 3_600_000.0),
            ("tempo", self.tempo as f64, 1.0, 1e6),
            ("interval", self.interval as f64, 1.0, 1e6),
            ("expiry", self.expiry as f64, 1.0, 1e6),
            ("depth", f64::from(self.depth), 1.0, 16.0),
            ("sources", f64::from(self.sources), 1.0, 65_536.0),
            ("max_weights", f64::from(self.max_weights), 1.0, crate::row::LIMIT as f64),
            ("max_neurons", f64::from(self.max_neurons), 1.0, self.most_neurons()),
            ("difficulty", self.difficulty as f64, 1.0, 1e15),
            ("registrations", f64::from(self.registrations), 1.0, 1e6),
            ("opening", self.opening.get() as f64, 1.0, 1e18),
            ("fee", self.fee.get() as f64, 0.0, 1e18),
            (
                "unbonding",
                self.unbonding as f64,
                (self.trust_period / self.block_time.max(1)).saturating_add(self.tempo) as f64,
                1e9,
            ),
            ("immunity", self.immunity as f64, crate::work::RECENT as f64 + 1.0, 1e9),
            ("subscription", self.subscription.get() as f64, self.opening.get() as f64, 1e18),
            ("seats", f64::from(self.seats), 1.0, crate::genesis::MAX_VALIDATORS as f64),
            ("seat", self.seat.get() as f64, 0.0, 1e18),
            ("vigil", self.vigil as f64, self.tempo as f64, 1e9),
            ("trust_period", self.trust_period as f64, 1_000.0, 1e12),
            ("dim", f64::from(self.dim), 1.0, 4_096.0),
        ];
        let reals = [
            ("tau", self.tau, 0.0, 1e9),
            ("epsilon", self.epsilon, 1e-4, 2.0),
            ("rho", self.rho, 1e-3, 1e3),
            ("beta", self.beta, 1e-3, 1e3),
            ("kappa", self.kappa, 1e-6, 1e6),
            ("temperature", self.temperature, 1e-3, 1e3),
            ("direct", self.direct, 0.0, 1.0),
            ("target", self.target, 0.0, 1e6),
            ("scaling_step", self.scaling_step, 0.0, 1e3),
            ("scaling_return", self.scaling_return, 0.0, 1.0),
        ];
        for (name, value, least, most) in integers.into_iter().chain(reals) {
            if !(least..=most).contains(&value) {
                return Err(ParameterError { name, value, least, most });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_codec::{DecodeExt, Encode};

    #[test]
    fn presets_are_within_their_ranges_and_survive_the_codec() {
        for preset in [Parameters::dev(), Parameters::public()] {
            preset.check().unwrap();
            assert_eq!(Parameters::decode(preset.encode()).unwrap(), preset);
        }
    }

    #[test]
    fn out_of_range_is_named() {
        let wrong = Parameters { tempo: 0, ..Parameters::dev() };
        assert_eq!(wrong.check().unwrap_err().name, "tempo");
        let wrong = Parameters { tau: f64::NAN, ..Parameters::dev() };
        assert_eq!(wrong.check().unwrap_err().name, "tau");
        let wrong = Parameters { mechanism: Kind::Connectivity, ..Parameters::dev() };
        let error = wrong.check().unwrap_err();
        assert_eq!((error.name, error.most), ("max_neurons", 1_024.0));
        let wrong = Parameters { trust_period: u64::MAX, block_time: 1, ..Parameters::dev() };
        assert_eq!(wrong.check().unwrap_err().name, "block_time");
        for kind in Kind::ALL {
            kind.fit(&Parameters::public()).check().unwrap();
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
    }
}
