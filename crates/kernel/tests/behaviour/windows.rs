//! Windows: where they stand, who draws them, what is drawn on them from outside.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use purlin_kernel::text::{Part, Span, Style, Token, plain};
use purlin_kernel::{
    Anchor, Anchored, Border, DeadlineClass, Dock, DockSide, DrawOp, ErrorKind, ExtId, HandlerError,
    HandlerFn, HighlightSpec, Kernel, LayoutNode, Length, MarkOptions, OnOptions, Ownership, PartialRect,
    Placement, Rect, RenderContext, Renderer, Scroll, Side, Split, VirtPos, Window,
};
use serde_json::{Value, json};

use crate::host::{FakeHost, editor, press};

fn shown(kernel: &Kernel, width: u16, height: u16) -> Vec<String> {
    let frame = kernel.frame(width, height);
    frame.grid.text(&kernel.atlas())
}

/// A kernel with windows on buffers of the same names and texts.
fn kernel(texts: &[(&str, &str)]) -> Kernel {
    let kernel = Kernel::new(FakeHost::new());
    for (name, text) in texts {
        kernel.buf().create(ExtId::CORE, name);
        kernel.buf().set_text(name, text);
        kernel.win().create(ExtId::CORE, Window::new(*name, "panel", *name)).unwrap();
    }
    kernel
}

fn open(kernel: &Kernel, name: &str, placement: Placement) {
    kernel.buf().create(ExtId::CORE, name);
    kernel.buf().set_text(name, name);
    let window = Window { placement, ..Window::new(name, "panel", name) };
    kernel.win().open(ExtId::CORE, window, false).unwrap();
}

fn split(of: &str, side: Side, length: Option<Length>) -> Placement {
    Placement::Split(Split { of: of.into(), side, size: length })
}

fn rect(kernel: &Kernel, name: &str) -> (u16, u16, u16, u16) {
    let rect = kernel.win().get(name).unwrap().rect;
    (rect.x, rect.y, rect.width, rect.height)
}

#[test]
fn without_a_tree_windows_share_the_screen_and_text_is_shown() {
    let kernel = kernel(&[("a", "one\ntwo"), ("b", "three")]);
    assert_eq!(shown(&kernel, 8, 4), ["one", "two", "three", ""]);
}

#[test]
fn a_window_is_split_on_every_side_and_a_split_again() {
    let kernel = kernel(&[("a", "a")]);
    open(&kernel, "right", split("a", Side::Right, Some(Length::Percent(50))));
    open(&kernel, "above", split("a", Side::Above, Some(Length::Cells(1))));
    open(&kernel, "below", split("right", Side::Below, None));
    drop(kernel.frame(20, 6));
    assert_eq!(rect(&kernel, "right"), (10, 0, 10, 3));
    assert_eq!(rect(&kernel, "below"), (10, 3, 10, 3));
    assert_eq!(rect(&kernel, "above"), (0, 0, 10, 1));
    assert_eq!(rect(&kernel, "a"), (0, 1, 10, 5));
    kernel.win().set("right", |window| window.visible = false);
    drop(kernel.frame(20, 6));
    assert_eq!(rect(&kernel, "a"), (0, 1, 20, 5), "what splits a hidden window is hidden with it");
    assert_eq!(rect(&kernel, "below"), (0, 0, 0, 0));
    let lost = Window { placement: split("nowhere", Side::Left, None), ..Window::new("x", "panel", "x") };
    assert!(kernel.win().create(ExtId::CORE, lost).is_err());
    // A circle of splits shows nothing and ends.
    kernel.win().set("a", |window| window.placement = split("below", Side::Left, None));
    drop(kernel.frame(20, 6));
}

