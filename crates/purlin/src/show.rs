//! A session as plain text: what `purlin session show` prints.

use purlin_notebook::{
    BranchCell, CellKind, Output, OutputType, QueueStatus, Role, Store, StoreError, StoreExt, TOOL_CALL_MIME,
    TOOL_RESULT_MIME, ToolCall, ToolCallStatus, stream_groups,
};
use serde_json::Value;

/// The current branch of a session, root first.
pub fn session(store: &dyn Store) -> Result<String, StoreError> {
    let mut text = String::new();
    for cell in store.branch_path(None)? {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&self::cell(store, &cell)?);
    }
    Ok(text)
}

/// One cell with its outputs; every part ends with a line end.
pub fn cell(store: &dyn Store, cell: &BranchCell) -> Result<String, StoreError> {
    let mark = match cell.kind() {
        CellKind::Ai => "> ",
        CellKind::Shell => "$ ",
        _ => "",
    };
    let mut text = String::new();
    for line in cell.cell.source.lines() {
        text = text + mark + line + "\n";
    }
    let calls = store.tool_calls(&cell.cell.id)?;
    for group in stream_groups(&store.outputs_of(&cell.cell.id)?) {
        let shown = group.iter().map(|output| self::output(store, output, &calls));
        let shown = shown.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect::<String>();
        if !shown.trim().is_empty() {
            text.push('\n');
            text.push_str(shown.trim_end_matches('\n'));
            text.push('\n');
        }
    }
    if let Some(entry) = store.queue_of(&cell.cell.id)?.last()
        && entry.status == QueueStatus::Cancelled
    {
        text.push_str("\n[interrupted]\n");
    }
    Ok(text)
}

fn output(store: &dyn Store, output: &Output, calls: &[ToolCall]) -> Result<Option<String>, StoreError> {
    let text = match (output.output_type, output.role()) {
        (_, Some(Role::Inject)) => return Ok(None),
        (OutputType::Error, _) => {
            let data: Value =
                output.data.as_deref().and_then(|data| serde_json::from_str(data).ok()).unwrap_or_default();
            format!("[error] {}", data["evalue"].as_str().unwrap_or("unknown"))
        }
        (_, Some(Role::ToolCall)) => tool_call(output, calls),
        (_, Some(Role::ToolResult)) => match tool_result(output) {
            Some(text) => text,
            None => return Ok(None),
        },
        (_, Some(Role::Thinking)) => prefixed("| ", &store.text_of(output)?),
        _ => store.text_of(output)?,
    };
    Ok(Some(text))
}

fn tool_call(output: &Output, calls: &[ToolCall]) -> String {
    let content = inline(output, TOOL_CALL_MIME);
    let name = content["tool_name"].as_str().unwrap_or("tool");
    let id = content["tool_call_id"].as_str().unwrap_or_default();
    let call = calls.iter().find(|call| call.tool_call_id == id);
    let state = match call.and_then(|call| call.status) {
        Some(ToolCallStatus::Success) => "",
        Some(ToolCallStatus::Error) => " (failed)",
        Some(ToolCallStatus::Blocked) => " (blocked)",
        Some(ToolCallStatus::Cancelled) => " (cancelled)",
        Some(ToolCallStatus::Interrupted) => " (interrupted)",
        None => " (unfinished)",
    };
    format!("[{name}{state}] {}", content["arguments"])
}

fn tool_result(output: &Output) -> Option<String> {
    let content = inline(output, TOOL_RESULT_MIME);
    let text = match &content["result"] {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    Some(prefixed("  ", &text))
}

fn inline(output: &Output, mime: &str) -> Value {
    let representation = output.representations.as_ref().and_then(|map| map.get(mime));
    match representation {
        Some(purlin_notebook::Media::Inline { data, .. }) => data.clone(),
        _ => Value::Null,
    }
}

fn prefixed(mark: &str, text: &str) -> String {
    text.lines().fold(String::new(), |shown, line| shown + mark + line + "\n")
}
