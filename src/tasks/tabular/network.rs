//! From rows to logits.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};

use super::config::PenaltyRows;
use super::fields::FieldEmbeddings;
use super::interaction::Interaction;
use super::layout::FieldLayout;
use crate::features::tabular::EncodedRows;
use crate::model::ModelError;
use crate::random::Mode;

/// Gives each row a logit for each label.
///
/// The vectors of the fields interact as [`InteractionConfig`](super::InteractionConfig) says; to their logits come those of single values, if the
/// network has such weights, and a bias.
///
/// ```
/// use burn::tensor::Device;
/// use salient::features::tabular::{CategoryField, EncodedRows, TabularShape};
/// use salient::random::{Mode, RandomKey};
/// use salient::tasks::tabular::{TabularNetwork, TabularNetworkConfig};
///
/// let field = |name: &str, n_values| CategoryField { name: name.to_owned(), n_values };
/// let shape = TabularShape {
///     categories: vec![field("site", 4), field("ad", 9)],
///     labels: vec!["clicked".to_owned()],
///     ..TabularShape::default()
/// };
/// let device = Device::flex();
/// let network = TabularNetwork::init(&TabularNetworkConfig::default(), &shape, RandomKey::new(7), &device)?;
/// let rows = EncodedRows { n_rows: 2, categories: vec![2, 5, 3, 8], ..EncodedRows::default() };
/// assert_eq!(network.forward(&rows, Mode::Inference).dims(), [2, 1]);
/// # Ok::<(), salient::model::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct TabularNetwork {
    /// The vectors of the fields; none in logistic regression.
    pub fields: Option<FieldEmbeddings>,
    /// What becomes of the vectors.
    pub interaction: Option<Interaction>,
    /// The weights of single values, one a label.
    pub first_order: Option<FieldEmbeddings>,
    /// What each logit is where nothing speaks for or against, `[n_labels]`.
    pub bias: Param<Tensor<1>>,
    pub(super) embedding_penalty: f64,
    #[module(skip)]
    pub(super) penalty_rows: PenaltyRows,
    #[module(skip)]
    pub(super) layout: FieldLayout,
    /// Lists that are read.
    #[module(skip)]
    pub(super) lists: Vec<usize>,
}

impl TabularNetwork {
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
    /// its field, or the network tells events apart by their age and the rows have no ages; with `event_transformer` also if the
    /// histories of a row differ in length. Tables are checked for that before training: see
    /// [`TaskError::Conflict`](crate::tasks::TaskError::Conflict).
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

    /// What the network makes of each row before its logits: one vector, in which rows that it treats alike lie together, as a
    /// segmentation of customers needs.
    ///
    /// It is the vector that the logits of a transformer over all vectors of a row (`ft_transformer`, `event_transformer`) are
    /// read from: what its class token became, or what attention pooled. Weights of single values have no part in it.
    ///
    /// # Shapes
    /// - returns `[n_rows, d_embedding]`; `None` for the other networks, which have no such vector
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use salient::features::tabular::{CategoryField, EncodedRows, TabularShape};
    /// use salient::random::RandomKey;
    /// use salient::tasks::tabular::{
    ///     FtTransformerConfig, InteractionConfig, TabularNetwork, TabularNetworkConfig,
    /// };
    ///
    /// let shape = TabularShape {
    ///     categories: vec![CategoryField { name: "plan".to_owned(), n_values: 4 }],
    ///     labels: vec!["left".to_owned()],
    ///     ..TabularShape::default()
    /// };
    /// let config = TabularNetworkConfig {
    ///     interaction: InteractionConfig::FtTransformer(FtTransformerConfig::default()),
    ///     ..TabularNetworkConfig::default()
    /// };
    /// let network = TabularNetwork::init(&config, &shape, RandomKey::new(7), &Device::flex())?;
    /// let rows = EncodedRows { n_rows: 2, categories: vec![2, 3], ..EncodedRows::default() };
    /// assert_eq!(network.embeddings(&rows).map(|vectors| vectors.dims()), Some([2, 16]));
    /// # Ok::<(), salient::model::ModelError>(())
    /// ```
    pub fn embeddings(&self, rows: &EncodedRows) -> Option<Tensor<2>> {
        let (network, fields) = self.interaction.as_ref().zip(self.fields.as_ref())?;
        let rows = self.layout.rows(rows);
        network.embeddings(&rows, fields)
    }

    /// What the loss gains by the size of the vectors of values: half of `embedding_penalty` times the sum of their squares.
    ///
    /// It counts the values of the batch, "missing" for an empty list included, once each, or all, as [`PenaltyRows`] says, in the vectors of fields and the
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
    /// before them, unless attention pools, whose weights are not among these. A transformer over fields and events has the
    /// events of each row, the oldest first, behind its fields, and zeros where a row has fewer. In a transformer over histories,
    /// one history after the other, tokens are the events and at last the value in question. Of other networks there is none.
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
