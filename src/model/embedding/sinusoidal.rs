//! A fixed wave vector for each position.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{DType, Device, Tensor, TensorData};

use super::PositionOrigin;
use crate::model::{ModelError, check};
use crate::sequence::{Offsets, PackedSequences};

/// Settings of [`SinusoidalPositions`].
#[derive(Config, Debug)]
pub struct SinusoidalPositionsConfig {
    /// Width of a token vector; at least 1.
    pub d_model: usize,
    /// The slowest wave is `base` times as long as the fastest; positive. Default 10,000. More of it tells apart positions
    /// that are further away.
    #[config(default = 10_000.0)]
    pub base: f64,
    /// From which end positions are counted. Default: the start.
    #[config(default = "PositionOrigin::Start")]
    pub origin: PositionOrigin,
}

/// Adds to each row sines and cosines of its position; has no weights and no longest sequence.
///
/// `vector[2 i] = sin(position / base^(2 i / d_model))`, `vector[2 i + 1]` its cosine. Counted from the end, the last row
/// has position 0.
///
/// # Source
/// Vaswani et al. 2017, section 3.5, <https://arxiv.org/abs/1706.03762>. Differences: an odd `d_model` ends with a sine.
#[derive(Module, Debug)]
pub struct SinusoidalPositions {
    d_model: usize,
    base: f64,
    #[module(skip)]
    origin: PositionOrigin,
}

impl SinusoidalPositionsConfig {
    /// Checks the settings. There is nothing to draw.
    ///
    /// # Errors
    /// [`ModelError::ZeroSize`], [`ModelError::NotPositive`].
    pub fn init(&self) -> Result<SinusoidalPositions, ModelError> {
        check::positive_size("d_model", self.d_model)?;
        check::positive("base", self.base)?;
        Ok(SinusoidalPositions {
            d_model: self.d_model,
            base: self.base,
            origin: self.origin,
        })
    }
}

impl SinusoidalPositions {
    /// The vector of each row.
    ///
    /// # Shapes
    /// - returns `[offsets.n_rows(), d_model]`
    pub fn vectors(&self, offsets: &Offsets, device: &Device) -> Tensor<2> {
        self.vectors_as(offsets, device, DType::F32)
    }

    /// Adds to each row the vector of its position.
    ///
    /// # Panics
    /// If the rows are not `d_model` wide.
    pub fn forward(&self, sequences: PackedSequences) -> PackedSequences {
        let rows = sequences.rows();
        let vectors = self.vectors_as(sequences.offsets(), &rows.device(), rows.dtype());
        sequences.map_rows(|rows| rows + vectors)
    }

    fn vectors_as(&self, offsets: &Offsets, device: &Device, dtype: DType) -> Tensor<2> {
        let mut values = Vec::with_capacity(offsets.n_rows() * self.d_model);
        for seq_len in offsets.lengths() {
            for row in 0..seq_len {
                let position = match self.origin {
                    PositionOrigin::Start => row,
                    PositionOrigin::End => seq_len - 1 - row,
                };
                values.extend((0..self.d_model).map(|i| self.wave(position, i)));
            }
        }
        let data = TensorData::new(values, [offsets.n_rows(), self.d_model]);
        Tensor::from_data(data, (device, dtype))
    }

    fn wave(&self, position: usize, i: usize) -> f64 {
        let exponent = (i - i % 2) as f64 / self.d_model as f64;
        let angle = position as f64 / self.base.powf(exponent);
        if i.is_multiple_of(2) {
            angle.sin()
        } else {
            angle.cos()
        }
    }
}
