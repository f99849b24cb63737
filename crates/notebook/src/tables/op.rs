//! A change to one table, declared once and carried out by a database or by maps in memory.

use std::sync::OnceLock;

use super::Table;

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Inserts a row, or nothing where its key or another unique value is taken.
    InsertOrIgnore,
    /// Inserts a row in place of the one that has its key.
    InsertOrReplace,
    /// Changes rows.
    Update,
    /// Deletes rows.
    Delete,
}

/// How one column gets its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// From the next value handed over.
    Bind(&'static str),
    /// A fixed text.
    Text(&'static str, &'static str),
    /// A fixed number.
    Integer(&'static str, i64),
    /// Nothing.
    Null(&'static str),
    /// Its text, or nothing as empty text, followed by the next value handed over.
    Append(&'static str),
}

/// One condition on a row; a change applies to the rows that meet all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// The column equals the next value handed over.
    Is(&'static str),
    /// The column is the next value handed over, where nothing is the same as nothing.
    Same(&'static str),
    /// The column is one of these words.
    In(&'static str, &'static [&'static str]),
    /// The column is none of these words.
    NotIn(&'static str, &'static [&'static str]),
    /// The column is null.
    IsNull(&'static str),
    /// The column names an output of the cell that is the next value handed over.
    OutputOfCell(&'static str),
    /// The column names the cell of the queue entry that is the next value handed over.
    CellOfEntry(&'static str),
    /// The column names no live runtime session of another replica; that replica's client id and session id are the
    /// next two values handed over. A session that nobody announced, or that is over, is not alive.
    NotForeign(&'static str),
    /// The column names a runtime session of one replica, alive or over; that replica's client id and session id are
    /// the next two values handed over.
    Own(&'static str),
}

/// One change: a table, what to do, the values to write, the rows meant. Values are handed over in the order of
/// `set`, then of `filter`.
#[derive(Debug)]
pub struct Op {
    /// The table.
    pub table: Table,
    /// What to do.
    pub verb: Verb,
    /// The values written.
    pub set: &'static [Set],
    /// The rows meant, for an update or a deletion.
    pub filter: &'static [Test],
    plan: OnceLock<Plan>,
}

/// An [`Op`] with its names resolved.
#[derive(Debug)]
pub struct Plan {
    /// The change as one SQL statement.
    pub sql: String,
    /// The columns written, by place, and where their values come from.
    pub set: Vec<(usize, Source)>,
    /// The columns tested, by place, beside [`Op::filter`].
    pub filter: Vec<usize>,
}

/// Where a written value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The value handed over at this place.
    Bind(usize),
    /// The column's text followed by the value handed over at this place.
    Append(usize),
    /// A fixed text.
    Text(&'static str),
    /// A fixed number.
    Integer(i64),
    /// Nothing.
    Null,
}

impl Op {
    /// Declares a change.
    pub const fn new(table: Table, verb: Verb, set: &'static [Set], filter: &'static [Test]) -> Self {
        Self { table, verb, set, filter, plan: OnceLock::new() }
    }

    /// Returns the change with its names resolved, which happens once.
    pub fn plan(&self) -> &Plan {
        self.plan.get_or_init(|| self.resolve())
    }

    fn resolve(&self) -> Plan {
        let def = self.table.def();
        // The declarations are constants of this crate; a wrong name in one of them fails every test.
        let place = |name: &str| def.column(name).unwrap_or(usize::MAX);
        let mut binds = 0;
        let mut next = || {
            binds += 1;
            binds - 1
        };
        let set = self.set.iter().map(|set| match *set {
            Set::Bind(name) => (place(name), Source::Bind(next())),
            Set::Append(name) => (place(name), Source::Append(next())),
            Set::Text(name, text) => (place(name), Source::Text(text)),
            Set::Integer(name, number) => (place(name), Source::Integer(number)),
            Set::Null(name) => (place(name), Source::Null),
        });
        Plan {
            set: set.collect(),
            filter: self.filter.iter().map(|test| place(test.column())).collect(),
            sql: self.sql(),
        }
    }

    fn sql(&self) -> String {
        let table = self.table.def().name;
        let columns = self.set.iter().map(|set| format!("\"{}\"", set.column())).collect::<Vec<_>>();
        match self.verb {
            Verb::InsertOrIgnore | Verb::InsertOrReplace => {
                let or = if self.verb == Verb::InsertOrIgnore { "IGNORE" } else { "REPLACE" };
                let values = self.set.iter().map(Set::value).collect::<Vec<_>>().join(", ");
                format!("INSERT OR {or} INTO {table} ({}) VALUES ({values})", columns.join(", "))
            }
            Verb::Update => {
                let set =
                    self.set.iter().zip(&columns).map(|(set, column)| format!("{column} = {}", set.value()));
                format!("UPDATE {table} SET {}{}", set.collect::<Vec<_>>().join(", "), self.condition())
            }
            Verb::Delete => format!("DELETE FROM {table}{}", self.condition()),
        }
    }

    fn condition(&self) -> String {
        if self.filter.is_empty() {
            return String::new();
        }
        format!(" WHERE {}", self.filter.iter().map(Test::sql).collect::<Vec<_>>().join(" AND "))
    }
}

impl Set {
    fn column(&self) -> &'static str {
        match self {
            Self::Bind(name)
            | Self::Text(name, _)
            | Self::Integer(name, _)
            | Self::Null(name)
            | Self::Append(name) => name,
        }
    }

    fn value(&self) -> String {
        match self {
            Self::Bind(_) => "?".to_owned(),
            Self::Append(name) => format!("coalesce(\"{name}\", '') || ?"),
            Self::Text(_, text) => format!("'{text}'"),
            Self::Integer(_, number) => number.to_string(),
            Self::Null(_) => "NULL".to_owned(),
        }
    }
}

impl Test {
    fn column(&self) -> &'static str {
        match self {
            Self::Is(name)
            | Self::Same(name)
            | Self::In(name, _)
            | Self::NotIn(name, _)
            | Self::IsNull(name)
            | Self::OutputOfCell(name)
            | Self::CellOfEntry(name)
            | Self::NotForeign(name)
            | Self::Own(name) => name,
        }
    }

    fn sql(&self) -> String {
        let list = |words: &[&str]| format!("('{}')", words.join("', '"));
        match self {
            Self::Is(name) => format!("\"{name}\" = ?"),
            Self::Same(name) => format!("\"{name}\" IS ?"),
            Self::In(name, words) => format!("\"{name}\" IN {}", list(words)),
            Self::NotIn(name, words) => format!("\"{name}\" NOT IN {}", list(words)),
            Self::IsNull(name) => format!("\"{name}\" IS NULL"),
            Self::OutputOfCell(name) => format!("\"{name}\" IN (SELECT id FROM outputs WHERE cellId = ?)"),
            Self::CellOfEntry(name) => {
                format!("\"{name}\" IN (SELECT cellId FROM executionQueue WHERE id = ?)")
            }
            Self::NotForeign(name) => format!(
                "NOT EXISTS (SELECT 1 FROM runtimeReplicas r JOIN runtimeSessions s ON s.sessionId = r.sessionId \
                 WHERE r.sessionId = \"{name}\" AND s.status <> 'terminated' \
                 AND (r.clientId, r.replicaId) <> (?, ?))"
            ),
            Self::Own(name) => format!(
                "EXISTS (SELECT 1 FROM runtimeReplicas r WHERE r.sessionId = \"{name}\" \
                 AND (r.clientId, r.replicaId) = (?, ?))"
            ),
        }
    }
}
