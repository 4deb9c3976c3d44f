//! A split log in the numbers that a model reads.

use std::ops::Range;

use crate::Error;
use crate::data::{Holdout, Interactions, Split};
use crate::evaluation::ranking::RankingCase;
use crate::features::{FIRST_REAL_ID, Vocabulary};
use crate::sequence::Offsets;
use crate::tasks::TaskError;

/// A split log in the numbers that a model reads.
///
/// The catalogue is the items of the training part: what training never saw cannot be recommended by id, and a target
/// outside the catalogue counts as a miss.
#[derive(Clone, Debug)]
pub struct NextItemData {
    /// The items of the training part, in order of first appearance there.
    pub catalogue: Vocabulary,
    /// Training events of each item, by catalogue index.
    pub item_counts: Vec<u32>,
    /// What to learn from.
    pub train: TrainingHistories,
    /// What to choose settings and stop by.
    pub validation: Vec<RankingCase>,
    /// What to judge by.
    pub test: Vec<RankingCase>,
}

/// The training part of each user who has at least two events in it, end to end.
#[derive(Clone, Debug)]
pub struct TrainingHistories {
    /// Item number of each event.
    pub items: Vec<u32>,
    /// Time of each event, in milliseconds since 1970 UTC.
    pub times_utc_millis: Vec<i64>,
    /// Weight of each event, if the log has weights.
    pub weights: Option<Vec<f32>>,
    /// Where each user's events start and end.
    pub offsets: Offsets,
}

impl TrainingHistories {
    /// The catalogue indices of each user's events in turn, as baselines read them.
    pub fn catalogue_sequences(&self) -> Vec<Vec<u32>> {
        let index = |range: Range<usize>| {
            self.items[range]
                .iter()
                .map(|number| number - FIRST_REAL_ID)
                .collect()
        };
        self.offsets.ranges().map(index).collect()
    }
}

impl NextItemData {
    /// Numbers the items of a split log.
    ///
    /// # Errors
    /// [`TaskError::NoSuccession`], [`TaskError::TooFewItems`].
    pub fn new(log: &Interactions, split: &Split) -> Result<Self, Error> {
        let (catalogue, index_of) = catalogue(log, split)?;
        let mut item_counts = vec![0; catalogue.n_real()];
        for row in split.train.iter().cloned().flatten() {
            if let Some(index) = index_of[log.items()[row] as usize] {
                item_counts[index as usize] += 1;
            }
        }
        if split.train.iter().all(|range| range.len() < 2) {
            return Err(TaskError::NoSuccession {
                n_users: log.n_users(),
            }
            .into());
        }
        if catalogue.n_real() < 2 {
            return Err(TaskError::TooFewItems {
                n_items: catalogue.n_real(),
            }
            .into());
        }
        let cases = |holdouts: &[Holdout]| {
            holdouts
                .iter()
                .map(|holdout| case(log, holdout, &index_of))
                .collect()
        };
        Ok(Self {
            train: training_histories(log, split, &index_of),
            validation: cases(&split.validation),
            test: cases(&split.test),
            catalogue,
            item_counts,
        })
    }

    /// Size of the catalogue.
    pub fn n_items(&self) -> usize {
        self.catalogue.n_real()
    }
}

/// The items of the training part, and the catalogue index of each item of the log.
fn catalogue(log: &Interactions, split: &Split) -> Result<(Vocabulary, Vec<Option<u32>>), Error> {
    let mut index_of = vec![None; log.n_items()];
    let mut ids = Vec::new();
    for row in split.train.iter().cloned().flatten() {
        let item = log.items()[row];
        if index_of[item as usize].is_none() {
            index_of[item as usize] = Some(ids.len() as u32);
            ids.push(log.item_id(item).to_owned());
        }
    }
    Ok((Vocabulary::new(ids)?, index_of))
}

fn training_histories(
    log: &Interactions,
    split: &Split,
    index_of: &[Option<u32>],
) -> TrainingHistories {
    let ranges: Vec<Range<usize>> = split
        .train
        .iter()
        .filter(|range| range.len() >= 2)
        .cloned()
        .collect();
    let rows = || ranges.iter().cloned().flatten();
    let number =
        |row: usize| index_of[log.items()[row] as usize].map(|index| index + FIRST_REAL_ID);
    TrainingHistories {
        // Every training item is in the catalogue, so nothing is left out here.
        items: rows().filter_map(number).collect(),
        times_utc_millis: rows().map(|row| log.times_utc_millis()[row]).collect(),
        weights: log
            .weights()
            .map(|weights| rows().map(|row| weights[row]).collect()),
        offsets: Offsets::from_lengths(ranges.iter().map(Range::len)),
    }
}

/// The question that a holdout asks: history items outside the catalogue are left out, targets outside it are counted.
fn case(log: &Interactions, holdout: &Holdout, index_of: &[Option<u32>]) -> RankingCase {
    let index = |row: usize| index_of[log.items()[row] as usize];
    let kept: Vec<usize> = holdout
        .history
        .clone()
        .filter(|&row| index(row).is_some())
        .collect();
    let (mut targets, mut unknown) = (Vec::new(), Vec::new());
    for row in holdout.targets.clone() {
        match index(row) {
            Some(target) if !targets.contains(&target) => targets.push(target),
            None if !unknown.contains(&log.items()[row]) => unknown.push(log.items()[row]),
            _ => {}
        }
    }
    RankingCase {
        history: kept.iter().filter_map(|&row| index(row)).collect(),
        history_times_utc_millis: kept
            .iter()
            .map(|&row| log.times_utc_millis()[row])
            .collect(),
        history_events: log
            .events()
            .map(|events| kept.iter().map(|&row| events[row]).collect())
            .unwrap_or_default(),
        history_weights: log
            .weights()
            .map(|weights| kept.iter().map(|&row| weights[row]).collect())
            .unwrap_or_default(),
        query_time_utc_millis: Some(log.times_utc_millis()[holdout.targets.start]),
        targets,
        n_unknown_targets: unknown.len(),
        segments: Vec::new(),
    }
}
