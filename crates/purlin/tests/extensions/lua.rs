//! Lua that is typed: `/lua`, cells of kind `lua`, `purlin lua FILE`.

use purlin_testkit::Home;

use crate::{PURLIN, command, open, quit, run};

#[test]
fn an_expression_is_a_cell_whose_value_is_shown_and_survives_a_restart() {
    let home = Home::new();
    let pty = open(&home, &[]);
    command(&pty, "/lua { answer = 40 + 2 }");
    pty.wait_text("{ answer = 42 }");
    command(&pty, "/lua x = 7 print('printed ' .. x)");
    pty.wait_text("  printed 7");
    command(&pty, "/lua x * 3");
    pty.wait_text("21");
    command(&pty, "/lua purlin.buf.get_txt('composer')");
    pty.wait_text("did you mean `purlin.buf.get_text`?");
    pty.wait_text("lua:1:");
    quit(pty);
    let pty = open(&home, &["-c"]);
    pty.wait_text("{ answer = 42 }");
    pty.wait_text("did you mean");
    command(&pty, "/lua x");
    pty.wait_text("nil");
    quit(pty);
}

#[test]
fn an_evaluation_without_end_is_stopped_and_one_that_waits_can_be_interrupted() {
    let home = Home::new();
    let pty = open(&home, &[]);
    command(&pty, "/lua while true do end");
    pty.wait_text("interrupted at the deadline");
    pty.wait_gone("running · esc interrupts");
    command(&pty, "/lua purlin.sleep(600000) return 'never'");
    pty.wait_text("running · esc interrupts");
    pty.send("\x1b");
    pty.wait_gone("running · esc interrupts");
    command(&pty, "/lua 'alive ' .. 1 + 1");
    pty.wait_text("alive 2");
    quit(pty);
}

#[test]
fn what_is_evaluated_reaches_the_screen_like_an_extension() {
    let home = Home::new();
    let pty = open(&home, &[]);
    command(&pty, "/lua purlin.command.create('typed', function() return 'it is ' .. 'here' end)");
    pty.wait_text("command handle");
    command(&pty, "/typed");
    pty.wait_text("it is here");
    command(&pty, "/lua purlin.ui.input{ prompt = 'Which?' }");
    pty.wait_text("│ Which?");
    pty.wait_text("enter · esc");
    pty.send("this one\r");
    pty.wait_text("\"this one\"");
    quit(pty);
}

#[test]
fn a_file_is_run_and_its_value_printed() {
    let home = Home::new();
    home.file("part.lua", "return { part = true }");
    let file = home.file(
        "run.lua",
        "#!/usr/bin/env -S purlin lua\nlocal purlin = require('purlin')\nprint('one', 2)\npurlin.sleep(5)\n\
         purlin.timer.defer(5, function() print('timed') end)\npurlin.sleep(30)\nreturn require('part'), 'x'",
    );
    let (code, out, err) = run(&home, &["lua", &file.display().to_string()]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, "one\t2\ntimed\n{ part = true }\n\"x\"\n");
}

#[test]
fn a_file_that_fails_says_where_and_ends_with_one() {
    let home = Home::new();
    for (source, expected) in [
        ("local x = 1\nerror('broken')", "run.lua:2: broken"),
        ("local = 1", "run.lua:1: "),
        ("return purlin.buf.gt_text('x')", "did you mean `purlin.buf.get_text`?"),
    ] {
        let file = home.file("run.lua", source);
        let (code, out, err) = run(&home, &["lua", &file.display().to_string()]);
        assert_eq!((code, out.as_str()), (1, ""), "{source}");
        assert!(err.contains(expected), "{source}: {err}");
    }
    let (code, _, err) = run(&home, &["lua", "nowhere.lua"]);
    assert_eq!(code, 1);
    assert!(err.contains("cannot read `nowhere.lua`"), "{err}");
}

#[test]
fn standard_input_is_run_too() {
    use std::io::Write as _;
    use std::process::Stdio;
    let home = Home::new();
    let mut child = home
        .command(PURLIN)
        .args(["lua", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("a pipe").write_all(b"local x = 20\nreturn x + 1\n").expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "21\n");
}

#[test]
fn what_a_file_started_may_end_and_a_file_may_compute_longer_than_a_handler() {
    let home = Home::new();
    let file = home.file(
        "late.lua",
        "local purlin = require('purlin')\n\
         purlin.spawn(function() purlin.sleep(60) print('late') end)\n\
         purlin.timer.defer(30, function() print('timed') end)\n\
         purlin.timer.interval(1000, function() end)\n\
         local from = os.clock() while os.clock() - from < 0.4 do end\n\
         return 5",
    );
    let (code, out, err) = run(&home, &["lua", &file.display().to_string()]);
    assert_eq!((code, err.as_str(), out.as_str()), (0, "", "5\ntimed\nlate\n"));
}

#[test]
fn extensions_of_a_folder_load_beside_one_that_cannot_and_names_are_had_once() {
    let home = Home::new();
    home.file("all/bad/purlin.toml", "api_version = 99");
    home.file("all/bad/init.lua", "");
    home.file("all/good.lua", "require('purlin').command.create('good', function() return 'here' end)");
    home.file("all/one/purlin.toml", "name = 'same'");
    home.file("all/one/init.lua", "");
    home.file("all/two/purlin.toml", "name = 'same'");
    home.file("all/two/init.lua", "");
    let folder = home.work().join("all").display().to_string();
    let file = home.file("look.lua", "return require('purlin').command.run('good')");
    let (code, out, err) = run(&home, &["-e", &folder, "lua", &file.display().to_string()]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("here"), "{out}");
    assert!(err.contains("API level 99"), "{err}");
    let clash = err.lines().find(|line| line.contains("`same`")).expect("the clash");
    assert!(clash.contains("all/one") && clash.contains("all/two"), "{clash}");
}

#[test]
fn a_file_is_told_what_stands_behind_two_dashes() {
    let home = Home::new();
    let file = home.file("args.lua", "return purlin.args").display().to_string();
    let (code, out, err) = run(&home, &["lua", &file, "--", "a", "--model", "-x"]);
    assert_eq!((code, err.as_str(), out.as_str()), (0, "", "{ \"a\", \"--model\", \"-x\" }\n"));
    let (_, out, _) = run(&home, &["lua", &file]);
    assert_eq!(out, "{}\n");
}

#[test]
fn a_raised_table_is_shown_at_its_place() {
    let home = Home::new();
    let file = home.file("raised.lua", "local x = 1\nerror({ a = 1 })");
    let (code, _, err) = run(&home, &["lua", &file.display().to_string()]);
    assert_eq!(code, 1);
    assert!(err.contains("raised.lua:2: { a = 1 }"), "{err}");
}
