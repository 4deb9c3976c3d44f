//! Positions as turns of the query and key heads.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Tensor, TensorData};

use crate::model::{ModelError, check};

/// Settings of [`Rotary`].
#[derive(Config, Debug)]
pub struct RotaryConfig {
    /// The slowest pair turns `base` times as slowly as the fastest; positive. Default 10,000. More of it tells apart
    /// positions that are further away.
    #[config(default = 10_000.0)]
    pub base: f64,
}

/// Turns each pair of coordinates of a head by an angle that grows with the position, so that a score depends on how far
/// apart query and key stand; has no weights and no longest sequence.
///
/// `[a, b] -> [a cos t - b sin t, b cos t + a sin t]` with `t = position / base^(2 i / d_head)` for pair `i`.
///
/// # Source
/// Su et al. 2021, <https://arxiv.org/abs/2104.09864>. Difference: pair `i` is coordinates `i` and `i + d_head / 2`, as in
/// GPT-NeoX, not `2 i` and `2 i + 1`; the two differ by a fixed order of the coordinates of a head.
#[derive(Module, Debug)]
pub struct Rotary {
    d_head: usize,
    base: f64,
}

impl RotaryConfig {
    /// Checks the settings for heads of width `d_head`. There is nothing to draw.
    ///
    /// # Errors
    /// [`ModelError::ZeroSize`], [`ModelError::OddRotaryWidth`], [`ModelError::NotPositive`].
    pub fn init(&self, d_head: usize) -> Result<Rotary, ModelError> {
        check::positive_size("d_head", d_head)?;
        check::positive("base", self.base)?;
        if !d_head.is_multiple_of(2) {
            return Err(ModelError::OddRotaryWidth { d_head });
        }
        Ok(Rotary {
            d_head,
            base: self.base,
        })
    }
}

impl Rotary {
    /// Turns each row by its position.
    ///
    /// # Shapes
    /// - `rows`: `[n_rows, n_heads, d_head]`
    /// - `positions`: one a row; only their differences matter to scores, so they may start anywhere
    /// - returns `[n_rows, n_heads, d_head]`
    ///
    /// # Panics
    /// If the heads have another width than the one given to `init`, or there is not one position a row.
    pub fn forward(&self, rows: Tensor<3>, positions: &[i64]) -> Tensor<3> {
        let [n_rows, _, d_head] = rows.dims();
        assert_eq!(
            d_head, self.d_head,
            "rotary positions need heads of width d_head"
        );
        assert_eq!(
            n_rows,
            positions.len(),
            "rotary positions must number the rows"
        );
        let half = d_head / 2;
        let angles: Vec<f64> = positions
            .iter()
            .flat_map(|&position| (0..half).map(move |pair| self.angle(position, pair)))
            .collect();
        let constant = |values: Vec<f64>| {
            let data = TensorData::new(values, [n_rows, 1, half]);
            Tensor::<3>::from_data(data, (&rows.device(), rows.dtype()))
        };
        let cos = constant(angles.iter().map(|angle| angle.cos()).collect());
        let sin = constant(angles.iter().map(|angle| angle.sin()).collect());
        let a = rows.clone().narrow(2, 0, half);
        let b = rows.narrow(2, half, half);
        let turned_a = a.clone() * cos.clone() - b.clone() * sin.clone();
        let turned_b = b * cos + a * sin;
        Tensor::cat(vec![turned_a, turned_b], 2)
    }

    fn angle(&self, position: i64, pair: usize) -> f64 {
        position as f64 / self.base.powf(2.0 * pair as f64 / self.d_head as f64)
    }
}
