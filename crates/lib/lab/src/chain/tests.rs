//! Tests of the chain: what it refuses, what waits, and that honest peers end where their scores are.

use super::*;

/// A row that is no row, or one that jumps.
struct Rude(Vec<f64>);

impl Behaviour for Rude {
    fn row(&mut self, _: &View<'_>) -> Vec<f64> {
        self.0.clone()
    }
}

fn honest(peers: usize) -> Vec<Box<dyn Behaviour>> {
    (0..peers).map(|_| Box::new(Honest) as Box<dyn Behaviour>).collect()
}

#[test]
fn honest_rows_follow_the_truth_in_steps_of_epsilon() {
    let mechanism = mechanism("trust", 8);
    let mut chain = Chain::new(mechanism.as_ref(), Rules::default(), vec![2.0; 8]);
    let truth = Truth::new(8, 1);
    chain.block(&truth.scores(), &mut honest(8)).unwrap();
    let other = Truth::new(8, 2).scores();
    let before = chain.rows()[0].clone();
    for _ in 0..20 {
        chain.block(&other, &mut honest(8)).unwrap();
    }
    let total = sum(&other[0]);
    assert!(before.iter().zip(&other[0]).any(|(w, u)| (w - u / total).abs() > 0.01));
    assert!(chain.rows()[0].iter().zip(&other[0]).all(|(w, u)| (w - u / total).abs() < 1e-12));
    assert_eq!(chain.refused(), 0);
}

#[test]
fn what_is_no_row_or_jumps_is_refused() {
    let mechanism = mechanism("competitive", 3);
    for row in [vec![0.5, 0.5], vec![0.5, 0.6, 0.0], vec![-0.5, 1.5, 0.0], vec![f64::NAN, 1.0, 0.0]] {
        let mut chain = Chain::new(mechanism.as_ref(), Rules::default(), vec![1.0; 3]);
        let mut acting: Vec<Box<dyn Behaviour>> = vec![Box::new(Rude(row)), Box::new(Honest), Box::new(Honest)];
        chain.block(&Truth::new(3, 0).scores(), &mut acting).unwrap();
        assert_eq!((chain.refused(), &chain.rows()[0]), (1, &vec![1.0, 0.0, 0.0]));
    }
    let mut chain = Chain::new(mechanism.as_ref(), Rules::default(), vec![1.0]);
    chain.block(&[vec![1.0]], &mut honest(1)).unwrap();
    assert!(!allowed(&[1.0, 0.0], &[0.0, 1.0], 0.1) && allowed(&[1.0, 0.0], &[0.0, 1.0], f64::INFINITY));
}

#[test]
fn what_is_not_paid_waits() {
    // Loners trust only themselves, so nothing is paid; then everyone follows the scores.
    let mechanism = Consensus { direct: 0.0, ..Consensus::default() };
    let mut chain = Chain::new(&mechanism, Rules { tau: 0.01, ..Rules::default() }, vec![1.0; 4]);
    let alone: Vec<Vec<f64>> = (0..4).map(|own| among(4, &[own])).collect();
    for _ in 0..3 {
        assert!(!chain.block(&alone, &mut honest(4)).unwrap().pays);
    }
    assert_eq!(chain.stake(), [1.0; 4]);
    let mut blocks = 3.0;
    let all = vec![vec![1.0; 4]; 4];
    while !chain.block(&all, &mut honest(4)).unwrap().pays {
        blocks += 1.0;
    }
    let minted = sum(chain.stake()) - 4.0;
    assert!((minted - 0.04 * (blocks + 1.0)).abs() < 1e-12, "{minted} {blocks}");
    assert!((chain.share(&[0, 1]) - 0.5).abs() < 1e-12);
}

#[test]
fn stake_beyond_all_doubles_keeps_its_shares() {
    let mechanism = mechanism("competitive", 2);
    let mut chain = Chain::new(mechanism.as_ref(), Rules { tau: 1.0, ..Rules::default() }, vec![1.0, 3.0]);
    let alone: Vec<Vec<f64>> = (0..2).map(|own| among(2, &[own])).collect();
    for block in 1..=2000 {
        chain.block(&alone, &mut honest(2)).unwrap();
        let expected = libm::ldexp(3.0, block);
        assert_eq!((chain.tokens(1), chain.share(&[0])), (expected, 0.25), "{block}");
    }
    assert_eq!((LARGE, chain.tokens(2)), (libm::exp2(400.0), 0.0));
}

#[test]
fn a_chain_without_peers_or_stake_stands_still() {
    for name in MECHANISMS {
        let mechanism = mechanism(name, 3);
        let mut chain = Chain::new(mechanism.as_ref(), Rules::default(), vec![0.0; 3]);
        chain.block(&Truth::new(3, 0).scores(), &mut honest(3)).unwrap();
        assert_eq!((chain.stake(), chain.share(&[0])), (&[0.0; 3][..], 0.0));
    }
}

#[test]
fn identities_share_what_their_holder_is_worth() {
    let mut truth = Truth::new(5, 3);
    let before = truth.scores();
    truth.identify(&[1, 2, 3], 3);
    let after = truth.scores();
    assert!((sum(&after[0][1..4]) - before[0][1]).abs() < 1e-15);
    assert_eq!(after[1], after[3]);
    truth.devalue(&[0], 0.0);
    assert_eq!(truth.scores()[4][0], 0.0);
}
