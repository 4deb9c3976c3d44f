//! Whether events happen as often as predicted.

use serde::{Deserialize, Serialize};

use super::blocks::{Blocks, ScoreBlock, blocks_of, totals};
use super::proper_scores::no_weight;
use super::{CalibrationBins, ClassificationCases};
use crate::evaluation::normal::normal_quantile;
use crate::evaluation::{EvaluationError, Interval};

/// Rows of similar predictions, and how many of them are positive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// The lowest prediction.
    pub low: f64,
    /// The highest prediction.
    pub high: f64,
    /// Number of rows with a weight above 0.
    pub n_rows: usize,
    /// The mean prediction.
    pub mean_prediction: f64,
    /// The share of positives.
    pub positive_share: f64,
    /// Where the share may lie: Wilson's interval.
    pub interval: Interval,
}

/// The mean over bins, by their weight, of the distance between mean prediction and share of positives.
///
/// # Edge cases
/// Above 0 even for perfect probabilities, because the share of a bin of `n` rows is off by about `sqrt(p (1 - p) / n)`.
///
/// # Errors
/// [`EvaluationError::SettingOutOfRange`] for no bins; [`EvaluationError::NoWeight`].
///
/// # Source
/// Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning",
/// <https://doi.org/10.1609/aaai.v29i1.9602>. Differences: bins of equal mass, too, as in Nguyen and O'Connor 2015,
/// <https://arxiv.org/abs/1508.05154>; of the probability of the event, not of the class thought likelier.
pub fn expected_calibration_error(
    cases: &ClassificationCases,
    bins: CalibrationBins,
) -> Result<f64, EvaluationError> {
    bins.check()?;
    let blocks = blocks_of(cases);
    let found = calibration_error_of(&blocks, &bins.assign(&blocks), bins.n_bins());
    found.ok_or_else(|| no_weight(cases))
}

/// Mean prediction and share of positives of each bin that has a weight, the lowest predictions first, with the Wilson
/// interval that holds the true share with chance `level`.
///
/// # Edge cases
/// With weights the interval is that of `(sum w)² / sum w²` rows (Kish 1965).
///
/// # Errors
/// [`EvaluationError::SettingOutOfRange`] for no bins; [`EvaluationError::LevelOutOfRange`].
///
/// # Source
/// Wilson 1927, <https://doi.org/10.1080/01621459.1927.10502953>. Differences: none.
pub fn reliability_curve(
    cases: &ClassificationCases,
    bins: CalibrationBins,
    level: f64,
) -> Result<Vec<ReliabilityBin>, EvaluationError> {
    bins.check()?;
    if !(level > 0.0 && level < 1.0) {
        return Err(EvaluationError::LevelOutOfRange { level });
    }
    Ok(curve_of(cases, &Blocks::new(cases), bins, level))
}

impl CalibrationBins {
    /// The bin of each block. The blocks fall, the bins rise with the prediction.
    pub(super) fn assign(self, blocks: &[ScoreBlock]) -> Vec<usize> {
        let (positive, negative) = totals(blocks);
        let (total, last) = (positive + negative, self.n_bins().saturating_sub(1));
        let mut above = 0.0;
        let bin_of = |block: &ScoreBlock| {
            let part = match self {
                Self::EqualWidth(_) => block.probability,
                // Where the middle of the block lies among all weight, from below.
                Self::EqualMass(_) => 1.0 - (above + block.weight() / 2.0) / total,
            };
            above += block.weight();
            ((part * self.n_bins() as f64) as usize).min(last)
        };
        blocks.iter().map(bin_of).collect()
    }
}

pub(super) fn calibration_error_of(
    blocks: &[ScoreBlock],
    bin_of: &[usize],
    n_bins: usize,
) -> Option<f64> {
    let (positive, negative) = totals(blocks);
    let mut excess = vec![0.0; n_bins];
    for (block, &bin) in blocks.iter().zip(bin_of) {
        excess[bin] += block.positive - block.weight() * block.probability;
    }
    let sum: f64 = excess.iter().map(|excess: &f64| excess.abs()).sum();
    (positive + negative > 0.0).then(|| sum / (positive + negative))
}

/// What a bin is made of.
#[derive(Clone, Copy, Debug)]
struct Pile {
    low: f64,
    high: f64,
    n_rows: usize,
    weight: f64,
    squared_weight: f64,
    positive: f64,
    prediction: f64,
}

const NO_ROWS: Pile = Pile {
    low: f64::INFINITY,
    high: f64::NEG_INFINITY,
    n_rows: 0,
    weight: 0.0,
    squared_weight: 0.0,
    positive: 0.0,
    prediction: 0.0,
};

pub(super) fn curve_of(
    cases: &ClassificationCases,
    blocks: &Blocks,
    bins: CalibrationBins,
    level: f64,
) -> Vec<ReliabilityBin> {
    let bin_of = bins.assign(&blocks.tally(|row| cases.weight(row)));
    let mut piles = vec![NO_ROWS; bins.n_bins()];
    for row in (0..cases.n_rows()).filter(|&row| cases.weight(row) > 0.0) {
        let (probability, weight) = (cases.probabilities()[row], cases.weight(row));
        let pile = &mut piles[bin_of[blocks.block_of(row)]];
        pile.low = pile.low.min(probability);
        pile.high = pile.high.max(probability);
        pile.n_rows += 1;
        pile.weight += weight;
        pile.squared_weight += weight * weight;
        pile.positive += weight * f64::from(cases.labels()[row]);
        pile.prediction += weight * probability;
    }
    let filled = piles.iter().filter(|pile| pile.n_rows > 0);
    filled.map(|pile| pile.bin(level)).collect()
}

impl Pile {
    fn bin(&self, level: f64) -> ReliabilityBin {
        let positive_share = self.positive / self.weight;
        let n_equal_rows = self.weight * (self.weight / self.squared_weight);
        ReliabilityBin {
            low: self.low,
            high: self.high,
            n_rows: self.n_rows,
            // Rounding may leave the mean of equal numbers a little beside them.
            mean_prediction: (self.prediction / self.weight).clamp(self.low, self.high),
            positive_share,
            interval: wilson_interval(positive_share, n_equal_rows, level),
        }
    }
}

/// Where the chance of an event may lie that happened in this share of `n` rows.
pub(crate) fn wilson_interval(share: f64, n: f64, level: f64) -> Interval {
    let z = normal_quantile(0.5 + level / 2.0);
    let scale = 1.0 + z * z / n;
    let centre = (share + z * z / (2.0 * n)) / scale;
    let half = z / scale * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    Interval {
        low: (centre - half).max(0.0),
        high: (centre + half).min(1.0),
    }
}
