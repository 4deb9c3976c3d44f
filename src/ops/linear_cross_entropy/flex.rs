//! The CPU kernel as an operation of Burn, with a gradient of its own.

use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::flex::FlexTensor;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};

use super::kernel::{Problem, Solution};
use crate::ops::cpu;

/// The operation; only called on the Flex backend, in 32 bits.
#[backend_extension(Flex, Autodiff)]
pub(super) trait LinearCrossEntropy: Backend {
    /// Mean of the rows' losses, each times its factor.
    fn linear_cross_entropy(
        hidden: FloatTensor<Self>,
        table: FloatTensor<Self>,
        targets: Vec<u32>,
        factors: Vec<f32>,
    ) -> FloatTensor<Self>;
}

/// As the composite of the same name.
pub(super) fn linear_cross_entropy(
    hidden: Tensor<2>,
    table: Tensor<2>,
    targets: &[u32],
    factors: &[f32],
) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as LinearCrossEntropy>::linear_cross_entropy(
        hidden.into_dispatch(),
        table.into_dispatch(),
        targets.to_vec(),
        factors.to_vec(),
    ))
}

fn with_problem<R>(
    hidden: &FlexTensor,
    table: &FlexTensor,
    targets: &[u32],
    factors: &[f32],
    work: impl FnOnce(Problem<'_>) -> R,
) -> R {
    let (hidden, table) = (hidden.to_contiguous(), table.to_contiguous());
    let [_, d_model] = hidden.shape().dims();
    work(Problem {
        hidden: cpu::numbers(&hidden),
        table: cpu::numbers(&table),
        d_model,
        targets,
        factors,
    })
}

impl LinearCrossEntropy for Flex {
    fn linear_cross_entropy(
        hidden: FlexTensor,
        table: FlexTensor,
        targets: Vec<u32>,
        factors: Vec<f32>,
    ) -> FlexTensor {
        let loss = with_problem(&hidden, &table, &targets, &factors, |problem| {
            problem.loss()
        });
        cpu::tensor(vec![loss], Shape::new([1]))
    }
}

/// Gradients are made together with the loss, while the logits are at hand; backward only scales them.
#[derive(Debug)]
pub(super) struct ScaleGradients;

impl<const N: usize> Backward<Flex, N> for ScaleGradients {
    type State = [FlexTensor; N];

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let outer = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let factor = cpu::numbers(&outer)[0];
        for (parent, gradient) in ops.parents.into_iter().zip(ops.state) {
            if let Some(parent) = parent {
                let gradient = match factor {
                    1.0 => gradient,
                    _ => Flex::float_mul_scalar(gradient, factor.into()),
                };
                gradients.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

impl<C: CheckpointStrategy> LinearCrossEntropy for Autodiff<Flex, C> {
    fn linear_cross_entropy(
        hidden: FloatTensor<Self>,
        table: FloatTensor<Self>,
        targets: Vec<u32>,
        factors: Vec<f32>,
    ) -> FloatTensor<Self> {
        let nodes = [hidden.node(), table.node()];
        let (hidden, table) = (hidden.into_primitive(), table.into_primitive());
        match ScaleGradients
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(preparation) => {
                let shapes = (hidden.shape(), table.shape());
                let Solution {
                    loss,
                    d_hidden,
                    d_table,
                } = with_problem(&hidden, &table, &targets, &factors, |problem| {
                    problem.solve()
                });
                let gradients = [
                    cpu::tensor(d_hidden, shapes.0),
                    cpu::tensor(d_table, shapes.1),
                ];
                preparation.finish(gradients, cpu::tensor(vec![loss], Shape::new([1])))
            }
            OpsKind::UnTracked(preparation) => preparation.finish(
                <Flex as LinearCrossEntropy>::linear_cross_entropy(hidden, table, targets, factors),
            ),
        }
    }
}
