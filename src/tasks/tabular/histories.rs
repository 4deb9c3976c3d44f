//! Histories, and what of their events lies in time.

use burn::tensor::Tensor;

use super::fields::FieldEmbeddings;
use super::layout::{FieldRows, ListRows};
use crate::ops::attention::time_bucket;
use crate::sequence::{Offsets, PackedSequences};

/// Ages below one minute are the same.
const UNIT_MILLIS: i64 = 60_000;

/// The vectors of a history, and of the value in question.
pub(super) struct History {
    /// `[n_rows, d_model]`
    pub(super) targets: Tensor<2>,
    pub(super) events: PackedSequences,
}

impl History {
    /// The history of a list, and the value of the category that it is asked for.
    pub(super) fn read(
        (list, category): (usize, usize),
        rows: &FieldRows<'_>,
        fields: &FieldEmbeddings,
    ) -> Self {
        let list = &rows.lists[list];
        Self {
            targets: fields.vectors(&rows.category(category)),
            events: PackedSequences::new(fields.vectors(&list.ids), list.offsets.clone()),
        }
    }
}

/// The values of each history with the value in question behind, which is there even where a history is empty.
pub(super) struct WithTarget {
    pub(super) ids: Vec<u32>,
    pub(super) offsets: Offsets,
}

impl WithTarget {
    pub(super) fn new(list: &ListRows<'_>, targets: &[u32]) -> Self {
        let mut ids = Vec::with_capacity(list.ids.len() + targets.len());
        for (range, &target) in list.offsets.ranges().zip(targets) {
            ids.extend_from_slice(&list.ids[range]);
            ids.push(target);
        }
        let lengths = list.offsets.lengths().map(|length| length + 1);
        Self {
            ids,
            offsets: Offsets::from_lengths(lengths),
        }
    }
}

/// How many rows of its sequence come after each row, or the last of `n_places` if it is more.
pub(super) fn places_from_the_end(offsets: &Offsets, n_places: usize) -> Vec<u32> {
    let backwards = offsets.lengths().flat_map(|length| (0..length).rev());
    backwards
        .map(|back| back.min(n_places - 1) as u32)
        .collect()
}

/// How old each value of a history is: below a minute, below two, below four, and so on, the last of `n_buckets` open.
///
/// # Panics
/// If there is not one age a value.
pub(super) fn age_buckets(list: &ListRows<'_>, n_buckets: usize) -> Vec<u32> {
    assert_eq!(
        list.ages_millis.len(),
        list.ids.len(),
        "positions by age need the age of each value of a history"
    );
    let ages = list.ages_millis.iter();
    ages.map(|&age| time_bucket(age, UNIT_MILLIS, n_buckets) as u32)
        .collect()
}
