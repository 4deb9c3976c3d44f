//! What is known of the items.

use sha2::{Digest, Sha256};

use super::ContentProtocol;
use crate::evaluation::EvaluationError;
use crate::evaluation::ranking::target_ranks::hexadecimal;

/// What is known of the items beside their scores.
#[derive(Clone, Copy, Debug)]
pub struct Catalogue<'a> {
    /// Number of events in training of each item. Numbers of users serve as well; shares are then of pairs of a user and
    /// an item.
    pub item_counts: &'a [u32],
    /// What tells items apart; without it, diversity is not measured.
    pub content: Option<ItemContent<'a>>,
}

/// What tells items apart.
#[derive(Clone, Copy, Debug)]
pub enum ItemContent<'a> {
    /// The categories of each item, in any order; one that is named again counts once. Two items are as far apart as their
    /// Jaccard distance, `1 - |A ∩ B| / |A ∪ B|`.
    Categories(&'a [Vec<u32>]),
    /// Vectors, such as embeddings of texts. Two items are as far apart as their cosine distance,
    /// `1 - x · y / (|x| |y|)`, in `[0, 2]`.
    Vectors {
        /// `[n_items, width]`, row-major, finite.
        values: &'a [f32],
        /// Numbers an item.
        width: usize,
    },
}

impl Catalogue<'_> {
    /// Whether there is an entry for each item.
    ///
    /// # Errors
    /// [`EvaluationError::CatalogueLength`], [`EvaluationError::ContentNotFinite`].
    pub(super) fn check(&self, n_items: usize) -> Result<(), EvaluationError> {
        let length = |part, found, expected| {
            if found == expected {
                return Ok(());
            }
            Err(EvaluationError::CatalogueLength {
                part,
                found,
                expected,
                n_items,
            })
        };
        length("item_counts", self.item_counts.len(), n_items)?;
        match self.content {
            None => Ok(()),
            Some(ItemContent::Categories(categories)) => {
                length("categories", categories.len(), n_items)
            }
            Some(ItemContent::Vectors { values, width }) => {
                length("vectors", values.len(), n_items * width)?;
                let place = values.iter().position(|value| !value.is_finite());
                place.map_or(Ok(()), |place| {
                    Err(EvaluationError::ContentNotFinite {
                        item: (place / width) as u32,
                        value: values[place],
                    })
                })
            }
        }
    }

    /// SHA-256 of the counts, each as four bytes, little-endian.
    pub(super) fn counts_sha256(&self) -> String {
        sha256_of_words(self.item_counts.iter().map(|count| count.to_le_bytes()))
    }

    /// What the protocol says of the content.
    pub(super) fn content_protocol(&self) -> Option<ContentProtocol> {
        self.content.map(|content| match content {
            ItemContent::Categories(categories) => {
                let items = categories.iter().flat_map(|categories| {
                    let mut distinct = categories.clone();
                    distinct.sort_unstable();
                    distinct.dedup();
                    std::iter::once(distinct.len() as u32).chain(distinct)
                });
                ContentProtocol::Categories {
                    sha256: sha256_of_words(items.map(u32::to_le_bytes)),
                }
            }
            ItemContent::Vectors { values, width } => ContentProtocol::Vectors {
                width,
                sha256: sha256_of_words(values.iter().map(|value| value.to_le_bytes())),
            },
        })
    }
}

fn sha256_of_words(words: impl Iterator<Item = [u8; 4]>) -> String {
    let mut digest = Sha256::new();
    words.for_each(|word| digest.update(word));
    hexadecimal(&digest.finalize())
}
