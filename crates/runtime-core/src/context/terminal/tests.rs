use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use purlin_notebook::{Event, Media, OutputId, StreamName};

use super::{LIVE_TAIL, Terminal};
use crate::artifacts::MemoryArtifacts;
use crate::context::page::{Form, Page};
use crate::context::stream::TextKind;
use crate::excerpt::{HEAD_LIMIT, INLINE_LIMIT};
use crate::options::TerminalText;

/// A stream, and the text that a reader of its outputs has.
struct Bench {
    terminal: Terminal,
    form: Form,
    ids: Cell<u32>,
    now: u64,
    read: BTreeMap<OutputId, (f64, String)>,
    written: usize,
    events: usize,
    artifacts: MemoryArtifacts,
}

impl Bench {
    fn new() -> Self {
        let artifacts = MemoryArtifacts::new();
        let page = Page::new("first".into(), 0.0);
        let kind = TextKind::Terminal(StreamName::Stdout);
        Self {
            terminal: Terminal::new(page, Rc::new(artifacts.clone()), TerminalText::Folded),
            form: Form { cell: "c".into(), kind, meta: None },
            ids: Cell::new(0),
            now: 0,
            read: BTreeMap::new(),
            written: 0,
            events: 0,
            artifacts,
        }
    }

    fn push(&mut self, text: &str) {
        let ids = &self.ids;
        self.terminal.push(text.as_bytes(), &|| next(ids));
    }

    /// Lets 20 ms pass and takes what is due.
    fn take(&mut self) -> bool {
        self.now += 20;
        let (ids, mut events) = (&self.ids, Vec::new());
        let wait = self.terminal.take(&self.form, self.now, &|| next(ids), &mut events);
        for event in events {
            self.apply(event);
        }
        wait.is_some()
    }

    fn end(&mut self) -> String {
        let ids = &self.ids;
        self.terminal.end(&|| next(ids));
        assert!(!self.take(), "at the end nothing waits");
        self.text()
    }

    fn apply(&mut self, event: Event) {
        self.events += 1;
        match event {
            Event::TerminalOutputAdded { id, position, content: Media::Inline { data, .. }, .. } => {
                let text = data.as_str().unwrap().to_owned();
                self.written += text.len();
                self.read.insert(id, (position, text));
            }
            Event::TerminalOutputAppended2 { output_id, delta, .. } => {
                self.written += delta.len();
                self.read.get_mut(&output_id).unwrap().1.push_str(&delta);
            }
            other => panic!("{other:?}"),
        }
    }

    fn text(&self) -> String {
        let mut parts: Vec<_> = self.read.values().collect();
        parts.sort_by(|a, b| a.0.total_cmp(&b.0));
        parts.windows(2).for_each(|two| assert!(two[0].0 < two[1].0, "two outputs at one position"));
        parts.iter().map(|(_, text)| text.as_str()).collect()
    }
}

fn next(ids: &Cell<u32>) -> OutputId {
    ids.set(ids.get() + 1);
    OutputId::from(format!("more{}", ids.get()))
}

#[test]
fn plain_text_is_appended_and_never_written_twice() {
    let mut bench = Bench::new();
    for line in 0..2000 {
        bench.push(&format!("line {line}\n"));
        bench.take();
    }
    let text = bench.end();
    assert_eq!((text.lines().count(), bench.written), (2000, text.len()));
    assert_eq!(bench.read.len(), 1);
}

#[test]
fn a_progress_bar_costs_its_line_a_few_times_a_second() {
    let mut bench = Bench::new();
    let before = "a line of the log in front of it\n".repeat(1000);
    bench.push(&before);
    bench.take();
    for step in 0..=1000 {
        bench.push(&format!("\r{:4} of 1000 [{:<40}]", step, "#".repeat(step / 25)));
        bench.take();
    }
    bench.push("\ndone\n");
    let text = bench.end();
    assert_eq!(text, format!("{before}1000 of 1000 [{}]\ndone\n", "#".repeat(40)));
    // In 20 s: the text in front once more, when its last line moves out of it, and the bar about 80 times.
    assert!(bench.events < 120, "{} events", bench.events);
    assert!(bench.written < 2 * before.len() + 10_000, "{} bytes", bench.written);
}

#[test]
fn the_tail_of_a_long_text_is_shown_while_it_grows() {
    let mut bench = Bench::new();
    let mut whole = String::new();
    for line in 0..50_000 {
        let line = format!("line {line}\n");
        bench.push(&line);
        whole.push_str(&line);
        if whole.len() % 100 < line.len() {
            bench.take();
        }
        if line == "line 25000\n" {
            bench.now += 8_000;
            bench.take();
            let text = bench.text();
            assert!(text.len() <= HEAD_LIMIT + LIVE_TAIL + 100, "{}", text.len());
            assert!(text.contains("KiB left out here so far.]\n"), "{}", &text[HEAD_LIMIT..][..100]);
            assert!(text.ends_with("line 24999\nline 25000\n"));
        }
    }
    let text = bench.end();
    assert!(text.len() <= INLINE_LIMIT, "{}", text.len());
    assert!(text.starts_with(&whole[..HEAD_LIMIT]) && text.ends_with("line 49999\n"));
    assert_eq!(bench.artifacts.get("artifact:0").unwrap(), whole.as_bytes());
    assert_eq!(bench.read.len(), 2);
    assert!(bench.written < INLINE_LIMIT + 100 * LIVE_TAIL, "{} bytes", bench.written);
}

