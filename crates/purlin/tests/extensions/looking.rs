//! Diagnostics: `/extensions`, `/messages`, `/keys`, `purlin extension list`.

use purlin_testkit::{Home, Pty};
use serde_json::Value;

use crate::{PURLIN, answer, command, escape, open, open_with, quit, run};

const BUSY: &str = r"
local purlin = require('purlin')
purlin.on('key', function() end)
purlin.on('agent_end', function() end)
purlin.command.create('fail', function() error('it broke') end)
purlin.command.create('log', function(args) print('printed ' .. args) purlin.log('warn', 'careful') purlin.notify('noticed') end)
purlin.tool.register{ name = 'one', description = 'x', schema = { type = 'object' }, execute = function() end }
purlin.keymap.set('global', 'ctrl+g', 'fail', { desc = 'fails' })
purlin.timer.interval(60000, function() end)
";

#[test]
fn extensions_show_what_each_has_and_costs() {
    let home = Home::new();
    let busy = home.file("busy.lua", BUSY).display().to_string();
    let broken = home.file("broken.lua", "local x = 1\nerror('no')").display().to_string();
    let pty = Pty::spawn(PURLIN, &["-e", &busy, "-e", &broken], &home, 30, 160);
    pty.wait_text("›");
    command(&pty, "/fail");
    pty.wait_text("it broke");
    command(&pty, "/extensions");
    pty.wait_text("enter · esc");
    pty.wait_text("1 error · 2 handlers, 2 commands, 1 tool, 1 keymap, 1 timer");
    pty.wait_text("not loaded");
    // What is known of one is shown once, of the one that is chosen.
    assert!(!pty.dump().contains("p99"), "{}", pty.dump());
    pty.send("broken\r");
    pty.wait_text("trouble");
    pty.wait_text("broken.lua:2: no");
    escape(&pty, "trouble");
    command(&pty, "/extensions");
    pty.wait_text("enter · esc");
    pty.send("busy\r");
    pty.wait_text("p99");
    pty.wait_text("busy.lua:");
    pty.wait_text("trouble");
    pty.wait_text("KiB");
    escape(&pty, "p99");
    quit(pty);
}

#[test]
fn a_suspended_extension_is_resumed_from_the_list() {
    let home = Home::new();
    let endless = home.file("endless.lua", "purlin.command.create('loop', function() while true do end end)");
    let pty = open_with(&home, &endless);
    for _ in 0..3 {
        command(&pty, "/loop");
    }
    pty.wait_text("is suspended");
    command(&pty, "/extensions");
    pty.wait_text("enter · esc");
    pty.send("\r");
    pty.wait_text("Close     Resume");
    answer(&pty, "hhhl\r", "Close     Resume");
    pty.wait_text("`endless` runs again.");
    quit(pty);
}

#[test]
fn messages_show_what_was_said_logged_and_failed_and_the_status_counts() {
    let home = Home::new();
    let busy = home.file("busy.lua", BUSY);
    let pty = open_with(&home, &busy);
    command(&pty, "/log this");
    pty.wait_text("1 problem · /messages");
    // Who typed it has read its answer: it is written down and calls nobody.
    command(&pty, "/fail");
    pty.wait_text("it broke");
    pty.wait_text("1 problem · /messages");
    command(&pty, "/messages");
    for text in ["printed this", "careful", "noticed", "it broke", "busy.lua:5", "warning busy", "error busy"]
    {
        pty.wait_text(text);
    }
    escape(&pty, "it broke");
    pty.wait_gone("1 problem");
    quit(pty);
}

