//! Highlighted code: grammars on a thread of their own, which begins with the first code that is shown.
//!
//! Whoever draws asks with [`Highlighter::glance`] and gets what is ready; what is not is shown plain, and the screen is
//! told when there is something new. Code that grows as it is streamed keeps the colours of its finished lines and costs
//! its new lines only. Code beyond the bounds of [`worker`] stays plain: no text can hold the screen up.

mod scopes;
mod worker;

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    rc::Rc,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::{Duration, Instant},
};

use purlin_kernel::{
    Kernel, Port,
    text::{Highlighter, Line, Span, Style},
};
use serde_json::Value;

use worker::{Done, Job};

/// The service by which the thread says that something is ready.
const READY: &str = "syntax.ready";

/// How long [`Highlighter::lines`] waits: less than a renderer may take.
const PATIENCE: Duration = Duration::from_millis(20);

/// So many pieces of code are kept.
const KEPT: usize = 512;

/// Longer code stays plain, in bytes.
const LONGEST: usize = 256 * 1024;

/// Languages that have no colours.
const PLAIN: [&str; 5] = ["", "text", "txt", "plain", "plaintext"];

/// Highlights code; one for a screen.
pub struct Syntax {
    port: Port,
    jobs: RefCell<Option<Sender<Job>>>,
    done: RefCell<Option<Receiver<Done>>>,
    table: RefCell<HashMap<Key, Entry>>,
    next: Cell<u64>,
    clock: Cell<u64>,
    missed: Cell<u64>,
    news: RefCell<Rc<dyn Fn()>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    language: String,
    length: usize,
    hash: u64,
}

struct Entry {
    used: u64,
    state: State,
}

enum State {
    /// The thread has it.
    Waiting {
        id: u64,
        code: String,
    },
    /// The thread does not know the language.
    Unknown,
    Ready {
        code: String,
        lines: Rc<Vec<Line>>,
    },
}

impl Syntax {
    /// Makes the highlighter of a kernel and hands it to it; no thread runs before code is shown.
    pub fn install(kernel: &Kernel) -> Rc<Syntax> {
        let syntax = Rc::new(Syntax {
            port: kernel.port(),
            jobs: RefCell::default(),
            done: RefCell::default(),
            table: RefCell::default(),
            next: Cell::new(0),
            clock: Cell::new(0),
            missed: Cell::new(0),
            news: RefCell::new(Rc::new(|| {})),
        });
        let weak = Rc::downgrade(&syntax);
        kernel.serve(
            READY,
            Rc::new(move |_| {
                if let Some(syntax) = weak.upgrade() {
                    syntax.collect();
                }
                Box::pin(std::future::ready(Ok(Value::Null)))
            }),
        );
        kernel.set_highlighter(Rc::clone(&syntax) as Rc<dyn Highlighter>);
        syntax
    }

    /// Calls `news` whenever code is ready that had been asked for.
    pub fn on_news(&self, news: impl Fn() + 'static) {
        *self.news.borrow_mut() = Rc::new(news);
    }

    /// Counts how often something was asked for that was not ready.
    pub fn missed(&self) -> u64 {
        self.missed.get()
    }

    /// Waits until the thread has nothing left, at most so long; answers whether that is so.
    pub fn settle(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while self.is_busy() {
            if !self.take_one(until) {
                return false;
            }
        }
        true
    }

    fn is_busy(&self) -> bool {
        self.table.borrow().values().any(|entry| matches!(entry.state, State::Waiting { .. }))
    }

    /// Takes in what is ready.
    fn collect(&self) {
        let mut some = false;
        loop {
            let next = self.done.borrow().as_ref().and_then(|done| done.try_recv().ok());
            let Some(done) = next else { break };
            self.put(done);
            some = true;
        }
        if some {
            let news = Rc::clone(&self.news.borrow());
            news();
        }
    }

    /// Waits for one answer of the thread; false when the time is over.
    fn take_one(&self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let next = match self.done.borrow().as_ref() {
            Some(done) => done.recv_timeout(left),
            None => Err(RecvTimeoutError::Disconnected),
        };
        let Ok(done) = next else { return false };
        self.put(done);
        let news = Rc::clone(&self.news.borrow());
        news();
        true
    }

    fn put(&self, done: Done) {
        for entry in self.table.borrow_mut().values_mut() {
            let State::Waiting { id, code } = &mut entry.state else { continue };
            if *id != done.id {
                continue;
            }
            let code = std::mem::take(code);
            entry.state = match done.rows {
                Some(rows) => State::Ready { lines: Rc::new(lines(&code, &rows)), code },
                None => State::Unknown,
            };
            return;
        }
    }

