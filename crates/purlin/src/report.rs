//! What a person reads when something went wrong: one message, and what to do about it.

use std::error::Error;
use std::fmt;

/// Whose matter a failure is; it decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The command line makes no sense: exit code 2.
    Usage,
    /// A configuration file, variable or key file cannot be used.
    Config,
    /// A model's server refused or failed.
    Provider,
    /// An extension failed.
    Extension,
    /// The store, the disk or the terminal failed.
    System,
    /// A fault of Purlin itself.
    Internal,
}

/// A failure with one message, hints that say what to do, and the error it came from.
#[derive(Debug)]
pub struct Report {
    /// Whose matter it is.
    pub kind: Kind,
    /// What failed, as full sentences; may span lines where a piece of a file is shown.
    pub message: String,
    /// Full sentences that say what to do.
    pub hints: Vec<String>,
    /// The error underneath.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl Report {
    /// Makes a report without hints.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new(), source: None }
    }

    /// Adds a sentence that says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Carries the error underneath along.
    #[must_use]
    pub fn because(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// The exit code that belongs to the kind.
    pub fn exit_code(&self) -> u8 {
        if self.kind == Kind::Usage { 2 } else { 1 }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let mut source = self.source.as_ref().map(|source| &**source as &dyn Error);
        while let Some(error) = source {
            let text = error.to_string();
            // Wrapping errors often repeat their source; said once is enough.
            if !self.message.contains(&text) {
                write!(f, " ({text})")?;
            }
            source = error.source();
        }
        for hint in &self.hints {
            write!(f, "\n{hint}")?;
        }
        Ok(())
    }
}

impl Error for Report {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn Error + 'static))
    }
}
