//! The affine map from Burn's matrix product.

use burn::tensor::Tensor;

pub(super) fn linear(rows: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let mapped = rows.matmul(weight);
    match bias {
        Some(bias) => mapped + bias.unsqueeze(),
        None => mapped,
    }
}
