//! The items that a target competes with.

use burn::tensor::Tensor;

use crate::sequence::Offsets;

/// The items that a target competes with.
#[derive(Clone, Copy, Debug)]
pub struct Negatives<'a> {
    /// Items, as many for each group, group by group.
    pub ids: &'a [u32],
    /// Which rows of `hidden` share negatives: one group of all, one for each history, or one for each row.
    pub groups: &'a Offsets,
    /// For each item the logarithm of its chance to be drawn, which is taken from its logit ("logQ correction"); without it
    /// items that are drawn often are scored too low.
    pub log_chances: Option<&'a [f32]>,
}

impl Negatives<'_> {
    /// Number of negatives of each group.
    pub(in crate::ops) fn n_each(&self) -> usize {
        let n_groups = self.groups.n_sequences();
        self.ids.len().checked_div(n_groups).unwrap_or(0)
    }

    /// Asserts that there is a target for each row, a group too, and a vector for each target and negative.
    #[track_caller]
    pub(in crate::ops) fn assert_fit(
        &self,
        hidden: &Tensor<2>,
        target_rows: &Tensor<2>,
        negative_rows: &Tensor<2>,
        targets: &[u32],
    ) {
        let [n_rows, d_model] = hidden.dims();
        assert_eq!(targets.len(), n_rows, "each row needs one target");
        assert_eq!(
            target_rows.dims(),
            [n_rows, d_model],
            "target_rows must have the shape of hidden"
        );
        assert_eq!(
            negative_rows.dims(),
            [self.ids.len(), d_model],
            "negative_rows must hold one row a negative, as wide as hidden"
        );
        assert_eq!(
            self.groups.n_rows(),
            n_rows,
            "groups must hold as many rows as hidden"
        );
        let n_groups = self.groups.n_sequences();
        assert!(
            n_groups == 0 || self.ids.len().is_multiple_of(n_groups),
            "{} negatives for {n_groups} groups",
            self.ids.len()
        );
    }
}
