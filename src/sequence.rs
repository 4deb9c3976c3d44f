//! Histories of different lengths, stored end to end without padding.

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData};

/// Where each of `n_sequences` sequences starts and ends in the rows of a packed tensor.
///
/// Cheap to clone. A sequence may be empty.
///
/// ```
/// use salient::sequence::Offsets;
///
/// let offsets = Offsets::from_lengths([3, 0, 2]);
/// assert_eq!(offsets.as_slice(), [0, 3, 3, 5]);
/// assert_eq!(offsets.range(2), 3..5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offsets(Arc<[usize]>);

impl Offsets {
    /// Packs sequences of these lengths.
    pub fn from_lengths(lengths: impl IntoIterator<Item = usize>) -> Self {
        let mut end = 0;
        let ends = lengths.into_iter().map(|length| {
            end += length;
            end
        });
        Self(std::iter::once(0).chain(ends).collect())
    }

    /// Packs `n_sequences` sequences of one length, which is how a dense batch lies in memory.
    pub fn uniform(n_sequences: usize, seq_len: usize) -> Self {
        Self::from_lengths(std::iter::repeat_n(seq_len, n_sequences))
    }

    /// The `n_sequences + 1` boundaries: 0, the end of each sequence, and so the number of rows at last.
    pub fn as_slice(&self) -> &[usize] {
        &self.0
    }

    /// Number of sequences.
    pub fn n_sequences(&self) -> usize {
        self.0.len() - 1
    }

    /// Number of rows of all sequences together.
    pub fn n_rows(&self) -> usize {
        self.0[self.n_sequences()]
    }

    /// The rows of one sequence.
    ///
    /// # Panics
    /// If there are no more than `sequence` sequences.
    pub fn range(&self, sequence: usize) -> Range<usize> {
        self.0[sequence]..self.0[sequence + 1]
    }

    /// The rows of each sequence in turn.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = Range<usize>> + '_ {
        self.0.windows(2).map(|pair| pair[0]..pair[1])
    }

    /// The length of each sequence in turn.
    pub fn lengths(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.ranges().map(|range| range.len())
    }

    /// Length of the longest sequence; 0 without sequences.
    pub fn max_len(&self) -> usize {
        self.lengths().max().unwrap_or(0)
    }

    /// The common length of all sequences, if they have one; such rows are a dense batch already.
    pub fn uniform_len(&self) -> Option<usize> {
        let mut lengths = self.lengths();
        let first = lengths.next()?;
        lengths.all(|length| length == first).then_some(first)
    }

    /// The position of each row in its sequence, from 0.
    pub fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        self.lengths().flat_map(|length| 0..length)
    }

    /// The last row of each sequence; `None` for an empty one.
    pub fn last_rows(&self) -> impl ExactSizeIterator<Item = Option<usize>> + '_ {
        self.ranges()
            .map(|range| (!range.is_empty()).then(|| range.end - 1))
    }
}

/// The rows of all sequences of a batch, end to end.
///
/// # Shapes
/// - `rows`: `[offsets.n_rows(), d_model]`
#[derive(Clone, Debug)]
pub struct PackedSequences {
    rows: Tensor<2>,
    offsets: Offsets,
}

impl PackedSequences {
    /// Joins rows with the boundaries of their sequences.
    ///
    /// # Panics
    /// If `rows` has another number of rows than `offsets`.
    pub fn new(rows: Tensor<2>, offsets: Offsets) -> Self {
        let [n_rows, _] = rows.dims();
        assert_eq!(
            n_rows,
            offsets.n_rows(),
            "packed rows must number offsets.n_rows()"
        );
        Self { rows, offsets }
    }

    /// Packs the first `lengths[i]` rows of each sequence of a dense batch.
    ///
    /// # Shapes
    /// - `dense`: `[batch, seq_len, d_model]`
    ///
    /// # Panics
    /// If there is not one length a sequence, or a length exceeds `seq_len`.
    pub fn from_dense(dense: Tensor<3>, lengths: &[usize]) -> Self {
        let [batch, seq_len, d_model] = dense.dims();
        assert_eq!(batch, lengths.len(), "a batch needs one length a sequence");
        assert!(
            lengths.iter().all(|&length| length <= seq_len),
            "a length exceeds seq_len {seq_len}"
        );
        let offsets = Offsets::from_lengths(lengths.iter().copied());
        let rows = dense.reshape([batch * seq_len, d_model]);
        if offsets.n_rows() == batch * seq_len {
            return Self { rows, offsets };
        }
        let kept: Vec<i64> = lengths
            .iter()
            .enumerate()
            .flat_map(|(sequence, &length)| {
                (0..length).map(move |position| (sequence * seq_len + position) as i64)
            })
            .collect();
        let rows = select_rows(rows, kept);
        Self { rows, offsets }
    }

