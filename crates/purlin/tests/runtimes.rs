//! Runtimes as processes of their own, beside a terminal and beside each other.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use purlin_notebook::{
    CellId, CellKind, CellType, Event, NotebookId, QueueEntry, QueueId, QueueStatus, RuntimeSession, Store,
    StoreExt, TerminationReason,
};
use purlin_runtime_native::{OpenMode, Paths, SqliteNotebook, SqliteStore};
use purlin_testkit::{Home, PATIENCE, Pty, Signal, files, quit, signal};

const PURLIN: &str = env!("CARGO_BIN_EXE_purlin");

/// A runtime on a leash: what it says is read line by line, and it is killed at the end.
struct Runtime {
    child: Child,
    errors: BufReader<ChildStderr>,
    said: String,
}

impl Runtime {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut command = home.command(PURLIN);
        command.arg("runtime").args(arguments);
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the runtime starts");
        let errors = BufReader::new(child.stderr.take().expect("a pipe"));
        Self { child, errors, said: String::new() }
    }

    /// Starts a runtime and waits until it holds its lane.
    fn holding(home: &Home, arguments: &[&str]) -> Self {
        let mut runtime = Self::start(home, arguments);
        runtime.until_says("executes the lane");
        runtime
    }

    fn until_says(&mut self, text: &str) {
        while !self.said.contains(text) {
            let read = self.errors.read_line(&mut self.said).expect("readable");
            assert_ne!(read, 0, "it ended without saying {text:?}:\n{}", self.said);
        }
    }

    fn signal(&self, which: Signal) {
        signal(self.child.id(), which);
    }

    /// Waits for its end; answers its exit code and everything it said.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().expect("a child of ours").code();
        self.errors.read_to_string(&mut self.said).expect("readable");
        (code, std::mem::take(&mut self.said))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn open(home: &Home, arguments: &[&str]) -> Pty {
    let pty = Pty::spawn(PURLIN, arguments, home, 24, 100);
    pty.wait_text("›");
    pty
}

/// A terminal in which one prompt was sent, and answered by `echo`.
fn answered(home: &Home) -> Pty {
    let pty = open(home, &["--model", "echo"]);
    pty.send("hello\r");
    pty.wait_text("ollama/NAME");
    pty
}

fn paths(home: &Home) -> Paths {
    let environment = home.environment();
    let get = |name: &str| {
        let found = environment.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.into())
    };
    Paths::from_env(&get).expect("the home has a place for everything")
}

/// A session with one prompt, answered by `echo`.
fn begin(home: &Home) {
    let run = home.run(PURLIN, &["-p", "first", "--model", "echo"]);
    assert_eq!(run.code, Some(0), "{run:?}");
}

/// The only session of a home, open for a look and for commits.
struct Look {
    store: SqliteStore,
    _notebook: SqliteNotebook,
}

impl Look {
    fn at(home: &Home) -> Self {
        let databases = files(&home.data().join("notebooks"));
        let database = databases.iter().find(|file| file.extension().is_some_and(|end| end == "db"));
        let name = database.and_then(|file| file.file_stem()).and_then(|name| name.to_str());
        let id = NotebookId::from(name.expect("one session"));
        let notebook = SqliteNotebook::open(&paths(home), id, OpenMode::Existing).expect("it opens");
        Self { store: notebook.store().expect("a handle"), _notebook: notebook }
    }

    /// Asks for the execution of a new cell.
    fn ask(&self, id: &str, kind: CellKind, source: &str) {
        let cell = CellId::from(id);
        let by = "ada".to_owned();
        let cell_type = if kind == CellKind::Ai { CellType::Ai } else { CellType::Code };
        let annotated = Event::CellAnnotated {
            cell_id: cell.clone(),
            kind,
            hidden: None,
            parent_id: None,
            after_output: None,
            extension: None,
            attachments: Vec::new(),
            prepared: None,
            prepared_text: None,
            data: None,
        };
        let events = [
            Event::CellCreated2 {
                id: cell.clone(),
                fractional_index: format!("z{id}"),
                cell_type,
                created_by: by.clone(),
            },
            Event::CellSourceChanged { id: cell.clone(), source: source.to_owned(), modified_by: by.clone() },
            annotated,
            Event::ExecutionRequested {
                queue_id: QueueId::from(id),
                cell_id: cell,
                execution_count: 1,
                requested_by: by,
                actor_id: None,
            },
        ];
        self.store.commit(&events).expect("the store takes it");
    }

