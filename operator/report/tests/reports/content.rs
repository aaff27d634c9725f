//! What a report says is what the status holds.
