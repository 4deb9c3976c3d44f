//! One layer of an encoder: attention, then feed-forward, each around a residual connection.

use std::sync::Arc;

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Tensor, activation::sigmoid};

use super::stochastic_depth::stochastic_depth;
use super::{FeedForward, NormOrder};
use crate::model::attention::{AttentionInput, AttentionOutput, MultiHeadAttention};
use crate::model::dense::through_packed;
use crate::model::linear::mapped;
use crate::model::norm::Norm;
use crate::ops::dropout::{Dropout, dropout, dropout_add};
use crate::random::Mode;
use crate::sequence::{Offsets, PackedSequences};

/// Lets each row look at the rows of its sequence, then thinks about each row alone.
///
/// # Source
/// Vaswani et al. 2017, section 3.1, <https://arxiv.org/abs/1706.03762>; norm before the branch: Xiong et al. 2020,
/// <https://arxiv.org/abs/2002.04745>; stochastic depth: Huang et al. 2016, <https://arxiv.org/abs/1603.09382>, per
/// sequence and enlarged in training rather than shrunk at inference; gates: LiGR, Borisyuk et al. 2025,
/// <https://arxiv.org/abs/2502.03417>, as in eSASRec, Tikhonovich et al. 2025, <https://arxiv.org/abs/2508.06450>, whose
/// bias they share; attention alone: HSTU, see [`Pointwise`](crate::model::attention::Pointwise).
#[derive(Module, Debug)]
pub struct EncoderBlock {
    /// Norm of the attention branch.
    pub attention_norm: Norm,
    /// The attention branch.
    pub attention: MultiHeadAttention,
    /// What a row takes from the attention branch, `[d_model, d_model]`.
    pub attention_gate: Option<Linear>,
    /// Norm of the feed-forward branch.
    pub feed_forward_norm: Option<Norm>,
    /// The feed-forward branch.
    pub feed_forward: Option<FeedForward>,
    /// What a row takes from the feed-forward branch, `[d_model, d_model]`.
    pub feed_forward_gate: Option<Linear>,
    pub(super) residual_dropout: f64,
    pub(super) stochastic_depth: f64,
    #[module(skip)]
    pub(super) norm_order: NormOrder,
}

/// Which part of a block draws random numbers in training.
#[derive(Clone, Copy)]
enum Part {
    Attention,
    AttentionBranch,
    FeedForward,
    FeedForwardBranch,
}

/// What a branch made of the rows, and how it is to be added to them.
struct Branch<'a> {
    made: Tensor<2>,
    gate: Option<&'a Linear>,
    offsets: &'a Offsets,
    mode: Mode,
}

impl EncoderBlock {
    /// Encodes each row in the light of its sequence.
    ///
    /// # Shapes
    /// - rows of `input`: `[n_rows, d_model]`
    /// - returns as many rows
    ///
    /// # Panics
    /// If the rows are not `d_model` wide, or the block biases by time and `input` carries no times.
    pub fn forward(&self, input: impl Into<AttentionInput>, mode: Mode) -> PackedSequences {
        let input = input.into();
        self.run(&input, mode, |normed| {
            let mixed = self
                .attention
                .forward(normed, mode.child(Part::Attention as u64));
            (mixed, ())
        })
        .0
    }

    /// Encodes as [`forward`](Self::forward) does and also returns what each row looked at.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn forward_with_weights(
        &self,
        input: impl Into<AttentionInput>,
        mode: Mode,
    ) -> AttentionOutput {
        let input = input.into();
        let (sequences, weights) = self.run(&input, mode, |normed| {
            let mode = mode.child(Part::Attention as u64);
            let output = self.attention.forward_with_weights(normed, mode);
            (output.sequences, output.weights)
        });
        AttentionOutput { sequences, weights }
    }

    /// Encodes a batch with padding: the first `lengths[i]` rows of sequence `i` are there, the rest comes out zero.
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

    /// Chance that training leaves a branch out for a whole sequence.
    pub fn stochastic_depth(&self) -> f64 {
        self.stochastic_depth
    }

    /// Both branches; `attend` runs the attention, and may return its weights beside the rows.
    fn run<W>(
        &self,
        input: &AttentionInput,
        mode: Mode,
        attend: impl FnOnce(AttentionInput) -> (PackedSequences, W),
    ) -> (PackedSequences, W) {
        let offsets = input.sequences.offsets();
        let rows = input.sequences.rows();
        let inside = self.before(&self.attention_norm, rows.clone());
        let (mixed, weights) = attend(AttentionInput {
            sequences: PackedSequences::new(inside, offsets.clone()),
            times_utc_millis: input.times_utc_millis.as_ref().map(Arc::clone),
            query_times_utc_millis: input.query_times_utc_millis.as_ref().map(Arc::clone),
        });
        let branch = Branch {
            made: mixed.rows(),
            gate: self.attention_gate.as_ref(),
            offsets,
            mode: mode.child(Part::AttentionBranch as u64),
        };
        let rows = self.after(&self.attention_norm, self.joined(rows, branch));
        let rows = match (&self.feed_forward_norm, &self.feed_forward) {
            (Some(norm), Some(layer)) => self.thought(rows, (norm, layer), offsets, mode),
            _ => rows,
        };
        (PackedSequences::new(rows, offsets.clone()), weights)
    }

    /// The rows after the feed-forward branch.
    fn thought(
        &self,
        rows: Tensor<2>,
        (norm, layer): (&Norm, &FeedForward),
        offsets: &Offsets,
        mode: Mode,
    ) -> Tensor<2> {
        let inside = self.before(norm, rows.clone());
        let branch = Branch {
            made: layer.forward(inside, mode.child(Part::FeedForward as u64)),
            gate: self.feed_forward_gate.as_ref(),
            offsets,
            mode: mode.child(Part::FeedForwardBranch as u64),
        };
        self.after(norm, self.joined(rows, branch))
    }

    /// The rows as a branch reads them.
    fn before(&self, norm: &Norm, rows: Tensor<2>) -> Tensor<2> {
        match self.norm_order {
            NormOrder::Pre => norm.forward(rows),
            NormOrder::Post => rows,
        }
    }

    /// The rows after a branch was added.
    fn after(&self, norm: &Norm, rows: Tensor<2>) -> Tensor<2> {
        match self.norm_order {
            NormOrder::Pre => rows,
            NormOrder::Post => norm.forward(rows),
        }
    }

    /// Adds what training does not drop, and a gate lets through, of a branch.
    fn joined(&self, rows: Tensor<2>, branch: Branch<'_>) -> Tensor<2> {
        let Branch {
            made,
            gate,
            offsets,
            mode,
        } = branch;
        let drop = Dropout::in_mode(self.residual_dropout, mode.child(0));
        if self.stochastic_depth == 0.0 && gate.is_none() {
            return match drop {
                Some(drop) => dropout_add(made, rows, &drop),
                None => rows + made,
            };
        }
        let made = match drop {
            Some(drop) => dropout(made, &drop),
            None => made,
        };
        let made = match gate.filter(|_| offsets.n_rows() > 0) {
            Some(gate) => sigmoid(mapped(rows.clone(), gate)) * made,
            None => made,
        };
        rows + stochastic_depth(made, offsets, self.stochastic_depth, mode.child(1))
    }
}
