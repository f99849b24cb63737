//! The stock screen, driven by keys and looked at as text.

mod composer;
mod highlighting;
mod hooks;
mod looks;
mod marks;
mod overlays;
mod searching;
mod selecting;
mod stage;
mod terminal;
mod transcript;
mod waiting;
