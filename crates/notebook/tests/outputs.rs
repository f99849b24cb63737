//! Outputs: streams, appended text, displays, clearing.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support {
    pub mod making;
}

use purlin_notebook::rows::grouped;
use purlin_notebook::{
    Event, Media, MemoryStore, Output, OutputId, OutputMeta, Representations, Role, Store, StoreExt,
    StreamName, dump,
};
use serde_json::json;
use support::making::{assign, cell, delta, display, request, store, terminal, text};

#[test]
fn row_062_a_duplicate_delta_is_ignored_and_order_is_by_number() {
    let store = store(&[
        cell("c"),
        terminal("o", "a"),
        delta("d2", 2, "c"),
        delta("d1", 1, "b"),
        delta("d3", 1, "x"),
        delta("d2", 9, "y"),
    ]);
    assert_eq!(text(&store, "o"), "abc");
    assert_eq!(store.deltas_after(&"o".into(), 1).unwrap().len(), 1);
}

#[test]
fn row_062_an_id_that_follows_from_output_and_number_takes_no_other_delta_s_place() {
    let store = store(&[
        cell("c"),
        terminal("o", "a"),
        // The same id is made for two outputs whose ids end alike.
        terminal("x-12345678901234567", ""),
        terminal("y-12345678901234567", ""),
        delta("o.1", 1, "b"),
        delta("o.1", 1, "twice"),
        Event::TerminalOutputAppended2 {
            id: OutputId::from("x-12345678901234567").delta(1),
            output_id: "x-12345678901234567".into(),
            delta: "x".into(),
            sequence_number: 1,
        },
        Event::TerminalOutputAppended2 {
            id: OutputId::from("y-12345678901234567").delta(1),
            output_id: "y-12345678901234567".into(),
            delta: "y".into(),
            sequence_number: 1,
        },
        // A number that is written in another way makes an id of somebody else's.
        delta("o.+2", 2, "c"),
        delta("o.+2", 3, "d"),
    ]);
    assert_eq!(text(&store, "o"), "abc");
    assert_eq!(text(&store, "x-12345678901234567"), "x");
    assert_eq!(text(&store, "y-12345678901234567"), "y");
}

#[test]
fn row_064_clearing_outputs_removes_their_deltas() {
    let clear = |wait| Event::CellOutputsCleared { cell_id: "c".into(), wait, cleared_by: String::new() };
    let one = store(&[cell("c"), terminal("o", "a"), delta("d", 1, "b"), clear(false)]);
    assert!(one.outputs_of(&"c".into()).unwrap().is_empty());
    assert!(one.deltas_after(&"o".into(), -1).unwrap().is_empty());
    let all = store(&[
        cell("c"),
        terminal("o", "a"),
        delta("d", 1, "b"),
        Event::AllOutputsCleared { cleared_by: "u".into() },
    ]);
    assert!(all.deltas_after(&"o".into(), -1).unwrap().is_empty());
}

#[test]
fn an_output_written_anew_begins_without_its_deltas() {
    let store = store(&[cell("c"), terminal("o", "a"), delta("d", 1, "b"), terminal("o", "c")]);
    assert_eq!(text(&store, "o"), "c");
}

#[test]
fn row_058_an_error_keeps_its_three_fields() {
    let error = json!({"ename": "E", "evalue": "v", "traceback": ["t"]});
    let content = Media::json(error.clone());
    let store = store(&[
        cell("c"),
        Event::ErrorOutputAdded { id: "o".into(), cell_id: "c".into(), position: 0.0, content },
    ]);
    let data = store.output(&"o".into()).unwrap().unwrap().data.unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&data).unwrap(), error);
}

