//! Numbers of a field to those that a model reads.

use serde::{Deserialize, Serialize};

use super::config::NumberEncoding;
use super::normal::normal_quantile;
use super::sketch::Sketch;
use crate::writable::writable;

/// The least share that has a normal deviate, about -5.2, as in scikit-learn.
const MIN_SHARE: f64 = 1e-7;

/// How the numbers of a field become those that a model reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Numbers {
    /// Training saw none, so that there is no scale: all are missing.
    NeverSeen,
    /// Less the mean, over the deviation.
    Standard { mean: f64, deviation: f64 },
    /// The same of the signed logarithm.
    Log { mean: f64, deviation: f64 },
    /// The normal deviate of the share below.
    Quantile { quantiles: Vec<f64> },
    /// How full each bin is.
    PiecewiseLinear { edges: Vec<f64> },
}

/// `sign(x) ln(1 + |x|)`.
fn signed_log(number: f64) -> f64 {
    number.signum() * number.abs().ln_1p()
}

/// Learns the numbers of a field.
pub(super) struct NumberLearner {
    encoding: NumberEncoding,
    pub(super) sketch: Sketch,
}

impl NumberLearner {
    pub(super) fn new(field: usize, encoding: NumberEncoding) -> Self {
        Self {
            encoding,
            sketch: Sketch::new(field, encoding.needs_sample()),
        }
    }

    pub(super) fn push(&mut self, number: f64) {
        self.sketch.push(match self.encoding {
            NumberEncoding::Log => signed_log(number),
            _ => number,
        });
    }

    pub(super) fn finish(&mut self) -> Numbers {
        self.rule().unwrap_or(Numbers::NeverSeen)
    }

    fn rule(&mut self) -> Option<Numbers> {
        let (mean, deviation) = self.sketch.scale()?;
        let (mean, deviation) = (writable(mean), writable(deviation));
        Some(match self.encoding {
            NumberEncoding::Standard => Numbers::Standard { mean, deviation },
            NumberEncoding::Log => Numbers::Log { mean, deviation },
            NumberEncoding::Quantile { n_quantiles } => {
                let quantiles = self.sketch.quantiles(n_quantiles)?;
                let quantiles = quantiles.into_iter().map(writable).collect();
                Numbers::Quantile { quantiles }
            }
            NumberEncoding::PiecewiseLinear { n_bins } => {
                let edges = self.sketch.quantiles(n_bins + 1)?;
                let mut edges: Vec<f64> = edges.into_iter().map(writable).collect();
                edges.dedup();
                if let [only] = edges[..] {
                    // One bin of some width, at whose start all numbers are.
                    edges.push(writable(only + only.abs().max(1.0)));
                }
                Numbers::PiecewiseLinear { edges }
            }
        })
    }
}

impl Numbers {
    /// In a few words.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::NeverSeen => "never seen",
            Self::Standard { .. } => "standard",
            Self::Log { .. } => "log",
            Self::Quantile { .. } => "quantile",
            Self::PiecewiseLinear { .. } => "piecewise linear",
        }
    }

    /// Whether it is what a fit can give.
    pub(super) fn is_sound(&self) -> bool {
        let all_finite = |numbers: &[f64]| numbers.iter().all(|number| number.is_finite());
        match self {
            Self::NeverSeen => true,
            Self::Standard { mean, deviation } | Self::Log { mean, deviation } => {
                mean.is_finite() && deviation.is_finite() && *deviation > 0.0
            }
            Self::Quantile { quantiles } => {
                quantiles.len() > 1 && all_finite(quantiles) && quantiles.is_sorted()
            }
            Self::PiecewiseLinear { edges } => {
                edges.len() > 1 && all_finite(edges) && edges.is_sorted_by(|a, b| a < b)
            }
        }
    }

    /// Numbers of a field, the mark for a missing one included.
    pub(super) const fn width(&self) -> usize {
        match self {
            Self::PiecewiseLinear { edges } => edges.len(),
            _ => 2,
        }
    }

    /// Writes what stands for a number, finite however far from what training saw it is.
    pub(super) fn write(&self, number: Option<f64>, out: &mut [f32]) {
        out.fill(0.0);
        let Some((is_missing, out)) = out.split_last_mut() else {
            return;
        };
        let standard = |number: f64, mean: f64, deviation: f64| finite((number - mean) / deviation);
        match (self, number) {
            (Self::NeverSeen, _) | (_, None) => *is_missing = 1.0,
            (Self::Standard { mean, deviation }, Some(x)) => {
                out[0] = standard(x, *mean, *deviation)
            }
            (Self::Log { mean, deviation }, Some(x)) => {
                out[0] = standard(signed_log(x), *mean, *deviation);
            }
            (Self::Quantile { quantiles }, Some(x)) => {
                let share = share_below(quantiles, x).clamp(MIN_SHARE, 1.0 - MIN_SHARE);
                out[0] = finite(normal_quantile(share));
            }
            (Self::PiecewiseLinear { edges }, Some(x)) => {
                let last = out.len() - 1;
                for (index, (bin, full)) in edges.windows(2).zip(out).enumerate() {
                    *full = if x < bin[0] && index > 0 {
                        0.0
                    } else if x >= bin[1] && index < last {
                        1.0
                    } else {
                        finite((x - bin[0]) / (bin[1] - bin[0]))
                    };
                }
            }
        }
    }
}

/// The level of `x` among quantiles at even levels from 0 to 1: linear between neighbours, the middle of equal ones.
fn share_below(quantiles: &[f64], x: f64) -> f64 {
    let last = quantiles.len() - 1;
    let n_below = quantiles.partition_point(|&quantile| quantile < x);
    let n_not_above = quantiles.partition_point(|&quantile| quantile <= x);
    let place = if n_not_above > n_below {
        (n_below + n_not_above - 1) as f64 / 2.0
    } else if n_below == 0 {
        0.0
    } else if n_below > last {
        last as f64
    } else {
        let (low, high) = (quantiles[n_below - 1], quantiles[n_below]);
        (n_below - 1) as f64 + (x - low) / (high - low)
    };
    place / last as f64
}

fn finite(number: f64) -> f32 {
    number.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
}
