//! What attention modules take and return.

use std::sync::Arc;

use burn::tensor::Tensor;

use crate::sequence::PackedSequences;

/// Packed rows, and the time of each where a module biases by time.
///
/// Where there are no times to pass, `PackedSequences` can be passed as it is.
#[derive(Clone, Debug)]
pub struct AttentionInput {
    /// The rows.
    pub sequences: PackedSequences,
    /// When each row happened, in milliseconds UTC.
    pub times_utc_millis: Option<Arc<[i64]>>,
    /// When each row asks, in milliseconds UTC, if that is not when it happened: a bias by time counts from here to the
    /// times of keys. Next-item models put here the time of the event to predict.
    pub query_times_utc_millis: Option<Arc<[i64]>>,
}

impl AttentionInput {
    /// Rows with their times.
    ///
    /// # Panics
    /// If there is not one time a row.
    pub fn with_times(sequences: PackedSequences, times_utc_millis: impl Into<Arc<[i64]>>) -> Self {
        let times_utc_millis = times_utc_millis.into();
        assert_eq!(
            times_utc_millis.len(),
            sequences.offsets().n_rows(),
            "attention needs one time a row"
        );
        Self {
            sequences,
            times_utc_millis: Some(times_utc_millis),
            query_times_utc_millis: None,
        }
    }
}

impl From<PackedSequences> for AttentionInput {
    fn from(sequences: PackedSequences) -> Self {
        Self {
            sequences,
            times_utc_millis: None,
            query_times_utc_millis: None,
        }
    }
}

/// New rows, and what each of them looked at.
#[derive(Clone, Debug)]
pub struct AttentionOutput {
    /// One row a query.
    pub sequences: PackedSequences,
    /// `[n_sequences, n_heads, max_query_len, max_key_len]`: each visible query's weights sum to 1, unless attention is
    /// pointwise, zero where hidden or padded. Dropout leaves them alone.
    pub weights: Tensor<4>,
}

/// One context vector a sequence, and what it was made from.
#[derive(Clone, Debug)]
pub struct ContextOutput {
    /// `[n_sequences, d_model]`, zero for an empty sequence.
    pub context: Tensor<2>,
    /// `[n_sequences, n_heads, max_key_len]`: the weights of a sequence sum to 1, zero where padded. Dropout leaves them
    /// alone.
    pub weights: Tensor<3>,
}

impl From<AttentionOutput> for ContextOutput {
    fn from(output: AttentionOutput) -> Self {
        let [n_sequences, n_heads, _, max_key_len] = output.weights.dims();
        Self {
            context: output.sequences.rows(),
            weights: output.weights.reshape([n_sequences, n_heads, max_key_len]),
        }
    }
}
