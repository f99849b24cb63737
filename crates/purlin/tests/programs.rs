//! The programs of `examples/lua`, played as a person plays them.

use std::path::PathBuf;

use purlin_testkit::{Ended, Home, Pty, Screen};

const PURLIN: &str = env!("CARGO_BIN_EXE_purlin");

fn example(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/lua").join(name).display().to_string()
}

/// Starts one of the programs on a screen of 24 rows and this many columns.
fn start(home: &Home, name: &str, columns: u16, arguments: &[&str]) -> Pty {
    home.be_patient();
    let file = example(name);
    let mut all = vec!["--bare", "-e", file.as_str()];
    all.extend(arguments);
    Pty::spawn(PURLIN, &all, home, 24, columns)
}

/// The row and the column in cells at which a text stands.
fn place(screen: &Screen, text: &str) -> Option<(u16, u16)> {
    let (rows, columns) = screen.size();
    let at = |row: u16, column: u16| screen.cell(row, column).is_some_and(|cell| cell.contents() == text);
    (0..rows.get())
        .find_map(|row| (0..columns.get()).find(|column| at(row, *column)).map(|column| (row, column)))
}

#[test]
fn the_programs_know_nothing_of_chats() {
    for name in ["picker.lua", "gitlog.lua", "snake.lua"] {
        let source = std::fs::read_to_string(example(name)).expect("the program is there").to_lowercase();
        for noun in ["composer", "transcript", "chat", "session", "agent", "prompt_", "model", "status"] {
            assert!(!source.contains(noun), "{name} says `{noun}`");
        }
    }
}

#[test]
fn no_size_of_the_screen_and_no_key_breaks_a_program() {
    for name in ["picker.lua", "gitlog.lua", "snake.lua"] {
        let home = repository();
        let mut pty = start(&home, name, 80, &[]);
        pty.wait_for("the screen", |screen| screen.contents().trim().len() > 20);
        for (rows, columns) in [(1, 1), (3, 9), (5, 20), (8, 40), (50, 200), (24, 80)] {
            pty.resize(rows, columns);
            pty.send("j\x1b[A\x1b[B\x1b[C\x1b[D\x1b[5~\x1b[6~\t \x04\x15n");
        }
        pty.send("\x03\x03");
        assert_eq!(pty.wait_end(), Ended::Code(0), "{name}");
        pty.assert_restored();
        let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
        assert!(!raw.contains("Extension"), "{name}: {raw}");
    }
}

// The file picker.

fn folder() -> Home {
    let home = Home::new();
    home.file("README.md", "# About\n");
    home.file("src/main.rs", "fn main() {\n    println!(\"here I am\");\n}\n");
    home.file("src/mend.rs", "// nothing\n");
    home.file("notes/it's.txt", "one\ntwo\n");
    std::fs::write(home.work().join("picture.bin"), [0_u8; 64]).expect("the folder is writable");
    home
}

#[test]
fn the_picker_filters_previews_and_prints() {
    let home = folder();
    let mut pty = start(&home, "picker.lua", 100, &[]);
    pty.wait_text("5 of 5");
    pty.send("smai");
    pty.wait_text("1 of 5");
    pty.wait_text("▸ src/main.rs");
    pty.wait_text("here I am");
    pty.send("\r");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    pty.assert_restored();
    assert_eq!(pty.dump().trim(), "./src/main.rs");
}

#[test]
fn the_picker_moves_and_says_what_it_cannot_show() {
    let home = folder();
    let mut pty = start(&home, "picker.lua", 100, &[]);
    pty.wait_text("▸ README.md");
    // A click on the second row of the list, then one row down.
    pty.send("\x1b[<0;5;5M\x1b[<0;5;5m");
    pty.wait_text("▸ notes/it's.txt");
    pty.send("\x1b[B");
    pty.wait_text("▸ picture.bin");
    pty.wait_text("64 bytes that are no text");
    pty.send("\x1b[A");
    pty.wait_text("▸ notes/it's.txt");
    pty.wait_text("two");
    pty.send("zzz");
    pty.wait_text("nothing has these letters in this order");
    pty.send("\r\x1b");
    assert_eq!(pty.wait_end(), Ended::Code(1));
}

