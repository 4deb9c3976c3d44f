//! Promises made to users, one file each.

/// Baselines give the scores that their formulas say.
mod baselines;
/// Ranking metrics are what their formulas say, for any scores, ties included.
mod ranking_metrics;
