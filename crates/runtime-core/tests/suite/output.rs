//! Outputs that are no streams: rows 53 to 55, 57 to 61, 63, 64.

use std::collections::BTreeMap;

use purlin_notebook::{CellKind, Event, Media, OutputType, Representations, StoreExt};
use purlin_runtime_core::{MediaBundle, Outcome, handler_fn};
use serde_json::json;

use crate::support::{World, doing};

fn plain(text: &str) -> Representations {
    BTreeMap::from([("text/plain".to_owned(), Media::text(text))])
}

#[test]
fn row_053_a_display_keeps_its_representations() {
    let world = World::new();
    let representations = BTreeMap::from([
        ("text/plain".to_owned(), Media::text("42")),
        ("application/json".to_owned(), Media::json(json!({"v": 42}))),
    ]);
    let shown = representations.clone();
    let agent = world.agent(doing(move |cx| {
        cx.display(shown.clone(), Some("d1".to_owned()));
    }));
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(100);
    let output = &world.outputs(&cell)[0];
    assert_eq!(output.output_type, OutputType::MultimediaDisplay);
    assert_eq!(output.display_id.as_deref(), Some("d1"));
    assert_eq!(output.representations.as_ref(), Some(&representations));
}

#[test]
fn row_053_the_facts_about_each_representation_stay_with_it() {
    let world = World::new();
    let agent = world.agent(doing(|cx| {
        let data =
            [("text/plain", json!("42")), ("image/svg+xml", json!("<svg/>")), ("text/html", json!(null))];
        let facts = [
            ("image/svg+xml", json!({"width": 3, "purlin": {"role": "tool_output"}})),
            ("text/html", json!({"of": "what is not there"})),
            ("image/png", json!({"of": "what never was"})),
        ];
        let named = |all: &[(&str, serde_json::Value)]| -> Vec<(String, serde_json::Value)> {
            all.iter().map(|(mime, value)| ((*mime).to_owned(), value.clone())).collect()
        };
        cx.display(MediaBundle::from_data(named(&data), named(&facts)), None);
    }));
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(100);
    assert_eq!(
        json!(world.outputs(&cell)[0].representations),
        json!({
            "image/svg+xml": {"type": "inline", "data": "<svg/>",
                "metadata": {"width": 3, "purlin": {"role": "tool_output"}}},
            "text/plain": {"type": "inline", "data": "42"}
        })
    );
}

#[test]
fn row_054_displays_of_one_id_change_together() {
    let world = World::new();
    let agent = world.agent(doing(|cx| match cx.source() {
        "update" => cx.update_display("d1", plain("updated")),
        text => drop(cx.display(plain(text), Some("d1".to_owned()))),
    }));
    world.start(&agent);
    let shown = |cell| -> Vec<String> {
        let outputs = world.outputs(cell);
        outputs
            .iter()
            .map(|output| {
                output.representations.as_ref().unwrap()["text/plain"].as_text().unwrap().to_owned()
            })
            .collect()
    };
    let (first, _) = world.ask(CellKind::Echo, "one");
    world.host.advance(100);
    let (second, _) = world.ask(CellKind::Echo, "two");
    world.host.advance(100);
    assert_eq!((shown(&first), shown(&second)), (vec!["two".to_owned()], vec!["two".to_owned()]));
    world.ask(CellKind::Echo, "update");
    world.host.advance(100);
    assert_eq!((shown(&first), shown(&second)), (vec!["updated".to_owned()], vec!["updated".to_owned()]));
}

#[test]
fn row_055_an_update_of_an_unknown_id_makes_no_output() {
    let world = World::new();
    let agent = world.agent(doing(|cx| {
        cx.update_display("nobody", plain("unseen"));
        cx.display(plain("seen"), Some("other".to_owned()));
    }));
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(100);
    let outputs = world.outputs(&cell);
    assert_eq!(outputs.len(), 1);
    assert_eq!(outputs[0].representations.as_ref().unwrap()["text/plain"], Media::text("seen"));
}

#[test]
fn row_057_a_result_has_the_execution_count_and_stands_before_the_completion() {
    let world = World::new();
    let agent = world.agent(handler_fn(|cx| async move {
        cx.result(plain("early"));
        Ok(Outcome::with_result(plain("late")))
    }));
    world.start(&agent);
    let cell = world.cell(CellKind::Echo, "");
    world.commit(vec![Event::ExecutionRequested {
        queue_id: "third".into(),
        cell_id: cell.clone(),
        execution_count: 3,
        requested_by: "ada".to_owned(),
        actor_id: None,
    }]);
    world.host.advance(100);
    let outputs = world.outputs(&cell);
    assert_eq!(outputs.iter().map(|output| output.execution_count).collect::<Vec<_>>(), [Some(3), Some(3)]);
    let names = world.names_after(0);
    assert_eq!(names[names.len() - 2..], ["MultimediaResultOutputAdded", "ExecutionCompleted"]);
}

#[test]
fn row_058_an_error_has_its_three_fields() {
    let world = World::new();
    let agent = world.agent(doing(|cx| {
        cx.error("ValueError", "That was no number.", &["line 1".to_owned()]);
    }));
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(100);
    let output = &world.outputs(&cell)[0];
    assert_eq!(output.output_type, OutputType::Error);
    let data: serde_json::Value = serde_json::from_str(output.data.as_deref().unwrap()).unwrap();
    assert_eq!(
        data,
        json!({"ename": "ValueError", "evalue": "That was no number.", "traceback": ["line 1"]})
    );
}

