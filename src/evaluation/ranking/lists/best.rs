//! The list of a user.

use std::cmp::Ordering;

use crate::evaluation::ranking::target_ranks::Ranker;

/// The `n` best candidates outside `hidden`, or as many as there are, best first; of equal scores the lower index first.
///
/// `scores` has one finite number an item; `hidden` is ascending.
pub(super) fn best(ranker: &Ranker, hidden: &[u32], scores: &[f32], n: usize) -> Vec<u32> {
    let mut best = Best {
        n,
        kept: Vec::with_capacity(2 * n),
        bar: f32::NEG_INFINITY,
    };
    let may_appear = |item: u32| hidden.binary_search(&item).is_err();
    match ranker.allowed() {
        None => (0..)
            .zip(scores)
            .for_each(|(item, &score)| best.offer(item, score, may_appear)),
        Some(items) => items
            .iter()
            .for_each(|&item| best.offer(item, scores[item as usize], may_appear)),
    }
    best.into_list()
}

/// The best of what was offered in ascending order of items, in memory for twice as many.
struct Best {
    n: usize,
    kept: Vec<(f32, u32)>,
    /// What a score must exceed: of equals, those offered before have the lower index.
    bar: f32,
}

impl Best {
    fn offer(&mut self, item: u32, score: f32, may_appear: impl Fn(u32) -> bool) {
        // Most items fail here, so that few are looked up.
        if score <= self.bar || !may_appear(item) {
            return;
        }
        self.kept.push((score, item));
        if self.kept.len() == 2 * self.n {
            self.kept.select_nth_unstable_by(self.n - 1, best_first);
            self.kept.truncate(self.n);
            self.bar = self.kept[self.n - 1].0;
        }
    }

    fn into_list(mut self) -> Vec<u32> {
        self.kept.sort_unstable_by(best_first);
        self.kept.truncate(self.n);
        self.kept.into_iter().map(|(_, item)| item).collect()
    }
}

fn best_first(left: &(f32, u32), right: &(f32, u32)) -> Ordering {
    // Not `total_cmp`, for which 0.0 is above -0.0.
    let by_score = right.0.partial_cmp(&left.0).unwrap_or(Ordering::Equal);
    by_score.then(left.1.cmp(&right.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::ranking::{Candidates, SeenItems};

    fn list(candidates: &Candidates, hidden: &[u32], scores: &[f32], n: usize) -> Vec<u32> {
        let ranker = Ranker::new(scores.len(), candidates, SeenItems::Filtered).unwrap();
        best(&ranker, hidden, scores, n)
    }

    #[test]
    fn of_equal_scores_the_lower_index_comes_first() {
        let scores = [0.0, 1.0, -0.0, 1.0, 0.0, 1.0];
        let expected = [1, 3, 5, 0, 2, 4];
        for n in 1..=6 {
            assert_eq!(list(&Candidates::All, &[], &scores, n), expected[..n]);
        }
    }

    #[test]
    fn hidden_items_and_those_off_the_allow_list_are_left_out() {
        let scores = [0.9, 0.8, 0.7, 0.6];
        assert_eq!(list(&Candidates::All, &[0, 2], &scores, 3), [1, 3]);
        let allowed = Candidates::AllowList([3, 1, 0].into());
        assert_eq!(list(&allowed, &[0], &scores, 1), [1]);
        assert!(list(&allowed, &[0, 1, 3], &scores, 2).is_empty());
    }

    #[test]
    fn long_rows_give_what_a_sort_gives() {
        // A permutation of 0..1009 halved, so that each score is there twice.
        let scores: Vec<f32> = (0..1009).map(|i| (i * 577 % 1009 / 2) as f32).collect();
        let mut sorted: Vec<u32> = (0..1009).collect();
        sorted.sort_by_key(|&item| (-(scores[item as usize] as i64), item));
        for n in [1, 2, 10, 504, 1009] {
            assert_eq!(list(&Candidates::All, &[], &scores, n), sorted[..n]);
        }
    }
}