#[test]
fn roles_and_opaque_items_are_read_back() {
    let meta = OutputMeta {
        opaque: Some(json!({"signature": "abc"})),
        ..OutputMeta::new(Role::Thinking).with_call("t1")
    };
    let content = Media::text("hm").with_meta(&meta);
    let store = store(&[
        cell("c"),
        Event::MarkdownOutputAdded {
            id: "o".into(),
            cell_id: "c".into(),
            position: 0.0,
            content: content.clone(),
        },
        Event::MultimediaDisplayOutputAdded {
            id: "p".into(),
            cell_id: "c".into(),
            position: 1.0,
            representations: [(purlin_notebook::TOOL_CALL_MIME.to_owned(), content)].into(),
            display_id: None,
        },
        terminal("q", "plain"),
    ]);
    assert_eq!(store.output(&"o".into()).unwrap().unwrap().meta(), Some(meta.clone()));
    assert_eq!(store.output(&"p".into()).unwrap().unwrap().meta(), Some(meta));
    let heads = store.output_heads(Some(&"c".into())).unwrap();
    let roles: Vec<_> = heads.iter().map(|head| (head.id.as_str(), head.role, head.has_opaque)).collect();
    assert_eq!(
        roles,
        [("o", Some(Role::Thinking), true), ("q", None, false), ("p", Some(Role::Thinking), true)]
    );
    assert_eq!(heads[0].call_id.as_deref(), Some("t1"));
}

#[test]
fn what_the_base_tables_show_of_json_is_what_they_show_there() {
    let data = |value| {
        let content = Media::json(value);
        let store = store(&[
            cell("c"),
            Event::MarkdownOutputAdded { id: "o".into(), cell_id: "c".into(), position: 0.0, content },
        ]);
        store.output(&"o".into()).unwrap().unwrap().data.unwrap()
    };
    assert_eq!(data(json!({"a": 1})), "[object Object]");
    assert_eq!(data(json!([1, null, 2.0, "x"])), "1,,2,x");
    assert_eq!(data(json!(1.5)), "1.5");
    assert_eq!(data(json!(null)), "null");
}

fn shown(outputs: &[Output]) -> Vec<Vec<&str>> {
    grouped(outputs).map(|group| group.iter().map(|output| output.id.as_str()).collect()).collect()
}

#[test]
fn row_052_consecutive_terminal_outputs_of_one_stream_are_one_text() {
    let at = |id: &str, position: f64, stream| Event::TerminalOutputAdded {
        id: id.into(),
        cell_id: "c".into(),
        position,
        content: Media::text(format!("{id}\n")),
        stream_name: stream,
    };
    let markdown = Event::MarkdownOutputAdded {
        id: "m".into(),
        cell_id: "c".into(),
        position: 3.0,
        content: Media::text("between"),
    };
    let call = OutputMeta::new(Role::ToolOutput).with_call("t1");
    let of_a_call = Event::TerminalOutputAdded {
        id: "t".into(),
        cell_id: "c".into(),
        position: 6.0,
        content: Media::text("of a tool").with_meta(&call),
        stream_name: StreamName::Stderr,
    };
    use StreamName::{Stderr, Stdout};
    let store = store(&[
        cell("c"),
        at("a", 0.0, Stdout),
        at("b", 1.0, Stdout),
        at("e", 2.0, Stderr),
        markdown,
        at("d", 4.0, Stderr),
        at("f", 5.0, Stderr),
        of_a_call,
    ]);
    let outputs = store.outputs_of(&"c".into()).unwrap();
    assert_eq!(shown(&outputs), [vec!["a", "b"], vec!["e"], vec!["m"], vec!["d", "f"], vec!["t"]]);
    assert!(shown(&[]).is_empty());
}

#[test]
fn row_053_a_display_keeps_each_representation_with_its_metadata() {
    let meta = json!({"width": 3}).as_object().cloned();
    let html = Media::Inline { data: json!("<b>"), metadata: meta };
    let representations: Representations =
        [("text/html".to_owned(), html), ("application/json".to_owned(), Media::json(json!({"n": 1})))]
            .into();
    let store = store(&[
        cell("c"),
        Event::MultimediaDisplayOutputAdded {
            id: "o".into(),
            cell_id: "c".into(),
            position: 0.0,
            representations: representations.clone(),
            display_id: None,
        },
    ]);
    let output = store.output(&"o".into()).unwrap().unwrap();
    assert_eq!(output.representations, Some(representations));
    assert_eq!(output.mime_type.as_deref(), Some("application/json"), "the order of displays");
    assert_eq!(output.data.as_deref(), Some("[object Object]"), "as the base applications store it");
}