#[test]
fn row_059_a_clear_is_at_once_or_with_the_next_output() {
    let world = World::new();
    let agent = world.agent(doing(|cx| {
        cx.display(plain("old"), None);
        match cx.source() {
            "now" => cx.clear(false),
            _ => cx.clear(true),
        }
        cx.stdout("new");
    }));
    world.start(&agent);
    let cells = ["now", "wait"].map(|source| world.ask(CellKind::Echo, source).0);
    world.host.advance(100);
    let shown = cells.map(|cell| {
        let outputs = world.outputs(&cell);
        outputs.iter().map(|output| (output.output_type, output.position)).collect::<Vec<_>>()
    });
    assert_eq!(shown, [vec![(OutputType::Terminal, 0.0)], vec![(OutputType::Terminal, 1.0)]]);
    let by = world.log().into_iter().filter_map(|entry| match entry.event {
        Event::CellOutputsCleared { wait, cleared_by, .. } => Some((wait, cleared_by)),
        _ => None,
    });
    // Each execution begins with a clear of the runtime's own.
    let by: Vec<_> = by.collect();
    let expected = [false, false, false, true].map(|wait| (wait, "runtime-test-runtime".to_owned()));
    assert_eq!(by, expected);
}

#[test]
fn row_060_a_clear_that_nothing_follows_leaves_the_outputs() {
    let world = World::new();
    let agent = world.agent(doing(|cx| {
        cx.display(plain("old"), None);
        cx.stdout("older");
        cx.clear(true);
    }));
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(1000);
    let outputs = world.outputs(&cell);
    let shown: Vec<_> = outputs.iter().map(|output| (output.output_type, output.position)).collect();
    assert_eq!(shown, [(OutputType::MultimediaDisplay, 0.0), (OutputType::Terminal, 1.0)]);
}

#[test]
fn row_061_an_append_to_an_old_output_does_not_carry_out_a_pending_clear() {
    let world = World::new();
    let agent = world.agent(handler_fn(|cx| async move {
        let text = cx.markdown("old");
        cx.flush(purlin_notebook::Durability::Process).await?;
        cx.clear(true);
        text.append(" and more");
        Ok(Outcome::done())
    }));
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(100);
    assert_eq!(world.texts(&cell), ["old and more"]);
}

#[test]
fn row_063_an_event_that_comes_twice_makes_one_row() {
    let world = World::new();
    let (cell, _) = world.ask(CellKind::Echo, "");
    let added = Event::ErrorOutputAdded {
        id: "o".into(),
        cell_id: cell.clone(),
        position: 0.0,
        content: Media::json(json!({"ename": "E", "evalue": "e", "traceback": []})),
    };
    world.commit(vec![added.clone()]);
    world.commit(vec![added]);
    assert_eq!(world.outputs(&cell).len(), 1);
}

/// The batches of an execution are sent once more, as after an answer that was lost.
#[test]
fn row_063_batches_that_come_twice_leave_what_was_there() {
    let world = World::new();
    let agent = world.agent(handler_fn(|cx| async move {
        let text = cx.markdown("one");
        for piece in [" two", " three"] {
            cx.host().sleep(std::time::Duration::from_millis(30)).await;
            text.append(piece);
        }
        Ok(Outcome::done())
    }));
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "");
    world.host.advance(200);
    let before = (world.texts(&cell), world.entry(&queue));
    assert_eq!(before.0, ["one two three"]);
    let shows = |event: &Event| {
        matches!(event, Event::MarkdownOutputAdded { .. } | Event::MarkdownOutputAppended2 { .. })
    };
    let sent: Vec<Event> = world.log().into_iter().map(|entry| entry.event).filter(shows).collect();
    assert_eq!(sent.len(), 3);
    for again in &sent {
        world.commit([again.clone()]);
        assert_eq!((world.texts(&cell), world.entry(&queue)), before, "{again}");
    }
}

/// Text that returns to its very beginning is no repetition.
#[test]
fn text_that_is_taken_back_to_what_was_first_committed_is_written_anew() {
    let world = World::new();
    let agent = world.agent(handler_fn(|cx| async move {
        for piece in ["done\n", "50%", "\r\x1b[K"] {
            cx.stdout(piece);
            cx.host().sleep(std::time::Duration::from_millis(200)).await;
        }
        Ok(Outcome::done())
    }));
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(300);
    assert_eq!(world.texts(&cell).concat(), "done\n50%");
    world.host.advance(2_000);
    assert_eq!(world.texts(&cell).concat(), "done\n");
}

#[test]
fn row_064_a_clear_removes_the_deltas_too_and_an_open_stream_begins_anew() {
    let world = World::new();
    let agent = world.agent(handler_fn(|cx| async move {
        let text = cx.markdown("one");
        cx.flush(purlin_notebook::Durability::Process).await?;
        text.append(" two");
        cx.flush(purlin_notebook::Durability::Process).await?;
        cx.clear(false);
        text.append("three");
        Ok(Outcome::done())
    }));
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(100);
    assert_eq!(world.texts(&cell), ["three"]);
    assert!(world.store.deltas_after(&world.outputs(&cell)[0].id, -1).unwrap().is_empty());
}
