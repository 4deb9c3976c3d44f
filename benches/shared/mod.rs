//! How the benches measure: each case in a process of its own, by wall clock, CPU time and peak memory.

mod memory;
mod record;
mod suite;
mod usage;

use std::fmt::Display;

pub(crate) use suite::{Suite, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What was built, or the end: a bench without its inputs has nothing to measure.
pub(crate) fn built<T, E: Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}
