//! Gradients of the operations.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, binary, unary};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, AutodiffBackend, Backend};

use super::extension::{Kernels, swapped};

/// ∂L/∂A = ∂L/∂Y Bᵀ and ∂L/∂B = Aᵀ ∂L/∂Y.
#[derive(Debug)]
struct Product;

/// exp(logits) / Σ exp(logits), less one at the target, times ∂L/∂nats.
#[derive(Debug)]
struct Nats;

/// Of the queries, keys and values beside each other.
#[derive(Debug)]
struct Attend;

impl<B: Backend + Kernels> Backward<B, 2> for Product {
    /// The operands, each where the other's gradient is wanted.
    type State = [Option<NodeId>; 2];

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let [lhs, rhs] = ops.state.map(|node| node.map(|node| checkpointer.retrieve_node_output(node)));
        binary::<B, _, _>(
            ops.parents,
            ops.node,
            grads,
            |grad| match rhs {
                Some(rhs) => B::product(grad, rhs, false, true),
                None => grad,
            },
            |grad| match lhs {
                Some(lhs) => B::product(lhs, grad, true, false),
                None => grad,
            },
        );
    }
}

impl<B: Backend + Kernels> Backward<B, 1> for Nats {
    type State = (FloatTensor<B>, IntTensor<B>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let (logits, targets) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |grad| B::nats_backward(logits, targets, grad));
    }
}

impl<B: Backend + Kernels> Backward<B, 1> for Attend {
    type State = (FloatTensor<B>, usize, bool);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let (mixed, heads, causal) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |grad| B::attend_backward(mixed, grad, heads, causal));
    }
}

impl<B: Backend + Kernels, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn product(lhs: FloatTensor<Self>, rhs: FloatTensor<Self>, swap_lhs: bool, swap_rhs: bool) -> FloatTensor<Self> {
        let (lhs, rhs) = (swapped::<Self>(lhs, swap_lhs), swapped::<Self>(rhs, swap_rhs));
        let (lhs_tracked, rhs_tracked) = (lhs.is_tracked(), rhs.is_tracked());
        let product = |lhs: FloatTensor<Self>, rhs: FloatTensor<Self>| {
            B::product(lhs.into_primitive(), rhs.into_primitive(), false, false)
        };
        match Product.prepare::<C>([lhs.node(), rhs.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prepared) => {
                let kept_lhs = rhs_tracked.then(|| prepared.checkpoint(&lhs));
                let kept_rhs = lhs_tracked.then(|| prepared.checkpoint(&rhs));
                prepared.finish([kept_lhs, kept_rhs], product(lhs, rhs))
            }
            OpsKind::UnTracked(prepared) => prepared.finish(product(lhs, rhs)),
        }
    }

    fn nats(logits: FloatTensor<Self>, targets: IntTensor<Self>) -> FloatTensor<Self> {
        let prepared = Nats.prepare::<C>([logits.node()]).compute_bound().stateful();
        let logits = logits.into_primitive();
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish((logits.clone(), targets.clone()), B::nats(logits, targets)),
            OpsKind::UnTracked(prepared) => prepared.finish(B::nats(logits, targets)),
        }
    }

    /// Has no gradient of its own: no loss of this crate is made of gradients.
    fn nats_backward(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let slopes = B::nats_backward(logits.into_primitive(), targets, gradient.into_primitive());
        Self::from_inner(slopes)
    }

    fn attend(mixed: FloatTensor<Self>, heads: usize, causal: bool) -> FloatTensor<Self> {
        let prepared = Attend.prepare::<C>([mixed.node()]).compute_bound().stateful();
        let mixed = mixed.into_primitive();
        match prepared {
            OpsKind::Tracked(prepared) => {
                prepared.finish((mixed.clone(), heads, causal), B::attend(mixed, heads, causal))
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::attend(mixed, heads, causal)),
        }
    }

    /// Has no gradient of its own: no loss of this crate is made of gradients.
    fn attend_backward(
        mixed: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        heads: usize,
        causal: bool,
    ) -> FloatTensor<Self> {
        let slopes = B::attend_backward(mixed.into_primitive(), gradient.into_primitive(), heads, causal);
        Self::from_inner(slopes)
    }
}
