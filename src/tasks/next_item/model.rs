//! The sequence model: item and position vectors through an encoder.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::RngExt;

use super::attributes::{AttributeEncoder, ItemContent};
use super::config::{EncoderLayer, ItemTable, Learning, NextItemConfig, Similarity};
use super::histories::{Histories, Reading};
use crate::Error;
use crate::features::{EncodedAttributes, FIRST_REAL_ID, UNKNOWN_ID};
use crate::model::attention::{
    AttentionInput, PointwiseConfig, RelativePositionBiasConfig, TimeIntervalBiasConfig,
};
use crate::model::embedding::{LearnedPositions, LearnedPositionsConfig, PositionOrigin};
use crate::model::encoder::{Encoder, EncoderBlockConfig, EncoderConfig};
use crate::model::linear::{linear, mapped};
use crate::model::norm::{Norm, NormConfig};
use crate::ops::attention::Direction;
use crate::ops::dropout::{Dropout, dropout};
use crate::ops::embedding::embedding;
use crate::ops::layer_norm::rms_norm;
use crate::parameters;
use crate::random::{Mode, RandomKey};
use crate::sequence::{Offsets, PackedSequences};
use crate::tasks::TaskError;

/// Standard deviation of the first item vectors, as in BERT.
const ITEM_STANDARD_DEVIATION: f64 = 0.02;

/// Added to the mean square of a vector before it is brought to length 1.
const COSINE_EPSILON: f64 = 1e-12;

/// Reads histories of item numbers and gives, after each event, a vector to score the next item by.
///
/// # Source
/// Kang and McAuley 2018, <https://arxiv.org/abs/1808.09781>. For other recipes and differences see
/// [`NextItemConfig::preset`].
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
    dropout: f64,
    temperature: f64,
    #[module(skip)]
    similarity: Similarity,
    #[module(skip)]
    reading: Reading,
    /// Catalogue indices of the items that training saw; all if none.
    #[module(skip)]
    trained: Option<Arc<[u32]>>,
}

/// What a model must know of its data.
#[derive(Clone, Debug, Default)]
pub struct ModelInputs {
    /// Size of the catalogue.
    pub n_items: usize,
    /// Number of types of event.
    pub n_event_types: usize,
    /// Catalogue indices, ascending, of the items that training sees; all if none. The others have no vector of their own.
    pub trained: Option<Arc<[u32]>>,
    /// What is known of each item, by catalogue index.
    pub item_content: Option<Arc<EncodedAttributes>>,
    /// Any rows of the attributes of users; their columns count.
    pub user_attributes: Option<EncodedAttributes>,
}

impl From<usize> for ModelInputs {
    fn from(n_items: usize) -> Self {
        Self {
            n_items,
            ..Self::default()
        }
    }
}

