//! The edit commands on the focused buffer.

use std::rc::Rc;

use purlin_kernel::{DeadlineClass, ExtId, HandlerError, Kernel};

use crate::host::{editor, press};

fn run(kernel: &Kernel, commands: &str) {
    for command in commands.split_whitespace() {
        kernel.command().invoke(&format!("edit.{command}"), "");
    }
}

/// The text with `|` at the cursor.
fn state(kernel: &Kernel) -> String {
    let buffer = kernel.buf().get("main").unwrap();
    let mut text = buffer.text();
    text.insert(text.char_indices().nth(buffer.cursor).map_or(text.len(), |(at, _)| at), '|');
    text
}

fn at(kernel: &Kernel, marked: &str) {
    let cursor = marked.chars().position(|c| c == '|').unwrap();
    kernel.buf().set_text("main", &marked.replace('|', ""));
    kernel.buf().set_cursor("main", cursor);
}

#[test]
fn a_table_of_motions_and_deletions() {
    let table = [
        ("ab|c", "left", "a|bc"),
        ("|abc", "left", "|abc"),
        ("a👩‍💻|b", "left", "a|👩‍💻b"),
        ("a|👩‍💻b", "right", "a👩‍💻|b"),
        ("e\u{301}|x", "delete-left", "|x"),
        ("|👩‍💻x", "delete-right", "|x"),
        ("one two-three|", "word-left", "one two-|three"),
        ("one two-|three", "word-left", "one |two-three"),
        ("|one  two", "word-right word-right", "one  two|"),
        ("a\nbc|d\ne", "line-start", "a\n|bcd\ne"),
        ("a\nb|cd\ne", "line-end", "a\nbcd|\ne"),
        ("a\nb|cd", "start", "|a\nbcd"),
        ("a|\nbcd", "end", "a\nbcd|"),
        ("abc\nd|\nefgh", "up", "a|bc\nd\nefgh"),
        ("abc|\nd\nefgh", "down down", "abc\nd\nefg|h"),
        ("日本|\nabcdef", "down", "日本\nabcd|ef"),
        ("ab|c", "newline", "ab\n|c"),
        ("foo bar|", "delete-word-left", "foo |"),
        ("|foo bar", "delete-word-right", "| bar"),
        ("x\nfoo| bar", "kill-to-line-end", "x\nfoo|"),
        ("foo|\nbar", "kill-to-line-end", "foo|bar"),
        ("x\nfoo| bar", "kill-to-line-start", "x\n| bar"),
        ("x\n|bar", "kill-to-line-start", "x|bar"),
        ("a\nb|b\nc", "kill-line", "a\n|c"),
        ("foo bar|", "delete-word-left start yank", "bar|foo "),
        ("ab|", "transpose", "ba|"),
        ("a|bc", "transpose", "ba|c"),
        ("abc|", "clear yank", "abc|"),
        ("|", "left right up down word-left word-right delete-left delete-right kill-line undo redo", "|"),
    ];
    for (before, commands, after) in table {
        let (kernel, _host) = editor();
        at(&kernel, before);
        run(&kernel, commands);
        assert_eq!(state(&kernel), after, "{before:?} {commands}");
    }
}

#[test]
fn undo_goes_by_words_and_runs_of_deletions() {
    let (kernel, _host) = editor();
    press(&kernel, "h e l l o space w o r l d");
    run(&kernel, "undo");
    assert_eq!(state(&kernel), "hello |");
    run(&kernel, "undo");
    assert_eq!(state(&kernel), "|");
    run(&kernel, "redo redo");
    assert_eq!(state(&kernel), "hello world|");
    run(&kernel, "delete-left delete-left delete-left undo");
    assert_eq!(state(&kernel), "hello world|");
    run(&kernel, "left");
    press(&kernel, "!");
    run(&kernel, "undo redo undo redo");
    assert_eq!(state(&kernel), "hello worl!|d");
    press(&kernel, "?");
    assert!(!kernel.buf().redo("main"), "an edit forgets what was undone");
}

#[test]
fn undo_is_bounded_and_a_long_history_is_dropped_without_recursion() {
    let (kernel, _host) = editor();
    for n in 0..5_000 {
        kernel.buf().set_text("main", &n.to_string());
    }
    let steps = (0..10_000).take_while(|_| kernel.buf().undo("main")).count();
    assert!((1_000..=2_001).contains(&steps), "{steps}");
}

