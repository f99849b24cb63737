//! The tables that are derived from the log: which there are, what a change to them looks like, who may write them.
//!
//! Names and columns of the base tables are those of the existing LiveStore applications; ours follow them. The
//! definitions here are the only ones: the SQL of the SQLite store and the maps of the memory store come from them.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

mod op;
mod schema;

pub use op::{Op, Plan, Set, Source, Test, Verb};
pub use schema::{Column, Kind, Literal, SCHEMA_VERSION, TableDef, UniqueWhere, create_statements};

macro_rules! tables {
    ($($(#[$doc:meta])* $variant:ident, $constant:ident;)*) => {
        /// One table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Table {
            $($(#[$doc])* $variant,)*
        }

        impl Table {
            /// Every table, in the order in which dumps show them.
            pub const ALL: &'static [Table] = &[$(Table::$variant),*];
        }

        impl Tables {
            $($(#[$doc])* pub const $constant: Tables = Tables(1 << Table::$variant as u64);)*
        }
    };
}

/// A set of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct Tables(u64);

tables! {
    /// Marks left by debug events.
    Debug, DEBUG;
    /// Uploaded files.
    Files, FILES;
    /// Which user is at which cell.
    Presence, PRESENCE;
    /// Facts about the notebook by key.
    Metadata, METADATA;
    /// Cells.
    Cells, CELLS;
    /// Outputs.
    Outputs, OUTPUTS;
    /// Text appended to outputs.
    Deltas, DELTAS;
    /// Cells whose outputs go when the next one comes.
    PendingClears, PENDING_CLEARS;
    /// Runtime sessions.
    Sessions, SESSIONS;
    /// The execution queue.
    Queue, QUEUE;
    /// Who the users are.
    Actors, ACTORS;
    /// Requests for a tool's approval and their answers.
    Approvals, APPROVALS;
    /// What a cell is beyond the base schema: its kind, its parent in the session tree.
    Annotations, ANNOTATIONS;
    /// The lanes that a runtime session holds.
    Lanes, LANES;
    /// The selected branch.
    Branch, BRANCH;
    /// Labels of cells.
    Labels, LABELS;
    /// Messages sent to a running agent.
    Steers, STEERS;
    /// Tool calls that were begun, and how they ended.
    Tools, TOOLS;
    /// What model requests used.
    ModelUsage, MODEL_USAGE;
    /// Compactions.
    Compactions, COMPACTIONS;
    /// What was executed, and what went wrong.
    ExecutionNotes, EXECUTION_NOTES;
    /// State of extensions.
    State, STATE;
    /// Where the notebook was forked from.
    Forks, FORKS;
    /// What an output is in the history of the session, without its content.
    OutputRoles, OUTPUT_ROLES;
    /// Which replica started a runtime session.
    Replicas, REPLICAS;
}

impl Tables {
    /// The log itself, which every commit touches.
    pub const LOG: Tables = Tables(1 << 63);
    /// Every table, and the log.
    pub const ALL: Tables = Tables(u64::MAX);
    /// No table.
    pub const NONE: Tables = Tables(0);

    /// Tells whether the two sets have a table in common.
    pub const fn intersects(self, other: Tables) -> bool {
        self.0 & other.0 != 0
    }

    /// Tells whether the set has no table.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the set as bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Makes a set from bits that [`Tables::bits`] gave.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl From<Table> for Tables {
    fn from(table: Table) -> Self {
        Self(1 << table as u64)
    }
}

impl BitOr for Tables {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Tables {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// One value of a row as a table holds it: booleans are 0 and 1, JSON and dates are text.
#[derive(Clone, Debug)]
pub enum Scalar {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text.
    Text(std::rc::Rc<str>),
}

/// One value handed to a change or a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Bind<'a> {
    /// Nothing.
    Null,
    /// A whole number, or a boolean as 0 or 1.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text.
    Text(std::borrow::Cow<'a, str>),
}

impl<'a> From<&'a str> for Bind<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl<'a> From<std::borrow::Cow<'a, str>> for Bind<'a> {
    fn from(text: std::borrow::Cow<'a, str>) -> Self {
        Self::Text(text)
    }
}

impl From<String> for Bind<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Bind<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Bind<'_> {
    fn from(flag: bool) -> Self {
        Self::Integer(i64::from(flag))
    }
}

impl From<f64> for Bind<'_> {
    fn from(number: f64) -> Self {
        // A database does not keep the sign of nothing.
        Self::Real(number + 0.0)
    }
}

impl<'a, T: Into<Bind<'a>>> From<Option<T>> for Bind<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Scalar {
    /// Returns the text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Tells whether a condition `= ?` with this value on the left holds; nothing equals nothing in SQL.
    pub(crate) fn is(&self, bind: &Bind<'_>) -> bool {
        match (self, bind) {
            (Self::Text(a), Bind::Text(b)) => **a == **b,
            (Self::Integer(a), Bind::Integer(b)) => a == b,
            // No condition compares a fraction.
            _ => false,
        }
    }

    /// Tells whether a condition `IS ?` with this value on the left holds; nothing is nothing.
    pub(crate) fn is_same(&self, bind: &Bind<'_>) -> bool {
        match (self, bind) {
            (Self::Null, Bind::Null) => true,
            (Self::Real(a), Bind::Real(b)) => a.total_cmp(b).is_eq(),
            _ => self.is(bind),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Integer(_) | Self::Real(_) => 1,
            Self::Text(_) => 2,
        }
    }
}

impl From<&Bind<'_>> for Scalar {
    fn from(bind: &Bind<'_>) -> Self {
        match bind {
            Bind::Null => Self::Null,
            Bind::Integer(number) => Self::Integer(*number),
            Bind::Real(number) => Self::Real(*number),
            Bind::Text(text) => Self::Text(text.as_ref().into()),
        }
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Scalar {}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The order of SQLite's `BINARY` collation: nothing, then numbers, then text by bytes.
impl Ord for Scalar {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Real(a), Self::Real(b)) => a.total_cmp(b),
            (Self::Integer(a), Self::Real(b)) => (*a as f64).total_cmp(b),
            (Self::Real(a), Self::Integer(b)) => a.total_cmp(&(*b as f64)),
            (Self::Text(a), Self::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

/// Why a change to the tables failed. The memory store never fails; a database may.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TableError(pub Box<dyn std::error::Error + Send + Sync>);

/// What a materializer writes to: the tables of one store.
///
/// Each call is one [`Op`] with its values, and answers how many rows it changed. That answer is all a materializer
/// ever reads, so the same code serves a database and maps in memory.
pub trait DerivedTables {
    /// Carries out a change and returns the number of rows it changed.
    fn execute(&mut self, op: &'static Op, binds: &[Bind<'_>]) -> Result<usize, TableError>;
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.def().name)
    }
}
