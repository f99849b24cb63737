//! Streams of text: rows 46 to 49, 51, 52, 62.

use std::rc::Rc;
use std::time::Duration;

use proptest_lite::splits;
use purlin_notebook::{
    CellId, CellKind, Event, OutputMeta, OutputType, QueueStatus, Role, StoreExt, StreamName,
};
use purlin_runtime_core::{INLINE_LIMIT, MemoryArtifacts, Outcome, TextKind, handler_fn};

use crate::support::{World, doing};

/// A few ways to cut a text, without randomness.
mod proptest_lite {
    pub fn splits(bytes: &[u8]) -> Vec<Vec<&[u8]>> {
        [1, 2, 3, 5, 7, 1000].iter().map(|size| bytes.chunks(*size).collect()).collect()
    }
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

#[test]
fn row_046_the_empty_text_is_nothing_and_white_space_is_kept() {
    let world = World::new();
    let agent = world.agent(doing(|cx| {
        cx.stdout("");
        cx.stderr("");
        if cx.source() == "some" {
            cx.stdout(" ");
            // Nothing is no output either that would stand between two others.
            cx.stderr("");
            cx.stdout("\n\t\u{a0}");
        }
    }));
    world.start(&agent);
    let (none, _) = world.ask(CellKind::Echo, "none");
    let (some, _) = world.ask(CellKind::Echo, "some");
    world.host.advance(100);
    assert_eq!(world.texts(&none), [""; 0]);
    assert_eq!(world.texts(&some), [" \n\t\u{a0}"]);
}

/// Puts out 10,000 pieces of 64 bytes within a second; answers the whole, the commits and the cell.
fn ten_thousand(
    world: &World,
    artifacts: &MemoryArtifacts,
    kind: Option<TextKind>,
) -> (String, usize, CellId) {
    let mut options = world.options(&[CellKind::Echo]);
    options.artifacts = Rc::new(artifacts.clone());
    let piece = |number: usize| format!("{number:063}\n");
    let agent = world.agent_with(
        options,
        handler_fn(move |cx| async move {
            let stream = kind.map(|kind| cx.open_text(kind, OutputMeta::new(Role::Text)));
            for number in 0..10_000 {
                match &stream {
                    Some(stream) => stream.append(&piece(number)),
                    None => cx.stdout(&piece(number)),
                }
                if number % 10 == 9 {
                    cx.host().sleep(Duration::from_millis(1)).await;
                }
            }
            Ok(Outcome::done())
        }),
    );
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "");
    let before = world.last_rowid();
    world.host.advance(1500);
    assert_eq!(world.status(&queue), QueueStatus::Completed);
    (lines(10_000, piece), world.commits_after(before), cell)
}

#[test]
fn row_047_ten_thousand_pieces_in_a_second_are_few_commits_complete_and_in_order() {
    let (world, artifacts) = (World::new(), MemoryArtifacts::new());
    let (whole, commits, cell) = ten_thousand(&world, &artifacts, None);
    assert!(commits <= 60, "{commits} commits");
    let shown = world.texts(&cell).concat();
    assert!(shown.starts_with(&whole[..40_000]) && shown.ends_with(&whole[whole.len() - 10_000..]));
    assert!(artifacts.get("artifact:0").unwrap() == whole.as_bytes(), "the artifact is the whole");
}

#[test]
fn row_047_markdown_of_ten_thousand_pieces_is_shown_whole() {
    let (world, artifacts) = (World::new(), MemoryArtifacts::new());
    let (whole, commits, cell) = ten_thousand(&world, &artifacts, Some(TextKind::Markdown));
    assert!(commits <= 60, "{commits} commits");
    assert!(world.texts(&cell).concat() == whole && artifacts.is_empty());
}

#[test]
fn row_048_and_052_the_order_of_two_streams_is_kept_and_one_stream_is_one_output() {
    let world = World::new();
    let agent = world.agent(doing(|cx| {
        cx.stdout("a");
        cx.stdout("b");
        cx.stderr("c");
        cx.stdout("d");
    }));
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(100);
    let streams: Vec<_> = world.outputs(&cell).iter().map(|output| output.stream_name).collect();
    assert_eq!(streams, [Some(StreamName::Stdout), Some(StreamName::Stderr), Some(StreamName::Stdout)]);
    assert_eq!(world.texts(&cell), ["ab", "c", "d"]);
}

#[test]
fn a_process_that_changes_streams_for_ever_makes_no_endless_row_of_outputs() {
    let world = World::new();
    let agent = world.agent(doing(|cx| {
        for _ in 0..5000 {
            cx.stdout("out\n");
            cx.stderr("err\n");
        }
    }));
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(100);
    assert_eq!(world.outputs(&cell).len(), 257);
    let text: String = world.texts(&cell).concat();
    assert_eq!((text.matches("out").count(), text.matches("err").count()), (5000, 5000));
}

