//! Blocks of whatever a few keys may ask, under every mechanism and over epochs: the ledger stays sound.

use arbitrary::Arbitrary;
use commonware_codec::{DecodeExt, Encode};
use commonware_cryptography::Signer;
use ledger::table::root_of;
use ledger::{
    Action, Amount, At, Digest, Evidence, Founder, Genesis, Height, Kind, Nonce, Parameters, PrivateKey, Proposal,
    Puzzle, Row, Score, Seat, State, Table, Transaction, Uid, Vote,
};
use std::sync::LazyLock;

/// A chain of one of the mechanisms, and its blocks.
#[derive(Arbitrary, Debug)]
struct Run {
    kind: u8,
    tempo: u8,
    blocks: Vec<(u16, Vec<(u8, Deed)>)>,
}

/// What a key asks. Keys and peers are named by a number, around.
#[derive(Arbitrary, Debug)]
enum Deed {
    Register { cold: u8, modality: u8 },
    Subscribe { cold: u8, modality: u8 },
    SetWeights { uid: u8, shares: [u8; 4], to: [u8; 4], back: u8 },
    Stake { uid: u8, amount: u64 },
    Unstake { uid: u8, amount: u64 },
    Leave { uid: u8 },
    Transfer { to: u8, amount: u64 },
    Candidate { uid: u8, key: u8, port: u16 },
    Ready { port: u16 },
    Resign { key: u8 },
    Evidence { key: u8, epoch: u8, view: u8 },
    Purchase { uid: u8, generation: u8, amount: u64 },
    Rekey { uid: u8, hot: u8 },
}

/// Keys of all that happens.
static KEYS: LazyLock<Vec<PrivateKey>> = LazyLock::new(|| (0..8).map(PrivateKey::from_seed).collect());

/// See the module.
pub fn run(bytes: &[u8]) {
    let Some(run) = crate::input::<Run>(bytes) else { return };
    let genesis = genesis(Kind::ALL[usize::from(run.kind) % 4], 1 + u64::from(run.tempo % 6));
    let (mut state, mut digest) = (genesis.state().expect("a sound genesis"), Digest([9; 32]));
    for (pause, deeds) in run.blocks.into_iter().take(64) {
        let at = At { height: state.height().next(), time: state.time() + 1 + u64::from(pause), parent: digest };
        let mut draft = state.draft(at).expect("the next block");
        let mut included = Vec::new();
        for (signer, deed) in deeds.into_iter().take(12) {
            // The nonce counts what the block already holds of the signer.
            let key = key(signer);
            let before = included.iter().filter(|one: &&Transaction| one.signer == key.public_key()).count() as u64;
            let transaction = sign(&state, key, before, digest, &deed);
            if draft.offer(&transaction).is_ok() {
                included.push(transaction);
            }
        }
        let next = draft.finish().0;
        // Those who were refused left no trace.
        let (again, _) = state.apply(&at, &included).expect("what was included can be");
        assert!(again == next);
        sound(&genesis, &next);
        (state, digest) = (next, Digest([u8::try_from(at.height.get()).unwrap_or(0); 32]));
    }
    let copy = State::decode(state.encode()).expect("a snapshot can be read");
    assert_eq!(copy.roots(), state.roots());
}

/// Three founders, of whom two validate; room for three more.
fn genesis(mechanism: Kind, tempo: u64) -> Genesis {
    let funds = |tokens| Amount::tokens(tokens).expect("few");
    let parameters = Parameters {
        tempo,
        tau: 1e6,
        epsilon: 2.0,
        interval: 1,
        difficulty: 1,
        registrations: 4,
        max_neurons: 6,
        seats: 3,
        trust_period: 1_000,
        unbonding: tempo + 1,
        immunity: 33,
        ..Parameters::dev()
    };
    let founder = |seed: usize| Founder { key: KEYS[seed].public_key(), modality: 0, stake: funds(10) };
    let seat = |uid: u32| Seat {
        key: KEYS[5 + uid as usize].public_key(),
        founder: Uid(uid),
        address: ([127, 0, 0, 1], 9).into(),
    };
    Genesis {
        name: "fuzz".into(),
        time: 1,
        parameters: mechanism.fit(&parameters),
        accounts: (0..5).map(|seed| (KEYS[seed].public_key(), funds(5))).collect(),
        neurons: (0..3).map(founder).collect(),
        validators: (0..2).map(seat).collect(),
    }
}

fn key(number: u8) -> &'static PrivateKey {
    &KEYS[usize::from(number) % KEYS.len()]
}

