//! Promises made to users, one file each.

/// The simulated shop is repeatable, and its stated probabilities are those it was drawn from.
mod simulator;
