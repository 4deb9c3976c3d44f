//! The gradients of a step: gathered by weight, averaged over its batches, and read back in one transfer.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Gradients, Tensor};

use super::Quantity;
use crate::ops::embedding::{RowGradient, RowGradients, backward_with_rows};
use crate::ops::weight_update::sum_of_squares;

/// The gradient of a weight.
#[derive(Clone, Debug)]
pub(super) enum Gradient {
    /// Of every number of the weight, as a flat vector.
    Dense(Tensor<1>),
    /// Of some rows of a table; that of all others is 0.
    Rows(RowGradient),
}

/// The mean gradient of the batches of a step, and their losses.
#[derive(Default)]
pub(super) struct StepGradients {
    /// Mean gradient of each weight that has one.
    pub(super) mean: BTreeMap<String, Gradient>,
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

    /// What all gradients are to be multiplied by, so that their norm is at most `limit`.
    pub(super) fn scale(&self, limit: Option<f64>) -> f64 {
        match limit {
            Some(limit) if self.norm() > limit => limit / self.norm(),
            _ => 1.0,
        }
    }

    /// The number, if any, with which a step would make weights infinite or not a number.
    pub(super) fn not_finite(&self) -> Option<Quantity> {
        if self.losses.iter().any(|(loss, _)| !loss.is_finite()) {
            return Some(Quantity::Loss);
        }
        let strange = self.squares.iter().find(|(_, sum)| !sum.is_finite())?;
        Some(Quantity::Gradient {
            parameter: strange.0.clone(),
        })
    }
}

impl StepGradients {
    /// Takes a batch into the mean. `loss` is the mean over targets of total weight `weight`, which is above 0.
    pub(super) fn add<M: Module>(&mut self, model: &M, loss: &Tensor<1>, weight: f64) {
        let (gradients, rows) = backward_with_rows(loss);
        let mut visitor = Collector {
            path: Vec::new(),
            gradients,
            rows,
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
    fn average(&mut self, new: BTreeMap<String, Gradient>, old_share: f64, new_share: f64) {
        let old = std::mem::take(&mut self.mean);
        self.mean = old
            .into_iter()
            .map(|(name, gradient)| (name, gradient.scaled(old_share)))
            .collect();
        for (name, gradient) in new {
            let part = gradient.scaled(new_share);
            let sum = match self.mean.remove(&name) {
                Some(mean) => mean.plus(part),
                None => part,
            };
            self.mean.insert(name, sum);
        }
    }

    /// Reads losses and norms, those that lie on a device in one transfer, since each makes the host wait for it.
    pub(super) fn numbers(&self) -> StepNumbers {
        let known: Vec<Option<f64>> = self.mean.values().map(Gradient::known_squares).collect();
        let losses = self.losses.iter().map(|(loss, _)| loss.clone());
        let awaited = self
            .mean
            .values()
            .zip(&known)
            .filter_map(|(gradient, known)| match (gradient, known) {
                (Gradient::Dense(gradient), None) => {
                    Some(gradient.clone().mul(gradient.clone()).sum())
                }
                _ => None,
            });
        let numbers = Tensor::cat(losses.chain(awaited).collect(), 0)
            .into_data()
            .convert_dtype(DType::F64);
        let mut numbers = numbers.iter::<f64>();
        let losses = self.losses.iter().zip(numbers.by_ref());
        let losses = losses.map(|((_, weight), loss)| (loss, *weight)).collect();
        // Where none is known, one was asked for.
        let squares = known.into_iter();
        let squares = squares.map(|known| known.or_else(|| numbers.next()).unwrap_or(f64::NAN));
        StepNumbers {
            losses,
            squares: self.mean.keys().cloned().zip(squares).collect(),
        }
    }

    /// Whether no batch was taken in.
    pub(super) fn is_empty(&self) -> bool {
        self.losses.is_empty()
    }
}

impl Gradient {
    /// Sum of its squares, where the host has it at once.
    fn known_squares(&self) -> Option<f64> {
        match self {
            Self::Rows(rows) => Some(rows.sum_of_squares()),
            Self::Dense(gradient) => sum_of_squares(gradient),
        }
    }

    fn scaled(self, share: f64) -> Self {
        match self {
            Self::Dense(gradient) => Self::Dense(gradient.mul_scalar(share)),
            Self::Rows(rows) => Self::Rows(rows.scaled(share)),
        }
    }

    fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Dense(a), Self::Dense(b)) => Self::Dense(a.add(b)),
            (Self::Rows(a), Self::Rows(b)) => Self::Rows(a.plus(b)),
            (Self::Dense(dense), Self::Rows(rows)) | (Self::Rows(rows), Self::Dense(dense)) => {
                Self::Dense(rows.add_to(dense))
            }
        }
    }
}

struct Collector {
    path: Vec<String>,
    gradients: Gradients,
    rows: RowGradients,
    found: BTreeMap<String, Gradient>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let weight = param.val();
        let dense = weight.grad_remove(&mut self.gradients).map(|gradient| {
            let n_weights: usize = gradient.dims().iter().product();
            Gradient::Dense(gradient.reshape([n_weights]))
        });
        let rows = self.rows.take(&weight).map(Gradient::Rows);
        let gradient = match (dense, rows) {
            // A tied table: read by id at one end of the model, by a product at the other.
            (Some(dense), Some(rows)) => dense.plus(rows),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => return,
        };
        self.found.insert(self.path.join("."), gradient);
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::parameters;

    #[derive(Module, Debug)]
    struct Pair {
        a: Param<Tensor<2>>,
        b: Param<Tensor<1>>,
    }

    fn pair() -> Pair {
        let device = Device::flex();
        Pair {
            a: parameters::ones([2, 3], &device),
            b: parameters::ones([5], &device),
        }
        .train()
    }

    fn values(gradients: &StepGradients, name: &str) -> Vec<f32> {
        let Gradient::Dense(gradient) = gradients.mean[name].clone() else {
            panic!("the gradient of {name} is not dense");
        };
        gradient.into_data().iter::<f32>().collect()
    }

    #[test]
    fn batches_count_by_their_weight_and_a_missing_gradient_as_zero() {
        let pair = pair();
        let mut gradients = StepGradients::default();
        assert!(gradients.is_empty());
        gradients.add(&pair, &pair.a.val().mul_scalar(4.0).sum(), 1.0);
        assert_eq!(values(&gradients, "a"), [4.0; 6]);
        let both = pair.a.val().mul_scalar(8.0).sum() + pair.b.val().sum();
        gradients.add(&pair, &both, 3.0);
        assert_eq!(values(&gradients, "a"), [7.0; 6]);
        assert_eq!(values(&gradients, "b"), [0.75; 5]);
    }

    #[test]
    fn losses_and_norms_come_back_with_their_names() {
        let pair = pair();
        let mut gradients = StepGradients::default();
        gradients.add(&pair, &pair.a.val().mul_scalar(3.0).sum(), 1.0);
        gradients.add(&pair, &pair.b.val().mul_scalar(2.0).sum(), 1.0);
        let numbers = gradients.numbers();
        assert_eq!(numbers.losses, [(18.0, 1.0), (10.0, 1.0)]);
        assert_eq!(numbers.loss(), 14.0);
        // Halves of 3 in six places and of 2 in five.
        let expected = [("a".to_owned(), 13.5), ("b".to_owned(), 5.0)];
        assert_eq!(numbers.squares, expected);
        assert_eq!(numbers.norm(), 18.5f64.sqrt());
    }
}
