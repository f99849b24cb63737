//! Dialogs, completion, notices, the status line.

use futures_util::FutureExt as _;
use purlin_kernel::{CommandSpec, ConfirmOptions, ExtId, InputOptions, LayoutNode, Level, SelectOptions};
use purlin_tui::Segment;
use serde_json::json;

use crate::stage::Stage;

fn commands(stage: &Stage) {
    for (name, args) in [("help", ""), ("hello", "NAME"), ("model", "[MODEL]")] {
        let mut spec =
            CommandSpec::new(name, format!("Does {name}."), |_| std::future::ready(Ok(None)).boxed_local());
        spec.args = args.into();
        if name == "model" {
            spec.complete = Some(std::rc::Rc::new(|prefix| {
                let all = ["echo", "script:demo.toml"];
                Ok(all.into_iter().filter(|model| model.starts_with(prefix)).map(str::to_owned).collect())
            }));
        }
        stage.kernel.command().create(ExtId::CORE, spec);
    }
}

#[test]
fn slash_commands_are_completed() {
    let stage = Stage::new(50, 12);
    commands(&stage);
    stage.keys("/he");
    let rows = stage.rows();
    assert_eq!(rows[7..9], ["› /hello NAME  Does hello.", "  /help        Does help."]);
    stage.keys("<down><tab>");
    assert_eq!(stage.composer(), "/help");
    stage.keys("<ctrl+u>/he<tab>");
    assert_eq!(stage.composer(), "/hello ");
    stage.keys("<ctrl+u>/model e<tab>");
    assert_eq!(stage.composer(), "/model echo");
}

#[test]
fn enter_takes_the_choice_and_runs_it() {
    let stage = Stage::new(50, 12);
    commands(&stage);
    stage.keys("/hel<down><enter>");
    assert_eq!(stage.composer(), "");
    assert!(stage.sent.borrow().is_empty());
    stage.keys("/hell<enter>");
    assert_eq!(stage.composer(), "/hello ");
}

#[test]
fn enter_takes_no_completion_that_is_something_else() {
    let stage = Stage::new(50, 12);
    let ran = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let heard = std::rc::Rc::clone(&ran);
    let mut spec = CommandSpec::new("run", "Runs.", move |call| {
        heard.borrow_mut().push(call.args.clone());
        std::future::ready(Ok(None)).boxed_local()
    });
    spec.args = "LINE".into();
    spec.complete = Some(std::rc::Rc::new(|_| Ok(vec!["echo first".to_owned()])));
    stage.kernel.command().create(ExtId::CORE, spec);
    stage.keys("/run exit 4<enter>");
    assert_eq!(*ran.borrow(), ["exit 4"]);
    stage.keys("/run exit 4<down><enter>");
    assert_eq!(ran.borrow().last().map(String::as_str), Some("echo first"), "what was moved to is taken");
}

#[test]
fn escape_leads_from_a_focused_float_back_to_the_composer() {
    let stage = Stage::new(50, 12);
    let ext = stage.kernel.ext().reserve("floats");
    stage.kernel.buf().create(ext, "notes");
    let area = purlin_kernel::Rect::new(2, 2, 20, 4);
    let float = purlin_kernel::Window::float("notes", "notes", "notes", area);
    stage.kernel.win().create(ext, purlin_kernel::Window { focusable: true, ..float }).expect("a window");
    assert!(stage.kernel.win().focus("notes"));
    stage.keys("lost");
    assert_eq!((stage.kernel.buf().text("notes").as_str(), stage.composer().as_str()), ("lost", ""));
    stage.keys("<esc>found");
    assert_eq!(stage.composer(), "found");
}

#[test]
fn escape_closes_the_completion_until_the_text_changes() {
    let stage = Stage::new(50, 12);
    commands(&stage);
    stage.keys("/he<escape>");
    assert!(!stage.rows().iter().any(|row| row.contains("Does help.")));
    stage.keys("l");
    assert!(stage.rows().iter().any(|row| row.contains("Does help.")));
}

#[test]
fn an_unknown_command_stays_and_is_explained() {
    let stage = Stage::new(60, 12);
    commands(&stage);
    stage.keys("/modl<enter>");
    assert_eq!(stage.composer(), "/modl");
    assert!(stage.rows().iter().any(|row| row.contains("Did you mean `/model`?")), "{:?}", stage.rows());
    stage.keys("<ctrl+u>/etc/hosts looks odd<enter>");
    assert_eq!(*stage.sent.borrow(), ["/etc/hosts looks odd"]);
}

