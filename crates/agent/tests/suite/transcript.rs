//! The transcript: incremental, by range, the same as if it were read anew.

use purlin_agent::projection::Transcript;
use purlin_kernel::{Block, BlockSource};
use purlin_notebook::StoreExt;
use serde_json::json;

use crate::world::World;

fn show(transcript: &Transcript) -> Vec<String> {
    let one = |block: &std::rc::Rc<Block>| {
        let mark = if block.streaming { "…" } else { "" };
        let status = block.meta.get("status").and_then(|status| status.as_str()).map(|s| format!("[{s}]"));
        format!("{}{}: {}{mark}", block.kind, status.unwrap_or_default(), block.text)
    };
    transcript.range(0..usize::MAX).iter().map(one).collect()
}

const SCRIPT: &str = "[[turn]]\nthinking='Hm.'\ntext='First'\nchunk=1\ndelay_ms=30\n[[turn.tool]]\nname='bash'\n\
                      args={command='echo hi'}\n[[turn]]\ntext='Second'\n";

#[test]
fn it_follows_a_stream_step_by_step_and_equals_a_fresh_one() {
    let world = World::playing(SCRIPT);
    let transcript = Transcript::new(world.store.clone()).expect("opens");
    assert_eq!(transcript.len(), 0);
    world.send("go");
    let mut shown = Vec::new();
    for _ in 0..60 {
        world.host.advance(10);
        let before = transcript.revision();
        let changed = transcript.refresh().expect("refreshes");
        assert_eq!(changed, transcript.revision() != before);
        shown = show(&transcript);
        let fresh = Transcript::new(world.store.clone()).expect("opens");
        assert_eq!(show(&fresh), shown);
    }
    assert_eq!(shown, ["prompt: go", "thinking: Hm.", "text: First", "tool[ok]: hi\n", "text: Second"]);
    world.ask("more");
    transcript.refresh().expect("refreshes");
    assert_eq!(show(&transcript)[5..], ["prompt: more", "text: Second"]);
    assert_eq!(transcript.last_answer().as_deref(), Some("Second"));
}

#[test]
fn a_growing_block_is_marked_and_grows_in_place() {
    let world = World::playing("[[turn]]\ntext='abcdef'\nchunk=1\ndelay_ms=100\n");
    let transcript = Transcript::new(world.store.clone()).expect("opens");
    world.send("go");
    world.host.advance(330);
    transcript.refresh().expect("refreshes");
    assert_eq!(show(&transcript), ["prompt: go", "text: abc…"]);
    let before = transcript.range(1..2)[0].clone();
    world.host.advance(100);
    transcript.refresh().expect("refreshes");
    let after = transcript.range(1..2)[0].clone();
    assert_eq!((after.text.as_str(), after.id.as_str()), ("abcd", before.id.as_str()));
    assert_ne!(after.revision, before.revision);
    world.host.run(world.session.settled());
    transcript.refresh().expect("refreshes");
    assert_eq!(show(&transcript), ["prompt: go", "text: abcdef"]);
}

#[test]
fn a_running_tool_shows_what_it_printed() {
    let world = World::playing("[[turn]]\n[[turn.tool]]\nname='bash'\nargs={command='hang'}\n");
    let transcript = Transcript::new(world.store.clone()).expect("opens");
    world.send("go");
    world.host.advance(500);
    transcript.refresh().expect("refreshes");
    assert_eq!(show(&transcript), ["prompt: go", "tool[running]: begun\n…"]);
    let block = transcript.range(1..2)[0].clone();
    assert_eq!(
        (block.meta["name"].clone(), block.meta["args"].clone()),
        (json!("bash"), json!({"command": "hang"}))
    );
    world.host.run(world.session.interrupt("user")).expect("interrupts");
    world.host.run(world.session.settled());
    world.host.settle();
    transcript.refresh().expect("refreshes");
    assert_eq!(
        show(&transcript)[1],
        "tool[cancelled]: begun\nError: the tool was stopped because the turn was cancelled"
    );
    assert_eq!(show(&transcript)[2..], ["note: Interrupted."]);
    let fresh = Transcript::new(world.store.clone()).expect("opens");
    assert_eq!(show(&fresh), show(&transcript));
}

#[test]
fn ranges_of_a_long_session_cost_what_is_asked_for() {
    let world = World::playing("[[turn]]\ntext='answer'\n");
    for number in 0..200 {
        world.ask(&format!("prompt {number}"));
    }
    let transcript = Transcript::new(world.store.clone()).expect("opens");
    assert_eq!(transcript.len(), 400);
    let blocks = transcript.range(398..400);
    assert_eq!((blocks[0].text.as_str(), blocks[1].text.as_str()), ("prompt 199", "answer"));
    assert_eq!(transcript.range(7..8)[0].text, "answer");
    assert!(transcript.range(400..500).is_empty());
    assert_eq!(transcript.range(2..3)[0].revision, transcript.range(2..3)[0].revision);
}

#[test]
fn shell_cells_and_other_branches() {
    let world = World::playing("[[turn]]\ntext='answer'\n");
    world.on("user_shell", |_| json!({"result": {"output": "listing", "exit_code": 0}}));
    let first = world.ask("one");
    let transcript = Transcript::new(world.store.clone()).expect("opens");
    world.host.run(world.session.shell("ls", true)).expect("runs");
    transcript.refresh().expect("refreshes");
    assert_eq!(show(&transcript), ["prompt: one", "text: answer", "shell[ok]: listing"]);
    let shell = transcript.range(2..3)[0].clone();
    assert_eq!((shell.meta["command"].clone(), shell.meta["hidden"].clone()), (json!("ls"), json!(true)));
    let event = purlin_notebook::Event::BranchSelected { leaf_id: Some(first) };
    world.store.commit(&[event]).expect("commits");
    transcript.refresh().expect("refreshes");
    assert_eq!(show(&transcript), ["prompt: one", "text: answer"]);
    world.ask("two");
    transcript.refresh().expect("refreshes");
    assert_eq!(show(&transcript), ["prompt: one", "text: answer", "prompt: two", "text: answer"]);
    assert_eq!(world.store.branch_path(None).expect("reads").len(), 2);
}
