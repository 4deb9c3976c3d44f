//! Text to numbers, for as long as rows are read.

use std::collections::HashMap;

/// Text ids, numbered from 0 in order of first appearance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dictionary {
    numbers: HashMap<Box<str>, u32>,
}

impl Dictionary {
    /// The number of `id`, or none when it is new and `limit` ids are there.
    pub(crate) fn number(&mut self, id: &str, limit: usize) -> Option<u32> {
        if let Some(&number) = self.numbers.get(id) {
            return Some(number);
        }
        let next = self.numbers.len();
        if next >= limit {
            return None;
        }
        self.numbers.insert(id.into(), next as u32);
        Some(next as u32)
    }

    /// The number of `id`, if it has one.
    pub(crate) fn find(&self, id: &str) -> Option<u32> {
        self.numbers.get(id).copied()
    }

    /// The ids in the order of their numbers.
    pub(crate) fn into_ids(self) -> Vec<String> {
        let mut ids = vec![String::new(); self.numbers.len()];
        for (id, number) in self.numbers {
            ids[number as usize] = id.into();
        }
        ids
    }
}
