//! The incentive mathematics of the market, deterministic to the bit.
//!
//! Peers score each other in rows; a ledger turns rows and stake into ranks, trust and emission. This crate holds that
//! mathematics for the `Trust` mechanism, the soft stake clipping whose gradient a peer is shown, the split of emission
//! in integers and the bounded step of a row. Everything is a pure function of its arguments.
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
//! | [`rows`] | sparse row-stochastic weights W, checked once |
//! | [`trust`] | ranks, connectivity, trust, incentive, loss, scaling gradient, and the step of A |
//! | [`stake`] | S′ = S + τ‖S‖ I/‖I‖, the reference in reals |
//! | [`clipping`] | expected visits, soft stake clipping and its gradient in the own row |
//! | [`emission`] | accrual and largest-remainder split in integers |
//! | [`step`] | bounded step of a row of scores on the simplex |
//! | [`arithmetic`] | the logistic and the hyperbolic tangent that the rest uses |
//!
//! It knows nothing of keys, blocks, the network, clocks or threads.

pub mod arithmetic;
pub mod clipping;
pub mod emission;
pub mod rows;
pub mod stake;
pub mod step;
pub mod trust;
