//! The sequence model: item and position vectors through an encoder.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Tensor, TensorData};
use rand::RngExt;

use super::attributes::{AttributeEncoder, ItemContent};
use super::config::Similarity;
use super::histories::{Histories, Reading};
use super::user_tokens::{Prefixed, select};
use crate::Error;
use crate::features::{FIRST_REAL_ID, UNKNOWN_ID};
use crate::model::attention::AttentionInput;
use crate::model::embedding::LearnedPositions;
use crate::model::encoder::Encoder;
use crate::model::linear::mapped;
use crate::model::norm::Norm;
use crate::ops::dropout::{Dropout, dropout};
use crate::ops::embedding::embedding;
use crate::ops::layer_norm::rms_norm;
use crate::random::Mode;
use crate::sequence::PackedSequences;

/// Added to the mean square of a vector before it is brought to length 1.
const COSINE_EPSILON: f64 = 1e-12;

/// Reads histories of item numbers and gives, after each event, a vector to score the next item by.
///
/// # Source
/// Kang and McAuley 2018, <https://arxiv.org/abs/1808.09781>. For other recipes and differences see
/// [`NextItemConfig::preset`](super::NextItemConfig::preset).
#[derive(Module, Debug)]
pub struct NextItemModel {
    /// One vector for each item number, hidden and unknown included: `[n_items + 2, d_model]`.
    pub item_embedding: Param<Tensor<2>>,
    /// What is known of items beside their ids.
    pub content: Option<ItemContent>,
    /// One vector for each type of event, the unknown one first: `[n_event_types + 1, d_model]`.
    pub event_embedding: Option<Param<Tensor<2>>>,
    /// The map of an event's weight, `[1, d_model]`.
    pub event_weight: Option<Linear>,
    /// The tokens of what is known of a user.
    pub user_attributes: Option<AttributeEncoder>,
    /// One vector for each position, the last event at the last.
    pub positions: LearnedPositions,
    /// The norm before the first layer.
    pub input_norm: Option<Norm>,
    /// The encoder.
    pub encoder: Encoder,
    /// The table that items are scored by, if it is not the one they are read by: `[n_items, d_model]`.
    pub output_table: Option<Param<Tensor<2>>>,
    pub(super) dropout: f64,
    pub(super) temperature: f64,
    #[module(skip)]
    pub(super) similarity: Similarity,
    #[module(skip)]
    pub(super) reading: Reading,
    /// Catalogue indices of the items that training saw; all if none.
    #[module(skip)]
    pub(super) trained: Option<Arc<[u32]>>,
}

impl NextItemModel {
    /// Most recent events that the model can read.
    pub fn max_len(&self) -> usize {
        self.positions.max_len()
    }

    pub(super) fn reading(&self) -> Reading {
        self.reading
    }

