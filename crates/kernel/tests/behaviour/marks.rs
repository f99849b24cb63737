//! Marks, blocks and what they may take.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::time::Instant;

use purlin_kernel::{
    Block, BlockSource, DeadlineClass, ErrorKind, ExtId, HandlerError, Limits, MarkOptions, Shown,
};

use crate::host::editor;

fn range(end: usize) -> MarkOptions {
    MarkOptions { end: Some(end), ..MarkOptions::default() }
}

#[test]
fn an_undo_brings_marks_back_and_a_redo_moves_them_again() {
    let (kernel, _host) = editor();
    let ns = kernel.mark().namespace("test");
    kernel.buf().set_text("main", "hello big world");
    kernel.mark().set(ExtId::CORE, "main", ns, 6, range(9)).unwrap();
    kernel.mark().set(ExtId::CORE, "main", ns, 10, range(15)).unwrap();
    let places = || -> Vec<_> {
        kernel.mark().get("main", ns, 0..usize::MAX).iter().map(|mark| (mark.start, mark.end)).collect()
    };
    let before = places();
    kernel.buf().delete_range("main", 5, 13);
    let after = places();
    assert_eq!(after, [(5, Some(5)), (5, Some(7))]);
    assert!(kernel.buf().undo("main"));
    assert_eq!((kernel.buf().text("main").as_str(), places()), ("hello big world", before.clone()));
    assert!(kernel.buf().redo("main"));
    assert_eq!(places(), after);
    assert!(kernel.buf().undo("main"));
    assert_eq!(places(), before);
}

#[test]
fn typed_text_that_is_undone_as_one_moves_marks_back_as_one() {
    let (kernel, _host) = editor();
    let ns = kernel.mark().namespace("test");
    kernel.buf().set_text("main", "end");
    kernel.buf().set_cursor("main", 0);
    let id = kernel.mark().set(ExtId::CORE, "main", ns, 0, range(3)).unwrap();
    for c in ["a", "b", "c"] {
        kernel.buf().type_text("main", c);
    }
    let place = || kernel.mark().by_id("main", ns, id).map(|mark| (mark.start, mark.end));
    assert_eq!(place(), Some((3, Some(6))));
    kernel.buf().undo("main");
    assert_eq!(place(), Some((0, Some(3))));
}

#[test]
fn marks_are_moved_by_number_cleared_by_range_and_counted_by_owner() {
    let (kernel, _host) = editor();
    let (a, b) = (kernel.ext().reserve("a"), kernel.ext().reserve("b"));
    let (one, two) = (kernel.mark().namespace("one"), kernel.mark().namespace("two"));
    assert_eq!(kernel.mark().namespace("one"), one);
    kernel.buf().set_text("main", &"x".repeat(100));
    let id = kernel.mark().set(a, "main", one, 10, MarkOptions::default()).unwrap();
    kernel.mark().set(b, "main", two, 10, MarkOptions::default()).unwrap();
    let moved = MarkOptions { id: Some(id), ..MarkOptions::default() };
    assert_eq!(kernel.mark().set(a, "main", one, 500, moved), Ok(id));
    assert_eq!(kernel.mark().by_id("main", one, id).map(|mark| mark.start), Some(100), "at most the end");
    assert_eq!((kernel.mark().count(a), kernel.mark().count(b)), (1, 1));
    assert_eq!(kernel.mark().clear("main", one, 0..50), 0);
    assert_eq!(kernel.mark().clear("main", one, 50..101), 1);
    assert_eq!(kernel.mark().count(a), 0);
    kernel.ext().unload(b);
    assert!(kernel.mark().all("main", 0..usize::MAX).is_empty());
    assert!(kernel.mark().set(a, "nowhere", one, 0, MarkOptions::default()).is_err());
}

#[test]
fn a_mark_bomb_is_stopped_and_taken_back() {
    let (kernel, _host) = editor();
    let mut limits = Limits::default();
    limits.quotas.marks = 50;
    kernel.guard().set_limits(limits);
    let ext = kernel.ext().reserve("bomb");
    let ns = kernel.mark().namespace("bomb");
    let result = kernel.guard().stretch(ext, DeadlineClass::Main, "bomb", || {
        for at in 0..1000 {
            // The bomb does not care for errors.
            let _ = kernel.mark().set(ext, "main", ns, at, MarkOptions::default());
        }
        Ok(())
    });
    assert_eq!(result.unwrap_err().kind, ErrorKind::Memory);
    assert_eq!(kernel.mark().count(ext), 0);
}

