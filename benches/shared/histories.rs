//! Random histories of items.

use rand::RngExt;
use salient::random::RandomKey;
use salient::sequence::Offsets;

/// Histories end to end.
pub(crate) struct Histories {
    /// Catalogue index of each event.
    pub(crate) items: Vec<u32>,
    /// Where each history starts and ends.
    pub(crate) offsets: Offsets,
}

/// Draws every event evenly from the catalogue.
pub(crate) fn histories(lengths: &[usize], n_items: usize, key: RandomKey) -> Histories {
    let offsets = Offsets::from_lengths(lengths.iter().copied());
    let mut generator = key.generator();
    let mut draw = || generator.random_range(0..n_items as u32);
    Histories {
        items: (0..offsets.n_rows()).map(|_| draw()).collect(),
        offsets,
    }
}
