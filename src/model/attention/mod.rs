//! Who looks at whom.
//!
//! [`MultiHeadAttention`] mixes the rows of a sequence with each other or with
//! those of another one, [`TargetAttention`] and [`ActivationUnit`] ask a history one question,
//! [`AttentionPooling`] sums a sequence up in one vector by a learned question.
//! The formula itself is [`ops::attention`](crate::ops::attention) on packed rows and
//! [`scaled_dot_product_attention`] on dense heads.
//!
//! A query that may see nothing, such as the question to an empty history, gets a vector of zeros.

// Masks as tensors.
pub mod mask;

mod activation_unit;
mod alignment;
mod bias;
mod direction;
mod input;
mod multi_head;
mod multi_head_config;
mod pointwise;
mod pooling;
mod scaled_dot_product;
mod target;

pub use activation_unit::{ActivationUnit, ActivationUnitConfig};
pub use bias::{
    RelativePositionBias, RelativePositionBiasConfig, TimeIntervalBias, TimeIntervalBiasConfig,
};
pub use input::{AttentionInput, AttentionOutput, ContextOutput};
pub use multi_head::MultiHeadAttention;
pub use multi_head_config::MultiHeadAttentionConfig;
pub use pointwise::{Pointwise, PointwiseConfig};
pub use pooling::{AttentionPooling, AttentionPoolingConfig};
pub use scaled_dot_product::scaled_dot_product_attention;
pub use target::{TargetAttention, TargetAttentionConfig};
