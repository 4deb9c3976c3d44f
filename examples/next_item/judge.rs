//! How good a model is beside simple ones: where it ranks what people chose, and what it recommends.

use std::error::Error;

use salient::evaluation::ranking::{
    Catalogue, ItemContent, ListReport, RankingCase, RankingMetric, RankingReport, RankingSettings,
    Scorer, evaluate_ranking, evaluate_ranking_and_lists,
};
use salient::evaluation::{EvaluationError, PairedTest, SignificanceSettings};
use salient::features::{EncodedAttributes, EncodedColumn};

/// The figures of a scorer; no lists where somebody has met every item.
pub(crate) fn judge(
    cases: &[RankingCase],
    scorer: &dyn Scorer,
    settings: &RankingSettings,
    catalogue: &Catalogue<'_>,
) -> Result<(RankingReport, Option<ListReport>), EvaluationError> {
    match evaluate_ranking_and_lists(cases, scorer, settings, catalogue) {
        Ok((ranking, lists)) => Ok((ranking, Some(lists))),
        Err(EvaluationError::EmptyList { .. }) => {
            Ok((evaluate_ranking(cases, scorer, settings)?, None))
        }
        Err(error) => Err(error),
    }
}

/// The categories of each item, over all its attributes that have any; none where no attribute has.
pub(crate) fn categories(content: Option<&EncodedAttributes>) -> Option<Vec<Vec<u32>>> {
    let content = content?;
    let mut categories = vec![Vec::new(); content.n_rows];
    let mut first = 0;
    for column in &content.columns {
        let EncodedColumn::Categories {
            n_values,
            offsets,
            numbers,
        } = column
        else {
            continue;
        };
        for (item, ends) in offsets.windows(2).enumerate() {
            // Number 0 is a value that is missing or unknown, and makes no two items alike.
            let known = numbers[ends[0]..ends[1]]
                .iter()
                .filter(|number| **number > 0);
            categories[item].extend(known.map(|number| first + number));
        }
        first += *n_values as u32;
    }
    (first > 0).then_some(categories)
}

/// What tells items apart, for the diversity of lists.
pub(crate) fn item_content(categories: Option<&Vec<Vec<u32>>>) -> Option<ItemContent<'_>> {
    categories.map(|categories| ItemContent::Categories(categories))
}

/// Whether the model is better than the best of the others, and which one that is.
pub(crate) fn significance(
    report: &RankingReport,
    others: &[RankingReport],
    k: usize,
) -> Result<Option<(String, PairedTest)>, Box<dyn Error>> {
    let ndcg = |report: &RankingReport| report.mean(RankingMetric::Ndcg, k).unwrap_or_default();
    let best = others.iter().max_by(|a, b| ndcg(a).total_cmp(&ndcg(b)));
    let test = |best: &RankingReport| {
        let settings = SignificanceSettings::default();
        let test = report.significance_over(best, RankingMetric::Ndcg, k, &settings)?;
        Ok((best.model.clone(), test))
    };
    best.map(test).transpose()
}