#[test]
fn docks_stand_at_the_edges_by_priority_and_an_exclusive_one_alone() {
    let kernel = kernel(&[("main", "main")]);
    let dock = |side, priority| Placement::Dock(Dock { priority, size: Some(1), ..Dock::new(side) });
    open(&kernel, "h2", dock(DockSide::Header, 2));
    open(&kernel, "h1", dock(DockSide::Header, 1));
    open(&kernel, "h1b", dock(DockSide::Header, 1));
    open(&kernel, "f", dock(DockSide::Footer, 0));
    assert_eq!(shown(&kernel, 6, 6), ["h1", "h1b", "h2", "main", "", "f"]);
    let only = Placement::Dock(Dock { exclusive: true, ..Dock::new(DockSide::Header) });
    open(&kernel, "only", only);
    assert_eq!(shown(&kernel, 6, 4), ["only", "main", "", "f"]);
    kernel.win().delete("only");
    kernel.win().set("only", |window| window.visible = false);
    assert_eq!(shown(&kernel, 6, 5), ["h1", "h1b", "h2", "main", "f"]);
    // A tree says where its edges are.
    kernel.layout().set_tree(LayoutNode::col(vec![
        LayoutNode::win("main").size(1),
        LayoutNode::dock(DockSide::Header),
        LayoutNode::col(Vec::new()).grow(1),
    ]));
    assert_eq!(shown(&kernel, 6, 6), ["main", "h1", "h1b", "h2", "", "f"]);
}

#[test]
fn floats_are_anchored_bordered_and_titled() {
    let kernel = kernel(&[("main", "")]);
    kernel.buf().create(ExtId::CORE, "note");
    kernel.buf().set_text("note", "hello");
    let anchored = Anchored { anchor: Anchor::Center, ..Anchored::default() };
    let window = Window {
        placement: Placement::Anchored(anchored),
        border: Border::Single,
        title: plain("t"),
        zindex: 50,
        ..Window::new("note", "float", "note")
    };
    let handle = kernel.win().open(ExtId::CORE, window, true).unwrap();
    let frame = shown(&kernel, 14, 5);
    assert_eq!(frame, ["", "  ┌─ t ───┐", "  │hello  │", "  └───────┘", ""]);
    assert_eq!(kernel.frame(14, 5).cursor, Some((2, 8)), "the cursor stands inside the border");
    kernel.win().set("note", |window| {
        window.placement = Placement::Anchored(Anchored {
            anchor: Anchor::BottomRight,
            row: 9,
            width: Length::Percent(50),
            height: Length::Cells(3),
            ..Anchored::default()
        });
    });
    drop(kernel.frame(14, 5));
    assert_eq!(rect(&kernel, "note"), (7, 2, 7, 3), "what would begin outside is moved in");
    handle.del();
    assert_eq!(kernel.win().focused().map(|w| w.name.clone()).as_deref(), Some("main"));
}

#[test]
fn fixed_rectangles_are_checked_and_follow_a_resize_where_they_are_open() {
    let kernel = kernel(&[("a", "a"), ("b", "b")]);
    drop(kernel.frame(20, 10));
    let fix = |name: &str, rect: PartialRect| kernel.layout().set_rects(&[(name.to_owned(), rect)]);
    fix("a", PartialRect { x: Some(4), width: Some(8), ..PartialRect::default() }).unwrap();
    drop(kernel.frame(20, 10));
    assert_eq!(rect(&kernel, "a"), (4, 0, 8, 5));
    drop(kernel.frame(20, 20));
    assert_eq!(rect(&kernel, "a"), (4, 0, 8, 10), "the height stays computed");
    drop(kernel.frame(10, 20));
    assert_eq!(rect(&kernel, "a"), (4, 0, 6, 10), "a smaller screen cuts it off");
    let wide = fix("b", PartialRect { width: Some(99), ..PartialRect::default() }).unwrap_err();
    assert!(wide.message.contains("`b`") && wide.message.contains("10×20"), "{}", wide.message);
    assert!(fix("nowhere", PartialRect::default()).is_err());
    assert_eq!(kernel.layout().rects().len(), 1);
    kernel.layout().reset();
    drop(kernel.frame(20, 10));
    assert_eq!(rect(&kernel, "a"), (0, 0, 20, 5));
}

#[test]
fn windows_on_one_buffer_scroll_and_point_for_themselves() {
    let (kernel, _host) = editor();
    kernel.buf().set_text("main", "one\ntwo\nthree\nfour");
    kernel.win().create(ExtId::CORE, Window::new("other", "editor", "main")).unwrap();
    kernel.buf().set_cursor("main", 0);
    kernel.win().focus("other");
    kernel.buf().set_cursor("main", 8);
    kernel.win().focus("main");
    assert_eq!(kernel.buf().cursor("main"), 0, "each has its own cursor");
    press(&kernel, "x x");
    kernel.win().focus("other");
    assert_eq!(kernel.buf().cursor("main"), 10, "which moves along with edits before it");
    kernel.win().scroll("main", |scroll| *scroll = Scroll { offset: 2, follow: false });
    assert_eq!(
        shown(&kernel, 8, 4),
        ["three", "four", "two", "three"],
        "the one with the focus shows its cursor"
    );
}

