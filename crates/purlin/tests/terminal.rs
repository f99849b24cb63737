//! The full-screen terminal, as a person uses it: typed at, looked at, resized, killed.

use purlin_testkit::{Ended, Home, Pty, Signal, quit};

const PURLIN: &str = env!("CARGO_BIN_EXE_purlin");

/// Starts the terminal and waits for its first frame.
fn open(home: &Home, arguments: &[&str]) -> Pty {
    let pty = spawn(home, arguments);
    pty.wait_text("›");
    pty
}

fn spawn(home: &Home, arguments: &[&str]) -> Pty {
    Pty::spawn(PURLIN, arguments, home, 24, 80)
}

#[test]
fn keys_typed_before_the_first_frame_are_not_lost() {
    let home = Home::new();
    let pty = spawn(&home, &[]);
    pty.send("early words");
    pty.wait_text("› early words");
    quit(pty);
}

#[test]
fn a_prompt_is_sent_and_its_answer_streams_as_markdown() {
    let home = Home::new();
    let model = home
        .script("[[turn]]\nthinking = 'pondering'\ntext = '''\n# Title\n\nA **bold** word and `code`.\n'''");
    let pty = open(&home, &["--model", &model]);
    pty.send("question\r");
    pty.wait_text("A bold word and code.");
    pty.wait_text("question");
    pty.wait_text("Title");
    quit(pty);
}

#[test]
fn without_a_key_echo_answers_and_says_how_to_configure() {
    let home = Home::new();
    let pty = open(&home, &[]);
    pty.send("hello\r");
    pty.wait_for("the way to configure", |screen| screen.contents().contains("ANTHROPIC_API_KEY"));
    quit(pty);
}

#[test]
fn several_lines_are_one_prompt() {
    let home = Home::new();
    let model = home.script("[[turn]]\ntext = 'done'");
    let pty = open(&home, &["--model", &model]);
    pty.send("one\ntwo");
    pty.paste("\nthree\nfour");
    pty.wait_for("four lines", |screen| {
        ["one", "two", "three", "four"].iter().all(|line| screen.contents().contains(line))
    });
    pty.send("\r");
    pty.wait_text("done");
    quit(pty);
}

#[test]
fn the_last_answer_stays_in_the_main_screen() {
    let home = Home::new();
    let model = home.script("[[turn]]\ntext = 'remember me'");
    let pty = open(&home, &["--model", &model]);
    pty.send("question\r");
    pty.wait_text("remember me");
    let pty = quit(pty);
    assert!(pty.dump().contains("remember me"), "{}", pty.dump());
}

const GATE: &str = r#"
local purlin = require("purlin")
purlin.on("tool_call", function(ev)
  local yes = purlin.ui.confirm("Run " .. ev.tool_name .. "?")
  if not yes then return { block = true, reason = "the person said no" } end
end)
"#;

const CALLS_BASH: &str = "[[turn]]\ntext = 'Let me see.'\n[[turn.tool]]\nname = 'bash'\nargs = { command = 'echo gate-$((40+2))' }\n\
                          [[turn]]\ntext = 'That was all.'";

#[test]
fn a_gate_in_lua_asks_and_yes_runs_the_tool() {
    let home = Home::new();
    let gate = home.file("gate.lua", GATE);
    let model = home.script(CALLS_BASH);
    let pty = open(&home, &["--model", &model, "-e", &gate.display().to_string()]);
    pty.send("go\r");
    // Who asks, in which words, about what.
    pty.wait_text("─ gate ─");
    pty.wait_text("│ Run bash?");
    pty.wait_text("│ `bash`: echo gate-$((40+2))");
    // Until then the dialog waits for the end of typing.
    pty.wait_text("enter answers");
    pty.send("y\r");
    pty.wait_text("That was all.");
    pty.wait_text("gate-42");
    quit(pty);
}

