//! What keys do in a dialog.

use std::rc::Rc;

use super::dialog::{Confirm, DialogBody, Input, InputComplete, Select};
use super::{DialogAnswer, Reason, Ui};
use crate::Topic;
use crate::guard::DeadlineClass;
use crate::key::{KeyCode, KeyEvent};

/// Rows that a page key scrolls a question.
const SCROLLED: usize = 5;

/// What a key did.
pub(super) enum Effect {
    Changed,
    /// The text by which a list is filtered has changed.
    Filtered,
    /// Tab in a text that can be completed and has no candidates yet.
    Complete(InputComplete, String),
    Ignored,
    Answer(DialogAnswer),
    Cancel,
}

impl Ui<'_> {
    /// Gives a key to the newest dialog that does not wait; false when it is for something else.
    pub(crate) fn key(self, event: &KeyEvent) -> bool {
        let to_dialog = self.typed();
        let Some((id, effect)) = self.with_top(|body| match body {
            _ if event.key.is_ctrl_c() => Effect::Cancel,
            DialogBody::Confirm(confirm) => confirm_key(confirm, event),
            DialogBody::Select(select) => select_key(select, event),
            DialogBody::Input(input) => input_key(input, event),
            DialogBody::Overlay(overlay) => overlay.key(event),
        }) else {
            return to_dialog;
        };
        match effect {
            Effect::Changed => self.0.changed(Topic::Dialogs),
            Effect::Filtered => {
                self.0.changed(Topic::Dialogs);
                self.ask_source(id, false);
            }
            Effect::Complete(complete, text) => self.complete(id, &complete, &text),
            Effect::Ignored => {}
            Effect::Answer(answer) => self.answer(id, Ok(answer)),
            Effect::Cancel => self.answer(id, Err(Reason::User)),
        }
        true
    }

    /// Gives pasted text to the newest dialog that does not wait; false when it is for something else.
    pub(crate) fn paste(self, text: &str) -> bool {
        let to_dialog = self.typed();
        let pasted = self.with_top(|body| match body {
            DialogBody::Input(input) => {
                let text = if input.multiline { text.to_owned() } else { text.replace(['\r', '\n'], " ") };
                input.insert(&text);
                Effect::Changed
            }
            DialogBody::Select(select) if select.filterable => {
                select.filter.push_str(&text.replace(['\r', '\n'], " "));
                select.refilter();
                Effect::Filtered
            }
            _ => Effect::Ignored,
        });
        match &pasted {
            Some((id, Effect::Filtered)) => {
                self.0.changed(Topic::Dialogs);
                self.ask_source(*id, false);
            }
            Some((_, Effect::Changed)) => self.0.changed(Topic::Dialogs),
            _ => {}
        }
        to_dialog || pasted.is_some()
    }

    /// Asks what a text may be completed to; foreign code, so nothing is borrowed meanwhile.
    fn complete(self, id: u64, complete: &InputComplete, text: &str) {
        let owner = self.0.0.ui.stack.borrow().iter().find(|o| o.dialog.id == id).map(|o| o.dialog.owner);
        let Some(owner) = owner else { return };
        // The guard has recorded a failure: then nothing is offered.
        let found = self
            .0
            .guard()
            .stretch(owner, DeadlineClass::Key, "completion of an input", || (complete.0)(text))
            .unwrap_or_default();
        let mut stack = self.0.0.ui.stack.borrow_mut();
        let Some(open) = stack.iter_mut().find(|open| open.dialog.id == id) else { return };
        if let DialogBody::Input(input) = &mut Rc::make_mut(&mut open.dialog).body {
            input.take_candidate(Some(found));
        }
        drop(stack);
        self.0.changed(Topic::Dialogs);
    }

    /// Gives a turn of the wheel to the dialog that has the keyboard; false without one.
    pub(crate) fn wheel(self, up: bool) -> bool {
        let turned = self.with_top(|body| match body {
            DialogBody::Overlay(overlay) => {
                overlay.wheel(up);
                Effect::Changed
            }
            DialogBody::Confirm(confirm) => {
                let to = if up { confirm.scrolled.saturating_sub(1) } else { confirm.scrolled + 1 };
                confirm.scrolled = to.min(confirm.scrolls);
                Effect::Changed
            }
            DialogBody::Select(select) => {
                let to = if up { select.selected.saturating_sub(1) } else { select.selected + 1 };
                select.selected = to.min(select.shown.len().saturating_sub(1));
                Effect::Changed
            }
            DialogBody::Input(_) => Effect::Ignored,
        });
        if let Some((_, Effect::Changed)) = turned {
            self.0.changed(Topic::Dialogs);
        }
        turned.is_some()
    }

    /// Says how far the question of a confirmation scrolls, in rows, where it is shown.
    pub fn set_scrolls(self, id: u64, scrolls: usize) {
        let mut stack = self.0.0.ui.stack.borrow_mut();
        let Some(open) = stack.iter_mut().find(|open| open.dialog.id == id) else { return };
        if matches!(&open.dialog.body, DialogBody::Confirm(confirm) if confirm.scrolls != scrolls)
            && let DialogBody::Confirm(confirm) = &mut Rc::make_mut(&mut open.dialog).body
        {
            confirm.scrolls = scrolls;
            confirm.scrolled = confirm.scrolled.min(scrolls);
        }
    }

    fn with_top(self, f: impl FnOnce(&mut DialogBody) -> Effect) -> Option<(u64, Effect)> {
        let mut stack = self.0.0.ui.stack.borrow_mut();
        let now = self.0.now();
        let open = stack.iter_mut().rev().find(|open| open.is_armed(now))?;
        let dialog = Rc::make_mut(&mut open.dialog);
        Some((dialog.id, f(&mut dialog.body)))
    }
}

