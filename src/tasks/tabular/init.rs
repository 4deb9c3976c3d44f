//! The first weights of a network.

use burn::tensor::Device;

use super::config::{HistoryUse, InteractionConfig, TabularNetworkConfig};
use super::fields::FieldEmbeddingsConfig;
use super::interaction::{Interaction, Purpose};
use super::layout::FieldLayout;
use super::network::TabularNetwork;
use crate::features::tabular::TabularShape;
use crate::model::{ModelError, check};
use crate::parameters;
use crate::random::RandomKey;

/// Standard deviation of the first vectors of values, as in FuxiCTR.
const STANDARD_DEVIATION: f64 = 1e-4;

impl TabularNetwork {
    /// Draws the weights for rows of a table and puts them on `device`.
    ///
    /// # Errors
    /// [`ModelError::NoFields`], [`ModelError::NoLabels`], [`ModelError::NoHistory`], [`ModelError::NoEvents`],
    /// [`ModelError::NoSuchCategory`], [`ModelError::MoreValuesThanShared`], [`ModelError::TooManyValues`], [`ModelError::UnknownField`], and, for settings
    /// outside their ranges, [`ModelError::ZeroSize`], [`ModelError::TooSmall`], [`ModelError::NotPositive`],
    /// [`ModelError::Negative`], [`ModelError::DropoutOutOfRange`], [`ModelError::HeadsDoNotDivideModel`].
    pub fn init(
        config: &TabularNetworkConfig,
        shape: &TabularShape,
        key: RandomKey,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let layout = checked(config, shape)?;
        let (lists, with_token) = read_lists(config, &layout);
        if layout.n_categories() + layout.number_widths.len() + lists.len() == 0 {
            let network = config.interaction.name();
            return Err(ModelError::NoFields { network });
        }
        let n_labels = shape.labels.len();
        let purpose = Purpose {
            config,
            shape,
            layout: &layout,
            lists: &with_token,
        };
        let interaction = Interaction::init(&purpose, key.child(0), device)?;
        let fields = interaction.as_ref().map(|_| {
            let fields = field_vectors(config, n_labels, with_token.clone());
            fields.init(&layout, key.child(1), device)
        });
        let has_weights = config.first_order || config.interaction.needs_first_order();
        let first_order = has_weights.then(|| {
            let weights = value_weights(config, n_labels, lists.clone());
            weights.init(&layout, key.child(2), device)
        });
        Ok(Self {
            fields: fields.transpose()?,
            interaction,
            first_order: first_order.transpose()?,
            bias: parameters::zeros([n_labels], device),
            embedding_penalty: config.embedding_penalty,
            penalty_rows: config.penalty_rows,
            layout,
            lists,
        })
    }
}

/// Where values lie, after all that a shape and common settings can do wrong.
fn checked(config: &TabularNetworkConfig, shape: &TabularShape) -> Result<FieldLayout, ModelError> {
    check::positive_size("d_embedding", config.d_embedding)?;
    if let Some(deviation) = config.embedding_standard_deviation {
        check::positive("embedding_standard_deviation", deviation)?;
    }
    check::not_negative("embedding_penalty", config.embedding_penalty)?;
    if shape.labels.is_empty() {
        return Err(ModelError::NoLabels);
    }
    FieldLayout::new(shape)
}

/// The lists that are read, and those of them that have a token.
fn read_lists(config: &TabularNetworkConfig, layout: &FieldLayout) -> (Vec<usize>, Vec<usize>) {
    let read = |list: &usize| config.history == HistoryUse::Read || !layout.is_history(*list);
    let lists: Vec<usize> = (0..layout.n_lists()).filter(read).collect();
    let attended = layout.attended();
    let has_token = |list: &usize| match config.interaction {
        InteractionConfig::Din(_) | InteractionConfig::Bst(_) => {
            attended.iter().all(|(history, _)| history != list)
        }
        InteractionConfig::EventTransformer(_) => !layout.is_history(*list),
        _ => true,
    };
    let with_token = lists.iter().copied().filter(has_token).collect();
    (lists, with_token)
}

/// Settings of the vectors of fields.
fn field_vectors(
    config: &TabularNetworkConfig,
    n_labels: usize,
    lists: Vec<usize>,
) -> FieldEmbeddingsConfig {
    let wide = 1.0 / (config.d_embedding as f64).sqrt();
    let usual = match config.interaction.norms_tokens() {
        true => wide / 3.0f64.sqrt(),
        false => STANDARD_DEVIATION,
    };
    let standard_deviation = config.embedding_standard_deviation.unwrap_or(usual);
    // Pairs have no weights but their vectors: each label has some of its own, and all begin as small as those of values.
    let (d_model, bound) = match config.interaction {
        InteractionConfig::Fm {} => (config.d_embedding * n_labels, standard_deviation),
        _ => (config.d_embedding, wide),
    };
    FieldEmbeddingsConfig {
        d_model,
        standard_deviation,
        bound,
        bias: true,
        periodic: config.periodic.clone(),
        lists,
    }
}

/// Settings of the weights of single values.
fn value_weights(
    config: &TabularNetworkConfig,
    n_labels: usize,
    lists: Vec<usize>,
) -> FieldEmbeddingsConfig {
    let deviation = config.embedding_standard_deviation;
    let standard_deviation = deviation.unwrap_or(STANDARD_DEVIATION);
    FieldEmbeddingsConfig {
        d_model: n_labels,
        standard_deviation,
        bound: standard_deviation,
        bias: false,
        periodic: None,
        lists,
    }
}
