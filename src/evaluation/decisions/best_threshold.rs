//! The threshold that earns most.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Costs;
use super::contacts::{Priority, ranked};
use super::customers::Customers;
use crate::evaluation::classification::ClassificationCases;
use crate::evaluation::interval::{Draws, percentile_interval, resamples};
use crate::evaluation::{Estimate, EvaluationError, Interval, IntervalSettings};

/// The threshold that earns most on some cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestThreshold {
    /// The lowest probability of those to contact; `None` if it is best to contact nobody.
    pub threshold: Option<f64>,
    /// Where the best thresholds of resamples lie; `None` if for one of them it is best to contact nobody.
    pub threshold_interval: Option<Interval>,
    /// What contacting from the threshold on gains against doing nothing, a customer; the interval is of this one threshold.
    pub value_per_customer: Estimate,
    /// How much of the value is luck, because the threshold was chosen on the cases that it is measured on: expect
    /// `value_per_customer - optimism` of other cases. `None` without resamples.
    pub optimism: Option<f64>,
    /// Share of the customers, by weight, at or above the threshold.
    pub contacted_share: f64,
}

/// Tries every threshold on cases whose labels are known.
///
/// Needs no calibrated probabilities, but enough cases: where probabilities are calibrated, [`CostMatrix::threshold`] is
/// as good for any number of cases. Intervals draw rows, or whole groups if the cases have groups.
///
/// # Edge cases
/// Of thresholds that earn the same the highest, which contacts fewest, is taken.
///
/// # Errors
/// - of the costs [`EvaluationError::RowCount`], [`EvaluationError::RowOutOfRange`], [`EvaluationError::SettingOutOfRange`]
/// - of the settings [`EvaluationError::TooFewResamples`], [`EvaluationError::LevelOutOfRange`]
///
/// # Source
/// Optimism: Efron and Tibshirani 1993, "An introduction to the bootstrap", section 17.6. Differences: none.
///
/// [`CostMatrix::threshold`]: super::CostMatrix::threshold
pub fn best_threshold(
    cases: &ClassificationCases,
    costs: &Costs,
    settings: Option<&IntervalSettings>,
) -> Result<BestThreshold, EvaluationError> {
    settings.map_or(Ok(()), IntervalSettings::check)?;
    let customers = Customers::new(cases, costs)?;
    let cuts = Cuts::new(&customers);
    let here = cuts.measure(&customers.weights());
    let best = cuts.best(&here);
    let drawn = settings
        .filter(|_| customers.n_units() > 1)
        .map(|settings| {
            let resampled = resamples(customers.n_units(), settings, |draws: Draws| {
                let there = cuts.measure(&customers.resampled_weights(&draws.counts()));
                Resample::new(&cuts, &here, &there, best)
            });
            (resampled, settings.level)
        });
    let interval = |value: fn(&Resample) -> Option<f64>| {
        let (resampled, level) = drawn.as_ref()?;
        let values: Option<Vec<f64>> = resampled.iter().map(value).collect();
        Some(percentile_interval(values?, *level))
    };
    let optimism = drawn.as_ref().and_then(|(resampled, _)| {
        let sum: Option<f64> = resampled.iter().map(|resample| resample.optimism).sum();
        Some(sum? / resampled.len() as f64)
    });
    Ok(BestThreshold {
        threshold: cuts.threshold(best),
        threshold_interval: cuts.threshold(best).and_then(|_| interval(|r| r.threshold)),
        value_per_customer: Estimate {
            // Some row has a weight.
            mean: here.value(best).unwrap_or(0.0),
            interval: interval(|resample| resample.value),
        },
        optimism,
        contacted_share: here.contacted[best] / here.weight(),
    })
}

/// What a resample says.
struct Resample {
    /// Its own best threshold.
    threshold: Option<f64>,
    /// The value of the best threshold of the cases in it; `None` if no row of it has a weight.
    value: Option<f64>,
    /// How much more its own best threshold earns in it than in the cases.
    optimism: Option<f64>,
}

impl Resample {
    fn new(cuts: &Cuts<'_>, here: &Running, there: &Running, best: usize) -> Self {
        let own = cuts.best(there);
        let optimism = || Some(there.value(own)? - here.value(own)?);
        Self {
            threshold: cuts.threshold(own),
            value: there.value(best),
            optimism: optimism(),
        }
    }
}

/// Rows by probability, the highest first. Cut `k` contacts the first `k`.
struct Cuts<'a> {
    customers: &'a Customers<'a>,
    order: Vec<usize>,
}

/// Sums over the rows that each cut contacts, from none to all.
struct Running {
    contacted: Vec<f64>,
    gained: Vec<f64>,
}

impl<'a> Cuts<'a> {
    fn new(customers: &'a Customers<'a>) -> Self {
        let probabilities = customers.cases.probabilities();
        let order = ranked(probabilities, &[], Priority::Probability);
        Self { customers, order }
    }

    fn probability(&self, place: usize) -> f64 {
        self.customers.cases.probabilities()[self.order[place]]
    }

    fn threshold(&self, cut: usize) -> Option<f64> {
        Some(self.probability(cut.checked_sub(1)?))
    }

    fn measure(&self, weights: &[f64]) -> Running {
        let (mut contacted, mut gained) = (vec![0.0], vec![0.0]);
        let (mut weight, mut gain) = (0.0, 0.0);
        for &row in &self.order {
            weight += weights[row];
            gain += weights[row] * self.customers.gains[row];
            contacted.push(weight);
            gained.push(gain);
        }
        Running { contacted, gained }
    }

    /// The shortest of the cuts that earn most; rows of one probability stay together.
    fn best(&self, running: &Running) -> usize {
        let n_rows = self.order.len();
        let ends =
            |cut: &usize| *cut == n_rows || self.probability(cut - 1) != self.probability(*cut);
        (1..=n_rows).filter(ends).fold(0, |best, cut| {
            match running.gained[cut] > running.gained[best] {
                true => cut,
                false => best,
            }
        })
    }
}

impl Running {
    /// Weight of all rows.
    fn weight(&self) -> f64 {
        self.contacted.last().copied().unwrap_or(0.0)
    }

    /// What a cut gains a customer.
    fn value(&self, cut: usize) -> Option<f64> {
        (self.weight() > 0.0).then(|| self.gained[cut] / self.weight())
    }
}

impl fmt::Display for BestThreshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.threshold {
            Some(threshold) => write!(f, "best threshold {threshold:.4}")?,
            None => f.write_str("best to contact nobody")?,
        }
        if let Some(Interval { low, high }) = self.threshold_interval {
            write!(f, " [{low:.4}, {high:.4}]")?;
        }
        write!(f, ", value per customer {}", self.value_per_customer)?;
        match self.optimism {
            Some(optimism) => write!(f, ", of which luck {optimism:.4}"),
            None => Ok(()),
        }
    }
}
