//! The sequence model: item and position vectors through a causal encoder.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::config::{ItemTable, NextItemConfig};
use crate::Error;
use crate::features::FIRST_REAL_ID;
use crate::model::embedding::{LearnedPositions, LearnedPositionsConfig, PositionOrigin};
use crate::model::encoder::{Encoder, EncoderBlockConfig, EncoderConfig};
use crate::model::norm::{Norm, NormConfig};
use crate::ops::attention::Direction;
use crate::ops::dropout::{Dropout, dropout};
use crate::ops::embedding::embedding;
use crate::parameters;
use crate::random::{Mode, RandomKey};
use crate::sequence::{Offsets, PackedSequences};

/// Standard deviation of the first item vectors, as in BERT.
const ITEM_STANDARD_DEVIATION: f64 = 0.02;

/// Reads histories of item numbers and gives, after each event, a vector to score the next item by.
///
/// # Source
/// Kang and McAuley 2018, <https://arxiv.org/abs/1808.09781>. For differences see [`NextItemConfig::preset`].
#[derive(Module, Debug)]
pub struct NextItemModel {
    /// One vector for each item number, padding and unknown included: `[n_items + 2, d_model]`.
    pub item_embedding: Param<Tensor<2>>,
    /// One vector for each position, the last event at the last.
    pub positions: LearnedPositions,
    /// The norm before the first block.
    pub input_norm: Option<Norm>,
    /// The causal encoder.
    pub encoder: Encoder,
    /// The table that items are scored by, if it is not the one they are read by: `[n_items, d_model]`.
    pub output_table: Option<Param<Tensor<2>>>,
    dropout: f64,
}

impl NextItemModel {
    /// Draws the weights of a model for a catalogue of `n_items`.
    ///
    /// # Errors
    /// [`Error::Task`], [`Error::Model`] for settings outside their range.
    pub fn init(
        config: &NextItemConfig,
        n_items: usize,
        key: RandomKey,
        device: &Device,
    ) -> Result<Self, Error> {
        config.validate()?;
        let block = EncoderBlockConfig::new(config.d_model, config.n_heads, config.d_ff)
            .with_dropout(config.dropout)
            .with_direction(Direction::Causal)
            .with_activation(config.activation);
        let encoder = EncoderConfig::new(block, config.n_layers).init(key.child(0), device)?;
        let positions = LearnedPositionsConfig::new(config.max_len, config.d_model)
            .with_origin(PositionOrigin::End)
            .init(key.child(1), device)?;
        let table = |n_rows: usize, key| {
            parameters::normal(
                [n_rows, config.d_model],
                ITEM_STANDARD_DEVIATION,
                key,
                device,
            )
        };
        let input_norm = config
            .input_norm
            .then(|| NormConfig::new(config.d_model).init(device))
            .transpose()?;
        Ok(Self {
            item_embedding: table(n_items + FIRST_REAL_ID as usize, key.child(2)),
            positions,
            input_norm,
            encoder,
            output_table: (config.item_table == ItemTable::Separate)
                .then(|| table(n_items, key.child(3))),
            dropout: config.dropout,
        })
    }

    /// Most recent events that the model can read.
    pub fn max_len(&self) -> usize {
        self.positions.max_len()
    }

    /// Encodes histories; each row knows its own event and those before it.
    ///
    /// # Shapes
    /// - `items`: one item number for each of `offsets.n_rows()` events
    /// - rows of the result: `[n_rows, d_model]`
    ///
    /// # Errors
    /// [`Error::Model`] if a history is longer than [`max_len`](Self::max_len).
    ///
    /// # Panics
    /// If `items` has another length than `offsets.n_rows()`, or holds a number beyond the table.
    pub fn forward(
        &self,
        items: &[u32],
        offsets: &Offsets,
        mode: Mode,
    ) -> Result<PackedSequences, Error> {
        let rows =
            PackedSequences::new(embedding(self.item_embedding.val(), items), offsets.clone());
        let mut rows = self.positions.forward(rows)?;
        if let Some(norm) = &self.input_norm {
            rows = rows.map_rows(|rows| norm.forward(rows));
        }
        if let Some(drop) = Dropout::in_mode(self.dropout, mode.child(0)) {
            rows = rows.map_rows(|rows| dropout(rows, &drop));
        }
        Ok(self.encoder.forward(rows, mode.child(1)))
    }

    /// The vectors that items are scored by, in the order of the catalogue.
    ///
    /// # Shapes
    /// - returns `[n_items, d_model]`
    pub fn catalogue(&self) -> Tensor<2> {
        match &self.output_table {
            Some(table) => table.val(),
            None => {
                let [n_numbers, _] = self.item_embedding.dims();
                self.item_embedding.val().narrow(
                    0,
                    FIRST_REAL_ID as usize,
                    n_numbers - FIRST_REAL_ID as usize,
                )
            }
        }
    }

    /// The table that items are scored by, and its row of the first item of the catalogue: for losses that read some rows,
    /// which part of a table would make copy all of it.
    pub(super) fn scoring_rows(&self) -> (Tensor<2>, u32) {
        match &self.output_table {
            Some(table) => (table.val(), 0),
            None => (self.item_embedding.val(), FIRST_REAL_ID),
        }
    }

    /// The logit of every item after each history.
    ///
    /// # Shapes
    /// - returns `[n_sequences, n_items]`
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn logits(&self, items: &[u32], offsets: &Offsets) -> Result<Tensor<2>, Error> {
        let last = self.forward(items, offsets, Mode::Inference)?.last_rows();
        Ok(last.matmul(self.catalogue().transpose()))
    }
}
