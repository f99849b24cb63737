//! A screen with nothing on it: what a program draws on that is no chat.
//!
//! There are no buffers, no windows and no layout but the program's own; over them float the dialogs that it opens and
//! the notices that are to be said. Keys of editing are mapped, for windows with a text that can be changed, and
//! `ctrl+c` twice quits, as everywhere.

use std::rc::Rc;

use purlin_kernel::{
    CommandSpec, ExtId, Frame, HandlerError, Kernel, Level, MouseEvent, MouseKind, QUIT_WINDOW_MS, Rect,
    Renderer, Topic, Window, window::Placement,
};

use crate::{
    app::Stage,
    dialog::{self, DIALOG, DialogBox},
    notice::{self, NOTICE, NoticeLine},
    screen::{WHEEL, keys},
    syntax::Syntax,
};

/// The empty screen of one kernel; a clone is the same screen.
#[derive(Debug, Clone)]
pub struct Bare(Kernel);

impl Bare {
    /// Creates what floats over the program's windows, and maps the keys that are there in every program.
    pub fn install(kernel: &Kernel) -> Result<Self, HandlerError> {
        let floats: [(&str, i32, Rc<dyn Renderer>); 2] =
            [(NOTICE, 900, Rc::new(NoticeLine)), (DIALOG, 1000, Rc::new(DialogBox))];
        for (name, zindex, renderer) in floats {
            kernel.buf().create(ExtId::CORE, name);
            kernel.buf().set_editable(name, false);
            let float = Window::float(name, name, name, Rect::default());
            kernel.win().create(ExtId::CORE, Window { focusable: false, visible: false, zindex, ..float })?;
            kernel.win().set_stock_renderer(name, renderer);
        }
        watch(kernel);
        commands(kernel);
        keys::register_bare(kernel)?;
        kernel.ui().set_interactive(true);
        let weak = kernel.downgrade();
        // The kernel keeps the highlighter.
        Syntax::install(kernel).on_news(move || {
            if let Some(kernel) = weak.upgrade() {
                kernel.highlighted();
            }
        });
        Ok(Self(kernel.clone()))
    }

    /// Puts dialog and notices where they belong.
    fn arrange(&self) {
        let (width, height) = self.0.layout().size();
        let rows = notice::height(&self.0, width).min(height);
        let floor = height - rows;
        self.float(NOTICE, (rows > 0).then(|| Rect::new(0, floor, width, rows)));
        self.float(DIALOG, dialog::place(&self.0, (width, height), floor));
    }

    fn float(&self, name: &str, rect: Option<Rect>) {
        self.0.win().set(name, |window| {
            window.visible = rect.is_some();
            window.placement = rect.map_or_else(|| window.placement.clone(), Placement::Float);
        });
    }
}

impl Stage for Bare {
    fn kernel(&self) -> &Kernel {
        &self.0
    }

    fn frame(&self, width: u16, height: u16) -> Frame<'_> {
        let resized = self.0.layout().size() != (width, height);
        self.arrange();
        let frame = self.0.frame(width, height);
        if !resized {
            return frame;
        }
        // Dialogs and notices are placed on the screen as it is now, in the same frame.
        frame.discard();
        self.arrange();
        self.0.frame(width, height)
    }

    fn mouse(&self, event: MouseEvent) {
        let up = match event.kind {
            MouseKind::WheelUp => true,
            MouseKind::WheelDown => false,
            _ => return,
        };
        let Some(window) = self.0.win().at(event.row, event.col).filter(|_| !self.0.ui().has_dialog()) else {
            return;
        };
        // A text's offset is its first shown line.
        self.0.win().scroll(&window.name, |scroll| {
            scroll.offset = if up { scroll.offset.saturating_sub(WHEEL) } else { scroll.offset + WHEEL };
        });
    }
}

/// Has dialogs and notices drawn again when they change.
fn watch(kernel: &Kernel) {
    let weak = kernel.downgrade();
    kernel.on_change(
        ExtId::CORE,
        Rc::new(move |topic| {
            let Some(kernel) = weak.upgrade() else { return };
            match topic {
                Topic::Dialogs => kernel.win().mark_dirty(DIALOG),
                Topic::Notifications => kernel.win().mark_dirty(NOTICE),
                _ => {}
            }
        }),
    );
}

fn commands(kernel: &Kernel) {
    let weak = kernel.downgrade();
    let cancel = CommandSpec::action("prompt.cancel", "Pressed twice, quits.", move |_| {
        if let Some(kernel) = weak.upgrade() {
            let text = "Press ctrl+c again to quit.";
            kernel.ui().notify_until_key(ExtId::CORE, text, Level::Info, QUIT_WINDOW_MS);
        }
        Ok(None)
    });
    kernel.command().create(ExtId::CORE, cancel);
    let weak = kernel.downgrade();
    let quit = CommandSpec::action("quit", "Ends the program.", move |_| {
        if let Some(kernel) = weak.upgrade() {
            kernel.quit();
        }
        Ok(None)
    });
    kernel.command().create(ExtId::CORE, quit);
}
