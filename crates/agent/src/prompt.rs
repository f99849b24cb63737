//! The system prompt: who the model is, where it works, and what the project says.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::settings::Settings;
use crate::tools::ToolSpec;

/// Name of the files with instructions.
pub const CONTEXT_FILE: &str = "AGENTS.md";
/// Bytes of one such file that are read.
const FILE_LIMIT: usize = 64 * 1024;

const BASE: &str = "\
You are Purlin, a coding agent in a person's terminal. You work directly on their machine, in their working directory, \
through tools.

- Look before you answer: read the files and run the commands that settle a question instead of guessing.
- Do what was asked, all of it and nothing besides. If something essential is unclear and cannot be found out, ask.
- Keep to the style, names and libraries of the code around you. Change files with `edit`; use `write` for new ones.
- After a change, check it: build it, run the tests that touch it, read the output. Say plainly what you did not check.
- A result that begins with `Error:` is information. Find the cause; do not repeat the same call. When a person or an \
extension refuses a call, do not try to get around it.
- Before you delete, overwrite or publish what cannot be restored, make sure that it was asked for.
- Answer briefly, in Markdown, in the person's language. Name places as `path:line`. Do not repeat what tools have shown.";

/// One file with instructions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextFile {
    /// Where it was found.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// Builds the system prompt for a session in `cwd`; `date` is today's as `2026-11-21`.
pub fn system_prompt(settings: &Settings, cwd: &Path, date: &str, tools: &[ToolSpec]) -> String {
    let mut prompt = settings.system_prompt.clone().unwrap_or_else(|| BASE.to_owned());
    // Writing into a string cannot fail.
    let _ = write!(
        prompt,
        "\n\nWorking directory: {}\nPlatform: {} ({})\nDate: {date}",
        cwd.display(),
        std::env::consts::OS,
        std::env::consts::ARCH,
    );
    let hints: Vec<&str> = tools.iter().filter_map(|tool| tool.prompt_hint.as_deref()).collect();
    if !hints.is_empty() {
        let _ = write!(prompt, "\n\n{}", hints.join("\n"));
    }
    if settings.context_files {
        for file in context_files(cwd, settings.user_context_file.as_deref()) {
            let _ = write!(
                prompt,
                "\n\n<instructions file=\"{}\">\n{}\n</instructions>",
                file.path.display(),
                file.text
            );
        }
    }
    if let Some(more) = &settings.append_system_prompt {
        let _ = write!(prompt, "\n\n{more}");
    }
    prompt
}

/// The person's own file, then every `AGENTS.md` from the root of the git work tree down to `cwd`.
///
/// Outside of a work tree only the one in `cwd` itself is read: what lies in parents belongs to somebody else.
pub fn context_files(cwd: &Path, user: Option<&Path>) -> Vec<ContextFile> {
    let root = cwd.ancestors().find(|dir| dir.join(".git").exists()).unwrap_or(cwd);
    let mut dirs: Vec<&Path> = cwd.ancestors().take_while(|dir| dir.starts_with(root)).collect();
    dirs.reverse();
    let paths =
        user.map(Path::to_owned).into_iter().chain(dirs.into_iter().map(|dir| dir.join(CONTEXT_FILE)));
    paths.filter_map(read).collect()
}

fn read(path: PathBuf) -> Option<ContextFile> {
    let bytes = std::fs::read(&path).ok()?;
    let mut text = String::from_utf8_lossy(&bytes[..bytes.len().min(FILE_LIMIT)]).trim().to_owned();
    if text.is_empty() {
        return None;
    }
    if bytes.len() > FILE_LIMIT {
        text.push_str("\n[… the rest of the file is too long …]");
    }
    Some(ContextFile { path, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::ToolKind;

    #[test]
    fn instructions_are_read_from_the_root_of_the_work_tree_down() {
        let root = std::env::temp_dir().join(format!("purlin-prompt-{}", std::process::id()));
        let deep = root.join("work/sub/deep");
        std::fs::create_dir_all(&deep).expect("makes directories");
        std::fs::create_dir_all(root.join("work/.git")).expect("makes directories");
        for (place, text) in
            [("", "outside"), ("work", "root"), ("work/sub", "  "), ("work/sub/deep", "deep")]
        {
            std::fs::write(root.join(place).join(CONTEXT_FILE), text).expect("writes");
        }
        let user = root.join("own.md");
        std::fs::write(&user, "mine").expect("writes");
        let texts: Vec<String> =
            context_files(&deep, Some(&user)).into_iter().map(|file| file.text).collect();
        assert_eq!(texts, ["mine", "root", "deep"]);
        let mut settings = Settings::new(deep.clone());
        settings.append_system_prompt = Some("Last.".into());
        let mut spec = ToolSpec::new("t", "", serde_json::json!({}), ToolKind::Other);
        spec.prompt_hint = Some("Use t.".into());
        let prompt = system_prompt(&settings, &deep, "2026-11-21", &[spec]);
        assert!(prompt.contains("Date: 2026-11-21\n\nUse t.\n\n<instructions file="), "{prompt}");
        assert!(prompt.ends_with("\ndeep\n</instructions>\n\nLast."), "{prompt}");
        std::fs::remove_dir_all(&root).expect("removes");
    }
}
