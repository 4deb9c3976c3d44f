//! The gradients of a step: gathered by weight, averaged over its batches, and read back in one transfer.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Gradients, Tensor};

/// The mean gradient of the batches of a step, and their losses.
#[derive(Default)]
pub(super) struct StepGradients {
    /// Mean gradient of each weight that has one, as a flat vector.
    pub(super) mean: BTreeMap<String, Tensor<1>>,
    losses: Vec<(Tensor<1>, f64)>,
    weight: f64,
}

/// What the host needs to know of a step.
pub(super) struct StepNumbers {
    /// Loss and weight of each batch.
    pub(super) losses: Vec<(f64, f64)>,
    /// Sum of squares of the mean gradient of each weight.
    pub(super) squares: Vec<(String, f64)>,
}

impl StepNumbers {
    /// Mean loss over the targets of all batches.
    pub(super) fn loss(&self) -> f64 {
        let sum: f64 = self.losses.iter().map(|(loss, weight)| loss * weight).sum();
        sum / self.losses.iter().map(|(_, weight)| weight).sum::<f64>()
    }

    /// Euclidean norm of all gradients together.
    pub(super) fn norm(&self) -> f64 {
        let squares = self.squares.iter().map(|(_, square)| square);
        squares.sum::<f64>().sqrt()
    }
}

impl StepGradients {
    /// Takes a batch into the mean. `loss` is the mean over targets of total weight `weight`, which is above 0.
    pub(super) fn add<M: Module>(&mut self, model: &M, loss: &Tensor<1>, weight: f64) {
        let mut visitor = Collector {
            path: Vec::new(),
            gradients: loss.backward(),
            found: BTreeMap::new(),
        };
        model.visit(&mut visitor);
        let total = self.weight + weight;
        if self.losses.is_empty() {
            self.mean = visitor.found;
        } else {
            self.average(visitor.found, self.weight / total, weight / total);
        }
        self.weight = total;
        self.losses
            .push((loss.clone().without_autodiff().reshape([1]), weight));
    }

    /// A weight that one side has no gradient for counts as 0 there.
    fn average(&mut self, new: BTreeMap<String, Tensor<1>>, old_share: f64, new_share: f64) {
        let old = std::mem::take(&mut self.mean);
        self.mean = old
            .into_iter()
            .map(|(name, gradient)| (name, gradient.mul_scalar(old_share)))
            .collect();
        for (name, gradient) in new {
            let part = gradient.mul_scalar(new_share);
            let sum = match self.mean.remove(&name) {
                Some(mean) => mean.add(part),
                None => part,
            };
            self.mean.insert(name, sum);
        }
    }

    /// Reads losses and norms in one transfer, since each transfer makes the host wait for the device.
    pub(super) fn numbers(&self) -> StepNumbers {
        let losses = self.losses.iter().map(|(loss, _)| loss.clone());
        let squares = self
            .mean
            .values()
            .map(|gradient| gradient.clone().mul(gradient.clone()).sum());
        let numbers = Tensor::cat(losses.chain(squares).collect(), 0)
            .into_data()
            .convert_dtype(DType::F64);
        let mut numbers = numbers.iter::<f64>();
        StepNumbers {
            losses: self
                .losses
                .iter()
                .zip(numbers.by_ref())
                .map(|((_, weight), loss)| (loss, *weight))
                .collect(),
            squares: self.mean.keys().cloned().zip(numbers).collect(),
        }
    }

    /// Whether no batch was taken in.
    pub(super) fn is_empty(&self) -> bool {
        self.losses.is_empty()
    }
}

struct Collector {
    path: Vec<String>,
    gradients: Gradients,
    found: BTreeMap<String, Tensor<1>>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad_remove(&mut self.gradients) {
            let n_weights = gradient.dims().iter().product();
            self.found
                .insert(self.path.join("."), gradient.reshape([n_weights]));
        }
    }
}
