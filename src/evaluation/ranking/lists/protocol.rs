//! What lists were judged by.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::evaluation::ranking::RankingProtocol;

/// What decides a measure of lists besides the cases and the scores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListProtocol {
    /// How the lists were made.
    #[serde(flatten)]
    pub ranking: RankingProtocol,
    /// SHA-256 of the number of training events of each item, each as four bytes, little-endian.
    pub item_counts_sha256: String,
    /// What tells items apart, if diversity was measured.
    pub content: Option<ContentProtocol>,
}

/// What tells items apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentProtocol {
    /// Categories, by Jaccard distance.
    Categories {
        /// SHA-256 of them: of each item their number, then they in ascending order, each as four bytes, little-endian.
        sha256: String,
    },
    /// Vectors, by cosine distance.
    Vectors {
        /// Numbers an item.
        width: usize,
        /// SHA-256 of the numbers, each as four bytes, little-endian.
        sha256: String,
    },
}

impl ListProtocol {
    /// The name and the text of each part.
    pub(in crate::evaluation) fn parts(&self) -> Vec<(&'static str, String)> {
        let mut parts = self.ranking.parts();
        let content = self.content.as_ref();
        parts.extend([
            ("item counts", format!("sha256 {}", self.item_counts_sha256)),
            (
                "content",
                content.map_or_else(|| "none".to_owned(), ToString::to_string),
            ),
        ]);
        parts
    }
}

impl fmt::Display for ContentProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Categories { sha256 } => write!(f, "categories, sha256 {sha256}"),
            Self::Vectors { width, sha256 } => write!(f, "vectors of {width}, sha256 {sha256}"),
        }
    }
}
