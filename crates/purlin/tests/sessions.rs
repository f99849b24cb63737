//! `purlin session …` and `purlin store …`, as people and scripts use them.

use std::io::{BufRead as _, BufReader};

use purlin_notebook::{Event, Store as _};
use purlin_runtime_core::Artifacts as _;
use purlin_runtime_native::{FileArtifacts, OpenMode, Paths, SqliteNotebook};
use purlin_testkit::{Ended, Home, Pty, Run, Signal, signal};
use serde_json::Value;

const PURLIN: &str = env!("CARGO_BIN_EXE_purlin");

fn run(home: &Home, arguments: &[&str]) -> Run {
    home.run(PURLIN, arguments)
}

/// Runs what must succeed, and answers its output.
#[track_caller]
fn output(home: &Home, arguments: &[&str]) -> String {
    home.printed(PURLIN, arguments)
}

/// A home with one session: a prompt, a tool call, an answer that holds what acts on a terminal.
fn home_with_a_session() -> Home {
    let home = Home::new();
    let model = home.script(
        "[[turn]]\nthinking = 'hm'\ntext = 'Let me look.'\n[[turn.tool]]\nname = 'bash'\n\
         args = { command = 'echo from the shell' }\n\
         [[turn]]\ntext = \"The **roof** is fine.\\u001b]0;stolen\\u0007\\u009b2J\"",
    );
    assert_eq!(run(&home, &["-p", "How is the purlin?", "--model", &model]).code, Some(0));
    home
}

