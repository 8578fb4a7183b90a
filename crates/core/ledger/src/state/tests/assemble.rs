//! States from tables that somebody else sent.

use super::*;
use crate::header::{Header, validators_digest};
use crate::table::{EpochLeaf, Tree};

fn genesis() -> Genesis {
    let genesis = super::genesis();
    Genesis { parameters: Parameters { immunity: 33, ..genesis.parameters }, ..genesis }
}

/// A chain in the middle of its fifth epoch, with a vacant place, stake that unbonds and rows.
fn middle() -> World {
    let mut world = World::new(&genesis());
    let steps = [
        world.sign(2, weights(0, &[(0, 40_000), (1, 25_535)])),
        world.sign(3, Action::Unstake { uid: Uid(1), amount: Amount(TOKEN) }),
        world.sign(1, Action::Transfer { to: key(9).public_key(), amount: Amount(TOKEN) }),
        world.sign(7, world.register(7)),
    ];
    world.block(&steps);
    while world.state.height() < Height(40) {
        world.epoch();
    }
    world.block(&[world.sign(7, Action::Leave { uid: Uid(2) })]);
    world
}

/// What somebody sends who serves this state.
struct Sent {
    header: Header,
    validators: Vec<PublicKey>,
    recent: Vec<Digest>,
    tables: Vec<(Table, Vec<Bytes>)>,
}

impl Sent {
    fn of(state: &State) -> Self {
        let header = Header {
            height: state.height(),
            time: state.time(),
            parent: *state.recent.back().unwrap(),
            roots: state.roots(),
            validators: validators_digest(state.validators()),
            ..genesis().header().unwrap()
        };
        Self {
            header,
            validators: state.validators().iter().rev().cloned().collect(),
            recent: state.recent.iter().copied().collect(),
            tables: Table::ALL.iter().map(|table| (*table, state.leaves(*table))).collect(),
        }
    }

    /// Other leaves in a table, and a header that commits to them.
    fn with(mut self, table: Table, leaves: Vec<Bytes>) -> Self {
        let root = Tree::new(table, leaves.clone()).root();
        let roots = &mut self.header.roots;
        *match table {
            Table::Accounts => &mut roots.accounts,
            Table::Neurons => &mut roots.neurons,
            Table::Weights => &mut roots.weights,
            Table::Bonds => &mut roots.bonds,
            Table::Epoch => &mut roots.epoch,
            Table::Candidates => &mut roots.candidates,
        } = root;
        self.tables.retain(|(other, _)| *other != table);
        self.tables.push((table, leaves));
        self
    }

    fn assemble(self) -> Result<State, AssembleError> {
        State::assemble(&genesis(), &self.header, self.validators, self.recent, &self.tables)
    }
}

#[test]
fn what_is_sent_of_a_state_becomes_that_state_and_goes_on_alike() {
    let world = middle();
    let state = &world.state;
    let assembled = Sent::of(state).assemble().unwrap();
    assert_eq!(&assembled, state);
    let transactions =
        [world.sign(2, Action::Stake { uid: Uid(0), amount: Amount(1) }), world.sign(3, weights(1, &[(0, 65_535)]))];
    let (mut ours, mut theirs) = (state.clone(), assembled);
    for block in [&transactions[1..], &[], &[], &[], &[], &[], &[], &[], &[], &[]] {
        let at = At { height: ours.height().next(), time: ours.time() + 1_000, parent: world.digest };
        let (mine, events) = ours.apply(&at, block).unwrap();
        let (other, same) = theirs.apply(&at, block).unwrap();
        assert_eq!((&mine, &events), (&other, &same), "height {}", at.height);
        (ours, theirs) = (mine, other);
    }
    assert!(ours.totals().number > state.totals().number);
}

#[test]
fn a_checked_tree_is_as_good_as_its_leaves() {
    let world = middle();
    let Sent { header, validators, recent, tables } = Sent::of(&world.state);
    let trees = tables.into_iter().map(|(table, leaves)| Tree::new(table, leaves)).collect();
    let assembled = State::from_trees(&genesis(), &header, validators, recent, trees).unwrap();
    assert_eq!(assembled, world.state);
}

#[test]
fn each_table_that_is_not_of_the_header_is_named() {
    let world = middle();
    let sent = || Sent::of(&world.state);
    for table in Table::ALL {
        let mut other = sent();
        let leaves = &mut other.tables.iter_mut().find(|(one, _)| *one == table).unwrap().1;
        leaves.push(leaves.first().cloned().unwrap_or_default());
        assert_eq!(other.assemble(), Err(AssembleError::Differs(table.name())));
        let mut without = sent();
        without.tables.retain(|(one, _)| *one != table);
        assert_eq!(without.assemble(), Err(AssembleError::Table(table)));
        let torn = sent().with(table, vec![Bytes::from_static(b"torn")]);
        assert_eq!(torn.assemble(), Err(AssembleError::Table(table)));
    }
    let mut foreign = sent();
    foreign.validators.push(key(77).public_key());
    assert_eq!(foreign.assemble(), Err(AssembleError::Differs("validators")));
    for recent in
        [world.state.recent.iter().skip(1).copied().collect(), vec![Digest::from([9; 32]); sent().recent.len()]]
    {
        let other = Sent { recent, ..sent() };
        assert_eq!(other.assemble(), Err(AssembleError::Differs("recent blocks")));
    }
}

#[test]
fn signed_tables_that_make_no_sense_together_are_refused() {
    let state = middle().state;
    let sent = || Sent::of(&state);
    let less = |table| {
        let mut leaves = state.leaves(table);
        leaves.pop();
        leaves
    };
    for table in [Table::Neurons, Table::Weights, Table::Epoch] {
        assert_eq!(sent().with(table, less(table)).assemble(), Err(AssembleError::Misfit), "{table}");
    }
    let twice = |table| {
        let mut leaves = state.leaves(table);
        leaves.push(leaves[0].clone());
        leaves
    };
    for table in [Table::Accounts, Table::Candidates] {
        assert_eq!(sent().with(table, twice(table)).assemble(), Err(AssembleError::Misfit), "{table}");
    }
    let scaled: Vec<Bytes> =
        state.neurons().iter().map(|neuron| NeuronLeaf { scaling: 1.5, ..neuron.clone() }.encode()).collect();
    assert_eq!(sent().with(Table::Neurons, scaled).assemble(), Err(AssembleError::Misfit));
    let standing = EpochLeaf::Standing(Standing::default()).encode();
    let no_totals = sent().with(Table::Epoch, vec![standing]);
    assert_eq!(no_totals.assemble(), Err(AssembleError::Table(Table::Epoch)));
}
