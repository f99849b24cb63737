//! What holds for any bytes that claim to be a log. Shared by the tests and by the fuzz target `events`.

use std::rc::Rc;

use purlin_notebook::{Event, MemoryStore, NotebookId, Store, StoreExt, dump};

/// Reads a log of one event per line, as JSON or as a name and the JSON text of the arguments behind a space.
///
/// # Panics
/// Panics where an event does not read back as it was written, or where a replay gives other tables.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let live = MemoryStore::new(NotebookId::from("n"), Rc::new(|| 7));
    for line in text.lines() {
        let Some(event) = read(line) else { continue };
        let name = event.name().to_owned();
        let Ok((checked, args)) = event.check() else { continue };
        assert_eq!(checked.args_text(), args, "{name}: one text of one event");
        assert_eq!(Event::from_log(&name, &args), *checked, "{name}: the log gives the event back");
        // Arguments of another form under a known name are kept when a log has them, and refused on the wire.
        if !(matches!(event, Event::Unknown { .. }) && Event::is_known(&name)) {
            let again = Event::from_wire(&name, checked.args()).map_err(|error| error.to_string());
            assert_eq!(again.as_ref(), Ok(checked.as_ref()), "{name}: the wire gives the event back");
        }
        live.commit(std::slice::from_ref(&event)).expect("a checked event is committed");
    }
    let log: Vec<Event> =
        live.log_since(0, usize::MAX).expect("a log").into_iter().map(|entry| entry.event).collect();
    let replayed = MemoryStore::new(NotebookId::from("n"), Rc::new(|| 7));
    replayed.commit(&log).expect("a log is committed again");
    assert_eq!(dump::canonical(&live), dump::canonical(&replayed), "replay is live");
    // The answers that are computed over several rows end, whatever the rows say.
    assert!(live.branch_path(None).is_ok() && live.cells().is_ok() && live.output_heads(None).is_ok());
}

fn read(line: &str) -> Option<Event> {
    if line.starts_with('{') {
        return serde_json::from_str(line).ok();
    }
    let (name, args) = line.split_once(' ')?;
    Some(Event::from_log(name, args))
}
