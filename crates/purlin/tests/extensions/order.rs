//! What is typed at once behind a command that switches the session, the model or the code reaches what it was meant for.
//!
//! Each test sends all its lines in one write: they are all read before anything that has to be waited for can go on.

use purlin_testkit::{Home, Pty};

use crate::{PURLIN, command, open, quit, run};

/// Says what it has counted in this session.
const COUNTER: &str = r"
local purlin = require('purlin')
purlin.command.create('count', function()
  local n = (purlin.state.get('count') or 0) + 1
  purlin.state.set('count', n)
  purlin.buf.append('transcript', { kind = 'note', text = 'counted ' .. n })
end)
purlin.on('session_shutdown', function() purlin.state.set('last', 'words') end)
purlin.command.create('last', function() return 'last ' .. tostring(purlin.state.get('last')) end)
";

fn counting(home: &Home, more: &[&str]) -> Pty {
    let counter = home.file("counter.lua", COUNTER).display().to_string();
    open(home, &[&["-e", &counter], more].concat())
}

/// The titles of the sessions, the newest first.
fn titles(home: &Home) -> Vec<String> {
    let (_, listed, _) = run(home, &["session", "list", "--json"]);
    let title = |line: &str| {
        let session: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        session["name"].as_str().unwrap_or_default().to_owned()
    };
    listed.lines().map(title).collect()
}

#[test]
fn a_command_and_a_prompt_behind_new_reach_the_new_session() {
    let home = Home::new();
    let pty = counting(&home, &[]);
    command(&pty, "first prompt");
    pty.wait_text("This is the echo model");
    pty.wait_gone("esc interrupts");
    command(&pty, "/count");
    pty.wait_text("counted 1");
    // Typed as fast as can be: the second `/count` counts from one, and both prompts are answered in order.
    pty.send("/count\r/new\r/count\r/count\rsecond prompt\rand typed on");
    pty.wait_gone("first prompt");
    pty.wait_for("all of it", |screen| {
        let shown = screen.contents();
        let at = |text: &str| shown.find(text).unwrap_or(usize::MAX);
        at("counted 1") < at("counted 2")
            && at("counted 2") < at("second prompt")
            && at("› and typed on") < usize::MAX
    });
    pty.wait_gone("esc interrupts");
    pty.send("\x15");
    quit(pty);
    assert_eq!(titles(&home), ["counted 1", "first prompt"]);
}

#[test]
fn the_last_words_of_a_session_are_kept_in_it() {
    let home = Home::new();
    let pty = counting(&home, &[]);
    command(&pty, "first prompt");
    pty.wait_text("This is the echo model");
    pty.wait_gone("esc interrupts");
    pty.send("/new\r/last\r");
    pty.wait_text("last nil");
    quit(pty);
    let pty = counting(&home, &["-c"]);
    pty.send("/last\r");
    pty.wait_text("last words");
    quit(pty);
}

#[test]
fn what_is_typed_before_the_first_frame_waits_for_the_session() {
    let home = Home::new();
    let counter = home.file("counter.lua", COUNTER).display().to_string();
    assert_eq!(run(&home, &["-p", "an earlier prompt"]).0, 0);
    let pty = Pty::spawn(PURLIN, &["-c", "-e", &counter], &home, 24, 160);
    pty.send("/new\r/count\ra later prompt\r");
    pty.wait_text("counted 1");
    pty.wait_for("the later answer", |screen| screen.contents().matches("a later prompt").count() > 1);
    assert!(!pty.dump().contains("an earlier prompt"), "{}", pty.dump());
    pty.wait_gone("esc interrupts");
    quit(pty);
    assert_eq!(titles(&home), ["counted 1", "an earlier prompt"]);
}

const SLOW: &str =
    "[[turn]]\ntext = 'Working.'\n[[turn.tool]]\nname = 'bash'\nargs = { command = 'sleep 60' }";

#[test]
fn what_is_typed_while_new_asks_waits_for_the_answer() {
    let home = Home::new();
    let pty = open(&home, &["--model", &home.script(SLOW)]);
    command(&pty, "go");
    pty.wait_text("Working.");
    pty.send("/new\r/model echo\rhello there\r");
    pty.wait_text("still working");
    pty.wait_text("queued: hello there");
    pty.wait_text("enter answers");
    pty.send("y\r");
    pty.wait_text("This is the echo model");
    pty.wait_gone("Working.");
    pty.wait_gone("queued: ");
    pty.wait_gone("esc interrupts");
    quit(pty);
    assert_eq!(titles(&home), ["hello there", "go"]);
}

