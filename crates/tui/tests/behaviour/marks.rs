//! Marks on composer and transcript, several windows on one buffer, blocks that are shown otherwise.

use crate::stage::Stage;
use purlin_kernel::{
    Block, DockSide, ExtId, HighlightSpec, MarkOptions, Placement, Shown, Side, Split, VirtPos, Window,
    text::{Attrs, Span, Style},
};

fn bold(stage: &Stage) {
    let spec = HighlightSpec { link: None, style: Style::new().with(Attrs::BOLD) };
    stage.kernel.hl().set(ExtId::CORE, "strong", spec).expect("a name");
}

fn set(stage: &Stage, buffer: &str, at: usize, options: MarkOptions) -> u64 {
    let ns = stage.kernel.mark().namespace("test");
    stage.kernel.mark().set(ExtId::CORE, buffer, ns, at, options).expect("the buffer exists")
}

fn virt(text: &'static str, virt_text_pos: VirtPos) -> MarkOptions {
    MarkOptions { virt_text: vec![text.into()], virt_text_pos, ..MarkOptions::default() }
}

#[test]
fn the_composer_shows_every_kind_of_mark() {
    let stage = Stage::new(40, 12);
    bold(&stage);
    stage.keys("one two three");
    let link = MarkOptions { end: Some(7), url: Some("http://x.test".into()), ..MarkOptions::default() };
    set(
        &stage,
        "composer",
        0,
        MarkOptions { end: Some(3), hl: Some("strong".into()), ..MarkOptions::default() },
    );
    set(&stage, "composer", 4, link);
    set(&stage, "composer", 4, virt("[in]", VirtPos::Inline));
    set(&stage, "composer", 0, virt("behind", VirtPos::Eol));
    set(&stage, "composer", 0, virt("edge", VirtPos::RightAlign));
    set(&stage, "composer", 0, MarkOptions { sign: Some(Span::from("!")), ..MarkOptions::default() });
    let below = MarkOptions { virt_lines: vec![vec!["a line below".into()]], ..MarkOptions::default() };
    set(&stage, "composer", 2, below);
    let row = composer_row_of(&stage);
    let rows = stage.rows();
    assert_eq!(rows[usize::from(row)], "! one [in]two three behind          edge");
    assert_eq!(rows[usize::from(row) + 1], "  a line below");
    assert_eq!(stage.styled(row, |style| style.attrs.contains(Attrs::BOLD)), "one");
    assert_eq!(stage.styled(row, |style| style.url.is_some()), "two");
    assert_eq!(stage.cursor(), Some((row, 19)), "the caret stands behind what is inserted");
    set(&stage, "composer", 8, virt("XX", VirtPos::Overlay));
    assert!(stage.rows()[usize::from(row)].contains("XX"), "{:?}", stage.rows());
}

fn composer_row_of(stage: &Stage) -> u16 {
    stage.rows();
    stage.kernel.win().get("composer").expect("it exists").rect.y
}

#[test]
fn the_transcript_shows_marks_on_its_blocks() {
    let stage = Stage::new(40, 14);
    bold(&stage);
    stage.fill(3);
    set(
        &stage,
        "transcript",
        1,
        MarkOptions { sign: Some(Span::from("★")), ..virt("kept", VirtPos::RightAlign) },
    );
    set(
        &stage,
        "transcript",
        1,
        MarkOptions { end: Some(3), hl: Some("strong".into()), ..MarkOptions::default() },
    );
    let below = MarkOptions { virt_lines: vec![vec!["below".into()]], ..virt("eol", VirtPos::Eol) };
    set(&stage, "transcript", 2, below);
    let link = MarkOptions { end: Some(1), url: Some("http://x.test".into()), ..MarkOptions::default() };
    set(&stage, "transcript", 0, link);
    let rows = stage.transcript();
    assert_eq!(rows[0], "  › p0");
    assert_eq!(rows[2], "★ › p1                              kept");
    assert_eq!(rows[4..6], ["  › p2 eol", "  below"]);
    assert!(stage.styled(2, |style| style.attrs.contains(Attrs::BOLD)).starts_with("› p1"));
    assert!(stage.styled(0, |style| style.url.is_some()).starts_with("› p0"));
    let ns = stage.kernel.mark().namespace("test");
    stage.kernel.mark().clear("transcript", ns, 0..usize::MAX);
    assert_eq!(stage.transcript()[2], "› p1", "without signs there is no column for them");
}

#[test]
fn two_windows_on_the_transcript_scroll_for_themselves() {
    let stage = Stage::new(60, 14);
    stage.fill(40);
    let split = Split { of: "transcript".into(), side: Side::Left, size: None };
    let window =
        Window { placement: Placement::Split(split), ..Window::new("second", "reader", "transcript") };
    stage.kernel.win().create(ExtId::CORE, window).expect("a free name");
    let rows = stage.rows();
    let end = rows.iter().find(|row| row.contains("p39")).expect("both show the end");
    assert_eq!(end.matches("› p39").count(), 2, "{rows:?}");
    stage.wheel_at(true, 2, 2);
    stage.wheel_at(true, 2, 2);
    let rows = stage.rows();
    let end = rows.iter().find(|row| row.contains("p39")).expect("one still shows the end");
    assert_eq!(end.matches("› p39").count(), 1, "{rows:?}");
    stage.kernel.win().delete("second");
    assert!(stage.rows().iter().any(|row| row == "› p39"), "{:?}", stage.rows());
}

#[test]
fn blocks_are_shown_as_somebody_wants_them() {
    let stage = Stage::new(40, 14);
    stage.fill(3);
    let other = Block { kind: "text".into(), text: "**instead**".into(), ..Block::default() };
    stage.kernel.buf().show_block(ExtId::CORE, "transcript", "b1", Shown::As(other));
    stage.kernel.buf().show_block(ExtId::CORE, "transcript", "b0", Shown::Hidden);
    let rows = stage.transcript();
    assert!(rows.contains(&"instead".to_owned()) && !rows.iter().any(|row| row.contains("p0")), "{rows:?}");
    stage.kernel.buf().unshow_all(ExtId::CORE, "transcript");
    assert_eq!(stage.transcript()[0..3], ["› p0", "", "› p1"]);
}

#[test]
fn docks_stand_in_their_places() {
    let stage = Stage::new(30, 16);
    stage.keys("typed");
    for (name, side) in [
        ("top", DockSide::Header),
        ("over", DockSide::Above),
        ("under", DockSide::Below),
        ("foot", DockSide::Footer),
    ] {
        stage.kernel.buf().create(ExtId::CORE, name);
        stage.kernel.buf().set_text(name, name);
        let dock = purlin_kernel::Dock { side, priority: 0, exclusive: false, size: None, max: None };
        let window = Window { placement: Placement::Dock(dock), ..Window::new(name, "dock", name) };
        stage.kernel.win().create(ExtId::CORE, window).expect("a free name");
    }
    let rows = stage.rows();
    let at = |text: &str| rows.iter().position(|row| row.trim() == text).expect(text);
    assert_eq!(at("top"), 0);
    assert_eq!(at("foot"), 15);
    assert!(at("over") < at("› typed") && at("› typed") < at("under"), "{rows:?}");
}
