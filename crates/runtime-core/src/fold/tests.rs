use super::Fold;

/// What a reader has after taking the pieces, asked after each of them.
fn folded(pieces: &[&str]) -> String {
    let (mut fold, mut text) = (Fold::new(), String::new());
    for piece in pieces {
        fold.push(piece);
        let change = fold.take();
        text.truncate(text.len() - change.cut as usize);
        text.push_str(&change.text);
    }
    text
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(folded(&[text]), expected, "{text:?}");
    let chars: Vec<String> = text.chars().map(String::from).collect();
    let pieces: Vec<&str> = chars.iter().map(String::as_str).collect();
    assert_eq!(folded(&pieces), expected, "{text:?}, char by char");
}

#[test]
fn text_without_orders_is_kept_byte_for_byte() {
    for text in
        [" ", "\n", "a\tb \n\n c", "no end", "a\r\nb\r\n", "\u{b}\u{c}x\u{7f}", "日本語 é\n", "a\r\r\n"]
    {
        let kept = text.replace("\r\r\n", "\r\n");
        check(text, &kept);
    }
}

#[test]
fn a_carriage_return_writes_over_the_line() {
    check("10%\r20%\r100%\n", "100%\n");
    check("long line\rshort\n", "shortline\n");
    check("long line\r\x1b[Kshort\nnext", "short\nnext");
    check("50%\r", "50%");
    check("\r1\r2\r3\n", "3\n");
    check("a\nb\rc\nd", "a\nc\nd");
}

#[test]
fn backspaces_and_spinners_leave_their_last_state() {
    check("|\x08/\x08-\x08\\\x08done", "done");
    check("ab\x08\x08\x08\x08X", "Xb");
    check("e\u{301}\x08f", "f");
}

#[test]
fn the_cursor_moves_as_far_as_the_window_goes() {
    check("one\ntwo\n\x1b[2A\x1b[2Kuno\n\x1b[2Kdos\nthree", "uno\ndos\nthree");
    check("one\ntwo\n\x1b[1F\x1b[Jnew", "one\nnew");
    check("abc\x1b[2DX", "aXc");
    check("abc\r\x1b[1CX", "aXc");
    check("abc\x1b[5GX", "abc X");
    check("abcdef\x1b[4D\x1b[1KX", "  Xdef");
    check("a\n\x1b[99Ab", "b\n");
}

#[test]
fn colours_stay_where_they_were_and_orders_to_the_window_go() {
    check("\x1b[1;32mok\x1b[0m \x1b[?25lx\x1b]0;title\x07\n", "\x1b[1;32mok\x1b[0m x\n");
    check("\x1b]8;;https://x.y\x1b\\link\x1b]8;;\x1b\\\n", "\x1b]8;;https://x.y\x1b\\link\x1b]8;;\x1b\\\n");
    check("\x1b[31mred\x1b[0m\rR", "R\x1b[0;31med\x1b[0m");
    check("\x1b[01;31m\x1b[Kmatch\x1b[m\x1b[K rest\n", "\x1b[01;31mmatch\x1b[m rest\n");
    check("a\x1b[38;5;200mb\rc", "\x1b[0;38;5;200mcb");
}

#[test]
fn what_is_no_sequence_ends_at_the_line() {
    check("a\x1b]0;never ended\nb", "a\nb");
    check("a\x1b[12;\nb", "a\nb");
    check("a\x1b]0;x\x1b[32mb", "a\x1b[32mb");
    check("a\x1b", "a");
    check("a\x1b(Bb\x1bcd", "abd");
}

#[test]
fn tabs_are_columns_once_they_are_written_over() {
    check("a\tb\rX", "X\tb");
    check("a\tb\r\x1b[3CX", "a  X    b");
    check("\tb\rlong text\n", "long text\n");
}

#[test]
fn a_line_that_is_redrawn_ten_thousand_times_stays_one_line() {
    let mut fold = Fold::new();
    let (mut text, mut cut) = (String::new(), 0);
    for n in 0..10_000 {
        fold.push(&format!("\r{n:5} of 10000 [{}]", "#".repeat(n / 500)));
        if n % 100 == 0 {
            let change = fold.take();
            cut += change.cut;
            text.truncate(text.len() - change.cut as usize);
            text.push_str(&change.text);
        }
    }
    let change = fold.take();
    text.truncate(text.len() - change.cut as usize);
    text.push_str(&change.text);
    assert_eq!(text, " 9999 of 10000 [###################]");
    assert!(cut < 100 * 40, "{cut}");
}

