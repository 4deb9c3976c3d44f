//! A split log in the numbers that a model reads.

use std::collections::HashSet;

use rand::seq::SliceRandom;

use super::numbering::Numbering;
use super::recommender::Recommender;
use crate::Error;
use crate::data::{AttributeTable, Holdout, Interactions, Split};
use crate::evaluation::ranking::RankingCase;
use crate::features::{AttributeSchema, EncodedAttributes, FIRST_REAL_ID, Vocabulary};
use crate::random::{RandomKey, Stream};
use crate::sequence::Offsets;
use crate::tasks::TaskError;

/// A split log in the numbers that a model reads.
///
/// The catalogue is the items of the training part, and those of the side table of items if there is one. What is in neither
/// cannot be recommended, and a target outside the catalogue counts as a miss.
#[derive(Clone, Debug)]
pub struct NextItemData {
    /// All items that can be recommended: those of the training part in order of first appearance there, then those of the
    /// side table that it never saw.
    pub catalogue: Vocabulary,
    /// Training events of each item, by catalogue index.
    pub item_counts: Vec<u32>,
    /// Names of the types of event in the training part; a model reads their place here plus 1, and 0 for others.
    pub event_names: Vec<String>,
    /// What is known of each item, by catalogue index.
    pub item_content: Option<Attributes>,
    /// What is known of each user, by the log's index.
    pub user_attributes: Option<Attributes>,
    /// Catalogue indices of the items that were hidden from training, if the catalogue holds them.
    pub hidden_items: Vec<u32>,
    /// What to learn from.
    pub train: TrainingHistories,
    /// What to choose settings and stop by.
    pub validation: Vec<RankingCase>,
    /// What to judge by.
    pub test: Vec<RankingCase>,
}

/// What is known of items or users, and how it was brought into numbers.
#[derive(Clone, Debug)]
pub struct Attributes {
    /// How values become numbers; fitted on what training saw.
    pub schema: AttributeSchema,
    /// The numbers.
    pub rows: EncodedAttributes,
}

/// The training part of each user who has something to learn after a first event in it, end to end.
#[derive(Clone, Debug)]
pub struct TrainingHistories {
    /// Item number of each event.
    pub items: Vec<u32>,
    /// Time of each event, in milliseconds since 1970 UTC; zero if the log has none.
    pub times_utc_millis: Vec<i64>,
    /// Whether the log has times.
    pub has_times: bool,
    /// Weight of each event, if the log has weights.
    pub weights: Option<Vec<f32>>,
    /// Type of each event as a model reads it, if the log has types.
    pub events: Option<Vec<u16>>,
    /// Whether each event is to be learned; the others are history alone. All are if none.
    pub is_target: Option<Vec<bool>>,
    /// The log's index of the user of each history.
    pub users: Vec<u32>,
    /// Where each user's events start and end.
    pub offsets: Offsets,
}

/// What goes into [`NextItemData`] beside a log.
#[derive(Clone, Copy, Debug, Default)]
pub struct NextItemSources<'a> {
    /// What is known of items.
    pub items: Option<&'a AttributeTable>,
    /// What is known of users.
    pub users: Option<&'a AttributeTable>,
    /// Items that training shall not see, to learn how well new ones are ranked.
    pub hidden_items: Option<HiddenItems>,
    /// A model to train on: its items and types of event keep their numbers, its side tables their schema.
    pub known: Option<&'a Recommender>,
    /// Learn events from this time on alone, in milliseconds since 1970 UTC; earlier ones are history, and do not count
    /// towards the items' events.
    pub learn_since_utc_millis: Option<i64>,
}

/// Items drawn at random, whose events are taken out of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HiddenItems {
    /// Share of the items of the training part, in `[0, 1)`.
    pub fraction: f64,
    /// Seed of the draw.
    pub seed: u64,
}