fn sign(state: &State, signer: &PrivateKey, before: u64, parent: Digest, deed: &Deed) -> Transaction {
    let public = |number: &u8| key(*number).public_key();
    let uid = |number: &u8| Uid(u32::from(number % 8));
    let address = |port: &u16| ([127, 0, 0, 1], *port).into();
    let action = match deed {
        Deed::Register { cold, modality } => {
            let difficulty = state.totals().difficulty;
            let puzzle = Puzzle { chain: state.chain(), key: signer.public_key(), recent: parent, difficulty };
            let work = puzzle.search(0, 1_024).unwrap_or_default();
            Action::Register { cold: public(cold), modality: *modality, recent: state.height(), work }
        }
        Deed::Subscribe { cold, modality } => Action::Subscribe { cold: public(cold), modality: *modality },
        Deed::SetWeights { uid: number, shares, to, back } => {
            let row: Vec<(Uid, f64)> = to.iter().zip(shares).map(|(to, share)| (uid(to), f64::from(*share))).collect();
            let row = Row::from_shares(&row, 4).unwrap_or_else(|_| Row::own(uid(number)));
            let seen = Height(state.height().get().saturating_sub(u64::from(back % 4)));
            Action::SetWeights { uid: uid(number), row, seen }
        }
        Deed::Stake { uid: number, amount } => Action::Stake { uid: uid(number), amount: Amount(*amount) },
        Deed::Unstake { uid: number, amount } => Action::Unstake { uid: uid(number), amount: Amount(*amount) },
        Deed::Leave { uid: number } => Action::Leave { uid: uid(number) },
        Deed::Transfer { to, amount } => Action::Transfer { to: public(to), amount: Amount(*amount) },
        Deed::Candidate { uid: number, key, port } => {
            Action::Candidate { uid: uid(number), key: public(key), address: address(port) }
        }
        Deed::Ready { port } => Action::Ready { address: address(port) },
        Deed::Resign { key } => Action::Resign { key: public(key) },
        Deed::Evidence { key: accused, epoch, view } => {
            let evidence = conviction(state, key(*accused), u64::from(epoch % 16), u64::from(*view % 127));
            Action::Evidence { evidence: Box::new(evidence) }
        }
        Deed::Purchase { uid: number, generation, amount } => Action::Purchase {
            uid: uid(number),
            generation: u32::from(generation % 4),
            amount: Amount(*amount),
            order: Digest([1; 32]),
        },
        Deed::Rekey { uid: number, hot } => Action::Rekey { uid: uid(number), hot: public(hot) },
    };
    let nonce = state.account(&signer.public_key()).map_or(0, |(_, account)| account.nonce.get());
    Transaction::sign(signer, state.chain(), Nonce(nonce + before), state.height().after(10), action)
}

/// Two votes of a key for different blocks of a round; numbers below 128 are one byte in the engine's encoding.
fn conviction(state: &State, key: &PrivateKey, epoch: u64, view: u64) -> Evidence {
    let vote = |payload: u8| {
        let proposal = Proposal { epoch, view, parent: 0, payload: Digest([payload; 32]) };
        let bytes = [&[epoch as u8, view as u8, 0][..], &[payload; 32]].concat();
        let namespace = [&ledger::namespace(&state.chain())[..], b"_NOTARIZE"].concat();
        Vote::Notarize { proposal, signature: key.sign(&namespace, &bytes) }
    };
    Evidence { key: key.public_key(), first: vote(1), second: vote(2) }
}

/// What holds after every block.
fn sound(genesis: &Genesis, state: &State) {
    assert_eq!(state.supply(), genesis.supply() + u128::from(state.totals().minted.get()), "supply");
    for table in Table::ALL {
        let anew = root_of(table, state.leaves(table).iter().map(|leaf| &leaf[..]));
        assert_eq!(state.roots().of(table), anew, "{table}");
    }
    let validators = state.validators();
    assert!(!validators.is_empty() && validators.len() <= state.parameters().seats as usize);
    assert!(validators.is_sorted_by(|a, b| a < b), "validators");
    for leaf in state.weights().iter() {
        let entries = leaf.row.entries();
        assert_eq!(
            entries.iter().map(|(_, score): &(Uid, Score)| u32::from(score.get())).sum::<u32>(),
            65_535,
            "a row"
        );
        assert!(entries.is_sorted_by(|(a, _), (b, _)| a < b));
    }
    for (neuron, uid) in state.neurons().iter().zip(0..).filter(|(neuron, _)| !neuron.vacant) {
        assert_eq!(state.uid(neuron.hot), Some(Uid(uid)), "a hot key");
    }
    assert!(state.neurons().len() <= state.parameters().max_neurons as usize);
}
