//! The transcript as extensions write to it.

use purlin_testkit::Home;

use crate::{command, open, quit, run};

const NOTES: &str = r"
local purlin = require('purlin')
purlin.command.create('note', function(args)
  purlin.buf.append('transcript', { kind = 'note', text = 'note: ' .. args, meta = { level = 'warn' } })
end)
purlin.command.create('tell', function(args)
  purlin.buf.append('transcript', { text = 'tell: ' .. args, kind = 'note', model = true })
end)
purlin.command.create('plain', function(args) purlin.buf.append('transcript', 'plain: ' .. args) end)
purlin.command.create('hide', function()
  for i, block in ipairs(purlin.buf.get_blocks('transcript')) do
    if block.text:find('note: one', 1, true) then purlin.buf.delete_blocks('transcript', i - 1, i) end
  end
end)
purlin.command.create('other', function()
  for i, block in ipairs(purlin.buf.get_blocks('transcript')) do
    if block.text:find('note: two', 1, true) then
      purlin.buf.set_blocks('transcript', i - 1, i, { { kind = 'note', text = 'shown otherwise' } })
    end
  end
end)
purlin.on('context', function(ev)
  local texts = {}
  for _, message in ipairs(ev.messages) do texts[#texts + 1] = purlin.json.encode(message) end
  local all = table.concat(texts)
  purlin.state.set('told', tostring(all:find('tell: models', 1, true) ~= nil), 'user')
  purlin.state.set('noted', tostring(all:find('note: two', 1, true) ~= nil), 'user')
end)
purlin.command.create('read', function()
  return 'told ' .. purlin.state.get('told', 'user') .. ', noted ' .. purlin.state.get('noted', 'user')
end)
";

#[test]
fn a_block_that_is_appended_is_a_note_of_the_session() {
    let home = Home::new();
    let notes = home.file("notes.lua", NOTES).display().to_string();
    let pty = open(&home, &["-e", &notes]);
    for line in ["/note one", "/note two", "/plain text", "/tell models"] {
        command(&pty, line);
    }
    pty.wait_text("note: one");
    pty.wait_text("note: two");
    pty.wait_text("tell: models");
    pty.send("hello\r");
    pty.wait_text("ANTHROPIC_API_KEY");
    command(&pty, "/read");
    pty.wait_text("told true, noted false");
    // How a block is shown changes, what is stored does not.
    command(&pty, "/hide");
    pty.wait_gone("note: one");
    command(&pty, "/other");
    pty.wait_text("shown otherwise");
    pty.wait_gone("note: two");
    quit(pty);
    let pty = open(&home, &["-c"]);
    pty.wait_text("note: one");
    pty.wait_text("note: two");
    pty.wait_text("plain: text");
    quit(pty);
}

#[test]
fn a_note_before_the_session_is_open_is_kept_and_headless_runs_keep_theirs() {
    let home = Home::new();
    let early =
        home.file("early.lua", "purlin.buf.append('transcript', { kind = 'note', text = 'early bird' })");
    let early = early.display().to_string();
    let pty = open(&home, &["-e", &early]);
    pty.wait_text("early bird");
    quit(pty);
    let late = home.file(
        "late.lua",
        "purlin.on('agent_end', function()\n\
           local blocks = purlin.buf.get_blocks('transcript')\n\
           purlin.buf.append('transcript', { kind = 'note', text = #blocks .. ' blocks before' })\n\
         end)",
    );
    let (code, ..) = run(&home, &["-e", &late.display().to_string(), "--model", "echo", "-p", "hi there"]);
    assert_eq!(code, 0);
    let (_, shown, _) = run(&home, &["session", "show"]);
    assert!(shown.contains("2 blocks before"), "{shown}");
}
