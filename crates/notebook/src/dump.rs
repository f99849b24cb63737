//! The canonical dump: every table as text, equal for equal tables whatever store holds them.

use serde_json::{Map, Value};

use crate::query::Query;
use crate::store::{Store, StoreError};
use crate::tables::Table;

/// Writes every table that has rows: its name, then one JSON object per row, rows by primary key, keys of nested
/// objects sorted, columns in their order.
///
/// # Example
/// ```
/// use purlin_notebook::{Event, MemoryStore, NotebookId, Store, dump};
/// let store = MemoryStore::new(NotebookId::from("n"), std::rc::Rc::new(|| 0));
/// store.commit(&[Event::NotebookTitleChanged { title: "Plans".into() }])?;
/// assert_eq!(dump::canonical(&store)?, "notebookMetadata\n{\"key\":\"title\",\"value\":\"Plans\"}\n");
/// # Ok::<(), purlin_notebook::StoreError>(())
/// ```
pub fn canonical(store: &dyn Store) -> Result<String, StoreError> {
    let mut text = String::new();
    for table in Table::ALL {
        let rows = store.query(&Query::Table(*table))?;
        if rows.is_empty() {
            continue;
        }
        text.push_str(table.def().name);
        text.push('\n');
        for row in rows.rows {
            let columns = rows.columns.iter().map(|column| column.name.to_owned());
            let object: Map<String, Value> = columns.zip(row.into_iter().map(sorted)).collect();
            text.push_str(&Value::Object(object).to_string());
            text.push('\n');
        }
    }
    Ok(text)
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<(String, Value)> =
                map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(pairs.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
