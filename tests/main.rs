//! Promises made to users, one file each.

/// What several promises need: numbers, golden files, comparison, gradients.
mod support;

/// Attention computes what PyTorch's does, shows nothing that is hidden, and says what it looked at.
mod attention;

/// The encoder computes what PyTorch's does, keeps its promises about order and visibility, and refuses bad configs.
mod encoder;
