//! Programs without session, agent and stock screen (`--bare`), as a person starts and leaves them.

use purlin_testkit::{Ended, Home, Pty, Screen, files};

const PURLIN: &str = env!("CARGO_BIN_EXE_purlin");

/// Starts a program whose source this is.
fn start(home: &Home, source: &str, arguments: &[&str]) -> Pty {
    let file = home.file("app.lua", source).display().to_string();
    let mut all = vec!["--bare", "-e", file.as_str()];
    all.extend(arguments);
    Pty::spawn(PURLIN, &all, home, 24, 80)
}

const HELLO: &str = r#"
local purlin = require("purlin")
local told = table.concat(purlin.args, ",")
purlin.win.create("page")
purlin.win.render("page", function(view)
  return { "hello " .. told, view.width .. "x" .. view.height }
end)
purlin.win.focus("page")
purlin.keymap.set({ window = "page" }, "q", "quit")
purlin.keymap.set({ window = "page" }, "x", function() purlin.quit(3, "goodbye") end)
purlin.keymap.set({ window = "page" }, "b", function() error("broken on purpose") end)
purlin.keymap.set({ window = "page" }, "a", function()
  purlin.spawn(function()
    if purlin.ui.confirm("Really leave?") then purlin.quit(4) end
  end)
end)
"#;

#[test]
fn a_program_has_the_whole_screen_and_its_arguments() {
    let home = Home::new();
    let mut pty = start(&home, HELLO, &["--", "one", "--two"]);
    pty.wait_text("hello one,--two");
    pty.wait_text("80x24");
    pty.resize(10, 40);
    pty.wait_text("40x10");
    pty.with_screen(|screen| {
        let shown: Vec<String> = screen.rows(0, 40).filter(|row| !row.trim().is_empty()).collect();
        assert_eq!(shown, ["hello one,--two", "40x10"]);
    });
    pty.send("q");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    pty.assert_restored();
}

#[test]
fn a_program_ends_with_its_own_code_and_words() {
    let home = Home::new();
    let mut pty = start(&home, HELLO, &[]);
    pty.wait_text("hello");
    pty.send("x");
    assert_eq!(pty.wait_end(), Ended::Code(3));
    pty.assert_restored();
    assert!(pty.dump().contains("goodbye"), "{}", pty.dump());
}

#[test]
fn ctrl_c_twice_leaves_a_program_that_maps_no_key() {
    let home = Home::new();
    let mut pty = start(&home, "local purlin = require('purlin')\npurlin.win.create('page')", &[]);
    pty.wait_for("the screen", is_taken);
    pty.send("\x03");
    pty.wait_text("Press ctrl+c again to quit.");
    pty.send("\x03");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    pty.assert_restored();
}

fn is_taken(screen: &Screen) -> bool {
    screen.alternate_screen()
}

#[test]
fn what_fails_while_it_loads_is_said_with_its_place() {
    let home = Home::new();
    let mut pty = start(&home, "local purlin = require('purlin')\npurlin.buf.create()", &[]);
    assert_eq!(pty.wait_end(), Ended::Code(1));
    let said = pty.dump();
    assert!(said.contains("app.lua:2") && said.contains("bad argument #1 to 'buf.create'"), "{said}");
    assert!(!String::from_utf8_lossy(&pty.raw()).contains("\x1b[?1049h"), "the screen was taken over");
}

#[test]
fn what_fails_later_is_shown_and_the_program_goes_on() {
    let home = Home::new();
    let mut pty = start(&home, HELLO, &[]);
    pty.wait_text("hello");
    pty.send("b");
    pty.wait_text("broken on purpose");
    pty.wait_text("app.lua:11");
    pty.send("q");
    assert_eq!(pty.wait_end(), Ended::Code(0));
}

#[test]
fn a_slow_program_is_not_complained_of_and_an_endless_one_is_stopped() {
    let home = Home::new();
    let source = format!(
        "{HELLO}
        local function compute(seconds) local at = os.clock() while os.clock() - at < seconds do end end
        purlin.keymap.set({{ window = 'page' }}, 's', function()
          purlin.spawn(function() compute(0.06) purlin.notify('slow') end)
        end)
        purlin.keymap.set({{ window = 'page' }}, 'e', function() while true do end end)"
    );
    let mut pty = start(&home, &source, &[]);
    pty.wait_text("hello");
    pty.send("e");
    pty.wait_text("interrupted at the deadline");
    pty.send("s");
    pty.wait_for("the end of slow work", |screen| screen.contents().contains("slow"));
    assert!(!pty.dump().contains("is slow here"), "{}", pty.dump());
    pty.send("q");
    assert_eq!(pty.wait_end(), Ended::Code(0));
}

