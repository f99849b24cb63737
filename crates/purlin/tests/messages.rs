//! What the commands say when something is missing, wrong or damaged: the thing, its place, and the way out.

use std::io::{BufRead as _, BufReader};
use std::time::{Duration, Instant};

use purlin_testkit::{Ended, Home, Pty, Run, files};

const PURLIN: &str = env!("CARGO_BIN_EXE_purlin");

fn run(home: &Home, arguments: &[&str]) -> Run {
    home.run(PURLIN, arguments)
}

/// A home with one session, answered by `echo`, and its id.
fn home_with_a_session() -> (Home, String) {
    let home = Home::new();
    assert_eq!(run(&home, &["-p", "How is the purlin?", "--model", "echo"]).code, Some(0));
    let list = run(&home, &["session", "list"]).output;
    let id = list.split_whitespace().next().expect("a session").to_owned();
    (home, id)
}

/// What a command prints on a terminal of so many columns, and how it ends.
fn on_a_terminal(home: &Home, arguments: &[&str], columns: u16) -> (String, Ended) {
    let mut pty = Pty::spawn(PURLIN, arguments, home, 120, columns);
    let ended = pty.wait_end();
    (pty.dump(), ended)
}

#[test]
fn help_breaks_no_word_on_any_terminal() {
    let home = Home::new();
    for line in
        ["--help", "session --help", "session search --help", "runtime --help", "runtime agent --help"]
    {
        let arguments: Vec<&str> = line.split(' ').collect();
        let whole = run(&home, &arguments);
        assert_eq!((whole.code, whole.errors.as_str()), (Some(0), ""), "{line}");
        assert!(whole.output.contains("Examples:\n  purlin"), "{line}: {}", whole.output);
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        for columns in [120, 60, 40] {
            let (shown, ended) = on_a_terminal(&home, &arguments, columns);
            assert_eq!(ended, Ended::Code(0), "{line}");
            assert_eq!(words(&shown), words(&whole.output), "{line} at {columns}:\n{shown}");
        }
    }
}

