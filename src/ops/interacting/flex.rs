//! The CPU kernel as an operation of Burn, with a gradient of its own.

use burn::backend::autodiff::{
    NodeId,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};

use super::kernel::{Plan, Problem};
use super::{InteractingOptions, InteractingWeights};
use crate::ops::attention::is_short;
use crate::ops::cpu::{self, lanes::LaneAttention, runs_here};

/// Numbers of a weight up to which gradients of it, one for each lane, fit into the cache.
const MAX_WEIGHT: usize = 64 * 64;

/// Whether the kernel can take a layer.
pub(super) fn runs(
    rows: &Tensor<2>,
    weights: &InteractingWeights,
    options: &InteractingOptions,
) -> bool {
    let [d_in, width] = weights.residual.dims();
    let all = [
        &weights.query,
        &weights.key,
        &weights.value,
        &weights.residual,
    ];
    let size = [options.n_tokens, options.n_heads, width / options.n_heads];
    (1..=MAX_WEIGHT).contains(&(d_in * width))
        && is_short(size, options.dropout.is_some())
        && runs_here(rows)
        && all.into_iter().all(runs_here)
}

/// The operation; only called on the Flex backend, in 32 bits.
#[backend_extension(Flex, Autodiff)]
pub(super) trait InteractingLayer: Backend {
    /// The mixed rows.
    fn interacting_layer(
        rows: FloatTensor<Self>,
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self>;
}

/// As the composite of the same name.
pub(super) fn interacting(
    rows: Tensor<2>,
    weights: InteractingWeights,
    options: &InteractingOptions,
) -> Tensor<2> {
    let [_, width] = weights.residual.dims();
    let plan = Plan {
        attention: LaneAttention {
            len: options.n_tokens,
            n_heads: options.n_heads,
            d_head: width / options.n_heads,
            scale: options.scale as f32,
        },
        dropout: options.dropout.filter(|dropout| !dropout.is_none()),
    };
    Tensor::from_dispatch(<Dispatch as InteractingLayer>::interacting_layer(
        rows.into_dispatch(),
        weights.query.into_dispatch(),
        weights.key.into_dispatch(),
        weights.value.into_dispatch(),
        weights.residual.into_dispatch(),
        plan,
    ))
}

/// Calls `work` with the numbers of rows and weights.
fn with_problem<R>(inputs: &[FlexTensor; 5], plan: Plan, work: impl FnOnce(Problem<'_>) -> R) -> R {
    let [_, d_in] = inputs[0].shape().dims();
    let inputs = inputs.each_ref().map(FlexTensor::to_contiguous);
    let [rows, weights @ ..] = inputs.each_ref().map(cpu::numbers);
    work(Problem {
        rows,
        weights,
        d_in,
        plan,
    })
}

fn forward(inputs: &[FlexTensor; 5], plan: Plan) -> FlexTensor {
    let [n_rows, _] = inputs[0].shape().dims();
    let width = plan.attention.n_heads * plan.attention.d_head;
    let mixed = with_problem(inputs, plan, |problem| problem.forward());
    cpu::tensor(mixed, Shape::new([n_rows, width]))
}

impl InteractingLayer for Flex {
    fn interacting_layer(
        rows: FlexTensor,
        query: FlexTensor,
        key: FlexTensor,
        value: FlexTensor,
        residual: FlexTensor,
        plan: Plan,
    ) -> FlexTensor {
        forward(&[rows, query, key, value, residual], plan)
    }
}

#[derive(Debug)]
struct InteractingLayerBackward;

/// What backward needs: the inputs, which others may share, and what came out.
#[derive(Clone, Debug)]
struct State {
    inputs: [NodeId; 5],
    mixed: FlexTensor,
    plan: Plan,
}

impl Backward<Flex, 5> for InteractingLayerBackward {
    type State = State;

    fn backward(
        self,
        ops: Ops<State, 5>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let d_mixed = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let state = ops.state;
        let inputs: [FlexTensor; 5] = state
            .inputs
            .map(|node| checkpointer.retrieve_node_output(node));
        let found = with_problem(&inputs, state.plan, |problem| {
            problem.backward(cpu::numbers(&state.mixed), cpu::numbers(&d_mixed))
        });
        let [query, key, value, residual] = found.weights;
        let found = [found.rows, query, key, value, residual];
        for ((parent, numbers), input) in ops.parents.into_iter().zip(found).zip(&inputs) {
            if let Some(parent) = parent {
                gradients.register::<Flex>(parent.id, cpu::tensor(numbers, input.shape()));
            }
        }
    }
}

impl<C: CheckpointStrategy> InteractingLayer for Autodiff<Flex, C> {
    fn interacting_layer(
        rows: FloatTensor<Self>,
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self> {
        let inputs = [rows, query, key, value, residual];
        let nodes = inputs.each_ref().map(|input| input.node());
        match InteractingLayerBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(mut preparation) => {
                let nodes = inputs.each_ref().map(|input| preparation.checkpoint(input));
                let inputs = inputs.map(|input| input.into_primitive());
                let mixed = forward(&inputs, plan);
                let state = State {
                    inputs: nodes,
                    mixed: mixed.clone(),
                    plan,
                };
                preparation.finish(state, mixed)
            }
            OpsKind::UnTracked(preparation) => {
                let inputs = inputs.map(|input| input.into_primitive());
                preparation.finish(forward(&inputs, plan))
            }
        }
    }
}