#[test]
fn what_was_meant_for_a_new_session_that_is_not_wanted_comes_back() {
    let home = Home::new();
    let pty = open(&home, &["--model", &home.script(SLOW)]);
    command(&pty, "go");
    pty.wait_text("Working.");
    pty.send("/new\rhello there\r");
    pty.wait_text("queued: hello there");
    pty.wait_text("enter answers");
    pty.send("n\r");
    pty.wait_text("› hello there");
    pty.wait_gone("queued: ");
    assert!(pty.dump().contains("Working."), "{}", pty.dump());
    pty.send("\x15");
    quit(pty);
}

#[test]
fn a_prompt_that_was_sent_just_before_is_not_cut_off_without_a_word() {
    let home = Home::new();
    let pty = open(&home, &["--model", &home.script(SLOW)]);
    pty.send("go\r/new\r");
    pty.wait_text("still working");
    pty.wait_text("enter answers");
    pty.send("n\r");
    pty.wait_text("Working.");
    quit(pty);
}

#[test]
fn a_gate_may_keep_the_session() {
    let home = Home::new();
    let gate = home.file(
        "keep.lua",
        "local purlin = require('purlin')\n\
         purlin.on('session_before_switch', function(ev) return { cancel = true, reason = 'not ' .. ev.reason } end)\n\
         purlin.on('session_switch', function(ev) purlin.notify('switched') end)",
    );
    let pty = open(&home, &["-e", &gate.display().to_string()]);
    command(&pty, "first prompt");
    pty.wait_text("This is the echo model");
    pty.wait_gone("esc interrupts");
    pty.send("/new\rhello there\r");
    pty.wait_text("not new");
    pty.wait_text("› hello there");
    assert!(pty.dump().contains("first prompt") && !pty.dump().contains("switched"), "{}", pty.dump());
    pty.send("\x15");
    quit(pty);
}

#[test]
fn a_switch_is_told_with_both_sessions() {
    let home = Home::new();
    let told = home.file(
        "told.lua",
        "local purlin = require('purlin')\n\
         purlin.on('session_switch', function(ev)\n\
           purlin.notify(tostring(#ev.session_id > 0 and #ev.previous_id > 0 and ev.session_id ~= ev.previous_id))\n\
         end)",
    );
    let pty = open(&home, &["-e", &told.display().to_string()]);
    pty.send("/new\r");
    pty.wait_text("true");
    quit(pty);
}

#[test]
fn a_prompt_behind_model_is_answered_by_it_also_in_a_new_session() {
    let home = Home::new();
    let (one, two) =
        (home.file("one.toml", "[[turn]]\ntext = 'ONE'"), home.file("two.toml", "[[turn]]\ntext = 'TWO'"));
    let pty = open(&home, &["--model", "echo"]);
    pty.send(&format!("/model script:{}\rhi\r", one.display()));
    pty.wait_text("ONE");
    pty.wait_gone("esc interrupts");
    pty.send(&format!("/model script:{}\r/new\rhi again\r", two.display()));
    pty.wait_text("TWO");
    assert!(!pty.dump().contains("ONE"), "{}", pty.dump());
    pty.wait_gone("esc interrupts");
    quit(pty);
}

#[test]
fn twice_new_at_once_stays_unwritten_where_nothing_is_kept() {
    let home = Home::new();
    let pty = open(&home, &["--no-session"]);
    let before = purlin_testkit::files(home.root());
    pty.send("/new\r/new\rhello there\r");
    pty.wait_text("This is the echo model");
    pty.wait_text("not saved");
    quit(pty);
    assert_eq!(purlin_testkit::files(home.root()), before);
}

#[test]
fn a_command_behind_reload_runs_the_new_code() {
    let home = Home::new();
    let code = |word: &str| {
        format!("require('purlin').command.create('say', function() return 'the {word} code' end)")
    };
    let file = home.file("say.lua", &code("old"));
    let pty = open(&home, &["-e", &file.display().to_string()]);
    pty.send("/say\r");
    pty.wait_text("the old code");
    home.file("say.lua", &code("new"));
    pty.send("/reload say\r/say\r");
    pty.wait_text("the new code");
    // The answer from before still stands there, once.
    assert!(pty.dump().matches("the old code").count() <= 1, "{}", pty.dump());
    quit(pty);
}
