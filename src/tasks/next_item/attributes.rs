//! Vectors of what is known of items and users.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};

use super::config::{ContentConfig, ContentFusion};
use crate::features::{EncodedAttributes, EncodedColumn};
use crate::model::ModelError;
use crate::model::attention::{MultiHeadAttention, MultiHeadAttentionConfig};
use crate::model::linear::{linear, mapped};
use crate::ops::embedding::embedding;
use crate::parameters;
use crate::random::{Mode, RandomKey};
use crate::sequence::{Offsets, PackedSequences};

/// Standard deviation of the first vectors of values, that of item vectors.
const STANDARD_DEVIATION: f64 = 0.02;

/// One vector for each attribute of an item or a user.
#[derive(Module, Debug)]
pub struct AttributeEncoder {
    /// One part a column.
    pub columns: Vec<ColumnEncoder>,
}

/// The vector of one attribute.
#[derive(Module, Debug)]
pub struct ColumnEncoder {
    /// One vector a value of a category, `[n_values, d_model]`; a row of several values takes their mean.
    pub values: Option<Param<Tensor<2>>>,
    /// The map of numbers, `[width, d_model]`.
    pub numbers: Option<Linear>,
}

impl AttributeEncoder {
    /// Draws the weights for columns like those of `like`.
    pub(super) fn init(
        like: &EncodedAttributes,
        d_model: usize,
        key: RandomKey,
        device: &Device,
    ) -> Self {
        let column = |(index, column): (usize, &EncodedColumn)| {
            let key = key.child(index as u64);
            match column {
                EncodedColumn::Categories { n_values, .. } => ColumnEncoder {
                    values: Some(parameters::normal(
                        [*n_values, d_model],
                        STANDARD_DEVIATION,
                        key,
                        device,
                    )),
                    numbers: None,
                },
                EncodedColumn::Numbers { width, .. } => ColumnEncoder {
                    values: None,
                    numbers: Some(linear(*width, d_model, true, key, device)),
                },
            }
        };
        Self {
            columns: like.columns.iter().enumerate().map(column).collect(),
        }
    }

    /// The vectors of some rows, one tensor `[rows.len(), d_model]` a column; `None` is a row of which nothing is known.
    ///
    /// # Panics
    /// If the columns are not those that the weights were made for, or a row is not there.
    pub(super) fn forward(
        &self,
        attributes: &EncodedAttributes,
        rows: &[Option<usize>],
    ) -> Vec<Tensor<2>> {
        assert_eq!(
            attributes.columns.len(),
            self.columns.len(),
            "attributes must have the columns that the model was made for"
        );
        let columns = self.columns.iter().zip(&attributes.columns);
        columns
            .map(|(encoder, column)| encoder.forward(column, rows))
            .collect()
    }
}

impl ColumnEncoder {
    fn forward(&self, column: &EncodedColumn, rows: &[Option<usize>]) -> Tensor<2> {
        match (column, &self.values, &self.numbers) {
            (
                EncodedColumn::Categories {
                    offsets, numbers, ..
                },
                Some(values),
                _,
            ) => {
                let of_row = |row: &Option<usize>| match *row {
                    Some(row) => &numbers[offsets[row]..offsets[row + 1]],
                    None => &[0],
                };
                let lists: Vec<&[u32]> = rows.iter().map(of_row).collect();
                mean_of_values(values.val(), &lists)
            }
            (EncodedColumn::Numbers { width, values }, _, Some(layer)) => {
                let mut floats = Vec::with_capacity(rows.len() * width);
                for row in rows {
                    match *row {
                        Some(row) => floats.extend(&values[row * width..(row + 1) * width]),
                        None => {
                            floats.extend(std::iter::repeat_n(0.0, width - 1));
                            floats.push(1.0);
                        }
                    }
                }
                let data = TensorData::new(floats, [rows.len(), *width]);
                let device = layer.weight.device();
                mapped(Tensor::from_data(data, &device), layer)
            }
            _ => panic!("a column must be of the kind that the model was made for"),
        }
    }
}

