//! `purlin -p`: the answer on standard output and nothing else; one clear message on standard error; exit codes.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use purlin_testkit::{Home, ModelServer, Pty, Run, Script, Signal, files, signal};

const PURLIN: &str = env!("CARGO_BIN_EXE_purlin");

fn run(home: &Home, arguments: &[&str]) -> Run {
    home.run(PURLIN, arguments)
}

/// A configuration with the local server as both providers, and keys for them.
fn configured(server: &ModelServer) -> Home {
    let mut home = Home::new();
    home.write_config(&format!(
        "[providers.anthropic]\nbase_url = '{}'\n[providers.openai]\nbase_url = '{}'\n[agent]\nmax_retries = 0\n",
        server.url(),
        server.url_v1()
    ));
    home.set("ANTHROPIC_API_KEY", "sk-test");
    home.set("OPENAI_API_KEY", "sk-test");
    home
}

const WIRES: [&str; 2] = ["anthropic/claude-test", "openai/gpt-test"];

#[test]
fn without_key_and_network_echo_answers_and_says_how_to_configure() {
    let home = Home::new();
    let run = run(&home, &["-p", "hello there"]);
    assert_eq!((run.code, run.errors.as_str()), (Some(0), ""));
    assert!(run.output.contains("hello there"), "{run:?}");
    assert!(run.output.contains("ANTHROPIC_API_KEY") || run.output.contains("auth.toml"), "{run:?}");
}

#[test]
fn the_prompt_may_come_from_standard_input() {
    let home = Home::new();
    let run = home.run_with_input(PURLIN, &["-p", "-", "--no-session"], "from a pipe\n");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.output.contains("from a pipe"), "{run:?}");
}

#[test]
fn a_scripted_answer_is_the_output_and_nothing_else() {
    let home = Home::new();
    let model = home.script("[[turn]]\nthinking = 'hm'\ntext = 'Forty-two.'");
    let run = run(&home, &["-p", "?", "--model", &model]);
    assert_eq!(run, Run { code: Some(0), output: "Forty-two.\n".into(), errors: String::new() });
}

#[test]
fn both_wires_stream_from_the_same_script() {
    for model in WIRES {
        let script = "[[turn]]\nthinking = 'hm'\ntext = 'Hello from the server.'";
        let server = ModelServer::start(Script::parse(script).unwrap()).unwrap();
        let home = configured(&server);
        let run = run(&home, &["-p", "hi", "--model", model]);
        assert_eq!(
            run,
            Run { code: Some(0), output: "Hello from the server.\n".into(), errors: String::new() }
        );
        let request = &server.received()[0];
        assert!(request.body.to_string().contains("\"hi\""), "{}", request.body);
    }
}

#[test]
fn a_tool_call_runs_and_its_result_goes_back_to_the_model() {
    for model in WIRES {
        let script = "[[turn]]\ntext = ''\n[[turn.tool]]\nname = 'read'\nargs = { path = 'note.txt' }\n\
                      [[turn]]\ntext = 'Read it.'";
        let server = ModelServer::start(Script::parse(script).unwrap()).unwrap();
        let home = configured(&server);
        home.file("note.txt", "the purlin carries the roof");
        let run = run(&home, &["-p", "read it", "--model", model]);
        assert_eq!(run, Run { code: Some(0), output: "Read it.\n".into(), errors: String::new() }, "{model}");
        let second = server.received()[1].body.to_string();
        assert!(second.contains("the purlin carries the roof"), "{second}");
    }
}

#[test]
fn a_refused_key_is_one_message_that_names_the_variable() {
    for (model, variable) in WIRES.iter().zip(["ANTHROPIC_API_KEY", "OPENAI_API_KEY"]) {
        let server =
            ModelServer::start(Script::parse("key = 'other'\n[[turn]]\ntext = 'x'").unwrap()).unwrap();
        let home = configured(&server);
        let run = run(&home, &["-p", "hi", "--model", model]);
        assert_eq!((run.code, run.output.as_str()), (Some(1), ""), "{run:?}");
        assert!(run.errors.contains("401") && run.errors.contains(variable), "{run:?}");
        assert!(!run.errors.contains("sk-test"), "{run:?}");
    }
}

