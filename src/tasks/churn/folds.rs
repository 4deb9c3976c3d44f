//! Parts that customers are dealt into.

use rand::seq::SliceRandom;

use super::data::ChurnData;
use crate::random::{RandomKey, Stream};
use crate::tasks::TaskError;

/// Which fold tests each row, in each of several repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folds {
    n_folds: usize,
    /// `[n_repeats][n_rows]`
    assignments: Vec<Vec<usize>>,
    /// How they were made, for the protocol of a result.
    origin: String,
}

impl Folds {
    /// Deals customers into `n_folds` parts, `n_repeats` times anew: all rows of a customer into one, and into each about the
    /// same share of those who left.
    ///
    /// # Errors
    /// [`TaskError::TooSmall`] for fewer than 2 folds or 1 repeat, [`TaskError::FewerThanFolds`] where a class has fewer
    /// customers than there are folds.
    pub fn stratified(
        data: &ChurnData,
        n_folds: usize,
        n_repeats: usize,
        seed: u64,
    ) -> Result<Self, TaskError> {
        at_least("repeats", n_repeats, 1)?;
        let key = RandomKey::new(seed).stream(Stream::Split);
        let repeats = (0..n_repeats as u64).map(|repeat| deal(data, n_folds, key.child(repeat)));
        Ok(Self {
            n_folds,
            assignments: repeats.collect::<Result<_, _>>()?,
            origin: format!("{n_folds} stratified folds, {n_repeats} times, seed {seed}"),
        })
    }

    /// Takes the fold of each row as it is given, one list a repeat; `origin` says where from.
    ///
    /// # Errors
    /// [`TaskError::FoldRows`] for a list that is not as long as the data, [`TaskError::EmptyFold`] for a fold without rows.
    pub fn given(
        data: &ChurnData,
        assignments: Vec<Vec<usize>>,
        origin: impl Into<String>,
    ) -> Result<Self, TaskError> {
        at_least("repeats", assignments.len(), 1)?;
        let most = assignments.iter().flatten().max().copied();
        let n_folds = most.map_or(0, |most| most + 1);
        at_least("folds", n_folds, 2)?;
        for (repeat, assignment) in assignments.iter().enumerate() {
            if assignment.len() != data.n_rows() {
                return Err(TaskError::FoldRows {
                    repeat,
                    found: assignment.len(),
                    n_rows: data.n_rows(),
                });
            }
            if let Some(fold) = (0..n_folds).find(|fold| !assignment.contains(fold)) {
                return Err(TaskError::EmptyFold { repeat, fold });
            }
        }
        Ok(Self {
            n_folds,
            assignments,
            origin: origin.into(),
        })
    }

    /// Number of folds.
    pub const fn n_folds(&self) -> usize {
        self.n_folds
    }

    /// Number of repeats.
    pub fn n_repeats(&self) -> usize {
        self.assignments.len()
    }

    /// How they were made.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The rows that a fold trains on, and those that it tests.
    pub(super) fn rows(&self, repeat: usize, fold: usize) -> (Vec<usize>, Vec<usize>) {
        let assignment = &self.assignments[repeat];
        (0..assignment.len()).partition(|&row| assignment[row] != fold)
    }
}

/// The part of each row.
pub(super) fn deal(
    data: &ChurnData,
    n_parts: usize,
    key: RandomKey,
) -> Result<Vec<usize>, TaskError> {
    at_least("folds", n_parts, 2)?;
    let labels = data.labels();
    let left = |rows: &Vec<usize>| rows.iter().any(|&row| labels[row] > 0.5);
    let (leavers, stayers): (Vec<_>, Vec<_>) = data.customers().into_iter().partition(left);
    let mut parts = vec![0; data.n_rows()];
    let mut next = 0;
    for (class, mut customers) in [leavers, stayers].into_iter().enumerate() {
        if customers.len() < n_parts {
            return Err(TaskError::FewerThanFolds {
                class: ["left", "stayed"][class],
                n_customers: customers.len(),
                n_folds: n_parts,
            });
        }
        customers.shuffle(&mut key.child(class as u64).generator());
        for rows in customers {
            rows.into_iter().for_each(|row| parts[row] = next);
            next = (next + 1) % n_parts;
        }
    }
    Ok(parts)
}

fn at_least(setting: &'static str, value: usize, least: usize) -> Result<(), TaskError> {
    match value >= least {
        true => Ok(()),
        false => Err(TaskError::TooSmall {
            setting,
            value,
            least,
        }),
    }
}