#[test]
fn what_is_slow_is_for_those_who_look_and_what_is_wrong_while_loading_is_said() {
    let home = Home::new();
    home.write_config("[extensions.limits]\nmain_soft_ms = 1\n");
    let slow = home.file(
        "slow.lua",
        "purlin.on('key', { filter = { keyy = 'x' } }, function() end)\n\
         purlin.command.create('slow', function() local n = 0 for i = 1, 5e5 do n = n + i end return 'done' end)",
    );
    let pty = open_with(&home, &slow);
    pty.wait_text("the filter names no field: `keyy`");
    pty.wait_text("1 problem · /messages");
    command(&pty, "/slow");
    pty.wait_text("done");
    command(&pty, "/messages");
    pty.wait_text("more than 1 ms is slow here");
    escape(&pty, "Messages");
    quit(pty);
    let (_, _, err) = run(&home, &["-e", &slow.display().to_string(), "--model", "echo", "-p", "hi"]);
    assert_eq!(err.matches("`keyy`").count(), 1, "{err}");
}

#[test]
fn messages_are_scrolled_from_their_end() {
    let home = Home::new();
    let many = home.file("many.lua", "for n = 1, 300 do print('line ' .. n) end");
    let pty = open_with(&home, &many);
    command(&pty, "/messages");
    pty.wait_text("line 300");
    assert!(!pty.dump().contains("line 1\n"), "{}", pty.dump());
    pty.send("g");
    pty.wait_text("line 1");
    pty.wait_gone("line 300");
    escape(&pty, "Messages");
    quit(pty);
}

#[test]
fn keys_are_listed_with_their_owner_and_what_never_runs() {
    let home = Home::new();
    home.write_config("[keys]\n'f9' = '/help'\n");
    let one = home.file("one.lua", "purlin.keymap.set('global', 'f7', 'help', { desc = 'one helps' })");
    let two = home.file("two.lua", "\npurlin.keymap.set('global', 'f7', 'help', { desc = 'two helps' })");
    let (one, two) = (one.display().to_string(), two.display().to_string());
    let pty = Pty::spawn(PURLIN, &["-e", &one, "-e", &two], &home, 24, 160);
    pty.wait_text("›");
    command(&pty, "/keys");
    pty.wait_text("enter · esc");
    pty.send("f7");
    pty.wait_text("one helps · one · ");
    pty.wait_text("never runs: `one` has it · two helps · two · ");
    pty.wait_text("two.lua:2");
    pty.send("\x7f9");
    pty.wait_text("/help · yours · ");
    pty.wait_text("config.toml:2");
    escape(&pty, "Keys (type to filter)");
    quit(pty);
}

#[test]
fn the_list_without_a_screen_fits_and_has_json() {
    let home = Home::new();
    let busy = home.file("busy.lua", BUSY).display().to_string();
    let broken = home.file("broken.lua", "local x = 1\nerror('no')").display().to_string();
    let (code, out, err) = run(&home, &["-e", &busy, "-e", &broken, "extension", "list"]);
    // One that is not loaded is a failure to whoever checks.
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("name") && lines[0].contains("handlers"), "{out}");
    assert!(lines[1].starts_with("busy") && lines[1].contains("loaded"), "{out}");
    assert!(lines[2].starts_with("broken") && lines[2].contains("not loaded"), "{out}");
    assert!(lines[3].contains("broken.lua:2: no"), "{out}");
    let (_, out, _) = run(&home, &["-e", &busy, "-e", &broken, "extension", "list", "--json"]);
    let all: Vec<Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
    let counted = ["handlers", "commands", "tools", "keymaps", "timers"].map(|name| all[0][name].as_u64());
    assert_eq!(counted, [Some(2), Some(2), Some(1), Some(1), Some(1)]);
    assert!(all[0]["value_bytes"].as_u64() > Some(10_000), "{}", all[0]);
    assert_eq!(all[1]["state"], "not loaded");
    let (code, out, err) = run(&home, &["extension", "list"]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(err.contains("No extension is configured."), "{err}");
}

