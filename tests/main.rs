//! Promises made to users, one file each.
