//! Histories beside the value in question.

use burn::tensor::Tensor;

use super::fields::FieldEmbeddings;
use super::layout::{FieldRows, ListRows};
use crate::sequence::{Offsets, PackedSequences};

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
