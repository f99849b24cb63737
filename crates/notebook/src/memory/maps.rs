//! The tables as maps, which carry out the same changes as a database.

use std::collections::{BTreeMap, BTreeSet};

use crate::tables::{
    Bind, DerivedTables, Literal, Op, Scalar, Source, Table, TableDef, TableError, Tables, Test, Verb,
};

/// A row's primary key, or the values of an index followed by that key.
pub(super) type Key = Vec<Scalar>;

/// Every table.
pub(super) struct Maps {
    tables: Vec<MapTable>,
    touched: Tables,
    written: u64,
}

/// One table: rows by primary key, and its indexes.
pub(super) struct MapTable {
    def: &'static TableDef,
    rows: BTreeMap<Key, MapRow>,
    indexes: Vec<BTreeSet<Key>>,
}

/// A row, with the place of its writing among all rows.
pub(super) struct MapRow {
    pub(super) order: u64,
    pub(super) values: Vec<Scalar>,
}

impl Default for Maps {
    fn default() -> Self {
        let table = |table: &Table| {
            let def = table.def();
            MapTable { def, rows: BTreeMap::new(), indexes: vec![BTreeSet::new(); def.indexes.len()] }
        };
        Self { tables: Table::ALL.iter().map(table).collect(), touched: Tables::NONE, written: 0 }
    }
}

impl Maps {
    /// Returns which tables changed since this was asked last.
    pub(super) fn take_touched(&mut self) -> Tables {
        std::mem::take(&mut self.touched)
    }

    pub(super) fn table(&self, table: Table) -> &MapTable {
        &self.tables[table as usize]
    }

    fn table_mut(&mut self, table: Table) -> &mut MapTable {
        &mut self.tables[table as usize]
    }

    fn insert(&mut self, op: &Op, binds: &[Bind<'_>]) -> usize {
        self.written += 1;
        let order = self.written;
        let table = self.table_mut(op.table);
        let mut values: Vec<Scalar> =
            table.def.columns.iter().map(|column| default(column.default)).collect();
        for (place, source) in &op.plan().set {
            values[*place] = given(*source, binds, &values[*place]);
        }
        let key = values[..table.def.key].to_vec();
        let taken = table.rows.contains_key(&key);
        if op.verb == Verb::InsertOrIgnore && (taken || table.is_taken(&values)) {
            return 0;
        }
        if taken {
            table.remove(&key);
        }
        table.add(key, MapRow { order, values });
        1
    }

    fn update(&mut self, op: &Op, keys: Vec<Key>, binds: &[Bind<'_>]) -> usize {
        let table = self.table_mut(op.table);
        let count = keys.len();
        for key in keys {
            if let Some(mut row) = table.remove(&key) {
                for (place, source) in &op.plan().set {
                    row.values[*place] = given(*source, binds, &row.values[*place]);
                }
                table.add(key, row);
            }
        }
        count
    }

    fn delete(&mut self, op: &Op, keys: Vec<Key>) -> usize {
        let table = self.table_mut(op.table);
        let count = keys.len();
        if op.filter.is_empty() {
            table.rows.clear();
            table.indexes.iter_mut().for_each(BTreeSet::clear);
            return count;
        }
        for key in keys {
            table.remove(&key);
        }
        count
    }

    /// Finds the rows that meet every condition of a change.
    fn find(&self, op: &Op, binds: &[Bind<'_>]) -> Vec<Key> {
        let table = self.table(op.table);
        let mut next = op
            .set
            .iter()
            .filter(|set| matches!(set, crate::tables::Set::Bind(_) | crate::tables::Set::Append(_)))
            .count();
        let mut equals: Vec<(usize, Scalar)> = Vec::new();
        let mut any_of: Option<(usize, Vec<Scalar>)> = None;
        let mut rest: Vec<(usize, &Test)> = Vec::new();
        for (test, place) in op.filter.iter().zip(&op.plan().filter) {
            match test {
                Test::Is(_) => equals.push((*place, Scalar::from(&binds[next]))),
                Test::OutputOfCell(_) => {
                    any_of = Some((*place, self.outputs_of(&Scalar::from(&binds[next]))));
                }
                Test::CellOfEntry(_) => any_of = Some((*place, self.cell_of(&Scalar::from(&binds[next])))),
                Test::In(..) | Test::NotIn(..) | Test::IsNull(_) => {
                    rest.push((*place, test));
                    continue;
                }
            }
            next += 1;
        }
        let mut keys = Vec::new();
        let mut take = |equals: &[(usize, Scalar)]| {
            keys.extend(
                table.select(equals).filter(|(_, row)| meets(&row.values, &rest)).map(|(key, _)| key.clone()),
            );
        };
        match any_of {
            None => take(&equals),
            Some((place, values)) => {
                for value in values {
                    take(&[equals.as_slice(), &[(place, value)]].concat());
                }
            }
        }
        keys
    }

    fn outputs_of(&self, cell: &Scalar) -> Vec<Scalar> {
        self.table(Table::Outputs).select(&[(1, cell.clone())]).map(|(key, _)| key[0].clone()).collect()
    }

    fn cell_of(&self, entry: &Scalar) -> Vec<Scalar> {
        self.table(Table::Queue).select(&[(0, entry.clone())]).map(|(_, row)| row.values[1].clone()).collect()
    }
}

impl DerivedTables for Maps {
    fn execute(&mut self, op: &'static Op, binds: &[Bind<'_>]) -> Result<usize, TableError> {
        let changed = match op.verb {
            Verb::InsertOrIgnore | Verb::InsertOrReplace => self.insert(op, binds),
            Verb::Update => {
                let keys = self.find(op, binds);
                self.update(op, keys, binds)
            }
            Verb::Delete => {
                let keys = self.find(op, binds);
                self.delete(op, keys)
            }
        };
        if changed > 0 {
            self.touched |= op.table.into();
        }
        Ok(changed)
    }
}

impl MapTable {
    /// Returns every row, by primary key.
    pub(super) fn all(&self) -> impl Iterator<Item = &MapRow> {
        self.rows.values()
    }

    /// Returns the row of a single-column primary key.
    pub(super) fn get(&self, key: &Scalar) -> Option<&MapRow> {
        self.rows.get(std::slice::from_ref(key))
    }

    /// Returns the rows whose columns have these values, by the best index there is.
    pub(super) fn select<'a>(
        &'a self,
        equals: &[(usize, Scalar)],
    ) -> Box<dyn Iterator<Item = (&'a Key, &'a MapRow)> + 'a> {
        let value =
            |place: usize| equals.iter().find(|(column, _)| *column == place).map(|(_, value)| value.clone());
        let rest = equals.to_vec();
        let matches = move |row: &MapRow| rest.iter().all(|(place, value)| row.values[*place] == *value);
        if let Some(key) = (0..self.def.key).map(value).collect::<Option<Key>>() {
            return Box::new(self.rows.get_key_value(&key).filter(|(_, row)| matches(row)).into_iter());
        }
        for ((columns, _), index) in self.def.indexes.iter().zip(&self.indexes) {
            if let Some(first) = value(columns[0]) {
                let found = index.range(vec![first.clone()]..).take_while(move |entry| entry[0] == first);
                let width = columns.len();
                return Box::new(
                    found
                        .filter_map(move |entry| self.rows.get_key_value(&entry[width..]))
                        .filter(move |(_, row)| matches(row)),
                );
            }
        }
        Box::new(self.rows.iter().filter(move |(_, row)| matches(row)))
    }

