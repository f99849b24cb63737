//! What went wrong in extension code, with the place it went wrong at.

/// Where something was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The source file.
    pub file: std::rc::Rc<str>,
    /// The line, one-based.
    pub line: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// How a handler failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorKind {
    /// It raised or returned an error.
    #[default]
    Error,
    /// It computed longer than its hard limit and was interrupted.
    Deadline,
    /// It allocated beyond its quota.
    Memory,
    /// It panicked.
    Panic,
    /// It was ended because what it worked for went away, or its extension is suspended.
    Cancelled,
}

impl ErrorKind {
    /// Tells whether the guard had to stop the code by force.
    pub fn is_hard_stop(self) -> bool {
        matches!(self, Self::Deadline | Self::Memory)
    }
}

/// An error of a handler, command, renderer, timer or any other foreign code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(.file.as_deref(), *.line))]
pub struct HandlerError {
    /// What went wrong, in the words of the code that failed.
    pub message: String,
    /// The source file, where known.
    pub file: Option<String>,
    /// The line in that file, one-based.
    pub line: Option<u32>,
    /// How it failed.
    pub kind: ErrorKind,
}

impl HandlerError {
    /// Builds an ordinary error without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), file: None, line: None, kind: ErrorKind::Error }
    }

    /// Builds an error of `kind` without a place.
    pub fn of(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, ..Self::new(message) }
    }

    /// Adds the place at which the error arose.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>, line: u32) -> Self {
        self.file = Some(file.into());
        self.line = Some(line);
        self
    }
}

impl From<String> for HandlerError {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<&str> for HandlerError {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

fn place(file: Option<&str>, line: Option<u32>) -> String {
    match (file, line) {
        (Some(file), Some(line)) => format!("{file}:{line}: "),
        (Some(file), None) => format!("{file}: "),
        _ => String::new(),
    }
}
