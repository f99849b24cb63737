//! File work that may take a while, off the agent's thread where there is a place to put it.

/// Runs `work` on the blocking threads of the current tokio runtime; without one (tests) in place.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    match tokio::runtime::Handle::try_current() {
        Ok(handle) => {
            handle.spawn_blocking(work).await.map_err(|error| format!("the file work failed: {error}"))
        }
        Err(_) => Ok(work()),
    }
}
