//! What an optimiser remembers, on the device and on the host.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};

use crate::ops::weight_update::Sums;
use crate::parameters::{self, NamedTensor, Parameters};

/// What an optimiser remembers of each weight that ever had a gradient.
#[derive(Debug, Default)]
pub(in crate::training) struct Memory {
    pub(super) of: BTreeMap<String, Remembered>,
}

/// What an optimiser remembers of a weight.
#[derive(Debug)]
pub(super) struct Remembered {
    pub(super) sums: Sums,
    /// Number of gradients.
    pub(super) updates: u64,
}

/// A [`Memory`] on the host.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::training) struct OptimiserState {
    /// First sums; none of a weight of which none are kept.
    pub(in crate::training) first: Parameters,
    pub(in crate::training) second: Parameters,
    pub(in crate::training) updates: BTreeMap<String, u64>,
}

impl Memory {
    /// Reads it to the host.
    pub(in crate::training) fn state(&self) -> OptimiserState {
        let mut state = OptimiserState::default();
        for (name, Remembered { sums, updates }) in &self.of {
            if let Some(first) = &sums.first {
                state.first.insert(name.clone(), read(first));
            }
            state.second.insert(name.clone(), read(&sums.second));
            state.updates.insert(name.clone(), *updates);
        }
        state
    }

    /// A memory in this state. Of a weight without second sums nothing is remembered.
    pub(in crate::training) fn from_state(mut state: OptimiserState, device: &Device) -> Self {
        let of = state.updates.into_iter().filter_map(|(name, updates)| {
            let first = state.first.remove(&name);
            let sums = Sums {
                first: first.map(|first| write(first, device)),
                second: write(state.second.remove(&name)?, device),
            };
            Some((name, Remembered { sums, updates }))
        });
        Self { of: of.collect() }
    }
}

fn read(tensor: &Tensor<1>) -> NamedTensor {
    NamedTensor {
        shape: tensor.dims().to_vec(),
        values: parameters::values(tensor.clone()),
    }
}

fn write(tensor: NamedTensor, device: &Device) -> Tensor<1> {
    let length = tensor.values.len();
    Tensor::from_data(TensorData::new(tensor.values, [length]), device)
}