#[test]
fn the_picker_hands_the_terminal_to_an_editor_and_takes_it_back() {
    let mut home = folder();
    home.file("edit.sh", "echo \"edits $1\"\nread answer\n");
    home.set("EDITOR", "sh edit.sh");
    let mut pty = start(&home, "picker.lua", 100, &[]);
    pty.wait_text("6 of 6");
    pty.send("note");
    pty.wait_text("▸ notes/it's.txt");
    pty.send("\x05");
    pty.wait_text("edits ./notes/it's.txt");
    pty.send("\r");
    pty.wait_text("▸ notes/it's.txt");
    pty.send("\r");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    pty.assert_restored();
}

#[test]
fn the_picker_takes_another_folder_and_a_narrow_screen() {
    let home = folder();
    let mut pty = start(&home, "picker.lua", 40, &["--", "src"]);
    pty.wait_text("2 of 2");
    pty.wait_text("▸ main.rs");
    pty.wait_text("here I am");
    pty.resize(10, 40);
    pty.wait_gone("here I am");
    pty.send("\r");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    assert_eq!(pty.dump().trim(), "src/main.rs");
    let mut pty = start(&home, "picker.lua", 80, &["--", "nowhere"]);
    pty.wait_text("cannot search");
    pty.send("\x1b");
    assert_eq!(pty.wait_end(), Ended::Code(1));
}

// The history of a repository.

fn git(home: &Home, arguments: &[&str]) {
    let done = home
        .command("git")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .output()
        .expect("git is installed");
    assert!(done.status.success(), "{done:?}");
}

/// A repository of three commits.
fn repository() -> Home {
    let home = Home::new();
    git(&home, &["init", "-q"]);
    for (subject, text) in
        [("Plant a tree", "oak\n"), ("Water the tree", "oak\nwater\n"), ("Fell the tree", "water\n")]
    {
        home.file("garden.txt", text);
        git(&home, &["add", "-A"]);
        git(&home, &["commit", "-q", "-m", subject]);
    }
    home
}

#[test]
fn the_history_shows_what_each_commit_changed() {
    let home = repository();
    let mut pty = start(&home, "gitlog.lua", 120, &[]);
    pty.wait_text("1/3");
    pty.wait_text("-oak");
    pty.send("j");
    pty.wait_text("2/3");
    pty.wait_text("+water");
    pty.wait_gone("-oak");
    let (row, column) = pty.with_screen(|screen| {
        let row = screen.rows(0, 120).position(|row| row.contains("+water")).expect("it is there");
        (row as u16, screen.rows(0, 120).nth(row).and_then(|row| row.find("+water")).expect("it is there"))
    });
    assert!(row > 3 && column > 50, "{row} {column}");
    pty.send("G");
    pty.wait_text("3/3");
    pty.wait_text("+oak");
    pty.send("gg");
    pty.wait_text("1/3");
    pty.send("q");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    pty.assert_restored();
}

#[test]
fn the_history_is_searched_on_either_side() {
    let home = repository();
    let mut pty = start(&home, "gitlog.lua", 120, &[]);
    pty.wait_text("-oak");
    pty.send("/pl");
    pty.wait_text("new file mode");
    pty.send("ant\r");
    pty.wait_text("3/3");
    pty.send("/water\x1b");
    pty.wait_text("3/3");
    pty.send("\t/nowhere to be found");
    pty.wait_text("is not there");
    pty.send("\rq");
    assert_eq!(pty.wait_end(), Ended::Code(0));
}

