//! Looking after a notebook's file from outside: is it sound, what is in it, and how to save what can be saved.
//!
//! [`check`] and [`stats`] only read. [`repair`] makes a new file with the same log and keeps the old one. None of them
//! needs the store thread; all of them go through SQLite, as everything that touches a notebook's file must.

mod check;
mod dig;
mod gaps;
mod marks;
mod repair;
mod salvage;
mod stats;

pub use check::{Checked, Problem, check};
pub(crate) use marks::{references, salvaged};
pub use repair::{RepairError, Repaired, repair};
pub use stats::{NameStats, Stats, stats};
