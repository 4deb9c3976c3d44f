//! Attention with several heads, each looking for something else.

use std::sync::Arc;

use burn::config::Config;
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use super::alignment::{aligned_positions, blind_queries, hidden};
use super::{
    AttentionInput, AttentionOutput, RelativePositionBias, RelativePositionBiasConfig,
    TimeIntervalBias, TimeIntervalBiasConfig,
};
use crate::model::dense::through_packed;
use crate::model::embedding::{Rotary, RotaryConfig};
use crate::model::linear::{linear, mapped};
use crate::model::{ModelError, check};
use crate::ops::attention::{
    AttentionBias, AttentionForm, AttentionLayout, AttentionOptions, Direction, Dropout,
    Visibility, attention, attention_weights,
};
use crate::random::{Mode, RandomKey};
use crate::sequence::PackedSequences;

/// Settings of a [`MultiHeadAttention`].
#[derive(Config, Debug)]
pub struct MultiHeadAttentionConfig {
    /// Width of a token vector; a positive multiple of `n_heads`.
    pub d_model: usize,
    /// Number of heads; at least 1. More of them look at more things at once, each with less precision.
    pub n_heads: usize,
    /// Width of the vectors that are looked at, in cross-attention; at least 1. Default: `d_model`.
    pub d_context: Option<usize>,
    /// Chance, in `[0, 1)`, that training zeroes an attention weight. Default 0.1. More of it fits the training data less
    /// closely.
    #[config(default = 0.1)]
    pub dropout: f64,
    /// Whether a row sees what comes after it. Default: it does; next-item models need `Direction::Causal`.
    #[config(default = "Direction::Bidirectional")]
    pub direction: Direction,
    /// Rows that are this many or more positions away stay hidden; at least 1. Default: none, all are seen. Less of it
    /// costs less time on long sequences.
    pub window: Option<usize>,
    /// Turns query and key heads by their positions; `d_model / n_heads` must then be even. Default: none.
    pub rotary: Option<RotaryConfig>,
    /// Learned bias by distance in rows. Default: none.
    pub relative_position: Option<RelativePositionBiasConfig>,
    /// Learned bias by distance in time; inputs must then carry times. Default: none.
    pub time_interval: Option<TimeIntervalBiasConfig>,
    /// Whether the four projections have a bias. Default true.
    #[config(default = true)]
    pub bias: bool,
}

/// Mixes each row with what it looks at: rows of its own sequence, or of another.
///
/// `concat(head_1, .., head_n) Output`, `head_i = softmax(Q_i K_iᵀ / sqrt(d_head) + bias_i) V_i`. Where queries and keys
/// come from different sequences, the last query stands at the last key.
///
/// # Edge cases
/// A query that may see nothing yields a zero vector, without the bias of the output projection.
///
/// # Source
/// Vaswani et al. 2017, section 3.2.2, <https://arxiv.org/abs/1706.03762>. Differences: none.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use salient::model::attention::MultiHeadAttentionConfig;
/// use salient::ops::attention::Direction;
/// use salient::random::{Mode, RandomKey};
/// use salient::sequence::{Offsets, PackedSequences};
///
/// let device = Device::flex();
/// let config = MultiHeadAttentionConfig::new(6, 3).with_direction(Direction::Causal);
/// let attention = config.init(RandomKey::new(7), &device)?;
/// let histories = PackedSequences::new(Tensor::ones([5, 6], &device), Offsets::from_lengths([2, 3]));
/// let output = attention.forward_with_weights(histories, Mode::Inference);
/// assert_eq!(output.sequences.rows().dims(), [5, 6]);
/// assert_eq!(output.weights.dims(), [2, 3, 3, 3]);
/// # Ok::<(), salient::model::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct MultiHeadAttention {
    /// What a row looks for, `[d_model, d_model]`.
    pub query: Linear,
    /// What a row can be found by, `[d_context, d_model]`.
    pub key: Linear,
    /// What a row has to say, `[d_context, d_model]`.
    pub value: Linear,
    /// Joins the heads, `[d_model, d_model]`.
    pub output: Linear,
    /// Learned bias by distance in rows.
    pub relative_position: Option<RelativePositionBias>,
    /// Learned bias by distance in time.
    pub time_interval: Option<TimeIntervalBias>,
    rotary: Option<Rotary>,
    n_heads: usize,
    dropout: f64,
    #[module(skip)]
    visibility: Visibility,
}

