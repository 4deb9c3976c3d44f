//! Simple models to stand beside ours.
//!
//! Each is fitted on histories of catalogue indices and is a [`Scorer`](crate::evaluation::ranking::Scorer). A result is
//! worth what it adds to the best of them. All scores are finite, and an empty history is answered by popularity.
//!
//! ```
//! use salient::baselines::{Markov, MarkovConfig, TrainingHistory};
//! use salient::evaluation::ranking::{RankingCase, Scorer};
//!
//! let histories = [[0, 1, 2].as_slice(), &[0, 1]].map(TrainingHistory::from);
//! let markov = Markov::fit(&histories, 3, &MarkovConfig::default())?;
//! let case = RankingCase { history: vec![0], ..RankingCase::default() };
//! let mut scores = [0.0; 3];
//! markov.score(&[case], &mut scores)?;
//! assert!(scores[1] > scores[2] && scores[1] > scores[0]);
//! # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! ```

mod cholesky;
mod ease;
mod error;
mod history;
mod item_knn;
mod markov;
mod matrix_factorisation;
mod popularity;
mod recency;
mod sparse_rows;

pub use ease::{Ease, EaseConfig};
pub use error::BaselineError;
pub use history::TrainingHistory;
pub use item_knn::{ItemKnn, ItemKnnConfig};
pub use markov::{Markov, MarkovConfig};
pub use matrix_factorisation::{MatrixFactorisation, MatrixFactorisationConfig};
pub use popularity::{Popularity, PopularityConfig};