    /// Encodes histories; each row knows its own event and those before it, or all, if the model learns by hiding events.
    ///
    /// # Shapes
    /// - rows of the result: `[n_rows, d_model]`
    ///
    /// # Errors
    /// [`Error::Model`] if a history is longer than [`max_len`](Self::max_len).
    ///
    /// # Panics
    /// If a column has another length than there are events, is missing though the model reads it, or holds a number
    /// beyond its table.
    pub fn forward(&self, histories: &Histories, mode: Mode) -> Result<PackedSequences, Error> {
        let offsets = &histories.offsets;
        let mut rows = self.vectors(&histories.items, mode.child(2));
        if let Some(table) = &self.event_embedding {
            rows = rows
                + embedding(
                    table.val(),
                    read::<Vec<u32>>(&histories.events, "types of event"),
                );
        }
        if let Some(layer) = &self.event_weight {
            rows = rows + weight_vectors(read::<Vec<f32>>(&histories.weights, "weights"), layer);
        }
        let events = self
            .positions
            .forward(PackedSequences::new(rows, offsets.clone()))?;
        let prefixed = self.user_attributes.as_ref().map(|encoder| {
            let attributes = read(&histories.user_attributes, "attributes of users");
            Prefixed::new(&events, encoder, attributes)
        });
        let mut rows = prefixed
            .as_ref()
            .map_or(events, |prefixed| prefixed.sequences.clone());
        if let Some(norm) = &self.input_norm {
            rows = rows.map_rows(|rows| norm.forward(rows));
        }
        if let Some(drop) = Dropout::in_mode(self.dropout, mode.child(0)) {
            rows = rows.map_rows(|rows| dropout(rows, &drop));
        }
        let mut input = AttentionInput::from(rows);
        if self.reading.times {
            let of_rows = |times: &Arc<[i64]>| match &prefixed {
                Some(prefixed) => prefixed.times(times, offsets),
                None => Arc::clone(times),
            };
            input.times_utc_millis = Some(of_rows(read(&histories.times_utc_millis, "times")));
            if self.reading.query_time {
                let times = read(&histories.query_times_utc_millis, "times of queries");
                input.query_times_utc_millis = Some(of_rows(times));
            }
        }
        let encoded = self.encoder.forward(input, mode.child(1));
        Ok(match prefixed {
            Some(prefixed) => {
                let rows = select(encoded.rows(), &prefixed.event_rows);
                PackedSequences::new(rows, offsets.clone())
            }
            None => encoded,
        })
    }

    /// The vectors that items are read by, and scored by unless there is another table.
    ///
    /// # Shapes
    /// - `numbers`: item numbers
    /// - returns `[numbers.len(), d_model]`
    fn vectors(&self, numbers: &[u32], mode: Mode) -> Tensor<2> {
        let Some(content) = &self.content else {
            return embedding(self.item_embedding.val(), &self.rows_of_ids(numbers));
        };
        // An item is fused once, however often it appears.
        let mut distinct = numbers.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let place = |number: &u32| distinct.binary_search(number).unwrap_or_default() as u32;
        let places: Vec<u32> = numbers.iter().map(place).collect();
        let mut ids = self.rows_of_ids(&distinct);
        if let Some(drop) = Dropout::in_mode(content.id_dropout, mode) {
            let mut generator = drop.key.generator();
            for id in ids.iter_mut().filter(|id| **id >= FIRST_REAL_ID) {
                if generator.random_bool(drop.probability) {
                    *id = UNKNOWN_ID;
                }
            }
        }
        let item = |number: &u32| {
            number
                .checked_sub(FIRST_REAL_ID)
                .map(|index| index as usize)
        };
        let items: Vec<Option<usize>> = distinct.iter().map(item).collect();
        let fused = content.fused(embedding(self.item_embedding.val(), &ids), &items);
        embedding(fused, &places)
    }

    /// The row of the table for each item number: that of the unknown item for those that training never saw.
    fn rows_of_ids(&self, numbers: &[u32]) -> Vec<u32> {
        let Some(trained) = &self.trained else {
            return numbers.to_vec();
        };
        let row = |&number: &u32| match number.checked_sub(FIRST_REAL_ID) {
            Some(index) if trained.binary_search(&index).is_err() => UNKNOWN_ID,
            _ => number,
        };
        numbers.iter().map(row).collect()
    }

    /// The vectors that items are scored by, in the order of the catalogue.
    ///
    /// # Shapes
    /// - returns `[n_items, d_model]`, each of length 1 if the model compares by cosine
    pub fn catalogue(&self) -> Tensor<2> {
        let [n_numbers, _] = self.item_embedding.dims();
        let n_items = n_numbers - FIRST_REAL_ID as usize;
        let rows = if let Some(table) = &self.output_table {
            table.val()
        } else if self.content.is_none() && self.trained.is_none() {
            let table = self.item_embedding.val();
            table.narrow(0, FIRST_REAL_ID as usize, n_items)
        } else {
            let numbers: Vec<u32> = (FIRST_REAL_ID..n_numbers as u32).collect();
            self.vectors(&numbers, Mode::Inference)
        };
        self.comparable(rows)
    }

