//! One simulated chain from its seed: who takes part, what goes wrong when, and what is demanded after it.

use crate::adversary::Sin;
use crate::checks::{Deeds, Record};
use crate::dice::Dice;
use crate::traffic::Traffic;
use crate::wear::Wear;
use crate::world::{Actor, Cast, Down, Quality, Role, World};
use commonware_cryptography::Signer;
use commonware_runtime::deterministic::{self, Context, FaultConfig, PartialWriteMode, Runner, WriteConfig};
use commonware_runtime::{Clock, Runner as _};
use commonware_utils::Probability;
use ledger::genesis::MAX_VALIDATORS;
use ledger::types::TOKEN;
use ledger::{Amount, Founder, Genesis, Kind, Parameters, PrivateKey, Seat, Transaction, Uid};
use peerage_consensus::{LedgerHandle, OpenError};
use std::time::{Duration, SystemTime};

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub seed: u64,
    /// Validators of genesis, from 4 to 7.
    pub validators: usize,
    /// Nodes that come later and would validate.
    pub spares: usize,
    /// Whether a node follows.
    pub follower: bool,
    /// What the first validator does wrong.
    pub sin: Option<Sin>,
    /// Whether nodes crash, ways are cut, clocks are off and messages late or lost.
    pub faults: bool,
    /// Minutes by which the clock of the second validator is off: a fault like that of an adversary.
    pub astray: i64,
    /// Whether clocks jump and disks fill up.
    pub hardware: bool,
    /// Whether the whole runtime crashes in between.
    pub crash: bool,
    /// Height at which faults end.
    pub blocks: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    pub deeds: Deeds,
    /// Crashes of nodes, all of them with that of the runtime.
    pub crashes: u64,
    /// What happened to machines.
    pub strains: Strains,
    /// Hostile transactions that were refused.
    pub refused: usize,
    /// How often an adversary was found out and blocked by an honest node, in the last life of the runtime.
    pub blocked: usize,
    /// What the runtime did, step by step.
    pub history: String,
    /// The chain.
    pub record: Record,
    /// The nodes, after their end.
    pub cast: Cast,
    /// All that was accepted by some node.
    pub accepted: Vec<Transaction>,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} blocks", self.height())
    }
}

impl std::fmt::Debug for Cast {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} actors", self.actors.len())
    }
}

/// How often something happened to a machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Strains {
    /// Clocks that were moved.
    pub jumps: u64,
    /// Disks that were full.
    pub full: u64,
    /// Nodes that stopped for it, in good order or not.
    pub stopped: u64,
    /// Nodes that did not notice.
    pub went_on: u64,
}

/// First seeds of keys.
const VALIDATOR: u64 = 100;
const FOUNDER: u64 = 200;
const PERSON: u64 = 300;

/// Keys with a balance and no place.
const PEOPLE: u64 = 6;

/// Time between two looks at the world, ms.
const TICK: u64 = 250;

/// Blocks that every honest node must gain once faults are over, and the time for it, ms.
const GAIN: u64 = 10;
const PATIENCE: u64 = 180_000;

/// Time until faults are over at the latest, ms.
const LONGEST: u64 = 240_000;

/// Height from which on nodes join.
const JOINS: u64 = 7;

impl Scenario {
    /// The scenario of a seed: a third of them with an adversary.
    pub fn drawn(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let sin = dice.chance(35).then(|| dice.pick(&Sin::all(person(0).public_key())).clone());
        let astray = if dice.chance(25) { dice.between(1, 60).cast_signed() } else { 0 };
        let astray = if dice.chance(50) { astray } else { -astray };
        let validators = match sin {
            // One adversary and a clock that is off leave more than two thirds.
            Some(_) => 7,
            None => dice.between(4, 7) as usize,
        };
        Self {
            seed,
            validators,
            spares: dice.between(0, 2) as usize,
            follower: dice.chance(40),
            sin,
            faults: true,
            astray,
            hardware: false,
            crash: dice.chance(40),
            blocks: dice.between(16, 40),
        }
    }

