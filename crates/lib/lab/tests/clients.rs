//! The market game played by light clients on a ledger, beside the game of this lab: the same Hessians, α/τ, temperature, ε and first
//! rows.
//!
//! 32 founders of equal stake run a `Competitive` chain. In each epoch every client measures what seeing more of each peer is
//! worth at the masks that the verified rows imply, u = H (1 − m), which is what its scores are; asks for a proposal by
//! [`Policy::Payoff`]; signs it, and the ledger takes it. It ends when no client would move. Nobody but the client sees H.
//!
//! What differs: rows are in parts of 65,535. Where they hold fewer entries than there are peers, the lab's keep their largest
//! after every step, too.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and says what it measured")]

use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use ledger::{Action, Amount, At, Digest, Genesis, Kind, Nonce, Parameters, PublicKey, Row, State, Transaction, Uid};
use light::own::Position;
use light::policy::Policy;
use mechanism::competitive::payoff::{Loss as _, Quadratic};
use mechanism::competitive::{Reading, masks, ranks};
use mechanism::rows::Rows;
use mechanism::world::World;
use peerage_lab::market::law::{Law, start};
use peerage_lab::market::{End, Market, Moves, STILL, distance, own_share, terms};
use peerage_lab::random::Random;
use peerage_lab::statistics::spearman;

const PEERS: usize = 32;
const TEMPERATURE: f64 = 0.25;
const EPSILON: f64 = 0.1;

/// Most steps of either game.
const STEPS: usize = 1_500;

/// A market, and the rows it starts from.
struct Game {
    hessians: Vec<Vec<f64>>,
    market: Market,
    start: Vec<Vec<f64>>,
}

impl Game {
    fn drawn(seed: u64) -> Self {
        let settings = peerage_lab::find("market-game").unwrap().settings(seed, [("peers", "32")]).unwrap();
        let mut random = Random::new(seed);
        let hessians = Law::of(&settings).unwrap().hessians(&mut random);
        let start = start(PEERS, 1.0, &mut random);
        Self { market: Market::new(hessians.clone()).unwrap(), hessians, start }
    }

    /// The game of the lab, in which every row keeps its `most` largest entries.
    fn played(&self, ratio: f64, most: usize) -> (Vec<Vec<f64>>, usize) {
        let moves = Moves { rate: 1.0, epsilon: EPSILON };
        let mut rows = dense(&self.first(most));
        if most >= PEERS {
            let End { rows, steps, .. } = self.market.play(&rows, &terms(ratio, TEMPERATURE), moves, STEPS).unwrap();
            return (rows, steps);
        }
        for steps in 0..STEPS {
            let mut next = self.market.step(&rows, &terms(ratio, TEMPERATURE), moves, |loss| loss).unwrap();
            next.iter_mut().for_each(|row| cut(row, most));
            let length = distance(&rows, &next);
            rows = next;
            if length < STILL {
                return (rows, steps);
            }
        }
        (rows, STEPS)
    }

    /// The rows to begin with, in parts of 65,535.
    fn first(&self, most: usize) -> Vec<Row> {
        let row = |row: &Vec<f64>| Row::from_shares(&(0..).map(Uid::new).zip(row.clone()).collect::<Vec<_>>(), most);
        self.start.iter().map(|shares| row(shares).unwrap()).collect()
    }
}

/// Leaves the `most` largest entries, as shares.
fn cut(row: &mut [f64], most: usize) {
    let mut sorted = row.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let least = sorted[most - 1];
    row.iter_mut().filter(|w| **w < least).for_each(|w| *w = 0.0);
    let sum: f64 = row.iter().sum();
    row.iter_mut().for_each(|w| *w /= sum);
}

fn dense(rows: &[Row]) -> Vec<Vec<f64>> {
    rows.iter().map(|row| (0..PEERS as u32).map(|uid| row.share(Uid::new(uid))).collect()).collect()
}

/// The chain and its clients.
struct Chain {
    keys: Vec<PrivateKey>,
    state: State,
}

impl Chain {
    /// Nothing is emitted, so that stakes stay equal; an epoch is a block, and rows may be set in each.
    fn new(max_weights: u32) -> Self {
        let keys: Vec<PrivateKey> = (0..PEERS as u64).map(|peer| PrivateKey::from_seed(1_000 + peer)).collect();
        let founders: Vec<(PublicKey, Amount)> =
            keys.iter().map(|key| (key.public_key(), Amount::tokens(1_000).unwrap())).collect();
        let parameters = Parameters {
            tempo: 1,
            interval: 1,
            tau: 0.0,
            fee: Amount::ZERO,
            epsilon: EPSILON,
            temperature: TEMPERATURE,
            max_weights,
            ..Parameters::dev()
        };
        let parameters = Kind::Competitive.fit(&parameters);
        let seed = |seed| PrivateKey::from_seed(seed).public_key();
        let genesis = Genesis { parameters, ..Genesis::dev(1, seed(0), seed(1), Amount(1), founders) };
        Self { keys, state: genesis.state().unwrap() }
    }

    fn rows(&self) -> Vec<Row> {
        self.state.weights().iter().map(|leaf| leaf.row.clone()).collect()
    }

