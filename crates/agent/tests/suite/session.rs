//! Sending, shell cells, input hooks, models.

use purlin_agent::{SessionError, SessionState, Source, Submitted};
use purlin_notebook::{CellKind, Event, StoreExt};
use serde_json::json;

use crate::world::World;

#[test]
fn cells_follow_one_another() {
    let world = World::playing("[[turn]]\ntext='ok'\n");
    let (a, b) = (world.ask("one"), world.ask("two"));
    let path = world.store.branch_path(None).expect("reads");
    assert_eq!(path.iter().map(|cell| cell.cell.id.clone()).collect::<Vec<_>>(), [a.clone(), b]);
    assert_eq!(path[1].annotation.as_ref().and_then(|annotation| annotation.parent_id.clone()), Some(a));
    assert!(path[0].cell.fractional_index < path[1].cell.fractional_index);
    assert_eq!(world.session.state(), SessionState::Idle);
}

#[test]
fn input_hooks_transform_and_handle() {
    let world = World::playing("[[turn]]\ntext='ok'\n");
    world.on("input", |event| {
        assert_eq!(event.get("source"), Some(json!("interactive")));
        match event.get("text").and_then(|text| text.as_str().map(str::to_owned)).as_deref() {
            Some("/mine") => json!({"action": "handled"}),
            Some(text) => json!({"action": "transform", "text": format!("{text}[A]")}),
            None => json!(null),
        }
    });
    world.on("prompt_prepare", |event| {
        let text = event.get("text").and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default();
        json!({"text": format!("{text}[B]")})
    });
    let handled = world.host.run(world.session.submit("/mine", Source::Interactive, Vec::new()));
    assert_eq!(handled, Ok(Submitted::Handled));
    assert_eq!(world.store.cells().expect("reads"), []);
    let cell = world.ask("t");
    let annotation = world.store.annotation(&cell).expect("reads").expect("annotated");
    assert_eq!(annotation.prepared_text.as_deref(), Some("t[A][B]"));
    assert_eq!(world.store.cell(&cell).expect("reads").expect("a cell").source, "t");
    let empty = world.host.run(world.session.submit("  \n", Source::Interactive, Vec::new()));
    assert_eq!(empty, Err(SessionError::Empty));
}

#[test]
fn a_cell_that_arrives_unprepared_passes_the_input_hooks_at_the_agent() {
    let world = World::playing("[[turn]]\ntext='ok'\n");
    world.on("input", |event| {
        assert_eq!(event.get("source"), Some(json!("remote")));
        match event.get("text").as_ref().and_then(|text| text.as_str()) {
            Some("handle me") => json!({"action": "handled"}),
            _ => json!({"action": "transform", "text": "transformed"}),
        }
    });
    let remote = |id: &str, text: &str| {
        let id = purlin_notebook::CellId::from(id);
        let events = [
            Event::CellCreated2 {
                id: id.clone(),
                fractional_index: format!("z{id}"),
                cell_type: purlin_notebook::CellType::Ai,
                created_by: "page".into(),
            },
            Event::CellSourceChanged { id: id.clone(), source: text.into(), modified_by: "page".into() },
            Event::ExecutionRequested {
                queue_id: format!("q-{id}").into(),
                cell_id: id.clone(),
                execution_count: 1,
                requested_by: "page".into(),
                actor_id: None,
            },
        ];
        world.store.commit(&events).expect("commits");
        world.host.run(world.session.settled());
        id
    };
    let handled = remote("a", "handle me");
    assert!(world.outputs(&handled).is_empty());
    assert!(world.store.model_usage().expect("reads").is_empty());
    let other = remote("b", "plain");
    assert_eq!(world.outputs(&other), ["text: ok"]);
    let annotation = world.store.annotation(&other).expect("reads").expect("annotated");
    assert_eq!((annotation.kind, annotation.prepared_text.as_deref()), (CellKind::Ai, Some("transformed")));
}

