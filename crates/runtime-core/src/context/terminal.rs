//! Text of a terminal on its way into outputs: folded, bounded, and shown while it grows.
//!
//! What is committed is never changed; where a line is written over, or only the tail of a long text is shown, the
//! output is written anew under its id, as seldom as a reader does not notice. So that such an output is short, the
//! lines that are written over go into an output of their own: consecutive outputs of one stream read as one text.

use std::rc::Rc;
use std::time::Duration;

use purlin_notebook::{Event, OutputId};

use crate::artifacts::Artifacts;
use crate::context::page::{Form, Page};
use crate::excerpt::{HEAD_LIMIT, INLINE_LIMIT, TAIL_LIMIT, Whole, keep_tail, left_out_so_far, tail_start};
use crate::fold::{Change, Fold};
use crate::host::MonoMs;
use crate::options::TerminalText;
use crate::text::{Utf8Decoder, floor_boundary, visible_nul};

/// From how many bytes on the text in front of rewritten lines stays in an output of its own.
const SPLIT: usize = 1024;
/// How much is kept of what is left out, so that the tail can be cut at a line.
const KEPT: usize = INLINE_LIMIT - HEAD_LIMIT;
/// How much of the tail is shown while the text still grows.
const LIVE_TAIL: usize = 4 * 1024;

/// The text of one stream of a process.
pub(crate) struct Terminal {
    decoder: Utf8Decoder,
    fold: Fold,
    whole: Whole,
    parts: Vec<Part>,
    /// How many bytes the parts have.
    head: usize,
    /// How many bytes between the parts and the tail are not kept.
    left_out: u64,
    tail: String,
    tail_part: Option<Part>,
    /// The last form of the tail, once the text has ended.
    ending: Option<String>,
    lines: Pace,
    tails: Pace,
    /// A clear is pending that this output must not carry out: nothing may be added, only appended.
    old: bool,
}

/// One output with the text that it is to have.
struct Part {
    page: Page,
    text: String,
    /// How much of the text is committed.
    sent: usize,
    /// What is committed is no beginning of the text.
    stale: bool,
}

/// How often an output may be written anew: the longer it goes on, the more seldom.
struct Pace {
    every: u64,
    most: u64,
    count: u32,
    last: Option<MonoMs>,
}

impl Pace {
    fn new(every: u64, most: u64) -> Self {
        Self { every, most, count: 0, last: None }
    }

    /// How long to wait before the next time; `None` if it may be now.
    fn wait(&self, now: MonoMs) -> Option<Duration> {
        let slower = 1 << (self.count / 32).min(16);
        let since = now.saturating_sub(self.last?);
        let rest = (self.every * slower).min(self.most).saturating_sub(since);
        (rest > 0).then(|| Duration::from_millis(rest))
    }

    fn step(&mut self, now: MonoMs) {
        self.count += 1;
        self.last = Some(now);
    }
}

impl Part {
    fn new(page: Page) -> Self {
        Self { page, text: String::new(), sent: 0, stale: false }
    }

    fn shorten(&mut self, to: usize) {
        self.text.truncate(to);
        self.stale |= self.sent > to;
    }

    fn is_pending(&self) -> bool {
        self.stale || self.sent < self.text.len()
    }

    fn event(&mut self, form: &Form) -> Event {
        let from = std::mem::replace(&mut self.sent, self.text.len());
        if std::mem::take(&mut self.stale) {
            self.page.replace(form, self.text.clone())
        } else {
            self.page.write(form, self.text[from..].to_owned())
        }
    }
}

