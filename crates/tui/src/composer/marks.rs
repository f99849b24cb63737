//! What marks show in the composer: colours, links, signs, and text of their own in and around the lines.

use purlin_kernel::{
    Kernel, Mark, RenderContext, VirtPos,
    text::{Line, Span, Style, TAB_WIDTH, grapheme_width, graphemes, line_width},
};

use super::view::Row;

/// More marks than this are not looked at.
const MOST: usize = 5_000;

/// The marks of the composer's text.
#[derive(Debug, Default)]
pub(crate) struct Decor {
    marks: Vec<(Mark, Style)>,
}

impl Decor {
    /// Reads the marks of a buffer.
    pub(super) fn of(kernel: &Kernel, buffer: &str) -> Decor {
        if !kernel.mark().is_marked(buffer) {
            return Decor::default();
        }
        let mut marks = kernel.mark().all(buffer, 0..usize::MAX);
        marks.truncate(MOST);
        let styled = |mark: Mark| {
            let mut style = mark.options.hl.clone().map(Style::group).unwrap_or_default();
            style.url = mark.options.url.clone().or(style.url);
            (mark, style)
        };
        Decor { marks: marks.into_iter().map(styled).collect() }
    }

    /// Answers the lines that stand below the line of these positions, end included.
    pub(super) fn below(&self, start: usize, end: usize) -> Vec<Line> {
        let here = self.marks.iter().filter(|(mark, _)| (start..=end).contains(&mark.start));
        here.flat_map(|(mark, _)| mark.options.virt_lines.iter().cloned()).collect()
    }

    /// Answers the text of marks that stands in front of a character.
    fn inline(&self, at: usize) -> impl Iterator<Item = &Span> {
        let here = move |(mark, _): &&(Mark, Style)| {
            mark.start == at && mark.options.virt_text_pos == VirtPos::Inline
        };
        self.marks.iter().filter(here).flat_map(|(mark, _)| &mark.options.virt_text)
    }

    /// Answers the cells that text of marks takes in front of a character.
    pub(super) fn inline_width(&self, at: usize) -> usize {
        if self.marks.is_empty() {
            return 0;
        }
        self.inline(at).map(Span::width).sum()
    }

    /// Draws a row with all that its marks show.
    pub(super) fn draw(&self, cx: &mut RenderContext<'_>, row: &Row, at: i32, margin: usize) {
        let left = margin as i32;
        if let Some(line) = &row.virt {
            cx.canvas.spans(at, left, line);
            return;
        }
        let Some(start) = row.start.filter(|_| !self.marks.is_empty()) else {
            cx.canvas.text(at, left, &row.text, &Style::default());
            return;
        };
        let mut spans = Line::new();
        let (mut position, mut column) = (start, 0);
        for (cluster, _) in graphemes(&row.text) {
            for span in self.inline(position) {
                column += span.width();
                spans.push(span.clone());
            }
            let wide = if cluster == "\t" { TAB_WIDTH - column % TAB_WIDTH } else { grapheme_width(cluster) };
            let shown = if cluster == "\t" { " ".repeat(wide) } else { cluster.to_owned() };
            column += wide;
            let style = self.style(position);
            match spans.last_mut() {
                Some(last) if last.style == style => last.text.to_mut().push_str(&shown),
                _ => spans.push(Span::new(shown, style)),
            }
            position += cluster.chars().count();
        }
        if row.ends {
            spans.extend(self.inline(position).cloned());
        }
        let used = cx.canvas.spans(at, left, &spans);
        self.around(cx, row, (start, position), at, (left, used));
    }

    /// What stands over the text, behind it, at the right edge and in front of it.
    fn around(
        &self,
        cx: &mut RenderContext<'_>,
        row: &Row,
        (start, end): (usize, usize),
        at: i32,
        (left, used): (i32, i32),
    ) {
        let mut behind = used + 1;
        for (mark, _) in &self.marks {
            let options = &mark.options;
            let here = mark.start >= start && (mark.start < end || (row.ends && mark.start == end));
            if !here {
                continue;
            }
            if let Some(sign) = options.sign.as_ref().filter(|_| left > 0) {
                cx.canvas.part(at, 0, 1, left).spans(0, 0, std::slice::from_ref(sign));
            }
            let text = &options.virt_text;
            match options.virt_text_pos {
                VirtPos::Overlay => {
                    let before: String = row.text.chars().take(mark.start - start).collect();
                    let col = left + super::rows::columns(&before) as i32;
                    cx.canvas.spans(at, col, text);
                }
                VirtPos::RightAlign => {
                    let col = i32::from(cx.canvas.width()) - line_width(text) as i32;
                    cx.canvas.spans(at, col, text);
                }
                VirtPos::Eol if row.ends && !text.is_empty() => {
                    behind = cx.canvas.spans(at, behind, text) + 1;
                }
                VirtPos::Eol | VirtPos::Inline => {}
            }
        }
    }

    /// Answers what the marks make of a character.
    fn style(&self, at: usize) -> Style {
        let covers = |(mark, _): &&(Mark, Style)| mark.start <= at && mark.end.is_some_and(|end| at < end);
        let mut layers: Vec<&(Mark, Style)> = self.marks.iter().filter(covers).collect();
        layers.sort_by_key(|(mark, _)| (mark.options.priority, mark.id));
        layers.into_iter().fold(Style::default(), |under, (_, style)| under.patch(style))
    }
}