    /// The same on machines whose clocks jump and whose disks fill up.
    pub fn strained(seed: u64) -> Self {
        Self { hardware: true, ..Self::drawn(seed) }
    }

    /// A quiet network in which only the adversary does wrong.
    pub fn quiet(seed: u64, sin: Option<Sin>) -> Self {
        Self {
            seed,
            validators: 4,
            spares: 0,
            follower: false,
            sin,
            faults: false,
            astray: 0,
            hardware: false,
            crash: false,
            blocks: 24,
        }
    }

    /// Whether one validator does wrong, so that the others are needed: of three, none can be spared.
    const fn steady(&self) -> bool {
        self.sin.is_some() || self.astray != 0
    }

    fn genesis(&self, dice: &mut Dice) -> Genesis {
        let (validators, spares) = (self.validators, self.spares);
        // Beside a validator that does wrong everybody keeps a seat; else some seats are fought for.
        // There are more seats than keys, for a peer without a key for each of its seats leaves some empty.
        let seats = if self.steady() || dice.chance(40) { MAX_VALIDATORS } else { 6 * validators };
        let parameters = Parameters {
            tempo: 5,
            block_time: 1_000,
            interval: 1,
            difficulty: 4,
            registrations: 8,
            trust_period: 20_000,
            unbonding: 40,
            immunity: 33,
            vigil: 30,
            seats: seats as u32,
            expiry: 20,
            max_neurons: 16,
            ..Parameters::dev()
        };
        let kind = if self.faults { *dice.pick(&Kind::ALL) } else { Kind::Trust };
        let parameters = Parameters { max_neurons: 16, ..kind.fit(&parameters) };
        let tokens = |amount: u64| Amount(amount * TOKEN);
        let founders = (0..validators + spares).map(|index| founder(index as u64).public_key());
        let people = (0..PEOPLE).map(|index| (person(index).public_key(), tokens(500)));
        Genesis {
            name: format!("simulation {}", self.seed),
            time: 1_700_000_000_000,
            parameters,
            accounts: founders.clone().map(|key| (key, tokens(60))).chain(people).collect(),
            neurons: founders.map(|key| Founder { key, modality: 0, stake: tokens(dice.between(20, 60)) }).collect(),
            validators: (0..validators)
                .map(|index| {
                    let actor = Actor::new(VALIDATOR + index as u64, Role::Validator);
                    Seat { key: actor.name(), founder: Uid(index as u32), address: actor.address }
                })
                .collect(),
        }
    }

    /// Who takes part.
    pub fn cast(&self) -> Cast {
        let mut dice = Dice::new(self.seed ^ 0xca57);
        let genesis = self.genesis(&mut dice);
        let count = self.validators + self.spares;
        let mut actors: Vec<Actor> =
            (0..count).map(|index| Actor::new(VALIDATOR + index as u64, Role::Validator)).collect();
        // Who the others rely on comes last, so that the adversary is the first.
        let reliable = self.validators - 1;
        for late in actors.iter_mut().skip(self.validators) {
            late.up = false;
            late.from = dice.chance(70).then_some(reliable);
        }
        if self.follower {
            let mut actor = Actor::new(VALIDATOR + count as u64, Role::Follower(reliable));
            actor.up = dice.chance(50);
            actor.from = dice.chance(50).then_some(reliable);
            actors.push(actor);
        }
        if let Some(actor) = actors.first_mut() {
            actor.sin = self.sin.clone();
        }
        if self.faults {
            for actor in &actors {
                actor.skew.set(dice.between(0, 6_000).cast_signed() - 3_000);
            }
        }
        if self.astray != 0 {
            actors[1].skew.set(self.astray * 60_000);
        }
        Cast {
            genesis,
            actors,
            founders: (0..count).map(|index| founder(index as u64)).collect(),
            people: (0..PEOPLE).map(person).collect(),
        }
    }

