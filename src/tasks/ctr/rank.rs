//! Which of several candidates to show to one person.

use rand::RngExt;

use super::model::CtrModel;
use crate::Error;
use crate::data::{AbsentColumns, Record};
use crate::random::RandomKey;
use crate::tasks::TaskError;

/// How [`CtrModel::rank`] orders candidates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankOptions {
    /// Chance, in `[0, 1]`, that the candidate to show is drawn from all alike instead of being the best. Default 0. Above 0
    /// every candidate is shown now and then, so that what was logged can judge other policies.
    pub epsilon: f64,
    /// Which of several labels ranks, in the order of the table's columns. Default 0, the first.
    pub label: usize,
    /// What becomes of columns that neither the context nor a candidate has. Default they are refused.
    pub absent: AbsentColumns,
}

impl Default for RankOptions {
    fn default() -> Self {
        Self {
            epsilon: 0.0,
            label: 0,
            absent: AbsentColumns::Refuse,
        }
    }
}

/// Candidates in order, and the one to show.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// All candidates, the most probable first; equal ones in the order given.
    pub candidates: Vec<RankedCandidate>,
    /// The candidate to show, by its place among those given.
    pub chosen: usize,
    /// Chance that it was chosen: what a log must keep for [`evaluation::policy`](crate::evaluation::policy).
    pub propensity: f64,
}

/// A candidate among others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankedCandidate {
    /// Its place among those given, from 0.
    pub index: usize,
    /// Probability of the label, such as a click.
    pub probability: f64,
    /// Chance of being the one to show.
    pub propensity: f64,
}

impl CtrModel {
    /// Orders candidates (advertisements, headlines, send times) for one context (a person, a page, a moment) by the probability
    /// of a label, and chooses the one to show.
    ///
    /// Each candidate is read with the cells of the context; where both have a cell, the candidate's counts. `key` is what
    /// exploration draws from: give each request its own, such as `RandomKey::new(seed).child(request_number)`.
    ///
    /// # Errors
    /// [`TaskError::NoCandidates`], [`TaskError::OutOfRange`] for `epsilon`, [`TaskError::NoSuchLabel`]; as
    /// [`predict_records`](Self::predict_records), where a record is a candidate, counted from 1.
    ///
    /// # Source
    /// Exploration is epsilon-greedy: Sutton and Barto 2018, section 2.2.
    pub fn rank(
        &self,
        context: &Record,
        candidates: &[Record],
        options: &RankOptions,
        key: RandomKey,
    ) -> Result<Ranking, Error> {
        self.check(candidates, options)?;
        let rows: Vec<Record> = candidates
            .iter()
            .map(|candidate| joined(context, candidate))
            .collect();
        let predictions = self.predict_records(&rows, options.absent)?;
        Ok(ranking(
            &predictions.of_label(options.label),
            options.epsilon,
            key,
        ))
    }

    fn check(&self, candidates: &[Record], options: &RankOptions) -> Result<(), TaskError> {
        if candidates.is_empty() {
            return Err(TaskError::NoCandidates);
        }
        if !(0.0..=1.0).contains(&options.epsilon) {
            return Err(TaskError::OutOfRange {
                setting: "epsilon",
                value: options.epsilon,
                range: "[0, 1]",
            });
        }
        let n_labels = self.calibrators.len();
        if options.label >= n_labels {
            return Err(TaskError::NoSuchLabel {
                label: options.label,
                n_labels,
            });
        }
        Ok(())
    }
}

/// The cells of the context and of a candidate.
fn joined(context: &Record, candidate: &Record) -> Record {
    let mut joined = context.clone();
    joined.extend(
        candidate
            .iter()
            .map(|(name, cell)| (name.clone(), cell.clone())),
    );
    joined
}

/// Candidates of these probabilities in order, one of them chosen.
fn ranking(probabilities: &[f64], epsilon: f64, key: RandomKey) -> Ranking {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    let explored = epsilon / probabilities.len() as f64;
    let candidates: Vec<RankedCandidate> = order
        .iter()
        .enumerate()
        .map(|(place, &index)| RankedCandidate {
            index,
            probability: probabilities[index],
            propensity: if place == 0 {
                1.0 - epsilon + explored
            } else {
                explored
            },
        })
        .collect();
    let mut generator = key.generator();
    let place = match generator.random::<f64>() < epsilon {
        true => generator.random_range(0..candidates.len()),
        false => 0,
    };
    Ranking {
        chosen: candidates[place].index,
        propensity: candidates[place].propensity,
        candidates,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_chosen_as_often_as_their_propensity_says() {
        let (probabilities, n) = ([0.2, 0.7, 0.7, 0.1], 20_000);
        let mut chosen = [0_u32; 4];
        for request in 0..n {
            let ranking = ranking(&probabilities, 0.3, RandomKey::new(8).child(request));
            let order: Vec<usize> = ranking.candidates.iter().map(|c| c.index).collect();
            assert_eq!(order, [1, 2, 0, 3]);
            let total: f64 = ranking.candidates.iter().map(|c| c.propensity).sum();
            assert!((total - 1.0).abs() < 1e-12);
            let expected = if ranking.chosen == 1 { 0.775 } else { 0.075 };
            assert!((ranking.propensity - expected).abs() < 1e-12);
            chosen[ranking.chosen] += 1;
        }
        for (times, expected) in chosen.into_iter().zip([0.075, 0.775, 0.075, 0.075]) {
            let share = f64::from(times) / n as f64;
            let error = (expected * (1.0 - expected) / n as f64).sqrt();
            assert!(
                (share - expected).abs() < 4.0 * error,
                "{share} for {expected}"
            );
        }
    }

    #[test]
    fn without_exploration_the_best_is_certain() {
        let ranking = ranking(&[0.2, 0.7], 0.0, RandomKey::new(8));
        assert_eq!((ranking.chosen, ranking.propensity), (1, 1.0));
        assert_eq!(ranking.candidates[1].propensity, 0.0);
    }
}