impl NextItemModel {
    /// Draws the weights of a model; of the data the size of the catalogue is enough for settings that read no more.
    ///
    /// # Errors
    /// [`Error::Task`], [`Error::Model`] for settings outside their range, or that read what the data does not have.
    pub fn init(
        config: &NextItemConfig,
        inputs: impl Into<ModelInputs>,
        key: RandomKey,
        device: &Device,
    ) -> Result<Self, Error> {
        config.validate()?;
        let inputs = inputs.into();
        let encoder = EncoderConfig::new(block(config), config.n_layers);
        let positions = LearnedPositionsConfig::new(config.max_len, config.d_model)
            .with_origin(PositionOrigin::End);
        let table = |n_rows: usize, part| {
            parameters::normal(
                [n_rows, config.d_model],
                ITEM_STANDARD_DEVIATION,
                key.child(part),
                device,
            )
        };
        let input_norm = config
            .input_norm
            .then(|| NormConfig::new(config.d_model).init(device));
        Ok(Self {
            encoder: encoder.init(key.child(0), device)?,
            positions: positions.init(key.child(1), device)?,
            item_embedding: table(inputs.n_items + FIRST_REAL_ID as usize, 2),
            output_table: (config.item_table == ItemTable::Separate)
                .then(|| table(inputs.n_items, 3)),
            event_embedding: config
                .event_types
                .then(|| table(inputs.n_event_types + 1, 4)),
            event_weight: config
                .event_weights
                .then(|| linear(1, config.d_model, true, key.child(5), device)),
            content: content(config, &inputs, key.child(6), device)?,
            user_attributes: user_attributes(config, &inputs, key.child(7), device)?,
            input_norm: input_norm.transpose()?,
            dropout: config.dropout,
            temperature: config.temperature,
            similarity: config.similarity,
            reading: Reading::new(config),
            trained: inputs.trained,
        })
    }

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

/// A layer of the encoder.
fn block(config: &NextItemConfig) -> EncoderBlockConfig {
    let direction = match config.learning {
        Learning::NextEvent => Direction::Causal,
        Learning::Masked { .. } => Direction::Bidirectional,
    };
    let block = EncoderBlockConfig::new(config.d_model, config.n_heads, config.d_ff)
        .with_dropout(config.dropout)
        .with_direction(direction)
        .with_activation(config.activation)
        .with_relative_position(config.relative_position.then(|| {
            // A bias for each distance that can be: at least the two that a bias needs.
            RelativePositionBiasConfig::new().with_n_buckets(config.max_len.max(2))
        }))
        .with_time_interval(config.time_intervals.then(TimeIntervalBiasConfig::new));
    match config.layer {
        EncoderLayer::Transformer => block,
        EncoderLayer::Ligr => block.with_residual_gate(true),
        // Dropout acts on the weights and on the gated context; what comes out of a layer is added whole.
        EncoderLayer::Hstu => EncoderBlockConfig {
            residual_dropout: 0.0,
            ..block
                .with_pointwise(Some(PointwiseConfig::new(config.max_len)))
                .with_feed_forward(false)
        },
    }
}

fn content(
    config: &NextItemConfig,
    inputs: &ModelInputs,
    key: RandomKey,
    device: &Device,
) -> Result<Option<ItemContent>, Error> {
    let Some(content) = &config.content else {
        return Ok(None);
    };
    let rows = inputs
        .item_content
        .clone()
        .ok_or(TaskError::NoItemContent)?;
    let sizes = (config.d_model, config.n_heads);
    Ok(Some(ItemContent::init(content, sizes, rows, key, device)?))
}

fn user_attributes(
    config: &NextItemConfig,
    inputs: &ModelInputs,
    key: RandomKey,
    device: &Device,
) -> Result<Option<AttributeEncoder>, TaskError> {
    if !config.user_attributes {
        return Ok(None);
    }
    let like = inputs
        .user_attributes
        .as_ref()
        .ok_or(TaskError::NoUserAttributes)?;
    Ok(Some(AttributeEncoder::init(
        like,
        config.d_model,
        key,
        device,
    )))
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

pub(super) fn select(rows: Tensor<2>, index: &[i64]) -> Tensor<2> {
    if index.is_empty() {
        return rows.narrow(0, 0, 0);
    }
    let data = TensorData::new(index.to_vec(), [index.len()]);
    let index = Tensor::<1, Int>::from_data(data, &rows.device());
    rows.select(0, index)
}

/// Histories with the tokens of their users before their events.
struct Prefixed {
    sequences: PackedSequences,
    n_tokens: usize,
    /// Where each event came to lie.
    event_rows: Vec<i64>,
}

impl Prefixed {
    fn new(
        events: &PackedSequences,
        encoder: &AttributeEncoder,
        attributes: &EncodedAttributes,
    ) -> Self {
        let offsets = events.offsets();
        assert_eq!(
            attributes.n_rows,
            offsets.n_sequences(),
            "each history needs one row of user attributes"
        );
        let users: Vec<Option<usize>> = (0..attributes.n_rows).map(Some).collect();
        let tokens = encoder.forward(attributes, &users);
        let (n_tokens, n_users, n_events) = (tokens.len(), users.len(), offsets.n_rows());
        let mut order = Vec::with_capacity(n_events + n_tokens * n_users);
        let mut event_rows = Vec::with_capacity(n_events);
        for (user, range) in offsets.ranges().enumerate() {
            // Token `t` of user `u` is row `t * n_users + u` of the tokens, which follow the events.
            order.extend((0..n_tokens).map(|token| (n_events + token * n_users + user) as i64));
            event_rows.extend((0..range.len()).map(|event| (order.len() + event) as i64));
            order.extend(range.map(|row| row as i64));
        }
        let all = Tensor::cat(std::iter::once(events.rows()).chain(tokens).collect(), 0);
        let lengths = offsets.lengths().map(|length| length + n_tokens);
        Self {
            sequences: PackedSequences::new(select(all, &order), Offsets::from_lengths(lengths)),
            n_tokens,
            event_rows,
        }
    }

    /// The time of each row; a user's tokens are as old as the first event.
    fn times(&self, times: &[i64], offsets: &Offsets) -> Arc<[i64]> {
        let of_history = |range: std::ops::Range<usize>| {
            let first = times[range.clone()].first().copied().unwrap_or_default();
            std::iter::repeat_n(first, self.n_tokens).chain(times[range].iter().copied())
        };
        offsets.ranges().flat_map(of_history).collect()
    }
}
