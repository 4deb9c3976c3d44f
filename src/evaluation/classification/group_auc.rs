//! How well positives are told from negatives of the same group.

use serde::{Deserialize, Serialize};

use super::ClassificationCases;
use super::cases::numbered;
use super::discrimination::roc_auc;
use crate::evaluation::EvaluationError;

/// The mean of the AUC within groups.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupAuc {
    /// The mean, each group weighed by its rows.
    pub value: f64,
    /// Number of groups.
    pub n_groups: usize,
    /// Number of groups that hold one class alone and so do not count.
    pub n_groups_left_out: usize,
}

/// The mean over groups of the AUC within each, weighed by the group's rows or their weight.
///
/// What differs between users, such as how much they click at all, does not help here: a group whose rows are of one
/// class has no AUC and is left out.
///
/// # Errors
/// [`EvaluationError::NoGroups`]; [`EvaluationError::NoGroupWithBothClasses`].
///
/// # Source
/// Zhou et al. 2018, "Deep interest network", section 5.3, equation 9, <https://arxiv.org/abs/1706.06978>. Differences: none;
/// weights by impressions, not clicks.
pub fn group_auc(cases: &ClassificationCases) -> Result<GroupAuc, EvaluationError> {
    let groups = Groups::new(cases).ok_or(EvaluationError::NoGroups)?;
    let n_groups = groups.n_groups();
    let found = GroupAucs::new(cases, &groups).summary(n_groups);
    found.ok_or(EvaluationError::NoGroupWithBothClasses { n_groups })
}

/// Groups numbered from 0.
#[derive(Debug)]
pub(in crate::evaluation) struct Groups {
    /// The number of the group of each row.
    pub(in crate::evaluation) group_of: Vec<usize>,
    n_groups: usize,
}

impl Groups {
    /// `None` if the cases have none.
    pub(in crate::evaluation) fn new(cases: &ClassificationCases) -> Option<Self> {
        let (group_of, distinct) = numbered(cases.groups()?.iter().copied());
        Some(Self {
            group_of,
            n_groups: distinct.len(),
        })
    }

    pub(in crate::evaluation) fn n_groups(&self) -> usize {
        self.n_groups
    }

    /// The rows of each group.
    fn rows(&self) -> Vec<Vec<usize>> {
        let mut rows = vec![Vec::new(); self.n_groups];
        for (row, &group) in self.group_of.iter().enumerate() {
            rows[group].push(row);
        }
        rows
    }
}

/// What each group with both classes adds to the mean.
#[derive(Debug)]
pub(super) struct GroupAucs {
    by_group: Vec<OneGroup>,
}

#[derive(Debug)]
struct OneGroup {
    group: usize,
    weight: f64,
    auc: f64,
}

impl GroupAucs {
    pub(super) fn new(cases: &ClassificationCases, groups: &Groups) -> Self {
        let of_group = |(group, rows): (usize, Vec<usize>)| {
            // Groups of one class have no AUC.
            let auc = roc_auc(&cases.subset(&rows)).ok()?;
            let weight = rows.iter().map(|&row| cases.weight(row)).sum();
            Some(OneGroup { group, weight, auc })
        };
        let rows = groups.rows().into_iter().enumerate();
        Self {
            by_group: rows.filter_map(of_group).collect(),
        }
    }

    /// The mean over `n_groups` groups; `None` if none has both classes.
    pub(super) fn summary(&self, n_groups: usize) -> Option<GroupAuc> {
        Some(GroupAuc {
            value: self.mean(|_| 1.0)?,
            n_groups,
            n_groups_left_out: n_groups - self.by_group.len(),
        })
    }

    /// The mean with each group counted so often; `None` if no group with both classes is.
    pub(super) fn mean(&self, count_of: impl Fn(usize) -> f64) -> Option<f64> {
        let (mut sum, mut total) = (0.0, 0.0);
        for OneGroup { group, weight, auc } in &self.by_group {
            sum += count_of(*group) * weight * auc;
            total += count_of(*group) * weight;
        }
        (total > 0.0).then(|| sum / total)
    }
}
