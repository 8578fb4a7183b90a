//! Who uses the chain: valid transactions of every kind, and hostile ones that must be refused before they wait.

use crate::dice::Dice;
use crate::world::{Cast, Role};
use bytes::Bytes;
use commonware_codec::DecodeExt;
use commonware_cryptography::Signer;
use ledger::types::TOKEN;
use ledger::{
    Action, Amount, ChainId, Digest, Evidence, Height, Key, Nonce, PrivateKey, Proposal, PublicKey, Puzzle, Refusal,
    Reply, Row, Score, State, Transaction, Uid, Vote,
};
use peerage_consensus::LedgerHandle;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Whose transactions there are.
pub struct Traffic {
    chain: ChainId,
    founders: Vec<PrivateKey>,
    people: Vec<PrivateKey>,
    /// Consensus keys that no peer named at genesis, with the founder that could, and their addresses.
    spares: Vec<(PublicKey, Uid, SocketAddr)>,
    /// Consensus keys that may resign.
    resigning: Vec<(PublicKey, Uid)>,
    /// Founders whose stake is not to sink, for others rely on their seats.
    steady: bool,
    /// The last transaction of each key.
    last: BTreeMap<PublicKey, (Nonce, Height)>,
    /// Accepted by the node that was asked first.
    pub accepted: Vec<Transaction>,
    /// Hostile ones, all refused.
    pub refused: usize,
}

impl Traffic {
    /// `steady` keeps everybody who validates in office.
    pub fn new(cast: &Cast, steady: bool) -> Self {
        let named: Vec<PublicKey> = cast.genesis.validators.iter().map(|seat| seat.key.clone()).collect();
        let validators = cast.actors.iter().filter(|actor| actor.role == Role::Validator);
        let spares = validators.filter(|actor| !named.contains(&actor.name())).zip((0..).map(Uid).skip(named.len()));
        let spares: Vec<_> = spares.map(|(actor, uid)| (actor.name(), uid, actor.address)).collect();
        let mut resigning: Vec<_> = spares.iter().map(|(key, uid, _)| (key.clone(), *uid)).collect();
        if !steady {
            resigning.push((named[0].clone(), Uid(0)));
        }
        Self {
            chain: cast.genesis.chain(),
            founders: cast.founders.clone(),
            people: cast.people.clone(),
            spares,
            resigning,
            steady,
            last: BTreeMap::new(),
            accepted: Vec::new(),
            refused: 0,
        }
    }

    /// Hands some transactions to a node.
    pub async fn step(&mut self, dice: &mut Dice, ledger: &LedgerHandle) {
        let (Some(state), Some(head)) = (ledger.state(), ledger.head()) else { return };
        for _ in 0..dice.between(0, 3) {
            self.honest(dice, ledger, &state, head.header.digest());
        }
        if dice.chance(30) {
            self.hostile(dice, ledger, &state).await;
        }
    }

    fn honest(&mut self, dice: &mut Dice, ledger: &LedgerHandle, state: &State, parent: Digest) {
        let Some((key, action)) = self.intend(dice, state, parent) else { return };
        let signer = key.public_key();
        let nonce = state.account(&signer).map_or(Nonce(0), |(_, account)| account.nonce);
        // One after the other: a second one would take the nonce of one that waits elsewhere.
        if self.last.get(&signer).is_some_and(|(last, expires)| *last >= nonce && *expires >= state.height()) {
            return;
        }
        let expires = state.height().after(dice.between(8, 18));
        let transaction = Transaction::sign(&key, self.chain, nonce, expires, action);
        if ledger.submit(transaction.clone()).is_ok() {
            self.last.insert(signer, (nonce, expires));
            self.accepted.push(transaction);
        }
    }