#[test]
fn a_question_about_a_long_command_scrolls_through_all_of_it() {
    let home = Home::new();
    let gate = home.file("gate.lua", GATE);
    let lines: Vec<String> = (1..=60).map(|n| format!("echo line-{n}")).collect();
    let model = home.script(&format!(
        "[[turn]]\n[[turn.tool]]\nname = 'bash'\nargs = {{ command = '''{}''' }}\n[[turn]]\ntext = 'That was all.'",
        lines.join("\n")
    ));
    let pty = open(&home, &["--model", &model, "-e", &gate.display().to_string()]);
    pty.send("go\r");
    pty.wait_text("│ echo line-1 ");
    pty.wait_text("more rows");
    pty.wait_text("scroll · y/n · enter");
    for _ in 0..12 {
        pty.send("\x1b[6~");
    }
    pty.wait_text("│ echo line-60");
    pty.send("n\r");
    pty.wait_text("the person said no");
    quit(pty);
}

#[test]
fn a_gate_in_lua_asks_and_no_blocks_the_tool() {
    let home = Home::new();
    let gate = home.file("gate.lua", GATE);
    let model = home.script(CALLS_BASH);
    let pty = open(&home, &["--model", &model, "-e", &gate.display().to_string()]);
    pty.send("go\r");
    pty.wait_text("Run bash?");
    // Until then the dialog waits for the end of typing.
    pty.wait_text("enter answers");
    pty.send("n\r");
    pty.wait_text("That was all.");
    pty.wait_text("the person said no");
    assert!(!pty.dump().contains("gate-42"), "{}", pty.dump());
    quit(pty);
}

#[test]
fn a_shell_command_runs_in_its_own_cell() {
    let home = Home::new();
    let pty = open(&home, &[]);
    pty.send("!echo shell-$((40+2))\r");
    pty.wait_text("shell-42");
    quit(pty);
}

#[test]
fn slash_commands_help_switch_and_leave() {
    let home = Home::new();
    let mut pty = open(&home, &[]);
    pty.send("/help\r");
    pty.wait_text("/model");
    pty.send("\x1b");
    pty.wait_gone("/model");
    pty.send("/hlep\r");
    pty.wait_text("Did you mean `/help`?");
    pty.send("\x03");
    let model = home.script("[[turn]]\ntext = 'switched'");
    pty.send(&format!("/model {model}\r"));
    pty.wait_gone("/model script");
    pty.send("hi\r");
    pty.wait_text("switched");
    pty.send("/new\r");
    pty.wait_gone("switched");
    pty.send("/quit\r");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    pty.assert_restored();
}

#[test]
fn a_model_that_cannot_be_is_said_once() {
    let home = Home::new();
    let pty = open(&home, &[]);
    pty.send("/model foo/bar\r");
    pty.wait_text("no provider is called `foo`");
    let said = pty.dump().matches("no provider is called").count();
    assert_eq!(said, 1, "{}", pty.dump());
    assert!(!pty.dump().contains("Extension"), "{}", pty.dump());
    quit(pty);
}

#[test]
fn the_list_of_commands_is_whole_on_a_narrow_terminal() {
    let home = Home::new();
    for columns in [60, 40] {
        let pty = Pty::spawn(PURLIN, &["--model", "echo"], &home, 24, columns);
        pty.wait_text("›");
        pty.send("/help\r");
        pty.wait_text("type to filter");
        pty.wait_text("Begins a new line at");
        let shown = pty.dump();
        let listed = shown.lines().take_while(|line| !line.contains('╰'));
        assert!(
            listed.filter(|line| line.contains('│')).all(|line| !line.contains('…')),
            "{columns}: {shown}"
        );
        pty.send("\x1b");
        pty.wait_gone("type to filter");
        quit(pty);
    }
}

#[test]
fn escape_interrupts_and_what_came_stays() {
    let home = Home::new();
    let text = "word ".repeat(400);
    let model = home.script(&format!("[[turn]]\ntext = 'Beginning. {text}'\ndelay_ms = 20"));
    let pty = open(&home, &["--model", &model]);
    pty.send("go\r");
    pty.wait_text("Beginning.");
    pty.send("\x1b");
    pty.wait_for("the interruption", |screen| screen.contents().to_lowercase().contains("interrupted"));
    assert!(pty.dump().contains("Beginning."), "{}", pty.dump());
    quit(pty);
}