/// The mean over each list of the vectors of its values.
fn mean_of_values(table: Tensor<2>, lists: &[&[u32]]) -> Tensor<2> {
    let longest = lists.iter().map(|list| list.len()).max().unwrap_or(0);
    if longest <= 1 {
        let numbers: Vec<u32> = lists
            .iter()
            .map(|list| list.first().copied().unwrap_or(0))
            .collect();
        return embedding(table, &numbers);
    }
    let [_, d_model] = table.dims();
    let device = table.device();
    let mut numbers = vec![0; lists.len() * longest];
    let mut shares = vec![0.0f32; lists.len() * longest];
    for (row, list) in lists.iter().enumerate() {
        let cells = row * longest..row * longest + list.len();
        numbers[cells.clone()].copy_from_slice(list);
        shares[cells].fill(1.0 / list.len() as f32);
    }
    let vectors = embedding(table, &numbers).reshape([lists.len(), longest, d_model]);
    let shares =
        Tensor::<3>::from_data(TensorData::new(shares, [lists.len(), longest, 1]), &device);
    (vectors * shares)
        .sum_dim(1)
        .reshape([lists.len(), d_model])
}

/// What is known of the items of a catalogue, and how it joins the vectors of their ids.
#[derive(Module, Debug)]
pub struct ItemContent {
    /// The vectors of the attributes.
    pub attributes: AttributeEncoder,
    /// From id and attributes side by side to one vector, for [`ContentFusion::Concatenation`].
    pub concatenation: Option<Linear>,
    /// What an id looks for among the attributes, for [`ContentFusion::CrossAttention`].
    pub attention: Option<MultiHeadAttention>,
    /// The attributes of each item, by catalogue index.
    #[module(skip)]
    pub(super) rows: Arc<EncodedAttributes>,
    pub(super) id_dropout: f64,
}

impl ItemContent {
    pub(super) fn init(
        config: &ContentConfig,
        (d_model, n_heads): (usize, usize),
        rows: Arc<EncodedAttributes>,
        key: RandomKey,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let n_vectors = 1 + rows.columns.len();
        let side_by_side = || linear(n_vectors * d_model, d_model, true, key.child(1), device);
        let attention = MultiHeadAttentionConfig::new(d_model, n_heads).with_dropout(0.0);
        let fused_by = |fusion| config.fusion == fusion;
        Ok(Self {
            attributes: AttributeEncoder::init(&rows, d_model, key.child(0), device),
            concatenation: fused_by(ContentFusion::Concatenation).then(side_by_side),
            attention: fused_by(ContentFusion::CrossAttention)
                .then(|| attention.init(key.child(2), device))
                .transpose()?,
            rows,
            id_dropout: config.id_dropout,
        })
    }

    /// Joins the vectors of ids, `[n, d_model]`, with those of the items' attributes.
    pub(super) fn fused(&self, ids: Tensor<2>, items: &[Option<usize>]) -> Tensor<2> {
        let vectors = self.attributes.forward(&self.rows, items);
        if let Some(layer) = &self.concatenation {
            let mut all = vec![ids];
            all.extend(vectors);
            return mapped(Tensor::cat(all, 1), layer);
        }
        if let Some(attention) = &self.attention {
            return attended(attention, ids, vectors);
        }
        vectors.into_iter().fold(ids, |sum, vector| sum + vector)
    }
}

/// Adds to each id the context that it finds among the vectors of its attributes.
fn attended(attention: &MultiHeadAttention, ids: Tensor<2>, vectors: Vec<Tensor<2>>) -> Tensor<2> {
    let [n_items, d_model] = ids.dims();
    let n_vectors = vectors.len();
    // Side by side in a row, so that the vectors of an item follow each other.
    let context = Tensor::cat(vectors, 1).reshape([n_items * n_vectors, d_model]);
    let query = PackedSequences::new(ids.clone(), Offsets::uniform(n_items, 1));
    let context = PackedSequences::new(context, Offsets::uniform(n_items, n_vectors));
    ids + attention
        .forward_cross(query, context, Mode::Inference)
        .rows()
}
