//! Cells that arrive without having passed the input hooks: from a web page, from another application.

use purlin_notebook::{CellKind, Event};
use purlin_runtime_core::{ExecutionContext, ExecutionError};

use crate::hooks::{self, Raiser, payload};

/// Runs the input hooks for a prompt that arrived without them; `None` if a handler dealt with it.
pub(super) async fn prepare(hooks: &Raiser, cx: &ExecutionContext) -> Result<Option<String>, ExecutionError> {
    let mut text = cx.source().to_owned();
    if cx.annotation.as_ref().is_some_and(|annotation| annotation.prepared) {
        return Ok(Some(text));
    }
    let attachments = cx.annotation.as_ref().map(|a| a.attachments.clone()).unwrap_or_default();
    let fields = || payload!({"text": text, "source": "remote", "attachments": attachments});
    if let Some((answer, _)) = hooks.raise::<hooks::Input>(fields).await {
        if answer.action.as_deref() == Some("handled") {
            return Ok(None);
        }
        text = answer.text.unwrap_or(text);
    }
    let session = cx.store().identity().store_id;
    let fields = || payload!({"text": text, "attachments": attachments, "session_id": session.as_str()});
    if let Some((answer, _)) = hooks.raise::<hooks::PromptPrepare>(fields).await {
        text = answer.text.unwrap_or(text);
    }
    if text != cx.source() {
        cx.commit(vec![prepared(cx, &text)])?;
    }
    Ok(Some(text))
}

/// The cell's annotation anew, with the text that hooks made of its source.
fn prepared(cx: &ExecutionContext, text: &str) -> Event {
    let old = cx.annotation.as_deref();
    Event::CellAnnotated {
        cell_id: cx.cell.id.clone(),
        kind: old.map_or(CellKind::Ai, |a| a.kind),
        hidden: old.map(|a| a.hidden),
        parent_id: old.and_then(|a| a.parent_id.clone()),
        after_output: old.and_then(|a| a.after_output.clone()),
        extension: old.and_then(|a| a.extension.clone()),
        attachments: old.map(|a| a.attachments.clone()).unwrap_or_default(),
        prepared: Some(true),
        prepared_text: Some(text.to_owned()),
        data: old.and_then(|a| a.data.clone()).map(|data| data.into_iter().collect()),
    }
}
