//! Tenths of the customers, and what contacting more and more of them earns.

use serde::{Deserialize, Serialize};

use super::customers::Customers;
use crate::evaluation::classification::{ScoreBlock, both_classes, sum_of_first};

/// A tenth of the rows, by weight and probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decile {
    /// Weight of the rows; a cut goes through rows of one probability and takes of each class the same share of them.
    pub n_rows: f64,
    /// The mean prediction.
    pub mean_prediction: f64,
    /// The share of positives, which the mean prediction should be near.
    pub positive_share: f64,
    /// How many times more positives there are than in a tenth at random.
    pub lift: f64,
    /// Share of all positives in this tenth and those before it.
    pub cumulative_gain: f64,
}

/// The tenths, the highest probabilities first; `None` unless there are both classes.
pub(super) fn deciles(blocks: &[ScoreBlock]) -> Option<Vec<Decile>> {
    let (positive, negative) = both_classes(blocks)?;
    let n_rows = (positive + negative) / 10.0;
    let first = |part: u32, amount: fn(&ScoreBlock) -> f64| {
        sum_of_first(blocks, f64::from(part) / 10.0, amount)
    };
    let decile = |part: u32| {
        let within = |amount| first(part, amount) - first(part - 1, amount);
        // Rounding may leave a sum a little beside that of all rows.
        let positives = within(|block| block.positive).max(0.0);
        let predicted = within(|block| block.weight() * block.probability);
        Decile {
            n_rows,
            mean_prediction: (predicted / n_rows).clamp(0.0, 1.0),
            positive_share: (positives / n_rows).min(1.0),
            lift: positives / positive * 10.0,
            cumulative_gain: (first(part, |block| block.positive) / positive).min(1.0),
        }
    };
    Some((1..=10).map(decile).collect())
}

/// What contacting the first customers earns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProfitPoint {
    /// Number of customers contacted, by weight.
    pub n_contacts: f64,
    /// What that gains against doing nothing, by the labels.
    pub value: f64,
    /// What it is expected to gain, by the probabilities.
    pub expected_value: f64,
}

/// Number of parts of the curve.
const N_PARTS: usize = 100;

/// The value of contacting nobody, each further hundredth of the rows in this order, and all.
pub(super) fn profit_curve(
    customers: &Customers<'_>,
    expected: &[f64],
    order: &[usize],
) -> Vec<ProfitPoint> {
    let mut point = ProfitPoint {
        n_contacts: 0.0,
        value: 0.0,
        expected_value: 0.0,
    };
    let mut points = vec![point];
    for (place, &row) in order.iter().enumerate() {
        let weight = customers.cases.weight(row);
        point.n_contacts += weight;
        point.value += weight * customers.gains[row];
        point.expected_value += weight * expected[row];
        let part = |n_rows: usize| n_rows * N_PARTS / order.len();
        if part(place + 1) > part(place) {
            points.push(point);
        }
    }
    points
}
