//! Many small problems of one shape side by side: lane `l` of every vector belongs to problem `l`.
//!
//! No number of rows or columns then leaves a part of a vector empty, as it does where vectors run along rows.

mod attention;
mod product;
mod turn;

pub(in crate::ops) use attention::LaneAttention;
pub(in crate::ops) use product::{Shared, Strided, StridedMut, product};
pub(in crate::ops) use turn::{turn, turn_back};

/// Problems side by side: numbers of the widest vector. Narrower vectors take several for each number.
pub(in crate::ops) const LANES: usize = 16;

/// Room for numbers of [`LANES`] problems, where vectors do not cross the lines of the cache.
pub(in crate::ops) struct Lanes {
    room: Vec<f32>,
    start: usize,
    len: usize,
}

impl Lanes {
    /// Room for so many numbers of each problem, all zero.
    pub(in crate::ops) fn new(n_numbers: usize) -> Self {
        let len = n_numbers * LANES;
        let room = vec![0.0; len + LANES];
        let start = room.as_ptr().align_offset(LANES * size_of::<f32>());
        Self {
            // An address may have no aligned one that the compiler knows of; any place is right then.
            start: start.min(LANES),
            room,
            len,
        }
    }

    pub(in crate::ops) fn numbers(&self) -> &[f32] {
        &self.room[self.start..self.start + self.len]
    }

    pub(in crate::ops) fn numbers_mut(&mut self) -> &mut [f32] {
        &mut self.room[self.start..self.start + self.len]
    }
}
