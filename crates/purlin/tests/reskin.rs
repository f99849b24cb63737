//! The chat in another look (`examples/lua/reskin`), used as the stock one is.

use std::path::PathBuf;

use purlin_testkit::{Home, Pty, Screen, quit};

const PURLIN: &str = env!("CARGO_BIN_EXE_purlin");

fn open(home: &Home, arguments: &[&str]) -> Pty {
    home.be_patient();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/lua/reskin");
    let folder = folder.display().to_string();
    let mut all = vec!["-e", folder.as_str()];
    all.extend(arguments);
    let pty = Pty::spawn(PURLIN, &all, home, 24, 80);
    pty.wait_text("Ask, or !run a command");
    pty
}

/// Tells whether a row holds the text between the sides of the prompt's box.
fn typed(screen: &Screen, text: &str) -> bool {
    screen.rows(0, 200).any(|row| row.starts_with(&format!("│{text}")))
}

#[test]
fn a_prompt_is_sent_and_its_answer_streams() {
    let home = Home::new();
    let model = home.script(
        "[[turn]]\nthinking = 'pondering'\ntext = '''\n# Title\n\nA **bold** word\nand many more words that follow it.\n'''\nchunk = 4\ndelay_ms = 20",
    );
    let pty = open(&home, &["--model", &model]);
    pty.send("question");
    pty.wait_for("the prompt in its box", |screen| typed(screen, "question"));
    pty.send("\r");
    pty.wait_text("── you ──");
    pty.wait_text("▍");
    pty.wait_text("that follow it.");
    pty.wait_gone("▍");
    pty.wait_text("┊ pondering");
    pty.wait_text("Ask, or !run a command");
    assert!(!pty.dump().contains('›'), "the stock screen is shown:\n{}", pty.dump());
    quit(pty);
}

#[test]
fn a_dialog_opens_over_it_and_the_tool_is_shown() {
    let home = Home::new();
    let gate = home.file(
        "gate.lua",
        "require('purlin').on('tool_call', function(ev)
           if not require('purlin').ui.confirm('Run ' .. ev.tool_name .. '?') then return { block = true } end
         end)",
    );
    let model = home.script(
        "[[turn]]\n[[turn.tool]]\nname = 'bash'\nargs = { command = 'echo tool-$((40+2))' }\n[[turn]]\ntext = 'All done.'",
    );
    let pty = open(&home, &["--model", &model, "-e", &gate.display().to_string()]);
    pty.send("go\r");
    pty.wait_text("Run bash?");
    // Until then the dialog waits for the end of typing.
    pty.wait_text("enter answers");
    pty.send("y\r");
    pty.wait_text("All done.");
    pty.wait_text("✓ bash  echo tool-");
    pty.wait_text("│ tool-42");
    quit(pty);
}

#[test]
fn shell_commands_slash_commands_and_the_history_work() {
    let home = Home::new();
    let pty = open(&home, &[]);
    pty.send("!echo shell-$((40+2))");
    pty.wait_text("─ shell ─");
    pty.send("\r");
    pty.wait_text("│ shell-42");
    pty.send("\x1b[A");
    pty.wait_for("the prompt before", |screen| typed(screen, "!echo shell"));
    pty.send("\x15/he");
    pty.wait_text("Lists commands and keys.");
    pty.send("\t\r");
    pty.wait_text("Commands and keys (type to filter)");
    pty.send("\x1b");
    pty.wait_text("Ask, or !run a command");
    pty.send("/reskin\r");
    pty.wait_text("›");
    pty.send("/reskin\r");
    pty.wait_text("Ask, or !run a command");
    quit(pty);
}

const BEAMS: &str = "[[turn]]\ntext = \"A **beam** carries.\\n\\n- one\\n- two beams\"\n\
                     [[turn]]\n[[turn.tool]]\nname = 'bash'\nargs = { command = 'seq 1 30 | sed s/17/BEAM/' }\n\
                     [[turn]]\ntext = 'Nothing of it here.'";

/// The row on which a text stands.
fn row_of(screen: &Screen, text: &str) -> Option<usize> {
    screen.rows(0, 200).position(|row| row.contains(text))
}

/// Has two prompts answered, the second with a tool whose output is folded.
fn with_beams(home: &Home) -> Pty {
    let pty = open(home, &["--model", &home.script(BEAMS)]);
    pty.send("first\r");
    pty.wait_text("two beams");
    pty.wait_text("Ask, or !run a command");
    pty.send("second\r");
    pty.wait_text("Nothing of it here.");
    pty.wait_text("Ask, or !run a command");
    pty
}

#[test]
fn the_rule_of_the_stock_screen_is_gone_and_notices_are_shown() {
    let home = Home::new();
    let pty = open(&home, &[]);
    let rule = "─".repeat(80);
    assert!(!pty.dump().contains(&rule), "{}", pty.dump());
    pty.send("/model\r");
    pty.wait_text("The model is");
    assert!(!pty.dump().contains(&rule), "{}", pty.dump());
    pty.send("/reskin\r");
    pty.wait_text("›");
    pty.wait_gone("The model is");
    pty.wait_text(&rule);
    quit(pty);
}

