//! The list of a dialog: which items are shown, and in how many rows each.

use std::ops::Range;

use purlin_kernel::{
    Select, SelectItem,
    text::{Attrs, Line, Span, Style, Token, line_truncate, line_width, visible, wrap_line},
};

use super::LISTED;

/// On a narrower screen what an item says goes on below it, rather than being cut.
const CUTS: usize = 72;
/// Rows of a list whose items go on below, at most.
const TALLEST: usize = 18;
/// Rows of one item that is not chosen, at most.
const ITEM: usize = 3;

/// The part of a list that is shown.
pub(super) struct List<'a> {
    select: &'a Select,
    width: usize,
    /// The columns of the labels.
    column: usize,
    /// Rows of the chosen item, at most.
    most: usize,
    /// Positions in the list of what is shown.
    pub(super) items: Range<usize>,
}

impl<'a> List<'a> {
    /// Chooses what is shown of a list in so many rows; the screen has `height`.
    pub(super) fn of(select: &'a Select, width: usize, height: usize, room: usize) -> Self {
        let mut list = Self { select, width, column: 0, most: height / 3, items: 0..0 };
        let chosen = select.shown.get(select.selected).map_or(0, |_| list.rows(select.selected).len());
        // What the chosen item says below itself takes the room of others.
        let room = if list.wraps() {
            room.clamp(1, TALLEST)
        } else {
            (room + 1).saturating_sub(chosen).clamp(1, LISTED) + chosen.saturating_sub(1)
        };
        list.items = list.around(room);
        // Only what is listed decides the column: a list may be long.
        list.column = list.column_of(list.items.clone());
        if list.wraps() {
            list.items = list.around(room);
        }
        list
    }

    /// Whether items go on below themselves.
    fn wraps(&self) -> bool {
        self.width < CUTS && self.select.items.iter().any(|item| !item.detail.is_empty())
    }

    /// The items around the chosen one that have so many rows.
    fn around(&self, room: usize) -> Range<usize> {
        let (chosen, count) = (self.select.selected, self.select.shown.len());
        if chosen >= count {
            return 0..0;
        }
        let (mut start, mut end) = (chosen, chosen + 1);
        let mut used = self.rows(chosen).len();
        let half = room.saturating_sub(used - 1) / 2;
        let mut above = 0;
        while start > 0 && above + self.tall(start - 1) <= half && used + self.tall(start - 1) <= room {
            start -= 1;
            above += self.tall(start);
            used += self.tall(start);
        }
        while end < count && used + self.tall(end) <= room {
            used += self.tall(end);
            end += 1;
        }
        while start > 0 && used + self.tall(start - 1) <= room {
            start -= 1;
            used += self.tall(start);
        }
        start..end
    }

    fn tall(&self, position: usize) -> usize {
        if self.wraps() { self.rows(position).len() } else { 1 }
    }

    fn column_of(&self, positions: Range<usize>) -> usize {
        let labels = positions.filter_map(|position| self.item(position));
        let widest = labels.map(|item| purlin_kernel::text::width(&item.label)).max().unwrap_or(0);
        // Beside long labels there is no room for words; they stand below.
        if self.wraps() && widest > self.width / 3 { 0 } else { widest.min(self.width / 2) }
    }

