//! Heads of the ledger: published by every node to all its tabs, passed on among tabs as gossipsub does, and asked for where
//! they do not come in time. Gossip is modelled: meshes of its degrees, one beat a second, `IDONTWANT` for what is long.
//!
//! Scaled: nodes are in no tab's mesh, so what a tab passes on goes to tabs alone.

use std::collections::BinaryHeap;

use super::bounds::{BLOCK, DO_NOT_WANT, FINALITY, HISTORY, LAZY, MESH, SOONEST_HEAD};
use super::clock::{MILLI, SECOND, Time};
use super::figures::{Kind, Spread};
use super::place::unit;
use super::tab::Who;
use super::world::{Event, Letter, World, millis};

/// When heads were published, and when they came.
#[derive(Default)]
pub(crate) struct Published {
    /// By height.
    first: Vec<Option<Time>>,
    from: usize,
    pub(crate) ms: Vec<f64>,
    pub(crate) hops: Vec<f64>,
    pub(crate) copies: u64,
}

impl Published {
    pub(crate) fn count(&mut self) {
        self.from = self.first.len();
        self.ms.clear();
        self.hops.clear();
        self.copies = 0;
    }

    /// Who came after it was published does not count.
    fn knows(&mut self, height: u32, hops: u8, since: Time, now: Time) {
        let height = height as usize;
        if let Some(first) =
            self.first.get(height).copied().flatten().filter(|first| height >= self.from && since <= *first)
        {
            self.ms.push(millis(now - first));
            self.hops.push(f64::from(hops));
        }
    }

    /// Heads counted.
    pub(crate) fn heads(&self) -> usize {
        self.first.len().saturating_sub(self.from.max(1))
    }
}

impl World {
    /// A block is due: nodes have it one by one.
    pub(crate) fn block(&mut self, height: u32) {
        let now = self.clock.now();
        for node in 0..self.nodes.len() {
            let lag = FINAL.0 + (unit(&mut self.random) * (FINAL.1 - FINAL.0) as f64) as Time;
            self.clock.at(now + lag, Event::Final { node: node as u16, height });
        }
        self.clock.at(now + BLOCK, Event::Block(height + 1));
    }

    /// A node has a block, and sends it to all its tabs.
    pub(crate) fn publish(&mut self, node: usize, height: u32) {
        let (now, lines) = (self.clock.now(), self.crowd.lines);
        let bounded = self.crowd.directory.bounded();
        let first = &mut self.published.first;
        first.resize(first.len().max(height as usize + 1), None);
        first[height as usize].get_or_insert(now);
        self.nodes[node].head = height;
        for tab in self.tabs.iter().filter(|tab| tab.here && tab.node == node) {
            let node = &mut self.nodes[node];
            let out = node.send(now, HEAD, bounded);
            node.sent += HEAD;
            let at = out + node.place.way(&tab.place, lines);
            let letter = Letter::Head { height, hops: 1 };
            self.clock.at(at, Event::Arrive { from: NODE, to: tab.who, letter, whole: false });
        }
    }

    /// A head came by gossip.
    pub(crate) fn head(&mut self, to: Who, from: Who, height: u32, hops: u8) {
        let now = self.clock.now();
        self.published.copies += 1;
        if self.tabs[to.at as usize].head < height {
            self.know(to, height, hops);
        }
        let tab = &mut self.tabs[to.at as usize];
        if tab.passed >= height {
            return;
        }
        (tab.passed, tab.heard) = (height, now);
        if HEAD > DO_NOT_WANT {
            tab.count.up[Kind::Gossip as usize] += CONTROL * tab.mesh.len() as u64;
            for other in tab.mesh.clone() {
                self.tabs[other as usize].count.down[Kind::Gossip as usize] += CONTROL;
            }
        }
        self.clock.at(now + JUDGED, Event::Pass { who: to, from: from.at, height, hops });
    }