    /// Lives through it.
    pub fn run(&self) -> Outcome {
        let mut cast = self.cast();
        let mut dice = Dice::new(self.seed ^ 0xd1ce);
        let mut record = Record::new();
        let mut traffic = Traffic::new(&cast, self.steady());
        let start = SystemTime::UNIX_EPOCH + Duration::from_millis(cast.genesis.time);
        let config = deterministic::Config::default()
            .with_seed(self.seed)
            .with_start_time(start)
            .with_timeout(Some(Duration::from_secs(7_200)))
            .with_storage_fault_config(torn(&mut dice));
        let mut crashes = 0;
        let mut strains = Strains::default();
        let mut runner = Runner::new(config);
        if self.crash {
            let until = dice.between(6, self.blocks.saturating_sub(4).max(7));
            let ((), checkpoint) = runner.start_and_recover(async |context| {
                let mut act = Act {
                    scenario: self,
                    dice: &mut dice,
                    record: &mut record,
                    traffic: &mut traffic,
                    crashes,
                    strains: &mut strains,
                };
                let world = act.raise(context, &mut cast).await;
                crashes = act.trouble(world, until).await.1;
            });
            crashes += 1;
            for index in 0..cast.actors.len() {
                record.forget(index);
                cast.actors[index].door = Default::default();
            }
            runner = Runner::from(checkpoint);
        }
        let (history, blocked) = runner.start(async |context| {
            let mut act = Act {
                scenario: self,
                dice: &mut dice,
                record: &mut record,
                traffic: &mut traffic,
                crashes,
                strains: &mut strains,
            };
            let world = act.raise(context, &mut cast).await;
            let (world, count) = act.trouble(world, self.blocks).await;
            crashes = count;
            act.peace(world).await
        });
        let deeds = record.audit(&cast.genesis);
        assert!(deeds.blocks >= 20, "{} blocks", deeds.blocks);
        let (accepted, refused) = (traffic.accepted, traffic.refused);
        Outcome { deeds, crashes, strains, refused, blocked, history, record, cast, accepted }
    }
}

/// A life of the runtime.
pub struct Act<'s> {
    pub scenario: &'s Scenario,
    pub dice: &'s mut Dice,
    pub record: &'s mut Record,
    traffic: &'s mut Traffic,
    pub crashes: u64,
    pub strains: &'s mut Strains,
}

