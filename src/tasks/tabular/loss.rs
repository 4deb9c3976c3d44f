//! How wrong logits are.

use burn::tensor::Tensor;

/// Cross-entropy of each label and its logit: `-y ln p - (1 - y) ln(1 - p)` with `p = 1 / (1 + exp(-logit))`.
///
/// Finite however large a logit is.
///
/// # Shapes
/// - `logits`, `labels`: `[n_rows, n_labels]`, labels in `[0, 1]`
/// - returns `[n_rows, n_labels]`
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use salient::tasks::tabular::{cross_entropy};
///
/// let device = Device::flex();
/// let logits = Tensor::<2>::from_floats([[0.0, 200.0, -200.0]], &device);
/// let labels = Tensor::from_floats([[1.0, 1.0, 1.0]], &device);
/// let found = cross_entropy(logits, labels).into_data();
/// let found = found.as_slice::<f32>()?;
/// assert!((found[0] - 2.0_f32.ln()).abs() < 1e-6);
/// assert_eq!((found[1], found[2]), (0.0, 200.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// If the shapes differ.
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<2>) -> Tensor<2> {
    assert_eq!(logits.dims(), labels.dims(), "each logit needs a label");
    let softplus = logits.clone().abs().neg().exp().log1p() + logits.clone().clamp_min(0.0);
    softplus - logits * labels
}
