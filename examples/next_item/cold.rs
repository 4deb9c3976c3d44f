//! How well items that training never saw are ranked by their content alone.

use std::error::Error;

use salient::evaluation::ranking::{
    Candidates, RankingCase, RankingMetric, RankingReport, RankingSettings, Scorer, ScorerError,
    evaluate_ranking,
};
use salient::random::RandomKey;
use salient::tasks::next_item::NextItemData;
use serde_json::{Value, json};

/// Gives every item a random score.
struct Random {
    n_items: usize,
}

impl Scorer for Random {
    fn name(&self) -> &str {
        "random"
    }

    fn n_items(&self) -> usize {
        self.n_items
    }

    fn score(&self, cases: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError> {
        for (case, row) in cases.iter().zip(scores.chunks_exact_mut(self.n_items)) {
            // The scores of a case may not depend on the cases beside it, so they come from what it is.
            let name = case.history.iter().chain(&case.targets);
            let key = name.fold(RandomKey::new(0), |key, &item| key.child(item.into()));
            for (item, score) in row.iter_mut().enumerate() {
                *score = key.bits_at(item as u64)[0] as f32;
            }
        }
        Ok(())
    }
}

/// Recall of hidden items: among themselves, and among the whole catalogue.
pub(crate) fn evaluate(
    data: &NextItemData,
    scorer: &dyn Scorer,
    popularity: &dyn Scorer,
    settings: &RankingSettings,
) -> Result<Value, Box<dyn Error>> {
    let is_hidden = |item: &u32| data.hidden_items.binary_search(item).is_ok();
    // Of a question with several answers the hidden ones count.
    let asked = data.test.iter().map(|case| RankingCase {
        targets: case.targets.iter().copied().filter(is_hidden).collect(),
        n_unknown_targets: 0,
        ..case.clone()
    });
    let cases: Vec<RankingCase> = asked.filter(|case| !case.targets.is_empty()).collect();
    if cases.is_empty() {
        println!("no test case asks for a hidden item\n");
        return Ok(Value::Null);
    }
    let n_hidden = data.hidden_items.len();
    let k = 10.min(n_hidden);
    let random = Random {
        n_items: data.n_items(),
    };
    println!(
        "{n_hidden} items hidden from training, scored by content: recall at {k} in the {} test cases that ask for one",
        cases.len()
    );
    let mut found = serde_json::Map::new();
    let among = [
        (
            "hidden items",
            Candidates::AllowList(data.hidden_items.as_slice().into()),
        ),
        ("all items", Candidates::All),
    ];
    for (name, candidates) in among {
        let settings = RankingSettings {
            cutoffs: vec![k],
            candidates,
            ..settings.clone()
        };
        let report = |scorer: &dyn Scorer| -> Result<RankingReport, Box<dyn Error>> {
            Ok(evaluate_ranking(&cases, scorer, &settings)?)
        };
        let mut recalls = serde_json::Map::new();
        for scorer in [scorer, &random, popularity] {
            let report = report(scorer)?;
            if let Some(recall) = report.estimate(RankingMetric::Recall, k) {
                println!("  among {name:<12}  {:<12} {recall}", report.model);
                recalls.insert(report.model.clone(), json!(recall.mean));
            }
        }
        found.insert(name.replace(' ', "_"), Value::Object(recalls));
    }
    println!();
    Ok(Value::Object(found))
}