impl MultiHeadAttentionConfig {
    /// Draws the weights and puts them on `device`.
    ///
    /// # Errors
    /// [`ModelError::ZeroSize`], [`ModelError::HeadsDoNotDivideModel`], [`ModelError::DropoutOutOfRange`],
    /// [`ModelError::WindowOfZero`], [`ModelError::OddRotaryWidth`], [`ModelError::NotPositive`],
    /// [`ModelError::TooSmall`].
    pub fn init(&self, key: RandomKey, device: &Device) -> Result<MultiHeadAttention, ModelError> {
        let d_head = check::head_width(self.d_model, self.n_heads)?;
        let d_context = self.d_context.unwrap_or(self.d_model);
        check::positive_size("d_context", d_context)?;
        check::dropout("dropout", self.dropout)?;
        check::window(self.window)?;
        let project = |d_in, part| linear(d_in, self.d_model, self.bias, key.child(part), device);
        let rotary = self.rotary.as_ref().map(|config| config.init(d_head));
        let relative_position = self
            .relative_position
            .as_ref()
            .map(|config| config.init(self.n_heads, self.direction, key.child(4), device));
        let time_interval = self
            .time_interval
            .as_ref()
            .map(|config| config.init(self.n_heads, key.child(5), device));
        Ok(MultiHeadAttention {
            query: project(self.d_model, 0),
            key: project(d_context, 1),
            value: project(d_context, 2),
            output: project(self.d_model, 3),
            relative_position: relative_position.transpose()?,
            time_interval: time_interval.transpose()?,
            rotary: rotary.transpose()?,
            n_heads: self.n_heads,
            dropout: self.dropout,
            visibility: Visibility {
                direction: self.direction,
                window: self.window,
            },
        })
    }
}

impl MultiHeadAttention {
    /// Mixes each row with the rows of its own sequence.
    ///
    /// # Shapes
    /// - rows of `input`: `[n_rows, d_model]`
    /// - returns as many rows
    ///
    /// # Panics
    /// If the rows are not `d_model` wide, or the module biases by time and `input` carries no times.
    pub fn forward(&self, input: impl Into<AttentionInput>, mode: Mode) -> PackedSequences {
        let input = input.into();
        self.forward_cross(input.clone(), input, mode)
    }

