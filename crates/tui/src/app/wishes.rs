//! What commands ask the loop for, since only the loop has the terminal.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use purlin_kernel::{CommandSpec, ExtId, Kernel};

use super::Outside;
use crate::terminal::sequences;

/// What commands ask the loop for.
#[derive(Debug, Clone, Default)]
pub(super) struct Wishes {
    pub(super) suspend: Rc<Cell<bool>>,
    pub(super) redraw: Rc<Cell<bool>>,
    pub(super) bytes: Rc<RefCell<Vec<u8>>>,
    /// A program that shall have the terminal.
    pub(super) outside: Rc<RefCell<Option<Outside>>>,
}

impl Wishes {
    pub(super) fn register(kernel: &Kernel) -> Wishes {
        let wishes = Wishes::default();
        let suspend = Rc::clone(&wishes.suspend);
        let redraw = Rc::clone(&wishes.redraw);
        let bytes = Rc::clone(&wishes.bytes);
        let action = |name: &str, desc: &str, run: Box<dyn Fn(&str)>| {
            let spec = CommandSpec::action(name, desc, move |call| {
                run(&call.args);
                Ok(None)
            });
            kernel.command().create(ExtId::CORE, spec);
        };
        action(
            "suspend",
            "Stops the program until the shell continues it.",
            Box::new(move |_| suspend.set(true)),
        );
        let outside = Rc::clone(&wishes.outside);
        let weak = kernel.downgrade();
        action(
            "screen.run",
            "Runs a shell command that has the terminal until it ends.",
            Box::new(move |line| {
                *outside.borrow_mut() = Some(Outside::command(line));
                if let Some(kernel) = weak.upgrade() {
                    // The loop looks for it when something is to be drawn.
                    kernel.win().mark_all_dirty();
                }
            }),
        );
        action("screen.redraw", "Draws the whole screen anew.", Box::new(move |_| redraw.set(true)));
        let titles = Rc::clone(&bytes);
        action(
            "screen.copy",
            "Hands its text to the terminal's clipboard (OSC 52).",
            Box::new(move |text| bytes.borrow_mut().extend(sequences::copy(text))),
        );
        action(
            "screen.title",
            "Names the terminal's window.",
            Box::new(move |text| titles.borrow_mut().extend(sequences::title(text))),
        );
        wishes
    }
}
