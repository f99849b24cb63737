//! Searching a million outputs through the index, and listing two thousand sessions, beside what scanning costs.
//!
//! Prints `name=value` pairs for `cargo xtask bench`; times are in milliseconds. `PURLIN_BENCH_OUTPUTS` sets another
//! number of outputs, `PURLIN_BENCH_FOLDER` another place than the folder for temporary files.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use purlin_notebook::{CellType, Event, Media, NotebookId, OutputMeta, Role, Store};
use purlin_runtime_native::index::{Asked, Index};
use purlin_runtime_native::{OpenMode, Paths, SqliteNotebook, sessions};
use rusqlite::Connection;

/// Outputs of one session, and of one cell.
const PER_SESSION: usize = 1_000;
const PER_CELL: usize = 10;
/// Sessions of the list.
const LISTED: usize = 2_000;
/// Words that texts are made of; the first ones are the frequent ones.
const VOCABULARY: u64 = 60_000;
/// Words of a text.
const WORDS: u64 = 40;
/// A word in one of a hundred outputs, and one in one of ten thousand.
const COMMON: (&str, usize) = ("purlinite", 100);
const RARE: (&str, usize) = ("rafterite", 10_000);
const HITS: usize = 50;

fn main() {
    let outputs =
        std::env::var("PURLIN_BENCH_OUTPUTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let folder = std::env::var_os("PURLIN_BENCH_FOLDER").map_or_else(std::env::temp_dir, PathBuf::from);
    let scratch = Scratch(folder.join(format!("purlin-search-{}", std::process::id())));
    fs::create_dir_all(&scratch.0).unwrap();
    let mut report = String::new();
    search(&scratch.0, outputs, &mut report);
    list(&scratch.0.join("list"), &mut report);
    println!("{report}");
}

struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder that cannot be removed is the temporary folder's business.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn search(root: &Path, outputs: usize, report: &mut String) {
    let paths = Paths::below(&root.join("search"));
    let mut texts = Texts::new(&root.join("all.txt"), &root.join("all.db"));
    let begun = Instant::now();
    for session in 0..outputs / PER_SESSION {
        write_session(&paths, session, &mut texts);
    }
    texts.finish();
    say(report, "outputs", outputs as f64);
    say(report, "written_s", begun.elapsed().as_secs_f64());
    say(report, "text_mib", mib(texts.bytes));
    let begun = Instant::now();
    let mut index = Index::open(&paths);
    index.update(&mut |_, _| {});
    say(report, "indexed_s", begun.elapsed().as_secs_f64());
    say(report, "index_mib", mib(index.size().bytes));
    say(report, "index_per_text", index.size().bytes as f64 / texts.bytes as f64);
    drop(index);

    let whole = median(9, || {
        let mut index = Index::open(&paths);
        index.update(&mut |_, _| {});
        assert_eq!(index.search(&Asked::parse(COMMON.0), HITS).len(), HITS);
    });
    say(report, "opened_updated_searched", whole);
    let mut index = Index::open(&paths);
    let mut ask = |typed: &str, least: usize| {
        let asked = Asked::parse(typed);
        median(25, || assert!(index.search(&asked, HITS).len() >= least, "{typed}"))
    };
    say(report, "search_common", ask(COMMON.0, HITS));
    say(report, "search_rare", ask(RARE.0, (outputs / RARE.1).min(HITS)));
    say(report, "search_absent", ask("nowhereatall", 0));
    say(report, "search_two_words", ask(&format!("{} {}", COMMON.0, word(3)), 1));
    say(report, "search_frequent_words", ask(&format!("{} {}", word(0), word(1)), HITS));
    say(report, "search_phrase", ask(&format!("\"{} {}\"", word(0), word(1)), 1));
    say(report, "search_beginning", ask(&format!("{}*", &COMMON.0[..6]), HITS));
    say(report, "search_without", ask(&format!("{} -{}", COMMON.0, word(0)), 1));

    let like = |word: &str| {
        let sql = "SELECT text FROM texts WHERE text LIKE ?1 ORDER BY rowid DESC LIMIT ?2";
        median(5, || {
            let mut statement = texts.table.prepare_cached(sql).unwrap();
            let found =
                statement.query_map((format!("%{word}%"), HITS as i64), |row| row.get::<_, String>(0));
            assert!(!found.unwrap().collect::<Vec<_>>().is_empty());
        })
    };
    say(report, "like_common", like(COMMON.0));
    say(report, "like_rare", like(RARE.0));
    let grep = |word: &str| {
        median(5, || {
            let found = Command::new("grep").args(["-F", word]).arg(&texts.path).output().unwrap();
            assert!(found.status.success());
        })
    };
    say(report, "grep_common", grep(COMMON.0));
    say(report, "grep_rare", grep(RARE.0));
}