#[test]
fn a_renderer_may_come_before_its_window_and_wraps_what_was_drawn() {
    let (kernel, _host) = editor();
    let ext = kernel.ext().reserve("a");
    struct Shout;
    impl Renderer for Shout {
        fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError> {
            let before = cx.previous_lines().unwrap_or_default();
            for (row, line) in before.iter().enumerate() {
                let loud: Vec<Span> =
                    line.iter().map(|s| Span::new(s.text.to_uppercase(), s.style.clone())).collect();
                cx.canvas.spans(row as i32, 1, &loud);
            }
            Ok(())
        }
    }
    let handle = kernel.win().render(ext, "late", Rc::new(Shout), true);
    kernel.buf().create(ext, "late");
    kernel.buf().set_text("late", "quiet");
    kernel.win().create(ext, Window::new("late", "panel", "late")).unwrap();
    kernel.layout().set_tree(LayoutNode::win("late"));
    assert_eq!(kernel.win().get("late").unwrap().ownership, Ownership::Wrapped);
    assert_eq!(shown(&kernel, 8, 1), [" QUIET"]);
    handle.del();
    assert_eq!(kernel.win().get("late").unwrap().ownership, Ownership::Stock);
    assert_eq!(shown(&kernel, 8, 1), ["quiet"]);
}

fn text(row: i32, col: i32, text: &str) -> DrawOp {
    DrawOp::Text { row, col, text: text.into(), style: Style::default() }
}

#[test]
fn what_is_drawn_from_outside_stays_until_the_window_is_drawn_anew() {
    let kernel = kernel(&[("a", "stock"), ("b", "below")]);
    drop(kernel.frame(10, 4));
    kernel.win().draw(ExtId::CORE, "a", text(1, -1, "over the edge")).unwrap();
    kernel.win().draw(ExtId::CORE, "a", text(9, 0, "nowhere")).unwrap();
    kernel.win().draw(ExtId::CORE, "a", DrawOp::Spans { row: 0, col: 3, spans: vec!["X".into()] }).unwrap();
    kernel.win().draw(ExtId::CORE, "a", DrawOp::Cursor { row: 1, col: 2 }).unwrap();
    let frame = kernel.frame(10, 4);
    assert_eq!(frame.grid.text(&kernel.atlas()), ["stoXk", "ver the ed", "below", ""]);
    assert_eq!([0, 1, 2, 3].map(|row| frame.is_damaged(row)), [true, true, false, false]);
    drop(frame);
    assert_eq!(kernel.win().get("a").unwrap().ownership, Ownership::Overlay);
    assert_eq!(kernel.win().cursor("a"), Some((1, 2)));
    kernel.buf().set_text("b", "new");
    assert_eq!(shown(&kernel, 10, 4), ["stoXk", "ver the ed", "new", ""]);
    kernel.buf().set_text("a", "other");
    assert_eq!(shown(&kernel, 10, 4), ["other", "", "new", ""]);
    assert_eq!(kernel.win().get("a").unwrap().ownership, Ownership::Stock);
    assert!(kernel.win().draw(ExtId::CORE, "nowhere", DrawOp::Clear).is_err());
}

#[test]
fn operations_apply_in_call_order_and_show_control_characters() {
    let kernel = kernel(&[("a", "stock")]);
    let ops = [
        text(0, 0, "a\u{1b}[2Jb"),
        DrawOp::Lines { row: 1, col: 1, lines: vec![plain("l1"), plain("l2")], style: Style::default() },
        DrawOp::ClearRegion {
            row: 2,
            col: 0,
            height: 1,
            width: 2,
            style: Style::new().on(Token::SelectedBg),
        },
        DrawOp::Spans { row: 1, col: 6, spans: vec!["tail".into()] },
    ];
    kernel.win().draw_all(ExtId::CORE, ops.into_iter().map(|op| ("a".to_owned(), op)).collect()).unwrap();
    assert_eq!(shown(&kernel, 8, 4), ["a^[[2Jb", " l1   ta", "  2", ""]);
    kernel.win().draw(ExtId::CORE, "a", DrawOp::Clear).unwrap();
    kernel.win().draw(ExtId::CORE, "a", DrawOp::Box { style: Style::default(), title: Vec::new() }).unwrap();
    assert_eq!(shown(&kernel, 4, 3), ["╭──╮", "│  │", "╰──╯"]);
}

