//! What a query may see, and how its scores are made.

use std::ops::Range;

use super::{AttentionBias, Dropout};
use crate::sequence::Offsets;

/// Which rows of queries belong with which rows of keys: sequence `i` of `query` attends to sequence `i` of `key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttentionLayout {
    /// Boundaries of the sequences of queries.
    pub query: Offsets,
    /// Boundaries of the sequences of keys and values.
    pub key: Offsets,
}

impl AttentionLayout {
    /// Sequences that attend to themselves.
    pub fn self_attention(offsets: Offsets) -> Self {
        Self {
            query: offsets.clone(),
            key: offsets,
        }
    }

    /// Number of sequences.
    pub fn n_sequences(&self) -> usize {
        self.query.n_sequences()
    }

    /// Number of queries and of keys of each sequence.
    pub(super) fn lengths(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.query.lengths().zip(self.key.lengths())
    }
}

/// Whether a query sees what comes after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Every query sees keys on both sides.
    #[default]
    Bidirectional,
    /// A query sees its own position and earlier ones.
    Causal,
}

/// Which keys a query may see.
///
/// Queries and keys are aligned at their ends: query `i` of `query_len` stands at key position
/// `i + key_len - query_len`, so the last query stands at the last key. In self-attention that is its own position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Visibility {
    /// Whether keys after a query's position are hidden.
    pub direction: Direction,
    /// If `Some(w)`, only keys less than `w` positions away are seen: 1 shows a query its own position alone, 0 nothing.
    pub window: Option<usize>,
}

impl Visibility {
    /// Every query sees every key of its sequence.
    pub const fn bidirectional() -> Self {
        Self {
            direction: Direction::Bidirectional,
            window: None,
        }
    }

    /// A query sees its own position and earlier ones.
    pub const fn causal() -> Self {
        Self {
            direction: Direction::Causal,
            window: None,
        }
    }

    /// The same, but only keys less than `window` positions away.
    pub const fn within(self, window: usize) -> Self {
        Self {
            window: Some(window),
            ..self
        }
    }

    /// The keys that a query sees, which always lie side by side.
    ///
    /// ```
    /// use salient::ops::attention::Visibility;
    ///
    /// assert_eq!(Visibility::causal().keys(2, 5, 5), 0..3);
    /// assert_eq!(Visibility::causal().within(2).keys(2, 5, 5), 1..3);
    /// // One query for five keys stands at the last of them.
    /// assert_eq!(Visibility::causal().keys(0, 1, 5), 0..5);
    /// ```
    pub fn keys(&self, query: usize, query_len: usize, key_len: usize) -> Range<usize> {
        // Half-open bounds around position `query + key_len - query_len`, which lies before the first key if negative.
        let position = (query + key_len) as i128 - query_len as i128;
        let mut end = match self.direction {
            Direction::Causal => position + 1,
            Direction::Bidirectional => key_len as i128,
        };
        let mut start = 0;
        if let Some(window) = self.window {
            start = position + 1 - window as i128;
            end = end.min(position + window as i128);
        }
        let end = end.clamp(0, key_len as i128) as usize;
        let start = start.clamp(0, key_len as i128) as usize;
        start.min(end)..end
    }
}

/// How scores become weights.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum AttentionForm {
    /// `softmax(scores)`: the weights of a query sum to 1.
    #[default]
    Softmax,
    /// `scores * sigmoid(scores) / divisor`: each weight stands alone, so that their sum tells how much was found.
    ///
    /// # Source
    /// HSTU, Zhai et al. 2024, <https://arxiv.org/abs/2402.17152>, equation 2, with the longest sequence as divisor.
    Pointwise {
        /// What weights are divided by; above 0.
        divisor: f32,
    },
}

/// How scores are made from queries and keys.
#[derive(Clone, Debug, Default)]
pub struct AttentionOptions {
    /// How scores become weights.
    pub form: AttentionForm,
    /// Which keys a query may see.
    pub visibility: Visibility,
    /// What products of queries and keys are multiplied by; `1 / sqrt(d_head)` if `None`.
    pub scale: Option<f64>,
    /// Learned numbers added to the scores, one after the other.
    pub biases: Vec<AttentionBias>,
    /// Dropout of the weights, in training.
    ///
    /// The weight of query `i` and key `j` in head `h` of sequence `s` is decided by number `j` of the key
    /// `key.child(s).child(h * query_len + i)`, with the `query_len` of that sequence. So the mask depends neither on how
    /// a batch is padded nor on the lengths of its other sequences.
    pub dropout: Option<Dropout>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_keys_are_those_that_the_definition_allows() {
        let directions = [Direction::Bidirectional, Direction::Causal];
        let windows = [None, Some(0), Some(1), Some(2), Some(5), Some(usize::MAX)];
        for (query_len, key_len) in [(1, 1), (5, 5), (1, 5), (3, 5), (5, 3), (4, 0)] {
            for (direction, window) in directions.iter().flat_map(|d| windows.map(|w| (*d, w))) {
                let visibility = Visibility { direction, window };
                for query in 0..query_len {
                    let sees = |key: usize| {
                        let ahead = key as i64 - (query as i64 + key_len as i64 - query_len as i64);
                        (direction == Direction::Bidirectional || ahead <= 0)
                            && window.is_none_or(|window| (ahead.unsigned_abs() as usize) < window)
                    };
                    let expected: Vec<usize> = (0..key_len).filter(|&key| sees(key)).collect();
                    let found: Vec<usize> = visibility.keys(query, query_len, key_len).collect();
                    assert_eq!(
                        found, expected,
                        "{visibility:?}, query {query} of {query_len}, {key_len} keys"
                    );
                }
            }
        }
    }
}
