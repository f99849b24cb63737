//! The main thread's executor.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::report::{Kind, Report};

/// Builds the executor of the main thread; threads for blocking work end soon after it.
pub fn build() -> Result<Runtime, Report> {
    Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(Duration::from_millis(200))
        .build()
        .map_err(|error| Report::new(Kind::System, format!("The executor could not be started: {error}.")))
}