#[test]
fn a_confirmation_takes_the_keyboard() {
    let stage = Stage::new(40, 14);
    let answer = stage
        .kernel
        .ui()
        .confirm(ExtId::CORE, ConfirmOptions { message: "Run it?".into(), ..ConfirmOptions::default() });
    stage.keys("y<enter>");
    assert_eq!(answer.now_or_never(), Some(Ok(true)));
    assert_eq!(stage.composer(), "");
}

#[test]
fn a_narrower_screen_shows_the_whole_dialog() {
    let mut stage = Stage::new(80, 14);
    let options = ConfirmOptions { message: "Run it?".into(), ..ConfirmOptions::default() };
    let answer = stage.kernel.ui().confirm(ExtId::CORE, options);
    stage.rows();
    for width in [40, 60] {
        stage.size = (width, 14);
        let resized = stage.rows();
        let fresh = Stage::new(width, 14);
        let options = ConfirmOptions { message: "Run it?".into(), ..ConfirmOptions::default() };
        let other = fresh.kernel.ui().confirm(ExtId::CORE, options);
        assert_eq!(resized, fresh.rows());
        drop(other);
    }
    drop(answer);
}

#[test]
fn dialogs_stand_above_the_composer_and_fit_any_screen() {
    for (width, height) in [(80, 24), (40, 14), (20, 5), (9, 3), (1, 1)] {
        let stage = Stage::new(width, height);
        let items = (0..40).map(|n| format!("item {n}").into()).collect();
        let select = stage.kernel.ui().select(
            ExtId::CORE,
            SelectOptions { prompt: "Which?".into(), items, ..SelectOptions::default() },
        );
        stage.keys("<down><down>");
        let (rows, cursor) = (stage.rows(), stage.cursor());
        assert_eq!(rows.len(), usize::from(height));
        if width >= 9 {
            assert!(rows.iter().any(|row| row.contains("item 2")), "{width}×{height}: {rows:?}");
        }
        assert!(cursor.is_none_or(|(row, col)| row < height && col < width));
        stage.keys("<enter>");
        assert_eq!(select.now_or_never().and_then(Result::ok).and_then(|answer| answer.index()), Some(2));
    }
}

#[test]
fn an_input_shows_what_is_typed_or_dots() {
    let stage = Stage::new(40, 14);
    let input = stage
        .kernel
        .ui()
        .input(ExtId::CORE, InputOptions { prompt: "Key?".into(), secret: true, ..InputOptions::default() });
    stage.keys("abc");
    let rows = stage.rows();
    let row = rows.iter().position(|row| row.contains("› •••")).expect("dots");
    assert_eq!(stage.cursor(), Some((row as u16, 7)));
    stage.keys("<enter>");
    assert_eq!(input.now_or_never(), Some(Ok("abc".into())));
}

#[test]
fn notices_stand_on_the_rule_and_go() {
    let stage = Stage::new(40, 12);
    stage.kernel.ui().notify(ExtId::CORE, "Saved.", Level::Info);
    assert_eq!(stage.rows()[9], "Saved.");
    stage.host.now.set(stage.host.now.get() + 20_000);
    stage.kernel.run_due();
    assert_eq!(stage.rows()[9], "─".repeat(40));
    stage.kernel.ui().notify(ExtId::CORE, "a long message ".repeat(20), Level::Error);
    let rows = stage.rows();
    assert_eq!(rows.iter().filter(|row| row.contains("message")).count(), 4, "{rows:?}");
}

#[test]
fn segments_give_way_on_a_narrow_screen() {
    let mut stage = Stage::new(60, 8);
    for (key, text, priority, right) in [
        ("model", "anthropic/claude", 50, false),
        ("cwd", "~/src/purlin", 40, false),
        ("state", "working", 60, true),
    ] {
        stage.screen.set_segment(key, &Segment { text: text.into(), priority, right, ..Segment::default() });
    }
    let status = |stage: &Stage| stage.rows().last().cloned().expect("rows");
    assert_eq!(status(&stage), format!("{:<53}working", "anthropic/claude · ~/src/purlin"));
    stage.size = (26, 8);
    assert_eq!(status(&stage), "anthropic/claude   working");
    stage.size = (12, 8);
    assert_eq!(status(&stage).trim(), "working");
    stage.kernel.buf().set_text("status", "own text");
    assert_eq!(status(&stage), "own text");
}

