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
use burn::tensor::Tensor;

use super::bias_rows::BiasPlan;
use super::kernel::{Forward, Given, Plan, Rows};
use super::{AttentionBias, AttentionLayout, AttentionOptions};
use crate::ops::cpu;

/// The operation; only called on the Flex backend, in 32 bits.
#[backend_extension(Flex, Autodiff)]
pub(super) trait PackedAttention: Backend {
    /// The mixed values.
    fn packed_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        biases: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self>;
}

/// As the composite of the same name.
pub(super) fn attention(
    query: Tensor<3>,
    key: Tensor<3>,
    value: Tensor<3>,
    layout: &AttentionLayout,
    options: &AttentionOptions,
) -> Tensor<3> {
    let [_, n_heads, d_head] = query.dims();
    let (biases, tables) = joined_biases(&options.biases, &query);
    let plan = Plan {
        layout: layout.clone(),
        visibility: options.visibility,
        form: options.form,
        scale: options.scale.unwrap_or(1.0 / (d_head as f64).sqrt()) as f32,
        dropout: options.dropout.filter(|dropout| !dropout.is_none()),
        biases,
        n_heads,
        d_head,
    };
    Tensor::from_dispatch(<Dispatch as PackedAttention>::packed_attention(
        query.into_dispatch(),
        key.into_dispatch(),
        value.into_dispatch(),
        tables.into_dispatch(),
        plan,
    ))
}

/// All tables below each other, `[n_buckets, n_heads]`, and where each begins; without biases a table of nothing.
fn joined_biases(biases: &[AttentionBias], query: &Tensor<3>) -> (Vec<BiasPlan>, Tensor<2>) {
    let mut n_buckets = 0;
    let plans = biases.iter().map(|bias| {
        let [n_of_bias, _] = bias.table.dims();
        let first_bucket = n_buckets;
        n_buckets += n_of_bias;
        BiasPlan {
            rule: bias.rule.clone(),
            first_bucket,
            n_buckets: n_of_bias,
        }
    });
    let plans = plans.collect();
    let tables: Vec<Tensor<2>> = biases.iter().map(|bias| bias.table.clone()).collect();
    if tables.is_empty() {
        let [_, n_heads, _] = query.dims();
        return (plans, Tensor::zeros([1, n_heads], &query.device()));
    }
    (plans, Tensor::cat(tables, 0))
}

/// Calls `work` with the numbers of queries, keys, values and biases.
fn with_rows<R>(tensors: [&FlexTensor; 4], work: impl FnOnce(Rows<'_>) -> R) -> R {
    let [query, key, value, biases] = tensors.map(FlexTensor::to_contiguous);
    work(Rows {
        query: cpu::numbers(&query),
        key: cpu::numbers(&key),
        value: cpu::numbers(&value),
        biases: cpu::numbers(&biases),
    })
}

impl PackedAttention for Flex {
    fn packed_attention(
        query: FlexTensor,
        key: FlexTensor,
        value: FlexTensor,
        biases: FlexTensor,
        plan: Plan,
    ) -> FlexTensor {
        let found = with_rows([&query, &key, &value, &biases], |rows| plan.forward(rows));
        cpu::tensor(found.context, query.shape())
    }
}

#[derive(Debug)]
struct PackedAttentionBackward;

/// What backward needs: the rows and tables, which others may share, and the logarithms of the sums.
#[derive(Clone, Debug)]
struct State {
    inputs: [NodeId; 4],
    context: FlexTensor,
    log_sums: Vec<f32>,
    plan: Plan,
}

impl Backward<Flex, 4> for PackedAttentionBackward {
    type State = State;

    fn backward(
        self,
        ops: Ops<State, 4>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let d_context = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let state = ops.state;
        let inputs: [FlexTensor; 4] = state
            .inputs
            .map(|node| checkpointer.retrieve_node_output(node));
        let [query, key, value, biases] = &inputs;
        let found = with_rows([query, key, value, biases], |rows| {
            let given = Given {
                context: cpu::numbers(&state.context),
                log_sums: &state.log_sums,
                d_context: cpu::numbers(&d_context),
            };
            state.plan.backward(rows, given)
        });
        let found = [found.query, found.key, found.value, found.biases];
        for ((parent, numbers), input) in ops.parents.into_iter().zip(found).zip(&inputs) {
            if let Some(parent) = parent {
                gradients.register::<Flex>(parent.id, cpu::tensor(numbers, input.shape()));
            }
        }
    }
}

impl<C: CheckpointStrategy> PackedAttention for Autodiff<Flex, C> {
    fn packed_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        biases: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self> {
        let inputs = [query, key, value, biases];
        let nodes = inputs.each_ref().map(|input| input.node());
        match PackedAttentionBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(mut preparation) => {
                let nodes = inputs.each_ref().map(|input| preparation.checkpoint(input));
                let [query, key, value, biases] = inputs.map(|input| input.into_primitive());
                let Forward { context, log_sums } =
                    with_rows([&query, &key, &value, &biases], |rows| plan.forward(rows));
                let context = cpu::tensor(context, query.shape());
                let state = State {
                    inputs: nodes,
                    context: context.clone(),
                    log_sums,
                    plan,
                };
                preparation.finish(state, context)
            }
            OpsKind::UnTracked(preparation) => {
                let [query, key, value, biases] = inputs.map(|input| input.into_primitive());
                preparation.finish(<Flex as PackedAttention>::packed_attention(
                    query, key, value, biases, plan,
                ))
            }
        }
    }
}
