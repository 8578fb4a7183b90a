//! Gradients of the operations.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, binary};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

use super::extension::{Kernels, swapped};

/// ∂L/∂A = ∂L/∂Y Bᵀ and ∂L/∂B = Aᵀ ∂L/∂Y.
#[derive(Debug)]
struct Product;

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

impl<B: Backend + Kernels, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn product(lhs: FloatTensor<Self>, rhs: FloatTensor<Self>, swap_lhs: bool, swap_rhs: bool) -> FloatTensor<Self> {
        let (lhs, rhs) = (swapped::<Self>(lhs, swap_lhs), swapped::<Self>(rhs, swap_rhs));
        let (lhs_tracked, rhs_tracked) = (lhs.is_tracked(), rhs.is_tracked());
        match Product.prepare::<C>([lhs.node(), rhs.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prepared) => {
                let kept =
                    [rhs_tracked.then(|| prepared.checkpoint(&lhs)), lhs_tracked.then(|| prepared.checkpoint(&rhs))];
                prepared.finish(kept, B::product(lhs.into_primitive(), rhs.into_primitive(), false, false))
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(B::product(lhs.into_primitive(), rhs.into_primitive(), false, false))
            }
        }
    }
}