#[test]
fn an_extension_of_the_chat_can_end_it_too() {
    let home = Home::new();
    let leave = "local purlin = require('purlin')
        purlin.command.create('leave', function() purlin.quit(5, 'left early') end)";
    let file = home.file("leave.lua", leave).display().to_string();
    let mut pty = Pty::spawn(PURLIN, &["--no-session", "-e", &file], &home, 24, 80);
    pty.wait_text("›");
    pty.send("/leave\r");
    assert_eq!(pty.wait_end(), Ended::Code(5));
    pty.assert_restored();
    assert!(pty.dump().contains("left early"), "{}", pty.dump());
}

#[test]
fn a_program_can_ask() {
    let home = Home::new();
    let mut pty = start(&home, HELLO, &[]);
    pty.wait_text("hello");
    pty.send("a");
    pty.wait_text("Really leave?");
    // Until then the dialog waits for the end of typing.
    pty.wait_text("enter answers");
    pty.send("y\r");
    assert_eq!(pty.wait_end(), Ended::Code(4));
}

#[test]
fn a_program_that_ends_while_it_loads_never_takes_the_screen() {
    let home = Home::new();
    let mut pty = start(&home, "require('purlin').quit(2, 'usage: app FILE')", &[]);
    assert_eq!(pty.wait_end(), Ended::Code(2));
    assert!(pty.dump().contains("usage: app FILE"), "{}", pty.dump());
    assert!(!String::from_utf8_lossy(&pty.raw()).contains("\x1b[?1049h"), "the screen was taken over");
}

#[test]
fn what_a_program_says_at_its_end_goes_through_a_pipe() {
    let home = Home::new();
    let app = home.file("app.lua", HELLO).display().to_string();
    let line = format!("{PURLIN} --bare -e {app} > out");
    let mut pty = Pty::spawn("sh", &["-c", &line], &home, 24, 80);
    pty.wait_text("hello");
    pty.send("x");
    assert_eq!(pty.wait_end(), Ended::Code(3));
    assert_eq!(std::fs::read_to_string(home.work().join("out")).unwrap(), "goodbye\n");
}

#[test]
fn a_program_leaves_nothing_on_the_disk() {
    let home = Home::new();
    let source = format!("{HELLO}\npurlin.state.set('kept', 1, 'user')\npurlin.log('error', 'words')");
    let mut pty = start(&home, &source, &[]);
    pty.wait_text("hello");
    pty.send("q");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    assert_eq!(files(home.root()), [home.work().join("app.lua")]);
}

#[test]
fn keys_of_the_configuration_count_where_their_command_exists() {
    let home = Home::new();
    home.write_config("[keys]\nq = \"model\"\n\"ctrl+g\" = \"quit\"\n[ui]\ntheme = \"light\"");
    let mut pty = start(&home, HELLO, &[]);
    pty.wait_text("hello");
    pty.send("\x07");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    let mut pty = start(&home, HELLO, &[]);
    pty.wait_text("hello");
    pty.send("q");
    assert_eq!(pty.wait_end(), Ended::Code(0));
}

#[test]
fn hooks_of_the_agent_are_unknown_there() {
    let home = Home::new();
    let mut pty = start(&home, "require('purlin').on('tool_call', function() end)", &[]);
    assert_eq!(pty.wait_end(), Ended::Code(1));
    assert!(pty.dump().contains("tool_call"), "{}", pty.dump());
}

#[test]
fn without_a_terminal_it_says_so() {
    let home = Home::new();
    let app = home.file("app.lua", HELLO).display().to_string();
    let mut dumb = Home::new();
    dumb.set("TERM", "dumb");
    let alone = home.run("setsid", &["-w", PURLIN, "--bare", "-e", &app]);
    for (run, why) in [(alone, "no terminal to draw on"), (dumb.run(PURLIN, &["--bare", "-e", &app]), "dumb")]
    {
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.errors.contains(why) && run.errors.contains("`purlin --bare`"), "{run:?}");
    }
}

#[test]
fn a_text_can_be_edited_without_a_line_of_code() {
    let home = Home::new();
    let source = "local purlin = require('purlin')
        purlin.buf.create('text')
        purlin.win.create('page', { buffer = 'text' })
        purlin.win.focus('page')
        purlin.keymap.set('global', 'enter', function() purlin.quit(0, purlin.buf.get_text('text')) end)";
    let mut pty = start(&home, source, &[]);
    pty.wait_for("the screen", is_taken);
    pty.send("wrxld\x1b[D\x1b[D\x7f\x1b[Do\r");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    assert!(pty.dump().contains("world"), "{}", pty.dump());
}

#[test]
fn a_program_that_was_stopped_too_often_ends_and_says_why() {
    let home = Home::new();
    let source = format!(
        "{HELLO}
        purlin.keymap.set({{ window = 'page' }}, 'e', function() while true do end end)"
    );
    let mut pty = start(&home, &source, &[]);
    pty.wait_text("hello");
    pty.send("eee");
    assert_eq!(pty.wait_end(), Ended::Code(1));
    pty.assert_restored();
    let said = pty.dump();
    assert!(said.contains("The program `app` was ended") && !said.contains("resume"), "{said}");
}
