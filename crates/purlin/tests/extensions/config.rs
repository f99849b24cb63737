//! The configuration as extensions and people change it.

use std::fs;

use purlin_testkit::Home;

use crate::{PURLIN, command, escape, open, open_with, quit, run};

#[test]
fn an_extension_reads_and_writes_settings_and_the_file_keeps_its_comments() {
    let home = Home::new();
    home.write_config("# mine\nmodel = 'echo'\n\n[ui] # looks\ntheme = 'dark' # for now\n");
    let file = home.file(
        "set.lua",
        r"
        local purlin = require('purlin')
        assert(purlin.config.get('ui.theme') == 'dark')
        purlin.config.set('ui.theme', 'light')
        purlin.config.set('agent.max_turns', 7)
        purlin.config.set('model', nil)
        return { purlin.config.get('ui'), purlin.config.get('agent.max_turns'), purlin.config.get('model') or 'none' }
        ",
    );
    let (code, out, err) = run(&home, &["lua", &file.display().to_string()]);
    assert_eq!((code, out.trim(), err.as_str()), (0, r#"{ { theme = "light" }, 7, "none" }"#, ""));
    let text = fs::read_to_string(home.config().join("config.toml")).expect("the file is there");
    assert_eq!(text, "\n[ui] # looks\ntheme = \"light\" # for now\n\n[agent]\nmax_turns = 7\n");
}

#[test]
fn what_no_setting_takes_is_refused_with_the_way_out() {
    let home = Home::new();
    let table = [
        ("'ui.thme', 'x'", "there is no setting `ui.thme`; did you mean `ui.theme`?"),
        ("'ui', 'x'", "`ui` is a table of settings; write one of those below it"),
        ("'agent.max_turns', 'many'", "`agent.max_turns` must be a whole number from 1 to 10000"),
        ("'agent.max_turns', 1.5", "`agent.max_turns` must be a whole number from 1 to 10000"),
        ("'thinking', 'lots'", "`thinking` must be one of `off`, `low`, `medium`, `high`"),
        ("'keys.ctrl+x', true", "`keys.ctrl+x` must be a command in quotes, or `false`"),
        ("'model', 'garbage'", "`model`: "),
        ("'ui.theme', 'drak'", "Did you mean `dark`?"),
        ("'keys.nonsensekey', '/help'", "`keys.nonsensekey`: "),
        ("'keys.ctrl+c', '/help'", "`ctrl+c` cannot be mapped"),
        ("'extensions.use', { 'path:x' }, 'project'", "`extensions.use` may not be set for a project"),
    ];
    for (arguments, expected) in table {
        let file = home.file("set.lua", &format!("require('purlin').config.set({arguments})"));
        let (code, _, err) = run(&home, &["lua", &file.display().to_string()]);
        assert_eq!(code, 1, "{arguments}");
        assert!(err.contains(expected), "{arguments}: {err}");
        assert!(err.contains("set.lua:1"), "{arguments}: {err}");
    }
    assert!(!home.config().join("config.toml").exists());
}

#[test]
fn many_processes_that_write_settings_lose_none() {
    let home = Home::new();
    let file = |process: usize| {
        let set = format!("require('purlin').config.set('extensions.options.p{process}.o' .. n, n)");
        let lines = format!("for n = 0, 4 do {set} end");
        home.file(&format!("set{process}.lua"), &lines)
    };
    let running: Vec<_> = (0..6)
        .map(|process| home.command(PURLIN).arg("lua").arg(file(process)).spawn().expect("it starts"))
        .collect();
    for mut child in running {
        assert!(child.wait().expect("it ends").success());
    }
    let text = fs::read_to_string(home.config().join("config.toml")).expect("the file is there");
    assert_eq!(text.lines().filter(|line| line.starts_with('o')).count(), 30, "{text}");
}

#[test]
fn an_option_that_was_not_declared_yet_is_shown_to_nobody() {
    let home = Home::new();
    home.write_config("[extensions.options.gate]\ntoken = 'hush-hush'\n");
    let file = home.file("look.lua", "return require('purlin').config.get('extensions.options')");
    let (_, out, _) = run(&home, &["lua", &file.display().to_string()]);
    assert_eq!(out.trim(), r#"{ gate = { token = "(secret)" } }"#);
}

#[test]
fn a_file_that_comes_to_be_while_it_runs_counts() {
    let home = Home::new();
    let pty = open(&home, &[]);
    home.write_config("[keys]\n'f5' = '/help'\n");
    let end = std::time::Instant::now() + purlin_testkit::PATIENCE;
    while !pty.wait_within(std::time::Duration::from_millis(700), |screen| {
        screen.contents().contains("Commands and keys")
    }) {
        assert!(std::time::Instant::now() < end, "{}", pty.dump());
        pty.send("\x1b[15~");
    }
    escape(&pty, "Commands and keys");
    quit(pty);
}

#[test]
fn a_projects_file_is_written_in_its_root_and_only_with_what_is_safe() {
    let home = Home::new();
    fs::create_dir_all(home.work().join(".git")).expect("a repository");
    fs::create_dir_all(home.work().join("deep")).expect("a folder");
    home.file("deep/set.lua", "require('purlin').config.set('thinking', 'low', 'project')");
    let output = home
        .command(PURLIN)
        .current_dir(home.work().join("deep"))
        .args(["lua", "set.lua"])
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let text = fs::read_to_string(home.work().join(".purlin/config.toml")).expect("the file is there");
    assert_eq!(text, "thinking = \"low\"\n");
}

#[test]
fn options_come_from_the_variable_then_the_configuration_and_secrets_are_shown_to_nobody() {
    let mut home = Home::new();
    home.write_config("[extensions.options.gate]\nmode = 'ask'\ntoken = 'hush-hush'\n");
    let gate = home.file(
        "gate.lua",
        r"
        local purlin = require('purlin')
        purlin.option.define{ name = 'mode', choices = { 'ask', 'deny' }, default = 'deny' }
        purlin.option.define{ name = 'token', secret = true }
        purlin.command.create('mode', function()
          return purlin.option.get('mode') .. ' ' .. #purlin.option.get('token') .. ' '
            .. tostring(purlin.config.get('extensions.options.gate.token'))
        end)
        ",
    );
    let pty = open_with(&home, &gate);
    command(&pty, "/mode");
    pty.wait_text("ask 9 (secret)");
    command(&pty, "/extensions");
    pty.wait_text("enter · esc");
    pty.send("\r");
    pty.wait_text("mode = \"ask\" (configuration)");
    pty.wait_text("token = (secret) (configuration)");
    assert!(!pty.dump().contains("hush-hush"), "{}", pty.dump());
    escape(&pty, "(secret) (configuration)");
    quit(pty);
    home.set("PURLIN_OPT_GATE_MODE", "deny");
    let pty = open_with(&home, &gate);
    command(&pty, "/mode");
    pty.wait_text("deny 9");
    quit(pty);
}

#[test]
fn an_option_that_nobody_takes_is_told() {
    let home = Home::new();
    home.write_config(
        "[extensions.options.gate]\nmod = 'ask'\nmode = 3\n[extensions.options.other]\nx = 1\n",
    );
    let gate = home
        .file("gate.lua", "purlin.option.define{ name = 'mode', default = 'deny' }")
        .display()
        .to_string();
    let (_, _, err) = run(&home, &["-e", &gate, "--model", "echo", "-p", "hi"]);
    assert!(err.contains("extension `gate` has no option `mod`; did you mean `mode`?"), "{err}");
    assert!(err.contains("option `mode` of `gate`: a string expected"), "{err}");
    assert!(!err.contains("other"), "{err}");
}

#[test]
fn keys_of_the_configuration_have_targets_sequences_a_leader_and_can_be_taken_away() {
    let home = Home::new();
    home.write_config(
        "[keys]\n'ctrl+g' = 'say global'\n'f3 f4' = '/say two keys'\n'<leader>x' = 'say led'\n'ctrl+x' = false\n\
         [keys.composer]\n'f5' = 'say here'\n[keys.transcript]\n'f5' = 'say there'\n[ui]\nleader = 'f2'\n",
    );
    let say = home.file(
        "say.lua",
        r"
        local purlin = require('purlin')
        purlin.command.create('say', function(args) return 'said ' .. args end)
        purlin.keymap.set('global', 'ctrl+x', 'say theirs')
        purlin.keymap.set('global', '<leader>y', 'say led too')
        ",
    );
    let pty = open_with(&home, &say);
    for (keys, said) in [
        ("\x07", "said global"),
        ("\x1bOR\x1bOS", "said two keys"),
        ("\x1bOQx", "said led"),
        ("\x1bOQy", "said led too"),
        ("\x1b[15~", "said here"),
    ] {
        pty.send(keys);
        pty.wait_text(said);
    }
    pty.send("\x18\x07");
    pty.wait_text("said global");
    assert!(!pty.dump().contains("said theirs"), "{}", pty.dump());
    quit(pty);
}

#[test]
fn a_mistake_in_the_keys_is_told_with_its_line_and_the_rest_counts() {
    let home = Home::new();
    home.write_config("[keys]\n'ctrl+g' = '/helpp'\n'nokey+' = '/help'\n'f5' = '/help'\n");
    let pty = open(&home, &[]);
    pty.wait_text("config.toml:2: `ctrl+g` runs `helpp`, which is no command; did you mean `help`?");
    pty.wait_text("config.toml:3: `nokey+` cannot be mapped");
    pty.send("\x1b[15~");
    pty.wait_text("Commands and keys");
    escape(&pty, "Commands and keys");
    quit(pty);
}

#[test]
fn what_is_edited_by_hand_counts_at_once_and_is_told() {
    let home = Home::new();
    home.write_config("[ui]\ntheme = 'dark'\n");
    let told = home.file(
        "told.lua",
        r"
        local purlin = require('purlin')
        purlin.on('config_change', function(ev)
          purlin.buf.set_text('composer', ev.path .. ': ' .. tostring(ev.previous) .. ' -> ' .. tostring(ev.new))
        end)
        ",
    );
    let pty = open_with(&home, &told);
    home.write_config("[ui]\ntheme = 'light'\n");
    pty.wait_text("ui.theme: dark -> light");
    home.write_config("[ui]\ntheme = 'light'\n[keys]\n'ctrl+g' = '/help'\n");
    pty.wait_text("keys.ctrl+g: nil -> /help");
    pty.send("\x07");
    pty.wait_text("Commands and keys");
    escape(&pty, "Commands and keys");
    home.write_config("[ui\n");
    pty.wait_text("The configuration stays as it was.");
    home.write_config("[ui]\ntheme = 'light'\nmouse = false\n[keys]\n'ctrl+g' = '/help'\n");
    pty.wait_text("`ui.mouse` counts from the next start.");
    quit(pty);
}

#[test]
fn a_theme_is_chosen_at_once_completed_and_a_wrong_one_changes_nothing() {
    let mut home = Home::new();
    home.set("COLORTERM", "truecolor");
    let themes = home.config().join("themes");
    fs::create_dir_all(&themes).expect("a folder");
    fs::write(themes.join("dusk.toml"), "[colors]\naccent = '#010203'\n").expect("a file");
    fs::write(themes.join("bad.toml"), "[colors]\nacent = '#fff'\n").expect("a file");
    let pty = open(&home, &[]);
    pty.send("/theme du");
    pty.wait_text("dusk");
    pty.send("sk\r");
    let accent = "38;2;1;2;3";
    pty.wait_for("the accent of the theme", |screen| screen.contents_formatted().contains(accent));
    command(&pty, "/theme bad");
    pty.wait_text("did you mean `accent`?");
    command(&pty, "/theme dsk");
    pty.wait_text("Did you mean `dusk`?");
    quit(pty);
}

#[test]
fn sixteen_colours_and_none_are_honoured() {
    let mut home = Home::new();
    home.write_config("[ui]\ntheme = 'light'\n");
    home.set("TERM", "xterm");
    let coloured = |home: &Home| {
        let pty = open(home, &[]);
        let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
        quit(pty);
        (
            raw.contains("\x1b[38;2;") || raw.contains("\x1b[38;5;"),
            raw.contains("[34m") || raw.contains(";34m"),
        )
    };
    assert_eq!(coloured(&home), (false, true), "sixteen colours");
    home.set("NO_COLOR", "1");
    assert_eq!(coloured(&home), (false, false), "none");
}

#[test]
fn extensions_come_and_go_with_the_configuration() {
    let home = Home::new();
    let says = |word: &str| {
        format!("require('purlin').command.create('{word}', function() return 'here is {word}' end)")
    };
    home.file("a.lua", &says("aa"));
    home.file("c.lua", &says("cc"));
    let told = "require('purlin').on('extension_unload', function(ev) \
                require('purlin').notify('gone: ' .. ev.extension .. ', ' .. ev.reason) end)";
    home.file("b.lua", told);
    let using = |names: &[&str]| {
        let paths: Vec<String> =
            names.iter().map(|name| format!("'path:{}'", home.work().join(name).display())).collect();
        home.write_config(&format!("[extensions]\nuse = [{}]\n", paths.join(", ")));
    };
    using(&["a.lua", "b.lua"]);
    let pty = open(&home, &[]);
    command(&pty, "/aa");
    pty.wait_text("here is aa");
    using(&["b.lua", "c.lua", "nowhere.lua"]);
    pty.wait_text("gone: a, remove");
    pty.wait_text("Extension `a` was unloaded.");
    pty.wait_text("Extension `c` was loaded.");
    pty.wait_text("nowhere.lua");
    command(&pty, "/aa");
    pty.wait_text("There is no command `/aa`.");
    pty.send("\x15");
    command(&pty, "/cc");
    pty.wait_text("here is cc");
    // What came later is loaded anew when it is written, too.
    home.file("c.lua", &says("dd"));
    pty.wait_text("Extension `c` was reloaded.");
    command(&pty, "/dd");
    pty.wait_text("here is dd");
    quit(pty);
}
