//! What must hold of whatever a handler shows and prints; called by the fuzz target `media` and by a test.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use purlin_notebook::{
    Capabilities, CellKind, CellType, Event, Media, MemoryStore, NotebookId, Output, Store, StoreExt,
    StreamName,
};
use purlin_runtime_core::virtual_host::VirtualHost;
use purlin_runtime_core::{
    ExecutionContext, Fold, Handlers, Host, INLINE_LIMIT, MediaBundle, MemoryArtifacts, Options, Outcome,
    RuntimeAgent, handler_fn, media, validate_media_bundle,
};
use serde_json::Value;

/// Takes the bytes as a bundle of media if they are a JSON object, and as what a process prints in any case.
pub fn check(bytes: &[u8]) {
    if let Ok(Value::Object(data)) = serde_json::from_slice(bytes) {
        shown(data);
    }
    printed(bytes);
}

fn shown(data: serde_json::Map<String, Value>) {
    let bundle = MediaBundle::from_data(data, []);
    for (mime, content) in validate_media_bundle(bundle.clone()).into_representations() {
        assert!(!mime.contains(char::is_control), "{mime:?} names nothing");
        let Media::Inline { data, .. } = content else { panic!("nothing was uploaded") };
        assert!(!data.is_null() && (data.is_string() || !media::is_text_based(&mime)), "{mime:?}: {data}");
    }
    let update = bundle.clone();
    let (outputs, artifacts) = executed(move |cx| {
        cx.display(bundle.clone(), Some("d".to_owned()));
        cx.result(bundle.clone());
        cx.update_display("d", update.clone());
    });
    assert_eq!(outputs.len(), 2, "a display and a result");
    for content in outputs.iter().flat_map(|output| output.representations.as_ref().expect("media").values())
    {
        match content {
            Media::Artifact { artifact_id, .. } => {
                assert!(artifacts.get(artifact_id).is_some(), "{artifact_id}");
            }
            Media::Inline { data, .. } => assert!(data.to_string().len() <= 7 * INLINE_LIMIT, "too long"),
        }
    }
}

fn printed(bytes: &[u8]) {
    // The first byte says how the rest comes: in pieces of that many bytes.
    let Some((first, rest)) = bytes.split_first() else { return };
    let (piece, rest) = (usize::from(*first).max(1), rest.to_vec());
    let text = String::from_utf8_lossy(&rest).replace('\0', "\u{2400}");
    let mut fold = Fold::new();
    fold.push(&text);
    let folded = fold.take();
    assert_eq!(folded.cut, 0);
    let printed = rest.clone();
    let (outputs, artifacts) = executed_slowly(printed, piece);
    let shown: String = outputs.iter().map(|(_, text)| text.as_str()).collect();
    assert!(outputs.iter().all(|(output, _)| output.stream_name == Some(StreamName::Stdout)));
    if std::str::from_utf8(&rest).is_ok() && folded.text.len() <= INLINE_LIMIT {
        // A colour is written where it is asked for, which depends on the pieces.
        assert_eq!(plain(&shown), plain(&folded.text), "in pieces of {piece}");
    } else {
        assert!(shown.len() <= INLINE_LIMIT + 1024, "{} bytes", shown.len());
        assert_eq!(artifacts.get("artifact:0").as_deref(), Some(rest.as_slice()));
    }
}

/// The text without colours and links.
fn plain(text: &str) -> String {
    let mut raw = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\x1b') {
        raw.push_str(before);
        rest = match after.as_bytes().first() {
            Some(b'[') => after.split_once('m').map_or("", |(_, rest)| rest),
            _ => after.split_once(['\\', '\x07']).map_or("", |(_, rest)| rest),
        };
    }
    raw + rest
}

fn executed(show: impl Fn(&ExecutionContext) + 'static) -> (Vec<Output>, MemoryArtifacts) {
    let (store, artifacts) = run(move |cx| {
        show(&cx);
        Box::pin(async {})
    });
    (store.outputs_of(&"c".into()).expect("outputs are read"), artifacts)
}

fn executed_slowly(bytes: Vec<u8>, piece: usize) -> (Vec<(Output, String)>, MemoryArtifacts) {
    let (store, artifacts) = run(move |cx| {
        let bytes = bytes.clone();
        Box::pin(async move {
            for (number, bytes) in bytes.chunks(piece).enumerate() {
                cx.terminal_bytes(StreamName::Stdout, bytes);
                if number % 7 == 0 {
                    cx.host().sleep(Duration::from_millis(33)).await;
                }
            }
        })
    });
    let outputs = store.outputs_of(&"c".into()).expect("outputs are read");
    let with_text = |output: Output| {
        let text = store.text_of(&output).expect("text is read");
        (output, text)
    };
    (outputs.into_iter().map(with_text).collect(), artifacts)
}

/// Runs a handler in an agent to its end.
fn run(
    body: impl Fn(ExecutionContext) -> std::pin::Pin<Box<dyn Future<Output = ()>>> + 'static,
) -> (MemoryStore, MemoryArtifacts) {
    let host = VirtualHost::new();
    let clock = host.clone();
    let store = MemoryStore::new(NotebookId::from("fuzz"), Rc::new(move || clock.now()));
    let artifacts = MemoryArtifacts::new();
    let mut options = Options::new("fuzz", "local", [CellKind::Echo]);
    options.artifacts = Rc::new(artifacts.clone());
    let body = Rc::new(body);
    let handler = handler_fn(move |cx| {
        let body = body.clone();
        async move {
            body(cx).await;
            Ok(Outcome::done())
        }
    });
    let capabilities = Capabilities { can_execute_code: true, ..Capabilities::default() };
    let handlers = Handlers::new().with(CellKind::Echo, handler);
    let shared: Rc<dyn Store> = Rc::new(store.clone());
    let agent = RuntimeAgent::new(shared, Rc::new(host.clone()), capabilities, handlers, options);
    store.commit(&request()).expect("the request is committed");
    let ended = Rc::new(RefCell::new(None));
    let (running, end) = (agent.clone(), ended.clone());
    host.spawn_detached(async move {
        running.start().await.expect("the agent starts");
        *end.borrow_mut() = Some(running.run().await);
    });
    host.advance(100 * 60 * 60 * 1000);
    host.run(agent.shutdown());
    host.settle();
    assert!(matches!(*ended.borrow(), Some(Ok(_))), "{:?}", ended.borrow());
    let entry = store.queue_entry(&"q".into()).expect("the queue is read").expect("the entry is there");
    assert_eq!(entry.status, purlin_notebook::QueueStatus::Completed, "{:?}", host.logged());
    (store, artifacts)
}

fn request() -> Vec<Event> {
    let annotated = Event::CellAnnotated {
        cell_id: "c".into(),
        kind: CellKind::Echo,
        hidden: None,
        parent_id: None,
        after_output: None,
        extension: None,
        attachments: Vec::new(),
        prepared: None,
        prepared_text: None,
        data: None,
    };
    vec![
        Event::CellCreated2 {
            id: "c".into(),
            fractional_index: "m".to_owned(),
            cell_type: CellType::Code,
            created_by: "ada".to_owned(),
        },
        annotated,
        Event::ExecutionRequested {
            queue_id: "q".into(),
            cell_id: "c".into(),
            execution_count: 1,
            requested_by: "ada".to_owned(),
            actor_id: None,
        },
    ]
}