#[test]
fn escape_puts_what_was_queued_back_into_the_composer() {
    let home = Home::new();
    let text = "word ".repeat(400);
    let model = home
        .script(&format!("[[turn]]\ntext = 'Beginning. {text}'\ndelay_ms = 20\n[[turn]]\ntext = 'AGAIN'"));
    let pty = open(&home, &["--model", &model]);
    pty.send("go\r");
    pty.wait_text("Beginning.");
    pty.send("steer me\r");
    pty.send("\x1b");
    pty.wait_for("the message back", |screen| {
        let shown = screen.contents();
        shown.to_lowercase().contains("interrupted") && shown.contains("steer me")
    });
    assert!(!pty.dump().contains("AGAIN"), "{}", pty.dump());
    quit(pty);
}

#[test]
fn killed_in_a_tool_call_everything_shown_is_there_and_the_draft_is_back() {
    let home = Home::new();
    let model = home.script(
        "[[turn]]\ntext = 'Working on it.'\n[[turn.tool]]\nname = 'bash'\nargs = { command = 'echo started; sleep 100' }",
    );
    let mut pty = open(&home, &["--model", &model]);
    pty.send("do it\r");
    pty.wait_text("started");
    pty.send("half a tho");
    pty.wait_text("half a tho");
    // The draft is on its way to the disk once typed; the test waits for the file, not for a time.
    wait_for_draft(&home, "half a tho");
    pty.signal(Signal::KILL);
    assert_eq!(pty.wait_end(), Ended::Signal);
    let pty = open(&home, &["--continue"]);
    pty.wait_text("half a tho");
    pty.wait_text("do it");
    pty.wait_text("Working on it.");
    pty.wait_for("the interrupted call", |screen| screen.contents().to_lowercase().contains("interrupted"));
    quit(pty);
}

#[test]
fn killed_in_a_stream_what_was_shown_is_there() {
    let home = Home::new();
    let text = "word ".repeat(400);
    let model = home.script(&format!("[[turn]]\ntext = 'The beginning. {text} the end.'\ndelay_ms = 5"));
    let mut pty = open(&home, &["--model", &model]);
    pty.send("do it\r");
    pty.wait_text("The beginning. word word");
    pty.signal(Signal::KILL);
    assert_eq!(pty.wait_end(), Ended::Signal);
    let pty = open(&home, &["--continue"]);
    pty.wait_text("The beginning. word word");
    pty.wait_text("Interrupted: purlin ended while it was working.");
    quit(pty);
}

#[test]
fn a_draft_of_a_session_that_never_began_is_back_too() {
    let home = Home::new();
    let mut pty = open(&home, &[]);
    pty.send("never sent");
    wait_for_draft(&home, "never sent");
    pty.signal(Signal::KILL);
    assert_eq!(pty.wait_end(), Ended::Signal);
    let pty = open(&home, &["-c"]);
    pty.wait_text("never sent");
    quit(pty);
}

#[test]
fn a_second_process_follows_live_and_does_not_displace_the_first() {
    let home = Home::new();
    let text = "word ".repeat(60);
    let model = home.script(&format!("[[turn]]\ntext = '{text} the end.'\ndelay_ms = 5"));
    let first = open(&home, &["--model", &model]);
    first.send("tell me\r");
    first.wait_text("word word");
    let second = open(&home, &["--continue"]);
    second.wait_text("tell me");
    second.wait_text("the end.");
    first.wait_text("the end.");
    second.send("from the second\r");
    first.wait_text("from the second");
    quit(second);
    first.send("still here");
    first.wait_text("still here");
    quit(first);
}

#[test]
fn a_headless_run_on_an_open_session_is_answered_by_its_agent_and_seen_on_its_screen() {
    let home = Home::new();
    let model = home.script("[[turn]]\ntext = 'one'\n[[turn]]\ntext = 'for the pipe'");
    let pty = open(&home, &["--model", &model]);
    pty.send("first\r");
    pty.wait_text("one");
    let run = home.run(PURLIN, &["-c", "-p", "from outside"]);
    assert_eq!((run.code, run.output.as_str(), run.errors.as_str()), (Some(0), "for the pipe\n", ""));
    pty.wait_text("from outside");
    pty.wait_text("for the pipe");
    quit(pty);
}

