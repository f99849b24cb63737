//! A question about rows of one table, declared once: its SQL text, and what maps need to answer it.

use std::sync::OnceLock;

use crate::tables::{Column, Table};

/// What a one-table question asks for. Values are handed over for `equals`, then for `above`.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) table: Table,
    /// The columns that must equal a text.
    pub(crate) equals: &'static [&'static str],
    /// The column that must be above a number.
    pub(crate) above: Option<&'static str>,
    pub(crate) order: Sorted,
    sql: OnceLock<String>,
}

/// The order of rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sorted {
    /// In the order of their writing.
    Log,
    /// By columns, then in the order of their writing.
    By(&'static [&'static str]),
    /// By the primary key.
    Key,
}

impl Shape {
    /// Declares a question.
    pub(super) const fn new(table: Table, equals: &'static [&'static str], order: Sorted) -> Self {
        Self { table, equals, above: None, order, sql: OnceLock::new() }
    }

    /// Asks for rows above a number only.
    pub(super) const fn above(mut self, column: &'static str) -> Self {
        self.above = Some(column);
        self
    }

    /// Returns the question as SQL, which is written once.
    pub(super) fn sql(&self) -> &str {
        self.sql.get_or_init(|| self.write())
    }

    fn write(&self) -> String {
        let def = self.table.def();
        let mut conditions: Vec<String> =
            self.equals.iter().map(|column| format!("\"{column}\" = ?")).collect();
        conditions.extend(self.above.map(|column| format!("\"{column}\" > ?")));
        let condition = if conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", conditions.join(" AND "))
        };
        let order = match self.order {
            Sorted::Log => "rowid".to_owned(),
            Sorted::By(columns) => format!("\"{}\", rowid", columns.join("\", \"")),
            Sorted::Key => {
                let key: Vec<Column> = def.key.iter().map(|place| def.columns[*place]).collect();
                list("", &key)
            }
        };
        format!("SELECT {} FROM {}{condition} ORDER BY {order}", list("", def.columns), def.name)
    }
}

/// Lists columns for a `SELECT`, each behind a prefix.
pub(super) fn list(prefix: &str, columns: &[Column]) -> String {
    columns.iter().map(|column| format!("{prefix}\"{}\"", column.name)).collect::<Vec<_>>().join(", ")
}
