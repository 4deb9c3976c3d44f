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

use super::kernel::{Forward, Plan, Rows};
use super::{AttentionLayout, AttentionOptions};
use crate::ops::cpu;

/// The operation; only called on the Flex backend, in 32 bits.
#[backend_extension(Flex, Autodiff)]
pub(super) trait PackedAttention: Backend {
    /// The mixed values.
    fn packed_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self>;
}

/// As the composite of the same name, without biases.
pub(super) fn attention(
    query: Tensor<3>,
    key: Tensor<3>,
    value: Tensor<3>,
    layout: &AttentionLayout,
    options: &AttentionOptions,
) -> Tensor<3> {
    let [_, n_heads, d_head] = query.dims();
    let plan = Plan {
        layout: layout.clone(),
        visibility: options.visibility,
        scale: options.scale.unwrap_or(1.0 / (d_head as f64).sqrt()) as f32,
        dropout: options.dropout.filter(|dropout| !dropout.is_none()),
        n_heads,
        d_head,
    };
    Tensor::from_dispatch(<Dispatch as PackedAttention>::packed_attention(
        query.into_dispatch(),
        key.into_dispatch(),
        value.into_dispatch(),
        plan,
    ))
}

fn forward(query: &FlexTensor, key: &FlexTensor, value: &FlexTensor, plan: &Plan) -> Forward {
    let [query, key, value] = [query, key, value].map(FlexTensor::to_contiguous);
    plan.forward(Rows {
        query: cpu::numbers(&query),
        key: cpu::numbers(&key),
        value: cpu::numbers(&value),
    })
}

impl PackedAttention for Flex {
    fn packed_attention(
        query: FlexTensor,
        key: FlexTensor,
        value: FlexTensor,
        plan: Plan,
    ) -> FlexTensor {
        let found = forward(&query, &key, &value, &plan);
        cpu::tensor(found.context, query.shape())
    }
}

#[derive(Debug)]
struct PackedAttentionBackward;

/// What backward needs: the rows, which others may share, and the logarithms of the sums.
#[derive(Clone, Debug)]
struct State {
    rows: [NodeId; 3],
    context: FlexTensor,
    log_sums: Vec<f32>,
    plan: Plan,
}

impl Backward<Flex, 3> for PackedAttentionBackward {
    type State = State;

    fn backward(
        self,
        ops: Ops<State, 3>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let d_context = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let State {
            rows,
            context,
            log_sums,
            plan,
        } = ops.state;
        let [query, key, value] = rows.map(|node| {
            let rows: FlexTensor = checkpointer.retrieve_node_output(node);
            rows.to_contiguous()
        });
        let rows = Rows {
            query: cpu::numbers(&query),
            key: cpu::numbers(&key),
            value: cpu::numbers(&value),
        };
        let context = cpu::numbers(&context);
        let found = plan.backward(rows, context, &log_sums, cpu::numbers(&d_context));
        let shapes = [query.shape(), key.shape(), value.shape()];
        let found = [found.query, found.key, found.value];
        for ((parent, numbers), shape) in ops.parents.into_iter().zip(found).zip(shapes) {
            if let Some(parent) = parent {
                gradients.register::<Flex>(parent.id, cpu::tensor(numbers, shape));
            }
        }
    }
}

impl<C: CheckpointStrategy> PackedAttention for Autodiff<Flex, C> {
    fn packed_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self> {
        let nodes = [query.node(), key.node(), value.node()];
        match PackedAttentionBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(mut preparation) => {
                let rows = [&query, &key, &value].map(|rows| preparation.checkpoint(rows));
                let [query, key, value] = [query, key, value].map(|rows| rows.into_primitive());
                let found = forward(&query, &key, &value, &plan);
                let context = cpu::tensor(found.context, query.shape());
                let state = State {
                    rows,
                    context: context.clone(),
                    log_sums: found.log_sums,
                    plan,
                };
                preparation.finish(state, context)
            }
            OpsKind::UnTracked(preparation) => {
                let [query, key, value] = [query, key, value].map(|rows| rows.into_primitive());
                preparation.finish(<Flex as PackedAttention>::packed_attention(
                    query, key, value, plan,
                ))
            }
        }
    }
}
