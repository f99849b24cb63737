//! The completion of slash commands and their arguments, as a list just above the composer.

use std::cell::{Cell, RefCell};

use purlin_kernel::{HandlerError, Kernel, Rect, RenderContext, Renderer};

use crate::{composer::COMPOSER, dialog::item_line};

/// The name of the list's window and buffer.
pub const AUTOCOMPLETE: &str = "autocomplete";

/// Items shown at a time.
const LISTED: usize = 8;

/// One thing that can be completed to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    /// What the composer would hold.
    text: String,
    label: String,
    detail: String,
}

/// What is offered for the composer's text.
#[derive(Debug, Default)]
pub struct Popup {
    items: RefCell<Vec<Item>>,
    selected: Cell<usize>,
    /// Whether the person has moved the choice.
    moved: Cell<bool>,
    /// The text for which the person has closed the list.
    dismissed: RefCell<Option<String>>,
}

impl Popup {
    /// Tells whether something is offered.
    pub fn is_open(&self) -> bool {
        !self.items.borrow().is_empty()
    }

    /// Looks again at what the composer holds; called after each of its changes.
    pub fn update(&self, kernel: &Kernel) {
        let buffer = kernel.buf().get(COMPOSER);
        // Only a short single line that begins with a slash is looked at: this runs on every key.
        let text =
            buffer.filter(|buffer| buffer.rope.get_char(0) == Some('/') && buffer.rope.len_chars() < 256);
        let found = match text {
            Some(buffer) if buffer.cursor == buffer.rope.len_chars() => {
                let text = buffer.text();
                if self.dismissed.borrow().as_ref() == Some(&text) {
                    Vec::new()
                } else {
                    offers(kernel, &text)
                }
            }
            _ => Vec::new(),
        };
        if found.is_empty() && !self.is_open() {
            return;
        }
        if *self.items.borrow() != found {
            self.selected.set(0);
            self.moved.set(false);
            *self.items.borrow_mut() = found;
            kernel.win().mark_dirty(AUTOCOMPLETE);
        }
    }

    /// Moves the choice; stops at both ends.
    pub fn step(&self, kernel: &Kernel, down: bool) {
        let last = self.items.borrow().len().saturating_sub(1);
        let at = self.selected.get();
        self.moved.set(true);
        self.selected.set(if down { (at + 1).min(last) } else { at.saturating_sub(1) });
        kernel.win().mark_dirty(AUTOCOMPLETE);
    }

    /// Closes the list until the text changes.
    pub fn close(&self, kernel: &Kernel) {
        self.dismiss(&kernel.buf().text(COMPOSER));
        self.update(kernel);
    }

    /// Offers nothing for this text until it changes.
    pub fn dismiss(&self, text: &str) {
        *self.dismissed.borrow_mut() = Some(text.to_owned());
    }

    /// Puts the chosen item into the composer; `false` when nothing is offered.
    pub fn accept(&self, kernel: &Kernel) -> bool {
        let Some(item) = self.items.borrow().get(self.selected.get()).cloned() else { return false };
        kernel.buf().set_text(COMPOSER, &item.text);
        true
    }

    /// Tells whether enter takes the chosen item: one that goes on from what is typed, or that was moved to.
    pub fn takes_enter(&self, kernel: &Kernel) -> bool {
        let text = kernel.buf().text(COMPOSER);
        let extends = |item: &Item| item.text.starts_with(&text);
        !self.is_complete(kernel)
            && (self.moved.get() || self.items.borrow().get(self.selected.get()).is_some_and(extends))
    }

    /// Tells whether accepting would change nothing but a blank at the end: then enter submits at once.
    pub fn is_complete(&self, kernel: &Kernel) -> bool {
        let text = kernel.buf().text(COMPOSER);
        self.items
            .borrow()
            .get(self.selected.get())
            .is_none_or(|item| item.text.trim_end() == text.trim_end())
    }

    /// Answers where the list belongs: above row `floor`, or from row `ground` on where that has more room for it; `None`
    /// when nothing is offered.
    pub fn place(&self, (width, height): (u16, u16), floor: u16, ground: u16) -> Option<Rect> {
        let count = self.items.borrow().len().min(LISTED) as u16;
        let below = height.saturating_sub(ground);
        let (row, tall) = if count > floor && below > floor {
            (ground, count.min(below))
        } else {
            (floor - count.min(floor), count.min(floor))
        };
        (tall > 0).then(|| Rect::new(0, row, width, tall))
    }
}

fn offers(kernel: &Kernel, text: &str) -> Vec<Item> {
    let Some(rest) = text.strip_prefix('/') else { return Vec::new() };
    if let Some((name, args)) = rest.split_once(' ') {
        let found = kernel.command().complete_args(name, args);
        let offered = found.into_iter().filter(|word| word != args);
        return offered
            .map(|word| Item { text: format!("/{name} {word}"), label: word, detail: String::new() })
            .collect();
    }
    let found = kernel.command().complete(rest).into_iter();
    found
        .map(|command| {
            let gap = if command.args.is_empty() { "" } else { " " };
            let label = format!("/{}{gap}{}", command.name, command.args);
            Item { text: format!("/{}{gap}", command.name), label, detail: command.desc }
        })
        .collect()
}

impl Renderer for Popup {
    fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError> {
        let (width, height) = (usize::from(cx.canvas.width()), usize::from(cx.canvas.height()));
        let items = self.items.borrow();
        let selected = self.selected.get();
        let start = selected.saturating_sub(height / 2).min(items.len().saturating_sub(height));
        let column = items
            .iter()
            .map(|item| purlin_kernel::text::width(&item.label))
            .max()
            .unwrap_or(0)
            .min(width / 2);
        for (row, item) in items.iter().skip(start).take(height).enumerate() {
            let label = purlin_kernel::text::pad_right(&item.label, column);
            let line = item_line(&label, &item.detail, start + row == selected, None, width);
            cx.canvas.spans(row as i32, 0, &line);
        }
        Ok(())
    }
}
