//! One table as a map: rows in slots, found by their key and by the columns that indexes begin with.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::tables::{Bind, Kind, Literal, Scalar, Source, TableDef};

/// One table.
pub(in crate::memory) struct MapTable {
    def: &'static TableDef,
    /// A row of default values.
    blank: Vec<Scalar>,
    rows: Vec<Option<MapRow>>,
    free: Vec<usize>,
    /// The rows by a key of texts; a key that ends in a number is the first index.
    by_key: Option<HashMap<Rc<str>, usize>>,
    indexes: Vec<Index>,
}

/// A row, with the place of its writing among all rows.
pub(in crate::memory) struct MapRow {
    pub(in crate::memory) order: u64,
    pub(in crate::memory) values: Vec<Scalar>,
}

/// The slots of the rows that have one text in a column, ordered by a second column where the index has one. That is a
/// column of numbers.
struct Index {
    first: usize,
    second: Option<usize>,
    unique: bool,
    /// Which rows have an entry; `None` for all.
    holds: Option<fn(&[Scalar]) -> bool>,
    slots: HashMap<Rc<str>, BTreeSet<(i64, usize)>>,
}

impl MapTable {
    /// Makes an empty table.
    pub(super) fn new(def: &'static TableDef) -> Self {
        // An index that ends in the key is there for the order of a database's rows, not to find them.
        let finds = def.indexes.iter().filter(|places| places[1..] != [0]);
        let numbered = def.key.iter().any(|place| def.columns[*place].kind == Kind::Integer);
        let key = numbered.then(|| Index { unique: true, ..Index::of(def.key) });
        let unique = def.unique.map(|only| Index {
            unique: true,
            holds: Some(only.holds),
            ..Index::of(&[only.column])
        });
        Self {
            def,
            blank: def.columns.iter().map(|column| default(column.default)).collect(),
            rows: Vec::new(),
            free: Vec::new(),
            by_key: (!numbered).then(HashMap::new),
            indexes: key.into_iter().chain(finds.map(|places| Index::of(places))).chain(unique).collect(),
        }
    }

    /// Returns a row of default values.
    pub(super) fn blank(&self) -> Vec<Scalar> {
        self.blank.clone()
    }

    /// Returns every row with its slot.
    pub(super) fn slots(&self) -> impl Iterator<Item = (usize, &MapRow)> {
        self.rows.iter().enumerate().filter_map(|(slot, row)| Some((slot, row.as_ref()?)))
    }

    /// Returns every row, in no order.
    pub(in crate::memory) fn all(&self) -> impl Iterator<Item = &MapRow> {
        self.rows.iter().flatten()
    }

    /// Returns the row of a single-column primary key.
    pub(in crate::memory) fn get(&self, key: &str) -> Option<&MapRow> {
        self.rows[*self.by_key.as_ref()?.get(key)?].as_ref()
    }

