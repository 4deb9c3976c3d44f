//! Rows of a table on slices: copied by id, and their gradients added up by id.

use crate::ops::cpu::{IDS_PER_PIECE, for_each_piece, row_pieces, wide};

/// A table whose rows lie in a slice, `stride` apart.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    pub(super) numbers: &'a [f32],
    pub(super) stride: usize,
    pub(super) width: usize,
}

impl Table<'_> {
    /// Copies the row of each id.
    pub(super) fn gather(self, ids: &[u32]) -> Vec<f32> {
        let mut copies = vec![0.0; ids.len() * self.width];
        let pieces = copies.chunks_mut(IDS_PER_PIECE * self.width);
        let pieces = pieces.zip(ids.chunks(IDS_PER_PIECE)).collect();
        for_each_piece(pieces, |(copies, ids): (&mut [f32], &[u32])| {
            for (copy, &id) in copies.chunks_exact_mut(self.width).zip(ids) {
                let start = id as usize * self.stride;
                copy.copy_from_slice(&self.numbers[start..start + self.width]);
            }
        });
        copies
    }
}

/// Ids, and a row for each.
pub(super) type IdsAndRows<'a> = (&'a [u32], &'a [f32]);

/// Adds up the rows of each id, in the order in which they come: ids that rise, and one row for each.
pub(super) fn sum_by_id(parts: &[IdsAndRows<'_>], width: usize) -> (Vec<u32>, Vec<f32>) {
    let ids = || parts.iter().flat_map(|(ids, _)| ids.iter());
    let sources: Vec<&[f32]> = parts
        .iter()
        .flat_map(|(_, rows)| rows.chunks_exact(width))
        .collect();
    let places = sorted_places(ids());
    let starts: Vec<usize> = (0..places.len())
        .filter(|&at| at == 0 || id_of(places[at]) != id_of(places[at - 1]))
        .collect();
    let unique: Vec<u32> = starts.iter().map(|&start| id_of(places[start])).collect();
    let end_of = |group: usize| starts.get(group + 1).copied().unwrap_or(places.len());
    // As large as the rows that came in, so that the allocator hands the same memory out in every step.
    let mut sums = Vec::with_capacity(places.len() * width);
    sums.resize(unique.len() * width, 0.0);
    let pieces = sums.chunks_mut(IDS_PER_PIECE * width).enumerate().collect();
    for_each_piece(pieces, |(piece, sums): (usize, &mut [f32])| {
        wide(
            #[inline(always)]
            || {
                for (index, sum) in sums.chunks_exact_mut(width).enumerate() {
                    let group = piece * IDS_PER_PIECE + index;
                    for &place in &places[starts[group]..end_of(group)] {
                        add(sum, sources[position_of(place)]);
                    }
                }
            },
        );
    });
    (unique, sums)
}

/// An id and its position, to sort by both at once: the sums then do not depend on how the sort treats equal ids.
fn place(id: u32, position: usize) -> u64 {
    u64::from(id) << 32 | position as u64
}

fn id_of(place: u64) -> u32 {
    (place >> 32) as u32
}

fn position_of(place: u64) -> usize {
    (place & u64::from(u32::MAX)) as usize
}

fn sorted_places<'a>(ids: impl Iterator<Item = &'a u32>) -> Vec<u64> {
    let mut places: Vec<u64> = ids.enumerate().map(|(at, &id)| place(id, at)).collect();
    assert!(places.len() <= u32::MAX as usize, "too many ids to sort");
    places.sort_unstable();
    places
}

/// Adds rows to those rows of a table that the ids name; the ids rise.
pub(super) fn add_rows(table: &mut [f32], width: usize, (ids, rows): IdsAndRows<'_>) {
    let pieces = row_pieces(table, width, ids).into_iter();
    let sources = ids
        .chunks(IDS_PER_PIECE)
        .zip(rows.chunks(IDS_PER_PIECE * width));
    let pieces = pieces.zip(sources).collect();
    for_each_piece(
        pieces,
        |(table, (ids, rows)): (&mut [f32], IdsAndRows<'_>)| {
            wide(
                #[inline(always)]
                || {
                    for (&id, row) in ids.iter().zip(rows.chunks_exact(width)) {
                        let start = (id - ids[0]) as usize * width;
                        add(&mut table[start..start + width], row);
                    }
                },
            );
        },
    );
}

#[inline(always)]
fn add(to: &mut [f32], row: &[f32]) {
    for (to, number) in to.iter_mut().zip(row) {
        *to += number;
    }
}
