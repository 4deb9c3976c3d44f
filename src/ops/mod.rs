//! Differentiable operations that models are made of: one folder each.
