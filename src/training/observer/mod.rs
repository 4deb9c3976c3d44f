//! Watching a run: what it tells, and the observers that come with the crate.

mod event;
mod json_lines;
#[cfg(feature = "plot")]
mod learning_curve;
#[cfg(feature = "progress")]
mod progress_bar;

pub use event::{Event, Observer};
pub use json_lines::JsonLines;
#[cfg(feature = "plot")]
pub use learning_curve::{LearningCurve, PlotError};
#[cfg(feature = "progress")]
pub use progress_bar::ProgressBar;