/// The two orders in which a plain table looks for something to show.
#[test]
fn row_053_the_primary_representation_depends_on_the_kind_of_output() {
    let all = |mimes: &[&str]| -> Representations {
        mimes.iter().map(|mime| ((*mime).to_owned(), Media::text(*mime))).collect()
    };
    let mimes = ["text/plain", "text/html", "image/png", "image/svg+xml", "application/json", "image/gif"];
    let shown = |representations: Representations, result: bool| {
        let (id, cell_id, position) = ("o".into(), "c".into(), 0.0);
        let event = if result {
            Event::MultimediaResultOutputAdded { id, cell_id, position, representations, execution_count: 4 }
        } else {
            Event::MultimediaDisplayOutputAdded { id, cell_id, position, representations, display_id: None }
        };
        let output = store(&[event]).output(&"o".into()).unwrap().unwrap();
        (output.mime_type.unwrap(), output.data.unwrap(), output.execution_count)
    };
    assert_eq!(shown(all(&mimes), false).0, "application/json");
    assert_eq!(shown(all(&mimes), true), ("text/html".into(), "text/html".into(), Some(4)));
    assert_eq!(shown(all(&["image/svg+xml", "image/png"]), false).0, "image/svg+xml");
    assert_eq!(shown(all(&["image/svg+xml", "image/png"]), true).0, "image/png");
    assert_eq!(
        shown(all(&["application/vnd.vegalite.v5+json", "application/vnd.plotly.v1+json"]), false).0,
        "application/vnd.plotly.v1+json"
    );
    // None of the known ones, or nothing at all.
    assert_eq!(shown(all(&["image/gif"]), true), ("text/plain".into(), String::new(), Some(4)));
    assert_eq!(shown(all(&[]), false), ("text/plain".into(), String::new(), None));
    for falsy in [json!(0), json!(false), json!(null), json!("")] {
        let one = [("text/plain".to_owned(), Media::json(falsy))].into();
        assert_eq!(shown(one, false), ("text/plain".into(), String::new(), None));
    }
}

#[test]
fn row_054_an_added_display_updates_the_others_and_adds_its_own_row() {
    let store = store(&[
        cell("c"),
        cell("d"),
        display("o", "c", Some("x"), "1"),
        display("other", "c", Some("y"), "1"),
        display("p", "d", Some("x"), "2"),
    ]);
    let texts = |store: &MemoryStore| ["o", "other", "p"].map(|id| text(store, id));
    assert_eq!(texts(&store), ["2", "1", "2"]);
    assert_eq!(store.output_heads(None).unwrap().len(), 3);
    // A result and text with a display's id are no displays.
    store.commit(&[display("q", "d", None, "3")]).unwrap();
    assert_eq!(texts(&store), ["2", "1", "2"]);
}

#[test]
fn row_055_an_update_of_an_unknown_display_makes_no_row() {
    let update = Event::MultimediaDisplayOutputUpdated {
        display_id: "unknown".into(),
        representations: Representations::from([("text/plain".to_owned(), Media::text("x"))]),
    };
    let store = store(&[cell("c"), display("o", "c", Some("x"), "1")]);
    let before = dump::canonical(&store).unwrap();
    store.commit(&[update]).unwrap();
    assert_eq!(dump::canonical(&store).unwrap(), before);
}

fn clear(wait: bool) -> Event {
    Event::CellOutputsCleared { cell_id: "c".into(), wait, cleared_by: "u".into() }
}