#[test]
fn a_missing_key_is_one_message_that_says_where_to_put_it() {
    let home = Home::new();
    let run = run(&home, &["-p", "hi", "--model", "anthropic/claude-test"]);
    assert_eq!((run.code, run.output.as_str()), (Some(1), ""), "{run:?}");
    assert!(run.errors.contains("ANTHROPIC_API_KEY") && run.errors.contains("auth.toml"), "{run:?}");
}

#[test]
fn a_rate_limit_is_waited_out_as_the_server_asks() {
    for model in WIRES {
        let script = "[[turn]]\nerror = { status = 429, message = 'slow down', retry_after = 0 }\n[[turn]]\ntext = 'now'";
        let server = ModelServer::start(Script::parse(script).unwrap()).unwrap();
        let home = configured(&server);
        home.write_config(&format!(
            "[providers.anthropic]\nbase_url = '{}'\n[providers.openai]\nbase_url = '{}'\n",
            server.url(),
            server.url_v1()
        ));
        let run = run(&home, &["-p", "hi", "--model", model]);
        assert_eq!(run, Run { code: Some(0), output: "now\n".into(), errors: String::new() }, "{model}");
        assert_eq!(server.received().len(), 2);
    }
}

#[test]
fn a_rate_limit_without_retries_is_one_message() {
    let script = "[[turn]]\nerror = { status = 429, message = 'slow down', retry_after = 3 }";
    let server = ModelServer::start(Script::parse(script).unwrap()).unwrap();
    let home = configured(&server);
    let run = run(&home, &["-p", "hi", "--model", WIRES[0]]);
    assert_eq!((run.code, run.output.as_str()), (Some(1), ""), "{run:?}");
    assert!(run.errors.contains("429") && run.errors.contains("slow down"), "{run:?}");
}

#[test]
fn a_stream_cut_anywhere_is_an_error_and_keeps_what_came() {
    for model in WIRES {
        for bytes in [1, 60, 200, 400, 640, 900] {
            let script = format!(
                "[[turn]]\ntext = 'one two three four five six seven'\nchunk = 4\ncut_after = {bytes}"
            );
            let server = ModelServer::start(Script::parse(&script).unwrap()).unwrap();
            let home = configured(&server);
            let run = run(&home, &["-p", "hi", "--model", model]);
            assert_eq!(run.code, Some(1), "{model} cut after {bytes}: {run:?}");
            assert!("one two three four five six seven\n".starts_with(run.output.trim_end()), "{run:?}");
            assert!(!run.errors.trim().is_empty(), "{model} cut after {bytes}: {run:?}");
        }
    }
}

#[test]
fn garbage_instead_of_a_stream_is_an_error() {
    for model in WIRES {
        let server =
            ModelServer::start(Script::parse("[[turn]]\ngarbage = '<html>proxy</html>'").unwrap()).unwrap();
        let run = run(&configured(&server), &["-p", "hi", "--model", model]);
        assert_eq!((run.code, run.output.as_str()), (Some(1), ""), "{run:?}");
    }
}

