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
    pub(super) fn offer_all(&mut self, first_id: u32, scores: &[f32], admit: impl Fn(u32) -> bool) {
        for (id, &score) in (first_id..).zip(scores) {
            if self.wants(score) && admit(id) {
                self.insert(Scored { score, id });
            }
        }
    }

    /// Offers one item.
    pub(super) fn offer(&mut self, id: u32, score: f32) {
        if self.wants(score) {
            self.insert(Scored { score, id });
        }
    }

    /// Takes over the best of other items, whose ids are higher.
    pub(super) fn take(&mut self, others: Self) {
        for item in others.kept.into_sorted_vec() {
            self.offer(item.id, item.score);
        }
    }

    /// What a score has to exceed, if anything.
    pub(super) fn bar(&self) -> Option<f32> {
        (self.kept.len() >= self.k).then_some(self.bar)
    }

    fn wants(&self, score: f32) -> bool {
        score > self.bar || self.kept.len() < self.k && !score.is_nan()
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