    fn item(&self, position: usize) -> Option<&'a SelectItem> {
        self.select.items.get(*self.select.shown.get(position)?)
    }

    /// The rows of the item at a position of the list.
    pub(super) fn rows(&self, position: usize) -> Vec<Line> {
        let Some(item) = self.item(position) else { return Vec::new() };
        let chosen = position == self.select.selected;
        let toggled = self.select.multi.then(|| self.select.toggled.contains(&self.select.shown[position]));
        if self.wraps() {
            return self.wrapped(item, chosen, toggled);
        }
        let padded = purlin_kernel::text::pad_right(&item.label, self.column);
        let detailed = self.select.items.iter().any(|item| !item.detail.is_empty());
        let label = if detailed { &padded } else { &item.label };
        let mut rows = vec![item_line(label, &item.detail, chosen, toggled, self.width)];
        if chosen {
            rows.extend(whole(item, self.width, self.most));
        }
        rows
    }

    /// An item whose words go on below: beside the labels where these are short, else under its own.
    fn wrapped(&self, item: &SelectItem, chosen: bool, toggled: Option<bool>) -> Vec<Line> {
        let label = one_row(&item.label);
        let detail = one_row(&item.detail);
        let beside =
            4 + purlin_kernel::text::width(&label) + purlin_kernel::text::width(&detail) <= self.width;
        if item.detail.is_empty() || (self.column == 0 && beside) {
            return vec![item_line(&label, &detail, chosen, toggled, self.width)];
        }
        let indent = if self.column == 0 { 4 } else { self.column + 4 };
        let style = Style::fg(Token::Dim);
        let hanging = [Span::from(" ".repeat(indent))];
        let mut rows = if self.column == 0 {
            let mut rows = vec![item_line(&label, "", chosen, toggled, self.width)];
            let line = [hanging[0].clone(), Span::new(detail, style)];
            rows.extend(wrap_line(&line, self.width, &hanging));
            rows
        } else {
            let room = self.width.saturating_sub(indent).max(1);
            let mut words = purlin_kernel::text::wrap(&detail, room).into_iter();
            let first = words.next().unwrap_or_default();
            let label = purlin_kernel::text::pad_right(&label, self.column);
            let mut rows = vec![item_line(&label, &first, chosen, toggled, self.width)];
            rows.extend(words.map(|row| vec![hanging[0].clone(), Span::new(row, style.clone())]));
            rows
        };
        let most = if chosen { self.most.max(ITEM) } else { ITEM };
        if rows.len() > most {
            rows.truncate(most);
            if let Some(last) = rows.last_mut() {
                let mut cut = line_truncate(std::mem::take(last), self.width.saturating_sub(1));
                cut.push(Span::new("…", Style::fg(Token::Dim)));
                *last = cut;
            }
        }
        rows
    }
}

fn one_row(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}

/// All that the chosen item says, below it, where its row has no room for it.
fn whole(item: &SelectItem, width: usize, most: usize) -> Vec<Line> {
    let text = if item.detail.is_empty() { &item.label } else { &item.detail };
    let taken = if item.detail.is_empty() { 2 } else { 4 + purlin_kernel::text::width(&item.label) };
    if taken + purlin_kernel::text::width(text) <= width && !text.contains('\n') {
        return Vec::new();
    }
    let style = Style::fg(Token::Dim);
    let mut lines = Vec::new();
    for source in visible(text).split('\n') {
        let line = [Span::from("    "), Span::new(source.replace('\t', "    "), style.clone())];
        lines.extend(wrap_line(&line, width, &[Span::from("    ")]));
    }
    lines.truncate(most);
    lines
}

/// One item of a list: a marker, the label, and what is quieter, on a band when it is chosen.
pub(crate) fn item_line(
    label: &str,
    detail: &str,
    chosen: bool,
    toggled: Option<bool>,
    width: usize,
) -> Line {
    let base = if chosen { Style::new().on(Token::SelectedBg) } else { Style::default() };
    let mark = match (chosen, toggled) {
        (_, Some(true)) => "☑ ",
        (_, Some(false)) => "☐ ",
        (true, None) => "› ",
        (false, None) => "  ",
    };
    let label_style = if chosen { base.clone().with(Attrs::BOLD) } else { base.clone() };
    let mut line =
        vec![Span::new(mark, base.clone().with_fg(Token::Accent)), Span::new(one_row(label), label_style)];
    if !detail.is_empty() {
        line.push(Span::new(format!("  {}", one_row(detail)), base.clone().with_fg(Token::Dim)));
    }
    let mut line = line_truncate(line, width);
    let free = width.saturating_sub(line_width(&line));
    if chosen && free > 0 {
        line.push(Span::new(" ".repeat(free), base));
    }
    line
}
