//! Frames: who draws, what is drawn again, what a diff says.

use std::cell::Cell;
use std::rc::Rc;

use proptest::prelude::*;
use purlin_kernel::grid::{Atlas, Cell as GridCell, Grid, diff};
use purlin_kernel::text::Style;
use purlin_kernel::{
    Canvas, ExtId, HandlerError, Input, Kernel, LayoutNode, Rect, RenderContext, Renderer, Window,
};

use crate::host::{editor, press};

/// Draws its buffer's text and counts how often.
#[derive(Default)]
struct Lines(Cell<usize>);

impl Renderer for Lines {
    fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError> {
        self.0.set(self.0.get() + 1);
        let text = cx.kernel.buf().text(&cx.window.buffer);
        for (row, line) in text.lines().enumerate() {
            cx.canvas.text(row as i32, 0, line, &Style::default());
        }
        cx.set_cursor(0, text.len() as u16);
        Ok(())
    }
}

struct Draws<F>(F);

impl<F: Fn(&mut RenderContext<'_>) -> Result<(), HandlerError>> Renderer for Draws<F> {
    fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError> {
        (self.0)(cx)
    }
}

fn shown(kernel: &Kernel, width: u16, height: u16) -> Vec<String> {
    let frame = kernel.frame(width, height);
    frame.grid.text(&kernel.atlas())
}

fn two() -> (Kernel, Rc<Lines>, Rc<Lines>) {
    let (kernel, _host) = editor();
    kernel.buf().create(ExtId::CORE, "side");
    kernel.win().create(ExtId::CORE, Window::new("side", "panel", "side")).unwrap();
    kernel
        .layout()
        .set_stock(LayoutNode::col(vec![LayoutNode::win("side").grow(1), LayoutNode::win("main").size(1)]));
    let (main, side) = (Rc::new(Lines::default()), Rc::new(Lines::default()));
    kernel.win().set_stock_renderer("main", main.clone());
    kernel.win().set_stock_renderer("side", side.clone());
    (kernel, main, side)
}

#[test]
fn only_what_is_dirty_is_drawn_and_nothing_when_nothing_is() {
    let (kernel, main, side) = two();
    kernel.buf().set_text("side", "over\nthere");
    press(&kernel, "h i");
    assert_eq!(shown(&kernel, 10, 3), ["over", "there", "hi"]);
    assert!(!kernel.needs_frame());
    let frame = kernel.frame(10, 3);
    assert!(!frame.changed);
    assert_eq!(frame.cursor, Some((2, 2)));
    drop(frame);
    press(&kernel, "!");
    assert!(kernel.needs_frame());
    let frame = kernel.frame(10, 3);
    assert_eq!((0..3).map(|row| frame.is_damaged(row)).collect::<Vec<_>>(), [false, false, true]);
    drop(frame);
    assert_eq!((main.0.get(), side.0.get()), (2, 1));
}

#[test]
fn waking_happens_when_something_became_dirty() {
    let (kernel, ..) = two();
    let woken = Rc::new(Cell::new(0));
    let counter = woken.clone();
    kernel.on_wake(Rc::new(move || counter.set(counter.get() + 1)));
    drop(kernel.frame(10, 3));
    woken.set(0);
    drop(kernel.frame(10, 3));
    assert_eq!(woken.get(), 0);
    kernel.buf().set_text("side", "x");
    assert!(woken.get() > 0);
}

#[test]
fn floats_lie_on_top_and_are_cut_at_the_edges() {
    let (kernel, ..) = two();
    kernel.buf().set_text("side", "0123456789\n0123456789");
    let float = Window { focusable: false, ..Window::float("pop", "float", "none", Rect::new(7, 0, 20, 9)) };
    let handle = kernel.win().create(ExtId::CORE, float).unwrap();
    kernel.win().set_stock_renderer(
        "pop",
        Rc::new(Draws(|cx: &mut RenderContext<'_>| {
            for row in -2..20 {
                cx.canvas.text(row, -2, "abcdefghijklmnopqrstuvwxyz", &Style::default());
            }
            Ok(())
        })),
    );
    assert_eq!(shown(&kernel, 10, 3), ["0123456cde", "0123456cde", "       cde"]);
    handle.del();
    assert_eq!(shown(&kernel, 10, 3), ["0123456789", "0123456789", ""]);
}

#[test]
fn wide_graphemes_cut_in_half_become_blank() {
    let (kernel, ..) = two();
    kernel.buf().set_text("side", "日本語日本");
    let float = Window { focusable: false, ..Window::float("pop", "float", "none", Rect::new(3, 0, 2, 1)) };
    kernel.win().create(ExtId::CORE, float).unwrap();
    kernel.win().set_stock_renderer(
        "pop",
        Rc::new(Draws(|cx: &mut RenderContext<'_>| {
            cx.canvas.text(0, 0, "ab", &Style::default());
            Ok(())
        })),
    );
    let frame = kernel.frame(9, 2);
    let row = frame.grid.row(0);
    assert_eq!(frame.grid.row_text(0, &kernel.atlas()), "日 ab 日 ");
    for (at, cell) in row.iter().enumerate() {
        let follows = at > 0 && row[at - 1].width == 2;
        assert_eq!(cell.width == 0, follows, "column {at}");
    }
}

