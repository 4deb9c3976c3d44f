//! Learned biases by distance in rows and in time.

use std::sync::Arc;

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::model::{ModelError, check};
use crate::ops::attention::{AttentionBias, BiasRule, Direction, DistanceBuckets};
use crate::parameters;
use crate::random::RandomKey;

/// Standard deviation of the first biases, that of all first weights in BERT.
const STANDARD_DEVIATION: f64 = 0.02;

/// Settings of a [`RelativePositionBias`].
#[derive(Config, Debug)]
pub struct RelativePositionBiasConfig {
    /// Number of learned biases a head; at least 2. Default 32, as in T5. More of them tell more distances apart.
    #[config(default = 32)]
    pub n_buckets: usize,
    /// With a number, near distances have a bucket each, further ones share buckets that widen up to this distance, and
    /// the last bucket takes the rest. It must exceed the distances with a bucket of their own: `n_buckets / 2`, or
    /// `n_buckets / 4` where both sides are seen. T5 has 128. Default: none, each distance has its own bucket up to the last.
    pub max_distance: Option<usize>,
}

/// Adds to a score a learned number that depends on the head and on how many rows lie between query and key.
///
/// # Source
/// Raffel et al. 2020, <https://arxiv.org/abs/1910.10683>; one bucket a distance: Shaw et al. 2018,
/// <https://arxiv.org/abs/1803.02155>. Difference from T5: every block has its own biases.
#[derive(Module, Debug)]
pub struct RelativePositionBias {
    /// One bias a bucket and head, `[n_buckets, n_heads]`.
    pub table: Param<Tensor<2>>,
    #[module(skip)]
    direction: Direction,
    #[module(skip)]
    buckets: DistanceBuckets,
}

impl RelativePositionBiasConfig {
    /// Draws the biases and puts them on `device`; a causal `direction` has no use for later keys.
    ///
    /// # Errors
    /// [`ModelError::ZeroSize`], [`ModelError::TooSmall`].
    pub fn init(
        &self,
        n_heads: usize,
        direction: Direction,
        key: RandomKey,
        device: &Device,
    ) -> Result<RelativePositionBias, ModelError> {
        check::positive_size("n_heads", n_heads)?;
        check::at_least("relative_position.n_buckets", self.n_buckets, 2)?;
        let buckets = match self.max_distance {
            None => DistanceBuckets::Clipped,
            Some(max_distance) => {
                let n_exact = match direction {
                    Direction::Causal => self.n_buckets / 2,
                    Direction::Bidirectional => self.n_buckets / 4,
                };
                check::at_least("relative_position.max_distance", max_distance, n_exact + 1)?;
                DistanceBuckets::Logarithmic { max_distance }
            }
        };
        let shape = [self.n_buckets, n_heads];
        Ok(RelativePositionBias {
            table: parameters::normal(shape, STANDARD_DEVIATION, key, device),
            direction,
            buckets,
        })
    }
}

impl RelativePositionBias {
    /// The bias as [`attention`](crate::ops::attention::attention) takes it.
    pub fn to_bias(&self) -> AttentionBias {
        AttentionBias {
            table: self.table.val(),
            rule: BiasRule::RelativePosition {
                direction: self.direction,
                buckets: self.buckets,
            },
        }
    }
}

/// Settings of a [`TimeIntervalBias`].
#[derive(Config, Debug)]
pub struct TimeIntervalBiasConfig {
    /// Number of learned biases a head; at least 2. Default 32, which reach 34 years from one second.
    #[config(default = 32)]
    pub n_buckets: usize,
    /// Intervals below this share the first bucket, in milliseconds; at least 1. Each further bucket doubles the interval.
    /// Default 1,000, one second. More of it tells long intervals apart at the cost of short ones.
    #[config(default = 1_000)]
    pub unit_millis: u64,
}

/// Adds to a score a learned number that depends on the head and on how much time lies between query and key.
///
/// # Source
/// Zhai et al. 2024, section 3.1, <https://arxiv.org/abs/2402.17152>. Differences: buckets are powers of two; unless
/// attention is pointwise, a softmax follows.
#[derive(Module, Debug)]
pub struct TimeIntervalBias {
    /// One bias a bucket and head, `[n_buckets, n_heads]`.
    pub table: Param<Tensor<2>>,
    unit_millis: u64,
}

impl TimeIntervalBiasConfig {
    /// Draws the biases and puts them on `device`.
    ///
    /// # Errors
    /// [`ModelError::ZeroSize`], [`ModelError::TooSmall`].
    pub fn init(
        &self,
        n_heads: usize,
        key: RandomKey,
        device: &Device,
    ) -> Result<TimeIntervalBias, ModelError> {
        check::positive_size("n_heads", n_heads)?;
        check::at_least("time_interval.n_buckets", self.n_buckets, 2)?;
        if self.unit_millis == 0 {
            return Err(ModelError::ZeroSize {
                field: "time_interval.unit_millis",
            });
        }
        let shape = [self.n_buckets, n_heads];
        Ok(TimeIntervalBias {
            table: parameters::normal(shape, STANDARD_DEVIATION, key, device),
            unit_millis: self.unit_millis,
        })
    }
}

impl TimeIntervalBias {
    /// The bias as [`attention`](crate::ops::attention::attention) takes it, for these times of queries and keys in
    /// milliseconds UTC.
    pub fn to_bias(&self, query_times: Arc<[i64]>, key_times: Arc<[i64]>) -> AttentionBias {
        AttentionBias {
            table: self.table.val(),
            rule: BiasRule::TimeInterval {
                query_times,
                key_times,
                // Units beyond the range of times put all intervals into the first bucket, as they should.
                unit_millis: i64::try_from(self.unit_millis).unwrap_or(i64::MAX),
            },
        }
    }
}
