//! A transformer over the fields and the events of a row.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::fields::FieldEmbeddings;
use super::ft_transformer::{FtTransformer, FtTransformerConfig};
use super::histories::{age_buckets, places_from_the_end};
use super::layout::FieldRows;
use crate::model::{ModelError, check};
use crate::ops::embedding::embedding;
use crate::parameters;
use crate::random::RandomKey;
use crate::sequence::{Offsets, PackedSequences};

/// Ages that are told apart: below a minute, below two, below four, and so on. The last begins at two thousand years.
const N_AGES: usize = 32;

/// Settings of an `EventTransformer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventTransformerConfig {
    /// The transformer over all vectors. Default that over fields.
    pub transformer: FtTransformerConfig,
    /// Places of events that are told apart, counted from the last event; at least 2. Older events share the last. Default 64.
    /// How many events there are at most is a matter of the table.
    pub n_positions: usize,
}

impl Default for EventTransformerConfig {
    fn default() -> Self {
        Self {
            transformer: FtTransformerConfig::default(),
            n_positions: 64,
        }
    }
}

/// Puts a vector for each event behind those of the fields, lets all look at each other, and reads the logits as
/// [`FtTransformer`] does.
///
/// The histories of a row are what is known of its events: an event is the sum of the vectors of its values in all of them, of
/// its place from the end and of its age. Nothing is padded, so that a row costs what it has.
///
/// # Edge cases
/// A row without events has the logits that an [`FtTransformer`] without histories gives it.
///
/// # Source
/// Gorishniy et al. 2021, <https://arxiv.org/abs/2106.11959>, for the fields; Devlin et al. 2019, section 3.2, sums of vectors,
/// <https://arxiv.org/abs/1810.04805>, for the events. Differences: see [`FtTransformer`]; ages are those of
/// [`time_bucket`](crate::ops::attention::time_bucket).
#[derive(Module, Debug)]
pub struct EventTransformer {
    /// What reads fields and events.
    pub transformer: FtTransformer,
    /// What makes a vector of each event; none where histories are not read.
    pub events: Option<EventTokens>,
}

/// One vector for each event of a row.
#[derive(Module, Debug)]
pub struct EventTokens {
    /// One vector for each place from the end, `[n_positions, d_token]`.
    pub positions: Param<Tensor<2>>,
    /// One vector for each age, `[n_ages, d_token]`.
    pub ages: Param<Tensor<2>>,
    /// What is known of events, at least one list.
    #[module(skip)]
    histories: Vec<usize>,
}

impl EventTransformerConfig {
    /// `histories` is empty where they are not read.
    pub(super) fn init(
        &self,
        histories: Vec<usize>,
        d_token: usize,
        n_labels: usize,
        key: RandomKey,
        device: &Device,
    ) -> Result<EventTransformer, ModelError> {
        check::at_least("n_positions", self.n_positions, 2)?;
        let transformer = self
            .transformer
            .init(d_token, n_labels, key.child(0), device)?;
        // As large as the vectors of values, so that order shows from the start.
        let bound = 1.0 / (d_token as f64).sqrt();
        let vectors = |n, part| parameters::uniform([n, d_token], bound, key.child(part), device);
        let events = (!histories.is_empty()).then(|| EventTokens {
            positions: vectors(self.n_positions, 1),
            ages: vectors(N_AGES, 2),
            histories,
        });
        Ok(EventTransformer {
            transformer,
            events,
        })
    }
}

impl EventTransformer {
    /// The vectors of each row: the one that asks, if one does, then those of fields, then those of events, the oldest first.
    pub(super) fn sequences(
        &self,
        rows: &FieldRows<'_>,
        fields: &FieldEmbeddings,
    ) -> PackedSequences {
        let of_fields = self.transformer.sequences(rows, fields);
        match &self.events {
            Some(events) => joined(of_fields, events.sequences(rows, fields)),
            None => of_fields,
        }
    }
}

impl EventTokens {
    /// The vectors of the events of each row.
    ///
    /// # Panics
    /// If the histories of a row differ in length, or have no ages.
    fn sequences(&self, rows: &FieldRows<'_>, fields: &FieldEmbeddings) -> PackedSequences {
        let histories = || self.histories.iter().map(|&list| &rows.lists[list]);
        let Some(first) = histories().next() else {
            unreachable!("events are of at least one history");
        };
        let offsets = &first.offsets;
        for history in histories() {
            assert_eq!(
                history.offsets, *offsets,
                "the histories of a row must be equally long: each value is of one event"
            );
        }
        let [n_positions, _] = self.positions.dims();
        let places = places_from_the_end(offsets, n_positions);
        let vectors = embedding(self.positions.val(), &places)
            + embedding(self.ages.val(), &age_buckets(first, N_AGES));
        let vectors = histories().fold(vectors, |sum, history| sum + fields.vectors(&history.ids));
        PackedSequences::new(vectors, offsets.clone())
    }
}

/// The rows of each sequence of `first`, and behind them those of `second`.
fn joined(first: PackedSequences, second: PackedSequences) -> PackedSequences {
    let n_first = first.offsets().n_rows();
    if second.offsets().n_rows() == 0 {
        return first;
    }
    if n_first == 0 {
        return second;
    }
    let ranges = || first.offsets().ranges().zip(second.offsets().ranges());
    let order = ranges().flat_map(|(a, b)| a.chain(n_first + b.start..n_first + b.end));
    let order: Vec<u32> = order.map(|row| row as u32).collect();
    let offsets = Offsets::from_lengths(ranges().map(|(a, b)| a.len() + b.len()));
    let rows = Tensor::cat(vec![first.rows(), second.rows()], 0);
    PackedSequences::new(embedding(rows, &order), offsets)
}
