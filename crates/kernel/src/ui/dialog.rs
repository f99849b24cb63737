//! What a dialog holds and shows.

use std::rc::Rc;

use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use super::{Overlay, PickItem};
use crate::{ExtId, HandlerError};

/// An open dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    /// Numbers it.
    pub id: u64,
    /// Who asks.
    pub owner: ExtId,
    /// The asking extension's name.
    pub extension: String,
    /// What the hook is about in whose turn it is asked, such as the command that a gate is to judge.
    pub about: Option<Rc<str>>,
    /// What it asks.
    pub body: DialogBody,
}

/// The kinds of dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialogBody {
    /// Yes or no.
    Confirm(Confirm),
    /// One or several of a list.
    Select(Select),
    /// A text to type.
    Input(Input),
    /// A text to read.
    Overlay(Overlay),
}

/// How to ask yes or no.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfirmOptions {
    /// The question.
    pub message: String,
    /// What is chosen at first.
    pub default: bool,
    /// After how many milliseconds it ends with `timeout`.
    pub timeout_ms: Option<u64>,
}

/// A question of yes or no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    /// The question.
    pub message: String,
    /// What enter would answer.
    pub yes: bool,
    /// How many rows of the question are scrolled away at the top.
    pub scrolled: usize,
    /// How far the question scrolls, in rows, as the surface has measured it.
    pub scrolls: usize,
}

impl Confirm {
    pub(super) fn new(options: ConfirmOptions) -> Self {
        Self { message: options.message, yes: options.default, scrolled: 0, scrolls: 0 }
    }
}

/// One item of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SelectItem {
    /// What is shown first; typing filters by it and the detail.
    pub label: String,
    /// A second, quieter text.
    pub detail: String,
}

impl From<&str> for SelectItem {
    fn from(label: &str) -> Self {
        Self { label: label.into(), detail: String::new() }
    }
}

impl From<String> for SelectItem {
    fn from(label: String) -> Self {
        Self { label, detail: String::new() }
    }
}

/// How to let choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectOptions {
    /// What is asked.
    pub prompt: String,
    /// What can be chosen.
    pub items: Vec<SelectItem>,
    /// Whether several can be, toggled with tab.
    pub multi: bool,
    /// Whether typing filters; without it, j and k move.
    pub filter: bool,
    /// After how many milliseconds it ends with `timeout`.
    pub timeout_ms: Option<u64>,
}

impl Default for SelectOptions {
    fn default() -> Self {
        Self { prompt: String::new(), items: Vec::new(), multi: false, filter: true, timeout_ms: None }
    }
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SelectAnswer {
    /// Zero-based indices of the chosen items, in the list's order; exactly one without `multi`.
    pub chosen: Vec<usize>,
}

impl SelectAnswer {
    /// Answers the first chosen index.
    pub fn index(&self) -> Option<usize> {
        self.chosen.first().copied()
    }
}

/// A list to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// What is asked.
    pub prompt: String,
    /// All items.
    pub items: Vec<SelectItem>,
    /// Whether several can be chosen.
    pub multi: bool,
    /// Whether typing filters.
    pub filterable: bool,
    /// What was typed to filter.
    pub filter: String,
    /// Indices of the items that pass the filter.
    pub shown: Vec<usize>,
    /// The position in `shown` that enter would take.
    pub selected: usize,
    /// With `multi`: indices of the items toggled on.
    pub toggled: Vec<usize>,
    /// Whether whoever supplies the items filters them.
    pub live: bool,
    /// What the items of a picker are known by, in their order.
    pub(super) data: Option<Vec<Value>>,
    /// What was toggled on and is no longer among the items.
    pub(super) kept: Vec<PickItem>,
}

impl Select {
    pub(super) fn new(options: SelectOptions) -> Self {
        let shown = (0..options.items.len()).collect();
        Self {
            prompt: options.prompt,
            items: options.items,
            multi: options.multi,
            filterable: options.filter,
            filter: String::new(),
            shown,
            selected: 0,
            toggled: Vec::new(),
            live: false,
            data: None,
            kept: Vec::new(),
        }
    }

    pub(super) fn refilter(&mut self) {
        if self.live {
            self.shown = (0..self.items.len()).collect();
            self.selected = 0;
            return;
        }
        let words: Vec<String> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        let passes = |item: &SelectItem| {
            let text = format!("{} {}", item.label, item.detail).to_lowercase();
            words.iter().all(|word| text.contains(word.as_str()))
        };
        self.shown = (0..self.items.len()).filter(|at| passes(&self.items[*at])).collect();
        self.selected = 0;
    }
}

/// Answers texts that a text may be completed to.
pub type CompleteTextFn = Rc<dyn Fn(&str) -> Result<Vec<String>, HandlerError>>;

/// Completes what is typed, with tab.
#[derive(Clone)]
pub struct InputComplete(pub CompleteTextFn);

impl PartialEq for InputComplete {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for InputComplete {}

impl std::fmt::Debug for InputComplete {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InputComplete")
    }
}

/// How to ask for a text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InputOptions {
    /// What is asked.
    pub prompt: String,
    /// Shown faintly while nothing is typed.
    pub placeholder: String,
    /// What it holds at first.
    pub default: String,
    /// Whether dots are shown instead of the text.
    pub secret: bool,
    /// Whether it may have several lines.
    pub multiline: bool,
    /// What tab completes it to.
    pub complete: Option<InputComplete>,
    /// After how many milliseconds it ends with `timeout`.
    pub timeout_ms: Option<u64>,
}

/// A text being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// What is asked.
    pub prompt: String,
    /// Shown faintly while nothing is typed.
    pub placeholder: String,
    /// What was typed.
    pub text: String,
    /// The cursor as a byte index into `text`, on a grapheme's boundary.
    pub cursor: usize,
    /// Whether dots are shown instead of the text.
    pub secret: bool,
    /// Whether it may have several lines.
    pub multiline: bool,
    /// What tab completes it to, in turn; empty until it is pressed.
    pub candidates: Vec<String>,
    /// The candidate that stands there.
    pub candidate: usize,
    pub(super) complete: Option<InputComplete>,
}

impl Input {
    pub(super) fn new(options: InputOptions) -> Self {
        Self {
            prompt: options.prompt,
            placeholder: options.placeholder,
            cursor: options.default.len(),
            text: options.default,
            secret: options.secret,
            multiline: options.multiline,
            candidates: Vec::new(),
            candidate: 0,
            complete: options.complete,
        }
    }

    /// Puts the next candidate in place of the text.
    pub(super) fn take_candidate(&mut self, candidates: Option<Vec<String>>) {
        match candidates {
            Some(candidates) => (self.candidates, self.candidate) = (candidates, 0),
            None if !self.candidates.is_empty() => {
                self.candidate = (self.candidate + 1) % self.candidates.len();
            }
            None => {}
        }
        if let Some(text) = self.candidates.get(self.candidate) {
            text.clone_into(&mut self.text);
            self.cursor = self.text.len();
        }
    }

    /// Answers what to show: the text, or a dot for each of its graphemes.
    pub fn shown(&self) -> String {
        if !self.secret {
            return self.text.clone();
        }
        "•".repeat(self.text.graphemes(true).count())
    }

    pub(super) fn insert(&mut self, text: &str) {
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
    }

    pub(super) fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    pub(super) fn after(&self) -> usize {
        self.text[self.cursor..].graphemes(true).next().map_or(self.text.len(), |g| self.cursor + g.len())
    }
}