#[test]
fn it_is_searched_in_a_line_of_its_own() {
    let home = Home::new();
    let pty = with_beams(&home);
    pty.send("\x06beam");
    pty.wait_text("find beam");
    pty.wait_text("4 found");
    // The newest hit stands in the middle of an output, which is unfolded for it.
    pty.wait_text("│ BEAM");
    pty.send("\x1b[A\x1b[A\x1b[A\x1b[A");
    pty.wait_text("A beam carries.");
    pty.send("\r");
    pty.wait_text("reading");
    pty.wait_text("▌A beam carries.");
    pty.send("NNN");
    pty.wait_text("│ BEAM");
    pty.send("\x1b");
    pty.wait_gone("find ");
    pty.send("typed again");
    pty.wait_for("the prompt in its box", |screen| typed(screen, "typed again"));
    pty.send("\x15\x06nowhere");
    pty.wait_text("not found");
    pty.send("\x1b");
    pty.wait_gone("find ");
    quit(pty);
}

#[test]
fn it_is_read_block_by_block() {
    let home = Home::new();
    let pty = with_beams(&home);
    pty.send("\x1b[Z");
    pty.wait_text("reading");
    pty.wait_text("▌Nothing of it here.");
    pty.send("k");
    pty.wait_text("▌✓ bash");
    assert!(!pty.dump().contains("│ 20"), "the output is folded:\n{}", pty.dump());
    pty.send("\r");
    pty.wait_text("│ 20");
    pty.send("\r");
    pty.wait_gone("│ 20");
    pty.send("g");
    pty.wait_text("▌first");
    pty.resize(12, 40);
    pty.wait_for("the narrow bar", |screen| row_of(screen, "reading") == Some(0));
    pty.resize(24, 80);
    pty.send("\x1b");
    pty.wait_gone("reading");
    pty.send("on");
    pty.wait_for("the prompt in its box", |screen| typed(screen, "on"));
    pty.send("\x15");
    quit(pty);
}

#[test]
fn a_long_session_scrolls_and_survives_other_sizes() {
    let home = Home::new();
    let lines: Vec<String> = (1..=300).map(|line| format!("- item {line}")).collect();
    let model = home.script(&format!("[[turn]]\ntext = '''\n{}\n'''\nchunk = 2000", lines.join("\n")));
    let pty = open(&home, &["--model", &model]);
    for turn in 1..=3 {
        pty.send(&format!("prompt {turn}\r"));
        pty.wait_for("its end", |screen| {
            let shown = screen.contents();
            shown.contains("item 300") && shown.contains("Ask, or !run a command")
        });
    }
    pty.send("\x1b[5~");
    pty.wait_text("↓ more");
    pty.wait_gone("item 300");
    pty.send("\x1b[1;5H");
    pty.wait_text("prompt 1");
    pty.wait_text("• item 2 ");
    pty.resize(20, 60);
    pty.wait_for("the narrow screen", |screen| {
        screen.rows(0, 60).any(|row| row.trim_end().ends_with('╮')) && screen.contents().contains("prompt 1")
    });
    pty.resize(8, 40);
    pty.wait_for("a screen without a border", |screen| !screen.contents().contains('╮'));
    pty.resize(24, 80);
    pty.send("\x1b[1;5F");
    pty.wait_text("item 300");
    pty.wait_gone("↓ more");
    quit(pty);
}

#[test]
fn a_draft_of_the_last_run_is_there_again() {
    let home = Home::new();
    let pty = open(&home, &[]);
    pty.send("not yet sent");
    pty.wait_for("the prompt in its box", |screen| typed(screen, "not yet sent"));
    wait_for_draft(home.root());
    drop(pty);
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/lua/reskin");
    let again = Pty::spawn(PURLIN, &["--continue", "-e", &folder.display().to_string()], &home, 24, 80);
    again.wait_for("the draft in its box", |screen| typed(screen, "not yet sent"));
}

/// Waits until the draft is on the disk: it is written a moment after the last key.
fn wait_for_draft(root: &std::path::Path) {
    let end = std::time::Instant::now() + purlin_testkit::PATIENCE;
    while std::time::Instant::now() < end {
        let saved = purlin_testkit::files(root)
            .iter()
            .any(|file| std::fs::read_to_string(file).is_ok_and(|text| text.contains("not yet sent")));
        if saved {
            return;
        }
        std::thread::yield_now();
    }
    panic!("the draft was not saved");
}

#[test]
fn what_an_extension_hides_is_hidden_here_too() {
    let home = Home::new();
    let hide = home.file(
        "hide.lua",
        "local purlin = require('purlin')
         purlin.command.create('hide', function() purlin.buf.delete_blocks('transcript', 0, 1) end)",
    );
    let pty = open(&home, &["--model", "echo", "-e", &hide.display().to_string()]);
    pty.send("a secret question\r");
    pty.wait_text("This is the echo model.");
    pty.wait_text("── you ──");
    pty.send("/hide\r");
    pty.wait_gone("── you ──");
    pty.wait_text("This is the echo model.");
    quit(pty);
}
