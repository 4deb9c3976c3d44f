//! The public function.

use burn::tensor::Tensor;
use rayon::prelude::*;

use super::best::Best;

/// Which items may be found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Candidates<'a> {
    /// Items that a query must not find, such as those already seen: one list a query, in any order; empty for none.
    pub excluded: &'a [Vec<u32>],
    /// If given, whether each item of the table may be found at all.
    pub allowed: Option<&'a [bool]>,
}

/// The best items for one query, best first; of equal scores the lower id first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopK {
    /// Rows of the table.
    pub ids: Vec<u32>,
    /// Their products with the query.
    pub scores: Vec<f32>,
}

impl From<Best> for TopK {
    fn from(best: Best) -> Self {
        let (ids, scores) = best.into_ranking();
        Self { ids, scores }
    }
}

/// Scores held at a time: 16 MiB.
const BLOCK_LEN: usize = 1 << 22;

/// Queries whose scores are made at a time.
const BLOCK_QUERIES: usize = 256;

/// Finds the `k` items of greatest inner product with each query.
///
/// The CPU kernel (Flex, 32 bits) keeps the best of each tile of scores; elsewhere products are made on the tensors'
/// device, a block at a time, and read by the host. The scores of all items are never held at once. No gradient flows.
///
/// # Shapes
/// - `queries`: `[n_queries, d_model]`
/// - `table`: `[n_items, d_model]`
/// - returns one [`TopK`] a query
///
/// # Edge cases
/// With fewer than `k` candidates, all of them are returned. An item whose score is NaN is never returned; an infinite
/// score is ordered like any other.
///
/// # Panics
/// If a shape above does not hold, `candidates.excluded` is neither empty nor one list a query, or
/// `candidates.allowed` is not one entry an item.
///
/// ```
/// use burn::tensor::Tensor;
/// use salient::ops::top_k::{Candidates, top_k};
///
/// let device = salient::device::pick("auto")?;
/// let table = Tensor::<2>::from_data([[1.0], [3.0], [2.0], [3.0]], &device);
/// let query = Tensor::<2>::from_data([[1.0]], &device);
/// let seen = [vec![3]];
/// let candidates = Candidates { excluded: &seen, ..Candidates::default() };
/// let best = top_k(query, table, 2, candidates);
/// assert_eq!(best[0].ids, [1, 2]);
/// # Ok::<(), salient::device::DeviceError>(())
/// ```
pub fn top_k(
    queries: Tensor<2>,
    table: Tensor<2>,
    k: usize,
    candidates: Candidates<'_>,
) -> Vec<TopK> {
    let [n_queries, d_model] = queries.dims();
    let [n_items, d_table] = table.dims();
    assert_eq!(d_table, d_model, "table must be as wide as queries");
    let Candidates { excluded, allowed } = candidates;
    assert!(
        excluded.is_empty() || excluded.len() == n_queries,
        "{} lists of excluded items for {n_queries} queries",
        excluded.len()
    );
    if let Some(allowed) = allowed {
        assert_eq!(
            allowed.len(),
            n_items,
            "each item needs one entry in allowed"
        );
    }
    if k == 0 || n_queries == 0 || n_items == 0 || d_model == 0 {
        return vec![TopK::default(); n_queries];
    }
    let excluded = sorted(excluded, n_queries);
    #[cfg(feature = "flex")]
    {
        use crate::ops::cpu::runs_here;
        if runs_here(&queries) && runs_here(&table) {
            return super::flex::top_k(queries, table, k, &excluded, allowed);
        }
    }
    by_blocks(queries, table, k, &excluded, allowed)
}

/// The best items by Burn's matrix products.
fn by_blocks(
    queries: Tensor<2>,
    table: Tensor<2>,
    k: usize,
    excluded: &[Vec<u32>],
    allowed: Option<&[bool]>,
) -> Vec<TopK> {
    let by_item = table.detach().transpose();
    let blocks = excluded.chunks(BLOCK_QUERIES).enumerate();
    let found = blocks.flat_map(|(block, excluded)| {
        let first_query = block * BLOCK_QUERIES;
        let queries = queries
            .clone()
            .detach()
            .narrow(0, first_query, excluded.len());
        best_of_block(queries, &by_item, k, excluded, allowed)
    });
    found.collect()
}

