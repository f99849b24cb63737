//! What a person runs: `!command` and `!!command` as cells of the lane `shell`, Lua as cells of the lane `lua`.

use std::fmt::Write as _;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use purlin_notebook::{CellKind, CellType, Event, Media, OutputId, StreamName};
use purlin_runtime_core::new_id;

use super::send::{MakeOutput, NewCell};
use super::{Session, SessionError, Submitted};
use crate::hooks::{self, payload};

impl Session {
    /// Runs a command as a shell cell; a hidden one (`!!`) is not shown to models.
    pub fn shell(
        &self,
        command: &str,
        hidden: bool,
    ) -> LocalBoxFuture<'static, Result<Submitted, SessionError>> {
        let (session, mut command) = (self.clone(), command.trim().to_owned());
        async move {
            if command.is_empty() {
                return Err(SessionError::Empty);
            }
            let cwd = session.cwd().display().to_string();
            let fields = || payload!({"command": command, "hidden": hidden, "cwd": cwd});
            let mut outputs: Vec<MakeOutput> = Vec::new();
            if let Some((answer, outcome)) = session.0.hooks.raise::<hooks::UserShell>(fields).await {
                if let Some(reason) = outcome.blocked() {
                    return Err(SessionError::Refused(reason));
                }
                command = answer.command.filter(|command| !command.trim().is_empty()).unwrap_or(command);
                if let Some(result) = answer.result {
                    let text = shown(&result);
                    let id = OutputId::from(new_id(&*session.0.options.host));
                    outputs.push(Box::new(move |cell| Event::TerminalOutputAdded {
                        id,
                        cell_id: cell.clone(),
                        position: 0.0,
                        content: Media::text(text),
                        stream_name: StreamName::Stdout,
                    }));
                }
            }
            let cell = NewCell {
                hidden,
                // An extension's result stands in place of a run.
                request: outputs.is_empty(),
                ..NewCell::new(command, CellKind::Shell, CellType::Code)
            };
            let (cell, queue) = session.commit_cell(cell, outputs).await?;
            Ok(Submitted::Prompt { cell, queue })
        }
        .boxed_local()
    }
}

impl Session {
    /// Evaluates Lua as a cell of the lane `lua`, which models are not shown.
    pub fn lua(&self, source: &str) -> LocalBoxFuture<'static, Result<Submitted, SessionError>> {
        let (session, source) = (self.clone(), source.trim().to_owned());
        async move {
            if source.is_empty() {
                return Err(SessionError::Empty);
            }
            let cell = NewCell {
                hidden: true,
                request: true,
                ..NewCell::new(source, CellKind::Lua, CellType::Code)
            };
            let (cell, queue) = session.commit_cell(cell, Vec::new()).await?;
            Ok(Submitted::Prompt { cell, queue })
        }
        .boxed_local()
    }
}

/// The output of an extension's result, with its exit code if that tells something.
fn shown(result: &serde_json::Value) -> String {
    let mut text = result["output"].as_str().unwrap_or_default().to_owned();
    if let Some(code) = result["exit_code"].as_i64().filter(|code| *code != 0) {
        let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        // Writing into a string cannot fail.
        let _ = write!(text, "{newline}[exit code {code}]");
    }
    text
}
