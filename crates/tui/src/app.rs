//! The main loop of the terminal surface: input, timers, changes of the store, signals, and a frame when one is due.
//!
//! Everything arrives in one `select`; nothing polls. All input that is ready is taken in before a frame is drawn, a
//! frame is drawn only when something is dirty, and at most sixty times a second unless a key asks for one. When the
//! terminal is slow, no frame is made until it has taken the last one.

mod outside;
mod signals;
mod surface;
mod wishes;

use std::rc::Rc;

use futures_util::Stream;
use purlin_kernel::{
    Frame, Kernel, MouseEvent,
    text::theme::{Depth, Theme},
};

use crate::terminal::{Terminal, TerminalError};
pub use outside::Outside;
use signals::Signals;
use surface::Surface;

/// What the loop shows: the stock screen, or what a program without one draws.
pub trait Stage {
    /// Answers the kernel whose windows are shown.
    fn kernel(&self) -> &Kernel;

    /// Draws what is dirty on a screen of this size.
    fn frame(&self, width: u16, height: u16) -> Frame<'_>;

    /// Takes what the mouse did and nobody else wanted.
    fn mouse(&self, event: MouseEvent);

    /// Answers the program that shall have the terminal now, once.
    fn take_outside(&self) -> Option<Outside> {
        None
    }
}

/// What happens outside of terminal and kernel that the loop must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppEvent {
    /// The store has changed: the refresh callback is called before the next frame.
    Changed,
    /// The program shall end.
    Quit,
}

/// Which colours are used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ThemeChoice {
    /// The built-in theme that fits the terminal's background, as far as the terminal says.
    #[default]
    Auto,
    /// This one.
    Fixed(Theme),
}

/// How the terminal surface runs.
pub struct AppOptions {
    /// Which colours are used.
    pub theme: ThemeChoice,
    /// How many colours the terminal shows.
    pub depth: Depth,
    /// Whether the mouse scrolls and clicks here, or is left to the terminal and its selection.
    pub mouse: bool,
    /// Called once for any number of [`AppEvent::Changed`] since the last frame.
    pub refresh: Box<dyn FnMut()>,
    /// Called when the first frame has been handed to the terminal: the place for what may take its time.
    pub after_first_frame: Box<dyn FnOnce()>,
    /// Text that stays on the terminal after the screen has been left, asked for at the end.
    pub farewell: Box<dyn FnOnce() -> String>,
}

impl Default for AppOptions {
    fn default() -> Self {
        AppOptions {
            theme: ThemeChoice::Auto,
            depth: Depth::from_env(&|name| std::env::var(name).ok()),
            mouse: true,
            refresh: Box::new(|| {}),
            after_first_frame: Box::new(|| {}),
            farewell: Box::new(String::new),
        }
    }
}

impl std::fmt::Debug for AppOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppOptions")
            .field("theme", &self.theme)
            .field("depth", &self.depth)
            .finish_non_exhaustive()
    }
}

/// Why the loop has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The person, or the program, asked for it.
    Quit,
    /// A signal of this number asked for it; the process exits with 128 plus it.
    Signal(i32),
    /// The terminal is gone.
    Hangup,
}

/// The terminal surface.
#[derive(Debug)]
pub struct App;

impl App {
    /// Takes over the terminal and runs the screen until it is asked to end; the terminal is put back in every case.
    ///
    /// Needs a tokio runtime of the current thread with I/O and time. The kernel's port is served beside the loop.
    pub async fn run<S: Stage + Clone + 'static>(
        stage: &S,
        options: AppOptions,
        events: impl Stream<Item = AppEvent>,
    ) -> Result<Exit, TerminalError> {
        // Signals are caught before the terminal is touched: from here on nothing ends the process without putting it back.
        let mut signals = Signals::catch().map_err(TerminalError::Mode)?;
        let mut terminal = Terminal::open()?;
        terminal.set_mouse(options.mouse);
        terminal.enter()?;
        let kernel = stage.kernel().clone();
        let mut surface = Surface::new(Rc::new(stage.clone()), terminal, &options);
        surface.first_frame();
        (options.after_first_frame)();
        let exit = surface.run(&mut signals, options.refresh, events).await;
        kernel.shutdown(match exit {
            Ok(Exit::Quit) => "user",
            Ok(Exit::Signal(_) | Exit::Hangup) => "signal",
            Err(_) => "error",
        });
        surface.leave();
        let farewell = (options.farewell)();
        if !farewell.is_empty() && exit.as_ref().is_ok_and(|exit| *exit != Exit::Hangup) {
            use std::io::Write as _;
            // Standard output may be closed; the session has the text.
            let _ = writeln!(std::io::stdout(), "{farewell}");
        }
        exit
    }
}
