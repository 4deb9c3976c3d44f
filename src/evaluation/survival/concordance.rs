//! Whether those who leave earlier are said to.

use rayon::prelude::*;

use super::{SurvivalCases, SurvivalCurves};
use crate::evaluation::EvaluationError;
use crate::evaluation::classification::check_length;

/// Share of the pairs that can be compared in which the customer who leaves first is predicted the lower survival at the time it
/// leaves.
///
/// A pair `(i, j)` can be compared if the event of `i` was observed at `T_i`, and `j` was observed for longer, or until `T_i` and
/// censored then. It is right if `S_i(T_i) < S_j(T_i)`.
///
/// # Edge cases
/// Equal survival counts 1/2. Two events at one time cannot be compared. Beyond the last time of the grid curves are level.
///
/// # Errors
/// [`EvaluationError::RowCount`] unless there is a curve for each customer; [`EvaluationError::NoComparablePairs`].
///
/// # Source
/// Antolini, Boracchi and Biganzoli 2005, <https://doi.org/10.1002/sim.2427>. Differences: equal survival counts 1/2
/// and not 0.
pub fn time_dependent_concordance(
    cases: &SurvivalCases,
    curves: &SurvivalCurves,
) -> Result<f64, EvaluationError> {
    check_length("curves", curves.n_rows(), cases.n_rows())?;
    pairs_of_curves(cases, curves).concordance(cases)
}

/// The same for one number a customer that says who leaves first, the highest: Harrell's measure.
///
/// ```
/// use salient::evaluation::survival::{SurvivalCases, harrell_concordance};
///
/// let cases = SurvivalCases::new(vec![1.0, 2.0, 3.0], vec![true, true, false])?;
/// // Of the pairs 1-2, 1-3 and 2-3 the last is the wrong way round.
/// assert_eq!(harrell_concordance(&cases, &[0.9, 0.1, 0.4])?, 2.0 / 3.0);
/// # Ok::<(), salient::evaluation::EvaluationError>(())
/// ```
///
/// # Errors
/// [`EvaluationError::RowCount`]; [`EvaluationError::RowOutOfRange`] for a risk that is not finite;
/// [`EvaluationError::NoComparablePairs`].
///
/// # Source
/// Harrell et al. 1982, <https://doi.org/10.1001/jama.1982.03320430047030>. Differences: none.
pub fn harrell_concordance(cases: &SurvivalCases, risks: &[f64]) -> Result<f64, EvaluationError> {
    check_length("risks", risks.len(), cases.n_rows())?;
    if let Some(row) = risks.iter().position(|risk| !risk.is_finite()) {
        return Err(EvaluationError::RowOutOfRange {
            column: "risk",
            row,
            value: risks[row],
            rule: "finite",
        });
    }
    let order = cases.order();
    let pairs = PairSums::new(cases, &order, |_, from| {
        order[from..].iter().map(|&row| -risks[row]).collect()
    });
    pairs.concordance(cases)
}

/// What each customer adds to the pairs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PairSums {
    /// 2 for each right pair that a row is in, 1 for each tie.
    doubled_right: Vec<u64>,
    /// Number of pairs that a row is in.
    n_pairs: Vec<u64>,
}

/// Events of one time, as positions in the order of durations: whatever comes after them outlives them.
#[derive(Clone, Copy, Debug)]
struct EventGroup {
    time: f64,
    start: usize,
    end: usize,
}

/// The pairs by predicted survival at the time of the first event.
pub(super) fn pairs_of_curves(cases: &SurvivalCases, curves: &SurvivalCurves) -> PairSums {
    let order = cases.order();
    let n_rows = order.len();
    // One time after the other, so that the loop over customers at risk walks through memory.
    let columns: Vec<Vec<f64>> = (0..curves.times().len())
        .into_par_iter()
        .map(|time| {
            (order.iter())
                .map(|&row| curves.survival_of(row)[time])
                .collect()
        })
        .collect();
    PairSums::new(cases, &order, |time, from| {
        let place = curves.place(time);
        let value = |position: usize| {
            place.survival(|time| columns.get(time).map(|column| column[position]))
        };
        (from..n_rows).map(value).collect()
    })
}

