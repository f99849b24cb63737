//! The programmable heart of Purlin: hooks, buffers, windows, layout, keymaps, commands, timers and dialogs.

pub mod grid;
pub mod text;
