//! Notices: short messages that go away by themselves.

use std::cell::{Cell, RefCell};

use super::Ui;
use crate::guard::Level;
use crate::{ExtId, Topic};

/// How many are kept at a time.
const MOST: usize = 32;

/// A longer one is cut, in bytes: no screen shows it.
const LONGEST: usize = 4096;

/// A short message to the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Numbers it.
    pub id: u64,
    /// Who says it.
    pub owner: ExtId,
    /// What it says.
    pub text: String,
    /// How serious it is.
    pub level: Level,
    /// When it was said, in milliseconds of the monotonic clock.
    pub at: u64,
    /// When it goes away.
    pub until: u64,
}

#[derive(Default)]
pub(super) struct Notices {
    list: RefCell<Vec<Notice>>,
    next: Cell<u64>,
    /// The notice that any other key takes away.
    until_key: Cell<Option<u64>>,
}

impl Ui<'_> {
    /// Shows a message for `ms` milliseconds, or until the next key that is not ctrl+c.
    pub fn notify_until_key(self, owner: ExtId, text: impl Into<String>, level: Level, ms: u64) {
        self.dismiss_at_key();
        let id = self.show_notice(owner, &text.into(), level, ms);
        self.0.0.ui.notices.until_key.set(Some(id));
    }

    /// Takes away what lasts until a key.
    pub(crate) fn dismiss_at_key(self) {
        if let Some(id) = self.0.0.ui.notices.until_key.take() {
            self.dismiss_notice(id);
        }
    }

    /// Shows a message: four seconds for news, eight for warnings, twelve for errors.
    pub fn notify(self, owner: ExtId, text: impl Into<String>, level: Level) {
        let shown = match level {
            Level::Debug | Level::Info => 4_000,
            Level::Warn => 8_000,
            Level::Error => 12_000,
        };
        self.show_notice(owner, &text.into(), level, shown);
    }

    fn show_notice(self, owner: ExtId, text: &str, level: Level, shown: u64) -> u64 {
        let text = crate::text::head(text, LONGEST).to_owned();
        let state = &self.0.0.ui.notices;
        let id = state.next.get() + 1;
        state.next.set(id);
        let at = self.0.now();
        {
            let mut list = state.list.borrow_mut();
            if list.len() == MOST {
                list.remove(0);
            }
            list.push(Notice { id, owner, text, level, at, until: at + shown });
        }
        self.0.changed(Topic::Notifications);
        id
    }

    /// Answers what is to be seen now, oldest first.
    pub fn notifications(self) -> Vec<Notice> {
        self.0.0.ui.notices.list.borrow().clone()
    }

    /// Takes one notice away.
    pub fn dismiss_notice(self, id: u64) {
        let before = self.0.0.ui.notices.list.borrow().len();
        self.0.0.ui.notices.list.borrow_mut().retain(|notice| notice.id != id);
        if self.0.0.ui.notices.list.borrow().len() != before {
            self.0.changed(Topic::Notifications);
        }
    }

    pub(super) fn next_notice_end(self) -> Option<u64> {
        self.0.0.ui.notices.list.borrow().iter().map(|notice| notice.until).min()
    }

    pub(super) fn expire_notices(self, now: u64) {
        let gone = {
            let mut list = self.0.0.ui.notices.list.borrow_mut();
            let before = list.len();
            list.retain(|notice| notice.until > now);
            before != list.len()
        };
        if gone {
            self.0.changed(Topic::Notifications);
        }
    }
}
