//! A rising line through shares of positives.

use serde::{Deserialize, Serialize};

use super::samples::{Sample, Samples};
use crate::evaluation::EvaluationError;

/// A map from logits to probabilities that never falls: linear between points, level beyond the first and the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredMap")]
pub struct IsotonicMap {
    logits: Vec<f64>,
    probabilities: Vec<f64>,
}

impl IsotonicMap {
    /// A map through these points.
    ///
    /// # Errors
    /// [`EvaluationError::NoCases`] without points; [`EvaluationError::RowCount`]; [`EvaluationError::RowOutOfRange`] unless the
    /// logits are finite and ascend and the probabilities lie in `[0, 1]` and never fall.
    pub fn new(logits: Vec<f64>, probabilities: Vec<f64>) -> Result<Self, EvaluationError> {
        if logits.is_empty() {
            return Err(EvaluationError::NoCases);
        }
        if logits.len() != probabilities.len() {
            return Err(EvaluationError::RowCount {
                column: "probabilities".to_owned(),
                found: probabilities.len(),
                expected: logits.len(),
            });
        }
        for row in 0..logits.len() {
            let before = row.checked_sub(1);
            let rises = before.is_none_or(|before| logits[before] < logits[row]);
            if !(logits[row].is_finite() && rises) {
                return Err(EvaluationError::RowOutOfRange {
                    column: "logit",
                    row,
                    value: logits[row],
                    rule: "finite and above the one before",
                });
            }
            let lowest = before.map_or(0.0, |before| probabilities[before]);
            if !(lowest..=1.0).contains(&probabilities[row]) {
                return Err(EvaluationError::RowOutOfRange {
                    column: "probability",
                    row,
                    value: probabilities[row],
                    rule: "between 0 and 1 and not below the one before",
                });
            }
        }
        Ok(Self {
            logits,
            probabilities,
        })
    }

    /// The logits of the points, ascending.
    pub fn logits(&self) -> &[f64] {
        &self.logits
    }

    /// The probabilities of the points, never falling.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// The probability that a logit stands for; NaN for NaN.
    pub fn probability(&self, logit: f64) -> f64 {
        if logit.is_nan() {
            return logit;
        }
        let above = self.logits.partition_point(|&point| point <= logit);
        let last = self.logits.len() - 1;
        if above == 0 {
            return self.probabilities[0];
        }
        if above > last {
            return self.probabilities[last];
        }
        let (x0, x1) = (self.logits[above - 1], self.logits[above]);
        let (y0, y1) = (self.probabilities[above - 1], self.probabilities[above]);
        // Halved, so that the distance of two numbers is one, too.
        let part = (logit / 2.0 - x0 / 2.0) / (x1 / 2.0 - x0 / 2.0);
        (y0 + part * (y1 - y0)).clamp(y0, y1)
    }
}

/// A map as it is stored, not yet checked.
#[derive(Deserialize)]
struct StoredMap {
    logits: Vec<f64>,
    probabilities: Vec<f64>,
}

impl TryFrom<StoredMap> for IsotonicMap {
    type Error = EvaluationError;

    fn try_from(stored: StoredMap) -> Result<Self, EvaluationError> {
        Self::new(stored.logits, stored.probabilities)
    }
}

/// Rows that get one probability.
#[derive(Clone, Copy, Debug)]
struct Block {
    first: f64,
    last: f64,
    weight: f64,
    share: f64,
}

/// The rising map of the lowest weighted squared error, by pooling adjacent violators.
///
/// A block of pooled rows keeps its probability from its first to its last logit; between blocks the map is linear. Of `n`
/// rows no probability is below `1 / (n + 2)` or above 1 less that: a block of one class alone shows no certainty.
///
/// # Source
/// Zadrozny and Elkan 2002, <https://doi.org/10.1145/775047.775151>; pooling as in Barlow et al. 1972; interpolation as
/// scikit-learn's `IsotonicRegression`. Differences: the bounds.
pub(super) fn fit_isotonic(samples: &Samples) -> IsotonicMap {
    let bound = 1.0 / (samples.rows.len() as f64 + 2.0);
    let mut map = IsotonicMap {
        logits: Vec::new(),
        probabilities: Vec::new(),
    };
    for block in pooled(&samples.rows) {
        let probability = block.share.clamp(bound, 1.0 - bound);
        let ends = [block.first, block.last];
        // A block of one logit is one point.
        let n_points = if block.first < block.last { 2 } else { 1 };
        map.logits.extend(&ends[..n_points]);
        map.probabilities.extend(vec![probability; n_points]);
    }
    map
}

fn pooled(rows: &[Sample]) -> Vec<Block> {
    let mut rows = rows.to_vec();
    rows.sort_unstable_by(|left, right| left.logit.total_cmp(&right.logit));
    let mut blocks: Vec<Block> = Vec::new();
    // Rows of one logit have one probability, whatever their order.
    for equal in rows.chunk_by(|left, right| left.logit == right.logit) {
        let weight: f64 = equal.iter().map(|row| row.weight).sum();
        let positive: f64 = equal
            .iter()
            .map(|row| row.weight * f64::from(row.label))
            .sum();
        let mut block = Block {
            first: equal[0].logit,
            last: equal[0].logit,
            weight,
            share: positive / weight,
        };
        while let Some(before) = blocks.pop_if(|before| before.share >= block.share) {
            let weight = before.weight + block.weight;
            let positive = before.weight * before.share + block.weight * block.share;
            block = Block {
                first: before.first,
                last: block.last,
                weight,
                share: positive / weight,
            };
        }
        blocks.push(block);
    }
    blocks
}