#[test]
fn a_failed_stretch_takes_its_drawing_back_and_a_runaway_is_stopped() {
    let kernel = kernel(&[("a", "stock")]);
    let ext = kernel.ext().reserve("e");
    kernel.win().draw(ext, "a", text(0, 0, "kept")).unwrap();
    let failed: Result<(), HandlerError> = kernel.guard().stretch(ext, DeadlineClass::Main, "draw", || {
        kernel.win().draw(ext, "a", text(0, 0, "lost"))?;
        Err("no".into())
    });
    assert!(failed.is_err());
    assert_eq!(shown(&kernel, 6, 1), ["kept"]);
    let bomb = kernel.guard().stretch(ext, DeadlineClass::Main, "draw", || {
        for _ in 0..1_000_000 {
            if kernel.win().draw(ext, "a", DrawOp::Clear).is_err() {
                break;
            }
        }
        Ok(())
    });
    assert_eq!(bomb.unwrap_err().kind, ErrorKind::Memory);
    assert_eq!(shown(&kernel, 6, 1), ["kept"]);
}

#[test]
fn an_owned_window_shows_what_is_drawn_on_it_and_nothing_else() {
    let kernel = kernel(&[("a", "stock")]);
    let ext = kernel.ext().reserve("e");
    kernel.win().set_owner_renderer(ext, "a", true).unwrap();
    kernel.win().draw(ext, "a", text(0, 0, "mine")).unwrap();
    assert_eq!(shown(&kernel, 6, 2), ["mine", ""]);
    kernel.buf().set_text("a", "changed");
    assert_eq!(shown(&kernel, 6, 2), ["mine", ""], "a change of the buffer is not its concern");
    kernel.win().draw(ext, "a", text(1, 0, "more")).unwrap();
    assert_eq!(shown(&kernel, 6, 2), ["mine", "more"]);
    kernel.win().redraw(Some("a"));
    assert_eq!(shown(&kernel, 6, 2), ["", ""]);
    kernel.win().set_owner_renderer(ext, "a", false).unwrap();
    assert_eq!(shown(&kernel, 8, 2), ["changed", ""]);
    kernel.win().set_owner_renderer(ext, "a", true).unwrap();
    kernel.ext().unload(ext);
    assert_eq!(shown(&kernel, 8, 2), ["changed", ""]);
    assert!(kernel.win().set_owner_renderer(ext, "nowhere", true).is_err());
}

#[test]
fn a_render_hook_fires_for_frames_that_are_drawn_and_draws_into_them() {
    let kernel = kernel(&[("a", "stock")]);
    let ext = kernel.ext().reserve("e");
    let frames = Rc::new(Cell::new(0));
    let (count, weak) = (frames.clone(), kernel.downgrade());
    let draw = HandlerFn::sync(move |event| {
        count.set(event.get("frame").and_then(|n| n.as_u64()).unwrap_or(0));
        if let Some(kernel) = weak.upgrade() {
            kernel.win().draw(ExtId::CORE, "a", text(1, 0, "hook"))?;
        }
        Ok(Value::Null)
    });
    kernel.hook().on(ext, "render", OnOptions::default(), draw).unwrap();
    assert_eq!(shown(&kernel, 6, 2), ["stock", "hook"]);
    assert_eq!(frames.get(), 1);
    drop(kernel.frame(6, 2));
    assert_eq!(frames.get(), 1, "a frame without anything new is not drawn");
    kernel.buf().set_text("a", "new");
    assert_eq!(shown(&kernel, 6, 2), ["new", "hook"]);
    assert_eq!(frames.get(), 2);
}