    /// Unpacks to a dense batch as long as the longest sequence, zero where a sequence has ended.
    ///
    /// # Shapes
    /// - returns `[batch, max_len, d_model]`
    pub fn to_dense(&self) -> Tensor<3> {
        let (batch, seq_len) = (self.offsets.n_sequences(), self.offsets.max_len());
        let [n_rows, d_model] = self.rows.dims();
        if n_rows == batch * seq_len {
            return self.rows.clone().reshape([batch, seq_len, d_model]);
        }
        let zero = Tensor::zeros([1, d_model], (&self.rows.device(), self.rows.dtype()));
        let padded = Tensor::cat(vec![self.rows.clone(), zero], 0);
        let index: Vec<i64> = self
            .offsets
            .ranges()
            .flat_map(|range| (0..seq_len).map(move |position| if position < range.len() { range.start + position } else { n_rows } as i64))
            .collect();
        select_rows(padded, index).reshape([batch, seq_len, d_model])
    }

    /// The rows of all sequences.
    pub fn rows(&self) -> Tensor<2> {
        self.rows.clone()
    }

    /// The boundaries of the sequences.
    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    /// The same sequences with other rows, such as the output of a layer.
    ///
    /// # Panics
    /// If `rows` has another number of rows.
    pub fn with_rows(&self, rows: Tensor<2>) -> Self {
        Self::new(rows, self.offsets.clone())
    }

    /// Applies `f` to the rows; `f` must keep their number.
    ///
    /// # Panics
    /// If `f` changes the number of rows.
    pub fn map_rows(self, f: impl FnOnce(Tensor<2>) -> Tensor<2>) -> Self {
        Self::new(f(self.rows), self.offsets)
    }

    /// The sum of the rows of each sequence.
    ///
    /// # Shapes
    /// - returns `[n_sequences, d_model]`, zero for an empty sequence
    pub fn sums(&self) -> Tensor<2> {
        let [n_rows, d_model] = self.rows.dims();
        let (device, dtype) = (self.rows.device(), self.rows.dtype());
        let sums = Tensor::zeros([self.offsets.n_sequences(), d_model], (&device, dtype));
        if n_rows == 0 {
            return sums;
        }
        let owners: Vec<i64> = self
            .offsets
            .lengths()
            .enumerate()
            .flat_map(|(sequence, length)| std::iter::repeat_n(sequence as i64, length))
            .collect();
        let owners = Tensor::<1, Int>::from_data(TensorData::new(owners, [n_rows]), &device);
        sums.select_assign(0, owners, self.rows(), IndexingUpdateOp::Add)
    }

    /// The last row of each sequence, which for a causal encoder knows all of it.
    ///
    /// # Shapes
    /// - returns `[n_sequences, d_model]`, zero for an empty sequence
    pub fn last_rows(&self) -> Tensor<2> {
        let [n_rows, d_model] = self.rows.dims();
        let zero = Tensor::zeros([1, d_model], (&self.rows.device(), self.rows.dtype()));
        let index = self
            .offsets
            .last_rows()
            .map(|row| row.unwrap_or(n_rows) as i64)
            .collect();
        select_rows(Tensor::cat(vec![self.rows.clone(), zero], 0), index)
    }
}

fn select_rows(rows: Tensor<2>, index: Vec<i64>) -> Tensor<2> {
    let device = rows.device();
    let [_, d_model] = rows.dims();
    if index.is_empty() {
        return Tensor::zeros([0, d_model], (&device, rows.dtype()));
    }
    let n = index.len();
    rows.select(
        0,
        Tensor::<1, Int>::from_data(TensorData::new(index, [n]), &device),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_and_unpacking_gives_the_rows_back() {
        let device = burn::tensor::Device::flex();
        let dense = Tensor::<1>::from_floats(
            [
                1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0,
            ],
            &device,
        )
        .reshape([2, 3, 2]);
        let packed = PackedSequences::from_dense(dense, &[1, 3]);
        assert_eq!(packed.offsets().as_slice(), [0, 1, 4]);
        assert_eq!(
            packed.rows().into_data().try_to_vec::<f32>().unwrap(),
            [1., 2., 7., 8., 9., 10., 11., 12.]
        );
        let back = packed.to_dense().into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(back, [1., 2., 0., 0., 0., 0., 7., 8., 9., 10., 11., 12.]);
    }

    #[test]
    fn sums_are_those_of_the_rows_of_each_sequence() {
        let device = burn::tensor::Device::flex();
        let rows = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]], &device);
        let packed = PackedSequences::new(rows, Offsets::from_lengths([2, 0, 1]));
        let sums = packed.sums().into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(sums, [4., 6., 0., 0., 5., 7.]);
        let none = PackedSequences::new(
            Tensor::zeros([0, 2], &device),
            Offsets::from_lengths([0, 0]),
        );
        let sums = none.sums().into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(sums, [0.0; 4]);
    }

    #[test]
    fn an_empty_sequence_has_a_zero_last_row() {
        let device = burn::tensor::Device::flex();
        let rows = Tensor::<1>::from_floats([1.0, 2.0, 3.0, 4.0], &device).reshape([2, 2]);
        let packed = PackedSequences::new(rows, Offsets::from_lengths([0, 2]));
        assert_eq!(
            packed.last_rows().into_data().try_to_vec::<f32>().unwrap(),
            [0., 0., 3., 4.]
        );
    }
}
