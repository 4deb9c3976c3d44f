//! The numbers by which a model knows ids.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::error::FeatureError;

/// The number of a position that holds nothing.
pub const PADDING_ID: u32 = 0;

/// The number of every id that training did not see.
pub const UNKNOWN_ID: u32 = 1;

/// The number of the first real id.
pub const FIRST_REAL_ID: u32 = 2;

/// Real ids, numbered from [`FIRST_REAL_ID`] in the order given.
///
/// The catalogue index of an id is its number less [`FIRST_REAL_ID`].
///
/// ```
/// use salient::features::{UNKNOWN_ID, Vocabulary};
///
/// let vocabulary = Vocabulary::new(["tea".to_owned(), "cup".to_owned()])?;
/// assert_eq!(vocabulary.number("cup"), 3);
/// assert_eq!(vocabulary.number("spoon"), UNKNOWN_ID);
/// assert_eq!(vocabulary.id(3), Some("cup"));
/// # Ok::<(), salient::features::FeatureError>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Vocabulary {
    ids: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Vocabulary {
    /// Numbers `ids` in their order.
    ///
    /// # Errors
    /// [`FeatureError::DuplicateId`], [`FeatureError::TooManyIds`].
    pub fn new(ids: impl IntoIterator<Item = String>) -> Result<Self, FeatureError> {
        let ids: Vec<String> = ids.into_iter().collect();
        let limit = (u32::MAX - FIRST_REAL_ID) as usize;
        if ids.len() > limit {
            return Err(FeatureError::TooManyIds {
                n_ids: ids.len(),
                limit,
            });
        }
        let mut numbers = HashMap::with_capacity(ids.len());
        for (id, number) in ids.iter().zip(FIRST_REAL_ID..) {
            if numbers.insert(id.clone(), number).is_some() {
                return Err(FeatureError::DuplicateId { id: id.clone() });
            }
        }
        Ok(Self { ids, numbers })
    }

    /// How many real ids there are: the size of the catalogue.
    pub fn n_real(&self) -> usize {
        self.ids.len()
    }

    /// How many numbers there are, padding and unknown included: the rows of an embedding table.
    pub fn n_numbers(&self) -> usize {
        self.ids.len() + FIRST_REAL_ID as usize
    }

    /// The number of `id`, [`UNKNOWN_ID`] if it has none.
    pub fn number(&self, id: &str) -> u32 {
        self.numbers.get(id).copied().unwrap_or(UNKNOWN_ID)
    }

    /// The catalogue index of `id`, from 0.
    pub fn catalogue_index(&self, id: &str) -> Option<u32> {
        self.numbers.get(id).map(|number| number - FIRST_REAL_ID)
    }

    /// The real id with this number.
    pub fn id(&self, number: u32) -> Option<&str> {
        let index = number.checked_sub(FIRST_REAL_ID)?;
        self.ids.get(index as usize).map(String::as_str)
    }

    /// All real ids, by catalogue index.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }
}

impl TryFrom<Vec<String>> for Vocabulary {
    type Error = FeatureError;

    fn try_from(ids: Vec<String>) -> Result<Self, FeatureError> {
        Self::new(ids)
    }
}

impl From<Vocabulary> for Vec<String> {
    fn from(vocabulary: Vocabulary) -> Self {
        vocabulary.ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_given_twice_is_refused() {
        let error = Vocabulary::new(["a", "b", "a"].map(str::to_owned)).unwrap_err();
        assert_eq!(error, FeatureError::DuplicateId { id: "a".into() });
        assert_eq!(
            error.to_string(),
            "vocabulary holds \"a\" twice: ids must be distinct"
        );
    }

    #[test]
    fn the_reserved_numbers_have_no_id() {
        let vocabulary = Vocabulary::new(["a".to_owned()]).unwrap();
        assert_eq!(
            [PADDING_ID, UNKNOWN_ID, FIRST_REAL_ID, 3].map(|number| vocabulary.id(number)),
            [None, None, Some("a"), None]
        );
        assert_eq!(vocabulary.catalogue_index("a"), Some(0));
    }

    proptest::proptest! {
        #[test]
        fn ids_survive_numbering_and_json(ids in proptest::collection::hash_set(".*", 0..50)) {
            let vocabulary = Vocabulary::new(ids.iter().cloned()).unwrap();
            let json = serde_json::to_string(&vocabulary).unwrap();
            let back: Vocabulary = serde_json::from_str(&json).unwrap();
            for id in &ids {
                proptest::prop_assert_eq!(back.id(back.number(id)), Some(id.as_str()));
            }
            proptest::prop_assert_eq!(back.n_numbers(), ids.len() + 2);
        }
    }
}
