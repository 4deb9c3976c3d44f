//! Blocks of attention and feed-forward layers, and stacks of blocks.

mod block;
mod block_config;
mod feed_forward;
mod stack;
mod stochastic_depth;

pub use crate::ops::activation::Activation;
pub use block::EncoderBlock;
pub use block_config::{EncoderBlockConfig, NormOrder};
pub use feed_forward::{FeedForward, FeedForwardConfig};
pub use stack::{DepthRamp, Encoder, EncoderConfig, EncoderOutput};
