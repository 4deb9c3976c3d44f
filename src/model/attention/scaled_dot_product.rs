//! The formula of attention, on dense heads.

use burn::tensor::Tensor;

use crate::ops::attention::{AttentionLayout, AttentionOptions, attention};
use crate::sequence::{Offsets, PackedSequences};

/// Mixes each query with the values of the keys it may see.
///
/// `softmax(Q Kᵀ / sqrt(d_head)) V`
///
/// On packed rows, use [`attention`](crate::ops::attention::attention) itself, and
/// [`attention_weights`](crate::ops::attention::attention_weights) for the weights.
///
/// # Shapes
/// - `query`: `[batch, n_heads, query_len, d_head]`
/// - `key`, `value`: `[batch, n_heads, key_len, d_head]`
/// - `key_lengths`: how many keys of each sequence are there, the rest is padding; all of them if `None`
/// - returns `[batch, n_heads, query_len, d_head]`
///
/// # Edge cases
/// A query that may see nothing yields a zero vector, never NaN and never an average of padding. With `key_lengths`, the
/// last query stands at the last key that is there.
///
/// # Panics
/// If a shape above does not hold.
///
/// # Source
/// Vaswani et al. 2017, section 3.2.1, <https://arxiv.org/abs/1706.03762>. Differences: none.
pub fn scaled_dot_product_attention(
    query: Tensor<4>,
    key: Tensor<4>,
    value: Tensor<4>,
    key_lengths: Option<&[usize]>,
    options: &AttentionOptions,
) -> Tensor<4> {
    let [batch, n_heads, query_len, d_head] = query.dims();
    let [key_batch, key_heads, key_len, _] = key.dims();
    assert_eq!(
        [key_batch, key_heads],
        [batch, n_heads],
        "key must have the batch and the heads of query"
    );
    assert_eq!(key.dims(), value.dims(), "value must have the shape of key");
    let all = vec![key_len; batch];
    let key_lengths = key_lengths.unwrap_or(&all);
    let layout = AttentionLayout {
        query: Offsets::uniform(batch, query_len),
        key: Offsets::from_lengths(key_lengths.iter().copied()),
    };
    let query_lengths = vec![query_len; batch];
    let context = attention(
        pack(query, &query_lengths),
        pack(key, key_lengths),
        pack(value, key_lengths),
        &layout,
        options,
    );
    context
        .reshape([batch, query_len, n_heads, d_head])
        .swap_dims(1, 2)
}

/// Dense heads to packed rows of heads.
fn pack(heads: Tensor<4>, lengths: &[usize]) -> Tensor<3> {
    let [batch, n_heads, seq_len, d_head] = heads.dims();
    let dense = heads
        .swap_dims(1, 2)
        .reshape([batch, seq_len, n_heads * d_head]);
    let rows = PackedSequences::from_dense(dense, lengths).rows();
    let [n_rows, _] = rows.dims();
    rows.reshape([n_rows, n_heads, d_head])
}
