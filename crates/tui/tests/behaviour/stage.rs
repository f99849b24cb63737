//! A kernel with the stock screen on it, a clock that stands still, and a transcript to fill.

use std::{
    cell::{Cell, RefCell},
    ops::Range,
    path::PathBuf,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::FutureExt as _;
use purlin_kernel::{
    Block, BlockSource, CommandSpec, DirEntry, ExtId, Host, HostError, Input, Kernel, LBF, MouseButton,
    MouseEvent, MouseKind, Process, ProcessSpec, TaskHandle,
};
use purlin_tui::{Screen, ScreenOptions, history::History, snapshot};
use serde_json::{Value, json};

#[derive(Default)]
pub struct StillHost {
    pub now: Cell<u64>,
    /// Whether each look at the finer clock takes a millisecond.
    pub ticking: Cell<bool>,
    micros: Cell<u64>,
    tasks: RefCell<Vec<LBF<()>>>,
}

struct Detached;

impl TaskHandle for Detached {
    fn abort(&self) {}
}

impl Host for StillHost {
    fn now_mono(&self) -> u64 {
        self.now.get()
    }

    fn now_micros(&self) -> u64 {
        if self.ticking.get() {
            self.micros.set(self.micros.get() + 1_000);
        }
        self.now.get() * 1_000 + self.micros.get()
    }

    fn sleep(&self, _: Duration) -> LBF<()> {
        std::future::pending().boxed_local()
    }

    fn spawn(&self, task: LBF<()>) -> Box<dyn TaskHandle> {
        self.tasks.borrow_mut().push(task);
        Box::new(Detached)
    }

    fn spawn_process(&self, _: ProcessSpec) -> Result<Process, HostError> {
        Err(HostError::Unsupported("processes"))
    }

    fn fs_read(&self, _: PathBuf) -> LBF<Result<Vec<u8>, HostError>> {
        std::future::ready(Err(HostError::Unsupported("files"))).boxed_local()
    }

    fn fs_write(&self, _: PathBuf, _: Vec<u8>) -> LBF<Result<(), HostError>> {
        std::future::ready(Err(HostError::Unsupported("files"))).boxed_local()
    }

    fn fs_list(&self, _: PathBuf) -> LBF<Result<Vec<DirEntry>, HostError>> {
        std::future::ready(Err(HostError::Unsupported("files"))).boxed_local()
    }
}

#[derive(Default)]
pub struct Talk {
    blocks: RefCell<Vec<Rc<Block>>>,
    revision: Cell<u64>,
    /// How many blocks have been asked for.
    pub read: Cell<usize>,
}

impl BlockSource for Talk {
    fn len(&self) -> usize {
        self.blocks.borrow().len()
    }

    fn range(&self, range: Range<usize>) -> Vec<Rc<Block>> {
        let blocks = self.blocks.borrow();
        let found = blocks[range.start.min(blocks.len())..range.end.min(blocks.len())].to_vec();
        self.read.set(self.read.get() + found.len());
        found
    }

    fn revision(&self) -> u64 {
        self.revision.get()
    }
}

pub struct Stage {
    pub kernel: Kernel,
    pub screen: Screen,
    pub talk: Rc<Talk>,
    pub host: Rc<StillHost>,
    pub sent: Rc<RefCell<Vec<String>>>,
    copied: Rc<RefCell<Vec<String>>>,
    pub size: (u16, u16),
}

impl Stage {
    pub fn new(width: u16, height: u16) -> Stage {
        Stage::with_history(width, height, History::in_memory())
    }

    pub fn with_history(width: u16, height: u16, history: History) -> Stage {
        let host = Rc::new(StillHost::default());
        host.now.set(100_000);
        let kernel = Kernel::new(Rc::clone(&host) as Rc<dyn Host>);
        let options =
            ScreenOptions { history, welcome: vec![vec!["welcome".into()]], placeholder: "ask".into() };
        let screen = Screen::install(&kernel, options).expect("a fresh kernel takes the screen");
        let talk = Rc::new(Talk::default());
        kernel.buf().set_source("transcript", Some(Rc::clone(&talk) as Rc<dyn BlockSource>));
        let sent: Rc<RefCell<Vec<String>>> = Rc::default();
        let into = Rc::clone(&sent);
        let takes = CommandSpec::action("send", "Takes a prompt.", move |call| {
            if call.args == "refuse" {
                return Err(purlin_kernel::HandlerError::new("the store is full"));
            }
            into.borrow_mut().push(call.args.clone());
            Ok(None)
        });
        kernel.command().create(ExtId::CORE, takes);
        let into = Rc::clone(&sent);
        let waits = CommandSpec::action("queue", "Takes a prompt that waits.", move |call| {
            into.borrow_mut().push(format!("queue: {}", call.args));
            Ok(None)
        });
        kernel.command().create(ExtId::CORE, waits);
        let copied: Rc<RefCell<Vec<String>>> = Rc::default();
        let into = Rc::clone(&copied);
        let takes_copies = CommandSpec::action("screen.copy", "Takes what is copied.", move |call| {
            into.borrow_mut().push(call.args.clone());
            Ok(None)
        });
        kernel.command().create(ExtId::CORE, takes_copies);
        let stage = Stage { kernel, screen, talk, host, sent, copied, size: (width, height) };
        stage.rows();
        stage
    }

    /// Adds a block at the end.
    pub fn add(&self, kind: &str, text: &str, meta: Value) {
        {
            let mut blocks = self.talk.blocks.borrow_mut();
            let id = format!("b{}", blocks.len());
            let Value::Object(meta) = meta else { panic!("a block's meta is an object") };
            blocks.push(Rc::new(Block {
                id,
                kind: kind.into(),
                text: text.into(),
                meta,
                ..Block::default()
            }));
        }
        self.changed();
    }

    /// Adds numbered prompts of one line.
    pub fn fill(&self, count: usize) {
        for number in 0..count {
            self.add("prompt", &format!("p{number}"), json!({}));
        }
    }

    /// Changes the last block.
    pub fn change_last(&self, change: impl FnOnce(&mut Block)) {
        {
            let mut blocks = self.talk.blocks.borrow_mut();
            let block = Rc::make_mut(blocks.last_mut().expect("there is a block"));
            change(block);
            block.revision += 1;
        }
        self.changed();
    }

    fn changed(&self) {
        self.talk.revision.set(self.talk.revision.get() + 1);
        self.screen.refresh();
    }

    /// Presses keys: single characters, names in `<…>`.
    pub fn keys(&self, keys: &str) {
        let mut rest = keys;
        while let Some(first) = rest.chars().next() {
            let named = rest.strip_prefix('<').and_then(|body| body.split_once('>'));
            let (name, tail) = match named {
                Some((name, tail)) => (name.to_owned(), tail),
                None => (first.to_string(), &rest[first.len_utf8()..]),
            };
            let name = if name == " " { "space" } else { &name };
            let key = purlin_kernel::Key::parse_single(name).expect(name);
            self.kernel.input(Input::Key(key.into()));
            self.run();
            rest = tail;
        }
    }

    /// Turns the wheel over the transcript.
    pub fn wheel(&self, up: bool) {
        self.wheel_at(up, 0, 0);
    }

    /// Turns the wheel at a place of the screen.
    pub fn wheel_at(&self, up: bool, row: u16, col: u16) {
        let kind = if up { MouseKind::WheelUp } else { MouseKind::WheelDown };
        self.mouse(kind, MouseButton::None, row, col);
    }

    /// Does something with the left button.
    pub fn left(&self, kind: MouseKind, row: u16, col: u16) {
        self.mouse(kind, MouseButton::Left, row, col);
    }

    fn mouse(&self, kind: MouseKind, button: MouseButton, row: u16, col: u16) {
        let event = MouseEvent { kind, button, row, col, mods: purlin_kernel::Mods::NONE };
        if !self.kernel.input(Input::Mouse(event)) {
            self.screen.mouse(event);
        }
        self.run();
    }

    /// Presses, moves and lets go.
    pub fn drag(&self, from: (u16, u16), to: (u16, u16)) {
        self.left(MouseKind::Press, from.0, from.1);
        self.left(MouseKind::Drag, to.0, to.1);
        self.rows();
        self.left(MouseKind::Release, to.0, to.1);
    }

    /// What was copied since the last call.
    pub fn copied(&self) -> Vec<String> {
        std::mem::take(&mut self.copied.borrow_mut())
    }

    /// Lets the clock go on and what is due happen.
    pub fn wait(&self, ms: u64) {
        self.host.now.set(self.host.now.get() + ms);
        self.kernel.run_due();
        self.run();
    }

    /// The style of a cell of the screen.
    pub fn style(&self, row: u16, col: u16) -> purlin_kernel::text::Style {
        self.rows();
        let frame = self.screen.frame(self.size.0, self.size.1);
        let style = frame.grid.row(row)[usize::from(col)].style;
        self.kernel.atlas().style(style).clone()
    }

    /// The text of the cells of a row whose style passes a test.
    pub fn styled(&self, row: u16, test: impl Fn(&purlin_kernel::text::Style) -> bool) -> String {
        self.rows();
        let frame = self.screen.frame(self.size.0, self.size.1);
        let (atlas, theme) = (self.kernel.atlas(), self.kernel.hl().theme());
        let passes = |cell: &&purlin_kernel::grid::Cell| {
            cell.width > 0 && test(&theme.flatten(atlas.style(cell.style)))
        };
        let cells = frame.grid.row(row).iter().filter(passes);
        cells.map(|cell| atlas.glyph(cell.glyph).as_str().to_owned()).collect()
    }

    /// Lets tasks go on.
    pub fn run(&self) {
        let tasks = self.host.tasks.take();
        for mut task in tasks {
            let pending = task.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Pending;
            if pending {
                self.host.tasks.borrow_mut().push(task);
            }
        }
    }

    pub fn composer(&self) -> String {
        self.kernel.buf().text("composer")
    }

    pub fn rows(&self) -> Vec<String> {
        snapshot::rows(&self.screen, self.size.0, self.size.1).0
    }

    pub fn cursor(&self) -> Option<(u16, u16)> {
        snapshot::rows(&self.screen, self.size.0, self.size.1).1
    }

    pub fn picture(&self) -> String {
        snapshot::picture(&self.screen, self.size.0, self.size.1)
    }

    /// The transcript's rows.
    pub fn transcript(&self) -> Vec<String> {
        let rows = self.rows();
        let height = self.kernel.win().get("transcript").expect("it exists").rect.height;
        rows[..usize::from(height)].to_vec()
    }
}
