//! The incentive mathematics of the market, deterministic to the bit.
//!
//! Peers score each other in rows; a ledger turns rows and stake into ranks, trust and emission. Four drafts say how, and
//! all four are here behind one trait, [`epoch::Mechanism`], which a ledger's epoch and a laboratory call alike. Everything
//! is a pure function of its arguments.
//!
//! # Arithmetic
//!
//! Every validator and every browser must compute the same bits. Only IEEE binary64 `+ − × ÷ √` in a fixed order is
//! used, `exp` and `tanh` come from [`libm`] (pinned to one version), nothing is fused, reduced in parallel or summed
//! in the order of a hash map. Sums run in ascending index unless a function says otherwise.
//!
//! # Modules
//!
//! | module | what |
//! |---|---|
//! | [`epoch`] | the interface of all mechanisms: what an epoch is asked and answers |
//! | [`world`], [`rows`] | stake, scaling, and sparse row-stochastic weights, checked once |
//! | [`trust`] | ranks, depth-d connectivity, trust, incentive; readings of its gradient; the own row's payoff |
//! | [`connectivity`] | ranks by reachable stake, stake clipping, resistance |
//! | [`consensus`] | direct trust, consensus, bonds and dividends, min-weights |
//! | [`competitive`] | ranks by bids, masks, payoff and its gradient, adaptive inflation |
//! | [`scaling`] | the descent and the return of A |
//! | [`absorbing`] | expected visits of an absorbing chain |
//! | [`clipping`] | what one peer reaches and keeps, and its gradient in the own row |
//! | [`pruning`] | forms of the score of a neighbour |
//! | [`stake`], [`emission`] | the step of stake in reals, and in integers |
//! | [`step`], [`simplex`] | the bounded step of a row in integers, and in reals |
//! | [`fault`] | what is refused, and why a gradient may not exist |
//! | [`arithmetic`] | the logistic and the hyperbolic tangent that the rest uses |
//!
//! It knows nothing of keys, blocks, the network, clocks or threads.

pub mod absorbing;
pub mod arithmetic;
pub mod clipping;
pub mod competitive;
pub mod connectivity;
pub mod consensus;
pub mod emission;
pub mod epoch;
pub mod fault;
pub mod pruning;
pub mod rows;
pub mod scaling;
pub mod simplex;
pub mod stake;
pub mod step;
pub mod trust;
pub mod world;