    /// Something that somebody might want, and that mostly can be.
    fn intend(&self, dice: &mut Dice, state: &State, parent: Digest) -> Option<(PrivateKey, Action)> {
        let founder = |dice: &mut Dice| {
            let index = dice.below(self.founders.len());
            (self.founders[index].clone(), Uid(index as u32))
        };
        let person = |dice: &mut Dice| dice.pick(&self.people).clone();
        let tokens = |dice: &mut Dice, most: u64| Amount(dice.between(1, most * 10) * TOKEN / 10);
        let present: Vec<Uid> =
            (0..).map(Uid).zip(state.neurons()).filter(|(_, peer)| !peer.vacant).map(|(uid, _)| uid).collect();
        Some(match dice.below(15) {
            0 => {
                let (key, difficulty) = (person(dice), state.totals().difficulty);
                let puzzle = Puzzle { chain: self.chain, key: key.public_key(), recent: parent, difficulty };
                let work = puzzle.search(dice.next() >> 1, 10_000)?;
                let cold = key.public_key();
                (key, Action::Register { cold, modality: 0, recent: state.height(), work })
            }
            1..=4 => {
                let keys: Vec<&PrivateKey> = self.founders.iter().chain(&self.people).collect();
                let key = (*dice.pick(&keys)).clone();
                let uid = state.uid(&key.public_key())?;
                (key, Action::SetWeights { uid, row: row(dice, uid, &present), seen: state.height() })
            }
            5 => {
                let to = dice.pick(&self.people).public_key();
                (person(dice), Action::Transfer { to, amount: tokens(dice, 20) })
            }
            6 => {
                let key = person(dice);
                let cold = key.public_key();
                (key, Action::Subscribe { cold, modality: 0 })
            }
            7 | 8 => {
                let (key, uid) = founder(dice);
                (key, Action::Stake { uid, amount: tokens(dice, 30) })
            }
            9 => {
                let (key, uid) = founder(dice);
                let most = if self.steady { 1 } else { 20 };
                (key, Action::Unstake { uid, amount: tokens(dice, most) })
            }
            10 => {
                let key = person(dice);
                let uid = state.uid(&key.public_key())?;
                (key, Action::Leave { uid })
            }
            11 => {
                let uid = *dice.pick(&present);
                let generation = state.neurons()[uid.index()].generation;
                let order = Digest::from([9; 32]);
                (person(dice), Action::Purchase { uid, generation, amount: tokens(dice, 2), order })
            }
            12 => {
                let (key, uid) = founder(dice);
                // One's own key back, where another took its place.
                let own = Key::from(key.public_key());
                let replaced = state.neurons()[uid.index()].hot != own;
                let hot = if replaced { key.public_key() } else { person(dice).public_key() };
                if state.uid(&hot).is_some() {
                    return None;
                }
                (key, Action::Rekey { uid, hot })
            }
            13 => {
                let (key, uid, address) = self.spares.get(dice.below(self.spares.len().max(1)))?.clone();
                if state.candidate(&key).is_some_and(|leaf| leaf.until.is_none()) {
                    return None;
                }
                (self.founders[uid.index()].clone(), Action::Candidate { uid, key, address })
            }
            _ => {
                let (key, uid) = self.resigning.get(dice.below(self.resigning.len().max(1)))?.clone();
                // Enough must stay, and who left for a while comes back.
                let leaf = state.candidate(&key)?;
                let action = match leaf.until {
                    Some(_) => Action::Candidate { uid, key, address: leaf.address },
                    None if state.validators().len() > 3 && dice.chance(40) => Action::Resign { key },
                    None => return None,
                };
                (self.founders[uid.index()].clone(), action)
            }
        })
    }

    /// Something that must not be.
    async fn hostile(&mut self, dice: &mut Dice, ledger: &LedgerHandle, state: &State) {
        let index = dice.below(self.people.len());
        let (key, victim) = (&self.people[index], self.people[(index + 1) % self.people.len()].public_key());
        let now = state.height();
        let nonce = state.account(&key.public_key()).map_or(Nonce(0), |(_, account)| account.nonce);
        let transfer = |amount| Action::Transfer { to: victim.clone(), amount: Amount(amount) };
        let sign = |nonce, expires, action| Transaction::sign(key, self.chain, nonce, expires, action);
        let transaction = match dice.below(9) {
            0 => Transaction { expires: now.after(9), ..sign(nonce, now.after(8), transfer(TOKEN)) },
            1 => match self
                .accepted
                .iter()
                .find(|old| state.account(&old.signer).is_some_and(|(_, account)| account.nonce > old.nonce))
            {
                Some(old) => old.clone(),
                None => return,
            },
            2 => sign(Nonce(nonce.get() + 40), now.after(8), transfer(TOKEN)),
            3 => sign(nonce, now, transfer(TOKEN)),
            4 => sign(nonce, now.after(8), transfer(1 << 61)),
            5 => {
                let uid = state.uid(&key.public_key()).unwrap_or(Uid(0));
                let row = Row::new(vec![(Uid(900), Score(u16::MAX))]).unwrap();
                sign(nonce, now.after(8), Action::SetWeights { uid, row, seen: now })
            }
            6 => {
                let other = ChainId(Digest::from([3; 32]));
                Transaction::sign(key, other, nonce, now.after(8), transfer(TOKEN))
            }
            7 => sign(nonce, now.after(8), slander(key, state)),
            _ => {
                let bytes = dice.bytes(300);
                let reply = Reply::decode(ledger.answer(&bytes).await).expect("a reply to anything");
                // A byte or two may be a question by chance.
                assert!(bytes.len() < 3 || matches!(reply, Reply::Unavailable { .. }), "{bytes:?}: {reply:?}");
                self.refused += 1;
                return;
            }
        };
        let refusal = ledger.submit(transaction.clone()).expect_err(&format!("hostile: {transaction:?}"));
        // Its text can be shown.
        assert_ne!(Refusal::to_string(&refusal), "");
        assert!(Transaction::decode(Bytes::from(dice.bytes(200))).is_err());
        self.refused += 1;
    }
}

/// Votes that nobody gave.
fn slander(key: &PrivateKey, state: &State) -> Action {
    let accused = state.validators()[0].clone();
    let vote = |payload| {
        let proposal = Proposal { epoch: 0, view: 1, parent: 0, payload: Digest::from([payload; 32]) };
        Vote::Notarize { proposal, signature: key.sign(b"nobody", &[payload]) }
    };
    Action::Evidence { evidence: Box::new(Evidence { key: accused, first: vote(1), second: vote(2) }) }
}

/// A row of some kind: honest, all on oneself, dust beside it, or all on one other, which closes a class without a self-loop.
fn row(dice: &mut Dice, own: Uid, present: &[Uid]) -> Row {
    let other = *dice.pick(present);
    let shares: Vec<(Uid, f64)> = match dice.below(6) {
        0 => vec![(own, 1.0)],
        1 => vec![(own, 65_534.0), (other, 1.0)],
        2 => vec![(other, 1.0)],
        _ => present.iter().map(|uid| (*uid, dice.between(1, 1_000) as f64)).collect(),
    };
    Row::from_shares(&shares, 16).unwrap()
}