#[test]
fn the_word_help_is_answered_everywhere() {
    let home = Home::new();
    for (asked, begins) in [
        ("help", "A programmable agent for the terminal."),
        ("help session", "Lists, shows, searches and deletes sessions"),
        ("store help", "Checks, repairs, counts and sweeps"),
        ("runtime help", "Runs a runtime as a process of its own"),
        ("help runtime", "Runs a runtime as a process of its own"),
        ("help runtime shell", "Executes the `!` commands of a session"),
        ("runtime help echo", "Answers the echo cells of a session"),
    ] {
        let told = run(&home, &asked.split(' ').collect::<Vec<_>>());
        assert_eq!((told.code, told.errors.as_str()), (Some(0), ""), "{asked}: {told:?}");
        assert!(told.output.starts_with(begins), "{asked}: {}", told.output);
    }
    assert_eq!(files(home.root()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn where_there_are_no_sessions_that_is_said() {
    let home = Home::new();
    let none = run(&home, &["session", "list"]);
    assert_eq!((none.code, none.output.as_str()), (Some(0), ""));
    assert_eq!(none.errors, "purlin: There are no sessions.\n");
    assert_eq!(
        run(&home, &["session", "list", "--json"]).errors,
        "",
        "a program reads that from the empty output"
    );
    let (home, _) = home_with_a_session();
    let here = run(&home, &["session", "list", "--here", "--cwd", "/"]);
    assert!(here.code == Some(0) && here.errors.contains("no sessions of this directory"), "{here:?}");
}

#[test]
fn lists_fit_a_narrow_terminal() {
    let (home, id) = home_with_a_session();
    assert_eq!(run(&home, &["-p", &"a long prompt ".repeat(20)]).code, Some(0));
    let (shown, _) = on_a_terminal(&home, &["session", "list"], 20);
    let rows: Vec<&str> = shown.trim_end().lines().collect();
    assert_eq!(rows.len(), 2, "one row a session: {shown}");
    assert!(rows.iter().all(|row| row.chars().count() <= 20), "{shown}");
    assert!(rows[1].contains(&id[id.len() - 4..]) && rows[1].contains("How"), "{shown}");
    for columns in [20, 40, 60, 78] {
        let (shown, ended) = on_a_terminal(&home, &["store", "stats"], columns);
        assert_eq!(ended, Ended::Code(0));
        let rows: Vec<&str> = shown.lines().take_while(|row| !row.trim().is_empty()).collect();
        assert_eq!(rows.len(), 3, "a head and one row a session at {columns}: {shown}");
        assert!(rows[1].trim_end().ends_with(&id[id.len() - 8..]) || columns < 78, "{shown}");
        assert!(rows[1..].iter().any(|row| row.contains(&id[id.len() - 8..])), "{shown}");
    }
}

#[test]
fn a_value_that_cannot_be_says_which_can() {
    let (home, _) = home_with_a_session();
    for (line, expected) in [
        (
            "session list --limit 0",
            "`0` cannot be the value of `--limit <N>`: it takes a whole number, 1 or more.",
        ),
        ("session search x --limit 0", "it takes a whole number, 1 or more."),
        (
            "session log --since -5",
            "`-5` cannot be the value of `--since <ROWID>`: it takes a whole number, 0 or more.",
        ),
        ("--model anthropic -p hi", "write `anthropic/MODEL`, for instance `anthropic/claude-sonnet-4-5`."),
        ("--model qwen -p hi", "`qwen` names no provider; write `PROVIDER/MODEL`"),
    ] {
        let refused = run(&home, &line.split(' ').collect::<Vec<_>>());
        assert_eq!((refused.code, refused.output.as_str()), (Some(2), ""), "{line}: {refused:?}");
        assert!(refused.errors.contains(expected), "{line}: {}", refused.errors);
        assert_eq!(refused.errors.lines().count(), 1, "{line}: {}", refused.errors);
    }
}

#[test]
fn a_model_that_cannot_answer_leaves_no_session_behind() {
    let home = Home::new();
    for (model, expected) in
        [("foo/bar", "No provider is called `foo`"), ("anthropic/x", "There is no key for `anthropic`")]
    {
        let failed = run(&home, &["-p", "hi", "--model", model]);
        assert_eq!((failed.code, failed.output.as_str()), (Some(1), ""), "{failed:?}");
        assert!(failed.errors.contains(expected), "{failed:?}");
        assert_eq!(failed.errors.lines().count(), 1, "{failed:?}");
    }
    assert_eq!(run(&home, &["session", "list", "--json"]).output, "");
    // Nor does it become the model of one that goes on.
    assert_eq!(run(&home, &["-p", "hi", "--model", "echo"]).code, Some(0));
    let log = run(&home, &["session", "log"]).output;
    assert_eq!(run(&home, &["-c", "-p", "hi", "--model", "foo/bar"]).code, Some(1));
    assert_eq!(run(&home, &["session", "log"]).output, log);
    assert_eq!(run(&home, &["-c", "-p", "hi"]).code, Some(0));
}

#[test]
fn a_sync_server_is_refused_in_one_sentence() {
    let home = Home::new();
    let refused = run(&home, &["runtime", "shell", "--sync-url", "wss://example.test"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert_eq!(
        refused.errors,
        "purlin: `--sync-url` names a sync server, but this version serves the local store only. Leave it out. \
         `purlin runtime shell --help` lists what there is.\n"
    );
}

#[test]
fn a_runtime_beside_a_terminal_that_has_sent_nothing_says_what_to_do() {
    let home = Home::new();
    let pty = Pty::spawn(PURLIN, &["--model", "echo"], &home, 24, 80);
    pty.wait_text("›");
    let refused = run(&home, &["runtime", "shell"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused.errors.contains("a terminal has none before something is sent in it. Send something there"),
        "{refused:?}"
    );
}

/// Overwrites a session's file with what is no database.
fn ruin(home: &Home, id: &str) {
    let file = home.data().join("notebooks").join(format!("{id}.db"));
    std::fs::write(file, "nothing of a database is left in here ".repeat(200)).expect("writable");
}

#[test]
fn a_file_that_is_no_database_is_named_with_the_way_out() {
    let (home, id) = home_with_a_session();
    ruin(&home, &id);
    let repair = format!("`purlin store repair {id}`");
    for command in ["show", "log", "dump", "replay", "artifact"] {
        let arguments = if command == "artifact" {
            vec!["session", "artifact", "--session", &id]
        } else {
            vec!["session", command, &id]
        };
        let refused = run(&home, &arguments);
        assert_eq!((refused.code, refused.output.as_str()), (Some(1), ""), "{command}: {refused:?}");
        assert!(refused.errors.contains(&format!("{id}.db` is damaged (")), "{command}: {refused:?}");
        assert!(refused.errors.contains(&repair), "{command}: {refused:?}");
    }
    let stats = run(&home, &["store", "stats", &id]);
    assert!(stats.code == Some(1) && stats.errors.contains(&repair), "{stats:?}");
    let check = run(&home, &["store", "check", &id]);
    assert_eq!(check.output.matches("purlin store repair").count(), 1, "{check:?}");
    let hopeless = run(&home, &["store", "repair", &id]);
    assert!(hopeless.code == Some(1) && hopeless.errors.contains("Nothing can be read of"), "{hopeless:?}");
    assert!(hopeless.errors.contains(&format!("`purlin session delete {id}` removes it")), "{hopeless:?}");
    let runtime = run(&home, &["runtime", "shell", "-n", &id]);
    assert!(runtime.code == Some(1) && runtime.errors.contains("purlin store repair"), "{runtime:?}");
}

#[test]
fn a_page_that_is_damaged_while_a_session_is_open_names_the_way_out() {
    let (home, id) = home_with_a_session();
    let pty = Pty::spawn(PURLIN, &["--continue"], &home, 24, 100);
    pty.wait_text("How is the purlin?");
    let file = home.data().join("notebooks").join(format!("{id}.db"));
    let bytes = std::fs::read(&file).expect("readable");
    // All but the first page, which SQLite looks at before anything else.
    let ruined: Vec<u8> =
        bytes.iter().enumerate().map(|(at, byte)| if at < 4_096 { *byte } else { 0xff }).collect();
    std::fs::write(&file, ruined).expect("writable");
    pty.send("go on\r");
    pty.wait_for("the way out", |screen| {
        let shown: String = screen.contents().split_whitespace().collect::<Vec<_>>().join(" ");
        shown.contains("is damaged (") && shown.contains(&format!("`purlin store repair {id}`"))
    });
}

#[test]
fn a_file_in_place_of_the_folder_of_sessions_is_said_to_be_one() {
    let home = Home::new();
    std::fs::create_dir_all(home.data()).expect("a folder");
    std::fs::write(home.data().join("notebooks"), "a file").expect("writable");
    let refused = run(&home, &["-p", "hi", "--model", "echo"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.errors.contains("notebooks` cannot be written (it is not a directory); "), "{refused:?}");
    assert!(!refused.errors.contains("Permission denied"), "{refused:?}");
}

#[test]
fn deleting_without_a_terminal_wants_a_word_and_ends_with_2() {
    let (home, id) = home_with_a_session();
    let refused = run(&home, &["session", "delete", &id]);
    assert_eq!((refused.code, refused.output.as_str()), (Some(2), ""), "{refused:?}");
    assert!(
        refused.errors.contains("nothing was deleted") && refused.errors.contains("`--yes`"),
        "{refused:?}"
    );
    let help = run(&home, &["session", "delete", "--help"]).output;
    assert!(help.contains("2 an id is too short, or `--yes` is missing"), "{help}");
}

#[test]
fn a_log_that_is_followed_ends_when_nobody_reads_it() {
    let (home, id) = home_with_a_session();
    let mut follow = home.start(PURLIN, &["session", "log", "--follow", &id]);
    let mut lines = BufReader::new(follow.stdout.take().expect("a pipe")).lines();
    assert!(lines.next().is_some_and(|line| line.is_ok()));
    // The session is quiet: nothing will be written that could fail.
    drop(lines);
    let begun = Instant::now();
    let run = Run::of(follow);
    assert_eq!((run.code, run.errors.as_str()), (Some(0), ""), "{run:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
