//! Between batches with padding and packed rows.

use burn::tensor::{Int, Tensor, TensorData};

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
fn unpack(sequences: &PackedSequences, seq_len: usize) -> Tensor<3> {
    let (rows, offsets) = (sequences.rows(), sequences.offsets());
    let ([n_rows, d_model], batch) = (rows.dims(), offsets.n_sequences());
    let shape = [batch, seq_len, d_model];
    if n_rows == batch * seq_len {
        return rows.reshape(shape);
    }
    let zero = Tensor::zeros([1, d_model], (&rows.device(), rows.dtype()));
    if n_rows == 0 {
        return zero.expand([batch * seq_len, d_model]).reshape(shape);
    }
    let index: Vec<i64> = offsets
        .ranges()
        .flat_map(|range| {
            let padding = seq_len - range.len();
            range.chain(std::iter::repeat_n(n_rows, padding))
        })
        .map(|row| row as i64)
        .collect();
    let index = TensorData::new(index, [batch * seq_len]);
    let index = Tensor::<1, Int>::from_data(index, &rows.device());
    Tensor::cat(vec![rows, zero], 0)
        .select(0, index)
        .reshape(shape)
}
