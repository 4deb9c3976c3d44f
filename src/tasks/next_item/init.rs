//! The first weights of a model.

use std::sync::Arc;

use burn::tensor::Device;

use super::attributes::{AttributeEncoder, ItemContent};
use super::config::{EncoderLayer, ItemTable, Learning, NextItemConfig};
use super::histories::Reading;
use super::model::NextItemModel;
use crate::Error;
use crate::features::{EncodedAttributes, FIRST_REAL_ID};
use crate::model::attention::{
    PointwiseConfig, RelativePositionBiasConfig, TimeIntervalBiasConfig,
};
use crate::model::embedding::{LearnedPositionsConfig, PositionOrigin};
use crate::model::encoder::{EncoderBlockConfig, EncoderConfig};
use crate::model::linear::linear;
use crate::model::norm::NormConfig;
use crate::ops::attention::Direction;
use crate::parameters;
use crate::random::RandomKey;
use crate::tasks::TaskError;

/// Standard deviation of the first item vectors, as in BERT.
const ITEM_STANDARD_DEVIATION: f64 = 0.02;

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
