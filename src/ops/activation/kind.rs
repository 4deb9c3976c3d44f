//! Which function.

use serde::{Deserialize, Serialize};

/// A non-linear function for use between two projections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Replaces negative numbers by zero.
    Relu,
    /// The exact Gaussian error linear unit, PyTorch's default form.
    Gelu,
    /// A number times its logistic sigmoid; also known as Swish.
    Silu,
    /// The SiLU of one projection times another; a layer then has half as many weights again.
    Swiglu,
}