    /// The vectors that some items are scored by.
    ///
    /// # Shapes
    /// - `items`: catalogue indices
    /// - returns `[items.len(), d_model]`
    pub(super) fn scoring_vectors(&self, items: &[u32], mode: Mode) -> Tensor<2> {
        let rows = match &self.output_table {
            Some(table) => embedding(table.val(), items),
            None => {
                let numbers: Vec<u32> = items.iter().map(|item| item + FIRST_REAL_ID).collect();
                self.vectors(&numbers, mode)
            }
        };
        self.comparable(rows)
    }

    /// The vectors that the items that training sees are scored by, and the place of each of `targets` among them.
    pub(super) fn trained_vectors(&self, targets: &[u32], mode: Mode) -> (Tensor<2>, Vec<u32>) {
        match &self.trained {
            None if self.content.is_none() => (self.catalogue(), targets.to_vec()),
            None => {
                let [n_numbers, _] = self.item_embedding.dims();
                let all: Vec<u32> = (0..n_numbers as u32 - FIRST_REAL_ID).collect();
                (self.scoring_vectors(&all, mode), targets.to_vec())
            }
            Some(trained) => {
                // Every target is among them: training data that says otherwise is refused.
                let place = |target: &u32| trained.binary_search(target).unwrap_or_default() as u32;
                (
                    self.scoring_vectors(trained, mode),
                    targets.iter().map(place).collect(),
                )
            }
        }
    }

    /// Encoded rows as they are compared with the vectors that items are scored by.
    pub(super) fn queries(&self, rows: Tensor<2>) -> Tensor<2> {
        let rows = self.comparable(rows);
        match self.temperature {
            1.0 => rows,
            temperature => rows / temperature,
        }
    }

    fn comparable(&self, rows: Tensor<2>) -> Tensor<2> {
        match self.similarity {
            Similarity::DotProduct => rows,
            Similarity::Cosine => {
                let [_, d_model] = rows.dims();
                let options = (&rows.device(), rows.dtype());
                let length = Tensor::full([d_model], (d_model as f64).sqrt().recip(), options);
                rms_norm(rows, length, COSINE_EPSILON)
            }
        }
    }

    /// Puts items of which the model knows nothing, neither events nor content, after all others.
    pub(super) fn put_unknown_last(&self, scores: &mut [f32]) {
        let Some(trained) = self.trained.as_ref().filter(|_| self.content.is_none()) else {
            return;
        };
        let mut known = vec![false; scores.len()];
        trained.iter().for_each(|&item| known[item as usize] = true);
        let unknown = scores.iter_mut().zip(known).filter(|(_, known)| !known);
        unknown.for_each(|(score, _)| *score = f32::MIN);
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
    pub fn logits(&self, histories: &Histories) -> Result<Tensor<2>, Error> {
        self.logits_of(histories, self.catalogue())
    }

    /// The logits against vectors that [`catalogue`](Self::catalogue) gave before.
    pub(super) fn logits_of(
        &self,
        histories: &Histories,
        catalogue: Tensor<2>,
    ) -> Result<Tensor<2>, Error> {
        let last = self.forward(histories, Mode::Inference)?.last_rows();
        Ok(self.queries(last).matmul(catalogue.transpose()))
    }
}

/// A column that the model reads.
#[track_caller]
fn read<'a, T>(column: &'a Option<T>, name: &str) -> &'a T {
    match column {
        Some(column) => column,
        None => panic!("the model reads {name}, which the histories do not have"),
    }
}

/// Events weigh anything from seconds to hours, so their logarithm is read, with its sign.
fn weight_vectors(weights: &[f32], layer: &Linear) -> Tensor<2> {
    let read = weights
        .iter()
        .map(|weight| weight.abs().ln_1p().copysign(*weight));
    let data = TensorData::new(read.collect(), [weights.len(), 1]);
    mapped(Tensor::from_data(data, &layer.weight.device()), layer)
}
