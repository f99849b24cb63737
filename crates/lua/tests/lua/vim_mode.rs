//! `extensions/vim-mode` edits as the sessions recorded with Neovim say, through real keys.

use std::path::{Path, PathBuf};

use purlin_kernel::{ExtId, Input, Key, KeyCode, KeyEvent, Limit, Limits, Mods};
use purlin_lua::LuaExtension;
use serde_json::Value;

use crate::world::World;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../extensions/vim-mode")
}

fn world() -> World {
    let world = World::new();
    // What is looked at is the editing; how long it takes on a busy machine is not.
    let patient = Limit { soft_ms: 60_000, hard_ms: 60_000 };
    world.kernel.guard().set_limits(Limits { key: patient, load: patient, ..Limits::default() });
    let extension = LuaExtension::from_path(folder()).expect("an extension");
    world.kernel.ext().load(Box::new(extension)).expect("it loads");
    world
}

/// Types keys as they are written in Vim: `dw`, `<Esc>`, `<lt>`.
fn type_keys(world: &World, mut keys: &str) {
    while let Some(first) = keys.chars().next() {
        let special = keys.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        let (key, rest) = match special {
            Some(("Esc", rest)) => (Key::plain(KeyCode::Escape), rest),
            Some(("Space", rest)) => (Key::plain(KeyCode::Char(' ')), rest),
            Some(("BS", rest)) => (Key::plain(KeyCode::Backspace), rest),
            Some(("C-r", rest)) => {
                (Key::new(KeyCode::Char('r'), Mods { ctrl: true, ..Mods::default() }), rest)
            }
            Some(("lt", rest)) => (Key::plain(KeyCode::Char('<')), rest),
            _ => (Key::plain(KeyCode::Char(first)), &keys[first.len_utf8()..]),
        };
        world.kernel.input(Input::Key(KeyEvent::new(key)));
        keys = rest;
    }
    world.settle();
}

fn state(world: &World) -> (String, usize, Value) {
    let buf = world.kernel.buf();
    (buf.text("composer"), buf.cursor("composer"), buf.var("composer", "mode").unwrap_or_default())
}

/// Plays recorded sessions in one interpreter. Each has a buffer of its own, and so an editor that remembers nothing.
fn play(cases: &[&str]) {
    let world = world();
    for (number, line) in cases.iter().enumerate() {
        let (text, cursor, keys, after, place): (String, usize, String, String, usize) =
            serde_json::from_str(line).expect("a case");
        let buffer = format!("case {number}");
        let buf = world.kernel.buf();
        buf.create(ExtId::CORE, &buffer);
        world.kernel.win().set("composer", |window| window.buffer.clone_from(&buffer));
        buf.set_text(&buffer, "RR");
        buf.set_cursor(&buffer, 0);
        // The register holds what it held for the record.
        type_keys(&world, "<Esc>yw");
        buf.set_text(&buffer, &text);
        buf.set_cursor(&buffer, cursor);
        type_keys(&world, &keys);
        assert_eq!(world.problems(), [""; 0], "{line}");
        assert_eq!((buf.text(&buffer), buf.cursor(&buffer)), (after, place), "{line}");
        buf.delete(&buffer);
    }
}

#[test]
fn it_edits_as_the_recorded_sessions_say() {
    let cases = std::fs::read_to_string(folder().join("tests/cases.jsonl")).expect("the cases");
    let cases: Vec<&str> = cases.lines().collect();
    assert!(cases.len() > 500, "{} cases", cases.len());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for part in cases.chunks(cases.len().div_ceil(threads)) {
            scope.spawn(|| play(part));
        }
    });
}

#[test]
fn it_begins_in_insert_mode_and_shows_its_mode_as_a_variable() {
    let world = world();
    type_keys(&world, "hello");
    assert_eq!(world.problems(), [""; 0]);
    assert_eq!(state(&world), ("hello".into(), 5, "insert".into()));
    type_keys(&world, "<Esc>");
    assert_eq!(state(&world), ("hello".into(), 4, "normal".into()));
    type_keys(&world, "bv");
    assert_eq!(state(&world), ("hello".into(), 0, "visual".into()));
    type_keys(&world, "<Esc>V");
    assert_eq!(state(&world).2, "visual_line");
    type_keys(&world, "<Esc>x");
    assert_eq!(state(&world), ("ello".into(), 0, "normal".into()));
}

#[test]
fn undo_takes_back_what_was_typed_in_one_insertion() {
    let world = world();
    type_keys(&world, "one<Esc>a two<Esc>A three<Esc>u");
    assert_eq!(state(&world).0, "one two");
    type_keys(&world, "u");
    assert_eq!(state(&world).0, "one");
    type_keys(&world, "<C-r><C-r>");
    assert_eq!(state(&world).0, "one two three");
    // Somebody else changes the text: what was remembered leads nowhere, and nothing is lost.
    world.kernel.buf().set_text("composer", "mine");
    type_keys(&world, "u");
    assert_eq!(state(&world).0, "mine");
}

#[test]
fn keys_of_other_extensions_and_of_the_program_pass() {
    let world = world();
    type_keys(&world, "<Esc>");
    let seen = std::rc::Rc::new(std::cell::Cell::new(0));
    let count = seen.clone();
    let action = purlin_kernel::Action::callback(move |_| {
        count.set(count.get() + 1);
        Ok(purlin_kernel::KeyAnswer::Consumed)
    });
    for keys in ["enter", "alt+x", "escape"] {
        world
            .kernel
            .keymap()
            .set(
                ExtId::CORE,
                purlin_kernel::Target::Global,
                keys,
                action.clone(),
                purlin_kernel::KeymapOptions::builtin(),
            )
            .expect("a key");
    }
    world.press("enter alt+x escape");
    assert_eq!(world.problems(), [""; 0]);
    assert_eq!(seen.get(), 3);
    // A command that has begun takes them.
    world.press("d escape");
    assert_eq!(seen.get(), 3);
}

#[test]
fn a_long_text_is_no_obstacle() {
    let world = world();
    let text = "some words of a long line\n".repeat(4000);
    world.kernel.buf().set_text("composer", &text);
    type_keys(&world, "<Esc>ggwwd2jGk.");
    assert_eq!(world.problems(), [""; 0]);
    // Three lines, and the last one with the newline before it.
    assert_eq!(state(&world).0.len(), text.len() - 3 * 26 - 27);
}

#[test]
fn the_status_line_shows_the_mode_from_the_start() {
    let world = world();
    let shown = || {
        let segments = world.kernel.ui().status();
        segments.iter().map(|segment| purlin_kernel::text::line_plain(&segment.spans)).collect::<Vec<_>>()
    };
    assert_eq!(shown(), ["INSERT"]);
    type_keys(&world, "one two<Esc>");
    assert_eq!(shown(), ["NORMAL"]);
    type_keys(&world, "2d");
    assert_eq!(shown(), ["NORMAL  2d"]);
    type_keys(&world, "b");
    assert_eq!((shown(), state(&world).0), (vec!["NORMAL".to_owned()], "o".to_owned()));
    type_keys(&world, "V");
    assert_eq!(shown(), ["V-LINE"]);
    assert_eq!(world.problems(), [""; 0]);
}