impl Act<'_> {
    /// Starts whoever is to run.
    async fn raise<'a>(&mut self, context: Context, cast: &'a mut Cast) -> World<'a> {
        let qualities = self.qualities(cast.actors.len());
        let mut world = World::raise(context, cast, qualities).await;
        for index in 0..world.cast.actors.len() {
            if world.cast.actors[index].up {
                self.start(&mut world, index).await;
            }
        }
        world
    }

    /// Starts a node; one whose source is away, or whose disk is full, tries again later.
    pub async fn start(&mut self, world: &mut World<'_>, index: usize) {
        if world.ledger(index).is_some() {
            return;
        }
        self.record.forget(index);
        match world.start(index).await {
            Ok(()) => {}
            Err(_) if world.cast.actors[index].hardware.is_full() => {}
            Err(Down::Open(OpenError::Sync(_))) if world.cast.actors[index].from.is_some() => {}
            Err(down) => panic!("node {index} does not start: {down:?}"),
        }
    }

    fn qualities(&mut self, count: usize) -> Vec<Vec<Quality>> {
        let faults = self.scenario.faults;
        let lossy = faults && self.dice.chance(60);
        let mut quality = || Quality {
            latency: if faults { self.dice.between(5, 250) } else { 20 },
            jitter: if faults { self.dice.between(0, 60) } else { 5 },
            loss: if lossy { self.dice.between(0, 8) } else { 0 },
        };
        (0..count).map(|_| (0..count).map(|_| quality()).collect()).collect()
    }

    /// One look at everything.
    async fn tick(&mut self, world: &mut World<'_>) {
        world.settle().await;
        world.pause(TICK).await;
        // One whose disk is full may answer nothing any more; what it took for final is looked at when it starts again.
        let well = |(index, _): &(usize, _)| {
            let hardware = &world.cast.actors[*index].hardware;
            !hardware.is_full() && hardware.refused() == 0
        };
        let live: Vec<(usize, LedgerHandle)> =
            world.live().filter(well).map(|(index, ledger)| (index, ledger.clone())).collect();
        for (index, ledger) in &live {
            if let Some(halt) = ledger.halts().borrow().as_ref() {
                panic!("node {index} stopped at height {}: {}", halt.height, halt.reason);
            }
            self.record.observe(*index, world.cast.actors[*index].from.is_some(), ledger).await;
        }
        if !live.is_empty() {
            let (_, ledger) = self.dice.pick(&live).clone();
            self.traffic.step(self.dice, &ledger).await;
        }
        drop(live);
        // Latecomers, and nodes whose source was away.
        let high = self.record.height() >= JOINS;
        for index in 0..world.cast.actors.len() {
            let actor = &mut world.cast.actors[index];
            actor.up |= high && !self.scenario.faults;
            let late = index >= self.scenario.validators && high && self.dice.chance(10);
            actor.up |= late;
            if actor.up && world.ledger(index).is_none() && (late || actor_waits(world, index)) {
                self.start(world, index).await;
            }
        }
    }

    /// Faults, until the chain has so many blocks.
    async fn trouble<'a>(&mut self, mut world: World<'a>, until: u64) -> (World<'a>, u64) {
        let mut faults = Faults::default();
        let mut wear = Wear::default();
        let begun = now(&world);
        while self.record.height() < until && now(&world) < begun + LONGEST {
            self.tick(&mut world).await;
            if self.scenario.faults {
                faults.step(self, &mut world).await;
            }
            if self.scenario.hardware {
                wear.step(self, &mut world).await;
            }
        }
        wear.end(self, &mut world).await;
        faults.end(self, &mut world).await;
        world.look_for_blocks().await;
        (world, self.crashes)
    }

    /// After all faults: everybody goes on.
    async fn peace(&mut self, mut world: World<'_>) -> (String, usize) {
        let qualities =
            vec![vec![Quality { latency: 30, jitter: 5, loss: 0 }; world.cast.actors.len()]; world.cast.actors.len()];
        world.heal(qualities);
        for index in 0..world.cast.actors.len() {
            let actor = &mut world.cast.actors[index];
            actor.skew.set(0);
            if index < self.scenario.validators {
                actor.up = true;
            }
            if world.cast.actors[index].up && world.ledger(index).is_none() {
                self.start(&mut world, index).await;
            }
        }
        let (begun, goal) = (now(&world), self.record.height().max(self.scenario.blocks) + GAIN);
        loop {
            self.tick(&mut world).await;
            let behind: Vec<(usize, u64)> = (0..world.cast.actors.len())
                .filter(|index| world.cast.actors[*index].honest() && self.relevant(&world, *index))
                .map(|index| (index, world.height(index)))
                .filter(|(_, height)| *height < goal)
                .collect();
            if behind.is_empty() {
                break;
            }
            let waited = now(&world) - begun;
            if waited >= PATIENCE {
                world.look_for_blocks().await;
                let newest = world.live().filter_map(|(_, ledger)| ledger.state()).max_by_key(|state| state.height());
                let names = newest.map(|state| state.validators().to_vec()).unwrap_or_default();
                let seats: Vec<usize> = (0..world.cast.actors.len())
                    .filter(|index| names.contains(&world.cast.actors[*index].name()))
                    .collect();
                let blocked = world.wronged();
                panic!(
                    "after {waited} ms of peace not at height {goal}: {behind:?}; seats {seats:?}, blocked by {blocked:?}"
                );
            }
        }
        // What was final anywhere is final at all.
        for (index, ledger) in world.live().map(|(index, ledger)| (index, ledger.clone())).collect::<Vec<_>>() {
            self.record.forget(index);
            self.record.observe(index, world.cast.actors[index].from.is_some(), &ledger).await;
        }
        world.look_for_blocks().await;
        assert!(world.wronged().is_empty(), "honest nodes blocked honest ones: {:?}", world.wronged());
        (world.context.auditor().state(), world.blocked.len())
    }

    /// Whether a node must go on: it runs, and the others hear of it.
    fn relevant(&self, world: &World<'_>, index: usize) -> bool {
        let actor = &world.cast.actors[index];
        if !actor.up {
            return false;
        }
        let connected = || {
            let state = world.live().filter_map(|(_, ledger)| ledger.state()).max_by_key(|state| state.height());
            state.is_some_and(|state| {
                state.candidate(&actor.name()).is_some_and(|leaf| leaf.until.is_none() && !leaf.struck)
            })
        };
        matches!(actor.role, Role::Follower(_)) || connected()
    }
}

