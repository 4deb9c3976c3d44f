//! From problems one after the other to problems side by side, and back.

use super::LANES;
use crate::ops::cpu::wide;

/// Rows and columns that are turned at a time; their vectors fit into the registers.
const TILE: usize = 4;

/// Numbers of all problems that stay in the first-level cache until they are turned; a multiple of a tile.
const STRIP: usize = 64;

/// Puts the numbers of problems, which lie one after the other, side by side. Lanes without a problem get zeros.
pub(in crate::ops) fn turn(problems: &[f32], turned: &mut [f32]) {
    let n_numbers = turned.len() / LANES;
    let (lanes, _) = turned.as_chunks_mut::<LANES>();
    if problems.len() < lanes.len() * LANES {
        lanes.as_flattened_mut().fill(0.0);
        for (lane, problem) in problems.chunks_exact(n_numbers.max(1)).enumerate() {
            for (to, number) in lanes.iter_mut().zip(problem) {
                to[lane] = *number;
            }
        }
        return;
    }
    wide(
        #[inline(always)]
        || turn_strips(problems, lanes),
    );
    let whole = n_numbers - n_numbers % TILE;
    for (number, to) in lanes.iter_mut().enumerate().skip(whole) {
        for (lane, to) in to.iter_mut().enumerate() {
            *to = problems[lane * n_numbers + number];
        }
    }
}

/// All numbers that fill tiles, strip by strip. In this form the compiler makes shuffles of a tile.
#[inline(always)]
fn turn_strips(problems: &[f32], lanes: &mut [[f32; LANES]]) {
    let n_numbers = lanes.len();
    for (strip, to) in lanes.chunks_mut(STRIP).enumerate() {
        for lane in (0..LANES).step_by(TILE) {
            let row = |row: usize| {
                let start = (lane + row) * n_numbers + strip * STRIP;
                problems[start..start + to.len()].as_chunks::<TILE>().0
            };
            let rows = row(0).iter().zip(row(1)).zip(row(2)).zip(row(3));
            for (to, (((a, b), c), d)) in to.as_chunks_mut::<TILE>().0.iter_mut().zip(rows) {
                for (to, from) in to.iter_mut().zip(turned_tile([*a, *b, *c, *d])) {
                    to[lane..lane + TILE].copy_from_slice(&from);
                }
            }
        }
    }
}

/// The way back.
pub(in crate::ops) fn turn_back(turned: &[f32], problems: &mut [f32]) {
    let (lanes, _) = turned.as_chunks::<LANES>();
    let n_numbers = lanes.len().max(1);
    for (lane, problem) in problems.chunks_exact_mut(n_numbers).enumerate() {
        for (number, from) in problem.iter_mut().zip(lanes) {
            *number = from[lane];
        }
    }
}

#[inline(always)]
fn turned_tile([a, b, c, d]: [[f32; TILE]; TILE]) -> [[f32; TILE]; TILE] {
    [
        [a[0], b[0], c[0], d[0]],
        [a[1], b[1], c[1], d[1]],
        [a[2], b[2], c[2], d[2]],
        [a[3], b[3], c[3], d[3]],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_every_problem_finds_its_lane_and_the_way_back() {
        for n_numbers in [1, 3, 4, 5, 8, 30] {
            for n_problems in [1, 3, 4, 7, 15, 16] {
                let problems: Vec<f32> = (0..n_numbers * n_problems).map(|x| x as f32).collect();
                let mut turned = vec![f32::NAN; n_numbers * LANES];
                turn(&problems, &mut turned);
                for (index, found) in turned.iter().enumerate() {
                    let (number, lane) = (index / LANES, index % LANES);
                    let known = (lane < n_problems).then(|| problems[lane * n_numbers + number]);
                    assert_eq!(*found, known.unwrap_or(0.0), "{n_numbers} {n_problems}");
                }
                let mut back = vec![f32::NAN; problems.len()];
                turn_back(&turned, &mut back);
                assert_eq!(back, problems);
            }
        }
    }
}
