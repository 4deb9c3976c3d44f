//! Between batches with padding and packed rows.

use burn::tensor::Tensor;

use crate::sequence::PackedSequences;

/// Packs a batch, runs `layer` on the rows that are there, and unpacks: zero where there is padding.
pub(crate) fn through_packed(
    dense: Tensor<3>,
    lengths: &[usize],
    layer: impl FnOnce(PackedSequences) -> PackedSequences,
) -> Tensor<3> {
    let [_, seq_len, _] = dense.dims();
    unpack(&layer(PackedSequences::from_dense(dense, lengths)), seq_len)
}

/// Unpacks to a batch of `seq_len` positions, however short the sequences are.
pub(crate) fn unpack(sequences: &PackedSequences, seq_len: usize) -> Tensor<3> {
    let longest = sequences.offsets().max_len();
    let [_, d_model] = sequences.rows().dims();
    let batch = sequences.offsets().n_sequences();
    if longest == 0 {
        return Tensor::zeros([batch, seq_len, d_model], &sequences.rows().device());
    }
    let dense = sequences.to_dense();
    if longest == seq_len {
        return dense;
    }
    let options = (&dense.device(), dense.dtype());
    let padding = Tensor::zeros([batch, seq_len - longest, d_model], options);
    Tensor::cat(vec![dense, padding], 1)
}