#[test]
fn row_049_a_piece_that_ends_inside_a_character_shows_no_replacement() {
    let text = "grün 5 € 😀";
    for pieces in splits(text.as_bytes()) {
        let world = World::new();
        let pieces: Vec<Vec<u8>> = pieces.into_iter().map(<[u8]>::to_vec).collect();
        let agent = world.agent(handler_fn(move |cx| {
            let pieces = pieces.clone();
            async move {
                for piece in &pieces {
                    cx.terminal_bytes(StreamName::Stdout, piece);
                    cx.host().sleep(Duration::from_millis(30)).await;
                }
                Ok(Outcome::done())
            }
        }));
        world.start(&agent);
        let (cell, _) = world.ask(CellKind::Echo, "");
        world.host.advance(5000);
        assert_eq!(world.texts(&cell), [text]);
    }
}

#[test]
fn row_051_a_text_over_the_limit_keeps_head_and_tail_and_the_whole_is_an_artifact() {
    let world = World::new();
    let artifacts = MemoryArtifacts::new();
    let mut options = world.options(&[CellKind::Echo]);
    options.artifacts = Rc::new(artifacts.clone());
    let whole = lines(100_000, |line| format!("line {line}\n"));
    let text = whole.clone();
    let agent = world.agent_with(options, doing(move |cx| cx.stdout(&text)));
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "");
    world.host.advance(100);
    assert_eq!(world.status(&queue), QueueStatus::Completed);
    let shown = world.texts(&cell).concat();
    assert!(shown.len() <= INLINE_LIMIT);
    assert!(shown.starts_with("line 0\nline 1\n"));
    assert!(shown.ends_with("line 99998\nline 99999\n"));
    assert!(
        shown.contains("left out here. All 1.0 MiB are kept as `artifact:0`."),
        "{}",
        &shown[49_000..49_500]
    );
    assert_eq!(artifacts.get("artifact:0").unwrap(), whole.as_bytes());
}

#[test]
fn row_051_markdown_over_the_limit_goes_on_in_a_further_output() {
    let world = World::new();
    let whole = lines(20_000, |line| format!("line {line}\n"));
    let text = whole.clone();
    let agent = world.agent(handler_fn(move |cx| {
        let text = text.clone();
        async move {
            let stream = cx.open_text(TextKind::Markdown, OutputMeta::new(Role::Text));
            let after = cx.open_text(TextKind::Markdown, OutputMeta::new(Role::Thinking));
            after.append("after");
            for piece in text.as_bytes().chunks(999) {
                stream.append_bytes(piece);
            }
            Ok(Outcome::done())
        }
    }));
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(100);
    let outputs = world.outputs(&cell);
    let roles: Vec<_> = outputs.iter().map(|output| output.role().unwrap()).collect();
    assert_eq!(roles.last(), Some(&Role::Thinking));
    assert!(roles[..roles.len() - 1].iter().all(|role| *role == Role::Text));
    let texts = world.texts(&cell);
    assert!(texts.iter().all(|text| text.len() <= INLINE_LIMIT));
    assert!(texts[0].ends_with('\n'));
    assert_eq!(texts[..texts.len() - 1].concat(), whole);
}

