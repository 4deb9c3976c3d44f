//! A transformer over the history and the field in question.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::deep::{Deep, flat};
use super::fields::FieldEmbeddings;
use super::histories::{WithTarget, age_buckets, places_from_the_end};
use super::layout::{FieldRows, ListRows};
use crate::model::encoder::{Activation, Encoder, EncoderBlockConfig, EncoderConfig, NormOrder};
use crate::model::mlp::MlpConfig;
use crate::model::{ModelError, check};
use crate::ops::embedding::embedding;
use crate::parameters;
use crate::random::{Mode, RandomKey};
use crate::sequence::{Offsets, PackedSequences};

/// Standard deviation of the first vectors of positions, as in BERT.
const STANDARD_DEVIATION: f64 = 0.02;

/// What tells the events of a history apart beside their values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BstPositions {
    /// How many events lie between an event and the value in question.
    #[default]
    Order,
    /// How long ago an event was: below a minute, below two, below four, and so on. Histories must have ages.
    Age,
}

/// Settings of a `Bst`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BstConfig {
    /// Layers; at least 1. Default 1, as in the paper.
    pub n_layers: usize,
    /// Heads a layer, of which the width of a vector must be a multiple; at least 1. Default 8.
    pub n_heads: usize,
    /// Width inside the feed-forward part; at least 1. Default 64.
    pub d_ff: usize,
    /// The non-linear function of the feed-forward part. Default ReLU; the paper has its leaky form.
    pub activation: Activation,
    /// Chance, in `[0, 1)`, that training zeroes a number of a layer. Default 0.2.
    pub dropout: f64,
    /// What tells events apart beside their values. Default their order.
    pub positions: BstPositions,
    /// Positions that are told apart; at least 2. Older events share the last. Default 64.
    pub n_positions: usize,
    /// The network on all vectors. Default 1024, 512 and 256, as in the paper.
    pub mlp: MlpConfig,
}

impl Default for BstConfig {
    fn default() -> Self {
        Self {
            n_layers: 1,
            n_heads: 8,
            d_ff: 64,
            activation: Activation::Relu,
            dropout: 0.2,
            positions: BstPositions::Order,
            n_positions: 64,
            mlp: MlpConfig {
                widths: vec![1024, 512, 256],
                ..MlpConfig::default()
            },
        }
    }
}

/// Reads each history with the value in question at its end by a transformer, takes what that value became, and maps it with
/// all other vectors by an MLP.
///
/// # Source
/// Chen et al. 2019, <https://arxiv.org/abs/1905.06874>. Differences: the MLP reads what the value in question became, not
/// every event, since histories differ in length; vectors of positions are added, not appended; positions by age are powers
/// of two; ReLU, not its leaky form.
#[derive(Module, Debug)]
pub struct Bst {
    /// What reads each history.
    pub readers: Vec<HistoryReader>,
    /// The MLP.
    pub deep: Deep,
    /// Each history with the category that it is asked for.
    #[module(skip)]
    attended: Vec<(usize, usize)>,
}

/// A transformer over a history.
#[derive(Module, Debug)]
pub struct HistoryReader {
    /// One vector for each position, the first for the value in question, `[n_positions, d_token]`.
    pub positions: Param<Tensor<2>>,
    /// The transformer.
    pub encoder: Encoder,
    #[module(skip)]
    kind: BstPositions,
}

impl BstConfig {
    pub(super) fn init(
        &self,
        attended: Vec<(usize, usize)>,
        [n_tokens, d_token, n_labels]: [usize; 3],
        key: RandomKey,
        device: &Device,
    ) -> Result<Bst, ModelError> {
        check::at_least("n_positions", self.n_positions, 2)?;
        let block = EncoderBlockConfig::new(d_token, self.n_heads, self.d_ff)
            .with_norm_order(NormOrder::Post)
            .with_activation(self.activation)
            .with_dropout(self.dropout);
        let encoder = EncoderConfig::new(block, self.n_layers).with_final_norm(false);
        let reader = |index| -> Result<HistoryReader, ModelError> {
            let key = key.child(0).child(index);
            let shape = [self.n_positions, d_token];
            Ok(HistoryReader {
                positions: parameters::normal(shape, STANDARD_DEVIATION, key.child(0), device),
                encoder: encoder.init(key.child(1), device)?,
                kind: self.positions,
            })
        };
        let d_in = (n_tokens + attended.len()) * d_token;
        Ok(Bst {
            readers: (0..attended.len() as u64)
                .map(reader)
                .collect::<Result<_, _>>()?,
            deep: Deep::init(&self.mlp, d_in, n_labels, key.child(1), device)?,
            attended,
        })
    }
}

impl Bst {
    pub(super) fn forward(
        &self,
        tokens: Tensor<3>,
        rows: &FieldRows<'_>,
        fields: &FieldEmbeddings,
        mode: Mode,
    ) -> Tensor<2> {
        let mut all = vec![flat(tokens)];
        for (index, (reader, attended)) in self.readers.iter().zip(&self.attended).enumerate() {
            let &(list, category) = attended;
            let sequences = reader.sequences(&rows.lists[list], &rows.category(category), fields);
            let mode = mode.child(0).child(index as u64);
            all.push(reader.encoder.forward(sequences, mode).last_rows());
        }
        self.deep.forward(Tensor::cat(all, 1), mode.child(1))
    }

    /// What each event looked at in each layer, for each history: `[n_rows, n_heads, max_len, max_len]`, query by key, the
    /// value in question last.
    pub(super) fn weights(&self, rows: &FieldRows<'_>, fields: &FieldEmbeddings) -> Vec<Tensor<4>> {
        let readers = self.readers.iter().zip(&self.attended);
        let weights = readers.flat_map(|(reader, &(list, category))| {
            let sequences = reader.sequences(&rows.lists[list], &rows.category(category), fields);
            let output = reader
                .encoder
                .forward_with_weights(sequences, Mode::Inference);
            output.weights
        });
        weights.collect()
    }
}

impl HistoryReader {
    /// The vectors of the events and of the value in question, with those of their positions.
    fn sequences(
        &self,
        list: &ListRows<'_>,
        targets: &[u32],
        fields: &FieldEmbeddings,
    ) -> PackedSequences {
        let WithTarget { ids, offsets } = WithTarget::new(list, targets);
        let positions = self.positions_of(list, &offsets);
        let rows = fields.vectors(&ids) + embedding(self.positions.val(), &positions);
        PackedSequences::new(rows, offsets)
    }

    /// The position of each event, and 0 for each value in question.
    fn positions_of(&self, list: &ListRows<'_>, offsets: &Offsets) -> Vec<u32> {
        let [n_positions, _] = self.positions.dims();
        match self.kind {
            BstPositions::Order => places_from_the_end(offsets, n_positions),
            BstPositions::Age => {
                let ages = age_buckets(list, n_positions - 1);
                let mut positions = Vec::with_capacity(offsets.n_rows());
                for range in list.offsets.ranges() {
                    positions.extend(ages[range].iter().map(|age| 1 + age));
                    positions.push(0);
                }
                positions
            }
        }
    }
}
