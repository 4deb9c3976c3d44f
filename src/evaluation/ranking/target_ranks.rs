//! The places of the targets among the items that may be recommended.

use sha2::{Digest, Sha256};

use super::{CandidateSet, Candidates, RankingCase, SeenItems};
use crate::evaluation::EvaluationError;

/// Finds the ranks of targets without sorting: a rank is one more than the number of items that come before.
#[derive(Debug)]
pub(super) struct Ranker {
    n_items: usize,
    seen_items: SeenItems,
    allow_list: Option<AllowList>,
}

#[derive(Debug)]
struct AllowList {
    /// Ascending and distinct.
    items: Vec<u32>,
    holds: Vec<bool>,
}

impl Ranker {
    /// # Errors
    /// [`EvaluationError::CandidateOutOfRange`].
    pub(super) fn new(
        n_items: usize,
        candidates: &Candidates,
        seen_items: SeenItems,
    ) -> Result<Self, EvaluationError> {
        let allow_list = match candidates {
            Candidates::All => None,
            Candidates::AllowList(items) => Some(AllowList::new(items, n_items)?),
        };
        Ok(Self {
            n_items,
            seen_items,
            allow_list,
        })
    }

    /// Size of the catalogue.
    pub(super) fn n_items(&self) -> usize {
        self.n_items
    }

    /// The items that may be recommended, ascending; `None` for all.
    pub(super) fn allowed(&self) -> Option<&[u32]> {
        self.allow_list.as_ref().map(|list| &*list.items)
    }

    /// The items that may be recommended, ascending.
    pub(super) fn candidates(&self) -> Vec<u32> {
        let all = || (0..self.n_items as u32).collect();
        self.allowed().map_or_else(all, <[u32]>::to_vec)
    }

    /// The candidates that a list for this history must not hold, ascending and distinct.
    pub(super) fn hidden(&self, history: &[u32]) -> Vec<u32> {
        if self.seen_items == SeenItems::Kept {
            return Vec::new();
        }
        let seen = history.iter().copied();
        let mut hidden: Vec<u32> = seen.filter(|&item| self.is_candidate(item)).collect();
        hidden.sort_unstable();
        hidden.dedup();
        hidden
    }

    /// What the protocol says of the candidates.
    pub(super) fn candidate_set(&self) -> CandidateSet {
        self.allow_list.as_ref().map_or(CandidateSet::All, |list| {
            let digest = Sha256::digest(
                list.items
                    .iter()
                    .flat_map(|item| item.to_le_bytes())
                    .collect::<Vec<u8>>(),
            );
            CandidateSet::AllowList {
                n_candidates: list.items.len(),
                sha256: hexadecimal(&digest),
            }
        })
    }

    /// Whether an item may be recommended at all.
    pub(super) fn is_candidate(&self, item: u32) -> bool {
        let list = self.allow_list.as_ref();
        list.is_none_or(|list| list.holds[item as usize])
    }

    /// The ranks from 1, ascending, of the targets among the candidates. A target comes after every other item of its
    /// score; targets of one score take the places after those one by one.
    ///
    /// `scores` has one finite number an item; the indices of `case` are below `n_items`.
    pub(super) fn ranks(&self, case: &RankingCase, scores: &[f32]) -> Vec<usize> {
        debug_assert_eq!(scores.len(), self.n_items);
        let (targets, excluded) = self.targets_and_excluded(case, scores);
        let ranks = targets
            .iter()
            .enumerate()
            .map(|(n_targets_before, &score)| {
                let n_excluded = excluded.iter().filter(|&&other| other >= score).count();
                self.n_at_least(scores, score) - n_excluded + n_targets_before + 1
            });
        ranks.collect()
    }

    /// The scores of the targets, highest first, and those of all candidates that do not compete with them: the targets
    /// themselves, and what was seen if that is filtered.
    fn targets_and_excluded(&self, case: &RankingCase, scores: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let score_of = |&item: &u32| scores[item as usize];
        let targets = || {
            let targets = case.targets.iter();
            targets.filter(|&&item| self.is_candidate(item))
        };
        let mut target_scores: Vec<f32> = targets().map(score_of).collect();
        target_scores.sort_unstable_by(|left, right| right.total_cmp(left));
        let mut excluded: Vec<u32> = targets().copied().collect();
        if self.seen_items == SeenItems::Filtered {
            let seen = case.history.iter().copied();
            excluded.extend(seen.filter(|&item| self.is_candidate(item)));
            excluded.sort_unstable();
            excluded.dedup();
        }
        (target_scores, excluded.iter().map(score_of).collect())
    }

    /// Number of candidates whose score is not below `score`.
    fn n_at_least(&self, scores: &[f32], score: f32) -> usize {
        match &self.allow_list {
            None => scores.iter().filter(|&&other| other >= score).count(),
            Some(list) => {
                let others = list.items.iter().map(|&item| scores[item as usize]);
                others.filter(|&other| other >= score).count()
            }
        }
    }
}

impl AllowList {
    fn new(items: &[u32], n_items: usize) -> Result<Self, EvaluationError> {
        let mut holds = vec![false; n_items];
        for &item in items {
            let slot = holds.get_mut(item as usize);
            *slot.ok_or(EvaluationError::CandidateOutOfRange { item, n_items })? = true;
        }
        let kept = (0..).zip(&holds).filter(|(_, held)| **held);
        Ok(Self {
            items: kept.map(|(item, _)| item).collect(),
            holds,
        })
    }
}

/// The bytes as lower-case hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(history: &[u32], targets: &[u32]) -> RankingCase {
        RankingCase {
            history: history.to_vec(),
            targets: targets.to_vec(),
            ..RankingCase::default()
        }
    }

    fn ranker(candidates: &Candidates, seen_items: SeenItems) -> Ranker {
        Ranker::new(5, candidates, seen_items).unwrap()
    }

    #[test]
    fn a_tied_target_comes_after_its_equals() {
        let ranker = ranker(&Candidates::All, SeenItems::Kept);
        let scores = [0.5, 0.9, 0.5, 0.5, 0.1];
        assert_eq!(ranker.ranks(&case(&[], &[2]), &scores), vec![4]);
        // Item 3 alone of the three equals is no target: it takes place 2, the targets places 3 and 4.
        assert_eq!(ranker.ranks(&case(&[], &[2, 0]), &scores), vec![3, 4]);
        assert_eq!(ranker.ranks(&case(&[], &[4, 1]), &scores), vec![1, 5]);
    }

    #[test]
    fn seen_items_leave_the_ranking_unless_they_are_targets() {
        let scores = [0.5, 0.9, 0.8, 0.7, 0.1];
        let repeated = case(&[1, 1, 2, 0], &[0]);
        let filtered = ranker(&Candidates::All, SeenItems::Filtered);
        assert_eq!(filtered.ranks(&repeated, &scores), vec![2]);
        let kept = ranker(&Candidates::All, SeenItems::Kept);
        assert_eq!(kept.ranks(&repeated, &scores), vec![4]);
    }

    #[test]
    fn an_allow_list_ranks_its_items_alone() {
        let scores = [0.5, 0.9, 0.8, 0.7, 0.1];
        let list = Candidates::AllowList([3, 0, 2, 3].into());
        let ranker = ranker(&list, SeenItems::Filtered);
        // Target 4 is no candidate, and neither is item 1, the best; item 2 was seen.
        assert_eq!(ranker.ranks(&case(&[2, 1], &[0, 4]), &scores), vec![2]);
    }
}
