//! From rows to logits.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::config::{CtrNetworkConfig, HistoryUse, InteractionConfig, PenaltyRows};
use super::fields::{FieldEmbeddings, FieldEmbeddingsConfig};
use super::interaction::{Interaction, Purpose};
use super::layout::FieldLayout;
use crate::features::tabular::{EncodedRows, TabularShape};
use crate::model::{ModelError, check};
use crate::parameters;
use crate::random::{Mode, RandomKey};

/// Standard deviation of the first vectors of values, as in FuxiCTR.
const STANDARD_DEVIATION: f64 = 1e-4;

/// Gives each row a logit for each label.
///
/// The vectors of the fields interact as [`InteractionConfig`] says; to their logits come those of single values, if the
/// network has such weights, and a bias.
///
/// ```
/// use burn::tensor::Device;
/// use salient::features::tabular::{CategoryField, EncodedRows, TabularShape};
/// use salient::random::{Mode, RandomKey};
/// use salient::tasks::ctr::{CtrNetwork, CtrNetworkConfig};
///
/// let field = |name: &str, n_values| CategoryField { name: name.to_owned(), n_values };
/// let shape = TabularShape {
///     categories: vec![field("site", 4), field("ad", 9)],
///     labels: vec!["clicked".to_owned()],
///     ..TabularShape::default()
/// };
/// let device = Device::flex();
/// let network = CtrNetwork::init(&CtrNetworkConfig::default(), &shape, RandomKey::new(7), &device)?;
/// let rows = EncodedRows { n_rows: 2, categories: vec![2, 5, 3, 8], ..EncodedRows::default() };
/// assert_eq!(network.forward(&rows, Mode::Inference).dims(), [2, 1]);
/// # Ok::<(), salient::model::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct CtrNetwork {
    /// The vectors of the fields; none in logistic regression.
    pub fields: Option<FieldEmbeddings>,
    /// What becomes of the vectors.
    pub interaction: Option<Interaction>,
    /// The weights of single values, one a label.
    pub first_order: Option<FieldEmbeddings>,
    /// What each logit is where nothing speaks for or against, `[n_labels]`.
    pub bias: Param<Tensor<1>>,
    embedding_penalty: f64,
    #[module(skip)]
    penalty_rows: PenaltyRows,
    #[module(skip)]
    layout: FieldLayout,
    /// Lists that are read.
    #[module(skip)]
    lists: Vec<usize>,
}

impl CtrNetwork {
    /// Draws the weights for rows of a table and puts them on `device`.
    ///
    /// # Errors
    /// [`ModelError::NoFields`], [`ModelError::NoLabels`], [`ModelError::NoHistory`], [`ModelError::NoSuchCategory`],
    /// [`ModelError::MoreValuesThanShared`], [`ModelError::TooManyValues`], [`ModelError::UnknownField`], and, for settings
    /// outside their ranges, [`ModelError::ZeroSize`], [`ModelError::TooSmall`], [`ModelError::NotPositive`],
    /// [`ModelError::Negative`], [`ModelError::DropoutOutOfRange`], [`ModelError::HeadsDoNotDivideModel`].
    pub fn init(
        config: &CtrNetworkConfig,
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

    /// Number of labels.
    pub fn n_labels(&self) -> usize {
        let [n_labels] = self.bias.dims();
        n_labels
    }

    /// The logit of each label of each row.
    ///
    /// # Shapes
    /// - returns `[n_rows, n_labels]`
    ///
    /// # Edge cases
    /// No rows give no logits. A row alone has the logits that it has among others.
    ///
    /// # Panics
    /// If the rows have other fields than the shape that the network was made for, an id is not below the number of values of
    /// its field, or the network tells events apart by their age and the rows have no ages.
    pub fn forward(&self, rows: &EncodedRows, mode: Mode) -> Tensor<2> {
        let bias = self.bias.val();
        let [n_labels] = bias.dims();
        let rows = self.layout.rows(rows);
        if rows.n_rows == 0 {
            return Tensor::zeros([0, n_labels], (&bias.device(), bias.dtype()));
        }
        let interaction = self.interaction.iter().zip(&self.fields);
        let interaction = interaction.map(|(network, fields)| network.forward(&rows, fields, mode));
        let first_order = self.first_order.iter().map(|weights| {
            let weights = weights.tokens(&rows).sum_dim(1);
            weights.reshape([rows.n_rows, n_labels])
        });
        let bias = bias.reshape([1, n_labels]);
        interaction
            .chain(first_order)
            .reduce(|sum, logits| sum + logits)
            .map_or(bias.clone(), |logits| logits + bias)
    }

    /// What the loss gains by the size of the vectors of values: half of `embedding_penalty` times the sum of their squares.
    ///
    /// It counts the values of the batch, once each, or all, as [`PenaltyRows`] says, in the vectors of fields and the
    /// weights of single values alike; maps of numbers do not count.
    ///
    /// # Shapes
    /// - returns `[1]`; `None` if there is no penalty
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn penalty(&self, rows: &EncodedRows) -> Option<Tensor<1>> {
        if self.embedding_penalty == 0.0 {
            return None;
        }
        let named = match self.penalty_rows {
            PenaltyRows::All => None,
            PenaltyRows::Touched => {
                let n_values = self.layout.n_values;
                let named = self.layout.rows(rows).distinct(n_values, &self.lists);
                if named.is_empty() {
                    return None;
                }
                Some(named)
            }
        };
        let parts = [&self.fields, &self.first_order].into_iter().flatten();
        let squares = parts.filter_map(|part| part.sum_of_squares(named.as_deref()));
        let sum = squares.reduce(|sum, squares| sum + squares)?;
        Some(sum * (0.5 * self.embedding_penalty))
    }

    /// What looked at what, where the network has attention whose weights sum to 1: one tensor a layer, `[n_rows, n_heads,
    /// n_tokens, n_tokens]`, query by key.
    ///
    /// Tokens are the fields with values, those with numbers, then lists; a transformer over fields has the vector that asks
    /// before them. In a transformer over histories, one history after the other, tokens are the events and at last the value
    /// in question. Of other networks there is none.
    ///
    /// # Panics
    /// As [`forward`](Self::forward), or if there are no rows.
    pub fn attention_weights(&self, rows: &EncodedRows) -> Vec<Tensor<4>> {
        let rows = self.layout.rows(rows);
        assert!(rows.n_rows > 0, "attention weights need at least one row");
        let interaction = self.interaction.iter().zip(&self.fields);
        interaction
            .flat_map(|(network, fields)| network.weights(&rows, fields))
            .collect()
    }

    /// How much each event of each history counts for the value in question, where events are weighed one by one, as `din`
    /// does: one tensor `[n_events, 1]` a history, the events of all rows end to end.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn history_weights(&self, rows: &EncodedRows) -> Vec<Tensor<2>> {
        let rows = self.layout.rows(rows);
        let interaction = self.interaction.iter().zip(&self.fields);
        interaction
            .flat_map(|(network, fields)| network.history_weights(&rows, fields))
            .collect()
    }