    /// Returns the rows of an index whose first column has a value and whose second is above a number, in its order.
    pub(super) fn above(&self, index: usize, first: &Scalar, number: i64) -> impl Iterator<Item = &MapRow> {
        let (columns, _) = self.def.indexes[index];
        let from = vec![first.clone(), Scalar::Integer(number.saturating_add(1))];
        let first = first.clone();
        self.indexes[index]
            .range(from..)
            .take_while(move |entry| entry[0] == first)
            .filter_map(move |entry| self.rows.get(&entry[columns.len()..]))
    }

    fn is_taken(&self, values: &[Scalar]) -> bool {
        self.def.indexes.iter().zip(&self.indexes).filter(|((_, unique), _)| *unique).any(
            |((columns, _), index)| {
                let wanted: Key = columns.iter().map(|place| values[*place].clone()).collect();
                index.range(wanted.clone()..).next().is_some_and(|entry| entry.starts_with(&wanted))
            },
        )
    }

    fn add(&mut self, key: Key, row: MapRow) {
        for ((columns, _), index) in self.def.indexes.iter().zip(&mut self.indexes) {
            index.insert(entry(columns, &row.values, &key));
        }
        self.rows.insert(key, row);
    }

    fn remove(&mut self, key: &[Scalar]) -> Option<MapRow> {
        let row = self.rows.remove(key)?;
        for ((columns, _), index) in self.def.indexes.iter().zip(&mut self.indexes) {
            index.remove(&entry(columns, &row.values, key));
        }
        Some(row)
    }
}

fn entry(columns: &[usize], values: &[Scalar], key: &[Scalar]) -> Key {
    columns.iter().map(|place| &values[*place]).chain(key).cloned().collect()
}

fn default(literal: Literal) -> Scalar {
    match literal {
        Literal::Null | Literal::Required => Scalar::Null,
        Literal::Text(text) => Scalar::Text(text.into()),
        Literal::Integer(number) => Scalar::Integer(number),
    }
}

fn given(source: Source, binds: &[Bind<'_>], old: &Scalar) -> Scalar {
    match source {
        Source::Bind(place) => Scalar::from(&binds[place]),
        Source::Append(place) => match (old, &binds[place]) {
            (Scalar::Text(old), Bind::Text(new)) => Scalar::Text(format!("{old}{new}").into()),
            (_, new) => Scalar::from(new),
        },
        Source::Text(text) => Scalar::Text(text.into()),
        Source::Integer(number) => Scalar::Integer(number),
        Source::Null => Scalar::Null,
    }
}

fn meets(values: &[Scalar], tests: &[(usize, &Test)]) -> bool {
    let word = |place: usize| match &values[place] {
        Scalar::Text(text) => Some(text.as_ref()),
        _ => None,
    };
    tests.iter().all(|(place, test)| match test {
        Test::In(_, words) => word(*place).is_some_and(|word| words.contains(&word)),
        Test::NotIn(_, words) => word(*place).is_some_and(|word| !words.contains(&word)),
        Test::IsNull(_) => values[*place] == Scalar::Null,
        Test::Is(_) | Test::OutputOfCell(_) | Test::CellOfEntry(_) => true,
    })
}
