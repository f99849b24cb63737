//! A failing stretch takes back its own changes and nobody else's.

use std::rc::Rc;

use proptest::prelude::*;
use purlin_kernel::{
    Action, Block, CommandSpec, DeadlineClass, ExtId, HandlerError, HandlerFn, Kernel, KeymapOptions,
    LayoutNode, MarkOptions, OnOptions, Target, Window,
};
use serde_json::{Value, json};

use crate::host::editor;

fn fail<T>(kernel: &Kernel, ext: ExtId, f: impl FnOnce() -> T) {
    let result: Result<(), _> = kernel.guard().stretch(ext, DeadlineClass::Main, "test", || {
        f();
        Err(HandlerError::new("on purpose"))
    });
    assert!(result.is_err());
}

/// Everything of a kernel that a rollback has to bring back. Ticks only rise.
fn picture(kernel: &Kernel) -> String {
    let mut all = Vec::new();
    let ns = kernel.mark().namespace("test");
    for name in kernel.buf().list() {
        let buffer = kernel.buf().get(&name).unwrap();
        all.push(format!(
            "{name} {:?} {} {:?} {:?} {:?} {:?}\n",
            buffer.text(),
            buffer.cursor,
            buffer.label,
            buffer.vars,
            buffer.blocks,
            kernel.mark().get(&name, ns, 0..usize::MAX),
        ));
    }
    for window in kernel.win().list() {
        all.push(format!("{window:?}"));
    }
    all.push(format!("{:?} {:?}\n", kernel.win().focused().map(|w| w.name.clone()), kernel.layout().get()));
    let maps: Vec<_> = kernel.keymap().list().iter().map(|map| (map.lhs.clone(), map.owner)).collect();
    let commands: Vec<_> = kernel.command().list().iter().map(|c| (c.name.clone(), c.owner)).collect();
    let hooks: Vec<_> = kernel.hook().list().iter().map(|h| (h.decl.name, h.handlers)).collect();
    all.push(format!("{maps:?} {commands:?} {hooks:?} {:?}", kernel.timer().next_due()));
    all.join("\n")
}

#[test]
fn everything_a_failed_stretch_changed_is_as_before() {
    let (kernel, _host) = editor();
    let ext = kernel.ext().reserve("a");
    kernel.buf().type_text("main", "hello");
    kernel.buf().create(ext, "own");
    kernel.buf().set_text("own", "kept");
    kernel.win().create(ext, Window::new("own", "panel", "own")).unwrap();
    let command = kernel.command().create(ext, CommandSpec::action("mine", "Mine.", |_| Ok(None)));
    let before = picture(&kernel);
    fail(&kernel, ext, || {
        kernel.buf().type_text("main", " world");
        kernel.buf().set_text("main", "gone");
        kernel.buf().undo("main");
        kernel.buf().set_var("main", "x", json!(1));
        kernel.buf().append_block("main", Block { id: "1".into(), ..Block::default() }).unwrap();
        kernel.buf().delete("own");
        kernel.buf().create(ext, "new");
        let ns = kernel.mark().namespace("test");
        kernel.mark().set(ext, "main", ns, 1, MarkOptions::default()).unwrap();
        kernel.win().set("main", |w| w.zindex = 7);
        kernel.win().delete("own");
        kernel.win().open(ext, Window::new("float", "panel", "main"), true).unwrap();
        kernel.layout().set_tree(LayoutNode::win("main"));
        kernel
            .keymap()
            .set(ext, Target::Global, "ctrl+k", Action::command("x"), KeymapOptions::default())
            .unwrap();
        command.del();
        kernel.hook().on(ext, "key", OnOptions::default(), HandlerFn::sync(|_| Ok(Value::Null))).unwrap();
        kernel.timer().defer(ext, 5, Rc::new(|| Ok(()))).unwrap();
    });
    assert_eq!(picture(&kernel), before);
    assert!(!command.is_stale());
    assert!(kernel.buf().undo("main"), "the history is as before, too");
    assert_eq!(kernel.buf().text("main"), "");
}

