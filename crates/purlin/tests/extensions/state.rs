//! What extensions keep.

use purlin_testkit::Home;

use crate::{command, open, quit, run};

const COUNTER: &str = r"
local purlin = require('purlin')
local at_load = purlin.state.get('count') or 'nothing'
purlin.command.create('count', function()
  purlin.state.set('count', (purlin.state.get('count') or 0) + 1)
  return 'at load ' .. at_load .. ', now ' .. purlin.state.get('count')
    .. ', keys ' .. table.concat(purlin.state.keys(), ' ')
end)
";

#[test]
fn state_of_a_session_is_part_of_it_and_read_back_at_once() {
    let home = Home::new();
    let counter = home.file("counter.lua", COUNTER).display().to_string();
    let pty = open(&home, &["-e", &counter]);
    command(&pty, "/count");
    pty.wait_text("at load nothing, now 1, keys count");
    command(&pty, "/count");
    pty.wait_text("now 2");
    // A session that holds nothing else is not begun by that; its first prompt takes it along.
    pty.send("hello\r");
    pty.wait_text("ollama/NAME");
    pty.wait_gone("esc interrupts");
    command(&pty, "/count");
    pty.wait_text("now 3");
    quit(pty);
    let pty = open(&home, &["-c", "-e", &counter]);
    command(&pty, "/count");
    pty.wait_text("at load 3, now 4");
    pty.wait_gone("esc interrupts");
    pty.send("/new\r/count\r");
    pty.wait_text("at load 3, now 1");
    quit(pty);
    let (_, events, _) = run(&home, &["session", "log"]);
    assert!(events.contains("StateSet"), "{events}");
}

#[test]
fn state_alone_begins_no_session() {
    let home = Home::new();
    let counter = home.file("counter.lua", COUNTER).display().to_string();
    let pty = open(&home, &["-e", &counter]);
    command(&pty, "/count");
    pty.wait_text("now 1");
    quit(pty);
    let (_, listed, _) = run(&home, &["session", "list"]);
    assert!(!listed.contains("counter"), "{listed}");
    assert_eq!(std::fs::read_dir(home.data().join("notebooks")).map_or(0, Iterator::count), 0);
}

#[test]
fn a_run_that_writes_nothing_keeps_state_to_itself() {
    let home = Home::new();
    let counter = home
        .file("user.lua", &COUNTER.replace("'count')", "'count', 'user')").replace(" + 1)", " + 1, 'user')"));
    let counter = counter.display().to_string();
    let pty = open(&home, &["--no-session", "-e", &counter]);
    command(&pty, "/count");
    pty.wait_text("now 1");
    command(&pty, "/count");
    pty.wait_text("now 2");
    quit(pty);
    assert!(!home.root().join("state/purlin/extensions").exists());
}

#[test]
fn without_a_screen_state_is_kept_as_well() {
    let home = Home::new();
    let counter = home.file(
        "counter.lua",
        "purlin.on('input', function(ev)\n\
           local n = (purlin.state.get('n') or 0) + 1\n\
           purlin.state.set('n', n)\n\
           return { action = 'transform', text = 'prompt ' .. n }\n\
         end)",
    );
    let counter = counter.display().to_string();
    let ask = |more: &[&str]| {
        let mut arguments = vec!["--model", "echo", "-e", &counter, "-p", "x"];
        arguments.extend(more);
        run(&home, &arguments).1
    };
    assert!(ask(&[]).contains("prompt 1"));
    assert!(ask(&["-c"]).contains("prompt 2"));
    assert!(ask(&["-c"]).contains("prompt 3"));
    assert!(ask(&[]).contains("prompt 1"));
}
