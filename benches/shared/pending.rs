//! Stands in for what is not in the crate yet: an optimiser that leaves the weights alone, and a plain sampled softmax.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;
use salient::ops::embedding::embedding;
use salient::training::{TrainingConfig, TrainingError};

pub(crate) struct Optimiser;

impl Optimiser {
    pub(crate) fn new(_config: &TrainingConfig) -> Self {
        Self
    }

    pub(crate) fn step<M: Module>(
        &mut self,
        model: M,
        loss: &Tensor<1>,
        _learning_rate: f64,
    ) -> Result<M, TrainingError> {
        std::hint::black_box(loss.backward());
        Ok(model)
    }
}

pub(crate) fn sampled_cross_entropy(
    hidden: Tensor<2>,
    table: Tensor<2>,
    targets: &[u32],
    negatives: &[u32],
    _row_weights: Option<&[f32]>,
) -> Tensor<1> {
    let target = (hidden.clone() * embedding(table.clone(), targets)).sum_dim(1);
    let others = hidden.matmul(embedding(table, negatives).transpose());
    let logits = Tensor::cat(vec![target, others], 1);
    log_softmax(logits, 1).narrow(1, 0, 1).mean().neg()
}
