//! Optimisers over the named weights of a module.
//!
//! Why not Burn's: `docs/decisions/0002-own-optimiser.md`. What they do where a gradient is rows of a table:
//! `docs/decisions/0004-sparse-steps.md`.

mod kind;
mod own_loop;
mod state;
mod update;

pub use kind::OptimiserKind;
pub use own_loop::Optimiser;
pub(super) use state::{Memory, OptimiserState};

#[cfg(test)]
mod tests;
