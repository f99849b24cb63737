//! Asking through the store, where a gate had nobody to ask.

use purlin_runtime_core::{Decision, ExecutionError, ToolRequest};
use serde_json::Value;

use super::run::{Run, Stop};

/// The reason of a gate whose question found nobody to answer it.
pub(super) const NOBODY: &str = "no_ui";

impl Run {
    /// Lets whichever surface shows the session answer in the gate's place; the reason if the call may not run.
    pub(super) async fn ask_elsewhere(
        &self,
        call_id: &str,
        tool: &str,
        arguments: &Value,
    ) -> Result<Option<String>, Stop> {
        let request = ToolRequest { call_id, tool, arguments, built_in: false };
        match self.cx.approve(request).await {
            Ok(Decision::Approved) => Ok(None),
            Ok(Decision::Denied) => Ok(Some("user".to_owned())),
            Ok(Decision::TimedOut) => Ok(Some("timeout".to_owned())),
            Err(ExecutionError::Cancelled) => Err(Stop::Cancelled),
            Err(error) => Err(Stop::failed("StoreError", error)),
        }
    }
}
