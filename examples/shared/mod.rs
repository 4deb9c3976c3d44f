//! What the examples have in common: their flags, their JSON report, and what they used of the machine.

pub(crate) mod flags;
pub(crate) mod log;
pub(crate) mod report;
pub(crate) mod resources;
pub(crate) mod training;
