//! How well the items that people chose next are ranked in the whole catalogue.
//!
//! A [`RankingCase`] is a history and the items that followed it; a [`Scorer`] gives every item of the catalogue a score;
//! [`evaluate_ranking`] finds the ranks of the targets and condenses them to a [`RankingReport`]; [`evaluate_lists`] looks at
//! what is recommended instead, right or not.
//!
//! ```
//! use salient::evaluation::ranking::{
//!     RankingCase, RankingMetric, RankingSettings, Scorer, ScorerError, evaluate_ranking,
//! };
//!
//! struct LargerIsBetter;
//!
//! impl Scorer for LargerIsBetter {
//!     fn name(&self) -> &str {
//!         "larger is better"
//!     }
//!     fn n_items(&self) -> usize {
//!         4
//!     }
//!     fn score(&self, _: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError> {
//!         for (index, score) in scores.iter_mut().enumerate() {
//!             *score = (index % 4) as f32;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! // Item 3 is in the history, so item 2 is the best of the rest.
//! let case = RankingCase { history: vec![3], targets: vec![2], ..RankingCase::default() };
//! let settings = RankingSettings { cutoffs: vec![1, 2], ..RankingSettings::default() };
//! let report = evaluate_ranking(&[case], &LargerIsBetter, &settings)?;
//! assert_eq!(report.mean(RankingMetric::Ndcg, 1), Some(1.0));
//! # Ok::<(), salient::evaluation::EvaluationError>(())
//! ```

mod case;
mod checks;
mod comparison;
mod evaluate;
mod lists;
mod metric;
mod pass;
mod protocol;
mod report;
mod scorer;
mod segment;
mod settings;
mod tables;
mod target_ranks;

pub use case::{RankingCase, Segment};
pub use comparison::{RankingComparison, compare};
pub use evaluate::evaluate_ranking;
pub use lists::{
    Catalogue, ContentProtocol, ExposureMeasure, ItemContent, ListComparison, ListMeasure,
    ListProtocol, ListReport, compare_lists, evaluate_lists, evaluate_ranking_and_lists,
};
pub use metric::RankingMetric;
pub use protocol::{CandidateSet, RankingProtocol, TieRule};
pub use report::{RankingReport, SegmentReport, significance_between};
pub use scorer::{Scorer, ScorerError};
pub use segment::{
    HistoryBins, segment_by_history_length, segment_by_label, segment_by_popularity,
};
pub use settings::{Candidates, RankingSettings, SeenItems};
