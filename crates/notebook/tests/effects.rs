//! What each event does to the tables: `effects.txt` has, per event, the whole change of the canonical dump.
//!
//! A line `== …` begins with an empty store. Then come events, each as its name and arguments and the lines that it
//! changes: `+ table row`, `- table row`, `~ table` with the key and the columns that changed. No line means no change.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

use purlin_notebook::event::NAMES;
use purlin_notebook::{Event, MemoryStore, NotebookId, Store, Table, dump};
use serde_json::{Map, Value};

/// Rows by table (in the order of dumps) and primary key.
type Dump = BTreeMap<(usize, String), Map<String, Value>>;

fn dumped(store: &MemoryStore) -> Dump {
    let (mut dump, mut table) = (Dump::new(), 0);
    for line in dump::canonical(store).unwrap().lines() {
        let Ok(row) = serde_json::from_str::<Map<String, Value>>(line) else {
            table = Table::ALL.iter().position(|table| table.def().name == line).unwrap();
            continue;
        };
        let def = Table::ALL[table].def();
        let key: Vec<&Value> = def.key.iter().map(|place| &row[def.columns[*place].name]).collect();
        dump.insert((table, serde_json::to_string(&key).unwrap()), row.clone());
    }
    dump
}

fn changes(before: &Dump, after: &Dump) -> String {
    let mut text = String::new();
    let mut keys: Vec<_> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let def = Table::ALL[key.0].def();
        let (mark, row) = match (before.get(key), after.get(key)) {
            (None, Some(new)) => ('+', new.clone()),
            (Some(old), None) => ('-', old.clone()),
            (Some(old), Some(new)) if old != new => {
                let shown = |place: usize, name: &String| def.key.contains(&place) || old[name] != new[name];
                let columns = new.iter().enumerate().filter(|(place, (name, _))| shown(*place, name));
                ('~', columns.map(|(_, (name, value))| (name.clone(), value.clone())).collect())
            }
            _ => continue,
        };
        // Nothing is not shown where a row is new or gone; a column that becomes nothing is.
        let row: Map<String, Value> =
            row.into_iter().filter(|(_, value)| mark == '~' || !value.is_null()).collect();
        writeln!(text, "{mark} {} {}", def.name, Value::Object(row)).unwrap();
    }
    text
}

#[test]
fn every_event_changes_the_tables_as_the_contract_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/effects.txt");
    let expected = std::fs::read_to_string(path).unwrap();
    let empty = || MemoryStore::new(NotebookId::from("n"), Rc::new(|| 7));
    let (mut store, mut written, mut seen) = (empty(), String::new(), Vec::new());
    for line in expected.lines() {
        if line.starts_with(['+', '-', '~']) {
            continue;
        }
        writeln!(written, "{line}").unwrap();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with("==") {
            store = empty();
            continue;
        }
        let (name, args) = line.split_once(' ').unwrap();
        let event = Event::from_log(name, args);
        let is_known = !matches!(event, Event::Unknown { .. });
        assert!(is_known || name == "v9.Later", "{line}");
        let before = dumped(&store);
        store.commit(&[event]).unwrap();
        written.push_str(&changes(&before, &dumped(&store)));
        seen.push(name.to_owned());
    }
    if std::env::var_os("PURLIN_WRITE_EFFECTS").is_some() {
        std::fs::write(path, &written).unwrap();
    }
    let missing: Vec<&&str> = NAMES.iter().filter(|name| !seen.iter().any(|seen| seen == *name)).collect();
    assert!(missing.is_empty(), "without an example: {missing:?}");
    for (line, (is, was)) in written.lines().zip(expected.lines()).enumerate() {
        assert_eq!(is, was, "line {} of effects.txt", line + 1);
    }
    assert_eq!(written, expected);
}
