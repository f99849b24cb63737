//! What the cores need of a Unix machine: the store on disk, the locks, the host.
//!
//! [`SqliteNotebook`] is an open notebook: one file, one thread that writes it, [`SqliteStore`] handles that read it
//! and a [`StoreClient`] for a thread that must not block. [`lock`] tells which runtime sessions are alive, [`sessions`]
//! which sessions there are, [`index`] what was said in them, [`Paths`] where everything lies. A runtime as a program of
//! its own is a [`serve::Program`].
//!
//! This crate draws nothing and decides nothing about agents. It alone names SQLite and the HTTP client.
//!
//! Invariants:
//! - Log and tables change in one transaction, and a batch is whole or absent, whatever happens to the process.
//! - Nothing polls: the store thread sleeps until a command or the doorbell wakes it.
//! - A damaged file is kept aside and reported, never overwritten.
//!
//! ```no_run
//! use purlin_notebook::{Event, NotebookId, Store, StoreExt};
//! use purlin_runtime_native::{OpenMode, Paths, SqliteNotebook};
//!
//! let paths = Paths::from_env(&|name| std::env::var_os(name))?;
//! let notebook = SqliteNotebook::open(&paths, NotebookId::from("plans"), OpenMode::Create)?;
//! let store = notebook.store()?;
//! store.commit(&[Event::NotebookTitleChanged { title: "Plans".into() }])?;
//! assert_eq!(store.metadata()?["title"], "Plans");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod artifacts;
mod doorbell;
mod echo;
pub mod host;
pub mod index;
pub mod lock;
mod logging;
pub mod paths;
pub mod private;
pub mod process;
mod ready;
pub mod serve;
pub mod sessions;
pub mod shell;
pub mod signals;
pub mod store;

pub use artifacts::FileArtifacts;
pub use echo::EchoHandler;
pub use host::{KernelHost, NativeHost};
pub use index::Index;
pub use logging::{LogSink, console_log};
pub use paths::Paths;
pub use ready::unread;
pub use shell::ShellHandler;
pub use store::{OpenError, OpenMode, SqliteNotebook, SqliteStore, StoreClient};
