//! Lines that wait: what was submitted while something that was submitted before is not done yet.
//!
//! A command that takes its time and decides where later lines belong, such as one that opens another session, holds the
//! screen with [`Screen::hold`]. What is submitted meanwhile leaves the composer, waits, and runs in the order in which it
//! was typed once nothing holds the screen any more. Keys and what extensions run by themselves are not held: only so can
//! whatever is waited for be answered, or ended.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
};

use purlin_kernel::ExtId;

use super::{Parts, Screen};

/// A line that was submitted.
struct Line {
    /// As it was typed.
    text: String,
    /// The command that takes it, and with what.
    command: String,
    args: String,
}

/// What waits, and how many wait for something.
#[derive(Default)]
pub(super) struct Held {
    holds: Cell<usize>,
    lines: RefCell<VecDeque<Line>>,
    told: RefCell<Option<Rc<dyn Fn()>>>,
}

/// Holds back what is submitted until it is dropped.
#[must_use = "what is submitted is held back as long as this lives"]
pub struct Hold(Weak<Parts>);

impl Drop for Hold {
    fn drop(&mut self) {
        let Some(screen) = self.0.upgrade().map(Screen) else { return };
        let held = &screen.0.held;
        held.holds.set(held.holds.get() - 1);
        if held.holds.get() > 0 || held.lines.borrow().is_empty() {
            return;
        }
        // Not here: whoever lets go may be in the middle of something.
        let weak = Rc::downgrade(&screen.0);
        let run = async move {
            if let Some(parts) = weak.upgrade() {
                Screen(parts).run_waiting();
            }
        };
        screen.0.kernel.spawn(ExtId::CORE, Box::pin(run));
    }
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hold").finish_non_exhaustive()
    }
}

impl Screen {
    /// Holds back what is submitted from now on. Several may hold at once.
    pub fn hold(&self) -> Hold {
        let held = &self.0.held;
        held.holds.set(held.holds.get() + 1);
        Hold(Rc::downgrade(&self.0))
    }

    /// Answers what was submitted and waits, the oldest first, as it was typed.
    pub fn waiting(&self) -> Vec<String> {
        self.0.held.lines.borrow().iter().map(|line| line.text.clone()).collect()
    }

    /// Takes back what waits, the oldest first; none of it runs then.
    pub fn take_waiting(&self) -> Vec<String> {
        let lines = self.0.held.lines.take();
        if !lines.is_empty() {
            self.tell_waiting();
        }
        lines.into_iter().map(|line| line.text).collect()
    }

    /// Has `told` called whenever other lines wait than before.
    pub fn on_waiting(&self, told: impl Fn() + 'static) {
        self.0.held.told.replace(Some(Rc::new(told)));
    }

    /// Runs the command that takes a line, at once or in its turn.
    pub(super) fn enter(&self, text: &str, command: &str, args: &str) {
        let held = &self.0.held;
        if held.holds.get() == 0 && held.lines.borrow().is_empty() {
            return self.0.kernel.command().invoke(command, args);
        }
        let [text, command, args] = [text, command, args].map(str::to_owned);
        held.lines.borrow_mut().push_back(Line { text, command, args });
        self.tell_waiting();
    }

    /// Runs what waits, until one of the lines holds back the rest.
    fn run_waiting(&self) {
        let held = &self.0.held;
        while held.holds.get() == 0 {
            let Some(line) = held.lines.borrow_mut().pop_front() else { return };
            self.tell_waiting();
            self.0.kernel.command().invoke(&line.command, &line.args);
        }
    }

    fn tell_waiting(&self) {
        let told = self.0.held.told.borrow().clone();
        if let Some(told) = told {
            told();
        }
    }
}