fn write_session(paths: &Paths, session: usize, texts: &mut Texts) {
    let id = NotebookId::from(format!("s{session:06}"));
    let notebook = SqliteNotebook::open(paths, id, OpenMode::Create).unwrap();
    let store = notebook.store().unwrap();
    let mut batch = Vec::new();
    for output in 0..PER_SESSION {
        let number = session * PER_SESSION + output;
        let cell = format!("c{}", output / PER_CELL);
        if output % PER_CELL == 0 {
            batch.extend(prompt(&cell, &texts.next(number, false)));
        }
        let text = texts.next(number, true);
        let head = text.char_indices().nth(text.len() / 2).map_or(0, |(at, _)| at);
        let content = Media::text(&text[..head]).with_meta(&OutputMeta::new(Role::Text));
        let id = format!("o{output}");
        batch.push(Event::MarkdownOutputAdded {
            id: id.as_str().into(),
            cell_id: cell.into(),
            position: output as f64,
            content,
        });
        batch.push(Event::MarkdownOutputAppended2 {
            id: format!("d{output}"),
            output_id: id.into(),
            delta: text[head..].to_owned(),
            sequence_number: 0,
        });
    }
    store.commit(&batch).unwrap();
    notebook.close();
}

fn prompt(cell: &str, source: &str) -> [Event; 2] {
    [
        Event::CellCreated2 {
            id: cell.into(),
            fractional_index: "m".into(),
            cell_type: CellType::Ai,
            created_by: "u".into(),
        },
        Event::CellSourceChanged { id: cell.into(), source: source.into(), modified_by: "u".into() },
    ]
}

fn list(root: &Path, report: &mut String) {
    let paths = Paths::below(root);
    for session in 0..LISTED {
        let id = NotebookId::from(format!("s{session:06}"));
        let notebook = SqliteNotebook::open(&paths, id, OpenMode::Create).unwrap();
        let cwd =
            Event::NotebookMetadataSet { key: "purlin.cwd".into(), value: format!("/code/{}", session % 40) };
        let mut batch = vec![cwd];
        batch.extend(prompt("c0", "What is a purlin?"));
        notebook.store().unwrap().commit(&batch).unwrap();
        notebook.close();
    }
    let time = |work: &mut dyn FnMut()| {
        let begun = Instant::now();
        work();
        begun.elapsed().as_secs_f64() * 1_000.0
    };
    // What changed within the last moments is read again by whoever asks.
    std::thread::sleep(std::time::Duration::from_millis(100));
    say(report, "list_every_file", time(&mut || assert_eq!(sessions::list(&paths).len(), LISTED)));
    say(report, "list", median(15, || assert_eq!(sessions::list(&paths).len(), LISTED)));
    say(
        report,
        "latest_for",
        median(15, || assert!(sessions::latest_for(&paths, Path::new("/code/7")).is_some())),
    );
    say(report, "ended_ms", at_the_end(&paths));
}

/// What the end of a session of one prompt costs: opening the index and reading that session into it.
fn at_the_end(paths: &Paths) -> f64 {
    let mut number = 0;
    median(9, || {
        let id = NotebookId::from(format!("s{number:06}"));
        number += 1;
        assert!(Index::open(paths).update_one(&id, None));
    })
}

/// The texts, for those who scan them: one to a line of a file, one to a row of a table.
struct Texts {
    state: u64,
    bytes: u64,
    path: PathBuf,
    file: BufWriter<File>,
    table: Connection,
}

impl Texts {
    fn new(path: &Path, table: &Path) -> Self {
        let table = Connection::open(table).unwrap();
        table.execute_batch("PRAGMA synchronous = OFF; CREATE TABLE texts (text TEXT); BEGIN").unwrap();
        let file = BufWriter::new(File::create(path).unwrap());
        Self { state: 1, bytes: 0, path: path.to_owned(), file, table }
    }

    fn next(&mut self, number: usize, is_output: bool) -> String {
        let mut text = String::new();
        for _ in 0..WORDS {
            let word = word(self.frequent());
            text.push_str(&word);
            text.push(' ');
        }
        for (term, every) in [COMMON, RARE] {
            if is_output && number % every == every / 2 {
                let _ = write!(text, "{term} ");
            }
        }
        text.push_str("end.");
        self.bytes += text.len() as u64;
        self.file.write_all(text.as_bytes()).and_then(|()| self.file.write_all(b"\n")).unwrap();
        self.table.prepare_cached("INSERT INTO texts VALUES (?)").unwrap().execute([&text]).unwrap();
        text
    }

    /// A number below the vocabulary's size; small ones come often, as words of a language do.
    fn frequent(&mut self) -> u64 {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = (self.state >> 11) as f64 / (1_u64 << 53) as f64;
        ((VOCABULARY as f64).powf(share) - 1.0) as u64
    }

    fn finish(&mut self) {
        self.file.flush().unwrap();
        self.table.execute_batch("COMMIT").unwrap();
    }
}

/// The word of a number, of three letters and more.
fn word(mut number: u64) -> String {
    let mut word = String::from("w");
    loop {
        word.push((b'a' + (number % 26) as u8) as char);
        number /= 26;
        if number == 0 {
            word.push('o');
            return word;
        }
    }
}

fn median(times: usize, mut work: impl FnMut()) -> f64 {
    let mut all: Vec<f64> = (0..times)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    all.sort_by(f64::total_cmp);
    all[times / 2]
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1_024.0 * 1_024.0)
}

fn say(report: &mut String, name: &str, value: f64) {
    // Writing to a string cannot fail.
    let _ = write!(report, "{name}={value:.4} ");
}