    /// A block, which is an epoch, of these rows, each signed by its peer.
    fn set(&mut self, rows: &[(usize, Row)]) {
        let (height, time) = (self.state.height().next(), self.state.time() + 1_000);
        let transaction = |(peer, row): &(usize, Row)| {
            let (key, uid) = (&self.keys[*peer], Uid::new(*peer as u32));
            let nonce = self.state.account(&key.public_key()).map_or(Nonce(0), |(_, account)| account.nonce);
            let action = Action::SetWeights { uid, row: row.clone(), seen: self.state.height() };
            Transaction::sign(key, self.state.chain(), nonce, height, action)
        };
        let transactions: Vec<Transaction> = rows.iter().map(transaction).collect();
        let at = At { height, time, parent: Digest::from([0; 32]) };
        self.state = self.state.apply(&at, &transactions).unwrap().0;
    }

    /// What a client's training measures: what seeing more of each peer is worth to it now.
    fn scores(&self, own: usize, loss: &Quadratic) -> Vec<(PublicKey, f64)> {
        let entries = |row: Row| (0..).zip(dense(&[row]).remove(0)).filter(|&(_, w)| w > 0.0).collect::<Vec<_>>();
        let weights = Rows::new(PEERS, self.rows().into_iter().map(entries)).unwrap();
        let world = World { stake: &[1.0; PEERS], scaling: &[1.0; PEERS], weights: &weights };
        let seen = masks::of(&world, own, &ranks(&world, Reading::Right), TEMPERATURE).unwrap().values;
        let worth = loss.gradient(&seen);
        self.keys.iter().zip(worth).map(|(key, worth)| (key.public_key(), -worth)).collect()
    }

    /// Every client follows its payoff until none would move; gives the epochs it took.
    fn play(&mut self, game: &Game, alpha: f64) -> usize {
        let losses: Vec<Quadratic> =
            game.hessians.iter().map(|hessian| Quadratic::new(hessian.clone(), PEERS).unwrap()).collect();
        let most = self.state.parameters().max_weights as usize;
        self.set(&game.first(most).into_iter().enumerate().collect::<Vec<_>>());
        for epochs in 0..STEPS {
            let propose = |own: usize| {
                let scores = self.scores(own, &losses[own]);
                let position = Position::new(&self.state, Uid::new(own as u32)).unwrap();
                let proposal = position.propose(Policy::Payoff { alpha }, &scores, None, None).unwrap();
                assert!(proposal.length < EPSILON);
                (proposal.length > 0.0).then_some((own, proposal.row))
            };
            let moves: Vec<(usize, Row)> = (0..PEERS).filter_map(propose).collect();
            if moves.is_empty() {
                return epochs;
            }
            self.set(&moves);
        }
        STEPS
    }
}

/// Plays both games and compares where they end.
fn compare(seed: u64, most: usize, ratios: &[f64]) {
    let game = Game::drawn(seed);
    for &ratio in ratios {
        let (lab, steps) = game.played(ratio, most);
        let mut chain = Chain::new(most as u32);
        let epochs = chain.play(&game, ratio);
        let rows = dense(&chain.rows());
        let (ours, theirs) = (game.market.ranks(&rows).unwrap(), game.market.ranks(&lab).unwrap());
        let by_row = distance(&rows, &lab);
        let by_rank = distance(std::slice::from_ref(&ours), std::slice::from_ref(&theirs));
        let alike = spearman(&ours, &theirs);
        println!(
            "seed {seed}, {most} entries, α/τ {ratio}: {epochs} epochs and {steps} steps; rows {by_row:.5}, ranks \
             {by_rank:.6}, Spearman {alike:.4}; on oneself {:.4} and {:.4}",
            own_share(&rows).unwrap(),
            own_share(&lab).unwrap(),
        );
        assert!(epochs > 50 && epochs < STEPS, "comes to rest: {epochs}");
        assert!(by_row < ROWS && by_rank < RANKS && alike > 0.999);
        assert!(distance(&dense(&game.first(most)), &lab) > 0.5, "and both went far");
        if most >= PEERS {
            let moves = Moves { rate: 1.0, epsilon: EPSILON };
            let next = game.market.step(&rows, &terms(ratio, TEMPERATURE), moves, |loss| loss).unwrap();
            assert!(distance(&rows, &next) < UNSEEN, "what the lab would still move cannot be written in a row");
        }
    }
}

/// Length of a step that moves each of 32 entries by half a part of 65,535: a client rests where steps of rate 1 are shorter, the
/// lab where they are shorter than 10⁻⁶.
const UNSEEN: f64 = 4.4e-5;

/// How far apart rows may end, in L2: what is left of the gradient at rest, over how fast it falls where it falls slowest, which
/// is by some hundredths a step, since it takes hundreds of steps. Measured .0008 to .0016, with short rows to .0045.
const ROWS: f64 = 0.01;

/// The same of all ranks, whose mean is 1/32. Measured up to .00033.
const RANKS: f64 = 0.002;

#[test]
fn clients_on_a_ledger_come_where_the_market_game_comes() {
    compare(0, 64, &[0.3, 1.0, 25.0]);
    compare(1, 64, &[0.3, 3.0]);
}

#[test]
fn with_short_rows_they_come_where_the_game_with_short_rows_comes() {
    compare(0, 12, &[1.0, 3.0]);
    compare(1, 12, &[0.3]);
}