#[test]
fn a_server_that_is_not_there_is_one_message_with_its_address() {
    let server = ModelServer::start(Script::saying("x")).unwrap();
    let home = configured(&server);
    let url = server.url();
    drop(server);
    let run = run(&home, &["-p", "hi", "--model", WIRES[0]]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let address = url.trim_start_matches("http://");
    assert!(run.errors.contains(&format!("is not running at {address}")), "{run:?}");
    assert_eq!(run.errors.lines().count(), 1, "{run:?}");
}

#[test]
fn malformed_tool_arguments_go_back_to_the_model_as_an_error() {
    for model in WIRES {
        let script =
            "[[turn]]\n[[turn.tool]]\nname = 'read'\nargs = '{\"path\": '\n[[turn]]\ntext = 'Sorry.'";
        let server = ModelServer::start(Script::parse(script).unwrap()).unwrap();
        let run = run(&configured(&server), &["-p", "hi", "--model", model]);
        assert_eq!((run.code, run.output.as_str()), (Some(0), "Sorry.\n"), "{model}: {run:?}");
    }
}

#[test]
fn json_is_one_line_per_notebook_event() {
    let home = Home::new();
    let model = home.script("[[turn]]\ntext = 'Hi.'");
    let run = run(&home, &["-p", "?", "--json", "--model", &model]);
    assert_eq!((run.code, run.errors.as_str()), (Some(0), ""));
    let events: Vec<serde_json::Value> =
        run.output.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let names: Vec<&str> = events.iter().filter_map(|event| event["name"].as_str()).collect();
    assert_eq!(names.len(), events.len());
    for name in ["v2.CellCreated", "v1.ExecutionRequested", "v1.MarkdownOutputAdded", "v1.ExecutionCompleted"]
    {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
}

#[test]
fn no_session_writes_nothing_to_disk() {
    let home = Home::new();
    let before = files(home.root());
    let run = run(&home, &["-p", "hello", "--no-session"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(files(home.root()), before);
}

#[test]
fn continue_and_resume_go_on_with_the_session() {
    let home = Home::new();
    let model = home.script("[[turn]]\ntext = 'first'\n[[turn]]\ntext = 'second'");
    assert_eq!(run(&home, &["-p", "a", "--model", &model]).code, Some(0));
    let again = run(&home, &["-p", "b", "-c"]);
    assert_eq!((again.code, again.output.as_str()), (Some(0), "second\n"), "{again:?}");
    let list = run(&home, &["session", "list"]);
    assert_eq!(list.output.lines().count(), 1, "{list:?}");
    let id = list.output.split_whitespace().next().unwrap();
    let third = run(&home, &["-p", "c", "-r", &id[..id.len() - 2], "--model", "echo"]);
    assert_eq!(third.code, Some(0), "{third:?}");
    let shown = run(&home, &["session", "show", id]);
    assert_eq!(shown.code, Some(0));
    for text in ["a", "first", "b", "second", "c"] {
        assert!(shown.output.contains(text), "{text} is missing in {shown:?}");
    }
}

#[test]
fn continue_without_a_session_starts_one_and_resume_of_an_unknown_id_fails() {
    let home = Home::new();
    assert_eq!(run(&home, &["-p", "hello", "-c"]).code, Some(0));
    let run = run(&home, &["-p", "hello", "-r", "nonesuch"]);
    assert_eq!((run.code, run.output.as_str()), (Some(1), ""), "{run:?}");
    assert!(run.errors.contains("nonesuch") && run.errors.contains("session list"), "{run:?}");
}

#[test]
fn usage_errors_end_with_2_and_one_message() {
    let home = Home::new();
    for arguments in
        [&["--nonsense"][..], &["-c", "-r", "x", "-p", "y"], &["--json"], &["-p", "x", "--model", "nope"]]
    {
        let run = run(&home, arguments);
        assert_eq!((run.code, run.output.as_str()), (Some(2), ""), "{run:?}");
        assert_eq!(run.errors.lines().count(), 1, "{run:?}");
        assert!(run.errors.starts_with("purlin: "), "{run:?}");
    }
}

#[test]
fn bad_toml_names_the_place() {
    let home = Home::new();
    home.write_config("model = \"echo\"\n[ui\n");
    let run = run(&home, &["-p", "hello"]);
    assert_eq!((run.code, run.output.as_str()), (Some(1), ""), "{run:?}");
    assert!(run.errors.contains("config.toml:2:"), "{run:?}");
    assert!(run.errors.contains("2 | [ui"), "{run:?}");
}

#[test]
fn an_interrupt_ends_the_run_with_130_and_termination_with_143() {
    for (how, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let server = ModelServer::start(Script::parse("[[turn]]\ntext = 'x'\nhang = true").unwrap()).unwrap();
        let home = configured(&server);
        let child = home.start(PURLIN, &["-p", "hi", "--model", WIRES[0]]);
        assert!(server.wait_for_requests(1, Duration::from_secs(30)));
        signal(child.id(), how);
        let ended = Run::of(child);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        let list = run(&home, &["session", "list"]);
        assert_eq!(list.output.lines().count(), 1, "{list:?}");
    }
}

#[test]
fn a_reader_that_leaves_ends_the_run_quietly() {
    let home = Home::new();
    let text = "word ".repeat(100_000);
    let model = home.script(&format!("[[turn]]\ntext = '{text}'\nchunk = 1000"));
    let mut child = home.start(PURLIN, &["-p", "hi", "--model", &model]);
    drop(child.stdout.take());
    let run = Run::of(child);
    assert_eq!(run.errors, "", "{run:?}");
}

#[test]
fn a_reader_that_stops_reading_does_not_keep_a_signal_from_being_heard() {
    let home = Home::new();
    let text = "word ".repeat(100_000);
    let model = home.script(&format!("[[turn]]\ntext = '{text}'\nchunk = 1000"));
    let mut child = home.start(PURLIN, &["-p", "hi", "--model", &model]);
    let stdout = child.stdout.take().unwrap();
    // A pipe holds 64 KiB; once something is in it, the writer will soon wait for its reader.
    let mut ready = [rustix::event::PollFd::new(&stdout, rustix::event::PollFlags::IN)];
    rustix::event::poll(&mut ready, None).unwrap();
    signal(child.id(), Signal::TERM);
    let run = Run::of(child);
    assert_eq!((run.code, run.errors.as_str()), (Some(143), ""));
}

#[test]
fn a_tool_that_prints_a_gigabyte_is_cut_with_a_notice_and_the_run_goes_on() {
    let home = Home::new();
    let command = "head -c 1000000000 /dev/zero | tr '\\\\000' 'x'; echo; echo the-very-end";
    let model = home.script(&format!(
        "[[turn]]\n[[turn.tool]]\nname = 'bash'\nargs = {{ command = \"{command}\" }}\n[[turn]]\ntext = 'Over.'"
    ));
    let run = run(&home, &["-p", "go", "--json", "--model", &model]);
    assert_eq!((run.code, run.errors.as_str()), (Some(0), ""));
    assert!(run.output.len() < 1_000_000, "{} bytes of events", run.output.len());
    assert!(run.output.contains("the-very-end"), "the end of the output is missing");
}

#[test]
fn a_read_only_home_is_one_message_unless_nothing_is_to_be_kept() {
    let home = Home::new();
    // The data directory cannot be made where a file stands; the tests may run as root, whom no mode stops.
    std::fs::write(home.data(), "not a directory").unwrap();
    let kept = run(&home, &["-p", "hello"]);
    assert_eq!((kept.code, kept.output.as_str()), (Some(1), ""), "{kept:?}");
    assert!(kept.errors.contains("--no-session"), "{kept:?}");
    assert_eq!(run(&home, &["-p", "hello", "--no-session"]).code, Some(0));
}

const CALLS_BASH: &str = "[[turn]]\n[[turn.tool]]\nname = 'bash'\nargs = { command = 'echo ran > ran.txt' }\n\
                          [[turn]]\ntext = 'Over.'";

#[test]
fn an_extension_blocks_a_tool_call_and_the_model_reads_why() {
    let home = Home::new();
    let gate = "require('purlin').on('tool_call', function(ev)\n  return { block = true, reason = 'not here' }\nend)";
    let gate = home.file("gate.lua", gate);
    let model = home.script(CALLS_BASH);
    let arguments = ["-p", "go", "--json", "--model", &model, "-e", &gate.display().to_string()];
    let run = run(&home, &arguments);
    assert_eq!((run.code, run.errors.as_str()), (Some(0), ""), "{run:?}");
    assert!(run.output.contains("not here"), "{run:?}");
    assert!(!home.work().join("ran.txt").exists());
}

#[test]
fn configured_extensions_load_unless_they_are_switched_off() {
    let home = Home::new();
    home.write_config("[extensions]\nuse = ['path:gate.lua']");
    std::fs::write(
        home.config().join("gate.lua"),
        "require('purlin').on('tool_call', function() return { block = true } end)",
    )
    .unwrap();
    let model = home.script(CALLS_BASH);
    assert_eq!(run(&home, &["-p", "go", "--model", &model]).code, Some(0));
    assert!(!home.work().join("ran.txt").exists());
    assert_eq!(run(&home, &["-p", "go", "--model", &model, "--no-extensions"]).code, Some(0));
    assert!(home.work().join("ran.txt").exists());
}

#[test]
fn a_broken_extension_is_one_message_with_file_and_line_and_the_run_goes_on() {
    let home = Home::new();
    let bad = home.file("bad.lua", "local x = 1\nlocal = 2\n");
    let run = run(&home, &["-p", "hello", "-e", &bad.display().to_string(), "-e", "gone.lua"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.output.contains("hello"), "{run:?}");
    assert_eq!(run.errors.lines().count(), 2, "{run:?}");
    assert!(run.errors.contains("bad.lua:2") && run.errors.contains("gone.lua"), "{run:?}");
}

#[test]
fn an_error_in_a_handler_is_said_once_with_file_and_line_and_a_gate_fails_closed() {
    let home = Home::new();
    let gate = home
        .file("gate.lua", "local x = 1\nrequire('purlin').on('tool_call', function()\n  error('boom')\nend)");
    let model = home.script(
        "[[turn]]\n[[turn.tool]]\nname = 'bash'\nargs = { command = 'echo ran > ran.txt' }\n\
         [[turn.tool]]\nname = 'bash'\nargs = { command = 'echo ran > ran.txt' }\n[[turn]]\ntext = 'Over.'",
    );
    let run = run(&home, &["-p", "go", "--model", &model, "-e", &gate.display().to_string()]);
    assert_eq!((run.code, run.output.as_str()), (Some(0), "Over.\n"), "{run:?}");
    assert_eq!(run.errors.lines().count(), 1, "{run:?}");
    assert!(run.errors.contains("boom") && run.errors.contains("gate.lua:3"), "{run:?}");
    assert!(!home.work().join("ran.txt").exists());
}

#[test]
fn what_an_extension_notifies_is_on_standard_error() {
    let home = Home::new();
    let file = home.file(
        "note.lua",
        "require('purlin').on('agent_start', function() require('purlin').notify('psst') end)",
    );
    let run = run(&home, &["-p", "hello", "-e", &file.display().to_string()]);
    assert_eq!((run.code, run.errors.as_str()), (Some(0), "purlin: psst\n"), "{run:?}");
}

#[test]
fn a_gate_that_asks_gets_no_answer_without_a_screen() {
    let home = Home::new();
    let gate = "local purlin = require('purlin')\npurlin.on('tool_call', function(ev)\n\
                local yes, why = purlin.ui.confirm('sure?')\n\
                if not yes then return { block = true, reason = 'nobody to ask: ' .. tostring(why) } end\nend)";
    let gate = home.file("gate.lua", gate);
    let model = home.script(CALLS_BASH);
    let run = run(&home, &["-p", "go", "--json", "--model", &model, "-e", &gate.display().to_string()]);
    assert!(run.output.contains("nobody to ask: no_ui"), "{run:?}");
    assert!(!home.work().join("ran.txt").exists());
}

/// A gate that gives the reason of a dialog that nobody answered as its own.
const ASKING_GATE: &str = "local purlin = require('purlin')\npurlin.on('tool_call', function(ev)\n\
                           local yes, why = purlin.ui.confirm('sure?')\n\
                           if not yes then return { block = true, reason = why } end\nend)";

#[test]
fn row_099_another_process_answers_for_a_headless_run() {
    let home = Home::new();
    let gate = home.file("gate.lua", ASKING_GATE).display().to_string();
    let model = home.script(CALLS_BASH);
    let mut child = home
        .command(PURLIN)
        .args(["-p", "go", "--model", &model, "-e", &gate])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("purlin starts");
    let mut errors = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut said = String::new();
    while !said.contains("waits for approval") {
        assert_ne!(errors.read_line(&mut said).expect("readable"), 0, "it ended: {said}");
    }
    let id =
        said.split("--resume ").nth(1).and_then(|rest| rest.split('`').next()).expect("it names the session");
    let pty = Pty::spawn(PURLIN, &["--resume", id, "--model", "echo"], &home, 24, 100);
    pty.wait_text("May `bash` run?");
    pty.wait_text("enter · esc");
    pty.send("\r");
    let ended = child.wait_with_output().expect("a child of ours");
    assert!(ended.status.success(), "{ended:?}");
    assert!(home.work().join("ran.txt").exists());
}

#[test]
fn where_nobody_else_can_see_the_session_nobody_is_asked() {
    let home = Home::new();
    let gate = home.file("gate.lua", ASKING_GATE).display().to_string();
    let model = home.script(CALLS_BASH);
    let run = run(&home, &["-p", "go", "--no-session", "--json", "--model", &model, "-e", &gate]);
    assert!(run.output.contains("nobody is there to ask"), "{run:?}");
    assert!(!home.work().join("ran.txt").exists());
}

#[test]
fn a_tool_in_lua_is_called_and_its_answer_goes_to_the_model() {
    let home = Home::new();
    let tool = home.file(
        "tool.lua",
        "require('purlin').tool.register{ name = 'double', description = 'Doubles.', \n\
         schema = { type = 'object', properties = { n = { type = 'number' } } },\n\
         execute = function(args) return 'twice is ' .. (args.n * 2) end }",
    );
    let model =
        home.script("[[turn]]\n[[turn.tool]]\nname = 'double'\nargs = { n = 21 }\n[[turn]]\ntext = 'So.'");
    let run = run(&home, &["-p", "go", "--json", "--model", &model, "-e", &tool.display().to_string()]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.output.contains("twice is 42"), "{run:?}");
}

#[test]
fn a_projects_configuration_may_not_load_code_or_redirect_keys() {
    let home = Home::new();
    home.file("evil.lua", "error('loaded')");
    home.file(
        ".purlin/config.toml",
        "model = 'echo'\n[extensions]\nuse = ['path:../evil.lua']\n[providers.anthropic]\nbase_url = 'http://127.0.0.1:1'",
    );
    let run = run(&home, &["-p", "hello"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.errors.lines().count(), 1, "{run:?}");
    assert!(run.errors.contains("`extensions.use`, `providers.anthropic.base_url`"), "{run:?}");
}

#[test]
fn keys_in_a_file_that_others_may_read_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let server =
        ModelServer::start(Script::parse("key = 'sk-file'\n[[turn]]\ntext = 'in'").unwrap()).unwrap();
    home.write_config(&format!("[providers.anthropic]\nbase_url = '{}'", server.url()));
    let auth = home.config().join("auth.toml");
    std::fs::write(&auth, "[anthropic]\nkey = 'sk-file'").unwrap();
    std::fs::set_permissions(&auth, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = run(&home, &["-p", "hi", "--model", WIRES[0]]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.errors.contains(&format!("chmod 600 {}", auth.display())), "{refused:?}");
    std::fs::set_permissions(&auth, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(run(&home, &["-p", "hi", "--model", WIRES[0]]).output, "in\n");
}

#[test]
fn cwd_config_and_environment_are_heard() {
    let mut home = Home::new();
    let other = home.root().join("other");
    std::fs::create_dir(&other).unwrap();
    let model = home.script(
        "[[turn]]\n[[turn.tool]]\nname = 'bash'\nargs = { command = 'pwd > here.txt' }\n[[turn]]\ntext = 'x'",
    );
    let config = home.file("mine.toml", &format!("model = '{model}'"));
    let (other_text, config_text) = (other.display().to_string(), config.display().to_string());
    assert_eq!(run(&home, &["-p", "go", "--cwd", &other_text, "--config", &config_text]).output, "x\n");
    assert_eq!(std::fs::read_to_string(other.join("here.txt")).unwrap().trim(), other_text);
    home.set("PURLIN_MODEL", "script:/nonexistent.toml");
    let run_ = run(&home, &["-p", "go"]);
    assert!(run_.code == Some(1) && run_.errors.contains("/nonexistent.toml"), "{run_:?}");
    assert_eq!(run(&home, &["-p", "go", "--model", "echo"]).code, Some(0));
    let gone = run(&home, &["-p", "go", "--cwd", "/nonexistent"]);
    assert_eq!((gone.code, gone.errors.lines().count()), (Some(2), 1), "{gone:?}");
}

#[test]
fn a_gate_that_loops_refuses_every_call_even_when_it_is_suspended_and_that_is_said_once() {
    let home = Home::new();
    let gate = home.file("loop.lua", "require('purlin').on('tool_call', function() while true do end end)");
    let call = "[[turn]]\n[[turn.tool]]\nname = 'bash'\nargs = { command = 'echo ran > ran.txt' }\n";
    let model = home.script(&format!("{}[[turn]]\ntext = 'Over.'", call.repeat(6)));
    let run = run(&home, &["-p", "go", "--model", &model, "-e", &gate.display().to_string()]);
    assert_eq!((run.code, run.output.as_str()), (Some(0), "Over.\n"), "{run:?}");
    assert!(!home.work().join("ran.txt").exists());
    let suspended = run.errors.lines().filter(|line| line.contains("is suspended: ")).count();
    assert_eq!(suspended, 1, "{run:?}");
}

#[test]
fn any_part_of_an_id_is_enough_and_the_list_shows_a_short_one() {
    let home = Home::new();
    assert_eq!(run(&home, &["-p", "one"]).code, Some(0));
    assert_eq!(run(&home, &["-p", "two"]).code, Some(0));
    let list = run(&home, &["session", "list"]).output;
    for line in list.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert!(words[0].ends_with(words[1]) && words[1].len() < 12, "{line}");
        let shown = run(&home, &["session", "show", words[1]]);
        assert_eq!(shown.code, Some(0), "{shown:?}");
    }
}

#[test]
fn what_cannot_be_as_asked_is_said_on_standard_error() {
    let home = Home::new();
    let none = run(&home, &["-p", "hello", "--continue"]);
    assert!(none.code == Some(0) && none.errors.contains("to continue"), "{none:?}");
    let again = run(&home, &["-p", "hello", "--continue"]);
    assert_eq!((again.code, again.errors.as_str()), (Some(0), ""));
    let help = run(&home, &["-p", "/help"]);
    assert!(help.code == Some(0) && help.errors.contains("`/help` goes to the model"), "{help:?}");
    home.write_config("[keys]\n\"ctrl+hh\" = \"/help\"\n[ui]\ntheme = \"drak\"");
    let bad = run(&home, &["-p", "hello"]);
    assert!(bad.errors.contains("`ctrl+hh`") && bad.errors.contains("Did you mean `dark`?"), "{bad:?}");
}

#[test]
fn the_terminal_refuses_to_open_without_one() {
    let home = Home::new();
    let piped = home.run_with_input(PURLIN, &[], "hi\n");
    assert_eq!((piped.code, piped.output.as_str()), (Some(2), ""), "{piped:?}");
    assert!(piped.errors.contains("purlin -p -"), "{piped:?}");
}

#[test]
fn the_context_of_handlers_names_session_model_and_directory() {
    let home = Home::new();
    let extension = home.file(
        "context.lua",
        r#"purlin.on("turn_start", function(_, ctx)
             purlin.notify(("%s|%s|%s|%s|%s"):format(ctx.extension, ctx.model, ctx.cwd, tostring(ctx.has_ui), ctx.session_id))
           end)"#,
    );
    let model = home.script("[[turn]]\ntext = 'done'");
    let run = run(&home, &["-p", "go", "--model", &model, "-e", &extension.display().to_string()]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let said = format!("context|{model}|{}|false|", home.work().display());
    let id = run.errors.split_once(&said).map(|(_, id)| id.trim()).unwrap_or_default();
    let listed = home.run(PURLIN, &["session", "list", "--json"]);
    assert!(id.len() > 8 && listed.output.contains(id), "{run:?}\n{listed:?}");
}