impl PairSums {
    /// `survival_from` gives the predictions at a time for the rows in `order`, from a position on.
    fn new(
        cases: &SurvivalCases,
        order: &[usize],
        survival_from: impl Fn(f64, usize) -> Vec<f64> + Sync,
    ) -> Self {
        let groups = event_groups(cases, order);
        // Whole numbers, so that the sums do not depend on how many threads add them.
        let right = groups
            .par_iter()
            .fold(
                || vec![0u64; order.len()],
                |mut sums, group| {
                    add_pairs(&mut sums, group, &survival_from(group.time, group.start));
                    sums
                },
            )
            .reduce(
                || vec![0; order.len()],
                |mut left, right| {
                    left.iter_mut()
                        .zip(right)
                        .for_each(|(sum, value)| *sum += value);
                    left
                },
            );
        let mut sums = Self {
            doubled_right: vec![0; order.len()],
            n_pairs: vec![0; order.len()],
        };
        for (position, n_pairs) in count_pairs(&groups, order.len()).into_iter().enumerate() {
            sums.doubled_right[order[position]] = right[position];
            sums.n_pairs[order[position]] = n_pairs;
        }
        sums
    }

    fn concordance(&self, cases: &SurvivalCases) -> Result<f64, EvaluationError> {
        let found = self.weighted(|_| 1.0);
        found.ok_or_else(|| EvaluationError::NoComparablePairs {
            n_rows: cases.n_rows(),
            n_events: cases.n_events(),
        })
    }

    /// Concordance where each row counts so often, to first order in the counts: with pairs `a_ij` and counts `w_i` the sum of
    /// `w_i w_j a_ij` is taken for that of `(w_i + w_j - 1) a_ij`. It is exact where all counts are 1. `None` without pairs.
    pub(super) fn weighted(&self, count_of: impl Fn(usize) -> f64) -> Option<f64> {
        let sum = |values: &[u64]| {
            let terms = values.iter().map(|&value| value as f64);
            let counted = terms.clone().enumerate();
            let weighted: f64 = counted.map(|(row, value)| count_of(row) * value).sum();
            // Each pair is in the sums of both its rows.
            weighted - terms.sum::<f64>() / 2.0
        };
        let (right, n_pairs) = (sum(&self.doubled_right) / 2.0, sum(&self.n_pairs));
        (n_pairs > 0.0).then(|| (right / n_pairs).clamp(0.0, 1.0))
    }
}

fn event_groups(cases: &SurvivalCases, order: &[usize]) -> Vec<EventGroup> {
    let (durations, events) = (cases.durations(), cases.events());
    let mut groups: Vec<EventGroup> = Vec::new();
    for (position, &row) in order.iter().enumerate().filter(|(_, row)| events[**row]) {
        match groups.last_mut() {
            Some(group) if group.time == durations[row] => group.end = position + 1,
            _ => groups.push(EventGroup {
                time: durations[row],
                start: position,
                end: position + 1,
            }),
        }
    }
    groups
}

/// Adds the pairs of a group with all who outlive it. `survival` holds what is predicted of both, the group first.
fn add_pairs(sums: &mut [u64], group: &EventGroup, survival: &[f64]) {
    let (events, later) = survival.split_at(group.end - group.start);
    for (event, own) in events.iter().enumerate() {
        let mut total = 0;
        for (sum, other) in sums[group.end..].iter_mut().zip(later) {
            let right = 2 * u64::from(own < other) + u64::from(own == other);
            *sum += right;
            total += right;
        }
        sums[group.start + event] += total;
    }
}

/// Number of pairs that each position is in.
fn count_pairs(groups: &[EventGroup], n_rows: usize) -> Vec<u64> {
    let mut counts = vec![0; n_rows];
    let (mut n_earlier, mut next) = (0, 0);
    for group in groups {
        counts[next..group.end].fill(n_earlier);
        let n_later = (n_rows - group.end) as u64;
        (counts[group.start..group.end].iter_mut()).for_each(|count| *count += n_later);
        n_earlier += (group.end - group.start) as u64;
        next = group.end;
    }
    counts[next..].fill(n_earlier);
    counts
}
