//! Where a tab is: its line, its way through routers, and how far it is to another. All of it is modelled; the laws and where
//! they come from:
//!
//! | what | law | source |
//! |---|---|---|
//! | region | Europe .45, North America .35, East Asia .2 | assumed |
//! | backbone, round trip | within 30, 45, 60 ms; EU–NA 90, NA–Asia 160, EU–Asia 200 ms | guarantees of Verizon's network (30, 45, 90, 160; the others assumed) |
//! | line | fibre .35, cable .4, DSL .15, mobile .1 | assumed |
//! | its round trip | log-normal about 12, 20, 37, 50 ms, σ .4 | medians for fibre and DSL: FCC, Measuring Broadband America 2016; the others assumed |
//! | its rates, down/up, Mbit/s | 300/150, 200/20, 50/10, 60/10, each times a log-normal of σ .3 | assumed tiers |
//! | relayed pairs | both behind hard NAT, or one is and 3 of 4 such pairs; .12 of tabs are: 17 % of pairs | 15 % (Twilio) to 22 % (callstats.io) of calls need a relay |
//! | jitter | up to a tenth of the way, uniform | assumed |
//! | on the wire | 8 % beside the message: IP, UDP, DTLS, SCTP for each 1,200 bytes | headers of the protocols |
//! | a node | 1 Gbit/s, 1 ms from the backbone | assumed |

use super::clock::{MILLI, Time};
use data::Random;

/// What a tab's way to others is like.
#[derive(Clone, Debug)]
pub struct Place {
    pub(crate) region: usize,
    /// One way from the tab to the backbone.
    access: Time,
    /// Bytes a second.
    pub(crate) up: f64,
    /// Bytes a second.
    pub(crate) down: f64,
    /// Behind a router that gives each destination another port, or lets no UDP pass.
    hard: bool,
}

/// What ways between tabs are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// As the table above says.
    Homes,
    /// Every message takes this time, however long it is; everyone reaches everyone.
    Ideal(Time),
}

impl Place {
    /// Somewhere.
    pub(crate) fn draw(lines: Lines, random: &mut Random) -> Self {
        if let Lines::Ideal(_) = lines {
            return Self { region: 0, access: 0, up: f64::INFINITY, down: f64::INFINITY, hard: false };
        }
        let region = pick(&REGIONS, random);
        let (round_trip, down, up) = LINES[pick(&SHARES, random)];
        let spread = log_normal(0.3, random);
        Self {
            region,
            access: (round_trip / 2.0 * log_normal(0.4, random) * MILLI as f64) as Time,
            up: up * spread * MEGABIT,
            down: down * spread * MEGABIT,
            hard: unit(random) < HARD,
        }
    }

    /// Of the `number`-th node.
    pub(crate) fn node(lines: Lines, number: usize) -> Self {
        match lines {
            Lines::Ideal(_) => Self { region: 0, access: 0, up: f64::INFINITY, down: f64::INFINITY, hard: false },
            Lines::Homes => {
                let rate = 1_000.0 * MEGABIT;
                Self { region: number % REGIONS.len(), access: MILLI, up: rate, down: rate, hard: false }
            }
        }
    }

    /// Time of a message of no bytes to `other`, without jitter.
    pub(crate) fn way(&self, other: &Self, lines: Lines) -> Time {
        match lines {
            Lines::Ideal(way) => way,
            Lines::Homes => BACKBONE[self.region][other.region] * MILLI / 2 + self.access + other.access,
        }
    }

    /// Whether a circuit has to serve between two tabs; the same whenever they are asked about.
    pub(crate) fn needs_relay(&self, other: &Self, pair: (u64, u64)) -> bool {
        match (self.hard, other.hard) {
            (false, false) => false,
            (true, true) => true,
            _ => unit(&mut Random::new(pair.0 ^ pair.1, RELAYED)) < ONE_HARD,
        }
    }
}

/// Bytes on the wire of a message.
pub(crate) fn wire(bytes: u64) -> f64 {
    bytes as f64 * OVERHEAD
}

/// In [0, 1).
pub(crate) fn unit(random: &mut Random) -> f64 {
    (random.next() >> 11) as f64 / (1u64 << 53) as f64
}

/// exp(σ·normal): median 1.
pub(crate) fn log_normal(sigma: f64, random: &mut Random) -> f64 {
    (sigma * f64::from(random.normal())).exp()
}

/// A random place in `shares`, which sum to 1.
fn pick(shares: &[f64], random: &mut Random) -> usize {
    let mut left = unit(random);
    for (index, share) in shares.iter().enumerate() {
        left -= share;
        if left < 0.0 {
            return index;
        }
    }
    shares.len().saturating_sub(1)
}

const REGIONS: [f64; 3] = [0.45, 0.35, 0.2];
/// Round trips, ms.
const BACKBONE: [[Time; 3]; 3] = [[30, 90, 200], [90, 45, 160], [200, 160, 60]];
const SHARES: [f64; 4] = [0.35, 0.4, 0.15, 0.1];
/// Round trip in ms, down and up in Mbit/s.
const LINES: [(f64, f64, f64); 4] = [(12.0, 300.0, 150.0), (20.0, 200.0, 20.0), (37.0, 50.0, 10.0), (50.0, 60.0, 10.0)];
const MEGABIT: f64 = 125_000.0;
const HARD: f64 = 0.12;
const ONE_HARD: f64 = 0.75;
const OVERHEAD: f64 = 1.08;
/// Longest jitter as a share of the way.
pub(crate) const JITTER: f64 = 0.1;
/// What a stream of random numbers is for.
const RELAYED: u64 = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_lines_and_relays_are_those_of_the_table() {
        let mut random = Random::new(1, 1);
        let places: Vec<Place> = (0..2_000).map(|_| Place::draw(Lines::Homes, &mut random)).collect();
        let (mut ways, mut relayed) = (Vec::new(), 0);
        for (a, b) in places.iter().zip(&places[1_000..]) {
            ways.push(2 * a.way(b, Lines::Homes) / MILLI);
            relayed += usize::from(a.needs_relay(b, (ways.len() as u64, 7)));
        }
        ways.sort_unstable();
        let (median, p95) = (ways[500], ways[950]);
        assert!((80..140).contains(&median) && (200..320).contains(&p95), "{median} {p95}");
        assert!((130..210).contains(&relayed), "{relayed}");
        let slow = places.iter().filter(|place| place.up < 16.0 * MEGABIT).count();
        assert!((500..1_100).contains(&slow), "{slow}");
    }
}
