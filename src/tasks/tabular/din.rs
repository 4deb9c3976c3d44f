//! Attention of the field in question to the history of its values.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::deep::{Deep, flat};
use super::fields::FieldEmbeddings;
use super::histories::History;
use super::layout::FieldRows;
use crate::model::ModelError;
use crate::model::attention::{ActivationUnit, ActivationUnitConfig};
use crate::model::mlp::MlpConfig;
use crate::ops::activation::Activation;
use crate::random::{Mode, RandomKey};

/// Settings of a `Din`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DinConfig {
    /// The network that weighs an event of a history for the value in question. Default one layer of 64 with SiLU.
    pub attention: MlpConfig,
    /// The network on all vectors. Default two layers of 400.
    pub mlp: MlpConfig,
}

impl Default for DinConfig {
    fn default() -> Self {
        Self {
            attention: MlpConfig {
                widths: vec![64],
                activation: Activation::Silu,
                ..MlpConfig::default()
            },
            mlp: MlpConfig::default(),
        }
    }
}

/// Sums each history up from the point of view of the value in question, and maps all vectors by an MLP.
///
/// # Source
/// Zhou et al. 2018, <https://arxiv.org/abs/1706.06978>. Differences: see [`ActivationUnit`]; no mini-batch aware
/// regularisation, to which a penalty of the vectors that a batch touches comes near.
#[derive(Module, Debug)]
pub struct Din {
    /// What weighs the events of each history.
    pub units: Vec<ActivationUnit>,
    /// The MLP.
    pub deep: Deep,
    /// Each history with the category that it is asked for.
    #[module(skip)]
    attended: Vec<(usize, usize)>,
}

impl DinConfig {
    pub(super) fn init(
        &self,
        attended: Vec<(usize, usize)>,
        [n_tokens, d_token, n_labels]: [usize; 3],
        key: RandomKey,
        device: &Device,
    ) -> Result<Din, ModelError> {
        let unit = ActivationUnitConfig {
            d_model: d_token,
            mlp: self.attention.clone(),
        };
        let units =
            (0..attended.len() as u64).map(|index| unit.init(key.child(0).child(index), device));
        let d_in = (n_tokens + attended.len()) * d_token;
        Ok(Din {
            units: units.collect::<Result<_, _>>()?,
            deep: Deep::init(&self.mlp, d_in, n_labels, key.child(1), device)?,
            attended,
        })
    }
}

impl Din {
    pub(super) fn forward(
        &self,
        tokens: Tensor<3>,
        rows: &FieldRows<'_>,
        fields: &FieldEmbeddings,
        mode: Mode,
    ) -> Tensor<2> {
        let mut all = vec![flat(tokens)];
        for (index, (unit, &attended)) in self.units.iter().zip(&self.attended).enumerate() {
            let History { targets, events } = History::read(attended, rows, fields);
            all.push(unit.forward(targets, events, mode.child(0).child(index as u64)));
        }
        self.deep.forward(Tensor::cat(all, 1), mode.child(1))
    }

    /// The weight of each event of each history, one tensor `[n_events, 1]` a history.
    pub(super) fn weights(&self, rows: &FieldRows<'_>, fields: &FieldEmbeddings) -> Vec<Tensor<2>> {
        let units = self.units.iter().zip(&self.attended);
        let weights = units.map(|(unit, &attended)| {
            let History { targets, events } = History::read(attended, rows, fields);
            unit.weights(targets, &events, Mode::Inference)
        });
        weights.collect()
    }
}
