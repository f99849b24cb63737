//! What was said and logged, for those who look later: `/messages`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use jiff::Zoned;
use purlin_kernel::text::{Line, Span, Style, Token, visible};
use purlin_kernel::{ExtId, Kernel, Level, LogMessage, Notice, Topic};

use crate::loading;

/// So many messages are kept.
const MOST: usize = 1_000;
/// So many of the last messages are looked at to tell whether a notice repeats one.
const REPEATED: usize = 8;

/// One message.
#[derive(Clone, Debug, PartialEq)]
struct Message {
    at: Zoned,
    level: Level,
    /// The extension; `purlin` for the program itself.
    who: String,
    /// The hook, command or callback; empty for what was said.
    what: String,
    text: String,
    place: Option<String>,
}

/// The messages of one run. Clones are the same journal.
#[derive(Clone, Default)]
pub struct Journal(Rc<Inner>);

#[derive(Default)]
struct Inner {
    messages: RefCell<VecDeque<Message>>,
    /// Messages that were dropped to make room.
    dropped: Cell<usize>,
    /// Warnings and errors since somebody looked.
    unseen: Cell<usize>,
    read: Cell<u64>,
    told: Cell<u64>,
}

impl Journal {
    /// Writes down everything from now on; `changed` is called with the number of problems that nobody has looked at.
    pub fn begin(kernel: &Kernel, changed: impl Fn(usize) + 'static) -> Self {
        let journal = Self::default();
        let (weak, own) = (kernel.downgrade(), journal.clone());
        kernel.on_change(
            ExtId::CORE,
            Rc::new(move |topic| {
                let Some(kernel) = weak.upgrade() else { return };
                let before = own.0.unseen.get();
                match topic {
                    Topic::Messages => own.take_logged(&kernel),
                    Topic::Notifications => own.take_notices(&kernel),
                    _ => return,
                }
                if own.0.unseen.get() != before {
                    changed(own.0.unseen.get());
                }
            }),
        );
        journal
    }

    fn take_logged(&self, kernel: &Kernel) {
        for message in loading::unread(kernel, &self.0.read) {
            let place = loading::place_of(&message);
            let is_remark = loading::is_remark(&message);
            // Who asked has read the answer: it is written down, and nobody is called to look at it.
            let is_seen = loading::is_answer(&message);
            let LogMessage { level, extension, what, text, .. } = message;
            let level = if is_remark { Level::Info } else { level };
            let before = self.0.unseen.get();
            self.put(Message { at: Zoned::now(), level, who: extension, what, text, place });
            if is_seen {
                self.0.unseen.set(before);
            }
        }
    }

    fn take_notices(&self, kernel: &Kernel) {
        for Notice { id, owner, text, level, .. } in kernel.ui().notifications() {
            if id <= self.0.told.get() {
                continue;
            }
            self.0.told.set(id);
            let text = self.unknown(&text);
            if !text.is_empty() {
                let who = kernel.ext().name(owner);
                self.put(Message { at: Zoned::now(), level, who, what: String::new(), text, place: None });
            }
        }
    }

    /// The lines of a notice that repeat no message: what was logged is often said as well.
    fn unknown(&self, text: &str) -> String {
        let messages = self.0.messages.borrow();
        let repeats =
            |part: &str| messages.iter().rev().take(REPEATED).any(|known| part.contains(&known.text));
        if !text.contains('\n') {
            return if repeats(text) { String::new() } else { text.to_owned() };
        }
        text.lines().filter(|line| !repeats(line)).collect::<Vec<_>>().join("\n")
    }

    fn put(&self, message: Message) {
        if message.level >= Level::Warn {
            self.0.unseen.set(self.0.unseen.get() + 1);
        }
        let mut messages = self.0.messages.borrow_mut();
        if messages.len() == MOST {
            messages.pop_front();
            self.0.dropped.set(self.0.dropped.get() + 1);
        }
        messages.push_back(message);
    }

    /// The messages as lines, the newest last; nothing if there is none. From now on they count as seen.
    pub fn look(&self) -> Option<Vec<Line>> {
        self.0.unseen.set(0);
        let messages = self.0.messages.borrow();
        if messages.is_empty() {
            return None;
        }
        let mut lines = Vec::new();
        let dropped = self.0.dropped.get();
        if dropped > 0 {
            let text = format!("{dropped} older messages are not kept");
            lines.push(vec![Span::new(text, Style::fg(Token::Dim))]);
        }
        lines.extend(messages.iter().flat_map(lines_of));
        Some(lines)
    }
}

/// The head with time, level, extension and place, then the text.
fn lines_of(message: &Message) -> Vec<Line> {
    let (word, token) = match message.level {
        Level::Debug => ("debug", Token::Muted),
        Level::Info => ("info", Token::Dim),
        Level::Warn => ("warning", Token::Warning),
        Level::Error => ("error", Token::Error),
    };
    let dim = |text: String| Span::new(visible(&text).into_owned(), Style::fg(Token::Dim));
    let mut head = vec![
        dim(format!("{} ", message.at.strftime("%H:%M:%S"))),
        Span::new(word, Style::fg(token)),
        dim(format!(" {}", message.who)),
    ];
    if !message.what.is_empty() {
        head.push(dim(format!(" · {}", message.what)));
    }
    if let Some(place) = &message.place {
        head.push(dim(format!(" · {place}")));
    }
    let text = message.text.lines().map(|line| vec![Span::from(format!("  {}", visible(line)))]);
    std::iter::once(head).chain(text).collect()
}

#[cfg(test)]
mod tests {
    use purlin_kernel::HandlerError;
    use purlin_kernel::text::line_plain;
    use purlin_runtime_native::KernelHost;

    use super::*;

    fn shown(journal: &Journal) -> Vec<String> {
        let lines = journal.look().unwrap_or_default();
        // The time is not the same twice.
        lines
            .iter()
            .map(|line| {
                line_plain(line)
                    .split_once(':')
                    .map_or_else(|| line_plain(line), |(_, rest)| rest[6..].to_owned())
            })
            .collect()
    }

    #[test]
    fn what_is_logged_and_said_is_kept_once_and_bounded() {
        let kernel = Kernel::new(Rc::new(KernelHost::new()));
        let problems = Rc::new(Cell::new(0));
        let counted = Rc::clone(&problems);
        let journal = Journal::begin(&kernel, move |count| counted.set(count));
        assert!(journal.look().is_none());
        let ext = kernel.ext().reserve("gate");
        let failed = HandlerError::new("no such key").at("gate.lua", 3);
        kernel.guard().log(Level::Error, ext, "tool_call", &failed);
        kernel.ui().notify(ExtId::CORE, "Extension `gate`, tool_call: no such key", Level::Warn);
        kernel.ui().notify(ExtId::CORE, "Not loaded: no such key.\nAnother line.", Level::Info);
        kernel.ui().notify(ext, "hello\nthere", Level::Info);
        assert_eq!(problems.get(), 1);
        assert_eq!(
            shown(&journal),
            [
                "error gate · tool_call · gate.lua:3",
                "  no such key",
                "info purlin",
                "  Another line.",
                "info gate",
                "  hello",
                "  there"
            ]
        );
        for _ in 0..MOST {
            kernel.guard().warn(ext, "x", "again");
        }
        let lines = journal.look().expect("messages");
        assert_eq!(line_plain(&lines[0]), "3 older messages are not kept");
        assert_eq!(lines.len(), 2 * MOST + 1);
    }
}
