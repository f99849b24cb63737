//! The stock screen: its buffers, windows and layout, its keys and commands.
//!
//! Everything here is made of the kernel's public nouns: an extension that wants another transcript, composer, status
//! line or layout replaces the part it wants and keeps the rest.

mod actions;
mod find;
mod held;
pub(crate) mod keys;
mod mouse;
mod open;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use purlin_kernel::{
    DockSide, ExtId, Frame, HandlerError, HighlightSpec, Kernel, LayoutNode, MouseEvent, Rect, Renderer,
    Topic, Window,
    text::{Line, Style, Token},
    window::Placement,
};
use serde_json::json;

use crate::{
    app::{Outside, Stage},
    composer::{self, COMPOSER, Composer, TALLEST},
    dialog::{self, DIALOG, DialogBox},
    history::History,
    hooks,
    notice::{self, NOTICE, NOTICES, NoticeLine},
    popup::{AUTOCOMPLETE, Popup},
    status::{self, STATUS, Segment, Status},
    syntax::Syntax,
    transcript::{TRANSCRIPT, Transcript},
};
pub use find::SEARCH;
use find::SearchLine;
pub use held::Hold;
pub(crate) use mouse::WHEEL;

/// The name of the window and the buffer of what waits for the agent: one message a line.
pub const QUEUED: &str = "queued";

/// Places at the edges for windows of extensions, hidden while nobody uses them.
const DOCKS: [&str; 4] = ["header", "above", "below", "footer"];

/// How the stock screen is set up.
#[derive(Debug, Default)]
pub struct ScreenOptions {
    /// What was sent before.
    pub history: History,
    /// What the transcript shows while it is empty.
    pub welcome: Vec<Line>,
    /// What the composer shows while it is empty.
    pub placeholder: String,
}

/// The stock screen of one kernel; a clone is the same screen.
#[derive(Clone)]
pub struct Screen(Rc<Parts>);

struct Parts {
    kernel: Kernel,
    transcript: Rc<Transcript>,
    composer: Rc<Composer>,
    syntax: Rc<Syntax>,
    popup: Rc<Popup>,
    mouse: RefCell<mouse::Mouse>,
    /// A program that shall have the terminal for a while.
    outside: RefCell<Option<Outside>>,
    history: RefCell<History>,
    /// What was submitted and waits.
    held: held::Held,
    /// The composer's first row, the first one below it and the screen's size, as of the last frame.
    arranged: Cell<(u16, u16, (u16, u16))>,
    /// The lowest block in sight when the search was opened.
    search_from: Cell<usize>,
    /// The handlers that there were at the last frame.
    handlers: Cell<u64>,
}

impl Screen {
    /// Creates the stock buffers, windows, layout, commands and keymaps, and focuses the composer.
    pub fn install(kernel: &Kernel, options: ScreenOptions) -> Result<Screen, HandlerError> {
        hooks::declare_all(kernel);
        let screen = Screen(Rc::new(Parts {
            kernel: kernel.clone(),
            transcript: Rc::new(Transcript::new(options.welcome)),
            composer: Rc::default(),
            syntax: Syntax::install(kernel),
            popup: Rc::default(),
            mouse: RefCell::default(),
            outside: RefCell::default(),
            history: RefCell::new(options.history),
            held: held::Held::default(),
            arranged: Cell::default(),
            search_from: Cell::default(),
            handlers: Cell::default(),
        }));
        screen.create_windows(&options.placeholder)?;
        screen.watch();
        actions::register(&screen);
        screen.register_open();
        keys::register(kernel)?;
        kernel.set_visual_lines(Rc::new(composer::shown_lines));
        kernel.ui().set_interactive(true);
        kernel.win().focus(COMPOSER);
        Ok(screen)
    }

    /// Answers the kernel.
    pub fn kernel(&self) -> &Kernel {
        &self.0.kernel
    }

    /// Answers the transcript's renderer.
    pub fn transcript(&self) -> &Transcript {
        &self.0.transcript
    }

    /// Answers who highlights code.
    pub fn syntax(&self) -> &Syntax {
        &self.0.syntax
    }

    /// Sets a segment of the status line; an empty text takes it away.
    pub fn set_segment(&self, key: &str, segment: &Segment) {
        status::set(&self.0.kernel, key, segment);
    }

    /// Changes what the transcript shows while it is empty.
    pub fn set_welcome(&self, welcome: Vec<Line>) {
        self.0.transcript.set_welcome(welcome);
        self.0.kernel.win().mark_dirty(TRANSCRIPT);
    }

    /// Says that the transcript's blocks have changed.
    pub fn refresh(&self) {
        self.0.kernel.buf().source_changed(TRANSCRIPT);
        self.follow_find();
    }