#[test]
fn between_the_head_and_the_limit_text_is_appended() {
    let mut bench = Bench::new();
    let text: String = (0..).map(|n| format!("{n}\n")).take(11_000).collect();
    assert!(text.len() > HEAD_LIMIT && text.len() <= INLINE_LIMIT, "{}", text.len());
    for piece in text.as_bytes().chunks(700) {
        bench.push(std::str::from_utf8(piece).unwrap());
        bench.take();
    }
    assert_eq!(bench.text(), text);
    assert_eq!((bench.end(), bench.written), (text.clone(), text.len()));
    assert!(bench.artifacts.is_empty());
}

#[test]
fn lines_above_are_written_over_also_across_outputs() {
    let mut bench = Bench::new();
    let before = "x".repeat(99) + "\n";
    bench.push(&before.repeat(40));
    bench.take();
    bench.push("one\ntwo\n");
    bench.take();
    for step in 0..300 {
        bench.push(&format!("\x1b[2A\x1b[2Kone {step}\n\x1b[2Ktwo {step}\n"));
        bench.take();
    }
    assert_eq!(bench.end(), before.repeat(40) + "one 299\ntwo 299\n");
    assert!(bench.written < 2 * 4000 + 4000, "{}", bench.written);
}

#[test]
fn after_the_limit_lines_are_still_written_over() {
    let mut bench = Bench::new();
    bench.push(&"filler\n".repeat(20_000));
    bench.take();
    for step in 0..100_000 {
        bench.push(&format!("\r{step}%"));
        if step % 1000 == 0 {
            bench.take();
        }
    }
    let text = bench.end();
    assert!(text.ends_with("filler\n99999%"), "{}", &text[text.len() - 50..]);
    assert!(text.len() <= INLINE_LIMIT);
}

/// Several lines that change while the last one stays, as of a build with many jobs, where the head is full.
#[test]
fn a_last_line_that_stays_goes_behind_the_lines_that_are_written_over() {
    let line = |n: usize| format!("{n:063}\n");
    let lines = HEAD_LIMIT / 64;
    let head: String = (0..lines).map(line).collect();
    assert_eq!(head.len(), HEAD_LIMIT);
    let last = "the last line stays\n";
    for pauses in [0, 1, 50] {
        let mut bench = Bench::new();
        bench.push(&(head.clone() + last));
        bench.take();
        for step in 1..4 {
            bench.push(&format!("\x1b[3F\x1b[J{}{}{last}", line(step), line(step * 10)));
            for _ in 0..pauses {
                bench.take();
                let text = bench.text();
                assert!(text.ends_with(last), "{pauses}: {}", &text[text.len() - 100..]);
            }
        }
        let kept: String = (0..lines - 2).map(line).collect();
        assert_eq!(bench.end(), format!("{kept}{}{}{last}", line(3), line(30)), "{pauses}");
    }
}

#[test]
fn with_a_clear_pending_nothing_is_added() {
    let mut bench = Bench::new();
    bench.push("10%");
    bench.take();
    bench.terminal.grow_old();
    for step in [20, 30] {
        bench.push(&format!("\r{step}%"));
        bench.take();
    }
    assert_eq!(bench.events, 1);
    bench.push("\nend\n");
    assert_eq!(bench.end(), "10%\n30%\nend\n");
    assert_eq!((bench.events, bench.read.len()), (2, 1));
}

#[cfg(not(target_family = "wasm"))]
mod properties {
    use proptest::prelude::*;

    use super::Bench;
    use crate::excerpt::INLINE_LIMIT;
    use crate::fold::Fold;

    fn pieces() -> impl Strategy<Value = Vec<String>> {
        let piece = prop_oneof![
            4 => "[a-zé]{0,30}\n?",
            2 => "\r[0-9]{1,3}%",
            1 => Just("\x1b[A\x1b[2K".to_owned()),
            1 => Just("\x1b[3F\x1b[J".to_owned()),
            1 => Just("\x1b[31mred\x1b[0m\n".to_owned()),
            1 => (1usize..3000).prop_map(|n| "long ".repeat(n) + "\n"),
        ];
        proptest::collection::vec((piece, any::<bool>()), 0..40).prop_map(|pieces| {
            pieces.into_iter().map(|(text, take)| if take { text + "\u{1}" } else { text }).collect()
        })
    }

    proptest! {
        #[test]
        fn whenever_it_is_asked_a_reader_ends_with_the_folded_text(pieces in pieces()) {
            let (mut bench, mut fold) = (Bench::new(), Fold::new());
            for piece in &pieces {
                let text = piece.trim_end_matches('\u{1}');
                bench.push(text);
                fold.push(text);
                if text.len() < piece.len() {
                    bench.take();
                    prop_assert!(bench.text().len() <= INLINE_LIMIT + 100);
                }
            }
            let (whole, text) = (fold.take().text, bench.end());
            if whole.len() <= INLINE_LIMIT {
                prop_assert_eq!(text, whole);
            } else {
                prop_assert!(text.len() <= INLINE_LIMIT);
                prop_assert!(whole.ends_with(&text[text.len() - 4000..]));
                prop_assert_eq!(&text[..40_000], &whole[..40_000]);
            }
        }
    }
}
