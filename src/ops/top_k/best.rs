//! The best few of a stream of scored items.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// An item and its score. The greater of two is the one to forget first: lower score, or equal score and higher id.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scored {
    score: f32,
    id: u32,
}

impl Eq for Scored {}

impl Ord for Scored {
    fn cmp(&self, other: &Self) -> Ordering {
        // Scores are never NaN. `total_cmp` would tell -0.0 from 0.0, which are a tie.
        let by_score = other.score.partial_cmp(&self.score);
        by_score
            .unwrap_or(Ordering::Equal)
            .then(self.id.cmp(&other.id))
    }
}

impl PartialOrd for Scored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Keeps the best `k` of the items offered to it. Ids must be offered in ascending order.
#[derive(Clone, Debug)]
pub(super) struct Best {
    k: usize,
    kept: BinaryHeap<Scored>,
    /// A score that does not exceed this cannot enter, since ids ascend.
    bar: f32,
}

impl Best {
    pub(super) fn new(k: usize) -> Self {
        Self {
            k,
            kept: BinaryHeap::new(),
            bar: f32::NEG_INFINITY,
        }
    }

    /// Offers items `first_id..` with their scores, of which only the admitted count.
    pub(super) fn offer(&mut self, first_id: u32, scores: &[f32], admit: impl Fn(u32) -> bool) {
        for (id, &score) in (first_id..).zip(scores) {
            let enters = score > self.bar || self.kept.len() < self.k && !score.is_nan();
            if enters && admit(id) {
                self.insert(Scored { score, id });
            }
        }
    }

    fn insert(&mut self, item: Scored) {
        self.kept.push(item);
        if self.kept.len() > self.k {
            self.kept.pop();
        }
        if self.kept.len() == self.k
            && let Some(worst) = self.kept.peek()
        {
            self.bar = worst.score;
        }
    }

    /// Ids and scores, best first.
    pub(super) fn into_ranking(self) -> (Vec<u32>, Vec<f32>) {
        let ranking = self.kept.into_sorted_vec();
        ranking.iter().map(|item| (item.id, item.score)).unzip()
    }
}