#[test]
fn row_087_a_prompt_after_a_cell_whose_key_leaves_no_room_gives_all_cells_new_keys() {
    let world = World::playing("[[turn]]\ntext='ok'\n");
    let foreign = Event::CellCreated2 {
        id: "foreign".into(),
        fractional_index: "M-1".into(),
        cell_type: purlin_notebook::CellType::Markdown,
        created_by: "page".into(),
    };
    world.store.commit(&[foreign]).expect("commits");
    let sent = world.host.run(world.session.submit("hello", Source::Interactive, Vec::new()));
    assert!(sent.is_ok(), "{sent:?}");
    let cells = world.store.cells().expect("reads");
    assert_eq!((cells.len(), cells[0].id.as_str()), (2, "foreign"));
    assert!(cells[0].fractional_index.as_deref() < cells[1].fractional_index.as_deref());
    assert_ne!(cells[0].fractional_index.as_deref(), Some("M-1"));
}

#[test]
fn a_shell_command_can_be_blocked_rewritten_or_answered() {
    let world = World::new("[[turn]]\ntext='ok'\n");
    world.on("user_shell", |event| {
        match event.get("command").and_then(|command| command.as_str().map(str::to_owned)).as_deref() {
            Some("rm") => json!({"block": true, "reason": "no"}),
            Some("ls") => json!({"result": {"output": "a\n", "exit_code": 2}}),
            _ => json!({"command": "pwd"}),
        }
    });
    let run = |command: &str, hidden| world.host.run(world.session.shell(command, hidden));
    assert_eq!(run("rm", false), Err(SessionError::Refused("no".into())));
    let Ok(Submitted::Prompt { cell, .. }) = run("ls", false) else { panic!("answered") };
    assert_eq!(world.outputs(&cell), ["-: a\n[exit code 2]"]);
    let Ok(Submitted::Prompt { cell, .. }) = run("other", true) else { panic!("sent") };
    let annotation = world.store.annotation(&cell).expect("reads").expect("annotated");
    assert_eq!((annotation.kind, annotation.hidden), (CellKind::Shell, true));
    assert_eq!(world.store.cell(&cell).expect("reads").expect("a cell").source, "pwd");
}

#[test]
fn what_the_person_ran_is_context_unless_it_is_hidden() {
    let world = World::new("[[turn]]\ntext='ok'\n");
    world.on("user_shell", |event| {
        let command =
            event.get("command").and_then(|command| command.as_str().map(str::to_owned)).unwrap_or_default();
        json!({"result": {"output": format!("out of {command}"), "exit_code": 0}})
    });
    for (command, hidden) in [("shown", false), ("secret", true)] {
        world.host.run(world.session.shell(command, hidden)).expect("runs");
    }
    let seen = world.seen.clone();
    world.on("context", move |event| {
        seen.borrow_mut().push(event.get("messages").expect("messages").to_string());
        json!(null)
    });
    let mut world = world;
    world.start_agent();
    world.ask("look");
    let messages = world.seen.borrow()[0].clone();
    assert!(messages.contains("out of shown") && !messages.contains("secret"), "{messages}");
}

#[test]
fn the_sessions_model_is_stored_and_used() {
    let world = World::playing("[[turn]]\ntext='from the script'\n");
    world.watch(&["model_select"]);
    world.ask("one");
    world.host.run(world.session.set_model("echo".parse().expect("a model"), "user")).expect("sets");
    let cell = world.ask("two");
    let outputs = world.outputs(&cell);
    assert!(outputs[0].starts_with("text: two\n\nThis is the `echo` model."), "{outputs:?}");
    assert_eq!(world.store.metadata().expect("reads")["purlin.model"], "echo");
    assert_eq!(*world.seen.borrow(), ["model_select"]);
}

#[test]
fn saves_are_told_at_most_once_a_second() {
    let world = World::playing("[[turn]]\ntext='abcdefghij'\nchunk=1\ndelay_ms=100\n");
    world.watch(&["session_save"]);
    world.host.spawn_detached(world.session.follow(|| {}));
    world.ask("go");
    let told = world.seen.borrow().len();
    assert!((1..=3).contains(&told), "{told}");
}

#[test]
fn leaving_a_session_can_be_refused() {
    let world = World::new("[[turn]]\n");
    world.on("session_before_switch", |_| json!({"cancel": true, "reason": "unsaved"}));
    let refused = world.host.run(world.session.before_switch("new", ""));
    assert_eq!(refused, Err(SessionError::Refused("unsaved".into())));
}

/// Steers a running prompt whose tool hangs.
fn steered(world: &World, texts: &[&str]) -> purlin_notebook::CellId {
    let cell = world.send("go");
    world.host.advance(10);
    for text in texts {
        let sent = world.host.run(world.session.steer(text, Source::Interactive)).expect("sends");
        assert!(matches!(sent, Submitted::Steer { .. }), "{sent:?}");
    }
    assert_eq!(
        world.session.waiting_steers().iter().map(|steer| steer.text.as_str()).collect::<Vec<_>>(),
        texts
    );
    cell
}

