//! `extensions/vim-mode` edits as the sessions recorded with Neovim say, through real keys.

use std::path::{Path, PathBuf};

use purlin_kernel::{Input, Key, KeyCode, KeyEvent, Limit, Limits, Mods};
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

#[test]
fn it_edits_as_the_recorded_sessions_say() {
    let cases = std::fs::read_to_string(folder().join("tests/cases.jsonl")).expect("the cases");
    let mut count = 0;
    for line in cases.lines() {
        let (text, cursor, keys, after, place): (String, usize, String, String, usize) =
            serde_json::from_str(line).expect("a case");
        let world = world();
        world.kernel.buf().set_text("composer", "RR");
        world.kernel.buf().set_cursor("composer", 0);
        // The register holds what it held for the record.
        type_keys(&world, "<Esc>yw");
        world.kernel.buf().set_text("composer", &text);
        world.kernel.buf().set_cursor("composer", cursor);
        type_keys(&world, &keys);
        let (found, found_place, _) = state(&world);
        assert_eq!(world.problems(), [""; 0], "{line}");
        assert_eq!((found.as_str(), found_place), (after.as_str(), place), "{line}");
        count += 1;
    }
    assert!(count > 500, "{count} cases");
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
                purlin_kernel::ExtId::CORE,
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
