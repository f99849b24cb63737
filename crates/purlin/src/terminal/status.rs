//! What the status line says: model, directory, branch, tokens, state.

use std::env;
use std::path::Path;

use purlin_agent::SessionState;
use purlin_tui::Segment;
use serde_json::json;

use super::desk::Desk;
use super::git;

/// Shows what is known before a session is open.
pub fn begin(desk: &Desk) {
    let cwd = desk.cwd();
    let kernel = desk.kernel();
    kernel.set_context("cwd", json!(cwd.display().to_string()));
    kernel.set_context("interactive", json!(true));
    kernel.set_context("has_ui", json!(true));
    kernel.set_context("working", json!(false));
    show_model(desk, &desk.settings().get().model.to_string());
    set(desk, "cwd", short(&cwd), 20, false);
}

/// Shows how the session stands.
pub fn update(desk: &Desk) {
    let Some(open) = desk.peek() else { return };
    let session = &open.session;
    let model = session.model().unwrap_or_else(|| desk.settings().get().model.clone());
    show_model(desk, &model.to_string());
    let cwd = session.cwd();
    set(desk, "cwd", short(&cwd), 20, false);
    let kept = open.notebook.path().is_some();
    set(desk, "kept", if kept { String::new() } else { "not saved".to_owned() }, 25, false);
    let state = session.state();
    let working = state.is_busy();
    let text = match state {
        SessionState::Idle => "",
        SessionState::Queued { .. } => "waiting",
        SessionState::Working { .. } => "working · esc interrupts",
        SessionState::Running { .. } => "running · esc interrupts",
    };
    let segment = Segment { text: text.to_owned(), fg: "accent".to_owned(), priority: 40, right: true };
    desk.screen().set_segment("state", &segment);
    desk.kernel().set_context("working", json!(working));
    set(desk, "tokens", tokens(session.context_tokens()), 10, true);
    if !working {
        // A turn may have changed the branch; two small files tell.
        set(desk, "branch", git::branch(&cwd).unwrap_or_default(), 15, false);
    }
}

/// Shows which lanes others hold.
pub fn elsewhere(desk: &Desk, lanes: &str) {
    let text = if lanes.is_empty() { String::new() } else { format!("elsewhere: {lanes}") };
    set(desk, "lanes", text, 35, true);
}

fn show_model(desk: &Desk, model: &str) {
    desk.kernel().set_context("model", json!(model));
    set(desk, "model", model.to_owned(), 30, false);
}

fn set(desk: &Desk, key: &str, text: String, priority: i64, right: bool) {
    desk.screen().set_segment(key, &Segment { text, fg: String::new(), priority, right });
}

/// A path with the home directory as `~`.
pub(super) fn short(path: &Path) -> String {
    let home = env::var_os("HOME").filter(|home| !home.is_empty());
    match home.and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned)) {
        Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

/// How full the model's context is: the tokens of the last request and its answer, in at most four characters and a unit.
fn tokens(count: i64) -> String {
    match count {
        ..=0 => String::new(),
        1..1_000 => format!("context {count}"),
        1_000..100_000 => format!("context {}.{}k", count / 1_000, count % 1_000 / 100),
        100_000..1_000_000 => format!("context {}k", count / 1_000),
        _ => format!("context {}.{}M", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stay_short() {
        let shown = [0, 1, 7, 999, 1_000, 12_345, 123_456, 1_234_567].map(tokens);
        let expected = [
            "",
            "context 1",
            "context 7",
            "context 999",
            "context 1.0k",
            "context 12.3k",
            "context 123k",
            "context 1.2M",
        ];
        assert_eq!(shown, expected);
    }
}