#[test]
fn d26_one_broken_manifest_leaves_the_others_of_its_folder() {
    let home = Home::new();
    home.file("all/good/init.lua", "purlin.command.create('good', function() end)");
    home.file("all/bad/purlin.toml", "name = 'bad'\nnonsense = 1\n");
    home.file("all/last.lua", "purlin.command.create('last', function() end)");
    let (code, out, _) = run(&home, &["-e", "all", "extension", "list"]);
    assert_eq!(code, 1);
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[1].starts_with("bad") && lines[1].contains("not loaded"), "{out}");
    assert!(lines[2].contains("all/bad/purlin.toml") && out.contains("`nonsense`"), "{out}");
    assert!(out.lines().any(|line| line.starts_with("good") && line.contains(" loaded")), "{out}");
    assert!(out.lines().any(|line| line.starts_with("last") && line.contains(" loaded")), "{out}");
}

#[test]
fn the_list_fits_a_narrow_terminal() {
    let home = Home::new();
    let busy = home.file("busy.lua", BUSY).display().to_string();
    let mut pty = Pty::spawn(PURLIN, &["-e", &busy, "extension", "list"], &home, 10, 30);
    pty.wait_end();
    let dump = pty.dump();
    assert!(dump.lines().all(|line| line.chars().count() <= 30), "{dump}");
    assert!(dump.contains("busy  loaded"), "{dump}");
}

