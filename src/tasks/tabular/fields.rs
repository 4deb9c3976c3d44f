//! One vector for each field of a row.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::layout::{FieldLayout, FieldRows, ListRows};
use crate::model::ModelError;
use crate::model::embedding::{NumberTokens, NumberTokensConfig, PeriodicNumbersConfig};
use crate::ops::embedding::embedding;
use crate::parameters;
use crate::random::RandomKey;
use crate::sequence::PackedSequences;

/// One vector for each field of a row: categories, then numbers, then lists.
///
/// All values of all fields share one table. A category has the vector of its value, a list the mean of those of its values,
/// and that of "missing" if it has none; a field with numbers has an affine map of them.
#[derive(Module, Debug)]
pub struct FieldEmbeddings {
    /// One vector for each value, `[n_values, d_model]`; none if no field has values.
    pub table: Option<Param<Tensor<2>>>,
    /// The vectors of fields with numbers.
    pub numbers: Option<NumberTokens>,
    /// The lists that have a vector.
    #[module(skip)]
    lists: Vec<usize>,
}

/// Settings of [`FieldEmbeddings`].
pub(super) struct FieldEmbeddingsConfig {
    pub(super) d_model: usize,
    /// Standard deviation of the first vectors of values.
    pub(super) standard_deviation: f64,
    /// Bound of the first weights of numbers.
    pub(super) bound: f64,
    /// Whether each field with numbers adds a vector of its own.
    pub(super) bias: bool,
    pub(super) periodic: Option<PeriodicNumbersConfig>,
    /// The lists that have a vector.
    pub(super) lists: Vec<usize>,
}

impl FieldEmbeddingsConfig {
    pub(super) fn init(
        self,
        layout: &FieldLayout,
        key: RandomKey,
        device: &Device,
    ) -> Result<FieldEmbeddings, ModelError> {
        let shape = [layout.n_values, self.d_model];
        let table = || parameters::normal(shape, self.standard_deviation, key.child(0), device);
        let widths = layout.number_widths.clone();
        let numbers = (!widths.is_empty()).then(|| {
            let numbers = NumberTokensConfig {
                widths,
                d_model: self.d_model,
                bound: self.bound,
                bias: self.bias,
                periodic: self.periodic,
            };
            numbers.init(key.child(1), device)
        });
        Ok(FieldEmbeddings {
            table: (layout.n_values > 0).then(table),
            numbers: numbers.transpose()?,
            lists: self.lists,
        })
    }
}

impl FieldEmbeddings {
    /// The vectors of each row, of which there is at least one, `[n_rows, n_tokens, d_model]`.
    pub(super) fn tokens(&self, rows: &FieldRows<'_>) -> Tensor<3> {
        match self.tokens_if_any(rows) {
            Some(tokens) => tokens,
            None => unreachable!("a network without fields is refused when it is made"),
        }
    }

    /// The vectors of each row, of which there is at least one; `None` where no field has a vector.
    pub(super) fn tokens_if_any(&self, rows: &FieldRows<'_>) -> Option<Tensor<3>> {
        let n_rows = rows.n_rows;
        let mut tokens = Vec::with_capacity(2 + self.lists.len());
        if !rows.categories.is_empty() {
            let n_categories = rows.categories.len() / n_rows;
            let vectors = self.vectors(&rows.categories);
            let [_, d_model] = vectors.dims();
            tokens.push(vectors.reshape([n_rows, n_categories, d_model]));
        }
        if let Some(numbers) = &self.numbers {
            let weight = numbers.weight.val();
            let shape = [n_rows, rows.numbers.len() / n_rows];
            let data = TensorData::new(rows.numbers.to_vec(), shape);
            let data = Tensor::from_data(data, (&weight.device(), weight.dtype()));
            tokens.push(numbers.forward(data));
        }
        for &list in &self.lists {
            let vectors = self.mean(&rows.lists[list]);
            let [_, d_model] = vectors.dims();
            tokens.push(vectors.reshape([n_rows, 1, d_model]));
        }
        match tokens.len() {
            0 | 1 => tokens.pop(),
            _ => Some(Tensor::cat(tokens, 1)),
        }
    }

    /// The vectors of some rows of the table, `[rows.len(), d_model]`.
    pub(super) fn vectors(&self, rows: &[u32]) -> Tensor<2> {
        match &self.table {
            Some(table) => embedding(table.val(), rows),
            None => unreachable!("rows are of fields with values, which have a table"),
        }
    }

    /// The mean vector of the values of each row, `[n_rows, d_model]`.
    fn mean(&self, list: &ListRows<'_>) -> Tensor<2> {
        let (ids, offsets) = list.filled();
        let vectors = self.vectors(&ids);
        if offsets.uniform_len() == Some(1) {
            return vectors;
        }
        let shares: Vec<f32> = offsets
            .lengths()
            .flat_map(|length| std::iter::repeat_n(1.0 / length as f32, length))
            .collect();
        let shares = TensorData::new(shares, [ids.len(), 1]);
        let shares = Tensor::from_data(shares, (&vectors.device(), vectors.dtype()));
        PackedSequences::new(vectors * shares, offsets).sums()
    }

    /// The sum of squares of the vectors of values that a batch names, once each, or of all; `None` without a table.
    ///
    /// Both read rows by id, so that their gradient joins that of the look-ups.
    pub(super) fn sum_of_squares(&self, named: Option<&[u32]>) -> Option<Tensor<1>> {
        let [n_values, _] = self.table.as_ref()?.dims();
        let vectors = match named {
            Some(named) => self.vectors(named),
            None => self.vectors(&(0..n_values as u32).collect::<Vec<u32>>()),
        };
        Some(vectors.square().sum())
    }
}
