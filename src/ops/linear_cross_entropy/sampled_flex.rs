//! The sampled CPU kernel as an operation of Burn, with a gradient of its own.

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::ops::{Backward, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};

use super::flex::ScaleGradients;
use super::sampled::Candidates;
use super::sampled_kernel::{Problem, Solution};
use crate::ops::cpu;

/// The operation; only called on the Flex backend, in 32 bits.
#[backend_extension(Flex, Autodiff)]
pub(super) trait SampledCrossEntropy: Backend {
    /// Mean of the rows' losses, each times its factor.
    fn sampled_cross_entropy(
        hidden: FloatTensor<Self>,
        target_rows: FloatTensor<Self>,
        negative_rows: FloatTensor<Self>,
        candidates: Candidates,
    ) -> FloatTensor<Self>;
}

/// As the composite of the same name.
pub(super) fn cross_entropy(
    hidden: Tensor<2>,
    target_rows: Tensor<2>,
    negative_rows: Tensor<2>,
    candidates: Candidates,
) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as SampledCrossEntropy>::sampled_cross_entropy(
        hidden.into_dispatch(),
        target_rows.into_dispatch(),
        negative_rows.into_dispatch(),
        candidates,
    ))
}

fn solve(tensors: [&FlexTensor; 3], candidates: &Candidates) -> Solution {
    let [hidden, target_rows, negative_rows] = tensors.map(FlexTensor::to_contiguous);
    let [_, d_model] = hidden.shape().dims();
    let corrections = candidates.corrections.as_ref();
    let problem = Problem {
        hidden: cpu::numbers(&hidden),
        target_rows: cpu::numbers(&target_rows),
        negative_rows: cpu::numbers(&negative_rows),
        d_model,
        targets: &candidates.targets,
        negatives: &candidates.negatives,
        groups: &candidates.groups,
        n_negatives: candidates.n_negatives,
        corrections: corrections.map(|sides| sides.each_ref().map(Vec::as_slice)),
        factors: &candidates.factors,
    };
    problem.solve()
}

impl SampledCrossEntropy for Flex {
    fn sampled_cross_entropy(
        hidden: FlexTensor,
        target_rows: FlexTensor,
        negative_rows: FlexTensor,
        candidates: Candidates,
    ) -> FlexTensor {
        let solution = solve([&hidden, &target_rows, &negative_rows], &candidates);
        cpu::tensor(vec![solution.loss], Shape::new([1]))
    }
}

impl<C: CheckpointStrategy> SampledCrossEntropy for Autodiff<Flex, C> {
    fn sampled_cross_entropy(
        hidden: FloatTensor<Self>,
        target_rows: FloatTensor<Self>,
        negative_rows: FloatTensor<Self>,
        candidates: Candidates,
    ) -> FloatTensor<Self> {
        let inputs = [hidden, target_rows, negative_rows];
        let nodes = inputs.each_ref().map(|input| input.node());
        let [hidden, target_rows, negative_rows] = inputs.map(|input| input.into_primitive());
        match ScaleGradients
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(preparation) => {
                let found = solve([&hidden, &target_rows, &negative_rows], &candidates);
                let gradients = [
                    cpu::tensor(found.d_hidden, hidden.shape()),
                    cpu::tensor(found.d_target_rows, target_rows.shape()),
                    cpu::tensor(found.d_negative_rows, negative_rows.shape()),
                ];
                preparation.finish(gradients, cpu::tensor(vec![found.loss], Shape::new([1])))
            }
            OpsKind::UnTracked(preparation) => {
                preparation.finish(<Flex as SampledCrossEntropy>::sampled_cross_entropy(
                    hidden,
                    target_rows,
                    negative_rows,
                    candidates,
                ))
            }
        }
    }
}
