//! What will this person want next?
