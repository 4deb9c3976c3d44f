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

use super::kernel::Problem;
use crate::ops::cpu;

/// The operation; only called on the Flex backend, in 32 bits.
#[backend_extension(Flex, Autodiff)]
pub(super) trait AffineMap: Backend {
    /// The mapped rows; the bias is left out if it is not to count.
    fn affine_map(
        rows: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        has_bias: bool,
    ) -> FloatTensor<Self>;
}

/// As the composite of the same name.
pub(super) fn linear(rows: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let has_bias = bias.is_some();
    let bias = bias.unwrap_or_else(|| Tensor::zeros([1], &weight.device()));
    Tensor::from_dispatch(<Dispatch as AffineMap>::affine_map(
        rows.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        has_bias,
    ))
}

fn with_problem<R>(
    [rows, weight, bias]: [&FlexTensor; 3],
    has_bias: bool,
    work: impl FnOnce(Problem<'_>) -> R,
) -> R {
    let [d_in, d_out] = weight.shape().dims();
    let [rows, weight, bias] = [rows, weight, bias].map(FlexTensor::to_contiguous);
    work(Problem {
        rows: cpu::numbers(&rows),
        weight: cpu::numbers(&weight),
        bias: has_bias.then(|| cpu::numbers(&bias)),
        d_in,
        d_out,
    })
}

impl AffineMap for Flex {
    fn affine_map(
        rows: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        has_bias: bool,
    ) -> FlexTensor {
        let [n_rows, _] = rows.shape().dims();
        let [_, d_out] = weight.shape().dims();
        let mapped = with_problem([&rows, &weight, &bias], has_bias, |problem| {
            problem.forward()
        });
        cpu::tensor(mapped, Shape::new([n_rows, d_out]))
    }
}

#[derive(Debug)]
struct AffineMapBackward;

impl Backward<Flex, 3> for AffineMapBackward {
    type State = ([NodeId; 3], bool);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let d_mapped = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let (nodes, has_bias) = ops.state;
        let inputs: [FlexTensor; 3] = nodes.map(|node| checkpointer.retrieve_node_output(node));
        let [rows, weight, bias] = &inputs;
        let found = with_problem([rows, weight, bias], has_bias, |problem| {
            problem.backward(cpu::numbers(&d_mapped))
        });
        let found = [found.rows, found.weight, found.bias];
        for ((parent, numbers), input) in ops.parents.into_iter().zip(found).zip(&inputs) {
            if let Some(parent) = parent {
                gradients.register::<Flex>(parent.id, cpu::tensor(numbers, input.shape()));
            }
        }
    }
}

impl<C: CheckpointStrategy> AffineMap for Autodiff<Flex, C> {
    fn affine_map(
        rows: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        has_bias: bool,
    ) -> FloatTensor<Self> {
        let inputs = [rows, weight, bias];
        let nodes = inputs.each_ref().map(|input| input.node());
        match AffineMapBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(mut preparation) => {
                let nodes = inputs.each_ref().map(|input| preparation.checkpoint(input));
                let [rows, weight, bias] = inputs.map(|input| input.into_primitive());
                let mapped = Flex::affine_map(rows, weight, bias, has_bias);
                preparation.finish((nodes, has_bias), mapped)
            }
            OpsKind::UnTracked(preparation) => {
                let [rows, weight, bias] = inputs.map(|input| input.into_primitive());
                preparation.finish(Flex::affine_map(rows, weight, bias, has_bias))
            }
        }
    }
}
