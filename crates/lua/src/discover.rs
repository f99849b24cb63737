//! What a path given by a person stands for: which files are extensions, and what they are called.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The manifest file of a folder extension.
const MANIFEST: &str = "purlin.toml";
/// The entry file of a folder extension without a manifest file.
const ENTRY: &str = "init.lua";

/// Names under which the program itself keeps state or takes options.
const RESERVED: [&str; 3] = ["lua", "configuration", "purlin"];
/// So much of a wrong name is told.
const LONGEST_SHOWN: usize = 80;

/// A larger entry file is no manifest.
const MAX_MANIFEST: u64 = 64 * 1024;
/// Looks at the interrupt after which a manifest is taken for code.
const MAX_TURNS: u32 = 1_000;

/// Why a path is no extension.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// There is nothing at the path.
    #[error("`{0}` does not exist")]
    Missing(PathBuf),
    /// The file is not Lua source.
    #[error("`{0}` is not an extension: a file ending in `.lua`, or a folder, is")]
    WrongSuffix(PathBuf),
    /// The folder holds no extension.
    #[error(
        "`{0}` holds no extension: there is no `.lua` file in it and no folder with `init.lua` or `purlin.toml`"
    )]
    Empty(PathBuf),
    /// The folder holds several, where one was asked for.
    #[error("`{0}` holds {1} extensions, and one was asked for")]
    Several(PathBuf, usize),
    /// The manifest cannot be used.
    #[error("`{path}`: {reason}")]
    Manifest {
        /// The manifest file.
        path: PathBuf,
        /// What is wrong, with line and column where known.
        reason: String,
    },
    /// The operating system refused.
    #[error("cannot read `{path}`: {reason}")]
    Unreadable {
        /// What was read.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
}

/// One extension found on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) name: String,
    /// The file or folder that stands for it and for nothing else.
    pub(crate) path: PathBuf,
    /// The file that is run.
    pub(crate) entry: PathBuf,
    /// The folder that `require` searches first.
    pub(crate) root: PathBuf,
    /// What its manifest says of it.
    pub(crate) description: String,
    pub(crate) version: String,
}

/// `purlin.toml` of a folder extension.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    name: Option<String>,
    #[serde(default)]
    version: String,
    api_version: Option<toml::Value>,
    #[serde(default)]
    description: String,
    entry: Option<String>,
}

/// Where something was looked for, and what was found there.
pub type Looked<T> = (PathBuf, Result<T, PathError>);

/// The extensions a path stands for, in the order in which they load; of a folder of extensions each with the file or folder
/// it was looked for in.
pub(crate) fn discover(path: &Path) -> Result<Vec<Looked<Found>>, PathError> {
    if !path.exists() {
        return Err(PathError::Missing(path.to_owned()));
    }
    if path.is_file() {
        if path.extension().is_none_or(|suffix| suffix != "lua") {
            return Err(PathError::WrongSuffix(path.to_owned()));
        }
        return Ok(vec![(path.to_owned(), named(of_file(path)))]);
    }
    if let Some(found) = of_folder(path)? {
        return Ok(vec![(path.to_owned(), Ok(found))]);
    }
    let mut found = Vec::new();
    for entry in sorted(path)? {
        if entry.is_dir() {
            if let Some(inner) = of_folder(&entry).transpose() {
                found.push((entry, inner));
            }
        } else if is_source(&entry) {
            let file = named(of_file(&entry));
            found.push((entry, file));
        }
    }
    if found.is_empty() {
        return Err(PathError::Empty(path.to_owned()));
    }
    Ok(found)
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, PathError> {
    let unreadable =
        |error: std::io::Error| PathError::Unreadable { path: folder.to_owned(), reason: error.to_string() };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.path());
    }
    entries.sort();
    Ok(entries)
}

/// Whether a file of a folder is an extension of its own: Lua source, and not a test.
fn is_source(path: &Path) -> bool {
    let name = stem(path);
    let is_test = name.ends_with("_test") || name.ends_with("_spec");
    path.extension().is_some_and(|suffix| suffix == "lua") && !is_test && !name.starts_with('.')
}

/// Refuses the names that mean something else: each names the state and the options of its extension.
fn named(found: Found) -> Result<Found, PathError> {
    if RESERVED.contains(&found.name.as_str()) {
        let reason = format!("no extension can be called `{}`; the program uses the name itself", found.name);
        return Err(PathError::Manifest { path: found.entry, reason });
    }
    Ok(found)
}