    fn entry(&self, id: &str) -> Option<QueueEntry> {
        self.store.queue_entry(&QueueId::from(id)).expect("readable")
    }

    /// Waits until an execution stands like this.
    #[track_caller]
    fn until(&self, id: &str, status: QueueStatus) -> QueueEntry {
        let end = Instant::now() + PATIENCE;
        loop {
            let entry = self.entry(id);
            match entry {
                Some(entry) if entry.status == status => return entry,
                _ => assert!(Instant::now() < end, "waited in vain for {status}: {entry:?}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until a cell has put this out, and answers all of it.
    #[track_caller]
    fn until_says(&self, cell: &str, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let said = self.said(cell);
            if said.contains(text) {
                return said;
            }
            assert!(Instant::now() < end, "waited in vain for {text:?}: {said:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn said(&self, cell: &str) -> String {
        let outputs = self.store.outputs_of(&CellId::from(cell)).expect("readable");
        outputs.iter().map(|output| self.store.text_of(output).expect("readable")).collect()
    }

    fn sessions(&self) -> Vec<RuntimeSession> {
        self.store.runtime_sessions().expect("readable")
    }

    /// The whole log.
    fn log(&self) -> Vec<Event> {
        let entries = self.store.log_since(0, usize::MAX).expect("readable");
        entries.into_iter().map(|entry| entry.event).collect()
    }
}

/// Tells whether a process exists and has not ended.
fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next());
    state.is_some_and(|state| state != 'Z')
}

fn until_dead(pid: &str) {
    let end = Instant::now() + PATIENCE;
    while lives(pid) {
        assert!(Instant::now() < end, "process {pid} still lives");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn row_002_a_runtime_takes_its_lane_from_the_terminal_and_the_terminal_takes_it_back() {
    let home = Home::new();
    let pty = answered(&home);
    let runtime = Runtime::holding(&home, &["shell"]);
    let pid = runtime.child.id();
    pty.wait_text(&format!("`!` commands are executed by `shell-runtime-{pid}`, process {pid} in"));
    pty.wait_text("elsewhere: shell");
    pty.send("!echo by $PPID, in $PWD\r");
    pty.wait_text(&format!("by {pid}, in {}", home.work().display()));
    // Prompts are still answered here.
    pty.send("more\r");
    pty.wait_for("the second answer", |screen| screen.contents().matches("ollama/NAME").count() == 2);

    let log = Look::at(&home).log();
    let started = log.iter().rposition(
        |event| matches!(event, Event::RuntimeSessionStarted { runtime_type, .. } if runtime_type == "shell"),
    );
    let started = started.expect("the runtime's start");
    let Event::RuntimeSessionTerminated { session_id, reason } = &log[started - 1] else {
        panic!("{:?}", log[started - 1])
    };
    assert_eq!(*reason, TerminationReason::Displaced);
    let displaced = Look::at(&home).sessions().into_iter().find(|session| session.session_id == *session_id);
    let displaced = displaced.expect("the terminal's session of that lane");
    assert_eq!(displaced.runtime_id, format!("shell-runtime-{}", pty.id()));
    assert_eq!(displaced.lanes, Some(vec![CellKind::Shell]));

    runtime.signal(Signal::INT);
    assert_eq!(runtime.end().0, Some(130));
    pty.wait_text(&format!("`!` commands are executed here again; `shell-runtime-{pid}` has left."));
    pty.wait_gone("elsewhere");
    pty.send("!echo back at $PPID\r");
    pty.wait_text(&format!("back at {}", pty.id()));
    quit(pty);
}

#[test]
fn row_005_what_runs_in_a_lane_that_is_taken_is_stopped_and_settled() {
    let home = Home::new();
    let pty = open(&home, &["--model", "echo"]);
    pty.send("!sleep 1000 & echo child-$!-; wait\r");
    pty.wait_text("child-");
    let look = Look::at(&home);
    let cell = look.store.cells().expect("readable")[0].id.clone();
    let said = look.until_says(cell.as_str(), "-\n");
    let child = said.split('-').nth(1).expect("a process id").to_owned();
    let mut runtime = Runtime::holding(&home, &["shell"]);
    until_dead(&child);
    let queue = &look.store.queue_of(&cell).expect("readable")[0];
    assert_eq!(look.until(queue.id.as_str(), QueueStatus::Cancelled).status, QueueStatus::Cancelled);
    // What is asked for meanwhile is the runtime's.
    look.ask("next", CellKind::Shell, "echo by $PPID");
    look.until("next", QueueStatus::Completed);
    assert_eq!(look.said("next"), format!("by {}\n", runtime.child.id()));
    let ends = look.log().into_iter().filter(|event| {
        matches!(event, Event::RuntimeSessionTerminated { reason, .. } if *reason == TerminationReason::Displaced)
    });
    assert_eq!(ends.count(), 1, "a session that was displaced does not end itself again");
    runtime.until_says("Until now that did `shell-runtime-");
    drop(runtime);
    quit(pty);
}

#[test]
fn row_042_after_a_kill_of_the_runtime_the_terminal_settles_and_goes_on() {
    let home = Home::new();
    let pty = answered(&home);
    let runtime = Runtime::holding(&home, &["shell"]);
    let pid = runtime.child.id();
    pty.wait_text("elsewhere: shell");
    let look = Look::at(&home);
    look.ask("lost", CellKind::Shell, "sleep 1000 & echo $$ $!; sleep 1000");
    let said = look.until_says("lost", "\n");
    look.ask("next", CellKind::Shell, "echo by $PPID");
    runtime.signal(Signal::KILL);
    look.until("lost", QueueStatus::Failed);
    look.until("next", QueueStatus::Completed);
    assert_eq!(look.said("next"), format!("by {}\n", pty.id()));
    assert_eq!(look.said("lost"), said, "what was shown stays");
    let errors: Vec<_> = look
        .log()
        .into_iter()
        .filter_map(|event| match event {
            Event::ExecutionCompleted { queue_id, error, .. } if queue_id.as_str() == "lost" => error,
            _ => None,
        })
        .collect();
    assert_eq!(errors, ["runtime lost"]);
    pty.wait_text(&format!("executed here again; `shell-runtime-{pid}` has left"));
    // Neither the shell nor its children live on.
    said.split_whitespace().for_each(until_dead);
    quit(pty);
}

#[test]
fn of_two_runtimes_the_newer_wins_and_the_older_says_so() {
    let home = Home::new();
    begin(&home);
    let older = Runtime::holding(&home, &["shell"]);
    let newer = Runtime::holding(&home, &["shell", "--runtime-id", "mine"]);
    let pid = newer.child.id();
    let (code, said) = older.end();
    assert_eq!(code, Some(3), "{said}");
    let expected = format!(
        "`mine` (process {pid} in `{}`) took the lane `shell`; this one ends.",
        home.work().display()
    );
    assert!(said.contains(&expected), "{said}");
    let look = Look::at(&home);
    look.ask("one", CellKind::Shell, "echo by $PPID");
    look.until("one", QueueStatus::Completed);
    assert_eq!(look.said("one"), format!("by {pid}\n"));
    let active: Vec<_> = look.sessions().into_iter().filter(|session| session.is_active).collect();
    assert_eq!(active.len(), 1);
    assert_eq!((active[0].runtime_id.as_str(), active[0].runtime_type.as_str()), ("mine", "shell"));
}

#[test]
fn row_074_before_any_session_a_runtime_says_what_is_missing_and_opens_nothing() {
    let home = Home::new();
    let run = home.run(PURLIN, &["runtime", "shell", "--client-id="]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.errors.contains("`--notebook ID` or the variable `NOTEBOOK_ID`"), "{run:?}");
    assert!(run.errors.contains("`--client-id USER`"), "{run:?}");
    let run = home.run(PURLIN, &["runtime", "shell", "--sync-url", "wss://example.test", "-n", "x"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.errors.contains("this version serves the local store only"), "{run:?}");
    assert_eq!(files(&home.data()), Vec::<std::path::PathBuf>::new());
    let run = home.run(PURLIN, &["runtime", "shell", "--notebook", "nonesuch"]);
    assert_eq!((run.code, run.output.as_str()), (Some(1), ""));
    assert!(run.errors.contains("There is no session `nonesuch`"), "{run:?}");
}

#[test]
fn row_073_the_environment_counts_and_the_command_line_wins() {
    let mut home = Home::new();
    begin(&home);
    home.set("RUNTIME_ID", "of the environment");
    home.set("RUNTIME_TYPE", "odd");
    let first = Runtime::holding(&home, &["echo"]);
    let _second = Runtime::holding(&home, &["shell", "-rof-the-line"]);
    let sessions = Look::at(&home).sessions();
    let known: Vec<_> = sessions
        .iter()
        .filter(|session| session.is_active)
        .map(|session| (session.runtime_id.as_str(), session.runtime_type.as_str()))
        .collect();
    assert_eq!(known, [("of the environment", "odd"), ("of-the-line", "odd")]);
    drop(first);
}

#[test]
fn row_076_a_bad_threshold_is_refused_before_anything_is_opened() {
    let mut home = Home::new();
    begin(&home);
    let before = Look::at(&home).log().len();
    let run = home.run(PURLIN, &["runtime", "echo", "--image-artifact-threshold=-1"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    home.set("IMAGE_ARTIFACT_THRESHOLD_BYTES", "plenty");
    let run = home.run(PURLIN, &["runtime", "echo"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.errors.contains("`IMAGE_ARTIFACT_THRESHOLD_BYTES` is `plenty`"), "{run:?}");
    assert_eq!(Look::at(&home).log().len(), before);
}

#[test]
fn row_077_the_log_is_on_unless_it_is_switched_off() {
    let mut home = Home::new();
    begin(&home);
    home.set("RUNT_DISABLE_CONSOLE_LOGS", "false");
    let mut runtime = Runtime::holding(&home, &["echo"]);
    runtime.signal(Signal::TERM);
    let line = runtime.said.lines().last().unwrap_or_default().to_owned();
    let (time, rest) = line.split_once(' ').expect("a time");
    assert_eq!(time.split(':').map(str::len).collect::<Vec<_>>(), [2, 2, 2], "{line}");
    assert!(rest.starts_with("INFO [runtime] `echo-runtime-"), "{line}");
    assert_eq!(runtime.child.wait().expect("a child of ours").code(), Some(143));
    // Whoever switches it off is told nothing but what went wrong.
    home.set("RUNT_DISABLE_CONSOLE_LOGS", "1");
    let runtime = Runtime::start(&home, &["echo"]);
    let look = Look::at(&home);
    look.ask("on", CellKind::Echo, "on");
    look.until("on", QueueStatus::Completed);
    runtime.signal(Signal::TERM);
    assert_eq!(runtime.end(), (Some(143), String::new()));
    home.set("RUNT_LOG_LEVEL", "loud");
    let run = home.run(PURLIN, &["runtime", "echo", "-T="]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(
        run.errors.contains("`RUNT_LOG_LEVEL` is `loud`") && run.errors.contains("`RUNTIME_TYPE`"),
        "{run:?}"
    );
}

#[test]
fn row_078_an_interrupt_ends_a_runtime_with_everything_settled() {
    let home = Home::new();
    begin(&home);
    let mut runtime = Runtime::holding(&home, &["shell"]);
    let look = Look::at(&home);
    look.ask("long", CellKind::Shell, "sleep 1000 & echo $!; wait");
    let child = look.until_says("long", "\n");
    runtime.signal(Signal::INT);
    runtime.until_says("is being cancelled: shutdown");
    assert_eq!(runtime.end().0, Some(130));
    until_dead(child.trim());
    assert_eq!(look.entry("long").map(|entry| entry.status), Some(QueueStatus::Cancelled));
    assert!(look.sessions().iter().all(|session| !session.is_active));
    // A terminal that is closed ends what runs in it just as well.
    let runtime = Runtime::holding(&home, &["shell"]);
    runtime.signal(Signal::HUP);
    assert_eq!(runtime.end().0, Some(129));
    assert!(look.sessions().iter().all(|session| !session.is_active));
}

#[test]
fn row_079_a_request_to_end_is_followed_in_time_even_by_what_does_not_listen() {
    let home = Home::new();
    begin(&home);
    let runtime = Runtime::holding(&home, &["shell"]);
    let look = Look::at(&home);
    look.ask("deaf", CellKind::Shell, "trap '' TERM INT; echo $$; while :; do sleep 1000; done");
    let leader = look.until_says("deaf", "\n");
    let begun = Instant::now();
    runtime.signal(Signal::TERM);
    assert_eq!(runtime.end().0, Some(143));
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    until_dead(leader.trim());
    assert_eq!(look.entry("deaf").map(|entry| entry.status), Some(QueueStatus::Cancelled));
    let last = look.log().pop();
    assert!(
        matches!(last, Some(Event::RuntimeSessionTerminated { reason: TerminationReason::Shutdown, .. })),
        "{last:?}"
    );
}

#[test]
fn row_080_a_token_is_nowhere_to_be_read() {
    let mut home = Home::new();
    begin(&home);
    home.set("PURLIN_LOG", "trace");
    home.set("AUTH_TOKEN", "hush-of-the-environment");
    home.set("ANTHROPIC_API_KEY", "of-the-person");
    let mut runtime = Runtime::holding(&home, &["shell", "--auth-token", "hush-of-the-line", "-r", "kept"]);
    let cmdline = std::fs::read(format!("/proc/{}/cmdline", runtime.child.id())).expect("readable");
    let cmdline = String::from_utf8_lossy(&cmdline).replace('\0', " ");
    assert!(cmdline.ends_with("runtime shell --auth-token xxxxxxxxxxxxxxxx -r kept "), "{cmdline}");
    runtime.until_says("RUNT_API_KEY");
    // What it starts does not inherit its token, and does inherit what is the person's.
    let look = Look::at(&home);
    look.ask("env", CellKind::Shell, "env; echo that was all");
    let environment = look.until_says("env", "that was all\n");
    assert!(!environment.contains("AUTH_TOKEN=") && !environment.contains("hush"), "{environment}");
    assert!(environment.contains("ANTHROPIC_API_KEY=of-the-person\n"), "{environment}");
    drop(look);
    runtime.signal(Signal::TERM);
    let (_, said) = runtime.end();
    assert!(!said.contains("hush"), "{said}");
    for arguments in [&["--auth-token", "@/nowhere"][..], &["--auth-token", "hush-2", "--notebok", "x"]] {
        let run = home.run(PURLIN, &[&["runtime", "shell"], arguments].concat());
        assert_ne!(run.code, Some(0));
        assert!(!run.errors.contains("hush"), "{run:?}");
    }
    for file in files(home.root()) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        assert!(!bytes.windows(4).any(|window| window == b"hush"), "{}", file.display());
    }
}

const GATE: &str = r#"
local purlin = require("purlin")
purlin.on("tool_call", function(ev)
  local yes, why = purlin.ui.confirm("Run " .. ev.tool_name .. "?")
  if not yes then return { block = true, reason = "the gate of the runtime: " .. tostring(why) } end
end)
"#;

#[test]
fn prompts_of_the_terminal_are_answered_by_the_runtime_agent_with_its_own_extensions() {
    let home = Home::new();
    let gate = home.file("gate.lua", GATE).display().to_string();
    let model = home.script(
        "[[turn]]\ntext = 'Unused.'\n[[turn]]\ntext = 'Let me see.'\n[[turn.tool]]\nname = 'bash'\n\
         args = { command = 'echo gate-$((40+2))' }\n[[turn]]\ntext = 'That was all.'",
    );
    let pty = answered(&home);
    let runtime = Runtime::holding(&home, &["agent", "--model", &model, "-e", &gate]);
    let pid = runtime.child.id();
    pty.wait_text(&format!("Prompts are executed by `agent-runtime-{pid}`, process {pid} in"));
    pty.send("look\r");
    pty.wait_text("That was all.");
    pty.wait_text("the gate of the runtime: no_ui");
    assert!(!pty.dump().contains("gate-42"), "{}", pty.dump());
    // Commands are still executed here.
    pty.send("!echo here $PPID\r");
    pty.wait_text(&format!("here {}", pty.id()));
    runtime.signal(Signal::KILL);
    pty.wait_text(&format!("Prompts are executed here again; `agent-runtime-{pid}` has left."));
    quit(pty);
}

#[test]
fn row_099_the_terminal_answers_for_a_runtime_that_has_nobody_to_ask() {
    const GATE: &str = "local purlin = require('purlin')\npurlin.on('tool_call', function(ev)\n\
                        local yes, why = purlin.ui.confirm('Run ' .. ev.tool_name .. '?')\n\
                        if not yes then return { block = true, reason = why or 'no' } end\nend)";
    let home = Home::new();
    let gate = home.file("gate.lua", GATE).display().to_string();
    let call = "[[turn]]\ntext = 'Let me see.'\n[[turn.tool]]\nname = 'bash'\n\
                args = { command = 'echo gate-$((40+2))' }\n";
    let unused = "[[turn]]\ntext = 'Unused.'\n";
    let model = home.script(&format!(
        "{unused}{call}[[turn]]\ntext = 'That was one.'\n{call}[[turn]]\ntext = 'That was two.'"
    ));
    let pty = answered(&home);
    let _runtime = Runtime::holding(&home, &["agent", "--model", &model, "-e", &gate]);
    pty.wait_text("Prompts are executed by");
    pty.send("look\r");
    pty.wait_text("May `bash` run?");
    // Who asks, in which words, about what.
    pty.wait_text("│ `gate` asks about `bash`: Run bash?");
    pty.wait_text("│ echo gate-$((40+2))");
    // The last answer is no.
    pty.wait_text("enter · esc");
    pty.send("\x1b[B");
    pty.send("\x1b[B");
    pty.send("\r");
    pty.wait_text("That was one.");
    pty.wait_text("declined by the user");
    assert!(!pty.dump().contains("gate-42"), "{}", pty.dump());
    pty.send("look again\r");
    pty.wait_for("the second question", |screen| {
        screen.contents().contains("May `bash` run?") && screen.contents().contains("enter · esc")
    });
    pty.send("\r");
    pty.wait_text("That was two.");
    pty.wait_text("gate-42");
    quit(pty);
}

#[test]
fn of_a_long_command_that_waits_for_approval_the_middle_is_left_out_and_all_of_it_can_be_seen() {
    const GATE: &str = "local purlin = require('purlin')\npurlin.on('tool_call', function(ev)\n\
                        local yes, why = purlin.ui.confirm('May this be run?')\n\
                        if not yes then return { block = true, reason = why or 'no' } end\nend)";
    let home = Home::new();
    let gate = home.file("gate.lua", GATE).display().to_string();
    let lines: Vec<String> = (1..=60).map(|n| format!("echo line-{n}")).collect();
    let model = home.script(&format!(
        "[[turn]]\ntext = 'Unused.'\n[[turn]]\n[[turn.tool]]\nname = 'bash'\nargs = {{ command = '''{}''' }}\n\
         [[turn]]\ntext = 'That was all.'",
        lines.join("\n")
    ));
    let pty = answered(&home);
    let _runtime = Runtime::holding(&home, &["agent", "--model", &model, "-e", &gate]);
    pty.wait_text("Prompts are executed by");
    pty.send("look\r");
    pty.wait_text("characters are not shown here …");
    assert!(pty.dump().contains("echo line-1") && pty.dump().contains("echo line-60"), "{}", pty.dump());
    assert!(!pty.dump().contains("echo line-30"), "{}", pty.dump());
    pty.wait_text("enter · esc");
    // The last item shows all of it, and the question is there again.
    pty.send("\x1b[B\x1b[B\x1b[B");
    pty.wait_text("› Show all of it");
    pty.send("\r");
    pty.wait_text("echo line-10");
    // It takes keys once the typing has come to rest.
    let down = |_| {
        pty.send("\x1b[6~");
        pty.wait_within(Duration::from_secs(1), |screen| screen.contents().contains("echo line-30"))
    };
    assert!((0..20).any(down), "{}", pty.dump());
    pty.send("\x1b");
    pty.wait_text("characters are not shown here …");
    pty.wait_text("enter · esc");
    pty.send("\r");
    pty.wait_text("That was all.");
    pty.wait_text("line-60");
    quit(pty);
}

#[test]
fn of_a_lane_that_goes_from_one_to_the_next_only_the_newest_is_said() {
    let home = Home::new();
    let pty = answered(&home);
    let first = Runtime::holding(&home, &["shell", "-r", "first"]);
    pty.wait_text("`!` commands are executed by `first`");
    let second = Runtime::holding(&home, &["shell", "-r", "second"]);
    assert_eq!(first.end().0, Some(3));
    pty.wait_text("`!` commands are executed by `second`");
    pty.wait_gone("`first`");
    second.signal(Signal::INT);
    pty.wait_text("`!` commands are executed here again; `second` has left.");
    assert!(!pty.dump().contains("until it leaves"), "{}", pty.dump());
    quit(pty);
}

#[test]
fn a_command_whose_runtime_is_lost_says_so_where_it_stands() {
    let home = Home::new();
    let pty = answered(&home);
    let runtime = Runtime::holding(&home, &["shell"]);
    pty.wait_text("elsewhere: shell");
    pty.send("!echo begun-$((40+2)); sleep 1000\r");
    pty.wait_text("begun-42");
    runtime.signal(Signal::KILL);
    pty.wait_text("  the runtime was lost");
    let shown = home.run(PURLIN, &["session", "show"]).output;
    assert!(shown.contains("  begun-42\n  the runtime was lost\n"), "{shown}");
    // One that fails by itself says what it always said.
    pty.send("!exit 3\r");
    pty.wait_text("exited with code 3");
    quit(pty);
    let shown = home.run(PURLIN, &["session", "show"]).output;
    assert_eq!(shown.matches("was lost").count(), 1, "{shown}");
}

#[test]
fn a_headless_run_whose_runtime_is_lost_says_so() {
    let home = Home::new();
    begin(&home);
    let model = home.script("[[turn]]\ntext = 'slow'\ndelay_ms = 600000");
    let runtime = Runtime::holding(&home, &["agent", "--model", &model]);
    let asked = home.start(PURLIN, &["--continue", "-p", "are you there?"]);
    let look = Look::at(&home);
    let end = Instant::now() + PATIENCE;
    let runs = || {
        look.store.queue(None).expect("readable").iter().any(|entry| entry.status == QueueStatus::Executing)
    };
    while !runs() {
        assert!(Instant::now() < end, "the prompt is never executed");
        std::thread::sleep(Duration::from_millis(5));
    }
    runtime.signal(Signal::KILL);
    let run = purlin_testkit::Run::of(asked);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.errors.contains("The runtime that was answering is lost"), "{run:?}");
    assert!(run.errors.contains("send the prompt again"), "{run:?}");
}

#[test]
fn an_echo_cell_is_answered_with_its_own_text_as_plain_text() {
    let home = Home::new();
    begin(&home);
    let look = Look::at(&home);
    let _runtime = Runtime::holding(&home, &["echo"]);
    look.ask("said", CellKind::Echo, "say it again");
    look.until("said", QueueStatus::Completed);
    assert_eq!(look.said("said"), "say it again");
}

/// The example, built as it is now: cargo does not do so where a single test is asked for.
fn example() -> std::path::PathBuf {
    let folder = std::path::Path::new(PURLIN).parent().expect("a folder");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "purlin", "--example", "runtime_uppercase"]);
    // What cargo tells this test of its package would count as a change for some dependencies.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG") || name.starts_with("CARGO_MANIFEST") {
            cargo.env_remove(&*name);
        }
    }
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().expect("cargo runs").success());
    folder.join("examples").join("runtime_uppercase")
}

#[test]
fn the_example_answers_prompts_in_capitals() {
    let home = Home::new();
    begin(&home);
    let example = example();
    let mut runtime = Runtime::of(home.command(&example));
    runtime.until_says("executes the lane `ai`");
    let run = home.run(PURLIN, &["--continue", "-p", "speak up, please"]);
    assert_eq!((run.code, run.output.as_str()), (Some(0), "SPEAK UP, PLEASE\n"), "{run:?}");
    let run = home.run(PURLIN, &["--continue", "-p", "1 2 3"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.errors.contains("There is no letter in it."), "{run:?}");
    // A long one is stopped as any other.
    let look = Look::at(&home);
    look.ask("long", CellKind::Ai, &"word ".repeat(10_000));
    look.until_says("long", "WORD ");
    runtime.signal(Signal::INT);
    assert_eq!(runtime.end().0, Some(130));
    assert_eq!(look.entry("long").map(|entry| entry.status), Some(QueueStatus::Cancelled));
    let help = Command::new(&example).arg("--help").output().expect("it runs");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(
        help.starts_with("Answers prompts with their own text in capitals.\n\nUsage: runtime_uppercase ["),
        "{help}"
    );
}

#[test]
fn a_runtime_agent_whose_model_cannot_answer_takes_no_lane() {
    let home = Home::new();
    assert_eq!(home.run(PURLIN, &["--model", "echo", "-p", "hello"]).code, Some(0));
    let log = home.run(PURLIN, &["session", "log"]).output;
    let run = home.run(PURLIN, &["runtime", "agent", "--model", "nope/x"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.errors.contains("The model `nope/x` cannot answer: "), "{run:?}");
    assert_eq!(home.run(PURLIN, &["session", "log"]).output, log, "nothing was committed");
}

#[test]
fn the_kinds_and_their_help_are_told() {
    let home = Home::new();
    let run = home.run(PURLIN, &["runtime", "--help"]);
    assert_eq!(run.code, Some(0));
    for kind in ["agent", "shell", "echo"] {
        assert!(run.output.contains(kind), "{run:?}");
        let help = home.run(PURLIN, &["runtime", kind, "-h"]);
        assert_eq!((help.code, help.errors.as_str()), (Some(0), ""));
        assert!(help.output.contains("--notebook <ID>"), "{help:?}");
    }
    for (arguments, expected) in [
        (&["runtime"][..], "`agent`, `shell` and `echo`"),
        (&["runtime", "shel"], "Did you mean `shell`?"),
        (&["runtime", "shell", "--notebok", "x"], "Did you mean `--notebook`?"),
    ] {
        let run = home.run(PURLIN, arguments);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.errors.contains(expected), "{run:?}");
    }
    assert_eq!(files(home.root()), Vec::<std::path::PathBuf>::new());
}
