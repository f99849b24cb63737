//! The built-in keymaps.

use purlin_kernel::{Action, ExtId, HandlerError, Kernel, KeymapOptions, Target};

use crate::composer::COMPOSER;

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
    ("ctrl+f", "edit.right"),
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
    ("ctrl+o", "transcript.fold"),
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
            (Target::Global, EDITING),
            (Target::Global, EVERYWHERE),
        ],
    )
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
