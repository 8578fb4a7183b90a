//! What machines suffer: clocks that jump, forth or back, and jump back; disks that are full for a while, under a node that goes
//! on, stops, or is started again too early.
//!
//! The engine waits by a clock that is asked once, when the waiting begins. So a node whose clock is set back waits for as much
//! longer, even when the clock is right again, unless it is started anew, as is done here where it was much.

use crate::scenario::{Act, now};
use crate::world::World;

/// What is wrong with machines at the moment, and until when.
#[derive(Default)]
pub struct Wear {
    /// Which clock, by how many ms, and until when.
    jumped: Option<(usize, i64, u64)>,
    full: Option<(usize, u64)>,
    /// A node that stopped because its disk was full is started again at this time, whether there is room or not.
    again: Option<u64>,
}

impl Wear {
    /// One look at them.
    pub async fn step(&mut self, act: &mut Act<'_>, world: &mut World<'_>) {
        let time = now(world);
        if self.jumped.is_some_and(|(_, _, until)| time >= until) {
            self.mend(act, world).await;
        }
        if let Some((index, until)) = self.full {
            self.look(act, world, index).await;
            if time >= until {
                self.heal(act, world).await;
            } else if self.again.is_some_and(|again| time >= again) && world.cast.actors[index].up {
                self.again = None;
                act.start(world, index).await;
            }
        }
        let count = world.cast.actors.len();
        if self.jumped.is_none() && act.dice.chance(5) {
            let index = act.dice.below(count);
            let by = *act.dice.pick(&[700, 5_000, 90_000, 4_000_000]);
            let by = if act.dice.chance(50) { by } else { -by };
            world.cast.actors[index].hardware.clock(by);
            act.strains.jumps += 1;
            self.jumped = Some((index, by, time + act.dice.between(500, 12_000)));
        }
        if self.full.is_none() && act.dice.chance(5) {
            let index = act.dice.below(count);
            if world.ledger(index).is_some() {
                world.cast.actors[index].hardware.fill(true);
                act.strains.full += 1;
                self.full = Some((index, time + act.dice.between(250, 10_000)));
            }
        }
    }

    /// The clock is right again.
    async fn mend(&mut self, act: &mut Act<'_>, world: &mut World<'_>) {
        let Some((index, by, _)) = self.jumped.take() else { return };
        world.cast.actors[index].hardware.clock(0);
        if by < -MUCH && world.ledger(index).is_some() {
            world.crash(index).await;
            act.crashes += 1;
            if world.cast.actors[index].up {
                act.start(world, index).await;
            }
        }
    }

    /// A node that noticed that its disk is full has stopped, or stops here.
    async fn look(&mut self, act: &mut Act<'_>, world: &mut World<'_>, index: usize) {
        let hardware = &world.cast.actors[index].hardware;
        let halted = world.ledger(index).is_some_and(|ledger| ledger.halts().borrow().is_some());
        if world.ledger(index).is_some() && hardware.refused() > 0 && (hardware.died() || halted) {
            world.crash(index).await;
            act.crashes += 1;
            act.strains.stopped += 1;
            self.again = act.dice.chance(50).then(|| now(world) + act.dice.between(0, 4_000));
        }
    }

    /// There is room again: whoever stopped is started, and so is one that could not write and did not say so.
    async fn heal(&mut self, act: &mut Act<'_>, world: &mut World<'_>) {
        let Some((index, _)) = self.full.take() else { return };
        self.again = None;
        self.look(act, world, index).await;
        world.cast.actors[index].hardware.fill(false);
        if world.ledger(index).is_some() {
            if world.cast.actors[index].hardware.refused() == 0 {
                act.strains.went_on += 1;
                return;
            }
            world.crash(index).await;
            act.crashes += 1;
            act.strains.stopped += 1;
        }
        if world.cast.actors[index].up {
            act.start(world, index).await;
        }
    }

    /// No more of it.
    pub async fn end(&mut self, act: &mut Act<'_>, world: &mut World<'_>) {
        self.mend(act, world).await;
        self.heal(act, world).await;
    }
}

/// What a node may wait longer without being started anew, ms.
const MUCH: i64 = 10_000;
