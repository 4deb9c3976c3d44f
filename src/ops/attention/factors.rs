//! What dropout multiplies the weights of a block of short sequences by.

use std::ops::Range;

use super::Dropout;
use crate::ops::cpu::lanes::{LANES, LaneAttention, Lanes, turn};

/// Factors of a block up to which they fit into the cache.
const MAX_FACTORS: usize = 1 << 14;

/// Room for the factors of a block, kept from one block to the next.
pub(in crate::ops) struct Factors {
    attention: LaneAttention,
    dropout: Dropout,
    /// Sequence by sequence, `[n_heads, len, len]` each.
    rows: Vec<f32>,
    lanes: Lanes,
}

impl Factors {
    /// Whether blocks are small enough for this.
    pub(in crate::ops) fn fit(len: usize, n_heads: usize) -> bool {
        n_heads * len * len <= MAX_FACTORS
    }

    pub(in crate::ops) fn new(attention: LaneAttention, dropout: Dropout) -> Self {
        let n_factors = attention.n_heads * attention.n_weights();
        Self {
            attention,
            dropout,
            rows: vec![0.0; LANES * n_factors],
            lanes: Lanes::new(n_factors),
        }
    }

    /// The factors of some sequences, side by side.
    pub(in crate::ops) fn fill(&mut self, sequences: Range<usize>) {
        let n_factors = self.attention.n_heads * self.attention.n_weights();
        let rows = &mut self.rows[..sequences.len() * n_factors];
        for (sequence, factors) in sequences.zip(rows.chunks_exact_mut(n_factors)) {
            let dropout = self.dropout.child(sequence as u64);
            let rows = factors.chunks_exact_mut(self.attention.len);
            for (row, factors) in rows.enumerate() {
                dropout.child(row as u64).fill(0, factors);
            }
        }
        turn(rows, self.lanes.numbers_mut());
    }

    pub(in crate::ops) fn numbers(&self) -> &[f32] {
        self.lanes.numbers()
    }
}