#[test]
fn unfinished_sequences_are_shown() {
    let stage = Stage::new(40, 10);
    let action = purlin_kernel::Action::command("transcript.start");
    stage
        .kernel
        .keymap()
        .set(
            ExtId::CORE,
            purlin_kernel::Target::Global,
            "ctrl+x g",
            action,
            purlin_kernel::KeymapOptions::default(),
        )
        .expect("a valid sequence");
    stage.keys("<ctrl+x>");
    assert!(stage.rows()[9].ends_with("ctrl+x …"), "{:?}", stage.rows());
}

#[test]
fn a_shell_command_is_marked() {
    let stage = Stage::new(40, 10);
    stage.keys("!ls<enter>");
    assert_eq!(*stage.sent.borrow(), ["!ls"]);
    stage.add("shell", "a\nb", json!({"command": "ls", "status": "ok"}));
    assert_eq!(stage.transcript()[..3], ["! ls", "  a", "  b"]);
}

fn ask(stage: &Stage) -> purlin_kernel::LBF<Result<bool, purlin_kernel::Reason>> {
    let options = ConfirmOptions { message: "Run it?".into(), ..ConfirmOptions::default() };
    stage.kernel.ui().confirm(ExtId::CORE, options)
}

fn later(stage: &Stage, ms: u64) {
    stage.host.now.set(stage.host.now.get() + ms);
    stage.kernel.run_due();
}

#[test]
fn a_dialog_waits_until_the_person_has_finished_typing() {
    let stage = Stage::new(60, 14);
    stage.keys("wh");
    later(&stage, 100);
    let answer = ask(&stage);
    stage.keys("y ");
    later(&stage, 499);
    stage.keys("n");
    assert_eq!(stage.composer(), "why n");
    assert!(stage.rows().iter().any(|row| row.contains("finish typing…")), "{:?}", stage.rows());
    stage.keys("<enter>");
    assert_eq!(*stage.sent.borrow(), ["why n"]);
    assert_eq!(stage.kernel.next_deadline(), Some(stage.host.now.get() + 500));
    later(&stage, 500);
    assert_eq!(stage.kernel.next_deadline(), None);
    assert!(stage.rows().iter().any(|row| row.contains("enter answers")), "{:?}", stage.rows());
    stage.keys("y<enter>");
    assert_eq!(answer.now_or_never(), Some(Ok(true)));
    assert_eq!(stage.composer(), "");
}

#[test]
fn the_next_dialog_takes_nothing_of_the_answer_to_the_one_before() {
    let stage = Stage::new(60, 14);
    let first = ask(&stage);
    stage.keys("y<enter>");
    assert_eq!(first.now_or_never(), Some(Ok(true)));
    let mut second = ask(&stage);
    stage.keys("y<enter>");
    assert_eq!((&mut second).now_or_never(), None);
    assert_eq!(stage.composer(), "", "it went nowhere");
    later(&stage, 500);
    stage.keys("<enter>");
    assert_eq!(second.now_or_never(), Some(Ok(false)));
}

#[test]
fn a_person_who_was_not_typing_answers_at_once() {
    let stage = Stage::new(60, 14);
    stage.keys("draft");
    later(&stage, 1_000);
    let answer = ask(&stage);
    stage.keys("y<enter>");
    assert_eq!(answer.now_or_never(), Some(Ok(true)));
    assert_eq!(stage.composer(), "draft");
}

#[test]
fn the_way_out_is_said_as_long_as_it_is_open() {
    let stage = Stage::new(40, 12);
    let said = |stage: &Stage| stage.rows().iter().any(|row| row.contains("ctrl+c again"));
    stage.keys("<ctrl+c>");
    later(&stage, 1_499);
    assert!(said(&stage));
    later(&stage, 1);
    assert!(!said(&stage));
    stage.keys("<ctrl+c>");
    assert!(!stage.kernel.quit_requested());
    assert!(said(&stage));
    stage.keys("x");
    assert!(!said(&stage));
    stage.keys("<ctrl+c>");
    assert!(!stage.kernel.quit_requested());
    stage.keys("<ctrl+c>");
    assert!(stage.kernel.quit_requested());
}

