//! What is read and asked of some training histories.

use std::ops::Range;

use rand::RngExt;

use super::config::Learning;
use super::histories::{HIDDEN, Histories};
use super::loss::NegativeSharing;
use super::objective::NextItemObjective;
use crate::features::FIRST_REAL_ID;
use crate::random::RandomKey;
use crate::sequence::Offsets;

/// Histories cut to the length that the model reads, and what is asked of them.
pub(super) struct NextItemBatch {
    pub(super) histories: Histories,
    /// The rows that are asked, ascending; all if none.
    pub(super) asked: Option<Vec<i64>>,
    /// Catalogue index of the right answer to each.
    pub(super) targets: Vec<u32>,
    pub(super) weights: Option<Vec<f32>>,
    pub(super) negatives: Vec<u32>,
    /// Which targets share negatives.
    pub(super) groups: Offsets,
}

/// A question: which row is asked, and which event of the training part is the answer.
struct Question {
    row: usize,
    answer: usize,
    weight: f32,
}

impl NextItemObjective<'_> {
    /// Histories, questions and negatives of some examples.
    pub(super) fn make_batch(&self, examples: &[usize], key: RandomKey) -> NextItemBatch {
        let train = &self.data.train;
        let (ranges, questions) = self.questions(examples, key.child(0));
        let mut histories = self.histories(examples, &ranges);
        let n_rows = histories.offsets.n_rows();
        let all = || questions.iter().flatten();
        if self.reading.masked {
            for question in all() {
                hide(&mut histories, question.row);
            }
        }
        let targets: Vec<u32> = all()
            .map(|question| train.items[question.answer] - FIRST_REAL_ID)
            .collect();
        let per_history: Vec<usize> = questions.iter().map(Vec::len).collect();
        let (negatives, groups) = self.negatives(&targets, &per_history, key.child(1));
        let is_weighted = self.config.weighted_targets || self.weight_of_event.is_some();
        NextItemBatch {
            asked: (targets.len() < n_rows)
                .then(|| all().map(|question| question.row as i64).collect()),
            weights: is_weighted.then(|| all().map(|question| question.weight).collect()),
            histories,
            targets,
            negatives,
            groups,
        }
    }

    /// How much a training event counts as a target.
    pub(super) fn weight(&self, event: usize) -> f32 {
        let train = &self.data.train;
        if train
            .is_target
            .as_ref()
            .is_some_and(|is_target| !is_target[event])
        {
            return 0.0;
        }
        let of_type = |weights: &Vec<f32>, events: &Vec<u16>| weights[events[event] as usize];
        let by_type = self.weight_of_event.as_ref().zip(train.events.as_ref());
        let weighted = train
            .weights
            .as_ref()
            .filter(|_| self.config.weighted_targets);
        by_type.map_or(1.0, |(weights, events)| of_type(weights, events))
            * weighted.map_or(1.0, |weights| weights[event])
    }

    /// The events that are read of each history, and what is asked of them.
    fn questions(
        &self,
        examples: &[usize],
        key: RandomKey,
    ) -> (Vec<Range<usize>>, Vec<Vec<Question>>) {
        let max_len = self.config.max_len;
        let mut first_row = 0;
        let histories = examples.iter().enumerate().map(|(index, &example)| {
            let range = self.data.train.offsets.range(example);
            let (read, questions) = match self.config.learning {
                Learning::NextEvent => {
                    // One event more than the model reads: the first one is no target and the last one no input.
                    let start = range.start.max(range.end.saturating_sub(max_len + 1));
                    let read = start..range.end - 1;
                    let questions = read.clone().map(|event| (event - start, event + 1));
                    (read.clone(), questions.collect::<Vec<_>>())
                }
                Learning::Masked { share } => {
                    let start = range.start.max(range.end.saturating_sub(max_len));
                    let hidden = hidden(range.end - start, share, key.child(index as u64));
                    let questions = hidden.into_iter().map(|row| (row, start + row));
                    (start..range.end, questions.collect())
                }
            };
            let questions = questions.into_iter().map(|(row, answer)| Question {
                row: first_row + row,
                answer,
                weight: self.weight(answer),
            });
            let questions: Vec<Question> =
                questions.filter(|question| question.weight > 0.0).collect();
            first_row += read.len();
            (read, questions)
        });
        histories.unzip()
    }

    /// The columns that the model reads of some events.
    fn histories(&self, examples: &[usize], ranges: &[Range<usize>]) -> Histories {
        let train = &self.data.train;
        let rows = || ranges.iter().cloned().flatten();
        let offsets = Offsets::from_lengths(ranges.iter().map(Range::len));
        let mut histories = Histories::new(rows().map(|row| train.items[row]).collect(), offsets);
        if self.reading.times {
            histories.times_utc_millis =
                Some(rows().map(|row| train.times_utc_millis[row]).collect());
        }
        if self.reading.query_time {
            // Only the next event is ever asked for by time, and the last one is not read.
            histories.query_times_utc_millis =
                Some(rows().map(|row| train.times_utc_millis[row + 1]).collect());
        }
        if let Some(events) = train.events.as_ref().filter(|_| self.reading.events) {
            histories.events = Some(rows().map(|row| events[row].into()).collect());
        }
        if let Some(weights) = train.weights.as_ref().filter(|_| self.reading.weights) {
            histories.weights = Some(rows().map(|row| weights[row]).collect());
        }
        let users = self.data.user_attributes.as_ref();
        if let Some(users) = users.filter(|_| self.reading.user_attributes) {
            let of_batch = examples
                .iter()
                .map(|&example| Some(train.users[example] as usize));
            let of_batch: Vec<Option<usize>> = of_batch.collect();
            histories.user_attributes = Some(users.rows.select_or_missing(&of_batch));
        }
        histories
    }

    /// Negatives for targets, and which targets share them.
    fn negatives(
        &self,
        targets: &[u32],
        per_history: &[usize],
        key: RandomKey,
    ) -> (Vec<u32>, Offsets) {
        let (Some(sampler), Some(negatives)) = (&self.sampler, self.config.loss.negatives()) else {
            return (Vec::new(), Offsets::from_lengths([targets.len()]));
        };
        if targets.is_empty() {
            return (Vec::new(), Offsets::from_lengths([0]));
        }
        let n_each = negatives.count;
        let groups = match negatives.sharing {
            NegativeSharing::PerTarget => {
                let groups = Offsets::uniform(targets.len(), 1);
                return (sampler.sample(targets, n_each, key), groups);
            }
            NegativeSharing::PerHistory => Offsets::from_lengths(per_history.iter().copied()),
            NegativeSharing::PerBatch => Offsets::from_lengths([targets.len()]),
        };
        let drawn = sampler.sample_shared(targets, groups.n_sequences() * n_each, key);
        (drawn, groups)
    }
}

/// The events of a history that are hidden: each with the same chance, the last one if none came to be.
fn hidden(n_events: usize, share: f64, key: RandomKey) -> Vec<usize> {
    let mut generator = key.generator();
    let drawn = (0..n_events).filter(|_| generator.random_bool(share));
    let drawn: Vec<usize> = drawn.collect();
    match drawn.is_empty() {
        true => vec![n_events - 1],
        false => drawn,
    }
}

/// Hides an event: its item, and what it was like, which would give it away.
fn hide(histories: &mut Histories, row: usize) {
    histories.items[row] = HIDDEN;
    if let Some(events) = &mut histories.events {
        events[row] = 0;
    }
    if let Some(weights) = &mut histories.weights {
        weights[row] = 0.0;
    }
}
