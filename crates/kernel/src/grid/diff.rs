//! What has to be written to turn one grid into another.

use super::{Cell, Grid};

/// Adjacent cells of one row that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run<'g> {
    /// The row.
    pub row: u16,
    /// The first column.
    pub col: u16,
    /// The new cells.
    pub cells: &'g [Cell],
}

/// Unchanged cells between two changes that are cheaper to write again than to jump over.
const GAP: usize = 3;

/// Answers the changed runs, by row and column. Grids of different sizes differ everywhere.
pub fn diff<'g>(old: &Grid, new: &'g Grid) -> Vec<Run<'g>> {
    diff_rows(old, new, |_| true)
}

/// Answers the changed runs of the rows that `damaged` names.
pub fn diff_rows<'g>(old: &Grid, new: &'g Grid, damaged: impl Fn(u16) -> bool) -> Vec<Run<'g>> {
    let resized = old.width() != new.width() || old.height() != new.height();
    let mut runs = Vec::new();
    for row in 0..new.height() {
        let cells = new.row(row);
        if resized {
            runs.push(Run { row, col: 0, cells });
        } else if damaged(row) && old.row(row) != cells {
            diff_row(row, old.row(row), cells, &mut runs);
        }
    }
    runs
}

fn diff_row<'g>(row: u16, old: &[Cell], new: &'g [Cell], runs: &mut Vec<Run<'g>>) {
    let mut at = 0;
    while let Some(start) = (at..new.len()).find(|i| old[*i] != new[*i]) {
        // A run never begins inside a wide grapheme.
        let start = if new[start].is_continuation() && start > at { start - 1 } else { start };
        let mut end = start + 1;
        let mut same = 0;
        for i in start + 1..new.len() {
            if old[i] == new[i] {
                same += 1;
                if same > GAP {
                    break;
                }
            } else {
                same = 0;
                end = i + 1;
            }
        }
        while end < new.len() && new[end].is_continuation() {
            end += 1;
        }
        runs.push(Run { row, col: start as u16, cells: &new[start..end] });
        at = end;
    }
}