#[test]
fn a_list_is_filtered_by_what_it_says() {
    let stage = Stage::new(60, 14);
    let item =
        |label: &str, detail: &str| purlin_kernel::SelectItem { label: label.into(), detail: detail.into() };
    let items = vec![item("enter", "Sends."), item("ctrl+/", "Undoes an edit.")];
    let options = SelectOptions { prompt: "Keys".into(), items, ..SelectOptions::default() };
    let answer = stage.kernel.ui().select(ExtId::CORE, options);
    stage.keys("undo<enter>");
    assert_eq!(answer.now_or_never().and_then(Result::ok).and_then(|answer| answer.index()), Some(1));
}

#[test]
fn a_long_question_is_read_to_its_end() {
    for (width, height) in [(60, 14), (20, 5)] {
        let stage = Stage::new(width, height);
        let message = format!("Run echo?{}touch it", "\nmore".repeat(26));
        let options = ConfirmOptions { message, ..ConfirmOptions::default() };
        let _answer = stage.kernel.ui().confirm(ExtId::CORE, options);
        let sees = |text: &str| stage.rows().iter().any(|row| row.contains(text));
        assert!(sees("Run echo?") && sees("↓") && sees("Yes"), "{:?}", stage.rows());
        for _ in 0..40 {
            stage.keys("<pgdn>");
            stage.rows();
        }
        assert!(sees("touch it") && sees("No"), "{:?}", stage.rows());
        for _ in 0..30 {
            stage.keys("<up>");
        }
        assert!(sees("Run echo?"), "{:?}", stage.rows());
    }
}

#[test]
fn notices_stand_together() {
    let stage = Stage::new(40, 16);
    for text in ["first", "second", "second", "third"] {
        stage.kernel.ui().notify(ExtId::CORE, text, Level::Warn);
    }
    let rows = stage.rows();
    for text in ["first", "second", "third"] {
        assert_eq!(rows.iter().filter(|row| row.contains(text)).count(), 1, "{rows:?}");
    }
}

#[test]
fn the_chosen_item_says_all_it_has() {
    let stage = Stage::new(40, 20);
    let items =
        vec![purlin_kernel::SelectItem { label: "gate".into(), detail: format!("{}end", "why ".repeat(20)) }];
    let options = SelectOptions { prompt: "Extensions".into(), items, ..SelectOptions::default() };
    let _answer = stage.kernel.ui().select(ExtId::CORE, options);
    assert!(stage.rows().iter().any(|row| row.contains("why end")), "{:?}", stage.rows());
}

/// The composer on top, as a layout of an author's own has it.
fn upside_down(stage: &Stage) {
    stage.kernel.layout().set_tree(LayoutNode::col(vec![
        LayoutNode::win("composer").min(1).max(12),
        LayoutNode::win("status").size(1),
        LayoutNode::win("transcript").grow(1),
    ]));
}

#[test]
fn completions_notices_and_search_show_below_a_composer_on_top() {
    let stage = Stage::new(50, 12);
    commands(&stage);
    stage.add("text", "some words", json!({}));
    upside_down(&stage);
    stage.keys("/he");
    let rows = stage.rows();
    assert_eq!(rows[1..3], ["› /hello NAME  Does hello.", "  /help        Does help."], "{rows:?}");
    stage.keys("<escape><ctrl+u>");
    stage.kernel.ui().notify(ExtId::CORE, "It is said.", Level::Info);
    let rows = stage.rows();
    assert_eq!(rows[1], "It is said.", "{rows:?}");
    stage.keys("<ctrl+f>words");
    let rows = stage.rows();
    assert!(rows[1].starts_with("/ words") && rows[2] == "It is said.", "{rows:?}");
    stage.keys("<escape>");
    stage.kernel.layout().reset();
    let rows = stage.rows();
    assert_eq!(rows.iter().filter(|row| *row == "It is said.").count(), 1, "{rows:?}");
}

#[test]
fn a_layout_without_transcript_says_that_nothing_can_be_searched() {
    let stage = Stage::new(80, 12);
    stage.add("text", "some words", json!({}));
    stage.kernel.layout().set_tree(LayoutNode::col(vec![
        LayoutNode::win("status").size(1),
        LayoutNode::win("composer").grow(1),
    ]));
    stage.rows();
    stage.keys("<ctrl+f>x");
    let rows = stage.rows();
    assert!(rows.iter().any(|row| row.contains("this layout has none")), "{rows:?}");
    assert_eq!(stage.composer(), "x", "the composer keeps the keyboard");
}