#[test]
fn when_the_first_process_is_killed_the_second_takes_over() {
    let home = Home::new();
    let model = home.script("[[turn]]\ntext = 'one'\n[[turn]]\ntext = 'answer number two'");
    let mut first = open(&home, &["--model", &model]);
    first.send("first\r");
    first.wait_text("one");
    let second = open(&home, &["--continue"]);
    second.wait_text("one");
    first.signal(Signal::KILL);
    assert_eq!(first.wait_end(), Ended::Signal);
    second.send("second\r");
    second.wait_text("answer number two");
    quit(second);
}

#[test]
fn no_session_writes_nothing_to_disk() {
    let home = Home::new();
    let before = purlin_testkit::files(home.root());
    let pty = open(&home, &["--no-session"]);
    pty.send("hello\r");
    pty.wait_text("This is the echo model");
    pty.send("a draft");
    pty.wait_text("› a draft");
    quit(pty);
    assert_eq!(purlin_testkit::files(home.root()), before);
}

#[test]
fn a_termination_in_a_tool_call_ends_the_tool_and_is_told_on_resume() {
    let home = Home::new();
    let model =
        home.script("[[turn]]\n[[turn.tool]]\nname = 'bash'\nargs = { command = 'echo started; sleep 100' }");
    let mut pty = open(&home, &["--model", &model]);
    pty.send("go\r");
    pty.wait_text("started");
    pty.signal(Signal::TERM);
    assert_eq!(pty.wait_end(), Ended::Code(143));
    pty.assert_restored();
    let pty = open(&home, &["-c"]);
    pty.wait_text("started");
    pty.wait_for("the end of the call", |screen| {
        let text = screen.contents().to_lowercase();
        text.contains("interrupted") || text.contains("cancelled")
    });
    quit(pty);
}

#[test]
fn a_resize_in_mid_stream_and_a_tiny_screen_do_no_harm() {
    let home = Home::new();
    let text = "word ".repeat(200);
    let model = home.script(&format!("[[turn]]\ntext = '{text} the end.'\ndelay_ms = 2"));
    let pty = open(&home, &["--model", &model]);
    pty.send("go\r");
    for (rows, columns) in [(5, 20), (24, 80), (1, 1), (40, 120), (5, 20), (24, 80)] {
        let before = pty.raw().len();
        pty.resize(rows, columns);
        pty.wait_written(before + 1);
    }
    pty.wait_text("the end.");
    pty.resize(5, 20);
    pty.send("tiny");
    pty.wait_text("tiny");
    quit(pty);
}

#[test]
fn signals_restore_the_terminal_in_a_stream_and_at_rest() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let home = Home::new();
        let text = "word ".repeat(1000);
        let model = home.script(&format!("[[turn]]\ntext = '{text}'\ndelay_ms = 5"));
        let mut pty = open(&home, &["--model", &model]);
        pty.send("go\r");
        pty.wait_text("word word");
        pty.signal(signal);
        assert_eq!(pty.wait_end(), Ended::Code(code));
        pty.assert_restored();
        let mut pty = open(&home, &["-c"]);
        pty.wait_text("word word");
        pty.signal(signal);
        assert_eq!(pty.wait_end(), Ended::Code(code));
        pty.assert_restored();
    }
}

#[test]
fn a_signal_during_start_restores_the_terminal() {
    for signal in [Signal::TERM, Signal::HUP] {
        for bytes in [1, 20, 100, 400] {
            let home = Home::new();
            let mut pty = spawn(&home, &[]);
            pty.wait_written(bytes);
            pty.signal(signal);
            let _ = pty.wait_end();
            pty.assert_restored();
        }
    }
}

#[test]
fn killed_during_start_the_session_opens_as_it_was() {
    let home = Home::new();
    assert_eq!(home.run(PURLIN, &["-p", "an earlier prompt"]).code, Some(0));
    for bytes in [1, 20, 100, 400, 1200] {
        let mut pty = spawn(&home, &["--continue"]);
        pty.wait_written(bytes);
        pty.signal(Signal::KILL);
        assert_eq!(pty.wait_end(), Ended::Signal);
    }
    let pty = open(&home, &["--continue"]);
    pty.wait_text("an earlier prompt");
    pty.send("a later prompt\r");
    pty.wait_for("the later answer", |screen| screen.contents().matches("a later prompt").count() > 1);
    quit(pty);
}