/// Refuses a name that a manifest gives and that would not do for a file.
fn check_name(name: &str, manifest: &Path) -> Result<(), PathError> {
    let plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if plain && !name.is_empty() && !name.starts_with('.') {
        return Ok(());
    }
    let shown: String = name.escape_debug().take(LONGEST_SHOWN).collect();
    let reason = format!(
        "`{shown}` is no name of an extension; letters, digits, `-`, `_` and `.` are, where `.` is not the first"
    );
    Err(PathError::Manifest { path: manifest.to_owned(), reason })
}

fn of_file(path: &Path) -> Found {
    Found {
        name: stem(path),
        path: path.to_owned(),
        entry: path.to_owned(),
        root: path.parent().map_or_else(PathBuf::new, Path::to_owned),
        description: String::new(),
        version: String::new(),
    }
}

fn of_folder(path: &Path) -> Result<Option<Found>, PathError> {
    let manifest = path.join(MANIFEST);
    if manifest.is_file() {
        return of_manifest(path, &manifest).map(Some);
    }
    let entry = path.join(ENTRY);
    if !entry.is_file() {
        return Ok(None);
    }
    let mut found =
        Found { name: folder_name(path), path: path.to_owned(), root: path.to_owned(), ..of_file(&entry) };
    if let Some((level, [name, version, description])) = manifest_table(&entry) {
        check_level(level).map_err(|reason| PathError::Manifest { path: entry.clone(), reason })?;
        if !name.trim().is_empty() {
            check_name(&name, &entry)?;
            found.name = name;
        }
        found.version = version;
        found.description = description;
    }
    named(found).map(Some)
}

/// The API level, and name, version and description, of an entry file that is a manifest and nothing else: `return { … }`.
///
/// It is evaluated in an interpreter without a single function, so nothing of the extension runs before it is loaded.
fn manifest_table(entry: &Path) -> Option<(Option<u32>, [String; 3])> {
    let found = std::fs::metadata(entry).ok()?;
    if !found.is_file() || found.len() > MAX_MANIFEST {
        return None;
    }
    let source = std::fs::read_to_string(entry).ok()?;
    let code =
        source.lines().map(str::trim_start).find(|line| !line.is_empty() && !line.starts_with("--"))?;
    code.strip_prefix("return")
        .filter(|rest| rest.trim_start().is_empty() || rest.trim_start().starts_with('{'))?;
    let lua = mlua::Lua::new_with(mlua::StdLib::NONE, mlua::LuaOptions::new()).ok()?;
    lua.globals().clear().ok()?;
    let turns = std::cell::Cell::new(0_u32);
    lua.set_interrupt(move |_| {
        turns.set(turns.get() + 1);
        if turns.get() > MAX_TURNS {
            Err(mlua::Error::runtime("too long"))
        } else {
            Ok(mlua::VmState::Continue)
        }
    });
    let table: mlua::Table = lua.load(source).set_mode(mlua::chunk::ChunkMode::Text).eval().ok()?;
    let word = |name: &str| table.raw_get::<Option<String>>(name).ok().flatten().unwrap_or_default();
    Some((level_of(&word("api_version")), [word("name"), word("version"), word("description")]))
}

fn of_manifest(folder: &Path, file: &Path) -> Result<Found, PathError> {
    let wrong = |reason: String| PathError::Manifest { path: file.to_owned(), reason };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let manifest: Manifest =
        toml::from_str(&text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
    check_level(manifest.api_version.as_ref().and_then(api_level_of)).map_err(wrong)?;
    let entry = folder.join(manifest.entry.as_deref().unwrap_or(ENTRY));
    if !entry.is_file() {
        return Err(wrong(format!("its entry `{}` is missing", entry.display())));
    }
    if let Some(name) = &manifest.name {
        check_name(name, file)?;
    }
    named(Found {
        name: manifest.name.unwrap_or_else(|| folder_name(folder)),
        path: folder.to_owned(),
        entry,
        root: folder.to_owned(),
        description: manifest.description,
        version: manifest.version,
    })
}

/// The API level a manifest asks for: `1`, `"1"` or `"1.2"`.
fn api_level_of(value: &toml::Value) -> Option<u32> {
    match value {
        toml::Value::Integer(level) => u32::try_from(*level).ok(),
        toml::Value::String(text) => level_of(text),
        _ => None,
    }
}

fn level_of(text: &str) -> Option<u32> {
    text.split('.').next()?.parse().ok()
}

fn check_level(asked: Option<u32>) -> Result<(), String> {
    let have = crate::API_LEVEL;
    match asked {
        Some(asked) if asked > have => Err(format!("it needs API level {asked}, and this is level {have}")),
        _ => Ok(()),
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "extension".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// The name of a folder, also when it was written as `.` or `..`.
fn folder_name(path: &Path) -> String {
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    full.file_name().map_or_else(|| "extension".to_owned(), |name| name.to_string_lossy().into_owned())
}
