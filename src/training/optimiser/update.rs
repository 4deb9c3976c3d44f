//! The walk over a module that moves each weight by its gradient.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;

use super::state::{Memory, Remembered};
use crate::ops::weight_update::{update, update_rows};
use crate::training::TrainingConfig;
use crate::training::gradients::Gradient;

impl Memory {
    /// Updates every weight that has a gradient; the others stay as they are.
    ///
    /// Gradients are multiplied by `scale` first.
    pub(in crate::training) fn update<M: Module>(
        &mut self,
        model: M,
        config: &TrainingConfig,
        learning_rate: f64,
        (gradients, scale): (BTreeMap<String, Gradient>, f64),
    ) -> M {
        model.map(&mut Update {
            path: Vec::new(),
            memory: self,
            gradients,
            scale,
            learning_rate,
            config,
        })
    }
}

struct Update<'a> {
    path: Vec<String>,
    memory: &'a mut Memory,
    gradients: BTreeMap<String, Gradient>,
    scale: f64,
    learning_rate: f64,
    config: &'a TrainingConfig,
}

impl Update<'_> {
    /// Takes a weight without autodiff and returns it without.
    fn moved<const D: usize>(
        &mut self,
        name: String,
        weight: Tensor<D>,
        gradient: Gradient,
    ) -> Tensor<D> {
        let kind = self.config.optimiser;
        let remembered = self.memory.of.remove(&name);
        let Remembered { sums, updates } = remembered.unwrap_or_else(|| {
            let n_weights = weight.dims().iter().product();
            Remembered {
                sums: kind.start(n_weights, &weight.device(), weight.dtype()),
                updates: 0,
            }
        });
        let updates = updates + 1;
        let mut change = kind.change(self.config, self.learning_rate, updates);
        change.scale = self.scale;
        // Vectors are biases and the scales of norms, which decay would pull away from where they do nothing.
        if D > 1 {
            change.kept -= self.learning_rate * self.config.weight_decay;
        }
        let (weight, sums) = match gradient {
            Gradient::Dense(gradient) => update(weight, gradient, sums, &change),
            Gradient::Rows(gradient) => update_rows(weight, &gradient, sums, &change),
        };
        self.memory.of.insert(name, Remembered { sums, updates });
        weight
    }
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let Some(gradient) = self.gradients.remove(&name) else {
            return param;
        };
        param.map(|weight| {
            let weight = weight.without_autodiff();
            self.moved(name, weight, gradient).autodiff().require_grad()
        })
    }
}