#[test]
fn two_hundred_thousand_marks_make_neither_edits_nor_rollbacks_slow() {
    let (kernel, _host) = editor();
    let ns = kernel.mark().namespace("many");
    kernel.buf().set_text("main", &"word ".repeat(40_000));
    for at in 0..200_000 {
        kernel.mark().set(ExtId::CORE, "main", ns, at, range(at + 1)).unwrap();
    }
    let start = Instant::now();
    assert_eq!(kernel.mark().get("main", ns, 0..usize::MAX).len(), 200_000);
    let reading_all = start.elapsed();
    let start = Instant::now();
    for at in 0..20 {
        let failed: Result<(), HandlerError> =
            kernel.guard().stretch(ExtId::CORE, DeadlineClass::Main, "edit", || {
                kernel.buf().insert("main", at * 7, "x");
                kernel.mark().set(ExtId::CORE, "main", ns, at, MarkOptions::default())?;
                Err("no".into())
            });
        assert!(failed.is_err());
    }
    let each = start.elapsed() / 20;
    // Against each other, so that a busy machine does not decide: moving or copying every mark would take as long.
    assert!(each < reading_all / 5, "{each:?} for an edit and its rollback, {reading_all:?} to read all");
    assert_eq!(kernel.mark().get("main", ns, 5_000..5_002).len(), 3);
}

#[test]
fn an_ephemeral_mark_lasts_one_frame() {
    let (kernel, _host) = editor();
    let ns = kernel.mark().namespace("test");
    let options = MarkOptions { ephemeral: true, ..MarkOptions::default() };
    kernel.mark().set(ExtId::CORE, "main", ns, 0, options).unwrap();
    drop(kernel.frame(20, 2));
    assert!(kernel.mark().all("main", 0..9).is_empty());
    assert!(!kernel.needs_frame(), "that it is gone asks for no frame");
}

struct Numbers(RefCell<Vec<String>>);

impl BlockSource for Numbers {
    fn len(&self) -> usize {
        1_000_000
    }

    fn range(&self, range: Range<usize>) -> Vec<Rc<Block>> {
        range
            .map(|at| Rc::new(Block { id: at.to_string(), text: format!("block {at}"), ..Block::default() }))
            .collect()
    }

    fn revision(&self) -> u64 {
        1
    }

    fn append(&self, block: Block) -> Result<(), String> {
        self.0.borrow_mut().push(block.text);
        Ok(())
    }
}

