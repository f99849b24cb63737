//! Progress bars of real programs, recorded byte by byte: row 50.

use std::time::Duration;

use purlin_notebook::{Event, StoreExt, StreamName};
use purlin_runtime_core::{Fold, Outcome, TerminalText, handler_fn};

use crate::support::World;

const RECORDED: &[(&str, &[u8])] = &[
    ("apt", include_bytes!("../progress/apt.bytes")),
    ("cargo", include_bytes!("../progress/cargo.bytes")),
    ("curl", include_bytes!("../progress/curl.bytes")),
    ("curl -#", include_bytes!("../progress/curl-hash.bytes")),
    ("git", include_bytes!("../progress/git.bytes")),
    ("pip", include_bytes!("../progress/pip.bytes")),
    ("wget", include_bytes!("../progress/wget.bytes")),
];

fn recorded(program: &str) -> &'static [u8] {
    RECORDED.iter().find(|(name, _)| *name == program).expect("it is recorded").1
}

/// Runs a handler that prints recorded bytes in pieces, some milliseconds apart; answers the text that a reader has,
/// and how many bytes of text were committed.
fn played(bytes: &'static [u8], piece: usize, pause: u64, text: TerminalText) -> (String, usize) {
    let world = World::new();
    let mut options = world.options(&[purlin_notebook::CellKind::Echo]);
    options.terminal = text;
    let handler = handler_fn(move |cx| async move {
        for bytes in bytes.chunks(piece) {
            cx.terminal_bytes(StreamName::Stderr, bytes);
            cx.host().sleep(Duration::from_millis(pause)).await;
        }
        Ok(Outcome::done())
    });
    let agent = world.agent_with(options, handler);
    world.start(&agent);
    let before = world.last_rowid();
    let (cell, _) = world.ask(purlin_notebook::CellKind::Echo, "");
    world.host.advance(10 * 60 * 1000);
    let log = world.store.log_since(before, usize::MAX).unwrap();
    let committed = log.iter().map(|entry| match &entry.event {
        Event::TerminalOutputAdded { content, .. } => content.as_text().map_or(0, str::len),
        Event::TerminalOutputAppended2 { delta, .. } => delta.len(),
        _ => 0,
    });
    (world.texts(&cell).concat(), committed.sum())
}

/// Only what can be read: without colours, and without the blanks that a line was erased with.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    plain.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn row_050_progress_bars_leave_their_last_state_however_their_bytes_are_cut() {
    for (name, bytes) in RECORDED {
        let mut fold = Fold::new();
        fold.push(std::str::from_utf8(bytes).unwrap());
        let whole = fold.take().text;
        assert!(whole.len() <= bytes.len() && !whole.trim_end_matches("\r\n").contains('\x08'), "{name}");
        for piece in [1, 7, 100, 4096] {
            let (text, _) = played(bytes, piece, 3, TerminalText::Folded);
            assert_eq!(plain(&text), plain(&whole), "{name} in pieces of {piece}");
        }
    }
}

#[test]
fn row_050_the_last_state_is_what_a_person_saw_last() {
    let shown = |name| plain(&played(recorded(name), 50, 5, TerminalText::Folded).0);
    assert_eq!(
        shown("cargo"),
        "     Locking 1 package to latest compatible version\n   Compiling itoa v1.0.18\n   Compiling tiny v0.1.0 (/tmp/tiny)\n    Finished `dev` profile [unoptimized + debuginfo] target(s) in 0.86s\n"
    );
    assert_eq!(shown("curl -#"), "#".repeat(72) + " 100.0%\n");
    let git = shown("git");
    assert_eq!(git.lines().count(), 7, "{git}");
    assert!(git.ends_with("Resolving deltas: 100% (2007/2007), done.\n"), "{git}");
    let pip = shown("pip");
    let bar = "     ".to_owned() + &"━".repeat(40) + " 2.0/2.0 MB 6.0 MB/s eta 0:00:00";
    assert_eq!(pip.lines().nth(3), Some(bar.as_str()), "{pip}");
    assert_eq!(shown("curl").lines().count(), 3);
    assert!(shown("apt").ends_with("Reading package lists... Done\n"), "{}", shown("apt"));
    let wget = shown("wget");
    assert_eq!(wget.matches("/dev/null  ").count(), 1, "{wget}");
}

#[test]
fn row_050_a_progress_bar_that_goes_on_costs_little() {
    // Eighteen kilobytes of `git`, over a minute and a half.
    let (text, committed) = played(recorded("git"), 20, 100, TerminalText::Folded);
    assert!(text.len() < 500, "{text}");
    assert!(committed < 100_000, "{committed} bytes were committed");
}

#[test]
fn row_050_raw_text_stays_as_it_came() {
    for (name, bytes) in RECORDED {
        let (text, committed) = played(bytes, 100, 3, TerminalText::Raw);
        assert_eq!((text.as_bytes(), committed), (*bytes, bytes.len()), "{name}");
    }
}
