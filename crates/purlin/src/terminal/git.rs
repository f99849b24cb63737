//! The branch of the working directory, read from the repository's own files.

use std::fs;
use std::path::Path;

/// How many characters of a commit stand for a detached head.
const SHORT: usize = 7;

/// The checked-out branch, or the beginning of the commit; `None` outside of a repository.
pub fn branch(cwd: &Path) -> Option<String> {
    let dot_git = cwd.ancestors().map(|directory| directory.join(".git")).find(|path| path.exists())?;
    let head = if dot_git.is_dir() {
        dot_git.join("HEAD")
    } else {
        // A work tree or a submodule: the file names the folder.
        let text = fs::read_to_string(&dot_git).ok()?;
        let folder = text.strip_prefix("gitdir:")?.trim();
        dot_git.parent()?.join(folder).join("HEAD")
    };
    let text = fs::read_to_string(head).ok()?;
    let text = text.trim();
    match text.strip_prefix("ref: refs/heads/") {
        Some(branch) => Some(branch.to_owned()),
        None => text.get(..SHORT).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_commits_and_work_trees() {
        let root = std::env::temp_dir().join(format!("purlin-git-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("repo/.git/HEAD", "ref: refs/heads/feature/x\n");
        write("repo/.git/worktrees/w/HEAD", "0123456789abcdef\n");
        write("tree/.git", "gitdir: ../repo/.git/worktrees/w\n");
        write("repo/deep/down/file", "");
        assert_eq!(branch(&root.join("repo/deep/down")).as_deref(), Some("feature/x"));
        assert_eq!(branch(&root.join("tree")).as_deref(), Some("0123456"));
        fs::remove_dir_all(&root).unwrap();
    }
}
