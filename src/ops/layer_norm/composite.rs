//! Norms from Burn's reductions.

use burn::tensor::Tensor;

pub(super) fn layer_norm(
    x: Tensor<2>,
    gamma: Tensor<1>,
    beta: Option<Tensor<1>>,
    epsilon: f64,
) -> Tensor<2> {
    let centred = x.clone() - x.mean_dim(1);
    let y = rms_norm(centred, gamma, epsilon);
    match beta {
        Some(beta) => y + beta.unsqueeze(),
        None => y,
    }
}

pub(super) fn rms_norm(x: Tensor<2>, gamma: Tensor<1>, epsilon: f64) -> Tensor<2> {
    let deviation = (x.clone().square().mean_dim(1) + epsilon).sqrt();
    x / deviation * gamma.unsqueeze()
}