    /// Mixes as [`forward`](Self::forward) does and also returns what each row looked at.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn forward_with_weights(
        &self,
        input: impl Into<AttentionInput>,
        mode: Mode,
    ) -> AttentionOutput {
        let input = input.into();
        self.forward_cross_with_weights(input.clone(), input, mode)
    }

    /// Mixes each row of a query sequence with the rows of the context sequence that belongs to it.
    ///
    /// # Shapes
    /// - rows of `query`: `[query_rows, d_model]`
    /// - rows of `context`: `[context_rows, d_context]`, in as many sequences
    /// - returns `[query_rows, d_model]`
    ///
    /// # Panics
    /// If a shape above does not hold, or the module biases by time and an input carries no times.
    pub fn forward_cross(
        &self,
        query: impl Into<AttentionInput>,
        context: impl Into<AttentionInput>,
        mode: Mode,
    ) -> PackedSequences {
        let query = query.into();
        let heads = self.heads(&query, &context.into(), mode);
        query.sequences.with_rows(self.mix(heads))
    }

    /// Mixes as [`forward_cross`](Self::forward_cross) does and also returns what each query looked at.
    ///
    /// # Panics
    /// As [`forward_cross`](Self::forward_cross).
    pub fn forward_cross_with_weights(
        &self,
        query: impl Into<AttentionInput>,
        context: impl Into<AttentionInput>,
        mode: Mode,
    ) -> AttentionOutput {
        let query = query.into();
        let heads = self.heads(&query, &context.into(), mode);
        let weights = attention_weights(
            heads.query.clone(),
            heads.key.clone(),
            &heads.layout,
            &heads.options,
        );
        AttentionOutput {
            sequences: query.sequences.with_rows(self.mix(heads)),
            weights,
        }
    }

    /// Mixes a batch with padding: the first `lengths[i]` rows of sequence `i` are there, the rest comes out zero.
    ///
    /// # Shapes
    /// - `dense`: `[batch, seq_len, d_model]`
    /// - returns `[batch, seq_len, d_model]`
    ///
    /// # Panics
    /// If there is not one length a sequence, a length exceeds `seq_len`, or as [`forward`](Self::forward).
    pub fn forward_dense(&self, dense: Tensor<3>, lengths: &[usize], mode: Mode) -> Tensor<3> {
        through_packed(dense, lengths, |packed| self.forward(packed, mode))
    }

    /// Projects the rows to heads.
    fn heads(&self, query: &AttentionInput, context: &AttentionInput, mode: Mode) -> Heads {
        let layout = AttentionLayout {
            query: query.sequences.offsets().clone(),
            key: context.sequences.offsets().clone(),
        };
        let mut heads = Heads {
            query: self.project(&self.query, query.sequences.rows()),
            key: self.project(&self.key, context.sequences.rows()),
            value: self.project(&self.value, context.sequences.rows()),
            options: AttentionOptions {
                visibility: self.visibility,
                form: AttentionForm::Softmax,
                scale: None,
                biases: self.biases(query, context),
                dropout: Dropout::in_mode(self.dropout, mode),
            },
            layout,
        };
        if let Some(rotary) = &self.rotary {
            let (query_positions, key_positions) = aligned_positions(&heads.layout);
            heads.query = rotary.forward(heads.query, &query_positions);
            heads.key = rotary.forward(heads.key, &key_positions);
        }
        heads
    }

    /// Mixes the heads and joins them.
    fn mix(&self, heads: Heads) -> Tensor<2> {
        let [n_rows, n_heads, d_head] = heads.query.dims();
        let blind = blind_queries(&heads.layout, &heads.options.visibility);
        let context = attention(
            heads.query,
            heads.key,
            heads.value,
            &heads.layout,
            &heads.options,
        );
        let context = context.reshape([n_rows, n_heads * d_head]);
        if n_rows == 0 {
            return context;
        }
        let rows = mapped(context, &self.output);
        match blind {
            None => rows,
            Some(blind) => hidden(rows, blind),
        }
    }

    fn project(&self, projection: &Linear, rows: Tensor<2>) -> Tensor<3> {
        let [n_rows, d_in] = rows.dims();
        let [expected, d_model] = projection.weight.dims();
        assert_eq!(
            d_in, expected,
            "attention needs rows of the configured width"
        );
        let shape = [n_rows, self.n_heads, d_model / self.n_heads];
        if n_rows == 0 {
            return Tensor::zeros(shape, (&rows.device(), rows.dtype()));
        }
        mapped(rows, projection).reshape(shape)
    }

    fn biases(&self, query: &AttentionInput, context: &AttentionInput) -> Vec<AttentionBias> {
        let by_position = self.relative_position.iter().map(|bias| bias.to_bias());
        let by_time = self
            .time_interval
            .iter()
            .map(|bias| bias.to_bias(times(query), times(context)));
        by_position.chain(by_time).collect()
    }
}

/// Rows split into heads, with what attention must know of them.
struct Heads {
    query: Tensor<3>,
    key: Tensor<3>,
    value: Tensor<3>,
    layout: AttentionLayout,
    options: AttentionOptions,
}

fn times(input: &AttentionInput) -> Arc<[i64]> {
    match &input.times_utc_millis {
        Some(times) => Arc::clone(times),
        None => panic!("a bias by time needs inputs with times: use AttentionInput::with_times"),
    }
}