#[test]
fn a_frame_nobody_saw_leaves_its_damage_to_the_next() {
    let kernel = kernel(&[("a", "one"), ("b", "two")]);
    drop(kernel.frame(6, 2));
    kernel.buf().set_text("a", "x");
    kernel.frame(6, 2).discard();
    kernel.buf().set_text("b", "y");
    let frame = kernel.frame(6, 2);
    assert!(frame.is_damaged(0) && frame.is_damaged(1));
    drop(frame);
    let frame = kernel.frame(6, 2);
    assert!(!frame.changed && !frame.is_damaged(0));
}

#[test]
fn scrolling_draws_its_own_window_only() {
    let kernel = kernel(&[("a", "1\n2\n3"), ("b", "two")]);
    struct Counts(RefCell<Vec<String>>);
    impl Renderer for Counts {
        fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError> {
            self.0.borrow_mut().push(cx.window.name.clone());
            Ok(())
        }
    }
    let counts = Rc::new(Counts(RefCell::default()));
    kernel.win().set_stock_renderer("a", counts.clone());
    kernel.win().set_stock_renderer("b", counts.clone());
    drop(kernel.frame(6, 4));
    counts.0.borrow_mut().clear();
    kernel.win().scroll("a", |scroll| scroll.offset += 1);
    let frame = kernel.frame(6, 4);
    assert_eq!([0, 1, 2, 3].map(|row| frame.is_damaged(row)), [true, true, false, false]);
    assert_eq!(*counts.0.borrow(), ["a"]);
}

#[test]
fn the_text_view_shows_every_kind_of_mark() {
    let (kernel, _host) = editor();
    kernel.buf().set_text("main", "let x = 1\nsecond\nthird");
    kernel.buf().set_cursor("main", 4);
    let ns = kernel.mark().namespace("test");
    let set =
        |at: usize, options: MarkOptions| kernel.mark().set(ExtId::CORE, "main", ns, at, options).unwrap();
    let virt = |text: &'static str, pos| MarkOptions {
        virt_text: plain(text),
        virt_text_pos: pos,
        ..MarkOptions::default()
    };
    set(0, virt("eol", VirtPos::Eol));
    set(4, virt("<in>", VirtPos::Inline));
    set(10, virt("OVER", VirtPos::Overlay));
    set(12, virt("right", VirtPos::RightAlign));
    let below = vec![plain("a line of its own")];
    set(17, MarkOptions { virt_lines: below, sign: Some("!".into()), ..MarkOptions::default() });
    set(0, MarkOptions { end: Some(3), hl: Some("error".into()), ..MarkOptions::default() });
    assert_eq!(
        shown(&kernel, 24, 5),
        ["  let <in>x = 1 eol", "  OVERnd           right", "! third", "  a line of its own", ""]
    );
    let frame = kernel.frame(24, 5);
    let style = |col| {
        let atlas = kernel.atlas();
        kernel.hl().theme().flatten(atlas.style(frame.grid.cell(0, col).unwrap().style)).into_owned()
    };
    assert_eq!((style(2), style(6)), (Style::fg(Token::Error), Style::default()));
    assert_eq!(frame.cursor, Some((0, 10)), "the cursor stands behind what is put in before it");
}

#[test]
fn long_lines_wrap_and_the_cursor_is_kept_in_sight() {
    let (kernel, _host) = editor();
    kernel.buf().set_text("main", &format!("abcdefgh\n{}", "line\n".repeat(10)));
    kernel.buf().set_cursor("main", 8);
    assert_eq!(shown(&kernel, 4, 3), ["abcd", "efgh", ""]);
    assert_eq!(kernel.frame(4, 3).cursor, Some((2, 0)), "behind a full row");
    kernel.buf().set_cursor("main", 30);
    drop(kernel.frame(4, 3));
    assert!(kernel.frame(4, 3).cursor.is_some());
    kernel.win().set_var("main", "wrap", json!(false));
    kernel.buf().set_cursor("main", 0);
    assert_eq!(shown(&kernel, 4, 2), ["abcd", "line"]);
}