impl Terminal {
    pub(crate) fn new(page: Page, artifacts: Rc<dyn Artifacts>, kind: TerminalText) -> Self {
        Self {
            decoder: Utf8Decoder::new(),
            fold: if kind == TerminalText::Raw { Fold::raw() } else { Fold::new() },
            whole: Whole::new(artifacts),
            parts: vec![Part::new(page)],
            head: 0,
            left_out: 0,
            tail: String::new(),
            tail_part: None,
            ending: None,
            lines: Pace::new(100, 1_000),
            tails: Pace::new(500, 8_000),
            old: false,
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8], new_id: &dyn Fn() -> OutputId) {
        self.whole.keep(bytes);
        let text = self.decoder.decode(bytes);
        self.fold.push(&text);
        if bytes.len() >= HEAD_LIMIT {
            // So that one piece of any size costs no more than its copy.
            self.absorb(new_id);
        }
    }

    /// Ends the text: what was left out is stored, and the tail takes its last form.
    pub(crate) fn end(&mut self, new_id: &dyn Fn() -> OutputId) {
        let rest = self.decoder.finish();
        self.fold.push(rest);
        self.absorb(new_id);
        let mut ending = std::mem::take(&mut self.tail);
        if self.is_over(ending.len()) {
            let left_out = self.left_out + keep_tail(&mut ending, TAIL_LIMIT);
            ending.insert_str(0, &visible_nul(&self.whole.store().left_out(left_out)));
        } else if self.decoder.saw_invalid() {
            ending.push_str(&visible_nul(&self.whole.store().no_text()));
        }
        self.ending = Some(ending);
    }

    /// Makes the output appear anew with the text that follows, after the cell's outputs were cleared.
    pub(crate) fn restart(&mut self, position: f64) {
        self.fold.take();
        self.fold.restart();
        self.whole.restart();
        self.parts.truncate(1);
        for part in &mut self.parts {
            part.page.restart(position);
            (part.sent, part.stale) = (0, false);
            part.text.clear();
        }
        (self.head, self.left_out, self.old) = (0, 0, false);
        self.tail.clear();
        self.tail_part = None;
    }

    /// Notes that a clear is pending; does nothing if the output is not there yet.
    pub(crate) fn grow_old(&mut self) {
        self.old |= self.is_begun();
    }

    pub(crate) fn is_begun(&self) -> bool {
        self.parts.iter().any(|part| part.page.added)
    }

    pub(crate) fn has(&self, id: &OutputId) -> bool {
        self.parts.iter().chain(&self.tail_part).any(|part| part.page.id == *id)
    }

    /// Answers events by `events`, and how long to wait with what is not due yet.
    pub(crate) fn take(
        &mut self,
        form: &Form,
        now: MonoMs,
        new_id: &dyn Fn() -> OutputId,
        events: &mut Vec<Event>,
    ) -> Option<Duration> {
        self.absorb(new_id);
        if self.old {
            self.take_old(form, events);
            return None;
        }
        let (ended, wait) = (self.ending.is_some(), self.lines.wait(now));
        for part in self.parts.iter_mut().filter(|part| part.is_pending()) {
            if part.stale {
                if let Some(wait) = wait.filter(|_| !ended) {
                    return Some(wait);
                }
                self.lines.step(now);
            }
            events.push(part.event(form));
        }
        self.take_tail(form, now, new_id, events)
    }

    fn take_tail(
        &mut self,
        form: &Form,
        now: MonoMs,
        new_id: &dyn Fn() -> OutputId,
        events: &mut Vec<Event>,
    ) -> Option<Duration> {
        let target = self.shown_tail();
        if target.is_empty() && self.tail_part.is_none() {
            return None;
        }
        let before = self.parts.last().map(|part| &part.page)?;
        let part = self.tail_part.get_or_insert_with(|| Part::new(before.next(new_id())));
        let moved = part.page.moved;
        if part.text == target && !moved {
            return None;
        }
        if moved || !target.starts_with(&part.text) {
            // What now stands in front of it is in the same batch, so that no reader finds the two in the wrong order.
            if let Some(wait) = self.tails.wait(now).filter(|_| self.ending.is_none() && !moved) {
                return Some(wait);
            }
            self.tails.step(now);
            part.stale = part.page.added;
            part.sent = 0;
        }
        part.text = target;
        events.push(part.event(form));
        None
    }

