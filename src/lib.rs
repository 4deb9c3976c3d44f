//! Attention models for customer data, trained and run in Rust on [Burn](https://burn.dev).
//!
//! Data becomes features, features feed a model, a model is trained, evaluated, saved and used to predict. The modules
//! below follow that order.

// One error type for the crate, one variant per stage.
pub mod error;

// Run-time choice of the backend that computes.
pub mod device;

// The counter-based generator that all randomness comes from.
pub mod random;

// Histories of different lengths, stored end to end.
pub mod sequence;

// The weights of a module, by name.
pub mod parameters;

// Numbers that come back from a file unchanged.
mod writable;

// Differentiable operations that models are made of.
pub mod ops;

// Files to checked records.
pub mod data;

// Records to the numbers that a model reads.
pub mod features;

// Attention and transformer-encoder modules.
pub mod model;

// The training loop.
pub mod training;

// What a model's answers are worth.
pub mod evaluation;

// Trained models on disk.
pub mod artifact;

// What one can train: next item, clicks, churn.
pub mod tasks;

// Simple models to stand beside ours.
pub mod baselines;

pub use error::Error;

/// The code of the README, which runs as tests of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// The code of the guide to churn, likewise.
#[cfg(doctest)]
#[doc = include_str!("../docs/churn.md")]
pub struct ChurnGuide;

/// The code of the guide to CTR, likewise.
#[cfg(doctest)]
#[doc = include_str!("../docs/ctr.md")]
pub struct CtrGuide;