#[test]
fn three_notices_at_once_have_whole_rows() {
    let stage = Stage::new(40, 24);
    stage.kernel.ui().notify(ExtId::CORE, "number 0", Level::Warn);
    let rows = stage.rows();
    assert!(rows.iter().any(|row| row == "number 0"), "no rest of a rule: {rows:?}");
    for number in 1..6 {
        stage.kernel.ui().notify(ExtId::CORE, format!("number {number}"), Level::Warn);
    }
    let shown: Vec<String> = stage.rows().into_iter().filter(|row| row.starts_with("number")).collect();
    assert_eq!(shown, ["number 3", "number 4", "number 5"]);
}

#[test]
fn the_rule_says_that_the_transcript_has_the_keyboard() {
    let stage = Stage::new(80, 12);
    stage.add("text", "some words", json!({}));
    let says = |stage: &Stage| stage.rows().iter().any(|row| row.contains("tab goes back"));
    assert!(!says(&stage));
    stage.keys("<shift+tab>");
    assert!(says(&stage), "{:?}", stage.rows());
    stage.keys("y");
    assert!(stage.rows().iter().any(|row| row.starts_with("Nothing is selected")), "{:?}", stage.rows());
    stage.keys("<tab>");
    stage.wait(10_000);
    assert!(!says(&stage));
}

#[test]
fn a_command_that_waits_for_a_terminal_is_told_apart() {
    let stage = Stage::new(70, 14);
    let says = |stage: &Stage| stage.rows().iter().any(|row| row.contains("has no terminal here"));
    for (command, output, expected) in [
        ("vim", "", true),
        ("EDITOR=x sudo /usr/bin/nano notes.md", "", true),
        ("vim | cat", "", false),
        ("ls", "", false),
        ("wizard", "Output is not to a terminal\n", true),
    ] {
        stage.add("shell", output, json!({"command": command, "status": "running"}));
        assert_eq!(says(&stage), expected, "{command}");
        stage.change_last(|block| drop(block.meta.insert("status".into(), json!("ok"))));
        assert!(!says(&stage), "{command} has ended");
    }
}

#[test]
fn a_long_question_says_which_keys_scroll_it() {
    let stage = Stage::new(40, 12);
    let message = "Shall it really be done? ".repeat(20);
    let options = ConfirmOptions { message, ..ConfirmOptions::default() };
    let _answer = stage.kernel.ui().confirm(ExtId::CORE, options);
    assert!(stage.rows().iter().any(|row| row.contains("↑↓ scroll")), "{:?}", stage.rows());
}

#[test]
fn a_tall_composer_leaves_the_transcript_and_the_status_line_their_rows() {
    use purlin_kernel::{HandlerError, Kernel, RenderContext, Renderer, Window};
    struct Eight;
    impl Renderer for Eight {
        fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError> {
            cx.canvas.text(0, 0, "mine", &purlin_kernel::text::Style::default());
            Ok(())
        }
        fn measure(&self, _: &Kernel, _: &Window, _: u16) -> Option<u16> {
            Some(8)
        }
    }
    let stage = Stage::new(40, 12);
    stage.screen.set_segment("model", &Segment { text: "a-model".into(), ..Segment::default() });
    stage.fill(20);
    stage.kernel.buf().set_text("composer", &"line\n".repeat(30));
    let height = |name: &str| stage.kernel.win().get(name).expect("it exists").rect.height;
    stage.rows();
    assert_eq!((height("composer"), height("status")), (6, 1));
    assert!(height("transcript") >= 4);
    let ext = stage.kernel.ext().reserve("tall");
    let _renderer = stage.kernel.win().render(ext, "composer", std::rc::Rc::new(Eight), false);
    for number in 1..=3 {
        stage.kernel.ui().notify(ExtId::CORE, format!("notice {number}"), purlin_kernel::Level::Info);
    }
    let rows = stage.rows();
    assert!(rows[11].starts_with("a-model"), "{rows:?}");
    assert!(height("composer") >= 7 && height("transcript") == 1, "{rows:?}");
}
