//! What all measures of one probability a row are functions of: how much weight each class has at each probability.

use super::ClassificationCases;

/// The rows of one probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::evaluation) struct ScoreBlock {
    pub(in crate::evaluation) probability: f64,
    /// Weight of the positive rows.
    pub(in crate::evaluation) positive: f64,
    /// Weight of the negative rows.
    pub(in crate::evaluation) negative: f64,
}

impl ScoreBlock {
    pub(in crate::evaluation) fn weight(&self) -> f64 {
        self.positive + self.negative
    }
}

/// The different probabilities, and where each row belongs: sorted once, tallied for each resample.
#[derive(Debug)]
pub(super) struct Blocks {
    /// The different probabilities, the highest first.
    probabilities: Vec<f64>,
    /// Twice the block of each row, and one more if the row is positive.
    place_of: Vec<usize>,
}

impl Blocks {
    pub(super) fn new(cases: &ClassificationCases) -> Self {
        let probabilities = cases.probabilities();
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        order.sort_unstable_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        let mut distinct: Vec<f64> = Vec::new();
        let mut place_of = vec![0; order.len()];
        for row in order {
            if distinct.last() != Some(&probabilities[row]) {
                distinct.push(probabilities[row]);
            }
            place_of[row] = 2 * (distinct.len() - 1) + usize::from(cases.labels()[row]);
        }
        Self {
            probabilities: distinct,
            place_of,
        }
    }

    /// The number of the block of a row.
    pub(super) fn block_of(&self, row: usize) -> usize {
        self.place_of[row] / 2
    }

    /// The weight of each class in each block, with the highest probability first.
    pub(super) fn tally(&self, weight_of: impl Fn(usize) -> f64) -> Vec<ScoreBlock> {
        let mut weights = vec![0.0; 2 * self.probabilities.len()];
        for (row, &place) in self.place_of.iter().enumerate() {
            weights[place] += weight_of(row);
        }
        let classes = weights.chunks_exact(2);
        let blocks = self.probabilities.iter().zip(classes);
        blocks
            .map(|(&probability, weights)| ScoreBlock {
                probability,
                positive: weights[1],
                negative: weights[0],
            })
            .collect()
    }
}

/// The blocks of cases by their own weights.
pub(in crate::evaluation) fn blocks_of(cases: &ClassificationCases) -> Vec<ScoreBlock> {
    Blocks::new(cases).tally(|row| cases.weight(row))
}

/// Weight of the positive and of the negative rows.
pub(super) fn totals(blocks: &[ScoreBlock]) -> (f64, f64) {
    blocks.iter().fold((0.0, 0.0), |(positive, negative), b| {
        (positive + b.positive, negative + b.negative)
    })
}

/// The same, if both are above 0.
pub(in crate::evaluation) fn both_classes(blocks: &[ScoreBlock]) -> Option<(f64, f64)> {
    Some(totals(blocks)).filter(|&(positive, negative)| positive > 0.0 && negative > 0.0)
}

/// The sum over blocks of what all rows of each cost, by the weight of all; `None` without weight.
pub(super) fn mean(blocks: &[ScoreBlock], cost: impl Fn(&ScoreBlock) -> f64) -> Option<f64> {
    let (positive, negative) = totals(blocks);
    let total = positive + negative;
    (total > 0.0).then(|| blocks.iter().map(cost).sum::<f64>() / total)
}
