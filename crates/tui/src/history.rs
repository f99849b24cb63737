//! What the person has sent before, newest last, shared by all sessions of one user.
//!
//! The file holds one JSON string a line. It is read when it is first needed; each new prompt rewrites it beside itself and renames, so
//! that a reader never sees half of it, and takes over what another process has added meanwhile.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// How many prompts are kept.
const KEPT: usize = 1_000;

/// A prompt longer than this is not kept: recalling it would be no help.
const LONGEST: usize = 64 * 1024;

/// The prompts of before and the place in them.
#[derive(Debug, Default)]
pub struct History {
    file: Option<PathBuf>,
    /// Whether the file has yet to be read.
    unread: bool,
    prompts: Vec<String>,
    /// Where in `prompts` the person is; their number = not recalling.
    at: usize,
    /// What was in the composer before recalling began.
    draft: String,
}

impl History {
    /// Answers a history that lives in this process only.
    pub fn in_memory() -> History {
        History::default()
    }

    /// Answers the history of a file, which is read when it is first needed; a missing one is an empty history.
    pub fn open(file: PathBuf) -> History {
        History { file: Some(file), unread: true, ..History::default() }
    }

    /// Answers the prompts, oldest first.
    pub fn prompts(&mut self) -> &[String] {
        self.read();
        &self.prompts
    }

    fn read(&mut self) {
        if !std::mem::take(&mut self.unread) {
            return;
        }
        let Some(file) = &self.file else { return };
        match read(file) {
            Ok(prompts) => {
                self.at = prompts.len();
                self.prompts = prompts;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(%error, "the prompt history cannot be read"),
        }
    }

    /// Keeps a prompt (unless it repeats the last or begins with a blank) and ends recalling. The file is written
    /// when the answer is called, which may happen on any thread.
    pub fn add(&mut self, prompt: &str) -> Option<impl FnOnce() -> io::Result<()> + Send + use<>> {
        self.read();
        let worth = !prompt.trim().is_empty() && !prompt.starts_with(' ') && prompt.len() <= LONGEST;
        let fresh = worth && self.prompts.last().is_none_or(|last| last != prompt);
        if fresh {
            self.prompts.push(prompt.to_owned());
            let over = self.prompts.len().saturating_sub(KEPT);
            self.prompts.drain(..over);
        }
        self.leave();
        let file = self.file.clone().filter(|_| fresh)?;
        let prompt = prompt.to_owned();
        Some(move || write(&file, prompt))
    }

    /// Ends recalling: the next step back begins at the newest prompt.
    pub fn leave(&mut self) {
        self.at = self.prompts.len();
        self.draft.clear();
    }

    /// Answers the prompt before, given what the composer holds now.
    pub fn previous(&mut self, current: &str) -> Option<String> {
        self.read();
        if self.at >= self.prompts.len() {
            self.at = self.prompts.len();
            current.clone_into(&mut self.draft);
        }
        self.at = self.at.checked_sub(1)?;
        self.prompts.get(self.at).cloned()
    }

    /// Answers the prompt after, and after the newest what had been in the composer.
    pub fn following(&mut self) -> Option<String> {
        if self.at >= self.prompts.len() {
            return None;
        }
        self.at += 1;
        Some(self.prompts.get(self.at).cloned().unwrap_or_else(|| std::mem::take(&mut self.draft)))
    }
}

fn read(file: &Path) -> io::Result<Vec<String>> {
    let text = fs::read_to_string(file)?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn write(file: &Path, prompt: String) -> io::Result<()> {
    let mut prompts = match read(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        read => read.unwrap_or_default(),
    };
    if prompts.last() != Some(&prompt) {
        prompts.push(prompt);
    }
    let from = prompts.len().saturating_sub(KEPT);
    let mut text = String::new();
    for prompt in &prompts[from..] {
        text.push_str(&serde_json::to_string(prompt)?);
        text.push('\n');
    }
    // What somebody asks an agent is nobody else's.
    if let Some(folder) = file.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let beside = file.with_extension(format!("{}.tmp", std::process::id()));
    let mut made = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
    made.write_all(text.as_bytes())?;
    fs::rename(&beside, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recalling_goes_back_and_returns_to_the_draft() {
        let mut history = History::in_memory();
        for prompt in ["one", "two", "two", "  ", " hidden"] {
            history.add(prompt);
        }
        assert_eq!(history.prompts(), ["one", "two"]);
        assert_eq!(history.previous("draft").as_deref(), Some("two"));
        assert_eq!(history.previous("two").as_deref(), Some("one"));
        assert_eq!(history.following().as_deref(), Some("two"));
        assert_eq!(history.following().as_deref(), Some("draft"));
        assert_eq!(history.following(), None);
    }

    #[test]
    fn the_oldest_prompt_is_the_end() {
        let mut history = History::in_memory();
        history.add("only");
        assert_eq!(history.previous("").as_deref(), Some("only"));
        assert_eq!(history.previous("only"), None);
        assert_eq!(history.following().as_deref(), Some(""));
    }

    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = std::env::temp_dir().join(format!("purlin-history-mode-{}", std::process::id()));
        let file = folder.join("history.jsonl");
        History::open(file.clone()).add("a secret").expect("a file")().expect("writable");
        let mode = |path: &Path| fs::metadata(path).expect("exists").permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
        fs::remove_dir_all(folder).expect("was created");
    }

    #[test]
    fn two_processes_share_a_file() {
        let folder = std::env::temp_dir().join(format!("purlin-history-{}", std::process::id()));
        let file = folder.join("history.jsonl");
        let (mut one, mut two) = (History::open(file.clone()), History::open(file.clone()));
        one.add("a\nb").expect("a file")().expect("writable");
        two.add("c").expect("a file")().expect("writable");
        assert_eq!(History::open(file).prompts(), ["a\nb", "c"]);
        fs::remove_dir_all(folder).expect("was created");
    }
}
