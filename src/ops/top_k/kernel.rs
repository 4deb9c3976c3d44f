//! The best items of a table, a tile of items at a time, 32 bits, on all cores.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::best::Best;
use crate::ops::cpu::{Matrix, MatrixMut, at_level, set_product, transpose};

/// Queries whose scores are made at a time.
const PANEL: usize = 64;

/// Items of a tile: with the queries of a panel they stay in the first caches.
const TILE_ITEMS: usize = 96;

/// Queries that a thread takes through the table at a time: each item that comes from memory serves all of them.
const TASK_QUERIES: usize = 256;

/// Numbers of a vector at most: a panel of few queries ends at a multiple.
const LANES: usize = 16;

/// Queries, items, and which of them may meet.
pub(super) struct Problem<'a> {
    pub(super) queries: &'a [f32],
    pub(super) table: &'a [f32],
    pub(super) d_model: usize,
    pub(super) k: usize,
    /// One ascending list a query.
    pub(super) excluded: &'a [Vec<u32>],
    pub(super) allowed: Option<&'a [bool]>,
}

impl Problem<'_> {
    /// The best items of each query.
    pub(super) fn solve(&self) -> Vec<Best> {
        let (n_queries, n_items) = (self.excluded.len(), self.table.len() / self.d_model);
        let n_threads = rayon::current_num_threads();
        let task_queries = n_queries.div_ceil(n_threads).next_multiple_of(PANEL);
        let task_queries = task_queries.min(TASK_QUERIES);
        // Where there are too few queries for all threads, each takes its share of the items.
        let n_spans = n_threads.div_ceil(n_queries.div_ceil(task_queries));
        let span_items = n_items.div_ceil(n_spans).max(1);
        let blocks = (0..n_queries).step_by(task_queries);
        let tasks: Vec<(Range<usize>, Range<usize>)> = blocks
            .flat_map(|first| {
                let queries = first..n_queries.min(first + task_queries);
                let spans = (0..n_items).step_by(span_items);
                spans.map(move |start| (queries.clone(), start..n_items.min(start + span_items)))
            })
            .collect();
        let found: Vec<Vec<Best>> = tasks
            .par_iter()
            .map(|(queries, items)| self.best_of(queries.clone(), items.clone()))
            .collect();
        let mut best: Vec<Best> = Vec::with_capacity(n_queries);
        for ((queries, _), found) in tasks.iter().zip(found) {
            if best.len() == queries.start {
                best.extend(found);
            } else {
                for (best, found) in best[queries.start..].iter_mut().zip(found) {
                    best.take(found);
                }
            }
        }
        best
    }

    /// The best of some items for some queries.
    fn best_of(&self, queries: Range<usize>, items: Range<usize>) -> Vec<Best> {
        let d_model = self.d_model;
        let mut panels: Vec<Panel> = queries
            .clone()
            .step_by(PANEL)
            .map(|first| self.panel(first..queries.end.min(first + PANEL)))
            .collect();
        let mut scores = vec![0.0; TILE_ITEMS * PANEL];
        for start in items.clone().step_by(TILE_ITEMS) {
            let n_items = TILE_ITEMS.min(items.end - start);
            let rows = &self.table[start * d_model..(start + n_items) * d_model];
            let rows = Matrix::rows(rows, n_items, d_model, d_model);
            for panel in &mut panels {
                let width = panel.bars.len();
                let scores = &mut scores[..n_items * width];
                let turned = Matrix::rows(&panel.turned, d_model, width, width);
                set_product(
                    MatrixMut::rows(scores, n_items, width, width),
                    1.0,
                    rows,
                    turned,
                );
                self.offer(panel, start, scores);
            }
        }
        panels.into_iter().flat_map(|panel| panel.best).collect()
    }

    fn panel(&self, queries: Range<usize>) -> Panel {
        let (n_queries, d_model) = (queries.len(), self.d_model);
        let width = n_queries.next_multiple_of(LANES);
        let mut turned = vec![0.0; d_model * width];
        let rows = &self.queries[queries.start * d_model..queries.end * d_model];
        transpose(rows, (n_queries, d_model, d_model), &mut turned, width);
        // A query that is not there wants nothing; one that has nothing yet wants all that is a number.
        let mut bars = vec![f32::INFINITY; width];
        bars[..n_queries].fill(f32::NAN);
        Panel {
            first_query: queries.start,
            turned,
            bars,
            best: vec![Best::new(self.k); n_queries],
        }
    }

    /// Offers items to the queries of a panel, where a score exceeds what the query has.
    fn offer(&self, panel: &mut Panel, first_item: usize, scores: &[f32]) {
        let width = panel.bars.len();
        for (item, scores) in (first_item..).zip(scores.chunks_exact(width)) {
            if !at_level(AnyAbove(scores, &panel.bars)) {
                continue;
            }
            let id = item as u32;
            if self.allowed.is_some_and(|allowed| !allowed[item]) {
                continue;
            }
            let queries = panel.best.iter_mut().zip(&mut panel.bars).enumerate();
            for ((query, (best, bar)), score) in queries.zip(scores) {
                let is_below = *score <= *bar;
                let excluded = &self.excluded[panel.first_query + query];
                if !is_below && excluded.binary_search(&id).is_err() {
                    best.offer(id, *score);
                    *bar = best.bar().unwrap_or(f32::NAN);
                }
            }
        }
    }
}

/// Some queries and what was found for them.
struct Panel {
    first_query: usize,
    /// Queries as columns, as many as there are bars.
    turned: Vec<f32>,
    /// What a score has to exceed; NaN where any will do.
    bars: Vec<f32>,
    best: Vec<Best>,
}

/// Whether any score exceeds its bar, or the bar is NaN.
struct AnyAbove<'a>(&'a [f32], &'a [f32]);

impl WithSimd for AnyAbove<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let ((scores, _), (bars, _)) = (S::as_simd_f32s(self.0), S::as_simd_f32s(self.1));
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        let mut above = zero;
        for (score, bar) in scores.iter().zip(bars) {
            let is_below = simd.less_than_or_equal_f32s(*score, *bar);
            above = simd.max_f32s(above, simd.select_f32s(is_below, zero, one));
        }
        simd.reduce_max_f32s(above) > 0.0
    }
}