#[test]
fn row_059_clearing_is_at_once_or_with_the_next_output_of_any_kind() {
    let ids = |store: &MemoryStore| -> Vec<String> {
        store.outputs_of(&"c".into()).unwrap().into_iter().map(|output| output.id.into_string()).collect()
    };
    let one = store(&[cell("c"), terminal("o", "old"), clear(false)]);
    assert!(ids(&one).is_empty());
    let content = || Media::text("new");
    let (id, cell_id, position) = (|| "n".into(), || "c".into(), 0.0);
    let kinds = [
        terminal("n", "new"),
        display("n", "c", None, "new"),
        Event::MarkdownOutputAdded { id: id(), cell_id: cell_id(), position, content: content() },
        Event::ErrorOutputAdded { id: id(), cell_id: cell_id(), position, content: content() },
        Event::MultimediaResultOutputAdded {
            id: id(),
            cell_id: cell_id(),
            position,
            representations: Representations::new(),
            execution_count: 1,
        },
    ];
    for next in kinds {
        let store = store(&[cell("c"), terminal("o", "old"), delta("d", 1, "+"), clear(true)]);
        assert_eq!(ids(&store), ["o"]);
        store.commit(&[next]).unwrap();
        assert_eq!(ids(&store), ["n"]);
        assert!(store.deltas_after(&"o".into(), -1).unwrap().is_empty());
        store.commit(&[terminal("m", "more")]).unwrap();
        assert_eq!(ids(&store).len(), 2, "it clears once");
    }
}

#[test]
fn row_060_a_pending_clear_without_an_output_leaves_the_old_ones() {
    let store = store(&[cell("c"), terminal("o", "old"), clear(true)]);
    // An output of another cell is not the next one.
    store.commit(&[cell("d"), display("p", "d", None, "elsewhere")]).unwrap();
    assert_eq!(text(&store, "o"), "old");
    assert!(dump::canonical(&store).unwrap().contains("pendingClears"));
    store.commit(&[Event::AllOutputsCleared { cleared_by: "u".into() }]).unwrap();
    assert!(!dump::canonical(&store).unwrap().contains("pendingClears"));
    store.commit(&[terminal("q", "a"), terminal("r", "b")]).unwrap();
    assert_eq!(store.outputs_of(&"c".into()).unwrap().len(), 2, "all pending clears are gone");
}

#[test]
fn row_061_an_append_or_a_display_update_does_not_flush_a_pending_clear() {
    let store = store(&[cell("c"), terminal("o", "old"), display("x", "c", Some("k"), "1"), clear(true)]);
    let appended =
        |text: &str| Event::TerminalOutputAppended { output_id: "o".into(), content: Media::text(text) };
    let updated = Event::MultimediaDisplayOutputUpdated {
        display_id: "k".into(),
        representations: [("text/plain".to_owned(), Media::text("2"))].into(),
    };
    store.commit(&[delta("d", 1, "+"), appended("!"), updated]).unwrap();
    assert_eq!(text(&store, "o"), "old!+");
    assert_eq!(text(&store, "x"), "2");
}

#[test]
fn row_062_appends_of_both_generations_are_read_in_order() {
    let first =
        |text: &str| Event::MarkdownOutputAppended { output_id: "o".into(), content: Media::text(text) };
    let second = |id: &str, seq: i64, delta: &str| Event::MarkdownOutputAppended2 {
        id: id.into(),
        output_id: "o".into(),
        delta: delta.into(),
        sequence_number: seq,
    };
    let added = Event::MarkdownOutputAdded {
        id: "o".into(),
        cell_id: "c".into(),
        position: 0.0,
        content: Media::text("a"),
    };
    let store = store(&[
        cell("c"),
        added,
        second("d9", 9, "e"),
        second("d0", 0, "c"),
        first("b"),
        second("dm", -5, "-"),
    ]);
    // The number -5 comes before 0; readers ask for everything above the lowest number there is.
    assert_eq!(store.deltas_after(&"o".into(), i64::MIN).unwrap().len(), 3);
    store.commit(&[first("x"), second("d9", 10, "lost"), second("other", 9, "lost")]).unwrap();
    let to_nobody = Event::MarkdownOutputAppended { output_id: "nobody".into(), content: Media::text("x") };
    store.commit(&[to_nobody]).unwrap();
    assert!(store.output(&"nobody".into()).unwrap().is_none());
    assert!(!text(&store, "o").contains("lost"));
}