fn ids(home: &Home) -> Vec<String> {
    let listed = output(home, &["session", "list", "--json"]);
    let id = |line: &str| {
        let session: Value = serde_json::from_str(line).expect("a line of JSON");
        session["id"].as_str().expect("an id").to_owned()
    };
    listed.lines().map(id).collect()
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn the_list_is_one_line_per_session_and_json_where_asked() {
    let home = home_with_a_session();
    let other = home.root().join("other");
    std::fs::create_dir(&other).unwrap();
    assert_eq!(run(&home, &["-p", "elsewhere", "--cwd", &other.display().to_string()]).code, Some(0));
    let list = output(&home, &["session", "list"]);
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(list.lines().next().unwrap().contains("elsewhere"), "the newest is first: {list}");
    let here = output(&home, &["session", "list", "--here"]);
    assert!(here.lines().count() == 1 && here.contains("How is the purlin?"), "{here}");
    assert_eq!(output(&home, &["session", "list", "--limit", "1"]).lines().count(), 1);
    let json: Value =
        serde_json::from_str(output(&home, &["session", "list", "--here", "--json"]).trim()).unwrap();
    assert_eq!(json["firstPrompt"], "How is the purlin?");
    assert_eq!(json["cwd"], home.work().display().to_string());
    assert!(json["cells"] == 1 && json["updatedAt"].as_i64() >= json["createdAt"].as_i64(), "{json}");
}

#[test]
fn without_sessions_nothing_is_listed_and_nothing_is_left_behind() {
    let home = Home::new();
    let before = purlin_testkit::files(home.root());
    let list = run(&home, &["session", "list"]);
    assert_eq!((list.code, list.output.as_str()), (Some(0), ""), "{list:?}");
    let search = run(&home, &["session", "search", "x"]);
    assert_eq!((search.code, search.errors.as_str()), (Some(1), "purlin: Nothing was found.\n"));
    assert_eq!(purlin_testkit::files(home.root()), before);
    let show = run(&home, &["session", "show"]);
    assert!(show.code == Some(1) && show.errors.contains("No session was begun in"), "{show:?}");
}

#[test]
fn the_list_on_a_terminal_fits_its_width() {
    let home = home_with_a_session();
    assert_eq!(run(&home, &["-p", &"a long prompt ".repeat(20)]).code, Some(0));
    for columns in [20, 40, 60, 80, 200] {
        let mut pty = Pty::spawn(PURLIN, &["session", "list"], &home, 24, columns);
        assert_eq!(pty.wait_end(), Ended::Code(0));
        let dump = pty.dump();
        let shown = lines(&dump);
        let head = usize::from(columns >= 52);
        assert_eq!(shown.len(), 2 + head, "no line is wrapped at {columns}: {dump}");
        assert!(columns < 40 || dump.contains("How is"), "{columns}: {dump}");
    }
}

#[test]
fn a_session_is_shown_as_the_transcript_with_nothing_that_acts_on_a_terminal() {
    let home = home_with_a_session();
    let shown = output(&home, &["session", "show"]);
    for text in
        ["› How is the purlin?", "hm", "Let me look.", "● bash echo from the shell", "from the shell", "roof"]
    {
        assert!(shown.contains(text), "{text:?} is missing in {shown}");
    }
    assert!(!shown.contains("**"), "Markdown is laid out: {shown}");
    assert!(shown.contains("^[]0;stolen^G"), "{shown}");
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    let mut pty = Pty::spawn(PURLIN, &["session", "show"], &home, 40, 60);
    assert_eq!(pty.wait_end(), Ended::Code(0));
    let raw = String::from_utf8(pty.raw()).unwrap();
    assert!(!raw.contains("\x1b]") && !raw.contains('\u{9b}'), "{raw:?}");
    assert!(raw.contains("\x1b["), "there are colours on a terminal: {raw:?}");
    let mut home = home;
    home.set("NO_COLOR", "1");
    let mut plain = Pty::spawn(PURLIN, &["session", "show"], &home, 40, 60);
    assert_eq!(plain.wait_end(), Ended::Code(0));
    let raw = String::from_utf8(plain.raw()).unwrap();
    assert!(!raw.contains("\x1b[3") && !raw.contains("\x1b[9"), "{raw:?}");
}

#[test]
fn what_is_folded_is_shown_whole_when_asked() {
    let home = Home::new();
    let model = home.script(
        "[[turn]]\n[[turn.tool]]\nname = 'bash'\nargs = { command = 'seq 1 30' }\n[[turn]]\ntext = 'Done.'",
    );
    assert_eq!(run(&home, &["-p", "count", "--model", &model]).code, Some(0));
    let folded = output(&home, &["session", "show"]);
    assert!(folded.contains("(--full)") && !folded.contains("ctrl+o"), "{folded}");
    let full = output(&home, &["session", "show", "--full"]);
    assert!((1..=30).all(|n| full.lines().any(|line| line.trim() == n.to_string())), "{full}");
}

#[test]
fn the_log_is_one_event_per_line_and_follows_other_processes() {
    let home = home_with_a_session();
    let log = output(&home, &["session", "log"]);
    assert!(log.lines().count() > 5 && log.contains("v2.CellCreated"), "{log}");
    assert!(!log.chars().any(|c| c.is_control() && c != '\n'), "{log:?}");
    let json = output(&home, &["session", "log", "--json"]);
    assert_eq!(json.lines().count(), log.lines().count());
    let rowids: Vec<i64> = json
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect(line)["rowid"].as_i64().expect("a rowid"))
        .collect();
    assert_eq!(rowids, (1..=rowids.len() as i64).collect::<Vec<_>>());
    let last = rowids.len().to_string();
    assert_eq!(output(&home, &["session", "log", "--since", &last]), "");

    let id = &ids(&home)[0];
    let mut follow = home.start(PURLIN, &["session", "log", id, "--follow", "--json", "--since", &last]);
    let mut came = BufReader::new(follow.stdout.take().unwrap()).lines();
    assert_eq!(run(&home, &["-p", "again", "--continue", "--model", "echo"]).code, Some(0));
    let first: Value = serde_json::from_str(&came.next().unwrap().unwrap()).unwrap();
    assert_eq!(first["rowid"].as_i64(), Some(rowids.len() as i64 + 1));
    assert!(came.by_ref().any(|line| line.is_ok_and(|line| line.contains("again"))));
    signal(follow.id(), Signal::INT);
    assert_eq!(follow.wait().unwrap().code(), Some(130));
}