/// Whether a node is to run and does not, because its source was away.
fn actor_waits(world: &World<'_>, index: usize) -> bool {
    world.cast.actors[index].up && world.cast.actors[index].from.is_some() && world.ledger(index).is_none()
}

/// The true time, ms.
pub fn now(world: &World<'_>) -> u64 {
    let now = world.context.current().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// What is wrong at the moment, and until when.
#[derive(Default)]
struct Faults {
    down: Option<(usize, u64)>,
    cut: Option<u64>,
    slow: Option<(usize, u64, u64)>,
}

impl Faults {
    async fn step(&mut self, act: &mut Act<'_>, world: &mut World<'_>) {
        let time = now(world);
        if let Some((index, until)) = self.down
            && time >= until
        {
            self.down = None;
            world.cast.actors[index].up = true;
            act.start(world, index).await;
        }
        if self.cut.is_some_and(|until| time >= until) {
            self.cut = None;
            world.cuts.clear();
        }
        if let Some((index, by, until)) = self.slow
            && time >= until
        {
            self.slow = None;
            world.unslow(index, by);
        }
        let count = world.cast.actors.len();
        if self.down.is_none() && act.dice.chance(4) {
            let index = act.dice.below(count);
            if world.ledger(index).is_some() {
                world.cast.actors[index].up = false;
                world.crash(index).await;
                act.crashes += 1;
                self.down = Some((index, time + act.dice.between(0, 8_000)));
            }
        }
        if self.cut.is_none() && act.dice.chance(4) {
            self.cut = Some(time + act.dice.between(500, 8_000));
            if act.dice.chance(50) {
                // Two halves.
                let side: Vec<bool> = (0..count).map(|_| act.dice.chance(50)).collect();
                let pairs = (0..count).flat_map(|from| (0..count).map(move |to| (from, to)));
                world.cuts = pairs.filter(|(from, to)| side[*from] != side[*to]).collect();
            } else {
                // Some ways, in one direction.
                for _ in 0..act.dice.between(1, 6) {
                    world.cuts.insert((act.dice.below(count), act.dice.below(count)));
                }
            }
        }
        if self.slow.is_none() && act.dice.chance(3) {
            let (index, by) = (act.dice.below(count), act.dice.between(300, 2_500));
            world.slow(index, by);
            self.slow = Some((index, by, time + act.dice.between(1_000, 10_000)));
        }
    }

    /// No more of them.
    async fn end(&mut self, act: &mut Act<'_>, world: &mut World<'_>) {
        if let Some((index, _)) = self.down.take() {
            world.cast.actors[index].up = true;
            act.start(world, index).await;
        }
        world.cuts.clear();
        if let Some((index, by, _)) = self.slow.take() {
            world.unslow(index, by);
        }
    }
}

/// What a crash of the runtime leaves of writes that were not synced: nothing, all, or part of them.
fn torn(dice: &mut Dice) -> FaultConfig {
    let retained = *dice.pick(&[0, 50, 100]);
    let write = WriteConfig {
        failure_rate: Probability::new(0, 100).unwrap(),
        retention_rate: Probability::new(retained, 100).unwrap(),
        mode: if dice.chance(50) { PartialWriteMode::Prefix } else { PartialWriteMode::Subset },
    };
    FaultConfig { write_rate: Some(write), ..FaultConfig::default() }
}

fn founder(index: u64) -> PrivateKey {
    PrivateKey::from_seed(FOUNDER + index)
}

pub fn person(index: u64) -> PrivateKey {
    PrivateKey::from_seed(PERSON + index)
}
