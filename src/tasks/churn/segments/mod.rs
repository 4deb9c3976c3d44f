//! Who are the customers? Groups of them that a network sees alike, and what sets each group apart.
//!
//! [`Segmentation`] clusters embeddings, one row a customer, and assigns further customers; [`describe`] tells by the columns of
//! the table what each segment is made of.

mod columns;
mod describe;
mod error;
mod fit;
mod k_means;
mod numbers;
#[cfg(feature = "plot")]
mod plot;
#[cfg(feature = "plot")]
mod principal;
mod report;
mod segmentation;
mod settings;
mod silhouette;
mod standard;
mod traits;

pub use describe::describe;
pub use error::SegmentError;
pub use report::{SegmentContrast, SegmentReport, SegmentSummary, SegmentTrait};
pub use segmentation::{KSilhouette, Segmentation};
pub use settings::SegmentationSettings;
pub use traits::{LEAST_EFFECT, LEAST_ROWS};