    /// A tab knows a head that it did not: it asks for the next when that should be there.
    fn know(&mut self, who: Who, height: u32, hops: u8) {
        let now = self.clock.now();
        let tab = &mut self.tabs[who.at as usize];
        self.published.knows(height, hops, tab.count.since, now);
        tab.head = height;
        let due = (Time::from(height) * BLOCK + FINALITY).clamp(now + SOONEST_HEAD, now + BLOCK);
        tab.poll += 1;
        self.clock.at(due, Event::Poll(who, tab.poll));
    }

    /// A head was judged and is passed on to the mesh.
    pub(crate) fn pass(&mut self, who: Who, from: u32, height: u32, hops: u8) {
        let (now, lines) = (self.clock.now(), self.crowd.lines);
        for other in self.tabs[who.at as usize].mesh.clone() {
            let (own, theirs) = (&self.tabs[who.at as usize], &self.tabs[other as usize]);
            let told = theirs.passed >= height && theirs.heard + own.place.way(&theirs.place, lines) <= now;
            if other == from || HEAD > DO_NOT_WANT && told {
                continue;
            }
            let link = own.links.iter().find(|link| link.who.at == other).map(|link| (link.who, link.relayed));
            if let Some((to, relayed)) = link {
                self.send(now, who.at as usize, to, relayed, Letter::Head { height, hops: hops.saturating_add(1) });
            }
        }
    }

    /// Asks the node.
    pub(crate) fn poll(&mut self, who: Who, poll: u32) {
        let now = self.clock.now();
        let bounded = self.crowd.directory.bounded();
        let tab = &mut self.tabs[who.at as usize];
        if tab.poll != poll {
            return;
        }
        tab.count.up[Kind::Ledger as usize] += QUERY;
        tab.count.down[Kind::Ledger as usize] += HEAD;
        let node = &mut self.nodes[tab.node];
        let way = tab.place.way(&node.place, self.crowd.lines);
        node.queries += 1;
        node.sent += HEAD;
        let out = node.send(now, HEAD, bounded);
        self.clock.at(out + 2 * way, Event::Told(who, node.head));
        // Where it is the one that is known, it is asked for again; else `know` takes over.
        tab.poll += 1;
        self.clock.at(now + BLOCK / 2, Event::Poll(who, tab.poll));
    }

    pub(crate) fn told(&mut self, who: Who, height: u32) {
        if self.tabs[who.at as usize].head < height {
            self.know(who, height, 1);
        }
    }

    /// A beat of gossip: the mesh is mended, and some beside it hear of what there was.
    pub(crate) fn beat(&mut self, at: usize) {
        let [wanted, least, most] = MESH;
        let own = at as u32;
        if self.tabs[at].mesh.len() < least {
            let tab = &self.tabs[at];
            let others = tab.links.iter().map(|link| link.who.at);
            let mut free: Vec<u32> = others.filter(|other| !tab.mesh.contains(other)).collect();
            while self.tabs[at].mesh.len() < wanted && !free.is_empty() {
                let other = free.swap_remove(self.tabs[at].random.below(free.len()));
                self.tabs[at].mesh.push(other);
                let theirs = &mut self.tabs[other as usize];
                if theirs.links.iter().any(|link| link.who.at == own) && !theirs.mesh.contains(&own) {
                    theirs.mesh.push(own);
                }
                self.control(at, other);
            }
        }
        if self.tabs[at].mesh.len() > most {
            while self.tabs[at].mesh.len() > wanted {
                let tab = &mut self.tabs[at];
                let other = tab.mesh.swap_remove(tab.random.below(tab.mesh.len()));
                self.tabs[other as usize].mesh.retain(|mesh| *mesh != own);
                self.control(at, other);
            }
        }
        // What the last beats brought is named to some of those beside the mesh.
        let tab = &self.tabs[at];
        let beside: Vec<u32> =
            tab.links.iter().map(|link| link.who.at).filter(|other| !tab.mesh.contains(other)).collect();
        let recent = tab.heard + HISTORY * SECOND > self.clock.now() && tab.passed > 0;
        let named = beside.len().min(LAZY.0.max((LAZY.1 * beside.len() as f64) as usize));
        for other in beside.into_iter().take(if recent { named } else { 0 }) {
            self.control(at, other);
        }
        // A ping each way in five seconds, and its echo.
        let tab = &mut self.tabs[at];
        let pings = PING * tab.links.len() as u64 * 2 / 5;
        tab.count.up[Kind::Keeping as usize] += pings;
        tab.count.down[Kind::Keeping as usize] += pings;
    }

