//! Promises made to users, one file each.

/// What several promises need: numbers, golden files, comparison, gradients.
mod support;

/// Attention computes what PyTorch's does, shows nothing that is hidden, and says what it looked at.
mod attention;

/// The encoder computes what PyTorch's does and keeps its promises about order, visibility and dropout.
mod encoder;

/// A config that describes no valid model is refused, with the numbers that clash.
mod model_config;