#[test]
fn a_home_that_cannot_be_written_is_said_and_the_terminal_works() {
    let home = Home::new();
    std::fs::write(home.data(), "not a directory").unwrap();
    let model = home.script("[[turn]]\ntext = 'still works'");
    let pty = open(&home, &["--model", &model]);
    pty.send("hi\r");
    pty.wait_text("still works");
    pty.wait_for("the notice", |screen| screen.contents().contains("not be kept"));
    quit(pty);
}

#[test]
fn a_prompt_that_cannot_be_stored_goes_back_to_the_composer() {
    let home = Home::new();
    let pty = open(&home, &[]);
    pty.send("/model\r");
    // The answer shows that the session is open; its file would appear with the first commit.
    pty.wait_text("The model is");
    std::fs::remove_dir_all(home.data()).unwrap();
    std::fs::write(home.data(), "not a directory").unwrap();
    pty.send("precious words\r");
    pty.wait_text("cannot be written");
    pty.wait_text("› precious words");
    std::fs::remove_file(home.data()).unwrap();
    pty.send("\r");
    pty.wait_text("This is the echo model");
    quit(pty);
}

#[test]
fn an_extension_that_loops_is_stopped_and_the_screen_lives() {
    let home = Home::new();
    let file = home.file("loop.lua", "require('purlin').on('key', function() while true do end end)");
    let pty = open(&home, &["-e", &file.display().to_string()]);
    pty.send("alive");
    pty.wait_text("alive");
    quit(pty);
}

#[test]
fn an_extension_with_a_syntax_error_names_file_and_line_and_the_rest_works() {
    let home = Home::new();
    let bad = home.file("bad.lua", "local x = 1\nlocal = 2\n");
    let good =
        home.file("good.lua", "require('purlin').command.create('greet', function() return 'greetings' end)");
    let pty = open(&home, &["-e", &bad.display().to_string(), "-e", &good.display().to_string()]);
    pty.wait_text("bad.lua:2");
    pty.send("/greet\r");
    pty.wait_text("greetings");
    quit(pty);
}

#[test]
fn an_error_in_a_key_handler_is_said_with_file_and_line_and_rolled_back() {
    let home = Home::new();
    let file = home.file(
        "keys.lua",
        "local purlin = require('purlin')\npurlin.on('key', function(ev)\n  purlin.buf.set_text('composer', 'half done')\n  \
         error('boom')\nend)",
    );
    let pty = open(&home, &["-e", &file.display().to_string()]);
    pty.send("ok");
    pty.wait_text("keys.lua:4");
    pty.wait_text("› ok");
    quit(pty);
}

#[test]
fn an_extension_rewrites_prompts_maps_keys_and_writes_the_composer() {
    let home = Home::new();
    let file = home.file(
        "all.lua",
        "local purlin = require('purlin')\n\
         purlin.on('input', function(ev) return { action = 'transform', text = ev.text .. ' (rewritten)' } end)\n\
         purlin.keymap.set('global', 'ctrl+g', function() purlin.buf.set_text('composer', 'from a key') end)\n\
         purlin.on('prompt_submit', function(ev) if ev.text == 'secret' then return { consume = true } end end)\n",
    );
    let pty = open(&home, &["-e", &file.display().to_string()]);
    pty.send("\x07");
    pty.wait_text("› from a key");
    pty.send("\r");
    // What models read stands below what was typed.
    pty.wait_text("sent as: from a key (rewritten)");
    pty.send("secret\r");
    pty.send("!echo marker\r");
    pty.wait_text("secret");
    quit(pty);
}

/// Waits until a draft file holds the text. Files have no condition to wait on, so this one looks again and again.
fn wait_for_draft(home: &Home, text: &str) {
    let end = std::time::Instant::now() + purlin_testkit::PATIENCE;
    let saved = || {
        purlin_testkit::files(home.root())
            .iter()
            .filter(|path| path.extension().is_some_and(|end| end == "json"))
            .any(|path| std::fs::read_to_string(path).is_ok_and(|draft| draft.contains(text)))
    };
    while !saved() {
        assert!(std::time::Instant::now() < end, "the draft was not saved");
        std::thread::yield_now();
    }
}

const SLOW: &str = "[[turn]]\ntext = 'Working.'\n[[turn.tool]]\nname = 'bash'\nargs = { command = 'sleep 60' }\n\
                    [[turn]]\ntext = 'Done.'";

