//! What the examples have in common: their flags, their JSON report, and what they used of the machine.

pub mod flags;
pub mod log;
pub mod report;
pub mod resources;
pub mod training;