#[test]
fn clashes_and_what_is_wrong_while_loading_are_listed_and_said_once_without_a_screen() {
    let home = Home::new();
    let who = "purlin.command.create('who', function() end)\n";
    let one = home.file("one.lua", who).display().to_string();
    let two = format!("{who}purlin.on('key', {{ filter = {{ keyy = 'x' }} }}, function() end)\n");
    let two = home.file("two.lua", &two).display().to_string();
    let (code, out, err) = run(&home, &["-e", &one, "-e", &two, "extension", "list"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let clash =
        "`who` is already a command of `one`, which keeps the name; that of `two` does not run under it";
    let field = "key: the filter names no field: `keyy`";
    let at = |text: &str| out.lines().position(|line| line.contains(text));
    assert!(at("two ") < at(clash) && at(clash) < at(field) && at(field).is_some(), "{out}");
    let (_, out, _) = run(&home, &["-e", &one, "-e", &two, "extension", "list", "--json"]);
    let all: Vec<Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
    let none = serde_json::json!([]);
    assert_eq!((&all[0]["conflicts"], &all[0]["diagnostics"]), (&none, &none));
    assert_eq!(all[1]["conflicts"], serde_json::json!([clash]));
    assert!(all[1]["diagnostics"][0].as_str().is_some_and(|text| text.starts_with(field)), "{}", all[1]);
    let (_, _, err) = run(&home, &["-e", &one, "-e", &two, "--model", "echo", "-p", "hi"]);
    assert_eq!((err.matches("`who`").count(), err.matches("`keyy`").count()), (1, 1), "{err}");
}

#[test]
fn a_mistake_in_typed_lua_is_told_in_its_cell_alone() {
    let home = Home::new();
    let pty = open(&home, &[]);
    command(&pty, "/lua nope.x");
    pty.wait_text("attempt to index nil with 'x'");
    pty.wait_gone("esc interrupts");
    command(&pty, "/lua 'and ' .. 'on'");
    pty.wait_text("and on");
    pty.wait_gone("esc interrupts");
    let shown = pty.dump();
    assert_eq!(shown.matches("attempt to index").count(), 1, "{shown}");
    assert!(!shown.contains("problem"), "{shown}");
    command(&pty, "/messages");
    pty.wait_text("error lua · lua");
    escape(&pty, "error lua · lua");
    quit(pty);
}

#[test]
fn keys_are_listed_yours_first() {
    let home = Home::new();
    home.write_config("[keys]\n'f9' = '/help'\n");
    let mine = home.file("mine.lua", "purlin.keymap.set('global', 'f7', 'help', { desc = 'mine helps' })");
    let pty = Pty::spawn(PURLIN, &["-e", &mine.display().to_string()], &home, 40, 120);
    pty.wait_text("›");
    command(&pty, "/keys");
    pty.wait_text("enter · esc");
    let shown = pty.dump();
    let at = |text: &str| shown.find(text).unwrap_or_else(|| panic!("no {text}: {shown}"));
    assert!(at("· yours ·") < at("· mine ·") && at("· mine ·") < at("· built in"), "{shown}");
    escape(&pty, "Keys (type to filter)");
    quit(pty);
}

#[test]
fn a_key_of_the_configuration_is_named_with_what_its_command_does_and_ones_own_keys_come_first() {
    let home = Home::new();
    home.write_config("[keys.composer]\n'alt+enter' = 'edit.newline'\n");
    let pty = open(&home, &[]);
    command(&pty, "/help");
    pty.wait_text("Commands and keys");
    pty.send("alt+enter");
    pty.wait_text("/ alt+enter");
    pty.wait_text("Begins a new line at the cursor.");
    let shown = pty.dump();
    assert_eq!(shown.matches("alt+enter").count(), 2, "the filter and one entry:\n{shown}");
    assert!(!shown.contains("edit.newline"), "{shown}");
    escape(&pty, "Commands and keys");
    command(&pty, "/keys");
    pty.wait_text("› alt+enter in composer");
    escape(&pty, "Keys (type to filter)");
    quit(pty);
}

#[test]
fn code_in_what_a_tool_renderer_answers_has_its_colours() {
    let home = Home::new();
    let script = home.file(
        "script.toml",
        "[[turn]]\ntext = 'go'\n[[turn.tool]]\nname = 'bash'\nargs = { command = 'true' }\n[[turn]]\ntext = 'done'\n",
    );
    let look = home.file(
        "look.lua",
        "purlin.tool.renderer('bash', { markdown = true, body = function() return '```rust\\nlet colour = 1;\\n```' end })",
    );
    let model = format!("script:{}", script.display());
    let pty = open(&home, &["--model", &model, "-e", &look.display().to_string()]);
    command(&pty, "go");
    pty.wait_text("let colour");
    let coloured = |screen: &purlin_testkit::Screen| {
        let row = screen.contents().lines().position(|row| row.contains("let colour"));
        let col = screen
            .contents()
            .lines()
            .find_map(|row| row.find("let colour").map(|at| row[..at].chars().count()));
        let (Some(row), Some(col)) = (row, col) else { return false };
        let color = |col: usize| {
            let cell = screen.cell(row as u16, col as u16)?;
            Some(cell.fgcolor())
        };
        color(col) != color(col + 4)
    };
    assert!(pty.wait_within(std::time::Duration::from_secs(60), coloured), "{}", pty.dump());
    quit(pty);
}

#[test]
fn the_process_grows_by_more_than_the_values_and_less_than_the_pages_that_are_shown() {
    const MANY: u64 = 40;
    let home = Home::new();
    let source = "purlin.on('key', function(ev) return ev.key == 'x' end)";
    let files: Vec<String> =
        (0..=MANY).map(|number| home.file(&format!("e{number}.lua"), source).display().to_string()).collect();
    let flags =
        |count: usize| files[..count].iter().flat_map(|file| ["-e", file.as_str()]).collect::<Vec<_>>();
    let anonymous = |count: usize| {
        let pty = Pty::spawn(PURLIN, &flags(count), &home, 24, 160);
        pty.wait_text("›");
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", pty.id())).expect("its memory");
        let line = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:")).expect("a line");
        quit(pty);
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kibibytes << 10
    };
    // The first one brings along what all of them share.
    let grown = (anonymous(files.len()) - anonymous(1)) / MANY;
    let (_, out, _) = run(&home, &[flags(1), vec!["extension", "list", "--json"]].concat());
    let shown: Value = serde_json::from_str(out.trim()).expect("one extension");
    let (values, pages) = (shown["value_bytes"].as_u64(), shown["memory_bytes"].as_u64());
    assert!(values < Some(grown) && Some(grown) < pages, "{values:?} < {grown} < {pages:?}");
}