    /// A word of gossip about gossip.
    fn control(&mut self, at: usize, other: u32) {
        self.tabs[at].count.up[Kind::Gossip as usize] += CONTROL;
        self.tabs[other as usize].count.down[Kind::Gossip as usize] += CONTROL;
    }

    /// What becomes of a head that one tab alone publishes, with the meshes as they are: times in ms, hops, and the share of
    /// tabs that it reaches.
    pub(crate) fn orphan(&self, source: usize) -> (Vec<f64>, Vec<f64>, f64) {
        let lines = self.crowd.lines;
        let mut best: Vec<Option<(Time, u32)>> = vec![None; self.tabs.len()];
        let mut heap = BinaryHeap::from([(std::cmp::Reverse(0), source, 0u32)]);
        while let Some((std::cmp::Reverse(at), tab, hops)) = heap.pop() {
            if best[tab].is_some() {
                continue;
            }
            best[tab] = Some((at, hops));
            let own = &self.tabs[tab];
            // Who publishes tells all it is connected with.
            let all: Vec<u32> = own.links.iter().map(|link| link.who.at).collect();
            let mut out = at + if hops == 0 { 0 } else { JUDGED };
            for other in if hops == 0 { &all } else { &own.mesh } {
                let theirs = &self.tabs[*other as usize];
                if !theirs.here || best[*other as usize].is_some() {
                    continue;
                }
                out += (super::place::wire(HEAD) / own.place.up * 1e6) as Time;
                heap.push((std::cmp::Reverse(out + own.place.way(&theirs.place, lines)), *other as usize, hops + 1));
            }
        }
        let reached: Vec<(Time, u32)> = best.into_iter().flatten().collect();
        let share = reached.len() as f64 / self.tabs.iter().filter(|tab| tab.here).count().max(1) as f64;
        let ms = reached.iter().map(|(at, _)| millis(*at)).collect();
        (ms, reached.iter().map(|(_, hops)| f64::from(*hops)).collect(), share)
    }

    /// Spreads of [`Self::orphan`] from some tabs.
    pub(crate) fn orphans(&mut self) -> (Spread, Spread, f64) {
        let (mut ms, mut hops, mut reached) = (Vec::new(), Vec::new(), 0.0);
        for _ in 0..ORPHANS {
            let from = self.random.below(self.tabs.len());
            let (times, ways, share) = self.orphan(from);
            ms.extend(times);
            hops.extend(ways);
            reached += share / ORPHANS as f64;
        }
        (Spread::of(ms), Spread::of(hops), reached)
    }
}

/// The sender of what a node sends.
pub(crate) const NODE: Who = Who { at: u32::MAX, life: 0 };
/// Bytes of a head: header 337 (ledger), certificate 45 and 64 for each of 15 signatures of 21 validators (237 were measured with 3
/// of 4), gossipsub's envelope with a topic about 75.
pub(crate) const HEAD: u64 = 337 + 45 + 15 * 64 + 75;
/// Bytes of a query for the head, with the stream's own.
const QUERY: u64 = 40;
/// Bytes of `IHAVE`, `IDONTWANT`, `GRAFT` or `PRUNE` with a topic or an id.
const CONTROL: u64 = 120;
/// Bytes of a ping.
const PING: u64 = 32;
/// From a block's time until a node has its certificate: measured with four validators (110 to 210 ms).
const FINAL: (Time, Time) = (110 * MILLI, 210 * MILLI);
/// To check a certificate in the auditor's worker, and the way there and back: assumed.
const JUDGED: Time = 5 * MILLI;
/// Sources of heads without a node.
const ORPHANS: usize = 8;
