//! What the examples have in common: their flags, their JSON report, how they fail, and what they used of the machine.

pub(crate) mod attributes;
pub(crate) mod data_flags;
pub(crate) mod failure;
pub(crate) mod flags;
pub(crate) mod log;
pub(crate) mod report;
pub(crate) mod resources;
pub(crate) mod training;
