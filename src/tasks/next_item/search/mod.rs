//! Which settings to train with: a small search over learning rate, dropout, width and loss.
//!
//! Trials are compared by the metric that the trainer validates with, on the validation part alone. The test part is never
//! read: what it says of the best trial is as honest as if there had been no search.
//!
//! ```no_run
//! use burn::tensor::Device;
//! use salient::tasks::next_item::{
//!     NextItemConfig, NextItemData, SearchRun, SearchSettings, SearchSpace, SearchStrategy, search,
//! };
//!
//! # fn example(data: &NextItemData, device: &Device) -> Result<(), salient::Error> {
//! let space = SearchSpace {
//!     learning_rate: Some(1e-4..=1e-2),
//!     dropout: Some(0.0..=0.5),
//!     d_model: vec![32, 64, 128],
//!     ..SearchSpace::default()
//! };
//! let settings = SearchSettings {
//!     strategy: SearchStrategy::SuccessiveHalving { n_trials: 9, first_epochs: 3, factor: 3 },
//!     directory: Some("runs/search".into()),
//!     ..SearchSettings::default()
//! };
//! let outcome = search(&NextItemConfig::default(), data, &space, &settings, SearchRun::on(device))?;
//! let best = outcome.best().map(|trial| &trial.config);
//! # let _ = best;
//! # Ok(())
//! # }
//! ```

mod error;
mod outcome;
#[cfg(feature = "plot")]
mod plot;
mod run;
mod space;
mod strategy;
mod trial;
mod trial_log;

pub use error::SearchError;
pub use outcome::SearchOutcome;
pub use run::{SearchRun, search};
pub use space::{LossChoice, SearchSpace};
pub use strategy::{SearchSettings, SearchStrategy};
pub use trial::{Measured, Trial};