impl TrainingHistories {
    /// The catalogue indices of each user's events in turn, as baselines read them.
    pub fn catalogue_sequences(&self) -> Vec<Vec<u32>> {
        let index = |range: std::ops::Range<usize>| {
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
        Self::with_sources(log, split, &NextItemSources::default())
    }

    /// Numbers the items of a split log, with side tables, hidden items or a model to train on.
    ///
    /// # Errors
    /// [`TaskError::NoSuccession`], [`TaskError::TooFewItems`], [`TaskError::OutOfRange`] for the share of hidden items,
    /// [`TaskError::NoTimes`] to learn since a time, [`Error::Feature`] for a side table.
    pub fn with_sources(
        log: &Interactions,
        split: &Split,
        sources: &NextItemSources<'_>,
    ) -> Result<Self, Error> {
        if sources.learn_since_utc_millis.is_some() && !log.has_times() {
            return Err(TaskError::NoTimes {
                setting: "learn_since_utc_millis",
            }
            .into());
        }
        let hidden = hidden_items(log, split, sources.hidden_items)?;
        let numbering = Numbering::new(log, split, sources, &hidden)?;
        let train = training_histories(log, split, &numbering, sources)?;
        let n_items = numbering
            .item_counts
            .iter()
            .filter(|count| **count > 0)
            .count();
        if n_items < 2 {
            return Err(TaskError::TooFewItems { n_items }.into());
        }
        let cases = |holdouts: &[Holdout]| {
            let cases = holdouts.iter();
            cases
                .map(|holdout| case(log, holdout, &numbering))
                .collect()
        };
        let mut hidden_items: Vec<u32> = hidden
            .iter()
            .filter_map(|&item| numbering.item(item))
            .collect();
        hidden_items.sort_unstable();
        Ok(Self {
            item_content: item_content(sources, &numbering)?,
            user_attributes: user_attributes(log, sources, &train)?,
            validation: without(&hidden_items, cases(&split.validation)),
            test: cases(&split.test),
            hidden_items,
            train,
            item_counts: numbering.item_counts,
            event_names: numbering.event_names,
            catalogue: numbering.catalogue,
        })
    }

    /// Size of the catalogue.
    pub fn n_items(&self) -> usize {
        self.catalogue.n_real()
    }
}

/// The items of the log that training shall not see.
fn hidden_items(
    log: &Interactions,
    split: &Split,
    hidden: Option<HiddenItems>,
) -> Result<HashSet<u32>, TaskError> {
    let Some(HiddenItems { fraction, seed }) = hidden else {
        return Ok(HashSet::new());
    };
    if !(0.0..1.0).contains(&fraction) {
        return Err(TaskError::OutOfRange {
            setting: "hidden_items.fraction",
            value: fraction,
            range: "[0, 1)",
        });
    }
    let rows = split.train.iter().cloned().flatten();
    let mut items: Vec<u32> = rows.map(|row| log.items()[row]).collect();
    items.sort_unstable();
    items.dedup();
    let mut generator = RandomKey::new(seed).stream(Stream::HiddenItems).generator();
    items.shuffle(&mut generator);
    let n_hidden = (items.len() as f64 * fraction).round() as usize;
    Ok(items.into_iter().take(n_hidden).collect())
}

fn training_histories(
    log: &Interactions,
    split: &Split,
    numbering: &Numbering,
    sources: &NextItemSources<'_>,
) -> Result<TrainingHistories, TaskError> {
    let learned = |row: usize| {
        let since = sources.learn_since_utc_millis;
        since.is_none_or(|since| log.times_utc_millis()[row] >= since)
    };
    // What training shall not see is left out, as is a history without anything to learn after its first event.
    let histories: Vec<(u32, Vec<usize>)> = (0..)
        .zip(&split.train)
        .map(|(user, range)| {
            let rows = range.clone();
            let rows = rows.filter(|&row| numbering.is_trained(log.items()[row]));
            (user, rows.collect::<Vec<usize>>())
        })
        .filter(|(_, rows)| rows.iter().skip(1).any(|&row| learned(row)))
        .collect();
    if histories.is_empty() {
        return Err(TaskError::NoSuccession {
            n_users: log.n_users(),
        });
    }
    let rows = || histories.iter().flat_map(|(_, rows)| rows.iter().copied());
    let number = |row: usize| {
        numbering
            .item(log.items()[row])
            .map(|index| index + FIRST_REAL_ID)
    };
    Ok(TrainingHistories {
        // Every training item is in the catalogue, so nothing is left out here.
        items: rows().filter_map(number).collect(),
        times_utc_millis: rows().map(|row| log.times_utc_millis()[row]).collect(),
        has_times: log.has_times(),
        weights: log
            .weights()
            .map(|weights| rows().map(|row| weights[row]).collect()),
        events: log
            .events()
            .map(|events| rows().map(|row| numbering.event(events[row])).collect()),
        is_target: sources
            .learn_since_utc_millis
            .map(|_| rows().map(learned).collect()),
        users: histories.iter().map(|(user, _)| *user).collect(),
        offsets: Offsets::from_lengths(histories.iter().map(|(_, rows)| rows.len())),
    })
}

/// The question that a holdout asks: history items outside the catalogue are left out, targets outside it are counted.
fn case(log: &Interactions, holdout: &Holdout, numbering: &Numbering) -> RankingCase {
    let index = |row: usize| numbering.item(log.items()[row]);
    let history = holdout.history.clone();
    let kept: Vec<usize> = history.filter(|&row| index(row).is_some()).collect();
    let (mut targets, mut unknown) = (Vec::new(), Vec::new());
    for row in holdout.targets.clone() {
        match index(row) {
            Some(target) if !targets.contains(&target) => targets.push(target),
            None if !unknown.contains(&log.items()[row]) => unknown.push(log.items()[row]),
            _ => {}
        }
    }
    let column = |rows: &[usize]| {
        rows.iter()
            .map(|&row| log.times_utc_millis()[row])
            .collect()
    };
    RankingCase {
        user: Some(holdout.user),
        history: kept.iter().filter_map(|&row| index(row)).collect(),
        history_times_utc_millis: column(&kept),
        history_events: log
            .events()
            .map(|events| {
                kept.iter()
                    .map(|&row| numbering.event(events[row]))
                    .collect()
            })
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

/// The questions without the items that training shall not see, by which it may not stop either.
fn without(hidden_items: &[u32], cases: Vec<RankingCase>) -> Vec<RankingCase> {
    let rest = cases.into_iter().map(|mut case| {
        let is_hidden = |item: &u32| hidden_items.binary_search(item).is_ok();
        case.targets.retain(|item| !is_hidden(item));
        case
    });
    rest.filter(|case| case.n_relevant() > 0).collect()
}

/// The content of the catalogue, its schema fitted on the items that training saw.
fn item_content(
    sources: &NextItemSources<'_>,
    numbering: &Numbering,
) -> Result<Option<Attributes>, Error> {
    let Some(table) = sources.items else {
        return Ok(None);
    };
    let ids = || numbering.catalogue.ids().iter().map(String::as_str);
    let known = sources.known.and_then(|known| known.item_content.as_ref());
    let schema = match known {
        Some(known) => known.schema.clone(),
        None => {
            let seen = ids()
                .zip(&numbering.item_counts)
                .filter(|(_, count)| **count > 0);
            AttributeSchema::fit(table, seen.map(|(id, _)| id))?
        }
    };
    let rows = schema.encode(table, ids())?;
    Ok(Some(Attributes { schema, rows }))
}

/// The attributes of the log's users, their schema fitted on those of training.
fn user_attributes(
    log: &Interactions,
    sources: &NextItemSources<'_>,
    train: &TrainingHistories,
) -> Result<Option<Attributes>, Error> {
    let Some(table) = sources.users else {
        return Ok(None);
    };
    let known = sources.known.and_then(|known| known.user_schema.as_ref());
    let schema = match known {
        Some(known) => known.clone(),
        None => AttributeSchema::fit(table, train.users.iter().map(|&user| log.user_id(user)))?,
    };
    let rows = schema.encode(table, log.user_ids().iter().map(String::as_str))?;
    Ok(Some(Attributes { schema, rows }))
}
