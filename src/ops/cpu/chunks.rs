//! Loops over chunks of numbers, on all cores.
//!
//! Where chunks begin and end never depends on the number of threads, and neither do the results.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use rayon::prelude::*;

/// Numbers of a chunk, as a rule: several such chunks fit in the first-level cache.
const CHUNK_LEN: usize = 1 << 12;

/// Chunks that a thread takes at least; starting a thread costs more than fewer of them.
const MIN_CHUNKS: usize = 4;

/// How many numbers a chunk of whole rows has.
pub(in crate::ops) fn chunk_len(row_len: usize) -> usize {
    (CHUNK_LEN / row_len.max(1)).max(1) * row_len.max(1)
}

/// Changes numbers in place, chunk by chunk.
///
/// `change` gets the index of the chunk's first number, and the chunk. What it returns comes back in the order of the
/// chunks.
pub(in crate::ops) fn change<R: Send>(
    numbers: &mut [f32],
    chunk_len: usize,
    change: impl Fn(usize, &mut [f32]) -> R + Sync,
) -> Vec<R> {
    numbers
        .par_chunks_mut(chunk_len)
        .with_min_len(MIN_CHUNKS)
        .enumerate()
        .map(|(index, chunk)| change(index * chunk_len, chunk))
        .collect()
}

/// As [`change`](change()), in a copy; each chunk is changed right after it was copied, while it is in the cache.
pub(in crate::ops) fn change_copy<R: Send>(
    source: &[f32],
    chunk_len: usize,
    change: impl Fn(usize, &mut [f32]) -> R + Sync,
) -> (Vec<f32>, Vec<R>) {
    write(source.len(), chunk_len, |start, chunk| {
        let source = &source[start..start + chunk.len()];
        change(start, chunk.write_copy_of_slice(source))
    })
}

/// As [`change`](change()), of `n` numbers in chunks that all start as `start`; the last may be shorter.
pub(in crate::ops) fn change_alike<R: Send>(
    n: usize,
    start: &[f32],
    change: impl Fn(usize, &mut [f32]) -> R + Sync,
) -> (Vec<f32>, Vec<R>) {
    write(n, start.len(), |first, chunk| {
        change(first, chunk.write_copy_of_slice(&start[..chunk.len()]))
    })
}

/// As [`change`](change()), starting from `n` zeros.
pub(in crate::ops) fn change_zeros<R: Send>(
    n: usize,
    chunk_len: usize,
    change: impl Fn(usize, &mut [f32]) -> R + Sync,
) -> (Vec<f32>, Vec<R>) {
    change_alike(n, &vec![0.0; chunk_len], change)
}

/// Makes `n` numbers; `begin` must write the whole chunk that it gets.
fn write<R: Send>(
    n: usize,
    chunk_len: usize,
    begin: impl Fn(usize, &mut [MaybeUninit<f32>]) -> R + Sync,
) -> (Vec<f32>, Vec<R>) {
    let mut numbers = Vec::with_capacity(n);
    let found = numbers.spare_capacity_mut()[..n]
        .par_chunks_mut(chunk_len)
        .with_min_len(MIN_CHUNKS)
        .enumerate()
        .map(|(index, chunk)| begin(index * chunk_len, chunk))
        .collect();
    // SAFETY: the chunks cover the first `n` numbers, and the callers write a chunk as a whole by
    // `write_copy_of_slice`, which panics if the lengths differ; a panic does not come here.
    unsafe { numbers.set_len(n) };
    (numbers, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_whole_rows() {
        assert_eq!(chunk_len(1), 4096);
        assert_eq!(chunk_len(1000), 4000);
        assert_eq!(chunk_len(4097), 4097);
        assert_eq!(chunk_len(0), 4096);
    }

    #[test]
    fn every_number_is_changed_once_and_results_keep_their_order() {
        for n in [0, 1, 6, 7, 8, 70, 1000] {
            let source: Vec<f32> = (0..n).map(|number| number as f32).collect();
            let add = |start: usize, chunk: &mut [f32]| {
                for (index, number) in chunk.iter_mut().enumerate() {
                    *number += (start + index) as f32 + 1.0;
                }
                (start, chunk.len())
            };
            let doubled: Vec<f32> = source.iter().map(|number| 2.0 * number + 1.0).collect();
            let starts: Vec<(usize, usize)> = (0..n)
                .step_by(7)
                .map(|start| (start, 7.min(n - start)))
                .collect();
            let mut in_place = source.clone();
            assert_eq!(change(&mut in_place, 7, add), starts);
            assert_eq!(in_place, doubled);
            assert_eq!(change_copy(&source, 7, add), (doubled, starts.clone()));
            let from_one: Vec<f32> = source.iter().map(|number| number + 1.0).collect();
            assert_eq!(change_zeros(n, 7, add), (from_one, starts));
        }
    }
}
