use proptest::prelude::*;
use purlin_kernel::{
    grid::Canvas,
    text::{Color, Style},
};

use super::*;

const ABILITIES: Abilities = Abilities { depth: Depth::TrueColor, synchronized: true, links: true };

/// Shows grids one after another on one virtual terminal and compares it with each of them.
struct Stage {
    encoder: Encoder,
    terminal: vt100::Parser,
    atlas: Atlas,
}

impl Stage {
    fn new(abilities: Abilities) -> Stage {
        Stage {
            encoder: Encoder::new(abilities, Theme::dark()),
            terminal: vt100::Parser::new(
                8.try_into().expect("not zero"),
                20.try_into().expect("not zero"),
                0,
            ),
            atlas: Atlas::new(),
        }
    }

    fn show(&mut self, grid: &Grid, caret: Option<(u16, u16)>) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encoder.encode(grid, &self.atlas, caret, &mut bytes);
        self.terminal.process(&bytes);
        bytes
    }

    fn assert_shows(&self, grid: &Grid) {
        let screen = self.terminal.screen();
        for row in 0..grid.height() {
            for (col, cell) in grid.row(row).iter().enumerate() {
                let shown = screen.cell(row, col as u16).expect("inside");
                if cell.width == 0 {
                    assert!(shown.is_wide_continuation(), "at {row},{col}");
                    continue;
                }
                let glyph = self.atlas.glyph(cell.glyph);
                let contents = if shown.contents().is_empty() { " " } else { shown.contents() };
                assert_eq!(contents, glyph.as_str(), "at {row},{col}");
                let paint = Theme::dark().resolve(self.atlas.style(cell.style), Depth::TrueColor);
                let same = |ink: Ink, color: vt100::Color| match ink {
                    Ink::Default => color == vt100::Color::Default,
                    Ink::Indexed(index) => color == vt100::Color::Idx(index),
                    Ink::Rgb(r, g, b) => color == vt100::Color::Rgb(r, g, b),
                };
                assert!(same(paint.bg, shown.bgcolor()), "background at {row},{col}");
                assert_eq!(shown.inverse(), paint.attrs.contains(Attrs::REVERSE), "at {row},{col}");
                assert_eq!(shown.underline(), paint.attrs.contains(Attrs::UNDERLINE), "at {row},{col}");
                if glyph.as_str() != " " {
                    assert!(same(paint.fg, shown.fgcolor()), "foreground at {row},{col}");
                    assert_eq!(shown.bold(), paint.attrs.contains(Attrs::BOLD), "at {row},{col}");
                }
            }
        }
    }
}

#[test]
fn an_unchanged_frame_sends_nothing() {
    let mut stage = Stage::new(ABILITIES);
    let grid = Grid::new(20, 8);
    assert!(!stage.show(&grid, Some((1, 1))).is_empty());
    assert_eq!(stage.show(&grid, Some((1, 1))), b"");
    assert_eq!(stage.show(&grid, Some((1, 2))), b"\x1b[C");
    assert_eq!(stage.show(&grid, None), b"\x1b[?25l");
}

#[test]
fn a_typed_character_costs_little_and_leaves_the_cursor_at_the_caret() {
    let mut stage = Stage::new(Abilities { synchronized: false, ..ABILITIES });
    let mut grid = Grid::new(20, 8);
    stage.show(&grid, Some((6, 2)));
    Canvas::new(&mut grid, &mut stage.atlas).text(6, 2, "x", &Style::default());
    let bytes = stage.show(&grid, Some((6, 3)));
    assert_eq!(String::from_utf8_lossy(&bytes), "\x1b[?25lx\x1b[?25h");
    assert_eq!(stage.terminal.screen().cursor_position(), (6, 3));
}

#[test]
fn the_screen_is_never_cleared() {
    let mut stage = Stage::new(ABILITIES);
    let mut grid = Grid::new(20, 8);
    Canvas::new(&mut grid, &mut stage.atlas).text(0, 0, "hello", &Style::default());
    let bytes = stage.show(&grid, None);
    let text = String::from_utf8_lossy(&bytes);
    assert!(!text.contains("\x1b[2J") && !text.contains("\x1b[J"), "{text:?}");
    stage.encoder.forget();
    stage.show(&grid, None);
    stage.assert_shows(&grid);
}

#[test]
fn links_open_and_close() {
    let mut stage = Stage::new(ABILITIES);
    let mut grid = Grid::new(20, 8);
    Canvas::new(&mut grid, &mut stage.atlas).text(
        0,
        0,
        "ab",
        &Style::default().link("http://x.test/\u{1b}é"),
    );
    let text = String::from_utf8_lossy(&stage.show(&grid, None)).into_owned();
    assert!(text.contains("\x1b]8;;http://x.test/\x1b\\ab\x1b]8;;\x1b\\"), "{text:?}");
}

fn style() -> impl Strategy<Value = Style> {
    let color = prop_oneof![
        3 => Just(Color::Default),
        1 => any::<u8>().prop_map(Color::Indexed),
        1 => any::<(u8, u8, u8)>().prop_map(|(r, g, b)| Color::Rgb(r, g, b)),
    ];
    (color.clone(), color, 0usize..Attrs::NAMES.len() + 1).prop_map(|(fg, bg, attr)| Style {
        fg,
        bg,
        attrs: Attrs::NAMES.get(attr).map_or(Attrs::NONE, |(_, attr)| *attr),
        url: None,
        layer: None,
    })
}

proptest! {
    #[test]
    fn the_terminal_shows_the_grid(
        frames in proptest::collection::vec(
            (proptest::collection::vec((0i32..8, -2i32..20, "[ab日é  ]{0,12}", style()), 0..6), 0u16..8, 0u16..20, any::<bool>()),
            1..6,
        ),
        synchronized in any::<bool>(),
    ) {
        let mut stage = Stage::new(Abilities { synchronized, ..ABILITIES });
        let mut grid = Grid::new(20, 8);
        for (texts, row, col, clear) in frames {
            if clear {
                Canvas::new(&mut grid, &mut stage.atlas).clear();
            }
            for (row, col, text, style) in texts {
                Canvas::new(&mut grid, &mut stage.atlas).text(row, col, &text, &style);
            }
            stage.show(&grid, Some((row, col)));
            stage.assert_shows(&grid);
            prop_assert_eq!(stage.terminal.screen().cursor_position(), (row, col));
        }
    }
}
