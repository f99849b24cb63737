//! Loading extensions anew.

use std::fs;

use purlin_testkit::Home;

use crate::{command, open, open_with, quit};

/// An extension that counts how often it was loaded, in a state that stays, and says which version it is.
fn version(number: u32) -> String {
    format!(
        r"
        local purlin = require('purlin')
        local loads = (purlin.state.get('loads', 'user') or 0) + 1
        purlin.state.set('loads', loads, 'user')
        purlin.command.create('which', function() return 'version {number}, load ' .. loads end)
        "
    )
}

#[test]
fn d29_writing_a_file_loads_that_extension_anew_and_once_for_many_writes() {
    let home = Home::new();
    let gate = home.file("gate.lua", &version(1));
    let other = home.file(
        "other.lua",
        "local loads = (purlin.state.get('loads', 'user') or 0) + 1\npurlin.state.set('loads', loads, 'user')\n\
         purlin.command.create('other', function() return 'other load ' .. loads end)",
    );
    let pty = open(&home, &["-e", &gate.display().to_string(), "-e", &other.display().to_string()]);
    command(&pty, "/which");
    pty.wait_text("version 1, load 1");
    for number in 2..=6 {
        home.file("gate.lua", &version(number));
    }
    pty.wait_text("Extension `gate` was reloaded.");
    command(&pty, "/which");
    pty.wait_text("version 6, load 2");
    command(&pty, "/other");
    pty.wait_text("other load 1");
    quit(pty);
}

#[test]
fn d29_a_version_that_fails_leaves_the_old_one_and_is_told_with_its_line() {
    let home = Home::new();
    let gate = home.file("gate.lua", &version(1));
    let pty = open_with(&home, &gate);
    home.file("gate.lua", "local x = 1\nerror('not yet')");
    pty.wait_text("was not reloaded, it goes on as it was");
    pty.wait_text("gate.lua:2: not yet");
    command(&pty, "/which");
    pty.wait_text("version 1, load 1");
    command(&pty, "/reload gate");
    pty.wait_text("not yet");
    home.file("gate.lua", &version(2));
    pty.wait_text("Extension `gate` was reloaded.");
    command(&pty, "/which");
    pty.wait_text("version 2");
    quit(pty);
}

#[test]
fn what_else_is_written_beside_an_extension_holds_its_reload_up_for_no_time() {
    let home = Home::new();
    let gate = home.file("gate.lua", &version(1));
    let pty = open_with(&home, &gate);
    home.file("gate.lua", &version(2));
    // A log grows beside it, more often than files must be quiet.
    let mut count = 0;
    while !pty.wait_within(std::time::Duration::from_millis(100), |screen| {
        screen.contents().contains("Extension `gate` was reloaded.")
    }) {
        count += 1;
        assert!(count < 25, "{}", pty.dump());
        home.file("build.log", &count.to_string());
    }
    quit(pty);
}

#[test]
fn one_that_was_broken_at_the_start_is_loaded_when_it_is_mended() {
    let home = Home::new();
    let gate = home.file("gate.lua", "local = 1");
    let pty = open_with(&home, &gate);
    pty.wait_text("gate.lua:1");
    home.file("gate.lua", &version(3));
    pty.wait_text("Extension `gate` was loaded.");
    command(&pty, "/which");
    pty.wait_text("version 3, load 1");
    command(&pty, "/reload nogate");
    pty.wait_text("No extension is called `nogate`");
    quit(pty);
}

#[test]
fn a_module_of_a_folder_counts_as_the_extension() {
    let home = Home::new();
    home.file(
        "deep/init.lua",
        "local part = require('inner.part')\npurlin.command.create('part', function() return part end)",
    );
    home.file("deep/inner/part.lua", "return 'part one'");
    let pty = open_with(&home, &home.work().join("deep"));
    command(&pty, "/part");
    pty.wait_text("part one");
    fs::write(home.work().join("deep/inner/part.lua"), "return 'part two'").expect("it can be written");
    pty.wait_text("Extension `deep` was reloaded.");
    command(&pty, "/part");
    pty.wait_text("part two");
    quit(pty);
}

#[test]
fn the_others_hear_of_loading_reloading_suspending_and_resuming() {
    let home = Home::new();
    let watch = home.file(
        "watch.lua",
        r"
        local purlin = require('purlin')
        local seen = {}
        for _, name in ipairs({ 'extension_load', 'extension_unload' }) do
          purlin.on(name, function(ev)
            seen[#seen + 1] = name:sub(11) .. ' ' .. ev.extension .. ' ' .. ev.reason
          end)
        end
        purlin.command.create('seen', function() local all = table.concat(seen, ', ') seen = {} return all end)
        ",
    );
    let endless = home.file(
        "loop.lua",
        "local purlin = require('purlin')\npurlin.command.create('loop', function() while true do end end)",
    );
    let pty = open(&home, &["-e", &watch.display().to_string(), "-e", &endless.display().to_string()]);
    command(&pty, "/seen");
    pty.wait_text("load watch start, load loop start");
    command(&pty, "/reload loop");
    pty.wait_text("Extension `loop` was reloaded.");
    command(&pty, "/seen");
    pty.wait_text("unload loop reload, load loop reload");
    for _ in 0..3 {
        command(&pty, "/loop");
    }
    pty.wait_text("is suspended");
    command(&pty, "/extensions resume loop");
    pty.wait_text("`loop` runs again.");
    command(&pty, "/seen");
    pty.wait_text("unload loop suspend, load loop resume");
    quit(pty);
}
