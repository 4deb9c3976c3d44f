//! Which number a model reads for each item and each type of event of a log.

use std::collections::HashSet;

use super::dataset::NextItemSources;
use crate::Error;
use crate::data::{Interactions, Split};
use crate::features::Vocabulary;

/// Which number a model reads for each item and each type of event of a log.
pub(super) struct Numbering {
    pub(super) catalogue: Vocabulary,
    /// Training events of each item, by catalogue index.
    pub(super) item_counts: Vec<u32>,
    pub(super) event_names: Vec<String>,
    /// The catalogue index of each item of the log.
    item_index: Vec<Option<u32>>,
    /// What a model reads for each type of event of the log; 0 for those that training never saw.
    event_numbers: Vec<u16>,
    /// Items of the log that training shall not see.
    hidden: HashSet<u32>,
}

impl Numbering {
    /// Numbers the items of the training part but the hidden ones, after those of a known model and before those of a side
    /// table.
    pub(super) fn new(
        log: &Interactions,
        split: &Split,
        sources: &NextItemSources<'_>,
        hidden: &HashSet<u32>,
    ) -> Result<Self, Error> {
        let known = sources.known;
        let mut ids = known.map_or_else(Vec::new, |known| known.catalogue.ids().to_vec());
        let mut met: HashSet<String> = ids.iter().cloned().collect();
        let train = || split.train.iter().cloned().flatten();
        let mut seen = vec![false; log.n_items()];
        for row in train() {
            let item = log.items()[row];
            let first = !std::mem::replace(&mut seen[item as usize], true);
            if first && !hidden.contains(&item) && met.insert(log.item_id(item).to_owned()) {
                ids.push(log.item_id(item).to_owned());
            }
        }
        let of_table = sources.items.into_iter().flat_map(|table| table.ids());
        ids.extend(of_table.filter(|id| met.insert((*id).clone())).cloned());
        let catalogue = Vocabulary::new(ids)?;
        let index = |item| catalogue.catalogue_index(log.item_id(item));
        let item_index: Vec<Option<u32>> = (0..log.n_items() as u32).map(index).collect();

        let mut item_counts = known.map_or_else(Vec::new, |known| known.item_counts.clone());
        if item_counts.iter().all(|&count| count == 0) {
            // Nobody counted the events of an imported model, but it knows its items.
            item_counts.fill(1);
        }
        item_counts.resize(catalogue.n_real(), 0);
        let since = sources.learn_since_utc_millis.unwrap_or(i64::MIN);
        for row in train().filter(|&row| log.times_utc_millis()[row] >= since) {
            let item = log.items()[row];
            if let Some(index) = item_index[item as usize].filter(|_| !hidden.contains(&item)) {
                item_counts[index as usize] += 1;
            }
        }
        let (event_names, event_numbers) =
            events(log, split, known.map(|known| known.event_names.as_slice()));
        Ok(Self {
            catalogue,
            item_counts,
            event_names,
            item_index,
            event_numbers,
            hidden: hidden.clone(),
        })
    }

    /// The catalogue index of an item of the log.
    pub(super) fn item(&self, item: u32) -> Option<u32> {
        self.item_index[item as usize]
    }

    /// Whether training sees an item of the log.
    pub(super) fn is_trained(&self, item: u32) -> bool {
        let counted = |index| self.item_counts[index as usize] > 0;
        !self.hidden.contains(&item) && self.item(item).is_some_and(counted)
    }

    /// What a model reads for a type of event of the log.
    pub(super) fn event(&self, event: u16) -> u16 {
        self.event_numbers[event as usize]
    }
}

/// The names of the types of event that a model knows, and what it reads for each type of the log.
fn events(log: &Interactions, split: &Split, known: Option<&[String]>) -> (Vec<String>, Vec<u16>) {
    let mut names = known.unwrap_or_default().to_vec();
    let mut numbers = vec![0; log.event_names().len()];
    let place = |names: &[String], name: &String| names.iter().position(|known| known == name);
    for (number, name) in numbers.iter_mut().zip(log.event_names()) {
        *number = place(&names, name).map_or(0, |place| place as u16 + 1);
    }
    let rows = split.train.iter().cloned().flatten();
    for event in log
        .events()
        .into_iter()
        .flat_map(|events| rows.clone().map(|row| events[row]))
    {
        if numbers[event as usize] == 0 {
            names.push(log.event_names()[event as usize].clone());
            numbers[event as usize] = names.len() as u16;
        }
    }
    (names, numbers)
}