#[test]
fn a_projection_is_read_by_range_and_shown_otherwise_without_being_changed() {
    let (kernel, _host) = editor();
    let ext = kernel.ext().reserve("a");
    let source = Rc::new(Numbers(RefCell::default()));
    kernel.buf().set_source("main", Some(source.clone()));
    assert_eq!(kernel.buf().blocks("main", 999_998..999_999)[0].text, "block 999998");
    let other = Block { text: "other".into(), ..Block::default() };
    let before = kernel.buf().blocks("main", 5..6)[0].revision;
    assert!(kernel.buf().show_block(ext, "main", "5", Shown::As(other)));
    let shown = kernel.buf().blocks("main", 5..6);
    assert_eq!((shown[0].text.as_str(), shown[0].id.as_str()), ("other", "5"));
    assert_ne!(shown[0].revision, before, "what is cached of it is made anew");
    assert_eq!(source.range(5..6)[0].text, "block 5");
    assert!(kernel.buf().clear("main"));
    assert_eq!(kernel.buf().blocks("main", 5..6)[0].text, "block 5", "shown otherwise until it is cleared");
    assert!(kernel.buf().show_block(ext, "main", "5", Shown::Hidden));
    kernel
        .guard()
        .stretch(ext, DeadlineClass::Main, "delete", || {
            kernel.buf().delete_blocks("main", 6..8).unwrap();
            Ok(())
        })
        .unwrap();
    assert!(kernel.buf().blocks("main", 6..8).iter().all(|block| block.hidden));
    kernel.ext().unload(ext);
    assert!(kernel.buf().blocks("main", 5..8).iter().all(|block| !block.hidden && block.text != "other"));
    let two = || vec![Block { text: "shown".into(), ..Block::default() }; 2];
    for range in [5..6, 5..5] {
        let why = kernel.buf().set_block_range("main", range, two()).unwrap_err();
        assert!(why.contains("2 blocks cannot take the place of"), "{why}");
    }
    assert_eq!(kernel.buf().blocks("main", 5..6)[0].text, "block 5", "nothing of it is shown");
    assert!(source.0.borrow().is_empty(), "what is shown is not kept");
    kernel.buf().append_block("main", Block { text: "note".into(), ..Block::default() }).unwrap();
    assert_eq!(*source.0.borrow(), ["note"]);
    let told: Rc<RefCell<Vec<(ExtId, String)>>> = Rc::default();
    let tell = told.clone();
    kernel.buf().on_append(
        "main",
        Rc::new(move |owner, block| {
            tell.borrow_mut().push((owner, block.text));
            Ok(())
        }),
    );
    kernel.buf().append_block("main", Block { text: "more".into(), ..Block::default() }).unwrap();
    assert_eq!(*told.borrow(), [(ExtId::CORE, "more".to_owned())]);
}

#[test]
fn own_blocks_are_set_and_deleted_by_range() {
    let (kernel, _host) = editor();
    let block = |text: &str| Block { text: text.into(), ..Block::default() };
    let texts = || -> Vec<String> {
        kernel.buf().blocks("main", 0..usize::MAX).iter().map(|block| block.text.clone()).collect()
    };
    kernel.buf().set_blocks("main", vec![block("a"), block("b"), block("c")]);
    kernel.buf().set_block_range("main", 1..2, vec![block("x"), block("y")]).unwrap();
    assert_eq!(texts(), ["a", "x", "y", "c"]);
    kernel.buf().delete_blocks("main", 2..99).unwrap();
    assert_eq!(texts(), ["a", "x"]);
    assert!(kernel.buf().set_block_range("nowhere", 0..0, Vec::new()).is_err());
}

#[test]
fn the_memory_of_an_extensions_buffers_is_counted_together() {
    let (kernel, _host) = editor();
    let mut limits = Limits::default();
    limits.quotas.buffer_bytes = 100_000;
    kernel.guard().set_limits(limits);
    let ext = kernel.ext().reserve("a");
    kernel.buf().create(ext, "one");
    kernel.buf().create(ext, "two");
    let fill = |name: &str, what: &dyn Fn(&str)| {
        kernel.guard().stretch(ext, DeadlineClass::Main, "fill", || {
            what(name);
            Ok(())
        })
    };
    let text = |name: &str| {
        kernel.buf().append_text(name, &"x".repeat(40_000));
    };
    fill("one", &text).unwrap();
    fill("two", &text).unwrap();
    let used = kernel.buf().usage(ext);
    assert!((80_000..90_000).contains(&used), "{used}");
    let blocks = |name: &str| {
        kernel.buf().set_blocks(name, vec![Block { text: "y".repeat(20_000), ..Block::default() }]);
    };
    assert_eq!(fill("one", &blocks).unwrap_err().kind, ErrorKind::Memory);
    assert_eq!(kernel.buf().usage(ext), used, "what was refused is not counted");
    assert_eq!(fill("main", &text).unwrap_err().kind, ErrorKind::Memory, "a built-in buffer counts as well");
    let many = |_: &str| {
        for at in 0..1_000 {
            kernel.buf().create(ext, &format!("b{at}"));
        }
    };
    assert_eq!(fill("", &many).unwrap_err().kind, ErrorKind::Memory, "empty buffers are not free");
    kernel.buf().delete("two");
    kernel.guard().resume(ext);
    fill("one", &blocks).unwrap();
    kernel.ext().unload(ext);
    assert_eq!(kernel.buf().usage(ext), 0);
}
