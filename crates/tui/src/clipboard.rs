//! The clipboard: a tool of the desktop or of tmux where there is one, and always the terminal itself (OSC 52).
//!
//! A terminal does not say whether it took what it was sent, so the sequence goes out in any case, and a tool that
//! reports success is what the person is told of.

use std::time::Duration;

use purlin_kernel::{ExtId, Kernel, Level, ProcessSpec};

/// Terminals drop a longer sequence without a word; in bytes of text.
const TERMINAL_LIMIT: usize = 74_994;

/// How long a tool may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// A program that keeps what it reads on its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    /// What people call the place where it keeps the text.
    pub place: &'static str,
    /// The command, for a shell; its output goes nowhere, since some of these programs stay in the background.
    pub command: &'static str,
}

const TMUX: Tool = Tool { place: "tmux buffer", command: "tmux load-buffer -w -" };
const WAYLAND: Tool = Tool { place: "clipboard (wl-copy)", command: "wl-copy" };
const XCLIP: Tool = Tool { place: "clipboard (xclip)", command: "xclip -selection clipboard -in" };
const XSEL: Tool = Tool { place: "clipboard (xsel)", command: "xsel --clipboard --input" };
const MAC: Tool = Tool { place: "clipboard (pbcopy)", command: "pbcopy" };
const WINDOWS: Tool = Tool { place: "clipboard (clip.exe)", command: "clip.exe" };

/// Answers the tools to try, the best first. Over a network connection the desktop is not the person's.
pub fn tools(env: &dyn Fn(&str) -> bool) -> Vec<Tool> {
    let mut tools = Vec::new();
    if env("TMUX") {
        tools.push(TMUX);
    }
    if env("SSH_CONNECTION") || env("SSH_TTY") {
        return tools;
    }
    if env("WAYLAND_DISPLAY") {
        tools.push(WAYLAND);
    }
    if env("DISPLAY") {
        tools.extend([XCLIP, XSEL]);
    }
    if env("WSL_DISTRO_NAME") {
        tools.push(WINDOWS);
    }
    if cfg!(target_os = "macos") {
        tools.push(MAC);
    }
    tools
}

/// Copies a text and says in a notice where it went.
pub fn copy(kernel: &Kernel, text: String) {
    let tools = tools(&|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    copy_with(kernel, text, tools);
}

fn copy_with(kernel: &Kernel, text: String, tools: Vec<Tool>) {
    kernel.command().invoke("screen.copy", &text);
    let told = kernel.clone();
    let task = async move {
        let mut taken = None;
        for tool in tools {
            let spec = ProcessSpec {
                program: "sh".to_owned(),
                args: vec!["-c".to_owned(), format!("{} >/dev/null 2>&1", tool.command)],
                stdin: Some(text.clone().into_bytes()),
                timeout: Some(PATIENCE),
                ..ProcessSpec::default()
            };
            let ended = told.job().run(ExtId::CORE, spec, 0).await;
            if ended.is_ok_and(|ended| ended.code == Some(0)) {
                taken = Some(tool);
                break;
            }
        }
        let (message, level) = message(&text, taken);
        told.ui().notify(ExtId::CORE, message, level);
    };
    kernel.spawn(ExtId::CORE, Box::pin(task));
}

fn message(text: &str, taken: Option<Tool>) -> (String, Level) {
    let (lines, letters) = (text.lines().count(), text.chars().count());
    let what = match (lines, letters) {
        (0 | 1, 1) => "1 character".to_owned(),
        (0 | 1, letters) => format!("{letters} characters"),
        (lines, _) => format!("{lines} lines"),
    };
    match taken {
        Some(tool) => (format!("Copied {what} to the {}.", tool.place), Level::Info),
        None if text.len() <= TERMINAL_LIMIT => {
            (format!("Copied {what} to the terminal's clipboard (OSC 52)."), Level::Info)
        }
        None => {
            let message = format!(
                "{what} are more than most terminals take into their clipboard. `/transcript` opens all of it in a pager."
            );
            (message, Level::Warn)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_clipboard_goes_first() {
        let with = |names: &'static [&'static str]| {
            tools(&move |name| names.contains(&name)).iter().map(|tool| tool.place).collect::<Vec<_>>()
        };
        if cfg!(target_os = "linux") {
            assert_eq!(with(&[]), [""; 0]);
            assert_eq!(with(&["TMUX", "DISPLAY"]), [TMUX.place, XCLIP.place, XSEL.place]);
            assert_eq!(with(&["WAYLAND_DISPLAY"]), [WAYLAND.place]);
            assert_eq!(with(&["SSH_TTY", "DISPLAY", "WAYLAND_DISPLAY"]), [""; 0]);
        }
    }

    #[test]
    fn the_notice_says_what_went_where() {
        assert_eq!(message("one", None).0, "Copied 3 characters to the terminal's clipboard (OSC 52).");
        assert_eq!(message("a\nb\n", Some(TMUX)).0, "Copied 2 lines to the tmux buffer.");
        assert_eq!(message(&"x".repeat(100_000), None).1, Level::Warn);
    }
}
