//! A learned vector for each position.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::PositionOrigin;
use crate::model::{ModelError, check};
use crate::parameters;
use crate::random::RandomKey;
use crate::sequence::{Offsets, PackedSequences};

/// Settings of [`LearnedPositions`].
#[derive(Config, Debug)]
pub struct LearnedPositionsConfig {
    /// Length of the longest sequence, in rows; at least 1.
    pub max_len: usize,
    /// Width of a token vector; at least 1.
    pub d_model: usize,
    /// From which end positions are counted. Default: the end.
    #[config(default = "PositionOrigin::End")]
    pub origin: PositionOrigin,
    /// Standard deviation of the first vectors; positive. Default 0.02, as in BERT.
    #[config(default = 0.02)]
    pub standard_deviation: f64,
}

/// Adds a learned vector to each row, one a position.
///
/// Counted from the start, row `i` of a sequence takes vector `i` of the table. Counted from the end, the last row takes
/// the last vector, as if the sequence were padded on the left to `max_len`; so the table of a model that pads on the left
/// can be used as it is.
///
/// # Source
/// Devlin et al. 2019, <https://arxiv.org/abs/1810.04805>; counted from the end: Kang and McAuley 2018,
/// <https://arxiv.org/abs/1808.09781>. Differences: none.
#[derive(Module, Debug)]
pub struct LearnedPositions {
    /// One vector a position, `[max_len, d_model]`.
    pub table: Param<Tensor<2>>,
    #[module(skip)]
    origin: PositionOrigin,
}

impl LearnedPositionsConfig {
    /// Draws the vectors from a normal distribution and puts them on `device`.
    ///
    /// # Errors
    /// [`ModelError::ZeroSize`], [`ModelError::NotPositive`].
    pub fn init(&self, key: RandomKey, device: &Device) -> Result<LearnedPositions, ModelError> {
        check::positive_size("max_len", self.max_len)?;
        check::positive_size("d_model", self.d_model)?;
        check::positive("standard_deviation", self.standard_deviation)?;
        let shape = [self.max_len, self.d_model];
        Ok(LearnedPositions {
            table: parameters::normal(shape, self.standard_deviation, key, device),
            origin: self.origin,
        })
    }
}

impl LearnedPositions {
    /// Length of the longest sequence that has positions.
    pub fn max_len(&self) -> usize {
        let [max_len, _] = self.table.dims();
        max_len
    }

    /// The vector of each row.
    ///
    /// # Shapes
    /// - returns `[offsets.n_rows(), d_model]`
    ///
    /// # Errors
    /// [`ModelError::SequenceTooLong`].
    pub fn vectors(&self, offsets: &Offsets) -> Result<Tensor<2>, ModelError> {
        let max_len = self.max_len();
        let mut index = Vec::with_capacity(offsets.n_rows());
        for (sequence, seq_len) in offsets.lengths().enumerate() {
            if seq_len > max_len {
                return Err(ModelError::SequenceTooLong {
                    sequence,
                    seq_len,
                    max_len,
                });
            }
            let first = match self.origin {
                PositionOrigin::Start => 0,
                PositionOrigin::End => max_len - seq_len,
            };
            index.extend((first..first + seq_len).map(|position| position as i64));
        }
        let table = self.table.val();
        let n_rows = index.len();
        if n_rows == 0 {
            return Ok(table.slice([0..0]));
        }
        let index = Tensor::<1, Int>::from_data(TensorData::new(index, [n_rows]), &table.device());
        Ok(table.select(0, index))
    }

    /// Adds to each row the vector of its position.
    ///
    /// # Errors
    /// [`ModelError::SequenceTooLong`].
    ///
    /// # Panics
    /// If the rows are not `d_model` wide.
    pub fn forward(&self, sequences: PackedSequences) -> Result<PackedSequences, ModelError> {
        let vectors = self.vectors(sequences.offsets())?;
        Ok(sequences.map_rows(|rows| rows + vectors))
    }
}