#[test]
fn memory_is_bounded_by_the_window() {
    let mut fold = Fold::new();
    for _ in 0..100 {
        fold.push(&"x".repeat(1 << 20));
        fold.take();
    }
    assert!(fold.rows.len() <= super::WINDOW);
    assert!(fold.rows.iter().map(super::Row::len).sum::<u64>() <= (super::WINDOW * super::ROW_BYTES) as u64);
    let lines = "line\n".repeat(100_000);
    fold.push(&lines);
    assert_eq!(fold.take().text, lines);
    assert!(fold.rows.len() <= super::WINDOW + 1);
}

#[test]
fn a_restart_forgets_what_was_and_keeps_the_colour() {
    let mut fold = Fold::new();
    fold.push("old \x1b[31m\nli");
    fold.take();
    fold.restart();
    fold.push("ne\rX");
    assert_eq!(fold.take().text, "\x1b[31mXe".replace("\x1b[31m", ""));
}

#[test]
fn raw_text_passes() {
    let mut fold = Fold::raw();
    fold.push("1%\r\x1b[K2%");
    assert_eq!((fold.take().text.as_str(), fold.take().cut), ("1%\r\x1b[K2%", 0));
}

#[cfg(not(target_family = "wasm"))]
mod properties {
    use proptest::prelude::*;

    use super::folded;

    /// Text as programs write it, and a few orders that make no sense.
    fn pieces() -> impl Strategy<Value = Vec<&'static str>> {
        let piece = proptest::sample::select(vec![
            "a",
            "bc",
            "é",
            "日",
            "e\u{301}",
            " ",
            "\n",
            "\n",
            "\r",
            "\r",
            "\x08",
            "\t",
            "\r\n",
            "\x1b[K",
            "\x1b[1K",
            "\x1b[2K",
            "\x1b[A",
            "\x1b[2A",
            "\x1b[B",
            "\x1b[C",
            "\x1b[3D",
            "\x1b[4G",
            "\x1b[J",
            "\x1b[31m",
            "\x1b[1;38;5;9m",
            "\x1b[0m",
            "\x1b]0;t\x07",
            "\x1b]8;;u\x1b\\",
            "\x1b",
            "[",
            "\x07",
            "\x1b[?25l",
        ]);
        proptest::collection::vec(piece, 0..60)
    }

    proptest! {
        #[test]
        fn any_split_and_any_asking_gives_the_same(pieces in pieces(), at in any::<prop::sample::Index>()) {
            let text = pieces.concat();
            let boundaries: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
            let (left, right) = text.split_at(boundaries[at.index(boundaries.len())]);
            let whole = folded(&[&text]);
            for other in [folded(&[left, right]), folded(&pieces)] {
                // How colours are written may differ with the moment at which a row was asked for; the text may not.
                if text.contains("\x1b[31m") || text.contains("\x1b[1;") || text.contains("\x1b]8") {
                    prop_assert_eq!(lines(&shown(&other)), lines(&shown(&whole)));
                    prop_assert_eq!(colours(&shown(&other)), colours(&shown(&whole)));
                } else {
                    prop_assert_eq!(&other, &whole);
                }
            }
        }

        #[test]
        fn a_terminal_shows_the_same(pieces in pieces()) {
            // Beyond the last line a terminal has empty rows, a text has none; wide characters and marks count otherwise.
            let known = |piece: &&&str| !matches!(**piece, "\x1b[B" | "日" | "e\u{301}" | "\x1b" | "[" | "\t");
            let text: String = pieces.iter().filter(known).copied().collect();
            let (terminal, ours) = (shown(&text), shown(&folded(&[&text])));
            prop_assert_eq!(lines(&ours), lines(&terminal));
            prop_assert_eq!(colours(&ours), colours(&terminal));
        }
    }

    fn shown(text: &str) -> vt100::Parser {
        let (rows, columns) = (80u16.try_into().expect("not zero"), 400u16.try_into().expect("not zero"));
        let mut terminal = vt100::Parser::new(rows, columns, 0);
        terminal.process(text.replace('\n', "\r\n").as_bytes());
        terminal
    }

    fn lines(terminal: &vt100::Parser) -> Vec<String> {
        let mut lines: Vec<String> =
            terminal.screen().rows(0, 400).map(|line| line.trim_end().to_owned()).collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }

    /// The colours of what can be seen.
    fn colours(terminal: &vt100::Parser) -> Vec<(vt100::Color, bool)> {
        let screen = terminal.screen();
        let cells = (0..80).flat_map(|row| (0..400).filter_map(move |column| screen.cell(row, column)));
        let seen = cells.filter(|cell| cell.has_contents() && cell.contents() != " ");
        seen.map(|cell| (cell.fgcolor(), cell.bold())).collect()
    }
}