#[test]
fn row_062_markdown_and_its_appends_are_numbered() {
    let world = World::new();
    let agent = world.agent(handler_fn(|cx| async move {
        let stream = cx.markdown("one");
        for text in [" two", " three", " four"] {
            cx.host().sleep(Duration::from_millis(21)).await;
            stream.append(text);
        }
        stream.finish();
        stream.append(" not any more");
        Ok(Outcome::done())
    }));
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(1000);
    let output = &world.outputs(&cell)[0];
    assert_eq!(output.output_type, OutputType::Markdown);
    let deltas = world.store.deltas_after(&output.id, -1).unwrap();
    assert_eq!(deltas.iter().map(|delta| delta.sequence_number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(world.texts(&cell), ["one two three four"]);
    let again = Event::MarkdownOutputAppended2 {
        id: "again".to_owned(),
        output_id: output.id.clone(),
        delta: "again".to_owned(),
        sequence_number: 3,
    };
    world.commit(vec![again]);
    assert_eq!(world.texts(&cell), ["one two three four"]);
}

#[test]
fn text_is_committed_after_twenty_milliseconds_and_before_any_other_commit() {
    let world = World::new();
    let agent = world.agent(handler_fn(|cx| async move {
        cx.stdout("soon");
        cx.host().sleep(Duration::from_millis(100)).await;
        cx.stdout(" before");
        cx.commit(vec![Event::NotebookTitleChanged { title: "the other".to_owned() }])?;
        crate::support::never().await
    }));
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(19);
    assert_eq!(world.texts(&cell), [""; 0]);
    world.host.advance(1);
    assert_eq!(world.texts(&cell), ["soon"]);
    let before = world.last_rowid();
    // The 60 ms after which the agent is busy pass as well.
    world.host.advance(100);
    assert_eq!(
        world.names_after(before),
        ["RuntimeSessionStatusChanged", "TerminalOutputAppended", "NotebookTitleChanged"]
    );
    assert_eq!(world.host.timers(), 0);
}

#[test]
fn a_store_that_refuses_text_fails_the_execution_and_loses_nothing_of_it() {
    let world = World::new();
    let agent = world.agent(handler_fn(|cx| async move {
        cx.stdout("kept");
        let refused = cx.commit(vec![Event::MarkdownOutputAdded {
            id: "o\0".into(),
            cell_id: cx.cell.id.clone(),
            position: 0.0,
            content: purlin_notebook::Media::text("no"),
        }]);
        assert!(refused.is_err());
        Ok(Outcome::done())
    }));
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "");
    world.host.advance(100);
    assert_eq!(world.status(&queue), QueueStatus::Completed);
    assert_eq!(world.texts(&cell), ["kept"]);
}

#[test]
fn a_writer_that_waits_lets_others_run_and_hears_of_the_end() {
    let world = World::new();
    let diary = crate::support::Diary::default();
    let notes = diary.clone();
    let agent = world.agent(handler_fn(move |cx| {
        let notes = notes.clone();
        async move {
            let beside = notes.clone();
            cx.host().spawn(Box::pin(async move { beside.note("others run") })).detach();
            let mut pieces = 0u32;
            let stopped = loop {
                if let Err(stopped) = cx.write(StreamName::Stdout, &vec![b'x'; 64 * 1024]).await {
                    break stopped;
                }
                pieces += 1;
                if pieces == 3 {
                    notes.note("wrote three");
                    cx.host().sleep(Duration::from_millis(1)).await;
                }
            };
            notes.note(stopped.to_string());
            Err(stopped.into())
        }
    }));
    world.start(&agent);
    let (_, queue) = world.ask(CellKind::Echo, "");
    world.host.settle();
    world.cancel(&queue);
    world.host.advance(100);
    assert_eq!(diary.read(), ["others run", "wrote three", "Execution cancelled"]);
}

#[test]
fn a_writer_waits_for_a_store_that_is_busy_and_one_that_does_not_is_stopped() {
    let world = World::new();
    let store = crate::support::FaultyStore::new(&world.store);
    let faults = store.commit_fails.clone();
    let (waited, gushed) = (crate::support::Diary::default(), crate::support::Diary::default());
    let (notes, gush) = (waited.clone(), gushed.clone());
    let handler = handler_fn(move |cx| {
        let (faults, notes, gush) = (faults.clone(), notes.clone(), gush.clone());
        async move {
            *faults.borrow_mut() = Some(purlin_notebook::StoreError::Busy);
            if cx.source() == "waits" {
                // The first piece fills a batch, whose commit fails; the second waits until one succeeds.
                cx.write(StreamName::Stdout, &vec![b'x'; 64 * 1024]).await?;
                notes.note(format!("went on at {} ms", cx.host().mono()));
                return Ok(Outcome::done());
            }
            let text = cx.markdown("begin");
            for piece in 0..1000 {
                text.append(&"y".repeat(64 * 1024));
                if cx.cancelled() {
                    gush.note(format!("stopped after {piece}"));
                    *faults.borrow_mut() = None;
                    cx.check_cancellation()?;
                }
                cx.host().sleep(Duration::from_millis(1)).await;
            }
            Ok(Outcome::done())
        }
    });
    let free = store.commit_fails.clone();
    let agent = world.agent_on(Rc::new(store), world.options(&[CellKind::Echo]), handler);
    world.start(&agent);
    world.ask(CellKind::Echo, "waits");
    world.host.advance(1000);
    assert_eq!(waited.read(), [""; 0]);
    *free.borrow_mut() = None;
    world.host.advance(1000);
    assert_eq!(waited.read(), ["went on at 1020 ms"]);
    let (_, queue) = world.ask(CellKind::Echo, "gushes");
    world.host.advance(5000);
    let stopped = gushed.read().concat();
    let pieces: usize = stopped.strip_prefix("stopped after ").expect("it was stopped").parse().unwrap();
    assert!(pieces < 200, "{pieces} pieces of 64 KiB were kept");
    assert_eq!(world.status(&queue), QueueStatus::Failed);
}
