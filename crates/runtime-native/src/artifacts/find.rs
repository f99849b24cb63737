//! Finding an artifact by the beginning of its name, and reading one of any size.

use std::fs::{self, File};
use std::io::{self, Seek as _};

use super::reference::{self, SCHEME};
use super::{ArtifactError, FileArtifacts};

/// The fewest digits that may name an artifact.
const ENOUGH: usize = 4;

/// Why a text does not name one artifact.
#[derive(Debug, thiserror::Error)]
pub enum FindArtifactError {
    /// It is no beginning of a name.
    #[error(
        "`{0}` names no artifact: a name is 64 hexadecimal digits, of which the first 4 are enough at the least"
    )]
    Name(String),
    /// No artifact has such a name.
    #[error(
        "there is no artifact `{0}` on this machine; it was deleted, or the session came here without it"
    )]
    None(String),
    /// Several have.
    #[error("`{text}` is the beginning of the names of {} artifacts:\n{}", names.len(), names.join("\n"))]
    Many {
        /// What was looked for.
        text: String,
        /// The names that begin with it, sorted.
        names: Vec<String>,
    },
    /// The folder cannot be read.
    #[error("the folder of the artifacts cannot be read: {0}")]
    Folder(#[from] io::Error),
}

impl FileArtifacts {
    /// Finds the reference of the only artifact whose name begins with a text, which may be a whole reference.
    pub fn find(&self, text: &str) -> Result<String, FindArtifactError> {
        let begin = text.trim().trim_start_matches(SCHEME).to_ascii_lowercase();
        let is_name = begin.bytes().all(|byte| byte.is_ascii_hexdigit()) && begin.len() <= reference::DIGITS;
        if begin.len() < ENOUGH || !is_name {
            return Err(FindArtifactError::Name(text.to_owned()));
        }
        let mut names = Vec::new();
        match fs::read_dir(self.folder.join(&begin[..2])) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
            Ok(entries) => {
                for entry in entries {
                    let name = entry?.file_name().to_string_lossy().into_owned();
                    names.extend((reference::is_hash(&name) && name.starts_with(&begin)).then_some(name));
                }
            }
        }
        names.sort();
        match &names[..] {
            [] => Err(FindArtifactError::None(text.to_owned())),
            [only] => Ok(format!("{SCHEME}{only}")),
            _ => Err(FindArtifactError::Many { text: text.to_owned(), names }),
        }
    }

    /// Opens the artifact of a reference, after its content was held against its name. Its size does not matter.
    pub fn open(&self, reference: &str) -> Result<File, ArtifactError> {
        let refused = || ArtifactError::Reference(reference.to_owned());
        let hash = reference::hash(reference).ok_or_else(refused)?;
        let (path, reference) = (self.place(hash), reference.to_owned());
        let mut hasher = blake3::Hasher::new();
        let read = File::open(&path).and_then(|mut file| {
            io::copy(&mut file, &mut hasher)?;
            file.rewind()?;
            Ok(file)
        });
        match read {
            Ok(file) if hasher.finalize().to_hex().as_str() == hash => Ok(file),
            Ok(_) => Err(ArtifactError::Damaged { reference, path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(ArtifactError::Missing { reference, path })
            }
            Err(source) => Err(ArtifactError::Unreadable { path, source }),
        }
    }
}
