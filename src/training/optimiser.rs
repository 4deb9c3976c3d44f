//! AdamW over the named weights of a module.
//!
//! # Source
//! Loshchilov and Hutter 2019, algorithm 2, <https://arxiv.org/abs/1711.05101>. Differences: vectors (biases, norms) do not
//! decay; the running means are kept without their constant factors, which saves two passes over each weight.
//! Why not Burn's optimisers: `docs/decisions/0002-own-optimiser.md`.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};

use super::TrainingConfig;
use crate::parameters::{NamedTensor, Parameters};

/// What AdamW remembers of each weight that ever had a gradient.
#[derive(Debug, Default)]
pub(super) struct Optimiser {
    moments: BTreeMap<String, Moments>,
}

/// Decayed sums over the gradients of one weight, as flat vectors.
#[derive(Debug)]
struct Moments {
    /// Sum of the gradients, each decayed by `beta_1` for every later one.
    first: Tensor<1>,
    /// Sum of the squared gradients, each decayed by `beta_2` for every later one.
    second: Tensor<1>,
    /// Number of gradients.
    updates: u64,
}

/// The state of an [`Optimiser`] on the host.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct OptimiserState {
    pub(super) first: Parameters,
    pub(super) second: Parameters,
    pub(super) updates: BTreeMap<String, u64>,
}

impl Optimiser {
    /// Updates every weight that has a gradient; the others stay as they are.
    ///
    /// `gradients` are flat, and are multiplied by `scale` first.
    pub(super) fn step<M: Module>(
        &mut self,
        model: M,
        config: &TrainingConfig,
        learning_rate: f64,
        (gradients, scale): (BTreeMap<String, Tensor<1>>, f64),
    ) -> M {
        model.map(&mut Update {
            path: Vec::new(),
            moments: &mut self.moments,
            gradients,
            scale,
            learning_rate,
            config,
        })
    }

    /// Reads the state to the host.
    pub(super) fn state(&self) -> OptimiserState {
        let mut state = OptimiserState::default();
        for (name, moments) in &self.moments {
            state.first.insert(name.clone(), read(&moments.first));
            state.second.insert(name.clone(), read(&moments.second));
            state.updates.insert(name.clone(), moments.updates);
        }
        state
    }

    /// An optimiser in this state. Of a weight that is not in all three parts it remembers nothing.
    pub(super) fn from_state(mut state: OptimiserState, device: &Device) -> Self {
        let moments = state.updates.into_iter().filter_map(|(name, updates)| {
            let moments = Moments {
                first: write(state.first.remove(&name)?, device),
                second: write(state.second.remove(&name)?, device),
                updates,
            };
            Some((name, moments))
        });
        Self {
            moments: moments.collect(),
        }
    }
}

fn read(tensor: &Tensor<1>) -> NamedTensor {
    let data = tensor.clone().into_data().convert_dtype(DType::F32);
    NamedTensor {
        shape: tensor.dims().to_vec(),
        values: data.iter::<f32>().collect(),
    }
}

fn write(tensor: NamedTensor, device: &Device) -> Tensor<1> {
    let length = tensor.values.len();
    Tensor::from_data(TensorData::new(tensor.values, [length]), device)
}

struct Update<'a> {
    path: Vec<String>,
    moments: &'a mut BTreeMap<String, Moments>,
    gradients: BTreeMap<String, Tensor<1>>,
    scale: f64,
    learning_rate: f64,
    config: &'a TrainingConfig,
}

