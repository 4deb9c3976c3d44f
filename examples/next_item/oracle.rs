//! The best that anybody could do on the simulated shop, and how much of the way there a model went.

use std::collections::HashMap;
use std::error::Error;

use salient::data::synthetic::Shop;
use salient::data::{Holdout, Interactions, Split};
use salient::evaluation::ranking::{
    RankingCase, RankingMetric, RankingReport, RankingSettings, Scorer, ScorerError,
    evaluate_ranking,
};
use salient::tasks::next_item::NextItemData;

/// Scores by the probabilities that the simulator drew the next item from, given the same history.
pub(crate) struct Oracle {
    n_items: usize,
    /// By the history that they answer, as no two test cases share one with its times.
    truth: HashMap<(Vec<u32>, Vec<i64>), Vec<f32>>,
}

impl Oracle {
    /// Asks the shop about every test case.
    pub(crate) fn new(shop: &Shop, log: &Interactions, split: &Split, data: &NextItemData) -> Self {
        let users: HashMap<&str, u32> = shop
            .users()
            .iter()
            .zip(0..)
            .map(|(user, index)| (user.id.as_str(), index))
            .collect();
        let items: HashMap<&str, usize> = shop
            .items()
            .iter()
            .zip(0..)
            .map(|(item, index)| (item.id.as_str(), index))
            .collect();
        let truth = |holdout: &Holdout| -> Vec<f32> {
            let event = holdout.targets.start - log.user_range(holdout.user).start;
            let truth = shop.next_item_probabilities(users[log.user_id(holdout.user)], event);
            data.catalogue
                .ids()
                .iter()
                .map(|id| truth[items[id.as_str()]] as f32)
                .collect()
        };
        let cases = data.test.iter().zip(&split.test);
        Self {
            n_items: data.n_items(),
            truth: cases
                .map(|(case, holdout)| (key(case), truth(holdout)))
                .collect(),
        }
    }

    /// The share of the way from the best baseline to this oracle that the model went, in NDCG at `k`.
    pub(crate) fn gap_closed(
        &self,
        model: &RankingReport,
        baselines: &[RankingReport],
        cases: &[RankingCase],
        settings: &RankingSettings,
        k: usize,
    ) -> Result<String, Box<dyn Error>> {
        let ndcg = |report: &RankingReport| {
            report
                .mean(RankingMetric::Ndcg, k)
                .ok_or_else(|| format!("there is no NDCG at {k}"))
        };
        let oracle = ndcg(&evaluate_ranking(cases, self, settings)?)?;
        let mut best = 0.0_f64;
        for baseline in baselines {
            best = best.max(ndcg(baseline)?);
        }
        let model = ndcg(model)?;
        let closed = (model - best) / (oracle - best) * 100.0;
        let way = match closed >= 0.0 {
            true => format!("{closed:.0} % of the gap closed"),
            false => "below the baseline".to_owned(),
        };
        Ok(format!(
            "NDCG at {k}: best baseline {best:.4}, model {model:.4}, best possible {oracle:.4}: {way}"
        ))
    }
}

fn key(case: &RankingCase) -> (Vec<u32>, Vec<i64>) {
    (case.history.clone(), case.history_times_utc_millis.clone())
}

impl Scorer for Oracle {
    fn name(&self) -> &str {
        "oracle"
    }

    fn n_items(&self) -> usize {
        self.n_items
    }

    fn score(&self, cases: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError> {
        for (case, row) in cases.iter().zip(scores.chunks_exact_mut(self.n_items)) {
            row.copy_from_slice(
                self.truth
                    .get(&key(case))
                    .ok_or("the shop was not asked about this case")?,
            );
        }
        Ok(())
    }
}
