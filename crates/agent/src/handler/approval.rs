//! Asking through the store, where a gate had nobody to ask.

use purlin_notebook::{OutputMeta, Role};
use purlin_runtime_core::{Decision, ExecutionError, ToolRequest};
use serde_json::Value;

use super::run::{Run, Stop};
use crate::tools::{QUESTION_SERVICE, Unanswered};

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
        self.repeat_question(call_id, tool).await?;
        let request = ToolRequest { call_id, tool, arguments, built_in: false };
        match self.cx.approve(request).await {
            Ok(Decision::Approved) => Ok(None),
            Ok(Decision::Denied) => Ok(Some("user".to_owned())),
            Ok(Decision::TimedOut) => Ok(Some("timeout".to_owned())),
            Err(ExecutionError::Cancelled) => Err(Stop::Cancelled),
            Err(error) => Err(Stop::failed("StoreError", error)),
        }
    }

    /// Notes who asks and in which words, for whoever is to answer in the person's place.
    async fn repeat_question(&self, call_id: &str, tool: &str) -> Result<(), Stop> {
        let Some(port) = self.hooks.as_port() else { return Ok(()) };
        let answered = port.call(QUESTION_SERVICE, Value::Null, None).await.ok();
        let question = answered.and_then(|value| serde_json::from_value::<Unanswered>(value).ok());
        let Some(Unanswered { extension, words }) = question else { return Ok(()) };
        let meta = OutputMeta { extension: Some(extension.clone()), ..OutputMeta::new(Role::Note) };
        let text = format!("`{extension}` asks about `{tool}`: {}", words.trim());
        self.put_markdown(&text, &meta.with_call(call_id)).map(drop)
    }
}