    fn create_windows(&self, placeholder: &str) -> Result<(), HandlerError> {
        let kernel = &self.0.kernel;
        let tree: [(&str, Rc<dyn Renderer>); 5] = [
            (TRANSCRIPT, Rc::clone(&self.0.transcript) as Rc<dyn Renderer>),
            (SEARCH, Rc::new(SearchLine(Rc::clone(&self.0.transcript)))),
            (NOTICE, Rc::new(NoticeLine)),
            (COMPOSER, Rc::clone(&self.0.composer) as Rc<dyn Renderer>),
            (STATUS, Rc::new(Status)),
        ];
        for (name, renderer) in tree {
            let (focusable, visible) = ([TRANSCRIPT, SEARCH, COMPOSER].contains(&name), name != SEARCH);
            self.create(Window { focusable, visible, ..Window::new(name, name, name) }, Some(renderer))?;
            kernel.buf().set_editable(name, [SEARCH, COMPOSER].contains(&name));
        }
        // A click there selects or unfolds; what is typed next is still the prompt.
        kernel.win().set_var(TRANSCRIPT, "click_focus", json!(false));
        kernel.win().set_buffer_renderer(TRANSCRIPT, Rc::clone(&self.0.transcript) as Rc<dyn Renderer>);
        for name in DOCKS.into_iter().chain([QUEUED]) {
            self.create(
                Window { focusable: false, visible: false, ..Window::new(name, "dock", name) },
                None,
            )?;
        }
        let floats: [(&str, i32, Rc<dyn Renderer>); 3] = [
            (NOTICES, 900, Rc::new(NoticeLine)),
            (AUTOCOMPLETE, 500, Rc::clone(&self.0.popup) as Rc<dyn Renderer>),
            (DIALOG, 1000, Rc::new(DialogBox)),
        ];
        for (name, zindex, renderer) in floats {
            let float = Window::float(name, name, name, Rect::default());
            self.create(Window { focusable: false, visible: false, zindex, ..float }, Some(renderer))?;
            kernel.buf().set_editable(name, false);
        }
        let selected = HighlightSpec { link: None, style: Style::new().on(Token::Selection) };
        kernel.hl().set(ExtId::CORE, mouse::SELECTED, selected)?;
        kernel.buf().set_var(COMPOSER, "placeholder", json!(placeholder));
        kernel.layout().set_stock(LayoutNode::col(vec![
            LayoutNode::win("header"),
            LayoutNode::dock(DockSide::Header),
            LayoutNode::win(TRANSCRIPT).grow(1).min(1),
            LayoutNode::win(SEARCH).size(1),
            LayoutNode::win("above"),
            LayoutNode::dock(DockSide::Above),
            LayoutNode::win(QUEUED),
            LayoutNode::win(NOTICE),
            LayoutNode::win(COMPOSER).min(1).max(TALLEST),
            LayoutNode::win("below"),
            LayoutNode::dock(DockSide::Below),
            LayoutNode::win(STATUS).size(1).min(1),
            LayoutNode::win("footer"),
            LayoutNode::dock(DockSide::Footer),
        ]));
        Ok(())
    }

    fn create(&self, window: Window, renderer: Option<Rc<dyn Renderer>>) -> Result<(), HandlerError> {
        let kernel = &self.0.kernel;
        let name = window.name.clone();
        kernel.buf().create(ExtId::CORE, &name);
        kernel.win().create(ExtId::CORE, window)?;
        if let Some(renderer) = renderer {
            kernel.win().set_stock_renderer(&name, renderer);
        }
        Ok(())
    }

    /// Has windows drawn again when what they show changes elsewhere than in their buffer.
    fn watch(&self) {
        let kernel = &self.0.kernel;
        let weak = kernel.downgrade();
        kernel.on_change(
            ExtId::CORE,
            Rc::new(move |topic| {
                let Some(kernel) = weak.upgrade() else { return };
                match topic {
                    Topic::Pending | Topic::Status => kernel.win().mark_dirty(STATUS),
                    Topic::Dialogs => kernel.win().mark_dirty(DIALOG),
                    Topic::Notifications => {
                        kernel.win().mark_dirty(NOTICE);
                        kernel.win().mark_dirty(NOTICES);
                    }
                    Topic::Focus => kernel.win().mark_dirty(NOTICE),
                    _ => {}
                }
            }),
        );
        let weak = Rc::downgrade(&self.0);
        kernel.buf().attach(
            ExtId::CORE,
            SEARCH,
            Rc::new(move |_| {
                if let Some(parts) = weak.upgrade() {
                    Screen(parts).find_again();
                }
                Ok(())
            }),
        );
        self.0.transcript.set_syntax(Rc::clone(&self.0.syntax));
        let (weak, transcript) = (kernel.downgrade(), Rc::clone(&self.0.transcript));
        self.0.syntax.on_news(move || {
            transcript.highlighted();
            if let Some(kernel) = weak.upgrade() {
                kernel.highlighted();
            }
        });
        let weak = Rc::downgrade(&self.0);
        kernel.buf().attach(
            ExtId::CORE,
            COMPOSER,
            Rc::new(move |_| {
                if let Some(screen) = weak.upgrade().map(Screen) {
                    screen.clear_composer();
                    screen.0.popup.update(&screen.0.kernel);
                }
                Ok(())
            }),
        );
    }

