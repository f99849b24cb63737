//! One terminal between two frames: what has arrived, what is due, and the frame that is drawn when it may be.

use std::{
    pin::{Pin, pin},
    rc::Rc,
    time::Duration,
};

use futures_util::{
    FutureExt as _, Stream, StreamExt as _,
    future::{FusedFuture, poll_fn},
    stream::FusedStream,
};
use purlin_kernel::{
    ExtId, Input as KernelInput, Kernel, Level, MouseButton, MouseEvent, MouseKind,
    text::theme::{Depth, Theme},
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{
    AppEvent, AppOptions, Exit, Stage, ThemeChoice,
    outside::Running,
    signals::{Caught, Signals},
    wishes::Wishes,
};
use crate::{
    encode::{Abilities, Encoder},
    terminal::{
        Keyboard, Terminal, TerminalError,
        input::{Incoming, Input, Reply},
    },
};

/// Frames that no key asked for are at least so far apart.
const FRAME: Duration = Duration::from_millis(16);

/// How long a lone escape may be the beginning of a sequence.
const ESCAPE: Duration = Duration::from_millis(25);

/// The number of the signal of ctrl+c.
const INTERRUPT: i32 = rustix::process::Signal::INT.as_raw();

/// Bytes taken in at a time before a frame may be drawn: a paste of any size leaves the screen alive.
const GULP: usize = 1 << 20;

/// Everything that one terminal needs between two frames.
pub(super) struct Surface {
    pub(super) kernel: Kernel,
    pub(super) stage: Rc<dyn Stage>,
    pub(super) terminal: Terminal,
    pub(super) encoder: Encoder,
    input: Input,
    /// The program that has the terminal for a while.
    pub(super) outside: Option<Running>,
    size: (u16, u16),
    auto_theme: bool,
    /// The kernel's theme that the encoder has.
    theme: u64,
    last_frame: Option<Instant>,
    bytes: Vec<u8>,
    resized: bool,
    knows_kitty: bool,
    /// Since when a frame that no key asked for is waiting.
    dirty_since: Option<Instant>,
    escape_at: Option<Instant>,
    buffer: Vec<u8>,
    pub(super) wishes: Wishes,
}

/// What woke the loop.
enum Woken {
    Readable,
    Writable,
    Escape,
    Due,
    Kernel,
    App(Option<AppEvent>),
    Signal(Caught),
    /// The program that had the terminal has ended, well or not.
    Ended(bool),
    Io(std::io::Error),
}

impl Surface {
    pub(super) fn new(stage: Rc<dyn Stage>, terminal: Terminal, options: &AppOptions) -> Surface {
        let kernel = stage.kernel().clone();
        let theme = match &options.theme {
            ThemeChoice::Auto => Theme::dark(),
            ThemeChoice::Fixed(theme) => theme.clone(),
        };
        kernel.set_theme(theme);
        let links = options.depth > Depth::Mono;
        let abilities = Abilities { depth: options.depth, links, ..Abilities::default() };
        Surface {
            stage,
            encoder: Encoder::new(abilities, (*kernel.hl().theme()).clone()),
            input: Input::new(),
            outside: None,
            size: terminal.size(),
            terminal,
            auto_theme: options.theme == ThemeChoice::Auto,
            theme: kernel.theme_revision(),
            last_frame: None,
            bytes: Vec::new(),
            resized: true,
            knows_kitty: false,
            dirty_since: None,
            escape_at: None,
            buffer: Vec::new(),
            wishes: Wishes::register(&kernel),
            kernel,
        }
    }

    /// Puts the terminal back.
    pub(super) fn leave(&mut self) {
        self.terminal.leave();
    }

    pub(super) async fn run(
        &mut self,
        signals: &mut Signals,
        mut refresh: Box<dyn FnMut()>,
        events: impl Stream<Item = AppEvent>,
    ) -> Result<Exit, TerminalError> {
        let wake = Rc::new(Notify::new());
        let waker = Rc::clone(&wake);
        self.kernel.on_wake(Rc::new(move || waker.notify_one()));
        let mut events = pin!(events.fuse());
        let mut port = self.kernel.serve_port().fuse();
        let mut events_open = true;
        let mut changed = true;
        let mut urgent = true;
        loop {
            if let Some(exit) = self.settle(&mut changed, &mut refresh, urgent)? {
                return Ok(exit);
            }
            urgent = false;
            let woken = self.wait(signals, &wake, events.as_mut(), events_open, Pin::new(&mut port)).await;
            match woken {
                Woken::Readable => {
                    urgent = true;
                    if self.read() == Gone::Yes {
                        return Ok(Exit::Hangup);
                    }
                }
                Woken::Escape => {
                    urgent = true;
                    self.expire_escape();
                }
                Woken::Writable | Woken::Due | Woken::Kernel => {}
                Woken::App(Some(AppEvent::Changed)) => changed = true,
                Woken::App(Some(AppEvent::Quit)) => return Ok(Exit::Quit),
                Woken::App(None) => events_open = false,
                Woken::Signal(Caught::Resize) => self.resized = true,
                // ctrl+c and ctrl+z in another program are for that program.
                Woken::Signal(Caught::Continued | Caught::End(INTERRUPT)) if self.outside.is_some() => {}
                Woken::Signal(Caught::Continued) => self.back()?,
                Woken::Signal(Caught::End(number)) => return Ok(Exit::Signal(number)),
                Woken::Ended(well) => self.take_back(well)?,
                Woken::Io(error) => return Err(TerminalError::Io(error)),
            }
        }
    }

    /// Does what has become due, then draws a frame if one is wanted and may be drawn now.
    fn settle(
        &mut self,
        changed: &mut bool,
        refresh: &mut Box<dyn FnMut()>,
        urgent: bool,
    ) -> Result<Option<Exit>, TerminalError> {
        if self.kernel.next_deadline().is_some_and(|at| at <= self.kernel.now()) {
            self.kernel.run_due();
        }
        if self.kernel.quit_requested() {
            return Ok(Some(Exit::Quit));
        }
        if self.outside.is_some() {
            if std::mem::take(changed) {
                refresh();
            }
            return Ok(None);
        }
        self.grant()?;
        if self.outside.is_some() {
            return Ok(None);
        }
        if self.resized {
            self.resized = false;
            self.size = self.terminal.size();
            // What a terminal keeps of its cells when it changes its size, and be it there and back, it does not say.
            self.encoder.forget();
            self.kernel.input(KernelInput::Resize(self.size.0, self.size.1));
        }
        let now = Instant::now();
        let wanted = *changed || self.kernel.needs_frame() || self.encoder.is_blank();
        if !wanted || self.terminal.is_behind() {
            return Ok(None);
        }
        if !urgent && self.last_frame.is_some_and(|last| now < last + FRAME) {
            self.dirty_since.get_or_insert(now);
            return Ok(None);
        }
        if std::mem::take(changed) {
            refresh();
        }
        self.dirty_since = None;
        self.last_frame = Some(now);
        self.frame();
        Ok(None)
    }

    /// Draws before anything else happens; what was typed meanwhile waits in the terminal.
    pub(super) fn first_frame(&mut self) {
        self.resized = false;
        self.kernel.input(KernelInput::Resize(self.size.0, self.size.1));
        self.last_frame = Some(Instant::now());
        self.frame();
    }

    fn frame(&mut self) {
        let (width, height) = self.size;
        let revision = self.kernel.theme_revision();
        if std::mem::replace(&mut self.theme, revision) != revision {
            self.encoder.set_theme((*self.kernel.hl().theme()).clone());
        }
        let frame = self.stage.frame(width, height);
        self.bytes.clear();
        let drawn = self.encoder.encode(&frame.grid, &self.kernel.atlas(), frame.cursor, &mut self.bytes);
        drop(frame);
        if drawn {
            self.terminal.send(&self.bytes);
        }
    }

    async fn wait(
        &mut self,
        signals: &mut Signals,
        wake: &Notify,
        events: Pin<&mut impl FusedStream<Item = AppEvent>>,
        events_open: bool,
        port: Pin<&mut impl FusedFuture<Output = ()>>,
    ) -> Woken {
        let due = self.next_due();
        let escape_at = self.escape_at;
        let sleep = |until: Option<Instant>| async move {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let mut events = events;
        let mut port = port;
        // Two borrows of the terminal: reading and writing wait on the same descriptor.
        let behind = self.terminal.is_behind();
        let terminal = &mut self.terminal;
        let outside = &mut self.outside;
        let io = async {
            if let Some(running) = outside {
                return Woken::Ended(running.ended().await);
            }
            if behind {
                let readable = terminal.wait_either().await;
                return readable.map_or_else(Woken::Io, |readable| {
                    if readable { Woken::Readable } else { Woken::Writable }
                });
            }
            terminal.readable().await.map_or_else(Woken::Io, |()| Woken::Readable)
        };
        tokio::select! {
            biased;
            caught = signals.next() => Woken::Signal(caught),
            woken = io => woken,
            () = sleep(escape_at) => Woken::Escape,
            () = wake.notified() => Woken::Kernel,
            event = events.next(), if events_open => Woken::App(event),
            // The port is served here and never ends.
            () = poll_fn(|cx| { if port.as_mut().is_terminated() { return std::task::Poll::Pending; } port.as_mut().poll(cx) }) => Woken::Kernel,
            () = sleep(due) => Woken::Due,
        }
    }

    /// Answers when the loop must go on by itself: a timer of the kernel, or a frame that has been put off.
    fn next_due(&self) -> Option<Instant> {
        let timer = self
            .kernel
            .next_deadline()
            .map(|at| Instant::now() + Duration::from_millis(at.saturating_sub(self.kernel.now())));
        // A frame that a slow terminal holds up is due when it has taken the last one, and not by the clock.
        let put_off = self.dirty_since.filter(|_| !self.terminal.is_behind());
        let frame = put_off.and(self.last_frame).map(|last| last + FRAME);
        [timer, frame].into_iter().flatten().min()
    }

    /// Does what commands have asked for.
    fn grant(&mut self) -> Result<(), TerminalError> {
        let bytes = std::mem::take(&mut *self.wishes.bytes.borrow_mut());
        if !bytes.is_empty() {
            self.terminal.send(&bytes);
        }
        if self.wishes.redraw.take() {
            self.kernel.win().mark_all_dirty();
            self.encoder.forget();
        }
        self.hand_over()?;
        if self.wishes.suspend.take() {
            self.terminal.suspend()?;
            self.back()?;
        }
        Ok(())
    }

    /// Takes the terminal over again after the process was stopped.
    pub(super) fn back(&mut self) -> Result<(), TerminalError> {
        self.terminal.reenter()?;
        self.knows_kitty = false;
        self.encoder.forget();
        self.resized = true;
        Ok(())
    }

    /// Takes in what has arrived.
    fn read(&mut self) -> Gone {
        let mut taken = 0;
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut arrived = Vec::new();
        let gone = loop {
            match self.terminal.read(&mut buffer) {
                Ok(more) => {
                    taken += buffer.len();
                    self.input.feed(&buffer, &mut |incoming| arrived.push(incoming));
                    if !more || taken > GULP {
                        break Gone::No;
                    }
                }
                Err(_) => break Gone::Yes,
            }
        };
        self.buffer = buffer;
        for incoming in arrived {
            self.take(incoming);
        }
        self.escape_at = self.input.is_pending().then(|| Instant::now() + ESCAPE);
        gone
    }

    fn expire_escape(&mut self) {
        self.escape_at = None;
        let mut arrived = Vec::new();
        self.input.expire(&mut |incoming| arrived.push(incoming));
        for incoming in arrived {
            self.take(incoming);
        }
    }

    fn take(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Key(event) => {
                self.kernel.input(KernelInput::Key(event));
            }
            Incoming::Paste { text, cut } => {
                let kept = text.len();
                self.kernel.input(KernelInput::Paste(text));
                if cut > 0 {
                    let message = format!(
                        "The paste has {} KB; the first {} KB were taken. Put the rest into a file and name it in the prompt.",
                        (kept + cut) / 1024,
                        kept / 1024
                    );
                    self.kernel.ui().notify(ExtId::CORE, message, Level::Warn);
                }
            }
            Incoming::Mouse(event) => {
                if let Some(event) = mouse(event)
                    && !self.kernel.input(KernelInput::Mouse(event))
                {
                    self.stage.mouse(event);
                }
            }
            Incoming::Focus(gained) => {
                self.kernel.input(KernelInput::Focus(gained));
            }
            Incoming::Reply(reply) => self.learn(reply),
        }
    }

    fn learn(&mut self, reply: Reply) {
        match reply {
            Reply::KittyKeyboard => {
                self.knows_kitty = true;
                self.terminal.set_keyboard(Keyboard::Kitty);
            }
            Reply::Attributes if !self.knows_kitty => self.terminal.set_keyboard(Keyboard::Modify),
            Reply::Synchronized(synchronized) => {
                self.encoder.set_abilities(Abilities { synchronized, ..self.encoder.abilities() });
            }
            Reply::Background { light } => {
                self.kernel.set_context("background", if light { "light" } else { "dark" }.into());
                if self.auto_theme {
                    self.kernel.set_theme(if light { Theme::light() } else { Theme::dark() });
                }
            }
            Reply::Attributes => {}
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gone {
    No,
    Yes,
}

fn mouse(event: termina::event::MouseEvent) -> Option<MouseEvent> {
    use termina::event::{Modifiers, MouseButton as Button, MouseEventKind as Kind};
    let named = |button: Button| match button {
        Button::Left => MouseButton::Left,
        Button::Middle => MouseButton::Middle,
        Button::Right => MouseButton::Right,
    };
    let (kind, button) = match event.kind {
        Kind::Down(button) => (MouseKind::Press, named(button)),
        Kind::Up(button) => (MouseKind::Release, named(button)),
        Kind::Drag(button) => (MouseKind::Drag, named(button)),
        Kind::Moved => (MouseKind::Move, MouseButton::None),
        Kind::ScrollUp => (MouseKind::WheelUp, MouseButton::None),
        Kind::ScrollDown => (MouseKind::WheelDown, MouseButton::None),
        Kind::ScrollLeft | Kind::ScrollRight => return None,
    };
    let mods = purlin_kernel::Mods {
        ctrl: event.modifiers.contains(Modifiers::CONTROL),
        alt: event.modifiers.contains(Modifiers::ALT),
        shift: event.modifiers.contains(Modifiers::SHIFT),
        meta: event.modifiers.contains(Modifiers::META),
    };
    Some(MouseEvent { kind, button, row: event.row, col: event.column, mods })
}
