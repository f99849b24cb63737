use proptest::prelude::*;

use super::*;
use crate::text::{Attrs, Style, Token};

fn shown(grid: &Grid, atlas: &Atlas) -> Vec<String> {
    (0..grid.height()).map(|row| grid.row_text(row, atlas).trim_end().to_owned()).collect()
}

fn sound(grid: &Grid) -> bool {
    (0..grid.height()).all(|row| {
        let cells = grid.row(row);
        cells.iter().enumerate().all(|(at, cell)| match cell.width {
            2 => cells.get(at + 1).is_some_and(|next| next.width == 0),
            0 => at > 0 && cells[at - 1].width == 2,
            _ => true,
        })
    })
}

#[test]
fn text_is_clipped_in_both_directions() {
    let (mut grid, mut atlas) = (Grid::new(6, 3), Atlas::new());
    let mut canvas = Canvas::new(&mut grid, &mut atlas);
    let style = Style::default();
    canvas.text(0, -2, "abcdefghij", &style);
    canvas.text(1, 4, "日本", &style);
    canvas.text(2, 5, "日", &style);
    canvas.text(-1, 0, "no", &style);
    canvas.text(3, 0, "no", &style);
    assert_eq!(shown(&grid, &atlas), ["cdefgh", "    日", ""]);
    assert!(sound(&grid));
}

#[test]
fn halves_of_wide_graphemes_are_blanked() {
    let (mut grid, mut atlas) = (Grid::new(4, 1), Atlas::new());
    let mut canvas = Canvas::new(&mut grid, &mut atlas);
    let style = Style::default();
    canvas.text(0, 0, "日本", &style);
    canvas.text(0, 1, "x", &style);
    assert_eq!(shown(&grid, &atlas), [" x本"]);
    let mut canvas = Canvas::new(&mut grid, &mut atlas);
    canvas.text(0, 2, "y", &style);
    assert_eq!(shown(&grid, &atlas), [" xy"]);
}

#[test]
fn controls_and_tabs_never_reach_a_cell() {
    let (mut grid, mut atlas) = (Grid::new(12, 1), Atlas::new());
    Canvas::new(&mut grid, &mut atlas).text(0, 0, "a\u{1b}b\tc", &Style::default());
    assert_eq!(shown(&grid, &atlas), ["a^[b    c"]);
}

#[test]
fn parts_frames_and_tints() {
    let (mut grid, mut atlas) = (Grid::new(8, 3), Atlas::new());
    let mut canvas = Canvas::new(&mut grid, &mut atlas);
    canvas.frame(&Style::fg(Token::Border), &["t".into()]);
    let mut inner = canvas.part(1, 1, 1, 6);
    inner.text(0, 4, "long", &Style::default());
    inner.tint(0, 0, 1, 6, &Style::new().on(Token::SelectedBg).with(Attrs::BOLD));
    assert_eq!(shown(&grid, &atlas), ["╭─ t ──╮", "│    lo│", "╰──────╯"]);
    let style = atlas.style(grid.cell(1, 5).expect("inside").style);
    assert_eq!(*style, Style::new().on(Token::SelectedBg).with(Attrs::BOLD));
}

#[test]
fn a_diff_is_empty_for_equal_grids_and_whole_after_a_resize() {
    let grid = Grid::new(5, 2);
    assert!(diff(&grid, &grid.clone()).is_empty());
    assert_eq!(diff(&Grid::new(4, 2), &grid).len(), 2);
    assert!(diff(&grid, &Grid::new(0, 0)).is_empty());
}

proptest! {
    #[test]
    fn drawing_keeps_the_grid_sound_and_the_diff_complete(
        texts in proptest::collection::vec((-3i32..12, -4i32..24, "[a日👩é\t\u{1b} ]{0,8}"), 0..12),
    ) {
        let mut atlas = Atlas::new();
        let mut grid = Grid::new(20, 8);
        for (row, col, text) in texts {
            let before = grid.clone();
            Canvas::new(&mut grid, &mut atlas).text(row, col, &text, &Style::default());
            prop_assert!(sound(&grid));
            let mut patched = before.clone();
            for run in diff(&before, &grid) {
                for col in run.start..run.end {
                    patched.row_mut(run.row)[usize::from(col)] = grid.row(run.row)[usize::from(col)];
                }
                prop_assert!(grid.row(run.row)[usize::from(run.start)].width != 0);
            }
            prop_assert_eq!(patched, grid.clone());
        }
    }
}