    /// What stands below the head: all of it as long as that fits, else its last lines.
    fn shown_tail(&self) -> String {
        if let Some(ending) = &self.ending {
            return ending.clone();
        }
        if !self.is_over(self.tail.len()) {
            return self.tail.clone();
        }
        let at = tail_start(&self.tail, LIVE_TAIL);
        left_out_so_far(self.left_out + at as u64) + &self.tail[at..]
    }

    fn is_over(&self, tail: usize) -> bool {
        self.left_out > 0 || self.head + tail > INLINE_LIMIT
    }

    /// Appends to what is there, and at the end what could not be shown because of a pending clear.
    fn take_old(&mut self, form: &Form, events: &mut Vec<Event>) {
        let Some(last) = self.parts.iter().rposition(|part| part.page.added) else { return };
        let mut text = String::new();
        let part = &mut self.parts[last];
        if !part.stale {
            text.push_str(&part.text[part.sent..]);
            part.sent = part.text.len();
        }
        if self.ending.is_some() {
            let tail = self.shown_tail();
            for part in self.parts.iter_mut().skip(last).filter(|part| part.is_pending()) {
                text.push('\n');
                text.push_str(&part.text);
                (part.sent, part.stale) = (part.text.len(), false);
            }
            text.push_str(&tail);
            self.ending = Some(String::new());
        }
        if !text.is_empty() {
            events.push(self.parts[last].page.write(form, text));
        }
    }

    /// Takes in what the fold has made of the text since the last time.
    fn absorb(&mut self, new_id: &dyn Fn() -> OutputId) {
        let Change { cut, text } = self.fold.take();
        let mut text = text.as_str();
        if cut > 0 {
            text = self.cut(cut, text, new_id);
        }
        if self.left_out == 0 && self.tail.is_empty() && self.head < HEAD_LIMIT {
            let at = floor_boundary(text, HEAD_LIMIT - self.head);
            if let Some(part) = self.parts.last_mut() {
                part.text.push_str(&text[..at]);
            }
            self.head += at;
            text = &text[at..];
        }
        self.keep_back(text);
    }

    /// Makes the end of the former text void, as far as `text` is not the same; answers what is to be added.
    fn cut<'a>(&mut self, cut: u64, text: &'a str, new_id: &dyn Fn() -> OutputId) -> &'a str {
        let from_tail = cut.min(self.tail.len() as u64);
        self.tail.truncate(self.tail.len() - from_tail as usize);
        let from_left = (cut - from_tail).min(self.left_out);
        self.left_out -= from_left;
        let mut cut = (cut - from_tail - from_left) as usize;
        if cut == 0 {
            return text;
        }
        let same = |part: &&mut Part| from_tail == 0 && part.text.len() >= cut;
        if let Some(last) = self.parts.last_mut().filter(same)
            && let Some(more) = text.strip_prefix(&last.text[last.text.len() - cut..])
        {
            return more;
        }
        for part in self.parts.iter_mut().rev() {
            let here = cut.min(part.text.len());
            part.shorten(part.text.len() - here);
            self.head -= here;
            cut -= here;
            if cut == 0 {
                break;
            }
        }
        if let Some(last) = self.parts.last().filter(|last| last.stale && last.text.len() > SPLIT) {
            let page = last.page.next(new_id());
            if let Some(tail) = &mut self.tail_part {
                tail.page.follow(&page);
            }
            self.parts.push(Part::new(page));
        }
        text
    }

    /// Keeps at least the last `KEPT` bytes; trims only at twice that, so the cost is constant.
    fn keep_back(&mut self, text: &str) {
        let at = floor_boundary(text, text.len().saturating_sub(2 * KEPT));
        if at > 0 {
            self.left_out += (self.tail.len() + at) as u64;
            self.tail.clear();
        }
        self.tail.push_str(&text[at..]);
        if self.tail.len() > 2 * KEPT {
            self.left_out += keep_tail(&mut self.tail, KEPT);
        }
    }
}

#[cfg(test)]
mod tests;
