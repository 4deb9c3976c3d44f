//! Losses that compare the score of a target with those of sampled negatives, one by one.
//!
//! Scores become chances by a sigmoid each, so that a negative that is not drawn is never heard of; in
//! [`linear_cross_entropy`](crate::ops::linear_cross_entropy) all items share one softmax. The vectors of items are given,
//! as in [`sampled_cross_entropy_of_rows`](crate::ops::linear_cross_entropy::sampled_cross_entropy_of_rows).

mod bayesian;
mod binary;
mod composite;

pub use bayesian::bayesian_ranking;
pub use binary::{binary_cross_entropy, calibrated_power};

#[cfg(test)]
mod case;
