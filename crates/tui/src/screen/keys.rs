//! The built-in keymaps.

use purlin_kernel::{Action, ExtId, HandlerError, Kernel, KeyAnswer, KeyContext, KeymapOptions, Target};

use super::SEARCH;
use crate::{composer::COMPOSER, transcript::TRANSCRIPT};

/// Keys of the composer: key, command, what it does.
const COMPOSING: &[(&str, &str)] = &[
    ("enter", "submit"),
    ("tab", "autocomplete.accept"),
    ("up", "composer.up"),
    ("down", "composer.down"),
    ("ctrl+p", "composer.up"),
    ("ctrl+n", "composer.down"),
    ("ctrl+d", "composer.delete-or-quit"),
    ("ctrl+z", "composer.undo-or-suspend"),
    ("pgup", "transcript.page-up"),
    ("pgdn", "transcript.page-down"),
    ("ctrl+home", "transcript.start"),
    ("ctrl+end", "transcript.end"),
    ("alt+q", "followup.queue"),
    ("alt+up", "followup.dequeue"),
    ("shift+tab", "transcript.focus"),
    ("ctrl+x ctrl+e", "composer.edit"),
    ("ctrl+g", "composer.edit"),
];

/// Keys of the transcript while it has the keyboard; any other letter goes to the composer.
const READING: &[(&str, &str)] = &[
    ("/", "transcript.search"),
    ("n", "search.older"),
    ("N", "search.newer"),
    ("up", "transcript.up"),
    ("down", "transcript.down"),
    ("k", "transcript.up"),
    ("j", "transcript.down"),
    ("pgup", "transcript.page-up"),
    ("pgdn", "transcript.page-down"),
    ("space", "transcript.page-down"),
    ("home", "transcript.start"),
    ("end", "transcript.end"),
    ("g", "transcript.start"),
    ("G", "transcript.end"),
    ("y", "transcript.copy"),
    ("o", "transcript.pager"),
    ("enter", "transcript.focus"),
    ("tab", "transcript.focus"),
    ("shift+tab", "transcript.focus"),
];

/// Keys of the search line.
const SEARCHING: &[(&str, &str)] = &[
    ("enter", "search.accept"),
    ("up", "search.older"),
    ("down", "search.newer"),
    ("ctrl+p", "search.older"),
    ("ctrl+n", "search.newer"),
    ("ctrl+f", "search.older"),
    ("pgup", "transcript.page-up"),
    ("pgdn", "transcript.page-down"),
    ("tab", "search.accept"),
];

/// Keys of every text that can be edited, as readline has them.
const EDITING: &[(&str, &str)] = &[
    ("shift+enter", "edit.newline"),
    ("alt+enter", "edit.newline"),
    ("ctrl+j", "edit.newline"),
    ("left", "edit.left"),
    ("right", "edit.right"),
    ("up", "edit.up"),
    ("down", "edit.down"),
    ("ctrl+b", "edit.left"),
    ("ctrl+left", "edit.word-left"),
    ("ctrl+right", "edit.word-right"),
    ("alt+left", "edit.word-left"),
    ("alt+right", "edit.word-right"),
    ("alt+b", "edit.word-left"),
    ("alt+f", "edit.word-right"),
    ("home", "edit.line-start"),
    ("end", "edit.line-end"),
    ("ctrl+a", "edit.line-start"),
    ("ctrl+e", "edit.line-end"),
    ("backspace", "edit.delete-left"),
    ("shift+backspace", "edit.delete-left"),
    ("ctrl+h", "edit.delete-left"),
    ("delete", "edit.delete-right"),
    ("ctrl+w", "edit.delete-word-left"),
    ("alt+backspace", "edit.delete-word-left"),
    ("ctrl+backspace", "edit.delete-word-left"),
    ("alt+d", "edit.delete-word-right"),
    ("ctrl+delete", "edit.delete-word-right"),
    ("ctrl+u", "edit.kill-to-line-start"),
    ("ctrl+k", "edit.kill-to-line-end"),
    ("ctrl+y", "edit.yank"),
    ("ctrl+t", "edit.transpose"),
    ("ctrl+_", "edit.undo"),
    ("ctrl+/", "edit.undo"),
    ("ctrl+7", "edit.undo"),
    ("alt+_", "edit.redo"),
];

/// Keys that work everywhere.
const EVERYWHERE: &[(&str, &str)] = &[
    ("escape", "escape"),
    ("ctrl+c", "prompt.cancel"),
    ("ctrl+f", "transcript.search"),
    ("ctrl+o", "transcript.fold"),
    ("alt+o", "transcript.pager"),
    ("ctrl+l", "screen.redraw"),
    ("shift+pgup", "transcript.page-up"),
    ("shift+pgdn", "transcript.page-down"),
    ("shift+up", "transcript.up"),
    ("shift+down", "transcript.down"),
];

/// Keys of a screen without a composer.
const BARE: &[(&str, &str)] =
    &[("ctrl+c", "prompt.cancel"), ("ctrl+l", "screen.redraw"), ("ctrl+z", "suspend")];

/// Registers the keys of a screen without a composer: those of editing, and the way out.
pub(crate) fn register_bare(kernel: &Kernel) -> Result<(), HandlerError> {
    map(kernel, &[(Target::Global, EDITING), (Target::Global, BARE)])
}

pub(super) fn register(kernel: &Kernel) -> Result<(), HandlerError> {
    map(
        kernel,
        &[
            (Target::Role(COMPOSER.into()), COMPOSING),
            (Target::Role(TRANSCRIPT.into()), READING),
            (Target::Role(SEARCH.into()), SEARCHING),
            (Target::Global, EDITING),
            (Target::Global, EVERYWHERE),
        ],
    )?;
    type_on(kernel)
}

fn map(kernel: &Kernel, tables: &[(Target, &[(&str, &str)])]) -> Result<(), HandlerError> {
    for (target, table) in tables {
        for (keys, command) in *table {
            let desc = kernel.command().get(command).map(|listing| listing.desc).unwrap_or_default();
            let options = KeymapOptions { desc, ..KeymapOptions::builtin() };
            kernel.keymap().set(ExtId::CORE, target.clone(), keys, Action::command(*command), options)?;
        }
    }
    Ok(())
}

/// Has what is typed over the transcript arrive in the composer.
fn type_on(kernel: &Kernel) -> Result<(), HandlerError> {
    let weak = kernel.downgrade();
    let action = Action::callback(move |context: &KeyContext| {
        let Some(kernel) = weak.upgrade() else { return Ok(KeyAnswer::Pass) };
        if context.event.text().is_empty() || !kernel.win().focus(COMPOSER) {
            return Ok(KeyAnswer::Pass);
        }
        Ok(KeyAnswer::Remap(vec![context.event.key]))
    });
    let options = KeymapOptions { desc: "Types on in the composer.".to_owned(), ..KeymapOptions::builtin() };
    kernel.keymap().set(ExtId::CORE, Target::Role(TRANSCRIPT.into()), "*", action, options)?;
    Ok(())
}
