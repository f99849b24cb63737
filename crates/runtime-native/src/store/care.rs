//! Looking after a notebook's file from outside. Everything goes through SQLite, as all that touches such a file must.

mod stats;

pub use stats::{NameStats, Stats, stats};
