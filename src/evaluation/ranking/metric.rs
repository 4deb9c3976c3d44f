//! The metrics of one ranked list.

use serde::{Deserialize, Serialize};

/// A metric of the first `k` places of a ranking, in `[0, 1]`, higher is better.
///
/// Below, `n` is the number of right answers of a case, known or not, and `hits` those within the first `k` places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RankingMetric {
    /// 1 if `hits > 0`, else 0.
    HitRate,
    /// `hits / n`.
    Recall,
    /// `hits / k`.
    Precision,
    /// `sum over hits of 1 / log2(rank + 1)`, divided by its value for a perfect ranking, which has `min(k, n)` hits.
    ///
    /// # Source
    /// Järvelin and Kekäläinen 2002, <https://doi.org/10.1145/582415.582418>, with binary relevance.
    Ndcg,
    /// `1 / rank` of the first hit, 0 without one.
    Mrr,
    /// `sum over hits of (hits up to rank) / rank`, divided by `min(k, n)`.
    Map,
}

impl RankingMetric {
    /// All metrics, in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::HitRate,
        Self::Recall,
        Self::Precision,
        Self::Ndcg,
        Self::Mrr,
        Self::Map,
    ];

    /// Its name at a cutoff, such as `ndcg_at_10`.
    ///
    /// ```
    /// use salient::evaluation::ranking::RankingMetric;
    ///
    /// assert_eq!(RankingMetric::HitRate.name_at(5), "hit_rate_at_5");
    /// ```
    pub fn name_at(self, k: usize) -> String {
        let stem = match self {
            Self::HitRate => "hit_rate",
            Self::Recall => "recall",
            Self::Precision => "precision",
            Self::Ndcg => "ndcg",
            Self::Mrr => "mrr",
            Self::Map => "map",
        };
        format!("{stem}_at_{k}")
    }

    /// How tables head its column.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::HitRate => "hit rate",
            Self::Recall => "recall",
            Self::Precision => "precision",
            Self::Ndcg => "NDCG",
            Self::Mrr => "MRR",
            Self::Map => "MAP",
        }
    }

    /// The metric of one case: the ranks of its known targets, ascending from 1, and its number of right answers.
    ///
    /// `k` and `n_relevant` are at least 1, and no more ranks than `n_relevant`, all of which the evaluation has checked.
    pub(super) fn at_k(self, ranks: &[usize], n_relevant: usize, k: usize) -> f64 {
        let hits = &ranks[..ranks.partition_point(|&rank| rank <= k)];
        match self {
            Self::HitRate => f64::from(u8::from(!hits.is_empty())),
            Self::Recall => hits.len() as f64 / n_relevant as f64,
            Self::Precision => hits.len() as f64 / k as f64,
            Self::Ndcg => {
                let gain: f64 = hits.iter().map(|&rank| discount(rank)).sum();
                let ideal: f64 = (1..=k.min(n_relevant)).map(discount).sum();
                gain / ideal
            }
            Self::Mrr => hits.first().map_or(0.0, |&rank| 1.0 / rank as f64),
            Self::Map => {
                let precisions: f64 = (1..)
                    .zip(hits)
                    .map(|(n_hits, &rank)| f64::from(n_hits) / rank as f64)
                    .sum();
                precisions / k.min(n_relevant) as f64
            }
        }
    }
}

fn discount(rank: usize) -> f64 {
    1.0 / (rank as f64 + 1.0).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(metric: RankingMetric, k: usize) -> f64 {
        // Right answers at places 2 and 5, and a third that the catalogue does not hold.
        metric.at_k(&[2, 5], 3, k)
    }

    #[test]
    fn metrics_equal_hand_computed_values() {
        use RankingMetric::*;
        let close = |left: f64, right: f64| assert!((left - right).abs() < 1e-12, "{left} {right}");
        close(at(HitRate, 1), 0.0);
        close(at(HitRate, 2), 1.0);
        close(at(Recall, 4), 1.0 / 3.0);
        close(at(Recall, 5), 2.0 / 3.0);
        close(at(Precision, 4), 0.25);
        close(at(Precision, 10), 0.2);
        close(at(Mrr, 1), 0.0);
        close(at(Mrr, 5), 0.5);
        close(at(Map, 2), (1.0 / 2.0) / 2.0);
        close(at(Map, 5), (1.0 / 2.0 + 2.0 / 5.0) / 3.0);
        // log2 of 3, 4 and 6 are 1.5849625007, 2 and 2.5849625007.
        let ideal = 1.0 + 0.630_929_753_571_457_5 + 0.5;
        close(
            at(Ndcg, 5),
            (0.630_929_753_571_457_5 + 0.386_852_807_234_541_63) / ideal,
        );
        close(
            at(Ndcg, 2),
            0.630_929_753_571_457_5 / 1.630_929_753_571_457_5,
        );
        close(at(Ndcg, 1), 0.0);
    }

    #[test]
    fn a_perfect_ranking_scores_one_where_it_can() {
        for k in [1, 2, 3, 7] {
            assert_eq!(RankingMetric::Ndcg.at_k(&[1, 2, 3], 3, k), 1.0);
            assert_eq!(RankingMetric::Map.at_k(&[1, 2, 3], 3, k), 1.0);
            assert_eq!(RankingMetric::Mrr.at_k(&[1, 2, 3], 3, k), 1.0);
            assert_eq!(RankingMetric::HitRate.at_k(&[1, 2, 3], 3, k), 1.0);
        }
        assert_eq!(RankingMetric::Recall.at_k(&[1, 2, 3], 3, 3), 1.0);
        assert_eq!(RankingMetric::Precision.at_k(&[1, 2, 3], 3, 3), 1.0);
    }
}
