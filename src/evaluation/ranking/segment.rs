//! Groups of cases to report apart.

use std::collections::HashMap;
use std::sync::Arc;

use super::{RankingCase, Segment};
use crate::evaluation::EvaluationError;

/// Where one group of history lengths ends and the next begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryBins {
    /// The first length of each group after the first: `[5, 10]` gives `0-4`, `5-9` and `10+`.
    Bounds(Vec<usize>),
    /// This many groups, at least 1, of nearly as many cases each; fewer where many histories are of one length.
    Quantiles(usize),
}

/// Groups cases by `history_length`.
///
/// # Errors
/// [`EvaluationError::BoundsNotAscending`].
pub fn segment_by_history_length(
    cases: &mut [RankingCase],
    bins: &HistoryBins,
) -> Result<(), EvaluationError> {
    let bounds = match bins {
        HistoryBins::Bounds(bounds) => bounds.clone(),
        HistoryBins::Quantiles(n_groups) => quantile_bounds(cases, *n_groups),
    };
    let ascending = bounds.is_sorted_by(|left, right| left < right);
    if !ascending || bounds.first() == Some(&0) {
        return Err(EvaluationError::BoundsNotAscending { bounds });
    }
    let name: Arc<str> = "history_length".into();
    let groups: Vec<Arc<str>> = (0..=bounds.len())
        .map(|group| {
            let first = if group == 0 { 0 } else { bounds[group - 1] };
            match bounds.get(group) {
                Some(&next) if next == first + 1 => first.to_string(),
                Some(&next) => format!("{first}-{}", next - 1),
                None => format!("{first}+"),
            }
            .into()
        })
        .collect();
    for case in cases {
        let group = bounds.partition_point(|&bound| bound <= case.history.len());
        case.segments.push(Segment {
            name: name.clone(),
            value: groups[group].clone(),
        });
    }
    Ok(())
}

/// The lengths at which equal parts of the cases end, without those that would leave the first group empty.
fn quantile_bounds(cases: &[RankingCase], n_groups: usize) -> Vec<usize> {
    let mut lengths: Vec<usize> = cases.iter().map(|case| case.history.len()).collect();
    lengths.sort_unstable();
    let Some(&shortest) = lengths.first() else {
        return Vec::new();
    };
    let mut bounds: Vec<usize> = (1..n_groups.min(lengths.len()))
        .map(|group| lengths[group * lengths.len() / n_groups.min(lengths.len())])
        .filter(|&bound| bound > shortest)
        .collect();
    bounds.dedup();
    bounds
}

/// Groups cases by the `target_popularity` of their first target: `head`, `mid` or `tail`.
///
/// The items, from the most popular down, are cut where a third and two thirds of all interactions are reached, so that
/// each group is about equally often chosen and its mean about equally sure. Items of equal count go to one group, that of
/// the first of them. A case whose targets are all outside the catalogue goes to `unknown`.
///
/// `counts` has the number of interactions in training of each item.
///
/// # Errors
/// [`EvaluationError::TargetOutOfRange`] for a target without a count.
pub fn segment_by_popularity(
    cases: &mut [RankingCase],
    counts: &[u64],
) -> Result<(), EvaluationError> {
    let popularity = PopularityGroups::new(counts.iter().copied());
    let name: Arc<str> = "target_popularity".into();
    let groups: [Arc<str>; 4] = ["head", "mid", "tail", "unknown"].map(Into::into);
    for (index, case) in cases.iter_mut().enumerate() {
        let group = match case.targets.first() {
            None => 3,
            Some(&item) => {
                let count = counts.get(item as usize);
                let count = count.ok_or(EvaluationError::TargetOutOfRange {
                    case: index,
                    item,
                    n_items: counts.len(),
                })?;
                popularity.group(*count)
            }
        };
        case.segments.push(Segment {
            name: name.clone(),
            value: groups[group].clone(),
        });
    }
    Ok(())
}

/// Where items are cut into head, mid and tail by their number of interactions.
#[derive(Debug)]
pub(super) struct PopularityGroups {
    group_of_count: HashMap<u64, usize>,
}

impl PopularityGroups {
    /// The group of the least popular.
    pub(super) const TAIL: usize = 2;

    /// Cuts items of these counts where a third and two thirds of all interactions are reached.
    pub(super) fn new(counts: impl Iterator<Item = u64>) -> Self {
        let mut descending: Vec<u64> = counts.collect();
        descending.sort_unstable_by(|left, right| right.cmp(left));
        let total: u128 = descending.iter().map(|&count| u128::from(count)).sum();
        let mut group_of_count: HashMap<u64, usize> = HashMap::new();
        let mut reached = 0u128;
        for &count in &descending {
            // The group of an item is decided by the share of the more popular ones before it.
            let group = (reached * 3)
                .checked_div(total)
                .unwrap_or(2)
                .min(Self::TAIL as u128) as usize;
            group_of_count.entry(count).or_insert(group);
            reached += u128::from(count);
        }
        // An item that nobody chose is in the tail, however few items there are.
        group_of_count.insert(0, Self::TAIL);
        Self { group_of_count }
    }