const HANGING: &str =
    "[[turn]]\ntext='a'\n[[turn.tool]]\nname='bash'\nargs={command='hang'}\n[[turn]]\ntext='b'\n";

#[test]
fn after_an_interrupt_queued_messages_are_not_sent_but_taken_back() {
    let world = World::playing(HANGING);
    let told = std::rc::Rc::new(std::cell::Cell::new(0));
    let count = told.clone();
    world.host.spawn_detached(world.session.follow(move || count.set(count.get() + 1)));
    steered(&world, &["one", "two"]);
    assert_eq!(world.host.run(world.session.take_back()), Ok(Vec::new()));
    assert_eq!(world.host.run(world.session.interrupt("esc")), Ok(true));
    world.host.advance(5_000);
    assert_eq!(world.session.state(), SessionState::Idle);
    assert_eq!(world.store.cells().expect("reads").len(), 1);
    assert!(told.get() > 0);
    assert_eq!(world.host.run(world.session.take_back()), Ok(vec!["one".into(), "two".into()]));
    assert_eq!(world.host.run(world.session.take_back()), Ok(Vec::new()));
    assert!(world.session.waiting_steers().is_empty());
    // Neither the running surface nor one that opens the session later gives them out again.
    let later = world.another_session();
    assert_eq!(world.host.run(later.take_back()), Ok(Vec::new()));
    assert_eq!(world.ask("next"), world.store.last_cell().expect("reads").expect("a cell").id);
}

#[test]
fn a_message_that_is_taken_back_while_it_waits_is_not_taken_up() {
    let world = World::playing("[[turn]]\ntext='abcdefghij'\nchunk=1\ndelay_ms=100\n");
    let cell = steered(&world, &["never mind"]);
    assert_eq!(world.host.run(world.session.take_back_all()), Ok(vec!["never mind".into()]));
    world.host.run(world.session.settled());
    assert_eq!(world.outputs(&cell), ["text: abcdefghij"]);
    assert_eq!(world.store.cells().expect("reads").len(), 1);
}

#[test]
fn a_message_to_a_prompt_whose_process_was_killed_comes_back_when_the_session_is_opened() {
    let world = World::new(HANGING);
    let sent = world.host.run(world.session.submit("go", Source::Interactive, Vec::new()));
    let Ok(Submitted::Prompt { cell, queue }) = sent else { panic!("{sent:?}") };
    let killed = purlin_notebook::RuntimeSessionId::from("killed");
    let assigned = Event::ExecutionAssigned { queue_id: queue.clone(), runtime_session_id: killed.clone() };
    let started = Event::ExecutionStarted {
        queue_id: queue.clone(),
        cell_id: cell.clone(),
        runtime_session_id: killed,
        started_at: "2026-01-01T00:00:00.000Z".into(),
    };
    world.store.commit(&[assigned, started]).expect("commits");
    world.host.run(world.session.steer("steer me", Source::Interactive)).expect("sends");
    let opened = world.another_session();
    assert_eq!(world.host.run(opened.take_back()), Ok(Vec::new()));
    // What the next agent writes when it finds the lost execution.
    let lost = Event::ExecutionCompleted {
        queue_id: queue,
        cell_id: cell,
        status: purlin_notebook::CompletionStatus::Error,
        error: Some("runtime lost".into()),
        completed_at: "2026-01-01T00:00:01.000Z".into(),
        execution_duration_ms: 0,
    };
    world.store.commit(&[lost]).expect("commits");
    opened.refresh();
    assert_eq!(opened.state(), SessionState::Idle);
    assert_eq!(world.host.run(opened.take_back()), Ok(vec!["steer me".into()]));
    assert_eq!(world.host.run(world.another_session().take_back()), Ok(Vec::new()));
}

#[test]
fn an_abandoned_prompt_does_not_keep_the_session_working() {
    let world = World::playing(HANGING);
    world.send("go");
    world.host.advance(10);
    world.session.refresh();
    assert!(matches!(world.session.state(), SessionState::Working { .. }));
    world.session.abandon();
    assert_eq!(world.session.state(), SessionState::Idle);
}