#[test]
fn text_breaks_between_words_and_the_cursor_stands_where_it_was() {
    let (kernel, _host) = editor();
    let text = "one three, a\tword  andaverylongone ";
    kernel.buf().set_text("main", text);
    let rows = ["one", "three, a", "word", "andavery", "longone"];
    assert_eq!(shown(&kernel, 8, 5), rows);
    let cursor = |at: usize| {
        kernel.buf().set_cursor("main", at);
        kernel.frame(8, 6).cursor
    };
    assert_eq!(cursor(3), Some((0, 3)), "the blank at which a row is broken hangs over its end");
    assert_eq!(cursor(4), Some((1, 0)));
    assert_eq!(cursor(12), Some((1, 7)), "a tab that does not fit, at the last cell");
    assert_eq!(cursor(13), Some((2, 0)));
    assert_eq!(cursor(text.chars().count()), Some((5, 0)), "behind a row that is full with its blank");
}

#[test]
fn a_line_parts_a_split_from_what_it_splits() {
    let sides = [
        (Side::Right, ["a    │s", "     │", "     │", "     │"]),
        (Side::Left, ["s    │a", "     │", "     │", "     │"]),
        (Side::Below, ["a", "", "───────────", "s"]),
        (Side::Above, ["s", "───────────", "a", ""]),
    ];
    for (side, expected) in sides {
        let kernel = kernel(&[("a", "a")]);
        kernel.buf().create(ExtId::CORE, "s");
        kernel.buf().set_text("s", "s");
        let upright = matches!(side, Side::Left | Side::Right);
        let size = Length::Cells(if upright { 6 } else { 2 });
        let window = Window {
            placement: split("a", side, Some(size)),
            border: Border::Line,
            ..Window::new("s", "panel", "s")
        };
        kernel.win().open(ExtId::CORE, window, false).unwrap();
        assert_eq!(shown(&kernel, 11, 4), expected, "{side:?}");
    }
}

#[test]
fn groups_link_and_a_theme_change_draws_everything() {
    let (kernel, _host) = editor();
    let ext = kernel.ext().reserve("e");
    let link = |to: &str| HighlightSpec { link: Some(to.into()), style: Style::default() };
    let handle =
        kernel.hl().set(ext, "Comment", HighlightSpec { link: None, style: Style::fg(Token::Dim) }).unwrap();
    kernel.hl().set(ext, "Todo", link("Comment")).unwrap();
    assert_eq!(kernel.hl().style("Todo"), Style::fg(Token::Dim));
    assert!(kernel.hl().set(ext, "Comment", link("Todo")).is_err(), "a circle");
    assert_eq!(kernel.hl().style("selectedBg"), Style::new().on(Token::SelectedBg), "tokens are groups");
    assert!(kernel.hl().list().iter().any(|(name, _)| name == "Todo"));
    let part = Style::group_part("Todo", Part::Fg);
    assert_eq!(kernel.hl().color("Todo", purlin_kernel::Ground::Fg), Some(part.clone()));
    assert_eq!(*kernel.hl().theme().flatten(&part), Style::fg(Token::Dim));
    drop(kernel.frame(4, 2));
    let revision = kernel.theme_revision();
    let theme = purlin_kernel::text::theme::Theme::from_toml("[groups]\nTitle = 'heading'").unwrap();
    kernel.set_theme(theme.clone());
    assert!(kernel.needs_frame() && kernel.theme_revision() != revision);
    assert_eq!(kernel.hl().style("Title"), Style::fg(Token::Heading));
    drop(kernel.frame(4, 2));
    kernel.set_theme(theme);
    assert!(!kernel.needs_frame(), "the same theme changes nothing");
    handle.del();
    assert_eq!(kernel.hl().style("Todo"), Style::default());
}

#[test]
fn the_layout_tells_the_tree_as_it_is_laid_out() {
    let kernel = kernel(&[("a", "a")]);
    kernel.layout().set_stock(LayoutNode::col(vec![LayoutNode::win("a").grow(1)]));
    open(&kernel, "s", split("a", Side::Right, None));
    let tree = kernel.layout().effective();
    let names: Vec<_> = tree.children[0].children.iter().map(|node| node.win.clone().unwrap()).collect();
    assert_eq!(names, ["a", "s"]);
    assert_eq!(kernel.win().get("s").unwrap().placement, split("a", Side::Right, None));
    drop(kernel.frame(10, 2));
    assert_eq!(kernel.win().get("a").unwrap().rect, Rect::new(0, 0, 5, 2));
}
