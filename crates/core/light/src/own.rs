//! A peer's own standing, computed from the tables of one verified block: nothing here is a source's word.
//!
//! Rank R_i, trust t_i, loss L and ∂L/∂a_i are those of the chain's mechanism over the stake, scaling and rows as
//! they stand at that block (specification: Trust; ledger, "Light client" 5). ∂s*_i/∂w_ib is the gradient of the soft
//! stake clipping, advisory on a chain that does not clip. Where a gradient does not exist the answer is the reason.
//!
//! Beyond M peers, those whose rows make trust are drawn by the number of an epoch. Here it is the one that comes: the
//! tables are what the next close will find if nothing changes. Its number follows from the verified height and the
//! tempo of genesis, since every block whose height the tempo divides closes one; no source's word is needed for it.
//!
//! Bonds, inflation and the number of weights that a chain demands are those that its last epoch left.
//!
//! It does not compare the chain's own epoch figures with these: that is [`crate::audit`].

mod gradients;
mod position;
mod reason;

pub use gradients::{Gradients, Hint, RowGradient, gradients};
pub use position::{Figures, Position, figures};
pub use reason::Reason;
