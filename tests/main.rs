//! Promises made to users, one file each.

#![cfg(test)]

/// Event logs read the same from every kind of file.
mod data_files;

/// Bad input is an error that says where and why, never a panic.
mod bad_input;