#[test]
fn up_and_down_follow_the_shown_lines() {
    let (kernel, _host) = editor();
    at(&kernel, "abcdef|gh");
    kernel.set_visual_lines(Rc::new(|rope, _| {
        let end = rope.len_chars();
        (0..=end / 4).map(|n| (n * 4, (n * 4 + 4).min(end))).collect()
    }));
    run(&kernel, "up");
    assert_eq!(state(&kernel), "ab|cdefgh");
    run(&kernel, "down");
    assert_eq!(state(&kernel), "abcdef|gh");
    run(&kernel, "line-start down up");
    assert_eq!(state(&kernel), "|abcdefgh");
}

#[test]
fn typing_goes_nowhere_when_the_focus_cannot_be_edited() {
    let (kernel, _host) = editor();
    kernel.buf().set_editable("main", false);
    press(&kernel, "x");
    run(&kernel, "newline");
    assert_eq!(kernel.buf().text("main"), "");
}

#[test]
fn those_attached_hear_of_each_change() {
    let (kernel, _host) = editor();
    let heard: Rc<std::cell::RefCell<Vec<(usize, usize, usize)>>> = Rc::default();
    let sink = heard.clone();
    let handle = kernel.buf().attach(
        ExtId::CORE,
        "main",
        Rc::new(move |change| {
            sink.borrow_mut().push((change.start, change.removed, change.added));
            Ok(())
        }),
    );
    press(&kernel, "é x");
    kernel.buf().replace("main", 0, 1, "ab");
    handle.del();
    press(&kernel, "y");
    assert_eq!(*heard.borrow(), [(0, 0, 1), (1, 0, 1), (0, 1, 2)]);
}

#[test]
fn what_is_taken_back_is_told_and_has_a_tick_of_its_own() {
    let (kernel, _host) = editor();
    kernel.buf().set_text("main", "kept");
    let copy: Rc<std::cell::RefCell<Vec<(u64, String)>>> = Rc::default();
    let (sink, reader) = (copy.clone(), kernel.clone());
    let read = move |_: &purlin_kernel::BufferChange| {
        sink.borrow_mut().push((reader.buf().tick("main"), reader.buf().text("main")));
        Ok(())
    };
    kernel.buf().attach(ExtId::CORE, "main", Rc::new(read));
    let before = kernel.buf().tick("main");
    let failed: Result<(), HandlerError> =
        kernel.guard().stretch(ExtId::CORE, DeadlineClass::Main, "test", || {
            kernel.buf().set_text("main", "not kept");
            Err("no".into())
        });
    assert!(failed.is_err());
    kernel.buf().set_text("main", "next");
    let expected = [(before + 1, "not kept"), (before + 2, "kept"), (before + 3, "next")];
    assert_eq!(*copy.borrow(), expected.map(|(tick, text)| (tick, text.to_owned())));
}

#[test]
fn marks_move_with_edits() {
    // A mark over "bcd" of "abcdef" (positions 1 to 4), and where an edit leaves it.
    let table = [
        (0, 0, "xx", (3, 6)),
        (1, 1, "x", (2, 5)),
        (2, 2, "x", (1, 5)),
        (4, 4, "x", (1, 4)),
        (5, 6, "", (1, 4)),
        (0, 2, "", (0, 2)),
        (2, 6, "", (1, 2)),
        (0, 6, "", (0, 0)),
        (2, 3, "xyz", (1, 6)),
    ];
    for (start, end, text, expected) in table {
        let (kernel, _host) = editor();
        kernel.buf().set_text("main", "abcdef");
        let ns = kernel.mark().namespace("test");
        let options = purlin_kernel::MarkOptions { end: Some(4), ..Default::default() };
        let id = kernel.mark().set(ExtId::CORE, "main", ns, 1, options).unwrap();
        kernel.buf().replace("main", start, end, text);
        let mark = kernel.mark().get("main", ns, 0..usize::MAX).remove(0);
        assert_eq!((mark.start, mark.end.unwrap()), expected, "{start}..{end} {text:?}");
        assert!(kernel.mark().del("main", ns, id) && !kernel.mark().del("main", ns, id));
    }
}
