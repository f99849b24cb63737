//! The tables as maps, which carry out the same changes as a database.

use crate::tables::{Bind, DerivedTables, Op, Scalar, Set, Table, TableError, Tables, Test, Verb};
use crate::values::RuntimeStatus;

mod table;

pub(super) use table::{MapRow, MapTable};

/// Every table.
pub(super) struct Maps {
    tables: Vec<MapTable>,
    touched: Tables,
    written: u64,
}

/// The rows that a change means: its conditions with the values that were handed over for them.
#[derive(Default)]
struct Meant<'a> {
    equals: Vec<(usize, &'a Bind<'a>)>,
    same: Vec<(usize, &'a Bind<'a>)>,
    any_of: Option<(usize, Vec<Scalar>)>,
    author: Option<(usize, &'a Test, &'a [Bind<'a>])>,
    rest: Vec<(usize, &'a Test)>,
}

impl Default for Maps {
    fn default() -> Self {
        let tables = Table::ALL.iter().map(|table| MapTable::new(table.def())).collect();
        Self { tables, touched: Tables::NONE, written: 0 }
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

    fn insert(&mut self, op: &Op, binds: &[Bind<'_>]) -> usize {
        self.written += 1;
        let table = &mut self.tables[op.table as usize];
        let mut values = table.blank();
        for (place, source) in &op.plan().set {
            values[*place] = source.value(binds, &values[*place]);
        }
        let row = MapRow { order: self.written, values };
        usize::from(table.insert(row, op.verb == Verb::InsertOrReplace))
    }

    /// Finds the rows that meet every condition of a change, by their slots.
    fn find(&self, op: &Op, binds: &[Bind<'_>]) -> Vec<usize> {
        let table = self.table(op.table);
        if let Some(Bind::Text(key)) = key_of(op, binds)
            && table.get(key).is_none()
        {
            return Vec::new();
        }
        let meant = self.meant(op, binds);
        let mut slots = Vec::new();
        let mut take = |found: &mut dyn Iterator<Item = (usize, &MapRow)>| {
            slots.extend(found.filter(|(_, row)| self.meets(row, &meant)).map(|(slot, _)| slot));
        };
        match &meant.any_of {
            None => match meant.equals.first() {
                Some((place, Bind::Text(text))) => take(&mut table.select(*place, text)),
                Some(_) => {}
                None => take(&mut table.slots()),
            },
            Some((place, values)) => {
                for value in values.iter().filter_map(Scalar::text) {
                    take(&mut table.select(*place, value));
                }
            }
        }
        slots
    }

    fn meant<'a>(&self, op: &'a Op, binds: &'a [Bind<'a>]) -> Meant<'a> {
        let mut next = written(op);
        let mut meant = Meant::default();
        for (test, place) in op.filter.iter().zip(&op.plan().filter) {
            match test {
                Test::Is(_) => meant.equals.push((*place, &binds[next])),
                Test::Same(_) => meant.same.push((*place, &binds[next])),
                Test::OutputOfCell(_) => meant.any_of = Some((*place, self.outputs_of(&binds[next]))),
                Test::CellOfEntry(_) => meant.any_of = Some((*place, self.cell_of(&binds[next]))),
                Test::NotForeign(_) | Test::Own(_) => {
                    meant.author = Some((*place, test, &binds[next..next + 2]));
                    next += 1;
                }
                Test::In(..) | Test::NotIn(..) | Test::IsNull(_) => {
                    meant.rest.push((*place, test));
                    continue;
                }
            }
            next += 1;
        }
        meant
    }

    fn meets(&self, row: &MapRow, meant: &Meant<'_>) -> bool {
        meant.equals.iter().all(|(place, bind)| row.values[*place].is(bind))
            && meant.same.iter().all(|(place, bind)| row.values[*place].is_same(bind))
            && meant.rest.iter().all(|(place, test)| stands(&row.values[*place], test))
            && meant.author.is_none_or(|(place, test, author)| match test {
                Test::Own(_) => self.is_own(&row.values[place], author),
                _ => !self.is_foreign(&row.values[place], author),
            })
    }

    fn outputs_of(&self, cell: &Bind<'_>) -> Vec<Scalar> {
        let Bind::Text(cell) = cell else { return Vec::new() };
        self.table(Table::Outputs).select(1, cell).map(|(_, row)| row.values[0].clone()).collect()
    }

    fn cell_of(&self, entry: &Bind<'_>) -> Vec<Scalar> {
        let Bind::Text(entry) = entry else { return Vec::new() };
        self.table(Table::Queue).get(entry).map(|row| row.values[1].clone()).into_iter().collect()
    }

    /// Tells whether a runtime session is alive and was started by another replica.
    fn is_foreign(&self, session: &Scalar, author: &[Bind<'_>]) -> bool {
        let Some(session) = session.text() else { return false };
        let over = RuntimeStatus::Terminated.as_str();
        let alive =
            self.table(Table::Sessions).get(session).is_some_and(|row| row.values[3].text() != Some(over));
        alive && self.table(Table::Replicas).get(session).is_some_and(|row| !is_started_by(row, author))
    }

    /// Tells whether a runtime session was started by a replica.
    fn is_own(&self, session: &Scalar, author: &[Bind<'_>]) -> bool {
        let replica = session.text().and_then(|session| self.table(Table::Replicas).get(session));
        replica.is_some_and(|row| is_started_by(row, author))
    }
}

impl DerivedTables for Maps {
    fn execute(&mut self, op: &'static Op, binds: &[Bind<'_>]) -> Result<usize, TableError> {
        let changed = match op.verb {
            Verb::InsertOrIgnore | Verb::InsertOrReplace => self.insert(op, binds),
            Verb::Update => {
                let slots = self.find(op, binds);
                self.tables[op.table as usize].update(&slots, &op.plan().set, binds);
                slots.len()
            }
            Verb::Delete if op.filter.is_empty() => self.tables[op.table as usize].clear(),
            Verb::Delete => {
                let slots = self.find(op, binds);
                for slot in &slots {
                    self.tables[op.table as usize].remove(*slot);
                }
                slots.len()
            }
        };
        if changed > 0 {
            self.touched |= op.table.into();
        }
        Ok(changed)
    }
}

/// Tells whether the replica of a runtime session is this one.
fn is_started_by(row: &MapRow, author: &[Bind<'_>]) -> bool {
    row.values[1..].iter().zip(author).all(|(value, bind)| value.is(bind))
}

/// How many values a change writes; those of its conditions follow them.
fn written(op: &Op) -> usize {
    op.set.iter().filter(|set| matches!(set, Set::Bind(_) | Set::Append(_))).count()
}

/// The primary key of the row that a change means, if its first condition asks for one.
fn key_of<'a>(op: &Op, binds: &'a [Bind<'a>]) -> Option<&'a Bind<'a>> {
    let by_key = matches!(op.filter.first(), Some(Test::Is(_)))
        && op.plan().filter.first() == Some(&0)
        && op.table.def().key == [0];
    if by_key { binds.get(written(op)) } else { None }
}

/// Tells whether a value stands a test that takes no value.
fn stands(value: &Scalar, test: &Test) -> bool {
    match test {
        Test::In(_, words) => value.text().is_some_and(|word| words.contains(&word)),
        Test::NotIn(_, words) => value.text().is_some_and(|word| !words.contains(&word)),
        Test::IsNull(_) => matches!(value, Scalar::Null),
        Test::Is(_)
        | Test::Same(_)
        | Test::OutputOfCell(_)
        | Test::CellOfEntry(_)
        | Test::NotForeign(_)
        | Test::Own(_) => true,
    }
}
