//! Which files a named extension path means.

use std::fs;
use std::path::{Path, PathBuf};

/// One entry: a file or folder that is an extension, or a sentence why it is none.
pub type Found = Result<PathBuf, String>;

/// Resolves a path: a `.lua` file is itself; a folder with `init.lua` or `purlin.toml` is one extension; any other
/// folder holds one for each `.lua` file and each such folder in it, sorted by name, tests excepted.
pub fn resolve(path: &Path) -> Vec<Found> {
    if path.is_file() {
        return vec![if is_lua(path) {
            Ok(path.to_owned())
        } else {
            Err(format!("`{}` is not loaded: an extension is a `.lua` file or a folder.", path.display()))
        }];
    }
    if is_extension_folder(path) {
        return vec![Ok(path.to_owned())];
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => {
            return vec![Err(format!("The extension `{}` cannot be read: {error}.", path.display()))];
        }
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| (is_lua(path) && !is_test(path) && path.is_file()) || is_extension_folder(path))
        .collect();
    found.sort();
    if found.is_empty() {
        return vec![Err(format!("`{}` holds no extension.", path.display()))];
    }
    found.into_iter().map(Ok).collect()
}

fn is_lua(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "lua" || end == "luau")
}

fn is_test(path: &Path) -> bool {
    path.file_stem()
        .and_then(|stem| stem.to_str())
        .is_some_and(|stem| stem.ends_with("_test") || stem.ends_with("_spec"))
}

fn is_extension_folder(path: &Path) -> bool {
    path.join("init.lua").is_file() || path.join("purlin.toml").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_mean_files_folders_and_collections() {
        let root = std::env::temp_dir().join(format!("purlin-extensions-{}", std::process::id()));
        let touch = |name: &str| {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            path
        };
        let (b, a) = (touch("many/b.lua"), touch("many/a.lua"));
        touch("many/a_test.lua");
        touch("many/b_spec.lua");
        touch("many/notes.txt");
        touch("many/c/init.lua");
        let text = touch("text.md");
        fs::create_dir_all(root.join("empty")).unwrap();

        assert_eq!(resolve(&b), [Ok(b.clone())]);
        assert_eq!(resolve(&root.join("many")), [Ok(a), Ok(b), Ok(root.join("many/c"))]);
        assert_eq!(resolve(&root.join("many/c")), [Ok(root.join("many/c"))]);
        for (path, why) in
            [(text, "`.lua` file"), (root.join("empty"), "no extension"), (root.join("gone"), "read")]
        {
            assert!(matches!(&resolve(&path)[..], [Err(sentence)] if sentence.contains(why)), "{path:?}");
        }
        fs::remove_dir_all(&root).unwrap();
    }
}