/// One ascending list a query.
fn sorted(excluded: &[Vec<u32>], n_queries: usize) -> Vec<Vec<u32>> {
    let mut lists = excluded.to_vec();
    lists.resize(n_queries, Vec::new());
    lists.par_iter_mut().for_each(|list| list.sort_unstable());
    lists
}

fn best_of_block(
    queries: Tensor<2>,
    by_item: &Tensor<2>,
    k: usize,
    excluded: &[Vec<u32>],
    allowed: Option<&[bool]>,
) -> Vec<TopK> {
    let [_, n_items] = by_item.dims();
    let block_items = (BLOCK_LEN / excluded.len()).min(n_items);
    let mut best = vec![Best::new(k); excluded.len()];
    for first_item in (0..n_items).step_by(block_items) {
        let n_block = block_items.min(n_items - first_item);
        let items = by_item.clone().narrow(1, first_item, n_block);
        let scores = queries.clone().matmul(items).into_data();
        let scores: Vec<f32> = scores.iter::<f32>().collect();
        best.par_iter_mut()
            .zip(scores.par_chunks_exact(n_block))
            .zip(excluded)
            .for_each(|((best, scores), excluded)| {
                best.offer_all(first_item as u32, scores, |id| {
                    allowed.is_none_or(|allowed| allowed[id as usize])
                        && excluded.binary_search(&id).is_err()
                });
            });
    }
    best.into_iter().map(TopK::from).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::ops::testing::{singles, values};

    const WIDTH: usize = 2;

    /// Scores that are small whole numbers: exact in any order of summation, and full of ties.
    fn whole_numbers(seed: u64, n: usize) -> Vec<f64> {
        let numbers = values(seed, n);
        numbers
            .iter()
            .map(|number| (number * 4.0).round())
            .collect()
    }

    fn by_sorting(
        queries: &[f64],
        table: &[f64],
        k: usize,
        admit: impl Fn(usize, usize) -> bool,
    ) -> Vec<TopK> {
        let ranking = |(query, numbers): (usize, &[f64])| {
            let items = table.chunks(WIDTH).enumerate();
            let mut scored: Vec<(f64, usize)> = items
                .filter(|(id, _)| admit(query, *id))
                .map(|(id, item)| (item[0] * numbers[0] + item[1] * numbers[1], id))
                .collect();
            scored.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap().then(a.1.cmp(&b.1)));
            scored.truncate(k);
            TopK {
                ids: scored.iter().map(|(_, id)| *id as u32).collect(),
                scores: scored.iter().map(|(score, _)| *score as f32).collect(),
            }
        };
        queries.chunks(WIDTH).enumerate().map(ranking).collect()
    }

    fn run(queries: &[f64], table: &[f64], k: usize, candidates: Candidates<'_>) -> Vec<TopK> {
        let device = Device::flex();
        let rows = |numbers: &[f64]| singles(numbers, [numbers.len() / WIDTH, WIDTH], &device);
        top_k(rows(queries), rows(table), k, candidates)
    }

    #[test]
    fn the_best_are_those_that_sorting_finds_and_ties_go_to_the_lower_id() {
        for (n_queries, n_items) in [(1, 1), (2, 3), (7, 64), (65, 65), (300, 129)] {
            let (queries, table) = (
                whole_numbers(1, n_queries * WIDTH),
                whole_numbers(2, n_items * WIDTH),
            );
            for k in [0, 1, 2, 10, n_items, n_items + 5] {
                let found = run(&queries, &table, k, Candidates::default());
                assert_eq!(found, by_sorting(&queries, &table, k, |_, _| true));
            }
        }
    }

    #[test]
    fn tables_of_many_blocks_are_searched_to_their_end() {
        let n_items = BLOCK_LEN / 3 + 7;
        let (queries, table) = (whole_numbers(3, 5 * WIDTH), values(4, n_items * WIDTH));
        let table: Vec<f64> = table
            .iter()
            .map(|number| (number * 1000.0).round())
            .collect();
        let found = run(&queries, &table, 10, Candidates::default());
        assert_eq!(found, by_sorting(&queries, &table, 10, |_, _| true));
    }

    #[test]
    fn excluded_and_disallowed_items_are_never_found() {
        let (queries, table) = (whole_numbers(1, 3 * WIDTH), whole_numbers(2, 20 * WIDTH));
        let excluded = [vec![9, 3, 3, 17], vec![], (0..20).collect()];
        let allowed: Vec<bool> = (0..20).map(|id| id % 4 != 1).collect();
        let candidates = Candidates {
            excluded: &excluded,
            allowed: Some(&allowed),
        };
        let found = run(&queries, &table, 18, candidates);
        let admit =
            |query: usize, id: usize| id % 4 != 1 && !excluded[query].contains(&(id as u32));
        assert_eq!(found, by_sorting(&queries, &table, 18, admit));
        assert_eq!(found[1].ids.len(), 15);
        assert!(found[2].ids.is_empty());
    }

    #[test]
    fn scores_that_are_no_numbers_are_left_out() {
        let table = [1.0, 0.0, f64::NAN, 0.0, f64::NEG_INFINITY, 0.0, 2.0, 0.0];
        let found = run(&[1.0, 0.5], &table, 4, Candidates::default());
        assert_eq!(found[0].ids, [3, 0, 2]);
        assert_eq!(found[0].scores[2], f32::NEG_INFINITY);
    }

    #[test]
    fn without_queries_or_items_there_is_nothing_to_find() {
        assert!(run(&[], &[1.0, 2.0], 3, Candidates::default()).is_empty());
        assert_eq!(
            run(&[1.0, 2.0], &[], 3, Candidates::default()),
            [TopK::default()]
        );
    }

    #[test]
    #[should_panic(expected = "1 lists of excluded items for 2 queries")]
    fn lists_that_do_not_number_the_queries_are_refused() {
        let candidates = Candidates {
            excluded: &[vec![]],
            allowed: None,
        };
        run(&[1.0; 4], &[1.0; 4], 1, candidates);
    }

    /// The kernel, on sizes around its panels and tiles, against Burn's products.
    #[test]
    fn the_kernel_finds_what_the_blocks_find() {
        for (n_queries, n_items, k, width) in [
            (1, 1, 1, 1),
            (2, 97, 3, 2),
            (65, 1000, 10, 3),
            (300, 200, 127, 64),
            (3, 5, 7, 5),
        ] {
            let numbers = |seed, n: usize| {
                // Few distinct values, for ties, and one that is not a number.
                let mut numbers: Vec<f64> = values(seed, n * width)
                    .iter()
                    .map(|number| (number * 3.0).round())
                    .collect();
                if seed == 2 && n > 50 {
                    numbers[17] = f64::NAN;
                }
                singles(&numbers, [n, width], &Device::flex())
            };
            let (queries, table) = (numbers(1, n_queries), numbers(2, n_items));
            let seen = |query: usize| (query % 5..n_items).step_by(7).map(|id| id as u32);
            let excluded: Vec<Vec<u32>> =
                (0..n_queries).map(|query| seen(query).collect()).collect();
            let allowed: Vec<bool> = (0..n_items).map(|item| item % 11 != 3).collect();
            for allowed in [None, Some(&allowed[..])] {
                let candidates = Candidates {
                    excluded: &excluded,
                    allowed,
                };
                let expected = by_blocks(queries.clone(), table.clone(), k, &excluded, allowed);
                for n_threads in [1, 2, 3] {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads);
                    let found = pool
                        .build()
                        .unwrap()
                        .install(|| top_k(queries.clone(), table.clone(), k, candidates));
                    assert_eq!(found, expected, "{n_queries} {n_items} {k} {width}");
                }
            }
        }
    }
}