#[test]
fn steering_that_waits_is_shown_above_the_composer() {
    let home = Home::new();
    let pty = open(&home, &["--model", &home.script(SLOW)]);
    pty.send("go\r");
    pty.wait_text("Working.");
    pty.send("and then stop\r");
    pty.wait_text("queued: and then stop");
    pty.send("\x1b");
    pty.wait_gone("queued: ");
    pty.wait_text("› and then stop");
    pty.send("\x03");
    quit(pty);
}

#[test]
fn steering_that_a_killed_process_left_is_in_the_composer_again() {
    let home = Home::new();
    let mut pty = open(&home, &["--model", &home.script(SLOW)]);
    pty.send("go\r");
    pty.wait_text("Working.");
    pty.send("do not lose me\r");
    pty.wait_text("queued: do not lose me");
    pty.signal(Signal::KILL);
    pty.wait_end();
    let pty = spawn(&home, &["--continue"]);
    pty.wait_text("› do not lose me");
    pty.wait_gone("queued: ");
    pty.send("\x03");
    quit(pty);
}

#[test]
fn a_new_session_asks_while_the_agent_works_and_keeps_the_model() {
    let mut home = Home::new();
    home.set("ANTHROPIC_API_KEY", "k");
    let pty = open(&home, &["--model", &home.script(SLOW)]);
    pty.send("go\r");
    pty.wait_text("Working.");
    pty.send("/model echo\r");
    pty.wait_for("the model", |screen| {
        screen.contents().lines().last().is_some_and(|row| row.contains("echo"))
    });
    pty.send("/new\r");
    pty.wait_text("still working");
    // Until then the dialog waits for the end of typing.
    pty.wait_text("enter answers");
    pty.send("n\r");
    pty.wait_gone("still working");
    pty.send("\x1b");
    pty.wait_gone("esc interrupts");
    pty.send("/new\r");
    pty.wait_gone("Working.");
    pty.wait_for("the model", |screen| {
        screen.contents().lines().last().is_some_and(|row| row.contains("echo"))
    });
    quit(pty);
}

#[test]
fn what_is_wrong_at_the_start_is_all_said() {
    let home = Home::new();
    home.write_config("[keys]\n\"ctrl+g\" = \"/hlep\"\n[ui]\ntheme = \"drak\"");
    let pty = open(&home, &["--no-session"]);
    for text in
        ["config.toml:2: `ctrl+g` runs `hlep`, which is no command", "There is no theme `drak`", "not saved"]
    {
        pty.wait_for(text, |screen| {
            let words: Vec<String> = screen.contents().split_whitespace().map(str::to_owned).collect();
            words.join(" ").contains(text)
        });
    }
    quit(pty);
}

#[test]
fn a_model_that_cannot_answer_is_said_at_once() {
    let home = Home::new();
    let pty = open(&home, &["--model", "nope/x"]);
    pty.wait_text("no provider is called `nope`");
    pty.send("/model anthropic/x\r");
    pty.wait_text("there is no key for `anthropic`");
    quit(pty);
}

#[test]
fn a_follow_up_is_answered_when_the_running_prompt_has_ended() {
    let home = Home::new();
    let text = "word ".repeat(60);
    let model = home.script(&format!(
        "[[turn]]\ntext = 'Beginning. {text} END-OF-THE-FIRST'\ndelay_ms = 15\n[[turn]]\ntext = 'THE-SECOND'"
    ));
    let pty = open(&home, &["--model", &model]);
    pty.send("go\r");
    pty.wait_text("Beginning.");
    pty.send("and later");
    pty.wait_text("› and later");
    pty.send("\x1bq");
    pty.wait_text("END-OF-THE-FIRST");
    pty.wait_text("THE-SECOND");
    quit(pty);
}

#[test]
fn what_waits_comes_back_on_demand() {
    let home = Home::new();
    let pty = open(&home, &["--model", &home.script(SLOW)]);
    pty.send("go\r");
    pty.wait_text("Working.");
    pty.send("better not\r");
    pty.wait_text("queued: better not");
    pty.send("\x1b[1;3A");
    pty.wait_gone("queued: ");
    pty.wait_text("› better not");
    pty.send("\x03");
    quit(pty);
}
