//! One head of one sequence, a tile of queries and keys at a time.

use std::ops::Range;

use super::bias_rows::{BiasGradient, HeadBias};
use super::kernel::{Plan, Rows};
use super::tile::{
    LANES, PANEL, Place, Scratch, TILE_KEYS, TILE_QUERIES, Tile, TileScratch, zeros,
};
use super::weights::{self, Running};
use super::{AttentionForm, Dropout};
use crate::ops::cpu::{Matrix, MatrixMut, add_product, set_product, transpose};

/// One head of one sequence.
pub(super) struct Head<'a> {
    pub(super) plan: &'a Plan,
    pub(super) rows: Rows<'a>,
    pub(super) query_len: usize,
    pub(super) key_len: usize,
    pub(super) head: usize,
    /// Dropout of the sequence.
    pub(super) dropout: Option<Dropout>,
    pub(super) bias: HeadBias<'a>,
}

/// What backward knows of one head of one sequence; the rows are those of all heads.
pub(super) struct Known<'a> {
    pub(super) context: &'a [f32],
    pub(super) d_context: &'a [f32],
    pub(super) log_sums: &'a [f32],
}

impl Head<'_> {
    fn place(&self) -> Place {
        Place::among(self.head, self.plan.n_heads, self.plan.d_head)
    }

    fn visible(&self, query: usize) -> Range<usize> {
        self.plan
            .visibility
            .keys(query, self.query_len, self.key_len)
    }

    /// Tiles of queries, and for each the tiles of keys that any of its queries sees.
    fn tiles(
        &self,
    ) -> impl Iterator<Item = (Range<usize>, impl Iterator<Item = Tile> + use<>)> + '_ {
        (0..self.query_len).step_by(TILE_QUERIES).map(|first| {
            let queries = first..self.query_len.min(first + TILE_QUERIES);
            // What a query sees starts and ends no earlier than what the query before it sees.
            let (start, end) = (
                self.visible(queries.start).start,
                self.visible(queries.end - 1).end,
            );
            let of = queries.clone();
            let starts = (start - start % PANEL..end).step_by(TILE_KEYS);
            let tiles =
                starts.map(move |start| Tile::new(of.clone(), start..end.min(start + TILE_KEYS)));
            (queries, tiles)
        })
    }

    fn matrix<'a>(&self, numbers: &'a [f32], rows: &Range<usize>) -> Matrix<'a> {
        let d_head = self.plan.d_head;
        Matrix::rows(&numbers[rows.start * d_head..], rows.len(), d_head, d_head)
    }

    fn matrix_mut<'a>(&self, numbers: &'a mut [f32], rows: &Range<usize>) -> MatrixMut<'a> {
        let d_head = self.plan.d_head;
        MatrixMut::rows(
            &mut numbers[rows.start * d_head..],
            rows.len(),
            d_head,
            d_head,
        )
    }

    /// Writes keys or values as columns, a panel at a time.
    fn turn(&self, rows: &[f32], turned: &mut Vec<f32>) {
        let (d_head, len) = (self.plan.d_head, PANEL * self.plan.d_head);
        turned.resize(self.key_len.div_ceil(PANEL) * len, 0.0);
        for (rows, turned) in rows.chunks(len).zip(turned.chunks_exact_mut(len)) {
            let n_keys = rows.len() / d_head;
            transpose(rows, (n_keys, d_head, d_head), turned, PANEL);
        }
    }

    /// Products of this head's columns of `left` with all keys or values of a tile.
    fn products(&self, tile: &Tile, scale: f32, left: &[f32], turned: &[f32], out: &mut Vec<f32>) {
        let (n_queries, d_head) = (tile.queries.len(), self.plan.d_head);
        out.resize(n_queries * tile.stride, 0.0);
        let left = self.matrix(left, &tile.queries);
        for start in tile.keys.clone().step_by(PANEL) {
            let n_keys = PANEL.min(tile.keys.end - start).next_multiple_of(LANES);
            let out = &mut out[start - tile.keys.start..];
            set_product(
                MatrixMut::rows(out, n_queries, n_keys, tile.stride),
                scale,
                left,
                Matrix::rows(&turned[start * d_head..], d_head, n_keys, PANEL),
            );
        }
    }

    /// What a query sees of a tile, counted from its first key.
    fn visible_of(&self, tile: &Tile, query: usize) -> Range<usize> {
        let visible = self.visible(query);
        let start = visible.start.clamp(tile.keys.start, tile.keys.end);
        let end = visible.end.clamp(start, tile.keys.end);
        start - tile.keys.start..end - tile.keys.start
    }

    /// What dropout multiplies the weights of one query by.
    fn fill_factors(&self, query: usize, first_key: usize, n_keys: usize, factors: &mut Vec<f32>) {
        factors.clear();
        if let Some(dropout) = &self.dropout {
            factors.resize(n_keys, 0.0);
            let row = (self.head * self.query_len + query) as u64;
            dropout.child(row).fill(first_key, factors);
        }
    }

    /// Mixes the values of this head.
    pub(super) fn forward(
        &self,
        place: Place,
        context: &mut [f32],
        log_sums: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let Scratch {
            query,
            key,
            value,
            context: mixed,
            turned_key,
            tile: numbers,
            ..
        } = scratch;
        self.place().take(self.rows.query, query);
        self.place().take(self.rows.key, key);
        self.place().take(self.rows.value, value);
        self.turn(key, turned_key);
        zeros(mixed, query.len());
        for (queries, tiles) in self.tiles() {
            let mut running = [Running::NOTHING; TILE_QUERIES];
            for tile in tiles {
                self.products(
                    &tile,
                    self.plan.scale,
                    query,
                    turned_key,
                    &mut numbers.scores,
                );
                self.forward_rows(&tile, mixed, &mut running, numbers);
                let weights = tile.matrix(&numbers.scores);
                let value = self.matrix(value, &tile.keys);
                add_product(self.matrix_mut(mixed, &queries), 1.0, weights, value);
            }
            if self.plan.form == AttentionForm::Softmax {
                for (query, running) in queries.zip(running) {
                    log_sums[query] = running.log_sum();
                    weights::scale(self.row_mut(mixed, query), running.inverse_sum());
                }
            }
        }
        place.put(mixed, context);
    }

    fn row_mut<'a>(&self, numbers: &'a mut [f32], row: usize) -> &'a mut [f32] {
        &mut numbers[row * self.plan.d_head..][..self.plan.d_head]
    }

    /// Turns the scores of a tile into weights, which the softmax has still to divide by their sum.
    fn forward_rows(
        &self,
        tile: &Tile,
        context: &mut [f32],
        running: &mut [Running],
        numbers: &mut TileScratch,
    ) {
        let rows = numbers.scores.chunks_exact_mut(tile.stride);
        for ((query, row), running) in tile.queries.clone().zip(rows).zip(running) {
            let inside = self.visible_of(tile, query);
            row[..inside.start].fill(0.0);
            row[inside.end..tile.keys.len()].fill(0.0);
            if inside.is_empty() {
                continue;
            }
            let (first_key, row) = (tile.keys.start + inside.start, &mut row[inside]);
            self.bias.add(query, first_key, row, &mut numbers.buckets);
            match self.plan.form {
                AttentionForm::Softmax => {
                    let shrink = running.take(row);
                    if shrink != 1.0 {
                        weights::scale(self.row_mut(context, query), shrink);
                    }
                }
                AttentionForm::Pointwise { divisor } => weights::silu(row, divisor),
            }
            self.fill_factors(query, first_key, row.len(), &mut numbers.factors);
            weights::multiply(row, &numbers.factors);
        }
    }

    /// Adds the gradients of this head.
    pub(super) fn backward(
        &self,
        known: &Known<'_>,
        place: Place,
        outputs: [&mut [f32]; 3],
        d_bias: &mut BiasGradient,
        scratch: &mut Scratch,
    ) {
        self.take_known(known, scratch);
        let Scratch {
            query,
            key,
            context,
            d_context,
            d_query,
            d_key,
            d_value,
            turned_key,
            turned_value,
            tile: numbers,
            ..
        } = scratch;
        let scale = self.plan.scale;
        for (queries, tiles) in self.tiles() {
            let of_query = self.matrix(query, &queries);
            let of_context = self.matrix(d_context, &queries);
            let means = self.means(context, d_context, &queries);
            for tile in tiles {
                self.products(&tile, scale, query, turned_key, &mut numbers.scores);
                self.products(&tile, 1.0, d_context, turned_value, &mut numbers.d_weights);
                self.backward_rows(&tile, known.log_sums, &means, d_bias, numbers);
                let weights = tile.matrix(&numbers.scores).transposed();
                let d_scores = tile.matrix(&numbers.d_weights);
                let key = self.matrix(key, &tile.keys);
                add_product(self.matrix_mut(d_query, &queries), scale, d_scores, key);
                let out = self.matrix_mut(d_key, &tile.keys);
                add_product(out, scale, d_scores.transposed(), of_query);
                let out = self.matrix_mut(d_value, &tile.keys);
                add_product(out, 1.0, weights, of_context);
            }
        }
        for (columns, output) in [d_query, d_key, d_value].into_iter().zip(outputs) {
            place.put(columns, output);
        }
    }

    /// Copies what backward reads, and clears what it adds to.
    fn take_known(&self, known: &Known<'_>, scratch: &mut Scratch) {
        let place = self.place();
        place.take(self.rows.query, &mut scratch.query);
        place.take(self.rows.key, &mut scratch.key);
        place.take(self.rows.value, &mut scratch.value);
        place.take(known.context, &mut scratch.context);
        place.take(known.d_context, &mut scratch.d_context);
        self.turn(&scratch.key, &mut scratch.turned_key);
        self.turn(&scratch.value, &mut scratch.turned_value);
        zeros(&mut scratch.d_query, scratch.query.len());
        zeros(&mut scratch.d_key, scratch.key.len());
        zeros(&mut scratch.d_value, scratch.value.len());
    }

    /// The mean gradient of each query's weights, by its weights.
    fn means(
        &self,
        context: &[f32],
        d_context: &[f32],
        queries: &Range<usize>,
    ) -> [f32; TILE_QUERIES] {
        let d_head = self.plan.d_head;
        let numbers = queries.start * d_head..queries.end * d_head;
        let context = context[numbers.clone()].chunks_exact(d_head);
        let both = context.zip(d_context[numbers].chunks_exact(d_head));
        let mut means = [0.0; TILE_QUERIES];
        for (mean, (context, d_context)) in means.iter_mut().zip(both) {
            *mean = weights::product(context, d_context);
        }
        means
    }

    /// Turns scores into weights after dropout, and gradients of those weights into gradients of the scores.
    fn backward_rows(
        &self,
        tile: &Tile,
        log_sums: &[f32],
        means: &[f32],
        d_bias: &mut BiasGradient,
        numbers: &mut TileScratch,
    ) {
        let d_rows = numbers.d_weights.chunks_exact_mut(tile.stride);
        let rows = numbers.scores.chunks_exact_mut(tile.stride).zip(d_rows);
        for ((query, (row, d_row)), &mean) in tile.queries.clone().zip(rows).zip(means) {
            let inside = self.visible_of(tile, query);
            for hidden in [0..inside.start, inside.end..tile.keys.len()] {
                row[hidden.clone()].fill(0.0);
                d_row[hidden].fill(0.0);
            }
            if inside.is_empty() {
                continue;
            }
            let first_key = tile.keys.start + inside.start;
            let (row, d_row) = (&mut row[inside.clone()], &mut d_row[inside]);
            self.bias.add(query, first_key, row, &mut numbers.buckets);
            self.fill_factors(query, first_key, row.len(), &mut numbers.factors);
            match self.plan.form {
                AttentionForm::Softmax => {
                    let log_sum = log_sums[query];
                    weights::softmax_gradient(row, d_row, &numbers.factors, log_sum, mean);
                }
                AttentionForm::Pointwise { divisor } => {
                    weights::silu_gradient(row, d_row, &numbers.factors, divisor);
                }
            }
            self.bias
                .gradient(query, first_key, d_row, d_bias, &mut numbers.buckets);
        }
    }
}
