//! The layout tree's rectangles.

use std::rc::Rc;

use purlin_kernel::{ExtId, HandlerError, Kernel, LayoutNode, Rect, RenderContext, Renderer, Window};

use crate::host::FakeHost;

/// Column, row, width, height.
type Place = (u16, u16, u16, u16);

struct Tall(u16);

impl Renderer for Tall {
    fn render(&self, _: &mut RenderContext<'_>) -> Result<(), HandlerError> {
        Ok(())
    }

    fn measure(&self, _: &Kernel, _: &Window, _: u16) -> Option<u16> {
        Some(self.0)
    }
}

fn kernel(windows: &[&str]) -> Kernel {
    let kernel = Kernel::new(FakeHost::new());
    for name in windows {
        kernel.win().create(ExtId::CORE, Window::new(*name, "panel", *name)).unwrap();
    }
    kernel
}

fn rects(kernel: &Kernel, tree: LayoutNode, width: u16, height: u16) -> Vec<Place> {
    kernel.layout().set_tree(tree);
    drop(kernel.frame(width, height));
    let rect = |r: Rect| (r.x, r.y, r.width, r.height);
    let mut list = kernel.win().list();
    list.sort_by(|a, b| a.name.cmp(&b.name));
    list.iter().map(|window| rect(window.rect)).collect()
}

#[test]
fn a_table_of_trees() {
    let w = LayoutNode::win;
    let table: Vec<(LayoutNode, (u16, u16), Vec<Place>)> = vec![
        (
            LayoutNode::col(vec![w("a").grow(1), w("b").size(3), w("c").size(1)]),
            (80, 24),
            vec![(0, 0, 80, 20), (0, 20, 80, 3), (0, 23, 80, 1)],
        ),
        (
            LayoutNode::row(vec![w("a").grow(1), w("b").grow(2), w("c").size(10)]),
            (40, 5),
            vec![(0, 0, 10, 5), (10, 0, 20, 5), (30, 0, 10, 5)],
        ),
        (
            LayoutNode::col(vec![w("a").grow(1).max(5), w("b").grow(1), w("c").grow(1)]),
            (10, 25),
            vec![(0, 0, 10, 5), (0, 5, 10, 10), (0, 15, 10, 10)],
        ),
        // Too little room: what grows gives way first, then the last ones down to their minimum, then everything.
        (
            LayoutNode::col(vec![w("a").grow(1).min(3), w("b").min(2).size(6), w("c").size(1)]),
            (10, 6),
            vec![(0, 0, 10, 3), (0, 3, 10, 3), (0, 6, 10, 0)],
        ),
        (
            LayoutNode::col(vec![w("a").grow(1), w("b").size(3), w("c").size(1)]),
            (10, 2),
            vec![(0, 0, 10, 0), (0, 0, 10, 2), (0, 2, 10, 0)],
        ),
        (
            LayoutNode::col(vec![
                LayoutNode::row(vec![w("a").size(4), w("b").grow(1)]).grow(1),
                w("c").size(2),
            ]),
            (10, 10),
            vec![(0, 0, 4, 8), (4, 0, 6, 8), (0, 8, 10, 2)],
        ),
    ];
    for (tree, (width, height), expected) in table {
        let kernel = kernel(&["a", "b", "c"]);
        assert_eq!(rects(&kernel, tree.clone(), width, height), expected, "{tree:?}");
    }
}

#[test]
fn items_without_a_size_are_as_tall_as_their_renderer_asks() {
    let kernel = kernel(&["a", "b"]);
    let tree = LayoutNode::col(vec![LayoutNode::win("a").grow(1), LayoutNode::win("b").min(3).max(12)]);
    for (wanted, height) in [(1, 3), (7, 7), (40, 12)] {
        kernel.win().set_stock_renderer("b", Rc::new(Tall(wanted)));
        assert_eq!(rects(&kernel, tree.clone(), 80, 24)[1], (0, 24 - height, 80, height));
    }
}

#[test]
fn hidden_windows_take_no_room_and_reset_brings_the_stock_tree_back() {
    let kernel = kernel(&["a", "b"]);
    let tree = LayoutNode::col(vec![LayoutNode::win("a").grow(1), LayoutNode::win("b").size(3)]);
    kernel.layout().set_stock(tree.clone());
    kernel.win().delete("b");
    assert_eq!(rects(&kernel, tree.clone(), 10, 10), [(0, 0, 10, 10), (0, 0, 0, 0)]);
    kernel.win().reset("b");
    assert_eq!(rects(&kernel, LayoutNode::win("b"), 10, 10), [(0, 0, 0, 0), (0, 0, 10, 10)]);
    kernel.layout().reset();
    assert_eq!(*kernel.layout().get(), tree);
}

#[test]
fn no_size_panics_and_rectangles_stay_on_the_screen() {
    let kernel = kernel(&["a", "b", "c"]);
    kernel
        .win()
        .create(ExtId::CORE, Window::float("f", "float", "a", Rect::new(3, 3, 500, u16::MAX)))
        .unwrap();
    let tree = LayoutNode::col(vec![
        LayoutNode::win("a").grow(1).min(3),
        LayoutNode::row(vec![LayoutNode::win("b").grow(1).min(9), LayoutNode::win("c").size(7)]).size(5),
    ]);
    for (width, height) in [(0, 0), (1, 1), (2, 1), (1, 2), (5, 3), (20, 5), (300, 200), (u16::MAX, 1)] {
        for (x, y, w, h) in rects(&kernel, tree.clone(), width, height) {
            assert!(u32::from(x) + u32::from(w) <= u32::from(width), "{width}x{height}");
            assert!(u32::from(y) + u32::from(h) <= u32::from(height), "{width}x{height}");
        }
    }
}
