//! Dialogs: what asks stands in a box just above the composer, the newest in front.

mod list;

use purlin_kernel::{
    Border, Canvas, Confirm, Dialog, DialogBody, HandlerError, InputDialog, Kernel, Overlay, Rect,
    RenderContext, Renderer, Select,
    text::{Attrs, Line, Span, Style, Token, line_truncate, visible, wrap_line},
};

use crate::composer::rows;
use list::List;

pub(crate) use list::item_line;

/// The name of the dialog's window and buffer, and its role.
pub const DIALOG: &str = "dialog";

/// Items of a list that are shown at a time.
const LISTED: usize = 12;

/// A box is at most this wide: longer lines are hard to read.
const WIDEST: u16 = 96;

/// A narrower box has no border, which would take too much of it.
const BORDERED: u16 = 24;

/// Said by a dialog that takes no keys yet.
const WAITS: &str = "finish typing…";

/// Draws the newest dialog.
#[derive(Debug, Default)]
pub struct DialogBox;

/// What a dialog shows inside its border.
struct Content {
    lines: Vec<Line>,
    cursor: Option<(usize, usize)>,
    hint: &'static str,
    /// How many rows of the question do not fit.
    scrolls: usize,
}

/// Answers where the newest dialog's box belongs on a screen of this size, above row `floor`; `None` without a dialog.
pub fn place(kernel: &Kernel, (width, height): (u16, u16), floor: u16) -> Option<Rect> {
    let (dialog, _) = kernel.ui().front()?;
    if let DialogBody::Overlay(overlay) = &dialog.body {
        return Some(overlay.rect);
    }
    let outer = width.min(WIDEST);
    let content = content(&dialog, usize::from(inner(outer)), usize::from(height));
    let border = u16::from(outer >= BORDERED && height >= 6) * 2;
    let wanted = content.lines.len() as u16 + border;
    kernel.ui().set_scrolls(dialog.id, content.scrolls);
    let tall = wanted.clamp(1, height.max(1));
    let bottom = floor.max(tall).min(height);
    Some(Rect::new(0, bottom - tall, outer, tall))
}

/// Columns inside border and padding.
fn inner(width: u16) -> u16 {
    if width >= BORDERED { width - 4 } else { width }
}

fn content(dialog: &Dialog, width: usize, height: usize) -> Content {
    let about = dialog.about.as_deref().unwrap_or_default();
    match &dialog.body {
        DialogBody::Confirm(confirm) => confirm_content(confirm, about, width, height),
        DialogBody::Select(select) => select_content(select, about, width, height),
        DialogBody::Input(input) => input_content(input, about, width),
        DialogBody::Overlay(_) => Content { lines: Vec::new(), cursor: None, hint: "", scrolls: 0 },
    }
}

/// The rows of a question and of what it is about, at most so many.
fn question(text: &str, about: &str, width: usize, most: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for (index, source) in visible(text.trim_end()).split('\n').enumerate() {
        let style = if index == 0 { Style::new().with(Attrs::BOLD) } else { Style::default() };
        lines.extend(wrap_line(&[Span::new(source.replace('\t', "    "), style)], width, &[]));
    }
    let about = visible(about.trim_end()).replace('\t', "    ");
    for source in about.lines() {
        lines.extend(wrap_line(&[Span::from(source.to_owned())], width, &[Span::from("  ")]));
    }
    let most = most.max(1);
    if lines.len() > most {
        let hidden = lines.len() - most;
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            let more = Span::new(format!(" … {hidden} more"), Style::fg(Token::Dim));
            let mut cut = line_truncate(std::mem::take(last), width.saturating_sub(more.width()));
            cut.push(more);
            *last = line_truncate(cut, width);
        }
    }
    lines
}