    /// 0 for the head, 1 for the middle, 2 for the tail; `count` is one of those that the groups were made of.
    pub(super) fn group(&self, count: u64) -> usize {
        self.group_of_count[&count]
    }
}

/// Groups cases by labels of the caller's, one a case, such as a country.
///
/// # Errors
/// [`EvaluationError::LabelsMismatch`].
pub fn segment_by_label(
    cases: &mut [RankingCase],
    name: &str,
    labels: &[impl AsRef<str>],
) -> Result<(), EvaluationError> {
    if labels.len() != cases.len() {
        return Err(EvaluationError::LabelsMismatch {
            segment: name.to_owned(),
            n_labels: labels.len(),
            n_cases: cases.len(),
        });
    }
    let name: Arc<str> = name.into();
    let mut known: HashMap<&str, Arc<str>> = HashMap::new();
    for (case, label) in cases.iter_mut().zip(labels) {
        let label = label.as_ref();
        let value = known.entry(label).or_insert_with(|| label.into()).clone();
        let name = name.clone();
        case.segments.push(Segment { name, value });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(lengths: &[usize]) -> Vec<RankingCase> {
        let case = |&length: &usize| RankingCase {
            history: vec![0; length],
            targets: vec![0],
            ..RankingCase::default()
        };
        lengths.iter().map(case).collect()
    }

    fn values(cases: &[RankingCase]) -> Vec<&str> {
        cases.iter().map(|case| &*case.segments[0].value).collect()
    }

    #[test]
    fn history_lengths_fall_into_the_bins_asked_for() {
        let mut cases = cases(&[0, 4, 5, 6, 9, 10, 99]);
        let bins = HistoryBins::Bounds(vec![5, 6, 10]);
        segment_by_history_length(&mut cases, &bins).unwrap();
        let expected = ["0-4", "0-4", "5", "6-9", "6-9", "10+", "10+"];
        assert_eq!(values(&cases), expected);
        assert_eq!(&*cases[0].segments[0].name, "history_length");
    }

    #[test]
    fn quantiles_of_history_lengths_have_as_many_cases_each() {
        let mut cases = cases(&[8, 1, 7, 2, 6, 3, 5, 4]);
        segment_by_history_length(&mut cases, &HistoryBins::Quantiles(4)).unwrap();
        let expected = ["7+", "0-2", "7+", "0-2", "5-6", "3-4", "5-6", "3-4"];
        assert_eq!(values(&cases), expected);
    }

    #[test]
    fn quantiles_of_equal_lengths_are_one_group() {
        for n_groups in [0, 1, 3, 100] {
            let mut cases = cases(&[4, 4, 4]);
            segment_by_history_length(&mut cases, &HistoryBins::Quantiles(n_groups)).unwrap();
            assert_eq!(values(&cases), ["0+"; 3]);
        }
    }

    #[test]
    fn bounds_that_do_not_ascend_are_refused() {
        for bounds in [vec![0, 5], vec![5, 5], vec![9, 5]] {
            let expected =
                format!("history bounds are {bounds:?}; they must be at least 1 and ascending");
            let error =
                segment_by_history_length(&mut cases(&[3]), &HistoryBins::Bounds(bounds.clone()));
            let error = error.unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert!(
                matches!(error, EvaluationError::BoundsNotAscending { bounds: found } if found == bounds)
            );
        }
    }

    #[test]
    fn popularity_is_cut_at_thirds_of_the_interactions() {
        // In descending order 33, 33, 24, 24, 6, 0: the items start at 0, 33, 66, 90, 114 and 120 of 120. The second of 24
        // starts beyond two thirds, and goes where its equal goes.
        let counts = [24, 33, 33, 0, 24, 6];
        let mut cases = cases(&[0; 7]);
        for (item, case) in (0..).zip(&mut cases) {
            case.targets = if item < 6 { vec![item] } else { vec![] };
        }
        segment_by_popularity(&mut cases, &counts).unwrap();
        let expected = ["mid", "head", "head", "tail", "mid", "tail", "unknown"];
        assert_eq!(values(&cases), expected);
    }

    #[test]
    fn items_that_nobody_chose_are_in_the_tail() {
        let mut cases = cases(&[0]);
        segment_by_popularity(&mut cases, &[0, 0]).unwrap();
        assert_eq!(values(&cases), ["tail"]);
    }

    #[test]
    fn a_target_without_a_count_is_refused() {
        let error = segment_by_popularity(&mut cases(&[0]), &[]).unwrap_err();
        assert!(matches!(
            error,
            EvaluationError::TargetOutOfRange {
                case: 0,
                item: 0,
                n_items: 0
            }
        ));
    }

    #[test]
    fn labels_number_the_cases() {
        let mut two = cases(&[1, 2]);
        segment_by_label(&mut two, "country", &["no", "se"]).unwrap();
        assert_eq!(values(&two), ["no", "se"]);
        let error = segment_by_label(&mut two, "country", &["no"]).unwrap_err();
        let expected = "segment country has 1 labels for 2 cases; give one a case";
        assert_eq!(error.to_string(), expected);
    }
}
