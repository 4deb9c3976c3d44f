//! What is known of users, as tokens before their events.

use std::sync::Arc;

use burn::tensor::{Int, Tensor, TensorData};

use super::attributes::AttributeEncoder;
use crate::features::EncodedAttributes;
use crate::sequence::{Offsets, PackedSequences};

/// Histories with the tokens of their users before their events.
pub(super) struct Prefixed {
    pub(super) sequences: PackedSequences,
    n_tokens: usize,
    /// Where each event came to lie.
    pub(super) event_rows: Vec<i64>,
}

impl Prefixed {
    pub(super) fn new(
        events: &PackedSequences,
        encoder: &AttributeEncoder,
        attributes: &EncodedAttributes,
    ) -> Self {
        let offsets = events.offsets();
        assert_eq!(
            attributes.n_rows,
            offsets.n_sequences(),
            "each history needs one row of user attributes"
        );
        let users: Vec<Option<usize>> = (0..attributes.n_rows).map(Some).collect();
        let tokens = encoder.forward(attributes, &users);
        let (n_tokens, n_users, n_events) = (tokens.len(), users.len(), offsets.n_rows());
        let mut order = Vec::with_capacity(n_events + n_tokens * n_users);
        let mut event_rows = Vec::with_capacity(n_events);
        for (user, range) in offsets.ranges().enumerate() {
            // Token `t` of user `u` is row `t * n_users + u` of the tokens, which follow the events.
            order.extend((0..n_tokens).map(|token| (n_events + token * n_users + user) as i64));
            event_rows.extend((0..range.len()).map(|event| (order.len() + event) as i64));
            order.extend(range.map(|row| row as i64));
        }
        let all = Tensor::cat(std::iter::once(events.rows()).chain(tokens).collect(), 0);
        let lengths = offsets.lengths().map(|length| length + n_tokens);
        Self {
            sequences: PackedSequences::new(select(all, &order), Offsets::from_lengths(lengths)),
            n_tokens,
            event_rows,
        }
    }

    /// The time of each row; a user's tokens are as old as the first event.
    pub(super) fn times(&self, times: &[i64], offsets: &Offsets) -> Arc<[i64]> {
        let of_history = |range: std::ops::Range<usize>| {
            let first = times[range.clone()].first().copied().unwrap_or_default();
            std::iter::repeat_n(first, self.n_tokens).chain(times[range].iter().copied())
        };
        offsets.ranges().flat_map(of_history).collect()
    }
}

/// Some rows, in this order.
pub(super) fn select(rows: Tensor<2>, index: &[i64]) -> Tensor<2> {
    if index.is_empty() {
        let [_, d_model] = rows.dims();
        return Tensor::zeros([0, d_model], (&rows.device(), rows.dtype()));
    }
    let data = TensorData::new(index.to_vec(), [index.len()]);
    let index = Tensor::<1, Int>::from_data(data, &rows.device());
    rows.select(0, index)
}