fn confirm_content(confirm: &Confirm, about: &str, width: usize, height: usize) -> Content {
    let all = question(&confirm.message, about, width, usize::MAX);
    // Below the question stand the buttons and, where there is room, an empty row, the border and the composer.
    let taken = match height {
        0..6 => 2,
        6..10 => 4,
        _ => 6,
    };
    let room = height.saturating_sub(taken).max(1);
    let scrolls = all.len().saturating_sub(room);
    let above = confirm.scrolled.min(scrolls);
    let mut lines: Vec<Line> = all.into_iter().skip(above).take(room).collect();
    let button = |label: &'static str, chosen: bool| {
        let style = if chosen {
            Style::fg(Token::Accent).on(Token::SelectedBg).with(Attrs::BOLD)
        } else {
            Style::fg(Token::Dim)
        };
        Span::new(label, style)
    };
    if height >= 10 {
        lines.push(Line::new());
    }
    let mut buttons = vec![button("  Yes  ", confirm.yes), Span::from(" "), button("  No  ", !confirm.yes)];
    let below = scrolls - above;
    let more = match (above, below) {
        (0, 0) => String::new(),
        _ if width < 40 => format!(" ↑{above} ↓{below}"),
        (_, 0) => format!("  ↑ {above} more rows"),
        _ => format!("  ↓ {below} more rows"),
    };
    buttons.push(Span::new(more, Style::fg(Token::Warning)));
    lines.push(line_truncate(buttons, width));
    let row = lines.len() - 1;
    let cursor = if confirm.yes { 2 } else { 10 };
    let hint = if scrolls > 0 {
        "↑↓ scroll · y/n · enter · esc"
    } else {
        "y/n choose · enter answers · esc"
    };
    Content { lines, cursor: Some((row, cursor)), hint, scrolls }
}

fn select_content(select: &Select, about: &str, width: usize, height: usize) -> Content {
    // The question has what the list leaves, the border and the composer.
    let most = height.saturating_sub(select.items.len().min(LISTED) + 8).max(4);
    let mut lines = question(&select.prompt, about, width, most);
    let mut cursor = None;
    if select.filterable && !select.filter.is_empty() {
        cursor = Some((lines.len(), 2 + purlin_kernel::text::width(&select.filter)));
        lines.push(vec![
            Span::new("/ ", Style::fg(Token::Dim)),
            Span::from(visible(&select.filter).into_owned()),
        ]);
    }
    let listed = List::of(select, width, height, height.saturating_sub(lines.len() + 3));
    for position in listed.items.clone() {
        if position == select.selected && cursor.is_none() {
            cursor = Some((lines.len(), 0));
        }
        lines.extend(listed.rows(position));
    }
    if select.shown.is_empty() {
        lines.push(vec![Span::new("nothing matches", Style::fg(Token::Dim))]);
    }
    if select.shown.len() > listed.items.len() {
        let count = format!("{} of {}", select.selected + 1, select.shown.len());
        lines.push(vec![Span::new(count, Style::fg(Token::Muted))]);
    }
    let hint = if select.multi { "tab toggles · enter · esc" } else { "enter · esc" };
    Content { lines, cursor, hint, scrolls: 0 }
}

fn input_content(input: &InputDialog, about: &str, width: usize) -> Content {
    let mut lines = question(&input.prompt, about, width, if about.is_empty() { 4 } else { 8 });
    let above = lines.len();
    let shown = input.shown();
    let cursor = if input.secret {
        // One dot stands for one grapheme.
        "•".len() * purlin_kernel::text::graphemes(&input.text[..input.cursor]).count()
    } else {
        input.cursor
    };
    let room = width.saturating_sub(2).max(1);
    let (mut caret, mut at) = ((above, 2), 0);
    for source in shown.split('\n') {
        let found = rows::rows(source, room);
        if (at..=at + source.len()).contains(&cursor) {
            let (row, col) = rows::place(source, &found, room, cursor - at);
            caret = (lines.len() + row, col + 2);
        }
        for row in &found {
            let mark = if lines.len() == above {
                Span::new("› ", Style::fg(Token::Accent))
            } else {
                Span::from("  ")
            };
            lines.push(vec![mark, Span::from(visible(&source[row.clone()]).into_owned())]);
        }
        at += source.len() + 1;
    }
    while lines.len() <= caret.0 {
        lines.push(vec![Span::from("  ")]);
    }
    if input.text.is_empty() && !input.placeholder.is_empty() {
        let ghost = Span::new(visible(&input.placeholder).into_owned(), Style::fg(Token::Muted));
        lines[above] = line_truncate(vec![Span::new("› ", Style::fg(Token::Accent)), ghost], width);
    }
    let hint = if input.multiline { "enter · ctrl+j newline · esc" } else { "enter · esc" };
    Content { lines, cursor: Some(caret), hint, scrolls: 0 }
}

