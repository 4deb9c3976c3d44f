//! Embedding as a selection of rows by Burn; its gradient is dense, as large as the table.

use burn::tensor::Tensor;

use crate::ops::host;

pub(super) fn embedding(table: Tensor<2>, ids: &[u32]) -> Tensor<2> {
    let index = ids.iter().map(|&id| i64::from(id)).collect();
    let index = host::indices(index, &table.device());
    host::select_rows(table, index)
}