    /// Has the network answer with these shares of positive labels until it has learnt better.
    ///
    /// # Errors
    /// [`ModelError::BaseRateOutOfRange`].
    ///
    /// # Panics
    /// If there is not one rate a label.
    pub fn set_base_rate(mut self, rates: &[f64]) -> Result<Self, ModelError> {
        let [n_labels] = self.bias.dims();
        assert_eq!(rates.len(), n_labels, "each label needs one base rate");
        let log_odds = |(label, &rate): (usize, &f64)| {
            if rate > 0.0 && rate < 1.0 {
                Ok((rate / (1.0 - rate)).ln() as f32)
            } else {
                Err(ModelError::BaseRateOutOfRange { label, rate })
            }
        };
        let log_odds = rates.iter().enumerate().map(log_odds);
        let log_odds = log_odds.collect::<Result<Vec<f32>, _>>()?;
        self.bias = self.bias.map(|old| {
            let data = TensorData::new(log_odds, [n_labels]);
            let new = Tensor::from_data(data, (&old.device(), old.dtype()));
            if old.is_require_grad() {
                new.require_grad()
            } else {
                new
            }
        });
        Ok(self)
    }
}

/// Where values lie, after all that a shape and common settings can do wrong.
fn checked(config: &CtrNetworkConfig, shape: &TabularShape) -> Result<FieldLayout, ModelError> {
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
fn read_lists(config: &CtrNetworkConfig, layout: &FieldLayout) -> (Vec<usize>, Vec<usize>) {
    let read = |list: &usize| config.history == HistoryUse::Read || !layout.is_history(*list);
    let lists: Vec<usize> = (0..layout.n_lists()).filter(read).collect();
    if !config.interaction.attends_to_histories() {
        return (lists.clone(), lists);
    }
    let attended = layout.attended();
    let is_attended = |list: usize| attended.iter().any(|&(history, _)| history == list);
    let with_token = lists.iter().copied().filter(|&list| !is_attended(list));
    let with_token = with_token.collect();
    (lists, with_token)
}

/// Settings of the vectors of fields.
fn field_vectors(
    config: &CtrNetworkConfig,
    n_labels: usize,
    lists: Vec<usize>,
) -> FieldEmbeddingsConfig {
    let bound = 1.0 / (config.d_embedding as f64).sqrt();
    let usual = if config.interaction.norms_tokens() {
        bound / 3.0f64.sqrt()
    } else {
        STANDARD_DEVIATION
    };
    let d_model = match config.interaction {
        // Pairs have no weights but their vectors, so each label has some of its own.
        InteractionConfig::Fm {} => config.d_embedding * n_labels,
        _ => config.d_embedding,
    };
    FieldEmbeddingsConfig {
        d_model,
        standard_deviation: config.embedding_standard_deviation.unwrap_or(usual),
        bound,
        bias: true,
        periodic: config.periodic.clone(),
        lists,
    }
}

/// Settings of the weights of single values.
fn value_weights(
    config: &CtrNetworkConfig,
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