    /// Draws what is dirty on a screen of this size, with what floats where it belongs.
    pub fn frame(&self, width: u16, height: u16) -> Frame<'_> {
        let kernel = &self.0.kernel;
        // A handler that is new, or gone, may draw the blocks otherwise.
        let handlers = kernel.hook().revision();
        if self.0.handlers.replace(handlers) != handlers {
            kernel.win().mark_dirty(TRANSCRIPT);
        }
        self.arrange();
        let mut frame = kernel.frame(width, height);
        // A composer that has grown moves what stands above it, and a new size all of it, in the same frame.
        if self.has_shifted() {
            frame.discard();
            self.arrange();
            frame = kernel.frame(width, height);
        }
        frame
    }

    /// Puts dialog and completion where they belong, and what the layout has no place for. Answers whether something moved.
    fn arrange(&self) -> bool {
        let kernel = &self.0.kernel;
        let (width, height) = kernel.layout().size();
        let (floor, ground) = (self.floor(height), self.ground(height));
        let offered =
            if kernel.ui().has_dialog() { None } else { self.0.popup.place((width, height), floor, ground) };
        let dialog = dialog::place(kernel, (width, height), floor);
        let mut moved = self.float(AUTOCOMPLETE, offered);
        moved |= self.float(DIALOG, dialog);
        // What stands below the composer stands below one another.
        let mut under = offered.filter(|rect| rect.y >= ground).map_or(ground, |rect| rect.y + rect.height);
        let mut place = |rows: u16| {
            let row = if rows <= floor { floor - rows } else { under.min(height.saturating_sub(rows)) };
            under = row + rows;
            Rect::new(0, row, width, rows.min(height))
        };
        let tree = kernel.layout().get();
        let search = (self.is_finding() && !holds(&tree, SEARCH)).then(|| place(1));
        moved |= self.place_search(search);
        let rows = if holds(&tree, NOTICE) { 0 } else { notice::height(kernel, width) };
        let said = (rows > 0).then(|| place(rows));
        self.float(NOTICES, said) || moved
    }

    /// Has the search line float where the layout has no place for it.
    fn place_search(&self, rect: Option<Rect>) -> bool {
        let placement = rect.map_or(Placement::Tree, Placement::Float);
        let windows = self.0.kernel.win();
        let there = windows.get(SEARCH).is_some_and(|window| window.placement == placement);
        !there
            && windows.set(SEARCH, |window| {
                // Over what stands in the tree, and over the completion.
                window.zindex = if placement == Placement::Tree { 0 } else { 600 };
                window.placement = placement;
            })
    }

    /// Tells whether the layout shows the transcript, by the renderer that can search it.
    fn shows_transcript(&self) -> bool {
        holds(&self.0.kernel.layout().effective(), TRANSCRIPT)
            || self.0.kernel.win().get(TRANSCRIPT).is_some_and(|window| !window.rect.is_empty())
    }

    /// Answers the first row below the composer.
    fn ground(&self, height: u16) -> u16 {
        let composer = self.0.kernel.win().get(COMPOSER).filter(|window| !window.rect.is_empty());
        composer.map_or(height, |window| window.rect.y + window.rect.height).min(height)
    }

    /// Answers the first row that the composer, its rule and what waits above it take.
    fn floor(&self, height: u16) -> u16 {
        let row = |name: &str| {
            let window = self.0.kernel.win().get(name);
            window.filter(|window| window.visible && !window.rect.is_empty()).map(|window| window.rect.y)
        };
        [QUEUED, NOTICE, COMPOSER].into_iter().find_map(row).unwrap_or(height).min(height)
    }

    fn float(&self, name: &str, rect: Option<Rect>) -> bool {
        let windows = self.0.kernel.win();
        let Some(window) = windows.get(name) else { return false };
        let placement = rect.map_or_else(|| window.placement.clone(), Placement::Float);
        if window.visible == rect.is_some() && window.placement == placement {
            return false;
        }
        windows.set(name, |window| {
            window.visible = rect.is_some();
            window.placement = placement;
        })
    }

    /// Tells whether the composer or the screen's edges have moved since the last call, so that what floats must be
    /// arranged again.
    fn has_shifted(&self) -> bool {
        let size = self.0.kernel.layout().size();
        let now = (self.floor(size.1), self.ground(size.1), size);
        self.0.arranged.replace(now) != now
    }
}

/// Tells whether a layout has a place for a window.
fn holds(node: &LayoutNode, name: &str) -> bool {
    node.win.as_deref() == Some(name) || node.children.iter().any(|child| holds(child, name))
}

impl Stage for Screen {
    fn kernel(&self) -> &Kernel {
        Screen::kernel(self)
    }

    fn frame(&self, width: u16, height: u16) -> Frame<'_> {
        Screen::frame(self, width, height)
    }

    fn mouse(&self, event: MouseEvent) {
        Screen::mouse(self, event);
    }

    fn take_outside(&self) -> Option<Outside> {
        self.0.outside.take()
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen").finish_non_exhaustive()
    }
}
