//! What a tool prints while it runs.

use std::cell::RefCell;

use purlin_notebook::{OutputMeta, Role, StreamName};
use purlin_runtime_core::{ExecutionContext, TextKind, TextStream};

use super::speech::FRAME;
use crate::hooks::{self, Raiser, payload};

/// What a tool prints while it runs: one output of role `tool_output`, opened with its first text.
pub(super) struct Printed {
    cx: ExecutionContext,
    hooks: Raiser,
    call_id: String,
    tool: String,
    state: RefCell<PrintedState>,
}

#[derive(Default)]
struct PrintedState {
    stream: Option<TextStream>,
    untold: Option<(StreamName, String)>,
    told_at: u64,
}

impl Printed {
    pub(super) fn new(cx: &ExecutionContext, hooks: &Raiser, call_id: &str, tool: &str) -> Self {
        Self {
            cx: cx.clone(),
            hooks: hooks.clone(),
            call_id: call_id.to_owned(),
            tool: tool.to_owned(),
            state: RefCell::new(PrintedState::default()),
        }
    }

    /// Both streams go into one output, as a terminal would show them.
    pub(super) fn put(&self, name: StreamName, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut state = self.state.borrow_mut();
        let stream = state.stream.get_or_insert_with(|| {
            let meta = OutputMeta::new(Role::ToolOutput).with_call(&self.call_id);
            self.cx.open_text(TextKind::Terminal(StreamName::Stdout), meta)
        });
        stream.append(text);
        if !self.hooks.wants(&hooks::TOOL_DELTA) {
            return;
        }
        if state.untold.as_ref().is_some_and(|(untold, _)| *untold != name) {
            self.tell(&mut state);
        }
        state.untold.get_or_insert_with(|| (name, String::new())).1.push_str(text);
        let now = self.cx.host().mono();
        if now.saturating_sub(state.told_at) >= FRAME.as_millis() as u64 {
            state.told_at = now;
            self.tell(&mut state);
        }
    }

    fn tell(&self, state: &mut PrintedState) {
        let Some((name, text)) = state.untold.take() else { return };
        self.hooks.observe::<hooks::ToolDelta>(|| {
            payload!({
                "tool_name": self.tool, "tool_call_id": self.call_id, "chunk": text, "stream": name.as_str(),
            })
        });
    }

    pub(super) fn finish(&self) {
        let mut state = self.state.borrow_mut();
        self.tell(&mut state);
        if let Some(stream) = state.stream.take() {
            stream.finish();
        }
    }
}