    /// Answers what is ready, and asks the thread for what is not.
    fn ask(&self, code: &str, language: &str) -> Option<Vec<Line>> {
        let language = language.to_lowercase();
        if PLAIN.contains(&language.as_str()) || code.len() > LONGEST || code.trim().is_empty() {
            return None;
        }
        let key = key(code, &language);
        let used = self.clock.get() + 1;
        self.clock.set(used);
        if let Some(entry) = self.table.borrow_mut().get_mut(&key) {
            entry.used = used;
            match &entry.state {
                State::Ready { lines, .. } => return Some(lines.as_ref().clone()),
                State::Unknown => return None,
                State::Waiting { .. } => {}
            }
        }
        self.missed.set(self.missed.get() + 1);
        let (partly, grows) = self.beginning(code, &language);
        // Code that grows is asked for again when its beginning is ready; one request at a time is enough.
        if !grows && !self.table.borrow().contains_key(&key) {
            self.send(key, code, &language, used);
        }
        partly
    }

    /// Answers the longest beginning of the code that is ready, the rest plain; and whether a beginning is being worked on.
    fn beginning(&self, code: &str, language: &str) -> (Option<Vec<Line>>, bool) {
        let table = self.table.borrow();
        let same = table.iter().filter(|(key, _)| key.language == language && key.length < code.len());
        let mut best: Option<(usize, &Rc<Vec<Line>>)> = None;
        let mut grows = false;
        for (_, entry) in same {
            match &entry.state {
                State::Waiting { code: begun, .. } => grows |= code.starts_with(begun.as_str()),
                State::Ready { code: begun, lines } => {
                    let whole = begun.rfind('\n').map_or(0, |at| at + 1);
                    if best.is_none_or(|(most, _)| whole > most)
                        && whole > 0
                        && code.starts_with(&begun[..whole])
                    {
                        best = Some((whole, lines));
                    }
                }
                State::Unknown => {}
            }
        }
        let partly = best.map(|(whole, lines)| {
            let finished = code[..whole].matches('\n').count();
            let rest = code[whole..].lines().map(|row| vec![Span::from(row.to_owned())]);
            lines.iter().take(finished).cloned().chain(rest).collect()
        });
        (partly, grows)
    }

    fn send(&self, key: Key, code: &str, language: &str, used: u64) {
        if self.jobs.borrow().is_none() {
            let (jobs, incoming) = channel();
            let (outgoing, done) = channel();
            let port = self.port.clone();
            let tell = move || drop(port.call(READY, Value::Null, None));
            if let Err(error) = worker::start(incoming, outgoing, tell) {
                tracing::warn!(%error, "code is not highlighted: no thread could be started");
                return;
            }
            *self.jobs.borrow_mut() = Some(jobs);
            *self.done.borrow_mut() = Some(done);
        }
        let id = self.next.get() + 1;
        self.next.set(id);
        let job = Job { id, language: language.to_owned(), code: code.to_owned() };
        let sent = self.jobs.borrow().as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        let state = if sent { State::Waiting { id, code: code.to_owned() } } else { State::Unknown };
        let mut table = self.table.borrow_mut();
        table.insert(key, Entry { used, state });
        if table.len() > 2 * KEPT {
            let oldest = used.saturating_sub(KEPT as u64);
            table.retain(|_, entry| entry.used > oldest || matches!(entry.state, State::Waiting { .. }));
        }
    }
}

impl Highlighter for Syntax {
    fn lines(&self, code: &str, language: &str) -> Option<Vec<Line>> {
        let before = self.missed();
        let ready = self.ask(code, language);
        if self.missed() == before {
            return ready;
        }
        let until = Instant::now() + PATIENCE;
        let key = key(code, &language.to_lowercase());
        let waits = |syntax: &Syntax| {
            let table = syntax.table.borrow();
            table.get(&key).is_none_or(|entry| matches!(entry.state, State::Waiting { .. }))
        };
        while waits(self) {
            if !self.take_one(until) {
                return ready;
            }
        }
        self.ask(code, language)
    }

    fn glance(&self, code: &str, language: &str) -> Option<Vec<Line>> {
        self.ask(code, language)
    }
}

impl std::fmt::Debug for Syntax {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Syntax").field("kept", &self.table.borrow().len()).finish_non_exhaustive()
    }
}

fn key(code: &str, language: &str) -> Key {
    let mut hasher = DefaultHasher::new();
    code.hash(&mut hasher);
    Key { language: language.to_owned(), length: code.len(), hash: hasher.finish() }
}

/// Puts text and colours together.
fn lines(code: &str, rows: &[worker::Row]) -> Vec<Line> {
    let styled = |(source, row): (&str, &worker::Row)| {
        let mut at = 0;
        let mut line = Line::new();
        for (length, token) in row {
            let piece = source.get(at..at + length).unwrap_or_default().trim_end_matches(['\r', '\n']);
            at += length;
            if !piece.is_empty() {
                let style = token.map_or_else(Style::default, Style::fg);
                line.push(Span::new(piece.to_owned(), style));
            }
        }
        line
    };
    code.split_inclusive('\n').zip(rows).map(styled).collect()
}
