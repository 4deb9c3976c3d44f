//! Segments that customers are assigned to.

use serde::{Deserialize, Serialize};

use super::error::SegmentError;
use super::settings::SegmentationSettings;
use super::standard::{Standard, checked_rows};

/// How well rows lie in `k` segments.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KSilhouette {
    /// Number of segments.
    pub k: usize,
    /// Mean silhouette, in `[-1, 1]`: 1 where segments are points far apart, about 0 where they run into each other.
    pub silhouette: f64,
}

/// Segments of customers by their embeddings, the largest first.
///
/// Comes back from JSON as it was, and then assigns as it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SavedSegmentation", into = "SavedSegmentation")]
pub struct Segmentation {
    pub(super) standard: Standard,
    /// `[k, width]`, standardised.
    pub(super) centroids: Vec<f32>,
    pub(super) silhouettes: Vec<KSilhouette>,
    pub(super) settings: SegmentationSettings,
}

impl Segmentation {
    /// Number of segments.
    pub fn k(&self) -> usize {
        self.centroids.len() / self.width()
    }

    /// Numbers of an embedding.
    pub fn width(&self) -> usize {
        self.standard.width()
    }

    /// The mean silhouette of each number of segments that there was to choose from. The highest was taken, the lower number
    /// where two are equal.
    pub fn silhouettes(&self) -> &[KSilhouette] {
        &self.silhouettes
    }

    /// How the segments were found.
    pub const fn settings(&self) -> &SegmentationSettings {
        &self.settings
    }

    /// The segment of each row, from 0: the one whose centre is nearest.
    ///
    /// # Shapes
    /// - `embeddings`: `[n_rows, width]`
    /// - returns `[n_rows]`
    ///
    /// # Errors
    /// [`SegmentError::WidthDoesNotDivide`], [`SegmentError::NotFinite`].
    pub fn assign(&self, embeddings: &[f32]) -> Result<Vec<usize>, SegmentError> {
        checked_rows(embeddings, self.width())?;
        Ok(self.standard.nearest(embeddings, &self.centroids))
    }
}

/// A segmentation as it is saved.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedSegmentation {
    means: Vec<f32>,
    deviations: Vec<f32>,
    /// `[k][width]`
    centroids: Vec<Vec<f32>>,
    silhouettes: Vec<KSilhouette>,
    settings: SegmentationSettings,
}

impl From<Segmentation> for SavedSegmentation {
    fn from(segmentation: Segmentation) -> Self {
        let width = segmentation.width();
        let centroids = segmentation.centroids.chunks_exact(width);
        Self {
            centroids: centroids.map(<[f32]>::to_vec).collect(),
            means: segmentation.standard.means,
            deviations: segmentation.standard.deviations,
            silhouettes: segmentation.silhouettes,
            settings: segmentation.settings,
        }
    }
}

impl TryFrom<SavedSegmentation> for Segmentation {
    type Error = SegmentError;

    fn try_from(saved: SavedSegmentation) -> Result<Self, SegmentError> {
        let width = saved.means.len();
        let of_width = |centroid: &Vec<f32>| centroid.len() == width;
        for (holds, rule) in [
            (width > 0, "there must be a mean at least"),
            (
                saved.deviations.len() == width,
                "there must be as many deviations as means",
            ),
            (
                saved.centroids.len() >= 2 && saved.centroids.iter().all(of_width),
                "there must be 2 centroids at least, each as wide as the means",
            ),
        ] {
            if !holds {
                return Err(SegmentError::Damaged { rule });
            }
        }
        Ok(Self {
            standard: Standard {
                means: saved.means,
                deviations: saved.deviations,
            },
            centroids: saved.centroids.concat(),
            silhouettes: saved.silhouettes,
            settings: saved.settings,
        })
    }
}
