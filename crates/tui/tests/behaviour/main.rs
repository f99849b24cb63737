//! The stock screen, driven by keys and looked at as text.

mod composer;
mod looks;
mod overlays;
mod stage;
mod terminal;
mod transcript;
