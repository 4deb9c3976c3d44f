//! Attention with several heads, each looking for something else.

use std::sync::Arc;

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::Tensor;

use super::alignment::{aligned_positions, blind_queries, hidden};
use super::{AttentionInput, AttentionOutput, Pointwise, RelativePositionBias, TimeIntervalBias};
use crate::model::dense::through_packed;
use crate::model::embedding::Rotary;
use crate::model::linear::mapped;
use crate::ops::activation::silu;
use crate::ops::attention::{
    AttentionBias, AttentionForm, AttentionLayout, AttentionOptions, Dropout, Visibility,
    attention, attention_weights,
};
use crate::random::Mode;
use crate::sequence::PackedSequences;

/// The part that drops numbers of a gated context in training; the sequences, whose weights are dropped, count from 0.
const GATED_CONTEXT: u64 = u64::MAX;

/// Mixes each row with what it looks at: rows of its own sequence, or of another.
///
/// `concat(head_1, .., head_n) Output`, `head_i = softmax(Q_i K_iᵀ / sqrt(d_head) + bias_i) V_i`. Where queries and keys
/// come from different sequences, the last query stands at the last key. A [`PointwiseConfig`](super::PointwiseConfig)
/// replaces the softmax and adds a gate; see [`Pointwise`].
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
    /// Gate and norm of pointwise attention.
    pub pointwise: Option<Pointwise>,
    pub(super) rotary: Option<Rotary>,
    pub(super) n_heads: usize,
    pub(super) dropout: f64,
    #[module(skip)]
    pub(super) visibility: Visibility,
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
        let mixed = self.mix(heads, query.sequences.rows(), mode);
        query.sequences.with_rows(mixed)
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
        let mixed = self.mix(heads, query.sequences.rows(), mode);
        AttentionOutput {
            sequences: query.sequences.with_rows(mixed),
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
        let (form, scale) = match &self.pointwise {
            None => (AttentionForm::Softmax, None),
            Some(pointwise) => (pointwise.form(), Some(1.0)),
        };
        let mut heads = Heads {
            query: self.project(&self.query, query.sequences.rows()),
            key: self.project(&self.key, context.sequences.rows()),
            value: self.project(&self.value, context.sequences.rows()),
            options: AttentionOptions {
                visibility: self.visibility,
                form,
                scale,
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

    /// Mixes the heads and joins them; `rows` are those that ask.
    fn mix(&self, heads: Heads, rows: Tensor<2>, mode: Mode) -> Tensor<2> {
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
        let context = match &self.pointwise {
            None => context,
            Some(pointwise) => {
                let drop = Dropout::in_mode(self.dropout, mode.child(GATED_CONTEXT));
                pointwise.gated(context, rows, drop)
            }
        };
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
        let projected = mapped(rows, projection);
        let projected = match self.pointwise {
            None => projected,
            Some(_) => silu(projected),
        };
        projected.reshape(shape)
    }

    fn biases(&self, query: &AttentionInput, context: &AttentionInput) -> Vec<AttentionBias> {
        let by_position = self.relative_position.iter().map(|bias| bias.to_bias());
        let by_time = self
            .time_interval
            .iter()
            .map(|bias| bias.to_bias(query_times(query), times(context)));
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

/// When the rows ask, which is when they happened unless the input says otherwise.
fn query_times(input: &AttentionInput) -> Arc<[i64]> {
    let asked = input.query_times_utc_millis.as_ref();
    asked.map_or_else(|| times(input), Arc::clone)
}

fn times(input: &AttentionInput) -> Arc<[i64]> {
    match &input.times_utc_millis {
        Some(times) => Arc::clone(times),
        None => panic!("a bias by time needs inputs with times: use AttentionInput::with_times"),
    }
}