    /// Returns the rows that have a text in a column, by the best way there is, with their slots.
    pub(in crate::memory) fn select<'a>(
        &'a self,
        place: usize,
        text: &'a str,
    ) -> Box<dyn Iterator<Item = (usize, &'a MapRow)> + 'a> {
        let row = |slot: usize| Some((slot, self.rows[slot].as_ref()?));
        if let Some(by_key) = self.by_key.as_ref().filter(|_| self.def.key == [place]) {
            return Box::new(by_key.get(text).and_then(|slot| row(*slot)).into_iter());
        }
        if let Some(index) = self.indexes.iter().find(|index| index.first == place && index.holds.is_none()) {
            let slots = index.slots.get(text).into_iter().flatten();
            return Box::new(slots.filter_map(move |(_, slot)| row(*slot)));
        }
        Box::new(self.slots().filter(move |(_, row)| row.values[place].text() == Some(text)))
    }

    /// Returns the rows of an index whose first column is a text and whose second is above a number, in its order.
    pub(in crate::memory) fn above(
        &self,
        index: usize,
        text: &str,
        number: i64,
    ) -> impl Iterator<Item = &MapRow> {
        let after = (number, usize::MAX);
        let slots = self.indexes[index].slots.get(text).map(|slots| slots.range(after..));
        slots.into_iter().flatten().filter_map(|(_, slot)| self.rows[*slot].as_ref())
    }

    /// Inserts a row; where its key is taken, in place of the one that is there or not at all.
    pub(super) fn insert(&mut self, row: MapRow, replace: bool) -> bool {
        let entry = self.by_key.as_mut().map(|by_key| by_key.entry(key(self.def, &row.values)));
        let slot = match entry {
            Some(Entry::Occupied(_)) if !replace => return false,
            Some(Entry::Occupied(taken)) => {
                let slot = *taken.get();
                for index in &mut self.indexes {
                    if let Some(old) = &self.rows[slot] {
                        index.remove(&old.values, slot);
                    }
                }
                slot
            }
            None if self.indexes.iter().any(|index| index.is_taken(&row.values)) => return false,
            Some(Entry::Vacant(free)) => *free.insert(self.free.pop().unwrap_or(self.rows.len())),
            None => self.free.pop().unwrap_or(self.rows.len()),
        };
        for index in &mut self.indexes {
            index.add(&row.values, slot);
        }
        if slot == self.rows.len() {
            self.rows.push(Some(row));
        } else {
            self.rows[slot] = Some(row);
        }
        true
    }

    /// Writes columns of rows. Keys are never written.
    pub(super) fn update(&mut self, slots: &[usize], set: &[(usize, Source)], binds: &[Bind<'_>]) {
        let written = |place: usize| set.iter().any(|(column, _)| *column == place);
        for slot in slots {
            let Some(row) = &mut self.rows[*slot] else { continue };
            let touched = |index: &&mut Index| written(index.first) || index.second.is_some_and(written);
            for index in self.indexes.iter_mut().filter(touched) {
                index.remove(&row.values, *slot);
            }
            for (place, source) in set {
                row.values[*place] = source.value(binds, &row.values[*place]);
            }
            for index in self.indexes.iter_mut().filter(touched) {
                index.add(&row.values, *slot);
            }
        }
    }

    /// Removes the row of a slot.
    pub(super) fn remove(&mut self, slot: usize) {
        let Some(row) = self.rows[slot].take() else { return };
        for index in &mut self.indexes {
            index.remove(&row.values, slot);
        }
        if let Some(by_key) = &mut self.by_key {
            by_key.remove(&key(self.def, &row.values));
        }
        self.free.push(slot);
    }

    /// Removes every row and returns how many there were.
    pub(super) fn clear(&mut self) -> usize {
        let count = self.rows.len() - self.free.len();
        self.rows.clear();
        self.free.clear();
        self.by_key.iter_mut().for_each(HashMap::clear);
        self.indexes.iter_mut().for_each(|index| index.slots.clear());
        count
    }
}

/// The primary key as one text: the column, or the columns behind their lengths.
fn key(def: &TableDef, values: &[Scalar]) -> Rc<str> {
    if let [place] = def.key
        && let Scalar::Text(text) = &values[*place]
    {
        return Rc::clone(text);
    }
    let texts: Vec<&str> = def.key.iter().filter_map(|place| values[*place].text()).collect();
    let lengths: Vec<String> = texts.iter().map(|text| text.len().to_string()).collect();
    (lengths.join(",") + ":" + &texts.concat()).into()
}

impl Index {
    /// Makes an empty index of all rows by one column, or by two.
    fn of(places: &[usize]) -> Self {
        Self {
            first: places[0],
            second: places.get(1).copied(),
            unique: false,
            holds: None,
            slots: HashMap::new(),
        }
    }

    /// The text by which a row is found, if it has an entry.
    fn entry<'a>(&self, values: &'a [Scalar]) -> Option<&'a Rc<str>> {
        match &values[self.first] {
            Scalar::Text(text) if self.holds.is_none_or(|holds| holds(values)) => Some(text),
            _ => None,
        }
    }

    /// The second column's place in the order.
    fn second(&self, values: &[Scalar]) -> i64 {
        match self.second.map(|place| &values[place]) {
            Some(Scalar::Integer(number)) => *number,
            // The bits of fractions stand in their order, but for those below zero, where it is turned round.
            Some(Scalar::Real(number)) => {
                let bits = number.to_bits() as i64;
                bits ^ (((bits >> 63) as u64) >> 1) as i64
            }
            _ => 0,
        }
    }

    fn add(&mut self, values: &[Scalar], slot: usize) {
        let Some(first) = self.entry(values) else { return };
        let entry = (self.second(values), slot);
        if let Some(slots) = self.slots.get_mut(first) {
            slots.insert(entry);
        } else {
            self.slots.insert(Rc::clone(first), BTreeSet::from([entry]));
        }
    }

    fn remove(&mut self, values: &[Scalar], slot: usize) {
        let Some(first) = self.entry(values) else { return };
        let entry = (self.second(values), slot);
        if let Some(slots) = self.slots.get_mut(first) {
            slots.remove(&entry);
            if slots.is_empty() {
                self.slots.remove(first);
            }
        }
    }

    fn is_taken(&self, values: &[Scalar]) -> bool {
        let Some(first) = self.entry(values).filter(|_| self.unique) else { return false };
        let second = self.second(values);
        let taken =
            |slots: &BTreeSet<(i64, usize)>| slots.range((second, 0)..=(second, usize::MAX)).next().is_some();
        self.slots.get(first).is_some_and(taken)
    }
}

fn default(literal: Literal) -> Scalar {
    match literal {
        Literal::Null | Literal::Required => Scalar::Null,
        Literal::Text(text) => Scalar::Text(text.into()),
        Literal::Integer(number) => Scalar::Integer(number),
    }
}

impl Source {
    /// Makes the value that is written over `old`.
    pub(super) fn value(self, binds: &[Bind<'_>], old: &Scalar) -> Scalar {
        match self {
            Self::Bind(place) => Scalar::from(&binds[place]),
            Self::Append(place) => match (old, &binds[place]) {
                (Scalar::Text(old), Bind::Text(new)) => Scalar::Text(format!("{old}{new}").into()),
                (_, new) => Scalar::from(new),
            },
            Self::Text(text) => Scalar::Text(text.into()),
            Self::Integer(number) => Scalar::Integer(number),
            Self::Null => Scalar::Null,
        }
    }
}