impl Update<'_> {
    /// What to take from a weight, decay aside.
    ///
    /// With `m = (1 - b1) M` and `v = (1 - b2) V` for the decayed sums `M` and `V`, Adam's
    /// `rate * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)` is `step * M / (sqrt(V) + floor)`.
    fn change(&mut self, name: &str, gradient: Tensor<1>) -> Tensor<1> {
        let (beta_1, beta_2) = (self.config.beta_1, self.config.beta_2);
        let gradient = if self.scale == 1.0 {
            gradient
        } else {
            gradient.mul_scalar(self.scale)
        };
        let square = gradient.clone().mul(gradient.clone());
        let moments = match self.moments.remove(name) {
            None => Moments {
                first: gradient,
                second: square,
                updates: 1,
            },
            Some(old) => Moments {
                first: old.first.mul_scalar(beta_1).add(gradient),
                second: old.second.mul_scalar(beta_2).add(square),
                updates: old.updates + 1,
            },
        };
        let t = moments.updates as f64;
        let first_factor = (1.0 - beta_1) / (1.0 - beta_1.powf(t));
        let second_factor = ((1.0 - beta_2) / (1.0 - beta_2.powf(t))).sqrt();
        let floor = self.config.epsilon / second_factor;
        let step = self.learning_rate * first_factor / second_factor;
        let change = moments
            .first
            .clone()
            .div(moments.second.clone().sqrt().add_scalar(floor))
            .mul_scalar(step);
        self.moments.insert(name.to_owned(), moments);
        change
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
        let change = self.change(&name, gradient);
        let decay = match D {
            0 | 1 => 0.0,
            _ => self.learning_rate * self.config.weight_decay,
        };
        param.map(|weight| {
            let weight = weight.without_autodiff();
            let shape = weight.dims();
            let kept = if decay == 0.0 {
                weight
            } else {
                weight.mul_scalar(1.0 - decay)
            };
            kept.sub(change.reshape(shape)).autodiff().require_grad()
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;

    use super::*;
    use crate::parameters;

    #[derive(Module, Debug)]
    struct Layer {
        weight: Param<Tensor<2>>,
        bias: Param<Tensor<1>>,
        idle: Param<Tensor<2>>,
    }

    fn layer() -> Layer {
        let device = Device::flex();
        let of = |values: [f32; 6]| {
            let data = TensorData::new(values.to_vec(), [2, 3]);
            Param::from_tensor(Tensor::from_data(data, &device))
        };
        Layer {
            weight: of([0.5, -1.0, 2.0, 0.25, -0.125, 3.0]),
            bias: parameters::ones([5], &device),
            idle: of([1.0; 6]),
        }
        .train()
    }

    /// The gradient of `name` in step `t`, of very different sizes.
    fn gradient(name: &str, t: u64) -> Vec<f64> {
        let n = if name == "weight" { 6 } else { 5 };
        let entry = |i: u64| {
            let wave = ((t * 7 + i * 3) as f64).sin() + 0.3;
            f64::from((wave * 10f64.powi(2 - i as i32 * 2)) as f32)
        };
        (0..n).map(entry).collect()
    }

    fn gradients(t: u64) -> BTreeMap<String, Tensor<1>> {
        let names = ["weight", "bias"].into_iter();
        let tensors = names.map(|name| {
            let values: Vec<f32> = gradient(name, t).iter().map(|&v| v as f32).collect();
            let n = values.len();
            let data = TensorData::new(values, [n]);
            (name.to_owned(), Tensor::from_data(data, &Device::flex()))
        });
        tensors.collect()
    }

    fn config() -> TrainingConfig {
        TrainingConfig {
            weight_decay: 0.1,
            beta_1: 0.8,
            beta_2: 0.95,
            ..TrainingConfig::default()
        }
    }

    /// Algorithm 2 of the paper, as written, in double precision.
    fn reference(
        mut weights: Vec<f64>,
        name: &str,
        steps: u64,
        decay: f64,
        scale: f64,
    ) -> Vec<f64> {
        let config = config();
        let mut m = vec![0.0; weights.len()];
        let mut v = vec![0.0; weights.len()];
        for t in 1..=steps {
            let rate = 0.01 * t as f64;
            for (i, g) in gradient(name, t).into_iter().enumerate() {
                let g = g * scale;
                m[i] = config.beta_1 * m[i] + (1.0 - config.beta_1) * g;
                v[i] = config.beta_2 * v[i] + (1.0 - config.beta_2) * g * g;
                let m_hat = m[i] / (1.0 - config.beta_1.powi(t as i32));
                let v_hat = v[i] / (1.0 - config.beta_2.powi(t as i32));
                weights[i] -= rate * (m_hat / (v_hat.sqrt() + config.epsilon) + decay * weights[i]);
            }
        }
        weights
    }

    fn run(steps: u64, scale: f64) -> (Layer, Optimiser) {
        let (mut model, mut optimiser) = (layer(), Optimiser::default());
        for t in 1..=steps {
            let rate = 0.01 * t as f64;
            model = optimiser.step(model, &config(), rate, (gradients(t), scale));
        }
        (model, optimiser)
    }

    #[test]
    fn steps_are_those_of_the_paper() {
        for scale in [1.0, 0.125] {
            let start = parameters::read(&layer());
            let end = parameters::read(&run(7, scale).0);
            for (name, decay) in [("weight", 0.1), ("bias", 0.0)] {
                let weights = start[name].values.iter().map(|&w| f64::from(w)).collect();
                let expected = reference(weights, name, 7, decay, scale);
                for (found, expected) in end[name].values.iter().zip(expected) {
                    let error = (f64::from(*found) - expected).abs() / expected.abs();
                    assert!(error < 1e-6, "{name}: {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn a_weight_without_gradient_stays_and_remembers_nothing() {
        let (model, optimiser) = run(3, 1.0);
        assert_eq!(parameters::read(&model)["idle"].values, [1.0; 6]);
        assert!(!optimiser.state().updates.contains_key("idle"));
        assert!(model.weight.is_require_grad() && model.idle.is_require_grad());
    }

    #[test]
    fn a_restored_optimiser_goes_on_to_the_last_bit() {
        let (model, mut optimiser) = run(3, 1.0);
        let mut restored = Optimiser::from_state(optimiser.state(), &Device::flex());
        assert_eq!(restored.state(), optimiser.state());
        let step = |optimiser: &mut Optimiser| {
            let model = optimiser.step(model.clone(), &config(), 0.01, (gradients(4), 1.0));
            parameters::read(&model)
        };
        assert_eq!(step(&mut restored), step(&mut optimiser));
        assert_eq!(restored.state(), optimiser.state());
    }
}
