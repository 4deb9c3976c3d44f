//! Promises made to users, one file each.

#![cfg(test)]
// Clippy lets `#[test]` functions unwrap, but not the functions that they share.
#![allow(clippy::unwrap_used, clippy::expect_used)]

/// As in the examples and benches: what a program that trains should have.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What several promises need: numbers, golden files, comparison, gradients.
mod support;

/// Bytes that are near to a sound file, for readers that must not panic.
mod damage;

/// A scorer that reads its scores from a table, and cases to ask it.
mod score_table;

/// Attention computes what PyTorch's does, shows nothing that is hidden, and says what it looked at.
mod attention;

/// The encoder computes what PyTorch's does and keeps its promises about order, visibility and dropout.
mod encoder;

/// Residual gates and pointwise attention compute what their definitions and PyTorch do, and keep the encoder's promises.
mod encoder_options;

/// A config that describes no valid model is refused, with the numbers that clash.
mod model_config;

/// Event logs read the same from every kind of file.
mod data_files;

/// Bad input is an error that says where and why, never a panic.
mod bad_input;

/// What is known of items and users is read from every kind of file, and learnt from training rows alone.
mod attributes;

/// Tables with a label are read a chunk at a time, whatever is in them, and become the numbers that training rows say.
mod tables;

/// Impressions made of an event log are labelled by what came after, and told by what was strictly before.
mod impressions;

/// Customers out of an event log are labelled by what comes after a cut-off, and told by nothing but what was up to it.
mod churn_table;

/// The simulated shop is repeatable, and its stated probabilities are those it was drawn from.
mod simulator;

/// Baselines give the scores that their formulas say.
mod baselines;

/// Ranking metrics are what their formulas say, for any scores, ties included.
mod ranking_metrics;

/// Reports print, are stored and are compared as they say, and their intervals hold the truth as often as they say.
mod ranking_reports;

/// Settings, cases and scores that cannot be ranked are refused by name.
mod ranking_refusals;

/// Measures of lists are what their definitions say, for any scores, ties included.
mod list_measures;

/// Reports on lists print, are stored and are compared as they say, and what has no list is refused by name.
mod list_reports;

/// A test on pairs calls chance by its name as often as it says, and finds what is there.
mod significance;

/// Measures of probabilities are what their formulas say, for any predictions, ties and weights included.
mod classification;

/// Calibration finds the best map of its kind, gives probabilities, and refuses what has no best.
mod calibration;

/// Whom to contact follows from costs and probabilities, and reports say what that earns.
mod decisions;

/// Prediction sets hold the label as often as they promise, and the check of it can fail.
mod conformal;

/// The value of a policy is found from the log of another, and its intervals hold the truth as often as they say.
mod policy;

/// Survival with censoring is measured as its definitions say, and as other tools do.
mod survival;

/// An interrupted run ends with the same bytes, and a bad checkpoint is refused.
mod resume;

/// Training does what its settings say, the same way every time.
mod training;

/// A saved model is read back whole or refused by name.
mod artifact;

/// A run that is killed at any moment ends with the same bytes.
mod kill;

/// A recommender learns what follows what, the same way every time, and answers or refuses as it says.
mod next_item;

/// Networks of click-through rate compute what their definitions and PyTorch say, and keep the promises of a classifier.
mod tabular_networks;

/// A click model learns from tables, answers files, records and choices alike, and says what is wrong with them.
mod ctr;

/// A churn model learns from customers, is judged on unseen ones, and says what is wrong with a table.
mod churn;

/// Segments are found where they are, told by what sets them apart, and refused by name where there are none.
mod segments;

/// Each folder of the crate uses only those that it may.
mod layering;

/// Public data sets are read as described and give the figures that are known for them.
mod public_data;
