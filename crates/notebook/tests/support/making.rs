//! Events and stores as tests write them.
#![allow(dead_code, reason = "each test file uses a part")]

use std::rc::Rc;

use purlin_notebook::{
    Capabilities, CellId, CellKind, CellType, CompletionStatus, Event, Media, MemoryStore, NotebookId,
    Representations, Store, StoreExt, StreamName,
};

pub const DATE: &str = "2026-11-21T10:00:00.000Z";

pub fn store(events: &[Event]) -> MemoryStore {
    let store = MemoryStore::new(NotebookId::from("n"), Rc::new(|| 7));
    store.commit(events).expect("the memory store answers");
    store
}

pub fn cell(id: &str) -> Event {
    Event::CellCreated2 {
        id: id.into(),
        fractional_index: format!("m{id}"),
        cell_type: CellType::Ai,
        created_by: "u".into(),
    }
}

pub fn request(queue: &str, cell: &str) -> Event {
    Event::ExecutionRequested {
        queue_id: queue.into(),
        cell_id: cell.into(),
        execution_count: 1,
        requested_by: "u".into(),
        actor_id: None,
    }
}

pub fn assign(queue: &str, session: &str) -> Event {
    Event::ExecutionAssigned { queue_id: queue.into(), runtime_session_id: session.into() }
}

pub fn start(queue: &str, cell: &str, session: &str) -> Event {
    Event::ExecutionStarted {
        queue_id: queue.into(),
        cell_id: cell.into(),
        runtime_session_id: session.into(),
        started_at: DATE.into(),
    }
}

pub fn complete(queue: &str, cell: &str, status: CompletionStatus) -> Event {
    Event::ExecutionCompleted {
        queue_id: queue.into(),
        cell_id: cell.into(),
        status,
        error: None,
        completed_at: DATE.into(),
        execution_duration_ms: 5,
    }
}

pub fn cancel(queue: &str, cell: &str) -> Event {
    Event::ExecutionCancelled {
        queue_id: queue.into(),
        cell_id: cell.into(),
        cancelled_by: "u".into(),
        actor_id: None,
        reason: "user".into(),
    }
}

pub fn session(id: &str) -> Event {
    Event::RuntimeSessionStarted {
        session_id: id.into(),
        runtime_id: "r".into(),
        runtime_type: "echo".into(),
        capabilities: Capabilities::default(),
    }
}

pub fn terminal(id: &str, text: &str) -> Event {
    Event::TerminalOutputAdded {
        id: id.into(),
        cell_id: "c".into(),
        position: 0.0,
        content: Media::text(text),
        stream_name: StreamName::Stdout,
    }
}

pub fn delta(id: &str, seq: i64, text: &str) -> Event {
    Event::TerminalOutputAppended2 {
        id: id.into(),
        output_id: "o".into(),
        delta: text.into(),
        sequence_number: seq,
    }
}

pub fn text(store: &MemoryStore, id: &str) -> String {
    store
        .text_of(
            &store.output(&id.into()).expect("the memory store answers").expect("the memory store answers"),
        )
        .expect("the memory store answers")
}

pub fn display(id: &str, cell: &str, display: Option<&str>, text: &str) -> Event {
    Event::MultimediaDisplayOutputAdded {
        id: id.into(),
        cell_id: cell.into(),
        position: 0.0,
        representations: Representations::from([("text/plain".to_owned(), Media::text(text))]),
        display_id: display.map(str::to_owned),
    }
}

pub fn annotate(id: &str, parent: Option<&str>) -> Event {
    Event::CellAnnotated {
        cell_id: id.into(),
        kind: CellKind::Ai,
        hidden: None,
        parent_id: parent.map(CellId::from),
        after_output: None,
        extension: None,
        attachments: vec![],
        prepared: Some(true),
        prepared_text: None,
        data: None,
    }
}
