//! Anything that can score a catalogue.

use super::RankingCase;

/// Why a scorer gave no scores.
pub type ScorerError = Box<dyn std::error::Error + Send + Sync>;

/// Gives every item of the catalogue a score for every case; a higher score means recommended earlier.
///
/// A scorer must not read `targets`, `n_unknown_targets` or `segments` of a case.
pub trait Scorer {
    /// What reports call it.
    fn name(&self) -> &str;

    /// Number of items of the catalogue.
    fn n_items(&self) -> usize;

    /// Writes the scores of all items for each case. The scores of a case must not depend on the cases beside it.
    ///
    /// # Shapes
    /// - `scores`: `[cases.len(), n_items]`, row-major, all finite when it returns
    ///
    /// # Errors
    /// Whatever keeps the scorer from scoring; the evaluation stops with it.
    ///
    /// # Panics
    /// An implementation may panic if `scores` does not have that many numbers.
    fn score(&self, cases: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError>;
}

impl<S: Scorer + ?Sized> Scorer for &S {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn n_items(&self) -> usize {
        (**self).n_items()
    }

    fn score(&self, cases: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError> {
        (**self).score(cases, scores)
    }
}
