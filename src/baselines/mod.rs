//! Simple models to stand beside ours.