/// A retry commits an event a second time: the tables stay, whatever the event.
#[test]
fn row_063_a_repeated_event_is_no_error_and_makes_one_row() {
    let wire = include_str!("wire.jsonl");
    for line in wire.lines() {
        let event: Event = serde_json::from_str(line).unwrap();
        let store = store(&[cell("c"), request("q", "c"), assign("q", "s"), terminal("o", "text")]);
        // An append of the first generation has no id by which a repetition could be known.
        if matches!(event, Event::TerminalOutputAppended { .. } | Event::MarkdownOutputAppended { .. }) {
            continue;
        }
        store.commit(std::slice::from_ref(&event)).unwrap();
        let once = dump::canonical(&store).unwrap();
        store.commit(std::slice::from_ref(&event)).unwrap();
        assert_eq!(dump::canonical(&store).unwrap(), once, "{line}");
        assert!(store.status().open);
    }
}

/// The answer to a commit is lost and the batch is sent once more, after other commits.
#[test]
fn row_063_a_repeated_output_keeps_what_was_appended_meanwhile() {
    let with_role = OutputMeta::new(Role::ToolOutput).with_call("t1");
    let (id, cell_id, position) = (|| "o".into(), || "c".into(), 0.0);
    let adds = [
        terminal("o", "a"),
        Event::MarkdownOutputAdded {
            id: id(),
            cell_id: cell_id(),
            position,
            content: Media::text("a").with_meta(&with_role),
        },
        Event::MarkdownOutputAdded {
            id: id(),
            cell_id: cell_id(),
            position,
            content: Media::json(json!(1.5)),
        },
        Event::ErrorOutputAdded { id: id(), cell_id: cell_id(), position, content: Media::json(json!({})) },
        display("o", "c", Some("x"), "a"),
        Event::MultimediaResultOutputAdded {
            id: id(),
            cell_id: cell_id(),
            position: 2.5,
            representations: [("text/plain".to_owned(), Media::text("a"))].into(),
            execution_count: 4,
        },
    ];
    for added in adds {
        let store = store(&[cell("c"), added.clone(), delta("d", 1, "b")]);
        let before = dump::canonical(&store).unwrap();
        store.commit(std::slice::from_ref(&added)).unwrap();
        assert_eq!(dump::canonical(&store).unwrap(), before, "{added}");
        // It is not the next output for which a clear waits either.
        store.commit(&[clear(true), added.clone()]).unwrap();
        assert_eq!(store.outputs_of(&"c".into()).unwrap().len(), 1);
        assert_eq!(store.deltas_after(&"o".into(), -1).unwrap().len(), 1, "{added}");
    }
    // What is written anew says how far the deltas go that its text already holds, and so differs even where the text
    // is again what it was in the beginning.
    let anew = Event::TerminalOutputAdded {
        id: id(),
        cell_id: cell_id(),
        position,
        content: Media::Inline {
            data: json!("a"),
            metadata: json!({"sequenceNumber": 1}).as_object().cloned(),
        },
        stream_name: StreamName::Stdout,
    };
    let store = store(&[cell("c"), terminal("o", "a"), delta("d", 1, "b"), anew]);
    assert_eq!(text(&store, "o"), "a");
}

#[test]
fn an_artifact_is_named_and_has_no_data() {
    let content = || Media::Artifact { artifact_id: "artifact:1".into(), metadata: None };
    let (id, cell_id, position) = (|| "o".into(), || "c".into(), 0.0);
    for added in [
        Event::TerminalOutputAdded {
            id: id(),
            cell_id: cell_id(),
            position,
            content: content(),
            stream_name: StreamName::Stdout,
        },
        Event::MarkdownOutputAdded { id: id(), cell_id: cell_id(), position, content: content() },
        Event::ErrorOutputAdded { id: id(), cell_id: cell_id(), position, content: content() },
    ] {
        let output = store(&[added]).output(&"o".into()).unwrap().unwrap();
        assert_eq!((output.artifact_id.as_deref(), output.data), (Some("artifact:1"), None));
    }
}
