//! The order in which an epoch goes through the examples.

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::random::CounterGenerator;

/// How the examples of an epoch are shuffled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shuffle {
    /// All among each other.
    #[default]
    All,
    /// By blocks of neighbours, for examples that are read from a disk a block at a time: the blocks are shuffled, then the
    /// examples of each `n_blocks` that follow each other.
    Blocks {
        /// Examples in a block, at least 1; the last one may have fewer.
        block_size: usize,
        /// Blocks whose examples are shuffled among each other; at least 1.
        n_blocks: usize,
    },
}

/// The examples `0..n_examples`, each once, in the order of an epoch.
pub(super) fn order(
    n_examples: usize,
    shuffle: Shuffle,
    generator: &mut CounterGenerator,
) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n_examples).collect();
    match shuffle {
        Shuffle::All => order.shuffle(generator),
        Shuffle::Blocks {
            block_size,
            n_blocks,
        } => {
            let block_size = block_size.max(1);
            let mut blocks: Vec<usize> = (0..n_examples).step_by(block_size).collect();
            blocks.shuffle(generator);
            order.clear();
            for together in blocks.chunks(n_blocks.max(1)) {
                let first = order.len();
                for &start in together {
                    order.extend(start..n_examples.min(start.saturating_add(block_size)));
                }
                order[first..].shuffle(generator);
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::RandomKey;

    fn by_blocks(n_examples: usize, block_size: usize, n_blocks: usize) -> Vec<usize> {
        let shuffle = Shuffle::Blocks {
            block_size,
            n_blocks,
        };
        order(n_examples, shuffle, &mut RandomKey::new(3).generator())
    }

    #[test]
    fn every_example_comes_once() {
        let whole = |mut order: Vec<usize>, n: usize| {
            order.sort_unstable();
            order == (0..n).collect::<Vec<_>>()
        };
        for n in [0, 1, 7, 64, 101] {
            let all = order(n, Shuffle::All, &mut RandomKey::new(3).generator());
            assert!(whole(all, n));
            for (block_size, n_blocks) in [(1, 1), (3, 2), (10, 4), (200, 3), (7, 1)] {
                assert!(whole(by_blocks(n, block_size, n_blocks), n));
            }
        }
    }

    #[test]
    fn a_stretch_of_the_order_reads_a_bounded_number_of_blocks() {
        let shuffled = by_blocks(1_000, 10, 5);
        for stretch in shuffled.chunks(50) {
            let mut blocks: Vec<usize> = stretch.iter().map(|example| example / 10).collect();
            assert!(!blocks.is_sorted(), "rows of several blocks are mixed");
            blocks.sort_unstable();
            blocks.dedup();
            assert_eq!(blocks.len(), 5);
        }
        let first: Vec<usize> = shuffled[..50].to_vec();
        assert!(first.iter().any(|&example| example >= 100), "blocks move");
    }
}