#[test]
fn a_failed_inner_stretch_leaves_the_outer_one_alone() {
    let (kernel, _host) = editor();
    let (a, b) = (kernel.ext().reserve("a"), kernel.ext().reserve("b"));
    let outer = kernel.guard().stretch(a, DeadlineClass::Main, "outer", || {
        kernel.buf().append_text("main", "1");
        fail(&kernel, b, || kernel.buf().append_text("main", "2"));
        kernel.buf().append_text("main", "3");
        kernel.guard().stretch(b, DeadlineClass::Main, "inner", || {
            kernel.buf().append_text("main", "4");
            Ok(())
        })
    });
    assert!(outer.is_ok());
    assert_eq!(kernel.buf().text("main"), "134");
    fail(&kernel, a, || {
        kernel.buf().append_text("main", "5");
        kernel
            .guard()
            .stretch(b, DeadlineClass::Main, "inner", || {
                kernel.buf().append_text("main", "6");
                Ok(())
            })
            .unwrap();
    });
    assert_eq!(kernel.buf().text("main"), "134", "what an inner stretch did goes with the one around it");
}

#[derive(Debug, Clone)]
enum Op {
    Insert(usize, String),
    Delete(usize, usize),
    Type(String),
    Cursor(usize),
    Undo,
    Redo,
    Mark(usize, Option<usize>),
    Window(i32),
    Set(String),
    Nest(Vec<Op>, bool),
}

fn op() -> impl Strategy<Value = Op> {
    let text =
        prop_oneof![Just("a".to_owned()), Just("é\n".into()), Just("👩‍💻 b".into()), Just(String::new())];
    let leaf = prop_oneof![
        (0..20usize, text.clone()).prop_map(|(at, text)| Op::Insert(at, text)),
        (0..20usize, 0..20usize).prop_map(|(a, b)| Op::Delete(a, b)),
        text.clone().prop_map(Op::Type),
        (0..20usize).prop_map(Op::Cursor),
        Just(Op::Undo),
        Just(Op::Redo),
        (0..20usize, proptest::option::of(0..20usize)).prop_map(|(at, end)| Op::Mark(at, end)),
        (0..9i32).prop_map(Op::Window),
        text.prop_map(Op::Set),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        (prop::collection::vec(inner, 0..4), any::<bool>()).prop_map(|(ops, ok)| Op::Nest(ops, ok))
    })
}

fn apply(kernel: &Kernel, ext: ExtId, op: &Op) {
    let ns = kernel.mark().namespace("test");
    match op {
        Op::Insert(at, text) => {
            kernel.buf().insert("main", *at, text);
        }
        Op::Delete(a, b) => {
            kernel.buf().delete_range("main", *a, *b);
        }
        Op::Type(text) => {
            kernel.buf().type_text("main", text);
        }
        Op::Cursor(at) => {
            kernel.buf().set_cursor("main", *at);
        }
        Op::Undo => {
            kernel.buf().undo("main");
        }
        Op::Redo => {
            kernel.buf().redo("main");
        }
        Op::Mark(at, end) => {
            kernel
                .mark()
                .set(ext, "main", ns, *at, MarkOptions { end: *end, ..MarkOptions::default() })
                .unwrap();
        }
        Op::Window(z) => {
            kernel.win().set("main", |window| window.zindex = *z);
        }
        Op::Set(text) => {
            kernel.buf().set_text("main", text);
        }
        Op::Nest(ops, ok) => {
            let result: Result<(), _> = kernel.guard().stretch(ext, DeadlineClass::Main, "nested", || {
                for op in ops {
                    apply(kernel, ext, op);
                }
                if *ok { Ok(()) } else { Err("no".into()) }
            });
            assert_eq!(result.is_ok(), *ok);
        }
    }
}

proptest! {
    #[test]
    fn random_edits_and_a_rollback_leave_everything_as_before(
        setup in prop::collection::vec(op(), 0..8), ops in prop::collection::vec(op(), 0..12),
    ) {
        let (kernel, _host) = editor();
        let ext = ExtId::CORE;
        for op in &setup {
            apply(&kernel, ext, op);
        }
        let before = picture(&kernel);
        fail(&kernel, ext, || ops.iter().for_each(|op| apply(&kernel, ext, op)));
        prop_assert_eq!(picture(&kernel), before);
    }

    #[test]
    fn marks_and_cursor_stay_inside_the_text(ops in prop::collection::vec(op(), 0..20)) {
        let (kernel, _host) = editor();
        for op in &ops {
            apply(&kernel, ExtId::CORE, op);
        }
        let buffer = kernel.buf().get("main").unwrap();
        let length = buffer.rope.len_chars();
        prop_assert!(buffer.cursor <= length);
        for mark in kernel.mark().all("main", 0..usize::MAX) {
            prop_assert!(mark.start <= length && mark.end.is_none_or(|end| (mark.start..=length).contains(&end)));
        }
    }
}
