//! What was before each impression.

use std::collections::HashMap;
use std::ops::Range;

use super::items::ItemColumns;
use super::rule::EventUse;
use crate::data::interactions::Interactions;

/// How many events there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) impressions: i64,
    pub(super) successes: i64,
}

/// An impression, and what its user did strictly before.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    /// Its row in the log.
    pub(super) row: usize,
    /// Rows of the last events before it.
    pub(super) history: Range<usize>,
    /// Events of all kinds, those on its item, then those on items with its value of each category.
    pub(super) before: Vec<Counts>,
}

/// The impressions among the events of a log that `wanted` picks, with what was before.
pub(super) fn shown(
    log: &Interactions,
    uses: &[EventUse],
    items: &ItemColumns<'_>,
    max_history: usize,
    wanted: impl Fn(usize) -> bool,
) -> Vec<Shown> {
    let mut all = Vec::new();
    let mut past = Past::new(items);
    for user in 0..log.n_users() as u32 {
        past.clear();
        let rows = log.user_range(user);
        let first = rows.start;
        let mut start = first;
        for at_one_time in log.times_utc_millis()[rows].chunk_by(|a, b| a == b) {
            let group = start..start + at_one_time.len();
            for row in group.clone().filter(|&row| wanted(row)) {
                all.push(Shown {
                    row,
                    history: start.saturating_sub(max_history).max(first)..start,
                    before: past.counts(log.items()[row]),
                });
            }
            // Events at one time are in no order: none is before another.
            start = group.end;
            for row in group {
                past.add(log.items()[row], uses[row]);
            }
        }
    }
    all
}

/// How many events of a user were before, by what they were on.
struct Past<'a> {
    items: &'a ItemColumns<'a>,
    all: Counts,
    by_item: HashMap<u32, Counts>,
    /// One a category.
    by_value: Vec<HashMap<u32, Counts>>,
}

impl<'a> Past<'a> {
    fn new(items: &'a ItemColumns<'a>) -> Self {
        Self {
            items,
            all: Counts::default(),
            by_item: HashMap::new(),
            by_value: vec![HashMap::new(); items.categories.len()],
        }
    }

    fn clear(&mut self) {
        self.all = Counts::default();
        self.by_item.clear();
        self.by_value.iter_mut().for_each(HashMap::clear);
    }

    fn counts(&self, item: u32) -> Vec<Counts> {
        let of = |counts: Option<&Counts>| counts.copied().unwrap_or_default();
        let mut before = vec![self.all, of(self.by_item.get(&item))];
        for (category, by_value) in self.items.categories.iter().zip(&self.by_value) {
            let value = category.of_item[item as usize];
            before.push(of(value.and_then(|value| by_value.get(&value))));
        }
        before
    }

    fn add(&mut self, item: u32, event: EventUse) {
        let add = |counts: &mut Counts| match event {
            EventUse::Impression => counts.impressions += 1,
            EventUse::Success => counts.successes += 1,
            EventUse::Other => {}
        };
        add(&mut self.all);
        add(self.by_item.entry(item).or_default());
        for (category, by_value) in self.items.categories.iter().zip(&mut self.by_value) {
            if let Some(value) = category.of_item[item as usize] {
                add(by_value.entry(value).or_default());
            }
        }
    }
}
