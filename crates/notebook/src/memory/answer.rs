//! Queries answered by maps.

use std::collections::HashSet;
use std::rc::Rc;

use serde_json::Value;

use super::log::{Log, Logged};
use super::maps::{MapRow, Maps};
use crate::query::{Asked, Query, Rows, Shape, Sorted};
use crate::tables::{Bind, Column, Scalar, Table};

/// Answers a query.
pub(super) fn answer(maps: &Maps, log: &Log, query: &Query) -> Rows {
    let columns = match query.asked() {
        Asked::Rows(shape, binds) => {
            return Rows { columns: shape.table.def().columns, rows: one_table(maps, shape, &binds) };
        }
        Asked::Text(_, _, columns) => columns,
    };
    let rows = match query {
        Query::BranchPath { leaf } => branch(maps, columns, leaf.as_ref().map(AsRef::as_ref)),
        Query::RuntimeSessions => sessions(maps, columns),
        Query::LastCell => last_cell(maps).map(|row| shown(columns, &row.values)).into_iter().collect(),
        Query::OutputHeads { cell } => heads(maps, columns, cell.as_ref().map(AsRef::as_ref)),
        Query::LogSince { rowid, limit } => {
            log.since(*rowid).take(*limit).map(|entry| log_row(&entry)).collect()
        }
        Query::LogNamed { names, rowid, limit } => {
            let named = log.since(*rowid).filter(|entry| names.contains(&entry.event.name()));
            named.take(*limit).map(|entry| log_row(&entry)).collect()
        }
        Query::LastRowid => vec![vec![Value::from(log.last_rowid())]],
        // Every other query is about one table.
        _ => Vec::new(),
    };
    Rows { columns, rows }
}

fn one_table(maps: &Maps, shape: &Shape, binds: &[Bind<'_>]) -> Vec<Vec<Value>> {
    let (def, rows) = (shape.table.def(), maps.table(shape.table));
    let place = |name: &str| def.column(name).unwrap_or(0);
    let show = |row: &MapRow| shown(def.columns, &row.values);
    let equals: Vec<(usize, &Bind<'_>)> = shape.equals.iter().map(|name| place(name)).zip(binds).collect();
    let meets = |row: &&MapRow| equals.iter().all(|(place, bind)| row.values[*place].is(bind));
    let mut found: Vec<&MapRow> = match (equals.first(), binds.get(equals.len())) {
        // Only the deltas are asked for by number; their index is in the order that is wanted.
        (Some((_, Bind::Text(text))), Some(Bind::Integer(number))) => {
            return rows.above(0, text, *number).map(show).collect();
        }
        (Some((place, Bind::Text(text))), _) => {
            rows.select(*place, text).map(|(_, row)| row).filter(meets).collect()
        }
        _ => rows.all().collect(),
    };
    let places: Vec<usize> = match shape.order {
        Sorted::Log => Vec::new(),
        Sorted::By(columns) => columns.iter().map(|name| place(name)).collect(),
        Sorted::Key => def.key.to_vec(),
    };
    found.sort_by(|a, b| {
        let by =
            places.iter().map(|place| a.values[*place].cmp(&b.values[*place])).find(|order| order.is_ne());
        by.unwrap_or_else(|| a.order.cmp(&b.order))
    });
    found.into_iter().map(show).collect()
}

fn last_cell(maps: &Maps) -> Option<&MapRow> {
    let place = |row: &&MapRow| (row.values[3].clone(), row.values[0].clone());
    maps.table(Table::Cells).all().max_by_key(place)
}

fn shown(columns: &[Column], values: &[Scalar]) -> Vec<Value> {
    columns.iter().zip(values).map(|(column, value)| column.kind.normalise(value.clone())).collect()
}

fn sessions(maps: &Maps, columns: &[Column]) -> Vec<Vec<Value>> {
    let mut found: Vec<&MapRow> = maps.table(Table::Sessions).all().collect();
    found.sort_by_key(|row| row.order);
    let lanes = maps.table(Table::Lanes);
    let row = |row: &MapRow| {
        let mut values = row.values.clone();
        values.push(
            row.values[0]
                .text()
                .and_then(|id| lanes.get(id))
                .map_or(Scalar::Null, |lanes| lanes.values[1].clone()),
        );
        shown(columns, &values)
    };
    found.into_iter().map(row).collect()
}

fn heads(maps: &Maps, columns: &[Column], cell: Option<&str>) -> Vec<Vec<Value>> {
    let outputs = maps.table(Table::Outputs);
    let mut found: Vec<&MapRow> = match cell {
        Some(cell) => outputs.select(1, cell).map(|(_, row)| row).collect(),
        None => outputs.all().collect(),
    };
    found.sort_by(|a, b| (&a.values[1], &a.values[3], a.order).cmp(&(&b.values[1], &b.values[3], b.order)));
    let roles = maps.table(Table::OutputRoles);
    let row = |row: &MapRow| {
        let none = || vec![Scalar::Null, Scalar::Null, Scalar::Integer(0)];
        let mut values: Vec<Scalar> =
            [0, 1, 2, 3, 4, 6].iter().map(|place| row.values[*place].clone()).collect();
        values.extend(
            row.values[0]
                .text()
                .and_then(|id| roles.get(id))
                .map_or_else(none, |role| role.values[1..].to_vec()),
        );
        shown(columns, &values)
    };
    found.into_iter().map(row).collect()
}

/// The path from a leaf up, then turned round; see the SQL text of the same query.
fn branch(maps: &Maps, columns: &[Column], leaf: Option<&str>) -> Vec<Vec<Value>> {
    let (cells, annotations) = (maps.table(Table::Cells), maps.table(Table::Annotations));
    let mut made: Vec<&MapRow> = cells.all().collect();
    made.sort_by_key(|row| row.order);
    let mut next = match leaf {
        Some(leaf) => Some(Scalar::Text(leaf.into())),
        None => selected(maps).or_else(|| made.last().map(|row| row.values[0].clone())),
    };
    let mut path = Vec::new();
    let mut seen = HashSet::new();
    while let Some(Scalar::Text(id)) = next {
        if !seen.insert(Rc::clone(&id)) {
            break;
        }
        let (cell, annotation) = (cells.get(&id), annotations.get(&id));
        next = match (annotation, cell) {
            (Some(annotation), _) => Some(annotation.values[3].clone()),
            (None, Some(cell)) => {
                let before = made.partition_point(|row| row.order < cell.order);
                before.checked_sub(1).map(|place| made[place].values[0].clone())
            }
            (None, None) => None,
        };
        if let Some(cell) = cell {
            let none = || vec![Scalar::Null; columns.len() - cell.values.len()];
            let mut values = cell.values.clone();
            values.extend(annotation.map_or_else(none, |row| row.values.clone()));
            path.push(shown(columns, &values));
        }
    }
    path.reverse();
    path
}

fn selected(maps: &Maps) -> Option<Scalar> {
    let leaf = maps.table(Table::Branch).all().next()?.values[1].clone();
    let known = |table: Table| leaf.text().is_some_and(|leaf| maps.table(table).get(leaf).is_some());
    (known(Table::Cells) || known(Table::Annotations)).then_some(leaf)
}

fn log_row(entry: &Logged<'_>) -> Vec<Value> {
    vec![
        Value::from(entry.rowid),
        Value::from(entry.batch),
        Value::from(entry.seq),
        Value::from(entry.event.name()),
        Value::from(entry.event.args_text()),
        Value::from(entry.author.client_id),
        Value::from(entry.author.session_id),
        Value::from(entry.at),
    ]
}
