//! Large bytes live outside the log: the store of artifacts as the core sees it.

pub(crate) mod client;
mod remote;

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::future::{LocalBoxFuture, ready};

pub use client::{ArtifactClient, ArtifactError, FileUpload, artifact_base_url};
pub use remote::RemoteArtifacts;

/// A place for bytes that are too many for the log.
pub trait Artifacts: 'static {
    /// Stores bytes and answers the reference under which they are found, `artifact:<hash>` in the local file store.
    ///
    /// The error is a full sentence for people.
    fn put(&self, bytes: &[u8]) -> Result<String, String>;

    /// Opens an artifact that is written piece by piece.
    fn writer(&self) -> Result<Box<dyn ArtifactWriter>, String>;

    /// Returns how many bytes of one output are kept; what comes after them is left out, and the output says so. Default
    /// 64 MiB, for places that are memory.
    fn limit(&self) -> u64 {
        64 * 1024 * 1024
    }

    /// Stores content of a mime type and answers its reference; may take as long as a network does.
    ///
    /// The error is a full sentence for people. By default the bytes are [`put`](Self::put), at once.
    fn submit(&self, bytes: Vec<u8>, _mime: &str) -> LocalBoxFuture<'static, Result<String, String>> {
        Box::pin(ready(self.put(&bytes)))
    }

    /// Returns where readers find an artifact: an address if it is on a server, else the reference itself.
    fn url(&self, reference: &str) -> String {
        reference.to_owned()
    }
}
/// An artifact that is being written; dropping it unfinished leaves nothing behind.
pub trait ArtifactWriter {
    /// Appends bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<(), String>;
    /// Ends the artifact and answers its reference.
    fn finish(self: Box<Self>) -> Result<String, String>;
}

/// Keeps nothing: what is beyond the inline limit is left out and the notice says so.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoArtifacts;

impl Artifacts for NoArtifacts {
    fn put(&self, _bytes: &[u8]) -> Result<String, String> {
        Err("This runtime has no place for artifacts.".to_owned())
    }

    fn writer(&self) -> Result<Box<dyn ArtifactWriter>, String> {
        Err("This runtime has no place for artifacts.".to_owned())
    }
}

/// Keeps artifacts in memory, numbered in the order of their arrival; for tests and short-lived notebooks.
#[derive(Clone, Debug, Default)]
pub struct MemoryArtifacts(Rc<RefCell<Vec<Vec<u8>>>>);

impl MemoryArtifacts {
    /// Makes an empty place.
    pub fn new() -> Self {
        Self::default()
    }

    /// Finds the bytes behind a reference.
    pub fn get(&self, reference: &str) -> Option<Vec<u8>> {
        let index: usize = reference.strip_prefix("artifact:")?.parse().ok()?;
        self.0.borrow().get(index).cloned()
    }

    /// Counts the artifacts.
    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Artifacts for MemoryArtifacts {
    fn put(&self, bytes: &[u8]) -> Result<String, String> {
        let mut all = self.0.borrow_mut();
        all.push(bytes.to_vec());
        Ok(format!("artifact:{}", all.len() - 1))
    }

    fn writer(&self) -> Result<Box<dyn ArtifactWriter>, String> {
        Ok(Box::new(MemoryWriter { place: self.clone(), bytes: Vec::new() }))
    }
}

struct MemoryWriter {
    place: MemoryArtifacts,
    bytes: Vec<u8>,
}

impl ArtifactWriter for MemoryWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<String, String> {
        self.place.put(&self.bytes)
    }
}