#[test]
fn the_history_stands_below_on_a_narrow_screen_and_takes_arguments() {
    let home = repository();
    let mut pty = start(&home, "gitlog.lua", 120, &["--", "--grep", "Water"]);
    pty.wait_text("1/1");
    pty.wait_text("+water");
    pty.resize(30, 60);
    pty.wait_for("both sides below one another", |screen| {
        let row_of = |text: &str| screen.rows(0, 60).position(|row| row.contains(text));
        matches!((row_of("Water the tree"), row_of("+water")), (Some(log), Some(diff)) if diff > log + 5)
    });
    pty.send("q");
    assert_eq!(pty.wait_end(), Ended::Code(0));
}

#[test]
fn where_there_is_no_history_it_says_what_git_says() {
    let home = Home::new();
    let mut pty = start(&home, "gitlog.lua", 80, &[]);
    assert_eq!(pty.wait_end(), Ended::Code(1));
    assert!(pty.dump().contains("not a git repository"), "{}", pty.dump());
}

// Snake: with the speed 0 it takes a step with each key and none by itself.

fn snake(seed: &str) -> (Home, Pty) {
    let mut home = Home::new();
    home.set("PURLIN_OPT_SNAKE_SPEED", "0");
    home.set("PURLIN_OPT_SNAKE_SEED", seed);
    let pty = start(&home, "snake.lua", 80, &[]);
    pty.wait_for("a game", |screen| screen.contents().contains("an arrow begins") && food(screen).is_some());
    (home, pty)
}

/// The board's cell in which the food lies: 30 × 18 cells of two columns, framed, in the middle of 80 × 23.
fn food(screen: &Screen) -> Option<(i32, i32)> {
    let (row, column) = place(screen, "●")?;
    Some(((i32::from(column) - 10) / 2, i32::from(row) - 3))
}

/// The keys that lead a snake that has just begun, at 15, 9 and to the right, to a cell.
fn way((x, y): (i32, i32)) -> String {
    let (right, left, down, up) = ("\x1b[C", "\x1b[D", "\x1b[B", "\x1b[A");
    let across = |steps: i32| if steps < 0 { left } else { right }.repeat(steps.unsigned_abs() as usize);
    if y == 9 && x < 15 {
        return format!("{up}{}{down}", across(x - 15));
    }
    let along = if y < 9 { up } else { down }.repeat((y - 9).unsigned_abs() as usize);
    format!("{along}{}", across(x - 15))
}

#[test]
fn a_snake_eats_grows_and_dies_and_begins_anew() {
    let (_home, mut pty) = snake("7");
    let found = pty.with_screen(food).expect("there is food");
    pty.send(&way(found));
    pty.wait_text("score 1");
    pty.send(&"\x1b[A".repeat(20));
    pty.send(&"\x1b[C".repeat(40));
    pty.wait_text("game over");
    pty.wait_text("best 1");
    pty.send("n");
    pty.wait_text("an arrow begins");
    pty.wait_text("score 0");
    pty.send("q");
    assert_eq!(pty.wait_end(), Ended::Code(0));
    pty.assert_restored();
}

#[test]
fn the_same_seed_is_the_same_game() {
    let places: Vec<_> =
        ["7", "7", "8"].iter().map(|seed| snake(seed).1.with_screen(food).expect("there is food")).collect();
    assert_eq!(places[0], places[1]);
    assert_ne!(places[0], places[2]);
}

#[test]
fn a_snake_waits_when_nobody_looks() {
    let (_home, pty) = snake("7");
    pty.send("\x1b[A");
    pty.wait_gone("an arrow begins");
    pty.send("\x1b[O");
    pty.wait_text("paused");
    pty.send("\x1b[I ");
    pty.wait_gone("paused");
    pty.resize(5, 20);
    pty.wait_text("too small");
    pty.resize(24, 80);
    // The game is still there.
    pty.wait_text("space goes on");
    pty.send(" ");
    pty.wait_gone("paused");
}

#[test]
fn a_snake_goes_by_itself() {
    let mut home = Home::new();
    home.set("PURLIN_OPT_SNAKE_SPEED", "20");
    let pty = start(&home, "snake.lua", 80, &[]);
    pty.wait_text("an arrow begins");
    pty.send("\x1b[A");
    pty.wait_text("game over");
}