fn confirm_key(confirm: &mut Confirm, event: &KeyEvent) -> Effect {
    let mods = event.key.mods;
    if mods.ctrl || mods.alt || mods.meta {
        return Effect::Ignored;
    }
    match event.key.code {
        KeyCode::Left | KeyCode::Char('h' | 'y' | 'Y') => confirm.yes = true,
        KeyCode::Right | KeyCode::Char('l' | 'n' | 'N') => confirm.yes = false,
        KeyCode::Tab => confirm.yes = !confirm.yes,
        KeyCode::Up => confirm.scrolled = confirm.scrolled.saturating_sub(1),
        KeyCode::Down => confirm.scrolled = (confirm.scrolled + 1).min(confirm.scrolls),
        KeyCode::PageUp => confirm.scrolled = confirm.scrolled.saturating_sub(SCROLLED),
        KeyCode::PageDown => confirm.scrolled = (confirm.scrolled + SCROLLED).min(confirm.scrolls),
        KeyCode::Enter => return Effect::Answer(DialogAnswer::Confirm(confirm.yes)),
        KeyCode::Escape => return Effect::Cancel,
        _ => return Effect::Ignored,
    }
    Effect::Changed
}

fn select_key(select: &mut Select, event: &KeyEvent) -> Effect {
    let last = select.shown.len().saturating_sub(1);
    let letters = !select.filterable;
    match event.key.code {
        KeyCode::Up => select.selected = select.selected.saturating_sub(1),
        KeyCode::Char('k') if letters => select.selected = select.selected.saturating_sub(1),
        KeyCode::Down => select.selected = (select.selected + 1).min(last),
        KeyCode::Char('j') if letters => select.selected = (select.selected + 1).min(last),
        KeyCode::PageUp => select.selected = select.selected.saturating_sub(10),
        KeyCode::PageDown => select.selected = (select.selected + 10).min(last),
        KeyCode::Home => select.selected = 0,
        KeyCode::End => select.selected = last,
        KeyCode::Escape => return Effect::Cancel,
        KeyCode::Enter => return choose(select),
        KeyCode::Tab if select.multi => toggle(select),
        KeyCode::Backspace if select.filterable => {
            select.filter.pop();
            select.refilter();
            return Effect::Filtered;
        }
        _ if select.filterable && !event.text().is_empty() => {
            select.filter.push_str(&event.text());
            select.refilter();
            return Effect::Filtered;
        }
        _ => return Effect::Ignored,
    }
    Effect::Changed
}

fn toggle(select: &mut Select) {
    let Some(item) = select.shown.get(select.selected).copied() else { return };
    if let Some(at) = select.toggled.iter().position(|other| *other == item) {
        select.toggled.remove(at);
    } else {
        select.toggled.push(item);
        select.toggled.sort_unstable();
    }
}

fn choose(select: &Select) -> Effect {
    let toggled = select.multi && !(select.toggled.is_empty() && select.kept.is_empty());
    let chosen = match select.shown.get(select.selected) {
        _ if toggled => select.toggled.clone(),
        Some(item) => vec![*item],
        None => return Effect::Ignored,
    };
    Effect::Answer(if select.data.is_some() {
        DialogAnswer::Picked(select.picked(&chosen))
    } else {
        DialogAnswer::Select(chosen)
    })
}

fn input_key(input: &mut Input, event: &KeyEvent) -> Effect {
    let mods = event.key.mods;
    if event.key.code == KeyCode::Tab {
        return match &input.complete {
            None => Effect::Ignored,
            Some(complete) if input.candidates.is_empty() => {
                Effect::Complete(complete.clone(), input.text.clone())
            }
            Some(_) => {
                input.take_candidate(None);
                Effect::Changed
            }
        };
    }
    input.candidates.clear();
    match event.key.code {
        KeyCode::Char('j') if mods.ctrl => return newline(input),
        KeyCode::Enter if mods.alt || mods.shift => return newline(input),
        KeyCode::Enter => return Effect::Answer(DialogAnswer::Input(input.text.clone())),
        KeyCode::Escape => return Effect::Cancel,
        KeyCode::Left => input.cursor = input.before(),
        KeyCode::Right => input.cursor = input.after(),
        KeyCode::Home => input.cursor = line_start(input),
        KeyCode::Char('a') if mods.ctrl => input.cursor = line_start(input),
        KeyCode::End => input.cursor = line_end(input),
        KeyCode::Char('e') if mods.ctrl => input.cursor = line_end(input),
        KeyCode::Char('u') if mods.ctrl => {
            let start = line_start(input);
            input.text.replace_range(start..input.cursor, "");
            input.cursor = start;
        }
        KeyCode::Char('w') if mods.ctrl => {
            let head = input.text[..input.cursor].trim_end();
            let start = head.rfind(char::is_whitespace).map_or(0, |at| at + 1);
            input.text.replace_range(start..input.cursor, "");
            input.cursor = start;
        }
        KeyCode::Backspace => {
            let start = input.before();
            input.text.replace_range(start..input.cursor, "");
            input.cursor = start;
        }
        KeyCode::Delete => {
            let end = input.after();
            input.text.replace_range(input.cursor..end, "");
        }
        _ if !event.text().is_empty() => input.insert(&event.text()),
        _ => return Effect::Ignored,
    }
    Effect::Changed
}

fn newline(input: &mut Input) -> Effect {
    if !input.multiline {
        return Effect::Ignored;
    }
    input.insert("\n");
    Effect::Changed
}

fn line_start(input: &Input) -> usize {
    input.text[..input.cursor].rfind('\n').map_or(0, |at| at + 1)
}

fn line_end(input: &Input) -> usize {
    input.text[input.cursor..].find('\n').map_or(input.text.len(), |at| input.cursor + at)
}
