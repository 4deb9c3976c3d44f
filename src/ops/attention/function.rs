//! The public functions.

use burn::tensor::Tensor;

use super::{AttentionForm, AttentionLayout, AttentionOptions, BiasRule, composite};

/// Mixes each query with the values of the keys it may see.
///
/// `softmax(Q Kᵀ scale + biases) V`, or another [`AttentionForm`], for each sequence and head, over the keys that
/// [`Visibility`](super::Visibility) shows. Queries and keys may differ in number: cross-attention, or one query for
/// many keys.
///
/// The CPU kernel (Flex, 32 bits) works on the packed rows and never holds more than a tile of weights. The composite,
/// which serves all else, pads sequences to the longest and holds all weights, under autodiff several times.
///
/// # Shapes
/// - `query`: `[query_rows, n_heads, d_head]`, where `query_rows` is `layout.query.n_rows()`
/// - `key`, `value`: `[key_rows, n_heads, d_head]`, where `key_rows` is `layout.key.n_rows()`
/// - returns `[query_rows, n_heads, d_head]`
///
/// # Edge cases
/// A query that sees nothing yields a zero vector with zero gradient, never NaN and never an average of padding. A
/// sequence may be empty. Scores of any finite size are safe.
///
/// # Panics
/// If a shape above does not hold, the layout's two sides differ in their number of sequences, a bias table has no rows
/// or not one column a head, times do not number the rows, a time unit is less than 1, a dropout probability lies
/// outside `[0, 1)`, or a divisor is not a finite number above 0.
///
/// # Source
/// Vaswani et al. 2017, section 3.2.1, <https://arxiv.org/abs/1706.03762>. Differences: additive biases; rows packed.
///
/// ```
/// use burn::tensor::Tensor;
/// use salient::ops::attention::{AttentionLayout, AttentionOptions, Visibility, attention};
/// use salient::sequence::Offsets;
///
/// let device = salient::device::pick("auto")?;
/// let layout = AttentionLayout::self_attention(Offsets::from_lengths([2, 0, 1]));
/// let options = AttentionOptions {
///     visibility: Visibility::causal(),
///     ..AttentionOptions::default()
/// };
/// // Three rows, one head of width 2. The first query of a causal sequence sees its own value alone.
/// let rows = Tensor::<3>::from_data([[[1.0, 0.0]], [[0.0, 1.0]], [[3.0, 4.0]]], &device);
/// let context = attention(rows.clone(), rows.clone(), rows, &layout, &options);
/// let context: Vec<f32> = context.into_data().iter().collect();
/// assert_eq!((&context[..2], &context[4..]), (&[1.0, 0.0][..], &[3.0, 4.0][..]));
/// # Ok::<(), salient::device::DeviceError>(())
/// ```
pub fn attention(
    query: Tensor<3>,
    key: Tensor<3>,
    value: Tensor<3>,
    layout: &AttentionLayout,
    options: &AttentionOptions,
) -> Tensor<3> {
    assert_shapes(&query, &key, layout, options);
    assert_eq!(value.dims(), key.dims(), "value must have the shape of key");
    if query.dims().contains(&0) {
        return query;
    }
    if layout.key.n_rows() == 0 {
        return query.zeros_like();
    }
    dispatch(query, key, value, layout, options)
}

/// Runs the kernel if there is one for these tensors and options, else the composite.
fn dispatch(
    query: Tensor<3>,
    key: Tensor<3>,
    value: Tensor<3>,
    layout: &AttentionLayout,
    options: &AttentionOptions,
) -> Tensor<3> {
    #[cfg(feature = "flex")]
    {
        use crate::ops::cpu::runs_here;
        let biases_here = options.biases.iter().all(|bias| runs_here(&bias.table));
        if biases_here && runs_here(&query) && runs_here(&key) && runs_here(&value) {
            return super::flex::attention(query, key, value, layout, options);
        }
    }
    composite::attention(query, key, value, layout, options)
}

/// The weight of each key in the answer to each query, for those who want to look at them.
///
/// [`attention`] itself never holds all of them if a kernel can avoid it. They are the weights before dropout: with
/// [`AttentionForm::Softmax`] each row sums to 1, or to 0 if its query sees nothing.
///
/// # Shapes
/// - `query`, `key`: as in [`attention`]
/// - returns `[n_sequences, n_heads, max_query_len, max_key_len]`, zero past the end of a sequence
///
/// # Panics
/// As [`attention`].
pub fn attention_weights(
    query: Tensor<3>,
    key: Tensor<3>,
    layout: &AttentionLayout,
    options: &AttentionOptions,
) -> Tensor<4> {
    assert_shapes(&query, &key, layout, options);
    let [_, n_heads, _] = query.dims();
    let (max_query, max_key) = (layout.query.max_len(), layout.key.max_len());
    if n_heads * max_query * max_key == 0 {
        let shape = [layout.n_sequences(), n_heads, max_query, max_key];
        return Tensor::zeros(shape, (&query.device(), query.dtype()));
    }
    composite::weights(query, key, layout, options)
}

#[track_caller]
fn assert_shapes(
    query: &Tensor<3>,
    key: &Tensor<3>,
    layout: &AttentionLayout,
    options: &AttentionOptions,
) {
    let [query_rows, n_heads, d_head] = query.dims();
    let [key_rows, ..] = key.dims();
    assert_eq!(
        layout.query.n_sequences(),
        layout.key.n_sequences(),
        "queries and keys must have as many sequences"
    );
    assert_eq!(
        query_rows,
        layout.query.n_rows(),
        "query rows must number layout.query.n_rows()"
    );
    assert_eq!(
        key_rows,
        layout.key.n_rows(),
        "key rows must number layout.key.n_rows()"
    );
    assert_eq!(
        key.dims(),
        [key_rows, n_heads, d_head],
        "query and key must agree in heads and width"
    );
    for bias in &options.biases {
        let [n_buckets, bias_heads] = bias.table.dims();
        assert!(n_buckets > 0, "a bias table needs at least one bucket");
        assert_eq!(bias_heads, n_heads, "a bias table needs one column a head");
        if let BiasRule::TimeInterval {
            query_times,
            key_times,
            unit_millis,
        } = &bias.rule
        {
            assert_eq!(
                query_times.len(),
                query_rows,
                "each query row needs one time"
            );
            assert_eq!(key_times.len(), key_rows, "each key row needs one time");
            assert!(
                *unit_millis >= 1,
                "a time unit of {unit_millis} ms is less than 1 ms"
            );
        }
    }
    if let Some(dropout) = &options.dropout {
        dropout.assert_valid();
    }
    if let AttentionForm::Pointwise { divisor } = options.form {
        assert!(
            divisor.is_finite() && divisor > 0.0,
            "a divisor of {divisor} is not a finite number above 0"
        );
    }
}