#[test]
fn the_tables_follow_from_the_log_and_a_difference_is_shown() {
    let home = home_with_a_session();
    let dump = output(&home, &["session", "dump"]);
    assert!(dump.starts_with("presence\n{") || dump.starts_with("notebookMetadata\n{"), "{dump}");
    assert!(dump.contains("How is the purlin?"), "{dump}");
    assert_eq!(dump, output(&home, &["session", "dump", &ids(&home)[0]]));
    let equal = output(&home, &["session", "replay"]);
    assert!(equal.lines().count() == 2 && equal.lines().all(|line| line.starts_with("equal: ")), "{equal}");

    damage(&notebook(&home, &ids(&home)[0]));
    let different = run(&home, &["session", "replay"]);
    assert_eq!(different.code, Some(1), "{different:?}");
    assert!(different.output.contains("in the table `notebookMetadata`"), "{different:?}");
    assert!(different.output.contains("How is the purlin?"), "{different:?}");
    assert!(different.output.contains("How is the perlin?"), "{different:?}");
}

/// Changes a row of a table behind the log's back, by way of the bytes of the file.
fn damage(path: &std::path::Path) {
    let mut bytes = std::fs::read(path).expect("a session at rest is one file");
    let (from, to) = (b"How is the purlin?", b"How is the perlin?");
    // The log's arguments are JSON with quotes around the text; the table's row has none.
    let places: Vec<usize> = (0..bytes.len() - from.len())
        .filter(|at| bytes[*at..].starts_with(from) && bytes[at + from.len()] != b'"')
        .collect();
    assert!(!places.is_empty(), "the prompt stands in the table");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    std::fs::write(path, bytes).expect("the file can be written");
}

#[test]
fn a_search_finds_the_newest_places_and_marks_the_words() {
    let home = home_with_a_session();
    assert_eq!(run(&home, &["-p", "what is a purlin"]).code, Some(0));
    let found = output(&home, &["session", "search", "PURLIN"]);
    let hits: Vec<&str> = found.lines().filter(|line| line.contains("**purlin**")).collect();
    assert_eq!(hits.len(), 3, "two prompts and the answer that repeats one: {found}");
    assert!(found.contains("How is the **purlin**?"), "{found}");
    assert!(
        found.lines().next().unwrap().contains("what is a purlin"),
        "the newest session is first: {found}"
    );
    let one = output(&home, &["session", "search", "purlin", "how", "--limit", "1", "--json"]);
    let hit: Value = serde_json::from_str(&one).unwrap();
    assert_eq!((hit["kind"].as_str(), hit["snippet"].as_str()), (Some("prompt"), Some("How is the purlin?")));
    assert_eq!(hit["marks"], serde_json::json!([[0, 3], [11, 17]]));
    assert_eq!(output(&home, &["session", "search", "is the purlin", "-what"]).lines().count(), 2);
    assert!(output(&home, &["session", "search", "stolen"]).contains("^[]0;**stolen**^G"));
    for typed in
        [&["\"unbalanced"][..], &["AND"], &["a*b\"c", "(", "NEAR("], &["'; DROP TABLE"], &["purlin*", "-zzz"]]
    {
        let run = run(&home, &[&["session", "search"], typed].concat());
        assert!(matches!(run.code, Some(0 | 1)) && !run.errors.contains("syntax"), "{typed:?}: {run:?}");
    }
    let none = run(&home, &["session", "search", "...", "-x"]);
    assert_eq!((none.code, none.output.as_str()), (Some(2), ""), "{none:?}");
}