#[test]
fn an_extension_draws_instead_and_a_failing_one_falls_back() {
    let (kernel, ..) = two();
    let ext = kernel.ext().reserve("a");
    kernel.buf().set_text("side", "stock");
    let own = kernel.win().render(
        ext,
        "side",
        Rc::new(Draws(|cx: &mut RenderContext<'_>| {
            cx.canvas.text(0, 0, "mine", &Style::default());
            Ok(())
        })),
        false,
    );
    assert_eq!(shown(&kernel, 10, 2)[0], "mine");
    let wrapping = kernel.win().render(
        ext,
        "side",
        Rc::new(Draws(|cx: &mut RenderContext<'_>| {
            let previous = cx.previous.cloned().unwrap_or_default();
            cx.canvas.text(0, 0, "> ", &Style::default());
            assert_eq!(previous.width(), cx.canvas.width());
            Ok(())
        })),
        true,
    );
    assert_eq!(shown(&kernel, 10, 2)[0], ">");
    wrapping.del();
    let broken = kernel.win().render(
        ext,
        "side",
        Rc::new(Draws(|cx: &mut RenderContext<'_>| {
            cx.canvas.text(1, 0, "half drawn", &Style::default());
            Err("no".into())
        })),
        false,
    );
    assert_eq!(shown(&kernel, 10, 3), ["mine", "", ""]);
    own.del();
    assert_eq!(shown(&kernel, 10, 3), ["stock", "", ""]);
    broken.del();
    kernel.win().render(ext, "side", Rc::new(Draws(|_: &mut RenderContext<'_>| panic!("ouch"))), false);
    assert_eq!(shown(&kernel, 10, 2)[0], "stock");
    kernel.ext().unload(ext);
    assert_eq!(shown(&kernel, 10, 2)[0], "stock");
    assert!(!kernel.guard().messages().is_empty());
}

#[test]
fn a_renderer_that_states_what_already_holds_asks_for_no_further_frame() {
    let (kernel, ..) = two();
    kernel.win().set_stock_renderer(
        "side",
        Rc::new(Draws(|cx: &mut RenderContext<'_>| {
            cx.kernel.win().scroll("side", |scroll| scroll.offset = 0);
            cx.kernel.buf().set_cursor("side", 0);
            Ok(())
        })),
    );
    drop(kernel.frame(10, 3));
    drop(kernel.frame(10, 3));
    assert!(!kernel.needs_frame());
}

#[test]
fn tiny_screens_and_resizes_in_between_draw_without_a_panic() {
    let (kernel, ..) = two();
    kernel.buf().set_text("side", "日本語\n\tlong line with words\u{7}");
    for (width, height) in [(0, 0), (1, 1), (2, 2), (1, 9), (20, 5), (80, 24), (3, 1), (0, 7), (200, 60)] {
        kernel.input(Input::Resize(width, height));
        press(&kernel, "x");
        let frame = kernel.frame(width, height);
        assert_eq!((frame.grid.width(), frame.grid.height()), (width, height));
        if let Some((row, col)) = frame.cursor {
            assert!(row < height && col < width);
        }
    }
}

proptest! {
    #[test]
    fn a_diff_applied_to_the_old_grid_is_the_new_one(
        old in prop::collection::vec((0..5i32, 0..12i32, "[a-c日é👩 ]{0,6}"), 0..12),
        new in prop::collection::vec((0..5i32, 0..12i32, "[a-c日é👩 ]{0,6}"), 0..12),
    ) {
        let mut atlas = Atlas::new();
        let mut draw = |texts: &[(i32, i32, String)]| {
            let mut grid = Grid::new(12, 5);
            let mut canvas = Canvas::new(&mut grid, &mut atlas);
            for (row, col, text) in texts {
                canvas.text(*row, *col, text, &Style::default());
            }
            grid
        };
        let (old, new) = (draw(&old), draw(&new));
        let mut cells: Vec<Vec<GridCell>> = (0..5).map(|row| old.row(row).to_vec()).collect();
        for run in diff(&old, &new) {
            let range = usize::from(run.start)..usize::from(run.end);
            prop_assert!(new.row(run.row)[range.start].width != 0, "a run begins inside a wide grapheme");
            cells[usize::from(run.row)][range.clone()].copy_from_slice(&new.row(run.row)[range]);
        }
        for (row, cells) in cells.iter().enumerate() {
            prop_assert_eq!(cells.as_slice(), new.row(row as u16));
        }
    }
}
