//! The terminal surface of Purlin: what a person sees of a kernel, and how keys reach it.
//!
//! Three layers, each usable without the ones above. [`terminal`] owns the controlling terminal: raw mode, alternate
//! screen, bytes in and out, and everything put back whatever happens. [`encode`] turns the difference of two grids
//! into the fewest bytes. [`screen`] sets up the stock screen on a kernel: the transcript, composer, status line,
//! completion and dialogs as ordinary kernel buffers in ordinary windows, painted by the renderers of this crate, with
//! keymaps and commands in the kernel's registries. [`bare::Bare`] sets up none of it: what a program without the agent
//! draws on. [`app::App`] shows either of them in one loop.
//!
//! It knows no model and no store: the transcript reads a [`purlin_kernel::BlockSource`], `submit` hands the prompt to
//! the command `send`, escape runs the command `interrupt`; whoever wires the program registers those.
//!
//! Invariants: a frame costs what is on the screen, never what is in the session; nothing runs while nothing changes;
//! the terminal is restored on every way out, a panic included; no control character of foreign text reaches the
//! terminal.
//!
//! ```no_run
//! # async fn demo(kernel: purlin_kernel::Kernel) -> Result<(), Box<dyn std::error::Error>> {
//! use purlin_tui::{app::{App, AppOptions}, screen::{Screen, ScreenOptions}};
//! let screen = Screen::install(&kernel, ScreenOptions::default())?;
//! App::run(&screen, AppOptions::default(), futures_util::stream::pending()).await?;
//! # Ok(())
//! # }
//! ```

pub mod app;
pub mod bare;
pub mod clipboard;
pub mod composer;
pub mod dialog;
pub mod encode;
pub mod history;
pub mod hooks;
pub mod notice;
pub mod popup;
pub mod screen;
pub mod snapshot;
pub mod status;
pub mod syntax;
pub mod terminal;
pub mod transcript;

pub use app::{App, AppEvent, AppOptions, Exit, Stage, ThemeChoice};
pub use bare::Bare;
pub use history::History;
pub use screen::{Hold, QUEUED, Screen, ScreenOptions};
pub use status::Segment;