#[test]
fn a_deleted_session_is_gone_from_list_and_search() {
    let home = home_with_a_session();
    assert_eq!(run(&home, &["-p", "the second one"]).code, Some(0));
    let all = ids(&home);
    let refused = run(&home, &["session", "delete", &all[0]]);
    assert_eq!((refused.code, refused.output.as_str()), (Some(2), ""), "{refused:?}");
    assert!(refused.errors.contains("--yes"), "{refused:?}");
    assert_eq!(ids(&home).len(), 2);
    let deleted = output(&home, &["session", "delete", &all[0], &all[0], "--yes"]);
    assert!(deleted.starts_with(&format!("deleted {} (1 cell): the second one", all[0])), "{deleted}");
    assert_eq!(ids(&home), [all[1].as_str()]);
    assert_eq!(run(&home, &["session", "search", "second"]).code, Some(1));
    let unknown = run(&home, &["session", "delete", &all[1], "nonesuch", "--yes"]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert_eq!(ids(&home).len(), 1, "nothing is deleted where one id is wrong");
}

#[test]
fn deleting_asks_on_a_terminal() {
    let home = home_with_a_session();
    let id = ids(&home).remove(0);
    for (answer, left) in [("n\r", 1), ("\r", 1), ("y\r", 0)] {
        let mut pty = Pty::spawn(PURLIN, &["session", "delete", &id], &home, 24, 80);
        pty.wait_text("[y/N]");
        assert!(pty.dump().contains("How is the purlin?"), "{}", pty.dump());
        pty.send(answer);
        assert_eq!(pty.wait_end(), Ended::Code(u32::from(left == 1)));
        assert_eq!(ids(&home).len(), left);
    }
}

#[test]
fn a_session_that_is_open_elsewhere_is_not_deleted() {
    let home = Home::new();
    let model = home.script("[[turn]]\ntext = 'slow'\ndelay_ms = 600000");
    let child = home.start(PURLIN, &["-p", "hi", "--model", &model]);
    let notebooks = home.data().join("notebooks");
    let mut listed = Vec::new();
    let begun = std::time::Instant::now();
    while listed.is_empty() && begun.elapsed() < purlin_testkit::PATIENCE {
        // The session's first commit makes its file; its agent's lock comes with it.
        let locks = std::fs::read_dir(home.data().join("locks")).map_or(0, Iterator::count);
        if notebooks.exists() && locks > 0 {
            listed = ids(&home);
        }
    }
    let refused = run(&home, &["session", "delete", &listed[0], "--yes"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.errors.contains("is open in another process"), "{refused:?}");
    signal(child.id(), Signal::TERM);
    Run::of(child);
    output(&home, &["session", "delete", &listed[0], "--yes"]);
}

#[test]
fn ids_may_be_parts_and_messages_name_what_there_is() {
    let home = home_with_a_session();
    assert_eq!(run(&home, &["-p", "two"]).code, Some(0));
    let all = ids(&home);
    let end = &all[0][all[0].len() - 6..];
    assert!(output(&home, &["session", "show", end]).contains("two"));
    let many = run(&home, &["session", "show", "-"]);
    assert_eq!(many.code, Some(1), "{many:?}");
    assert!(all.iter().all(|id| many.errors.contains(id.as_str())), "{many:?}");
    let none = run(&home, &["session", "log", "nonesuch"]);
    assert!(
        none.code == Some(1) && none.errors.contains("`nonesuch`") && none.errors.contains("session list")
    );
}

#[test]
fn a_reader_that_has_left_is_no_failure() {
    let home = home_with_a_session();
    for arguments in [
        &["session", "list"][..],
        &["session", "show"],
        &["session", "log", "--json"],
        &["session", "dump"],
        &["session", "search", "purlin"],
    ] {
        let mut child = home.start(PURLIN, arguments);
        drop(child.stdout.take());
        let run = Run::of(child);
        assert_eq!((run.code, run.errors.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn the_index_is_made_anew_at_will_and_when_it_is_gone() {
    let home = home_with_a_session();
    let made = output(&home, &["store", "reindex"]);
    assert!(made.starts_with("indexed 1 session with ") && made.contains("index.db"), "{made}");
    let index = home.data().join("index.db");
    std::fs::write(&index, "no index at all").unwrap();
    assert_eq!(ids(&home).len(), 1);
    std::fs::remove_file(&index).unwrap();
    assert!(output(&home, &["session", "search", "purlin"]).contains("**purlin**"));
    assert!(index.exists());
}

#[test]
fn an_index_that_cannot_be_kept_is_said() {
    let home = home_with_a_session();
    let index = home.data().join("index.db");
    drop(std::fs::remove_file(&index));
    std::fs::create_dir_all(index.join("in-the-way")).unwrap();
    let refused = run(&home, &["store", "reindex"]);
    assert_eq!((refused.code, refused.output.as_str()), (Some(1), ""), "{refused:?}");
    assert!(refused.errors.contains("The index cannot be kept at "), "{refused:?}");
    assert_eq!(ids(&home).len(), 1, "it is listed all the same");
}

#[test]
fn an_empty_id_is_refused_everywhere_and_deletes_nothing() {
    let home = home_with_a_session();
    for arguments in [
        &["session", "delete", "--yes"][..],
        &["session", "show"],
        &["session", "log"],
        &["session", "dump"],
        &["session", "replay"],
        &["store", "check"],
        &["store", "repair"],
        &["store", "stats"],
        &["-p", "hello", "--resume"],
    ] {
        for blank in ["", "  "] {
            let refused = run(&home, &[arguments, &[blank]].concat());
            assert_eq!((refused.code, refused.output.as_str()), (Some(2), ""), "{arguments:?}: {refused:?}");
        }
    }
    let id = ids(&home).remove(0);
    let little = run(&home, &["session", "delete", "--yes", &id[id.len() - 3..]]);
    assert!(little.code == Some(2) && little.errors.contains("is too little to delete"), "{little:?}");
    assert_eq!(ids(&home), [id.as_str()]);
    output(&home, &["session", "delete", "--yes", &id[id.len() - 4..]]);
    assert!(ids(&home).is_empty());
}

#[test]
fn a_folder_of_sessions_that_cannot_be_read_is_said() {
    let home = home_with_a_session();
    let (folder, away) = (home.data().join("notebooks"), home.data().join("away"));
    std::fs::rename(&folder, &away).unwrap();
    let is_refused = || {
        for arguments in [
            &["session", "list"][..],
            &["session", "search", "purlin"],
            &["session", "show"],
            &["session", "show", "abcd"],
            &["store", "check"],
            &["store", "stats"],
            &["store", "reindex"],
            &["-p", "more", "--continue"],
        ] {
            let refused = run(&home, arguments);
            assert_eq!(refused.code, Some(1), "{arguments:?}: {refused:?}");
            assert!(refused.errors.to_lowercase().contains("the folder of the sessions"), "{refused:?}");
        }
    };
    std::os::unix::fs::symlink(home.data().join("not-mounted"), &folder).unwrap();
    is_refused();
    std::fs::remove_file(&folder).unwrap();
    std::fs::write(&folder, "a file in its place").unwrap();
    is_refused();
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    assert_eq!(ids(&home).len(), 1);
}

/// The directories that the programs of a home use.
fn paths(home: &Home) -> Paths {
    let variables: std::collections::BTreeMap<String, String> = home.environment().into_iter().collect();
    Paths::from_env(&|name| variables.get(name).map(Into::into)).expect("a home")
}

fn notebook(home: &Home, id: &str) -> std::path::PathBuf {
    home.data().join("notebooks").join(format!("{id}.db"))
}

#[test]
fn a_sound_store_is_said_to_be_sound_and_counted() {
    let home = home_with_a_session();
    let id = &ids(&home)[0];
    let checked = output(&home, &["store", "check"]);
    assert!(checked.starts_with("1 session sound, with "), "{checked}");
    assert_eq!(output(&home, &["store", "check", id]), checked);
    let stats = output(&home, &["store", "stats"]);
    let log = output(&home, &["session", "log"]).lines().count();
    assert!(
        stats.contains(&format!("1 session, {log} events, ")) && stats.contains("0 artifacts"),
        "{stats}"
    );
    let one = output(&home, &["store", "stats", id]);
    assert!(one.contains("v2.CellCreated") && one.contains(" cells"), "{one}");
    let json: Value = serde_json::from_str(output(&home, &["store", "stats", "--json"]).trim()).unwrap();
    assert_eq!((json["id"].as_str(), json["events"].as_u64()), (Some(id.as_str()), Some(log as u64)));
    assert_eq!(json["tables"]["cells"], 1);
}

#[test]
fn a_damaged_session_is_found_named_with_the_way_out_and_repaired() {
    let home = home_with_a_session();
    assert_eq!(run(&home, &["-p", "the other"]).code, Some(0));
    let all = ids(&home);
    let log = output(&home, &["session", "log", &all[1]]);
    damage(&notebook(&home, &all[1]));
    let found = run(&home, &["store", "check"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(found.output.contains("The table `notebookMetadata` is not what the log gives"), "{found:?}");
    assert!(found.output.contains(&format!("purlin store repair {}", all[1])), "{found:?}");
    assert!(found.output.contains("1 session sound") && found.output.contains("1 session not"), "{found:?}");
    assert_eq!(run(&home, &["store", "check", &all[0]]).code, Some(0));
    let repaired = output(&home, &["store", "repair", &all[1]]);
    assert!(repaired.contains("nothing was lost") && repaired.contains("is kept: "), "{repaired}");
    assert_eq!(run(&home, &["store", "check"]).code, Some(0));
    let again = output(&home, &["store", "repair", &all[1]]);
    assert_eq!(again, format!("nothing is wrong with {}; it was left as it is\n", all[1]));
    assert_eq!(output(&home, &["session", "log", &all[1]]), log, "the log is as it was");
    assert_eq!(output(&home, &["session", "replay", &all[1]]).lines().count(), 2);
}

/// The last event's place is no count where a repair has left a gap.
#[test]
fn a_replay_counts_the_events_there_are() {
    let home = home_with_a_session();
    let id = &ids(&home)[0];
    let before = output(&home, &["session", "log", id]).lines().count();
    let path = notebook(&home, id);
    let mut bytes = std::fs::read(&path).expect("a session at rest is one file");
    let text = b"\"How is the purlin?\"";
    // Pages keep what once stood in them, so it is there more often than in the log.
    let places: Vec<usize> =
        (0..bytes.len() - text.len()).filter(|at| bytes[*at..].starts_with(text)).collect();
    for at in places {
        bytes[at + 1] = 0xff;
    }
    std::fs::write(&path, bytes).expect("the file can be written");
    let repaired = run(&home, &["store", "repair", id]);
    assert!(format!("{repaired:?}").contains(" cannot be read: "), "{repaired:?}");
    let log = output(&home, &["session", "log", id]);
    let last = log.lines().last().and_then(|line| line.split_whitespace().next()).expect("an event");
    assert!(log.lines().count() < before && last == before.to_string(), "{log}");
    let replayed = output(&home, &["session", "replay", id]);
    let expected = format!("equal: {} events replayed in memory", log.lines().count());
    assert!(replayed.starts_with(&expected), "{expected}: {replayed}");
}

/// The folders were there before, open to everybody, as from a backup.
#[test]
fn what_is_kept_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let state = home.root().join("state/purlin");
    for folder in [home.data(), home.data().join("notebooks"), state.clone(), state.join("drafts")] {
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    }
    let model = home.script(
        "[[turn]]\ntext = 'Let me look.'\n[[turn.tool]]\nname = 'bash'\n\
         args = { command = 'yes | head -c 200000' }\n[[turn]]\ntext = 'Done.'",
    );
    let pty = Pty::spawn(PURLIN, &["--model", &model], &home, 24, 80);
    pty.wait_text("›");
    pty.send("look\r");
    pty.wait_text("Done.");
    pty.send("typed and not sent");
    let drafts = state.join("drafts");
    let is_draft = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "json");
    assert!(pty.wait_within(std::time::Duration::from_secs(20), |_| files(&drafts).iter().any(is_draft)));
    output(&home, &["session", "list"]);
    let kept: Vec<_> = [home.data(), state].iter().flat_map(|folder| all_below(folder)).collect();
    for name in ["client-id", "index.db", "notebooks", "artifacts", "locks", "drafts"] {
        assert!(kept.iter().any(|path| path.ends_with(name)), "{name} is not in {kept:?}");
    }
    let open: Vec<_> = kept
        .iter()
        .filter(|path| {
            // What goes away meanwhile is nobody's.
            std::fs::symlink_metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
        })
        // A socket is reached through its folder, which is closed.
        .filter(|path| !path.to_string_lossy().contains("/.bells/"))
        .collect();
    assert!(open.is_empty(), "others may enter or read {open:?}");
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// A folder and everything in it.
fn all_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut all = vec![folder.to_owned()];
    for path in files(folder) {
        if path.is_dir() {
            all.extend(all_below(&path));
        } else {
            all.push(path);
        }
    }
    all
}

#[test]
fn a_session_whose_file_is_no_database_is_reported_and_the_others_are_listed() {
    let home = home_with_a_session();
    let id = ids(&home).remove(0);
    assert_eq!(run(&home, &["-p", "the other"]).code, Some(0));
    std::fs::write(notebook(&home, &id), "nothing of a database is left in here ".repeat(200)).unwrap();
    let listed = run(&home, &["session", "list"]);
    assert_eq!((listed.code, listed.output.lines().count()), (Some(0), 1), "{listed:?}");
    let said = format!("purlin: The session `{id}` cannot be read; `purlin store check` says why.\n");
    assert_eq!(listed.errors, said);
    let continued = run(&home, &["-p", "more", "--continue", "--cwd", &home.root().display().to_string()]);
    assert!(continued.errors.contains("this is a new one. The session"), "{continued:?}");
    assert!(continued.errors.contains(&id), "{continued:?}");
    let checked = run(&home, &["store", "check"]);
    assert!(
        checked.code == Some(1) && checked.output.contains(&format!("purlin store repair {id}")),
        "{checked:?}"
    );
    assert!(run(&home, &["store", "stats"]).code == Some(1));
    assert_eq!(run(&home, &["session", "show", &id]).code, Some(1));
    let repaired = run(&home, &["store", "repair", &id]);
    assert!(repaired.code == Some(1) && repaired.errors.contains("Nothing can be read"), "{repaired:?}");
}

#[test]
fn artifacts_that_nothing_refers_to_are_swept_once_they_are_old() {
    let home = home_with_a_session();
    let paths = paths(&home);
    let reference = FileArtifacts::new(paths.artifacts()).put(b"what is too large for a log").unwrap();
    let notebook = SqliteNotebook::open(&paths, ids(&home).remove(0).into(), OpenMode::Existing).unwrap();
    let attached = Event::FileUploaded {
        artifact_id: reference,
        mime_type: "text/plain".into(),
        file_name: "large.txt".into(),
        created_at: "2026-01-01T00:00:00.000Z".into(),
        created_by: "u".into(),
        file_url: None,
    };
    notebook.store().unwrap().commit(&[attached]).unwrap();
    notebook.close();
    let mut artifacts = purlin_testkit::files(&paths.artifacts());
    artifacts.retain(|path| path.file_name().is_some_and(|name| name.len() == 64));
    assert_eq!(artifacts.len(), 1, "{artifacts:?}");
    assert!(output(&home, &["store", "check"]).contains("and 1 artifact"));
    let age = || {
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 24 * 3_600);
        let file = std::fs::File::options().write(true).open(&artifacts[0]).expect("an artifact");
        file.set_modified(old).expect("its date can be set");
    };
    age();
    assert!(output(&home, &["store", "stats"]).contains("1 artifact, 27 bytes"));
    let swept = output(&home, &["store", "gc"]);
    assert!(
        swept.contains("0 artifacts removed") && swept.contains("1 artifact kept"),
        "a session refers to it: {swept}"
    );
    output(&home, &["session", "delete", &ids(&home)[0], "--yes"]);
    let dry = output(&home, &["store", "gc", "--dry-run"]);
    assert!(dry.contains("1 artifact would be removed"), "{dry}");
    assert!(artifacts[0].exists());
    assert!(output(&home, &["store", "gc"]).contains("1 artifact removed"));
    assert!(!artifacts[0].exists());
}

#[test]
fn processes_that_search_and_list_at_once_all_find_everything() {
    let home = Home::new();
    for prompt in ["one needle", "two needles", "three needle"] {
        assert_eq!(run(&home, &["-p", prompt, "--model", "echo"]).code, Some(0));
    }
    let index = home.data().join("index.db");
    // Each round begins without an index, so that all of them make it.
    for _ in 0..3 {
        drop(std::fs::remove_file(&index));
        let children: Vec<_> = (0..6)
            .map(|n| match n % 2 {
                0 => home.start(PURLIN, &["session", "search", "needle*", "--json"]),
                _ => home.start(PURLIN, &["session", "list"]),
            })
            .collect();
        for (n, child) in children.into_iter().enumerate() {
            let run = Run::of(child);
            assert_eq!((run.code, run.errors.as_str()), (Some(0), ""), "{run:?}");
            // Three prompts, and the echo's answers that repeat them.
            assert_eq!(run.output.lines().count(), if n % 2 == 0 { 6 } else { 3 }, "{run:?}");
        }
    }
}