impl Renderer for DialogBox {
    fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError> {
        let Some((dialog, waits)) = cx.kernel.ui().front() else { return Ok(()) };
        let (width, height) = (cx.canvas.width(), cx.canvas.height());
        if let DialogBody::Overlay(overlay) = &dialog.body {
            draw_overlay(cx, overlay);
            return Ok(());
        }
        let (_, screen) = cx.kernel.layout().size();
        let mut content = content(&dialog, usize::from(inner(width)), usize::from(screen));
        let bordered = width >= BORDERED && screen >= 6;
        if waits {
            content.cursor = None;
            content.hint = WAITS;
            if let Some(last) = content.lines.last_mut().filter(|_| !bordered) {
                *last = vec![Span::new(WAITS, Style::fg(Token::Muted))];
            }
        }
        let (mut top, mut left) = (0, 0);
        if bordered {
            let name = Span::new(visible(&dialog.extension).into_owned(), Style::fg(Token::Dim));
            let title = if dialog.extension.is_empty() || dialog.owner == purlin_kernel::ExtId::CORE {
                Vec::new()
            } else {
                vec![name]
            };
            cx.canvas.frame(&Style::fg(Token::BorderAccent), &title);
            draw_hint(&mut cx.canvas, content.hint);
            (top, left) = (1, 2);
        }
        let room = usize::from(height).saturating_sub(2 * top);
        // Where not everything fits, the end is what can be acted upon.
        let skip = content.lines.len().saturating_sub(room);
        for (row, line) in content.lines.iter().skip(skip).enumerate() {
            let mut inside = cx.canvas.part((top + row) as i32, left as i32, 1, i32::from(inner(width)));
            inside.spans(0, 0, line);
        }
        if let Some((row, col)) = content.cursor.and_then(|(row, col)| Some((row.checked_sub(skip)?, col))) {
            cx.set_cursor((top + row) as u16, (left + col).min(usize::from(width).saturating_sub(1)) as u16);
        }
        Ok(())
    }
}

/// Draws an overlay: its border with title and place, the lines in sight, and its actions.
fn draw_overlay(cx: &mut RenderContext<'_>, overlay: &Overlay) {
    let options = &overlay.options;
    let on = options.background.clone().unwrap_or_default();
    if on != Style::default() {
        let (width, height) = (i32::from(cx.canvas.width()), i32::from(cx.canvas.height()));
        cx.canvas.fill(0, 0, height, width, &on);
    }
    let border = on.patch(&options.border_color.clone().unwrap_or_else(|| Style::fg(Token::Accent)));
    let title: Line = match options.title.as_str() {
        "" => Line::new(),
        title => vec![Span::new(visible(title).replace(['\n', '\t'], " "), border.clone())],
    };
    cx.canvas.border(Border::Rounded, &border, &title);
    let (width, height) = (i32::from(cx.canvas.width()), i32::from(cx.canvas.height()));
    for row in 0..overlay.rows {
        let line: Line = overlay
            .marked(overlay.top + row)
            .into_iter()
            .map(|span| Span { style: on.patch(&span.style), ..span })
            .collect();
        cx.canvas.part(1 + row as i32, 2, 1, width - 4).spans(0, 0, &line);
    }
    // Where there are three rows in all, the actions stand on the border: the text needs the one inside.
    let row = if height < 5 { height - 1 } else { height - 2 };
    let mut col = 2;
    for (at, action) in options.actions.iter().enumerate() {
        let style = if at == overlay.action {
            Style::fg(Token::Accent).on(Token::SelectedBg).with(Attrs::BOLD)
        } else {
            on.clone().with_fg(Token::Dim)
        };
        let mut room = cx.canvas.part(row, 2, 1, width - 4);
        let label = format!("  {}  ", visible(action).replace(['\n', '\t'], " "));
        col = 3 + room.text(0, col - 2, &label, &style);
    }
    let below = match (&overlay.typing, overlay.position()) {
        (Some(typed), _) => format!("/{}", visible(typed)),
        (None, Some(_)) if height < 5 && !options.actions.is_empty() => String::new(),
        (None, Some((first, last, total))) => format!("{first}–{last} of {total}"),
        (None, None) => String::new(),
    };
    if !below.is_empty() {
        let text = format!(" {} ", purlin_kernel::text::truncate(&below, (width - 6).max(0) as usize));
        let col = width - 2 - purlin_kernel::text::width(&text) as i32;
        cx.canvas.text(height - 1, col.max(1), &text, &on.with_fg(Token::Muted));
    }
}

fn draw_hint(canvas: &mut Canvas<'_>, hint: &'static str) {
    let width = purlin_kernel::text::width(hint) as i32;
    let (row, col) = (i32::from(canvas.height()) - 1, i32::from(canvas.width()) - width - 4);
    if col > 0 && row > 0 {
        canvas.text(row, col, " ", &Style::default());
        canvas.text(row, col + 1, hint, &Style::fg(Token::Muted));
        canvas.text(row, col + 1 + width, " ", &Style::default());
    }
}
