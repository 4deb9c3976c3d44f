//! Values of a field to ids.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::encoded::{MISSING, UNKNOWN};
use super::error::TabularError;
use super::hashing::{Collisions, DistinctCounter, bucket};
use crate::data::Dictionary;

/// The id of the first value.
pub(super) const FIRST_VALUE: u32 = 2;

/// The most values of a field.
pub(super) const MAX_VALUES: usize = (u32::MAX - FIRST_VALUE) as usize;

/// How the values of a field become ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SavedValues", into = "SavedValues")]
pub(super) enum Values {
    /// The value at place `p` has id `p + 2`.
    Listed { places: Dictionary, n_values: usize },
    /// A value has an id by its hash.
    Hashed { n_buckets: usize },
}

/// The same in a file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum SavedValues {
    Listed(Vec<String>),
    Hashed { n_buckets: usize },
}

impl Values {
    fn listed(values: Vec<String>) -> Result<Self, TabularError> {
        let mut places = Dictionary::default();
        let n_values = values.len();
        for (place, value) in values.into_iter().enumerate() {
            let is_new = places.number(&value, MAX_VALUES) == u32::try_from(place).ok();
            if value.is_empty() || !is_new {
                return Err(TabularError::InvalidValue { value });
            }
        }
        Ok(Self::Listed { places, n_values })
    }

    /// All ids are below it.
    pub(super) const fn n_ids(&self) -> usize {
        FIRST_VALUE as usize
            + match self {
                Self::Listed { n_values, .. } => *n_values,
                Self::Hashed { n_buckets } => *n_buckets,
            }
    }

    /// What stands behind the ids from [`FIRST_VALUE`] on: values, or numbers of buckets.
    pub(super) fn names(&self) -> Vec<String> {
        match self {
            Self::Listed { places, .. } => places.clone().into_ids(),
            Self::Hashed { n_buckets } => {
                (0..*n_buckets).map(|bucket| bucket.to_string()).collect()
            }
        }
    }

    /// The id of a value; empty is missing.
    pub(super) fn id(&self, value: &str) -> u32 {
        if value.is_empty() {
            return MISSING;
        }
        match self {
            Self::Listed { places, .. } => places
                .find(value)
                .map_or(UNKNOWN, |place| place + FIRST_VALUE),
            Self::Hashed { n_buckets } => bucket(value, *n_buckets) as u32 + FIRST_VALUE,
        }
    }
}

impl TryFrom<SavedValues> for Values {
    type Error = TabularError;

    fn try_from(saved: SavedValues) -> Result<Self, TabularError> {
        match saved {
            SavedValues::Listed(values) => Self::listed(values),
            SavedValues::Hashed { n_buckets } => Ok(Self::Hashed { n_buckets }),
        }
    }
}

impl From<Values> for SavedValues {
    fn from(values: Values) -> Self {
        match values {
            Values::Listed { places, .. } => Self::Listed(places.into_ids()),
            Values::Hashed { n_buckets } => Self::Hashed { n_buckets },
        }
    }
}

/// Counts the values of a field.
pub(super) enum ValueCounter {
    Listed {
        counts: HashMap<Box<str>, u64>,
        min_count: u64,
    },
    Hashed {
        distinct: DistinctCounter,
        n_buckets: usize,
    },
}

/// What was seen of the values of a field.
pub(super) enum ValueFacts {
    Listed { n_values: usize, n_known: usize },
    Hashed(Collisions),
}

impl ValueCounter {
    pub(super) fn new(min_count: u64, n_buckets: Option<usize>) -> Self {
        match n_buckets {
            Some(n_buckets) => Self::Hashed {
                distinct: DistinctCounter::new(),
                n_buckets,
            },
            None => Self::Listed {
                counts: HashMap::new(),
                min_count,
            },
        }
    }

    pub(super) fn push(&mut self, value: &str) {
        match self {
            Self::Listed { counts, .. } => match counts.get_mut(value) {
                Some(count) => *count += 1,
                None => {
                    counts.insert(value.into(), 1);
                }
            },
            Self::Hashed { distinct, .. } => distinct.push(value),
        }
    }

    /// The values that are frequent enough, the most frequent first, those of one frequency in order of their text.
    pub(super) fn finish(self, name: &str) -> Result<(Values, ValueFacts), TabularError> {
        match self {
            Self::Hashed {
                distinct,
                n_buckets,
            } => {
                let facts = ValueFacts::Hashed(distinct.collisions(n_buckets));
                Ok((Values::Hashed { n_buckets }, facts))
            }
            Self::Listed { counts, min_count } => {
                let n_values = counts.len();
                let mut known: Vec<(Box<str>, u64)> = counts.into_iter().collect();
                known.retain(|(_, count)| *count >= min_count);
                known.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
                let n_known = known.len();
                if n_known > MAX_VALUES {
                    return Err(TabularError::TooManyValues {
                        name: name.into(),
                        n_values: n_known,
                        limit: MAX_VALUES,
                    });
                }
                let known = known.into_iter().map(|(value, _)| value.into());
                let values = Values::listed(known.collect())?;
                Ok((values, ValueFacts::Listed { n_values, n_known }))
            }
        }
    }
}
