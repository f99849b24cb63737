//! The materializer's way into a database.

use purlin_notebook::tables::{Bind, DerivedTables, Op, TableError};
use purlin_notebook::{StoreError, Tables};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{CachedStatement, Connection, ToSql};

/// The tables of an open transaction.
pub(super) struct SqliteTables<'c> {
    connection: &'c Connection,
    /// Statements in use, so that a long batch looks each up by its text only once.
    statements: Vec<(&'static Op, CachedStatement<'c>)>,
    touched: Tables,
}

impl<'c> SqliteTables<'c> {
    /// Writes to the tables of a connection.
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection, statements: Vec::new(), touched: Tables::NONE }
    }

    /// Returns which tables changed.
    pub(super) fn touched(&self) -> Tables {
        self.touched
    }

    fn statement(&mut self, op: &'static Op) -> Result<&mut CachedStatement<'c>, rusqlite::Error> {
        let known = self.statements.iter().position(|(known, _)| std::ptr::eq(*known, op));
        let place = known.unwrap_or(self.statements.len());
        if known.is_none() {
            self.statements.push((op, self.connection.prepare_cached(&op.plan().sql)?));
        }
        Ok(&mut self.statements[place].1)
    }
}

impl DerivedTables for SqliteTables<'_> {
    fn execute(&mut self, op: &'static Op, binds: &[Bind<'_>]) -> Result<usize, TableError> {
        let changed = self
            .statement(op)
            .and_then(|statement| statement.execute(rusqlite::params_from_iter(binds.iter().map(Sql))))
            .map_err(|error| TableError(Box::new(error)))?;
        if changed > 0 {
            self.touched |= op.table.into();
        }
        Ok(changed)
    }
}

/// Finds the database's error in a failed change.
pub(super) fn cause(error: TableError) -> rusqlite::Error {
    match error.0.downcast::<rusqlite::Error>() {
        Ok(error) => *error,
        Err(other) => rusqlite::Error::ToSqlConversionFailure(other),
    }
}

/// A value on its way to a statement.
pub(super) struct Sql<'a, 'b>(pub(super) &'a Bind<'b>);

impl ToSql for Sql<'_, '_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Bind::Null => ToSqlOutput::Owned(Value::Null),
            Bind::Integer(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Bind::Real(number) => ToSqlOutput::Owned(Value::Real(*number)),
            Bind::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

/// Answers a query from a connection.
pub(super) fn answer(
    connection: &Connection,
    query: &purlin_notebook::Query,
) -> Result<purlin_notebook::Rows, rusqlite::Error> {
    let compiled = query.compile();
    let mut statement = connection.prepare_cached(compiled.sql)?;
    let mut found = statement.query(rusqlite::params_from_iter(compiled.binds.iter().map(Sql)))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let mut values = Vec::with_capacity(compiled.columns.len());
        for (place, column) in compiled.columns.iter().enumerate() {
            values.push(normal(column.kind, row.get_ref(place)?)?);
        }
        rows.push(values);
    }
    Ok(purlin_notebook::Rows { columns: compiled.columns, rows })
}

fn normal(
    kind: purlin_notebook::tables::Kind,
    value: ValueRef<'_>,
) -> Result<serde_json::Value, rusqlite::Error> {
    use purlin_notebook::tables::Scalar;
    Ok(match value {
        ValueRef::Null => serde_json::Value::Null,
        ValueRef::Integer(number) => kind.normalise(Scalar::Integer(number)),
        ValueRef::Real(number) => kind.normalise(Scalar::Real(number)),
        ValueRef::Text(text) => kind.normalise_text(&String::from_utf8_lossy(text)),
        ValueRef::Blob(_) => {
            return Err(rusqlite::Error::InvalidColumnType(
                0,
                "blob".to_owned(),
                rusqlite::types::Type::Blob,
            ));
        }
    })
}

/// Answers a query where there is nothing to read yet.
pub(super) fn nothing(query: &purlin_notebook::Query) -> purlin_notebook::Rows {
    let rows = match query {
        purlin_notebook::Query::LastRowid => vec![vec![0.into()]],
        _ => Vec::new(),
    };
    purlin_notebook::Rows { columns: query.columns(), rows }
}

/// The answer of a command, to whoever waits for it.
pub(super) type Answer<T> = Result<T, StoreError>;
