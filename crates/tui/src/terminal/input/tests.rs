use proptest::prelude::*;

use super::*;

fn read(chunks: &[&[u8]]) -> Vec<Incoming> {
    let mut input = Input::new();
    let mut seen = Vec::new();
    for chunk in chunks {
        input.feed(chunk, &mut |incoming| seen.push(incoming));
    }
    input.expire(&mut |incoming| seen.push(incoming));
    seen
}

fn keys(bytes: &[u8]) -> String {
    let names: Vec<String> = read(&[bytes])
        .into_iter()
        .map(|incoming| match incoming {
            Incoming::Key(event) => event.key.to_string(),
            other => format!("{other:?}"),
        })
        .collect();
    names.join(" ")
}

#[test]
fn keys_have_their_names() {
    let table: &[(&[u8], &str)] = &[
        (b"a", "a"),
        (b"A", "A"),
        ("é日".as_bytes(), "é 日"),
        (b"\r", "enter"),
        (b"\n", "ctrl+j"),
        (b"\x1b", "escape"),
        (b"\x1b\x1b", "escape escape"),
        (b"\x1b\x1b[A", "alt+up"),
        (b"\x1b\x1bOD", "alt+left"),
        (b"\x1b\x1b[3~x", "alt+delete x"),
        (b"\x1b\x1b[1;5Dx", "ctrl+alt+left x"),
        (b"\x1b\x1b[Z", "escape shift+tab"),
        (b"a\x1b\x1b[A\x1b\x1b[Bb", "a alt+up alt+down b"),
        (b"\x1b\x1b[1;3A", "escape alt+up"),
        (b"\x1b\x1b\x1b[A", "escape alt+up"),
        (b"\x1b\x1b[", "escape alt+["),
        (b"\x1bb", "alt+b"),
        (b"\x1b[", "alt+["),
        (b"\x1bO", "alt+O"),
        (b"\x1b[A", "up"),
        (b"\x1bOA", "up"),
        (b"\x1b[1;5D", "ctrl+left"),
        (b"\x1b[5~", "pgup"),
        (b"\x1b[3~", "delete"),
        (b"\x1b[Z", "shift+tab"),
        (b"\x7f", "backspace"),
        (b"\x03", "ctrl+c"),
        (b"\x1b[13;2u", "shift+enter"),
        (b"\x1b[27;2;13~", "shift+enter"),
        (b"x\x1b[27;2;13~y", "x shift+enter y"),
        (b"\x1b[27u", "escape"),
    ];
    for (bytes, expected) in table {
        assert_eq!(keys(bytes), *expected, "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn ctrl_c_ends_a_paste_whose_end_was_lost() {
    for ctrl_c in [&b"\x03"[..], b"\x1b[99;5u", b"\x1b[27;5;99~"] {
        let seen = read(&[b"\x1b[200~text", b"more", b"\x1b[20", ctrl_c, b"x"]);
        let key = |keys: &str| Incoming::Key(Key::parse(keys).expect("a key")[0].into());
        let paste = Incoming::Paste { text: "textmore".into(), cut: 0 };
        assert_eq!(seen, [paste, key("ctrl+c"), key("x")]);
    }
    // In the middle of a chunk it is text like any other.
    let seen = read(&[b"\x1b[200~a\x03b", b"c\x1b[201~"]);
    assert_eq!(seen, [Incoming::Paste { text: "a\u{3}bc".into(), cut: 0 }]);
}

#[test]
fn an_escape_waits_only_as_long_as_it_must() {
    let mut input = Input::new();
    let mut seen = Vec::new();
    input.feed(b"a\x1b", &mut |incoming| seen.push(incoming));
    assert!(input.is_pending());
    assert_eq!(seen.len(), 1);
    input.feed(b"[A", &mut |incoming| seen.push(incoming));
    assert!(!input.is_pending());
    assert_eq!(seen.len(), 2);
}

#[test]
fn an_escape_before_a_sequence_never_types_letters() {
    let bytes = b"\x1b\x1b[A";
    for cut in 1..bytes.len() {
        let seen = read(&[&bytes[..cut], &bytes[cut..]]);
        let typed = seen.iter().any(
            |incoming| matches!(incoming, Incoming::Key(event) if matches!(event.key.code, KeyCode::Char(_))),
        );
        assert!(!typed, "cut at {cut}: {seen:?}");
    }
    let paste = Incoming::Paste { text: "x".into(), cut: 0 };
    assert_eq!(read(&[b"\x1b\x1b[200~x\x1b[201~"])[1], paste);
}

#[test]
fn pastes_arrive_whole_however_they_are_split() {
    let bytes = b"a\x1b[200~one\r\ntwo\rthree \x1b[A\x1b[201~b";
    let whole = read(&[bytes]);
    assert_eq!(whole[1], Incoming::Paste { text: "one\ntwo\nthree \u{1b}[A".into(), cut: 0 });
    for cut in 1..bytes.len() {
        assert_eq!(read(&[&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
    }
}

#[test]
fn a_giant_paste_is_cut_and_counted() {
    let mut input = Input::new();
    let mut seen = Vec::new();
    input.feed(PASTE_BEGIN, &mut |incoming| seen.push(incoming));
    let chunk = vec![b'x'; 64 * 1024];
    for _ in 0..1600 {
        input.feed(&chunk, &mut |incoming| seen.push(incoming));
    }
    input.feed(PASTE_END, &mut |incoming| seen.push(incoming));
    let [Incoming::Paste { text, cut }] = seen.as_slice() else { panic!("one paste expected") };
    assert_eq!((text.len(), text.len() + cut), (PASTE_LIMIT, 1600 * 64 * 1024));
}

#[test]
fn replies_are_told_from_keys() {
    let bytes = b"a\x1b[?1u\x1b[?2026;2$y\x1b]11;rgb:ffff/ffff/f0f0\x1b\\\x1b[?62;22cb";
    let seen = read(&[bytes]);
    let replies: Vec<&Incoming> =
        seen.iter().filter(|incoming| matches!(incoming, Incoming::Reply(_))).collect();
    assert_eq!(
        replies,
        [
            &Incoming::Reply(Reply::KittyKeyboard),
            &Incoming::Reply(Reply::Synchronized(true)),
            &Incoming::Reply(Reply::Background { light: true }),
            &Incoming::Reply(Reply::Attributes),
        ]
    );
    assert_eq!(seen.len(), 6);
    assert_eq!(
        read(&[b"\x1b]11;rgb:1c1c/1c1c/1c1c\x07"]),
        [Incoming::Reply(Reply::Background { light: false })]
    );
}

proptest! {
    #[test]
    fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..80), cut in 0usize..80) {
        let cut = cut.min(bytes.len());
        read(&[&bytes[..cut], &bytes[cut..]]);
    }
}
