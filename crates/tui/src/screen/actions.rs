//! The commands of the stock screen. What leaves the screen is another's command: `send` takes the prompt, `interrupt`
//! stops the work, `quit` ends the program; the one who wires the screen registers them.

use purlin_kernel::{CommandKind, CommandSpec, ExtId, Kernel, Level, Object};
use serde_json::json;

use super::Screen;
use crate::{
    composer::COMPOSER,
    hooks::PromptSubmit,
    transcript::{FAR, TRANSCRIPT},
};

type Run = fn(&Screen);

const ACTIONS: &[(&str, &str, Run)] = &[
    ("submit", "Sends what the composer holds.", submit),
    ("followup.queue", "Sends what the composer holds when the running prompt has ended.", follow_up),
    ("followup.dequeue", "Takes the messages back that wait for the agent.", |screen| {
        screen.0.kernel.command().invoke("dequeue", "");
    }),
    ("history.prev", "Recalls the prompt before.", |screen| recall(screen, false)),
    ("history.next", "Recalls the prompt after.", |screen| recall(screen, true)),
    ("composer.up", "Moves up; from the first line, recalls the prompt before.", |screen| {
        vertical(screen, false);
    }),
    ("composer.down", "Moves down; from the last line, recalls the prompt after.", |screen| {
        vertical(screen, true);
    }),
    (
        "composer.delete-or-quit",
        "Deletes the character at the cursor; quits when there is no text.",
        delete_or_quit,
    ),
    ("composer.undo-or-suspend", "Undoes an edit; suspends when there is no text.", undo_or_suspend),
    ("autocomplete.accept", "Takes the chosen completion.", accept),
    ("autocomplete.next", "Chooses the next completion.", |screen| choose(screen, true)),
    ("autocomplete.prev", "Chooses the completion before.", |screen| choose(screen, false)),
    ("autocomplete.close", "Closes the completion.", |screen| {
        screen.0.popup.close(&screen.0.kernel);
    }),
    ("escape", "Closes what is open, leaves a window, else interrupts.", escape),
    ("prompt.cancel", "Clears the composer; pressed twice, quits.", cancel),
    ("transcript.fold", "Unfolds tool output and reasoning, or folds them again.", fold),
    ("transcript.focus", "Gives the transcript the keyboard, or the composer.", focus),
    ("transcript.search", "Searches the transcript.", Screen::find),
    ("transcript.copy", "Copies what is selected in the transcript.", Screen::copy_selection),
    ("transcript.pager", "Opens the transcript in `$PAGER`.", |screen| screen.open_transcript(false)),
    ("transcript.edit", "Opens the transcript in `$EDITOR`.", |screen| screen.open_transcript(true)),
    ("composer.edit", "Edits the composer's text in `$EDITOR`.", Screen::edit_composer),
    ("search.older", "Goes to the next older hit.", |screen| screen.go_to(true)),
    ("search.newer", "Goes to the next newer hit.", |screen| screen.go_to(false)),
    ("search.accept", "Leaves the search line and goes from hit to hit.", Screen::accept_find),
    ("transcript.up", "Scrolls the transcript one row up.", |screen| scroll(screen, true, 1)),
    ("transcript.down", "Scrolls the transcript one row down.", |screen| scroll(screen, false, 1)),
    ("transcript.page-up", "Scrolls the transcript one page up.", |screen| {
        scroll(screen, true, page(screen));
    }),
    ("transcript.page-down", "Scrolls the transcript one page down.", |screen| {
        scroll(screen, false, page(screen));
    }),
    ("transcript.start", "Goes to the beginning of the transcript.", |screen| scroll(screen, true, FAR)),
    ("transcript.end", "Goes to the end of the transcript and follows it.", |screen| {
        scroll(screen, false, usize::MAX);
    }),
];

pub(super) fn register(screen: &Screen) {
    let kernel = &screen.0.kernel;
    register_send(screen, "composer.send", "send");
    register_send(screen, "composer.queue", "queue");
    for (name, desc, run) in ACTIONS {
        let weak = std::rc::Rc::downgrade(&screen.0);
        let action = move |_: &purlin_kernel::CommandCall| {
            let Some(parts) = weak.upgrade() else { return Ok(None) };
            run(&Screen(parts));
            Ok(None)
        };
        kernel.command().create(ExtId::CORE, CommandSpec::action(*name, *desc, action));
    }
}

/// Registers the command that hands a prompt on and puts it back where it could not be taken. What is submitted behind it
/// waits until it has been taken.
fn register_send(screen: &Screen, name: &str, to: &'static str) {
    let kernel = &screen.0.kernel;
    let weak = std::rc::Rc::downgrade(&screen.0);
    let mut spec = CommandSpec::new(name, "Hands its text on as a prompt.", move |call| {
        let screen = weak.upgrade().map(Screen);
        let hold = screen.as_ref().map(Screen::hold);
        Box::pin(async move {
            let (Some(screen), Some(_hold)) = (screen, hold) else { return Ok(None) };
            let kernel = &screen.0.kernel;
            let sent = kernel.command().run(to, &call.args).await;
            if sent.is_err() && kernel.buf().text(COMPOSER).is_empty() {
                kernel.buf().set_text(COMPOSER, &call.args);
            }
            // Shown here and not answered: an error would take back what has just been put into the composer.
            kernel.command().show(to, sent);
            Ok(None)
        })
    });
    spec.kind = CommandKind::Action;
    kernel.command().create(ExtId::CORE, spec);
}

fn submit(screen: &Screen) {
    let kernel = &screen.0.kernel;
    if screen.0.popup.is_open() && screen.0.popup.takes_enter(kernel) && screen.0.popup.accept(kernel) {
        let takes_arguments = kernel.buf().text(COMPOSER).ends_with(' ');
        if takes_arguments {
            return;
        }
    }
    let works = kernel.context("working").is_some_and(|working| working == json!(true));
    if !announce(kernel, if works { "steer" } else { "prompt" }) {
        return;
    }
    // A handler may have rewritten the composer.
    let text = kernel.buf().text(COMPOSER);
    if text.trim().is_empty() {
        return;
    }
    match text.trim_start().strip_prefix('/').filter(|rest| is_command(kernel, rest)) {
        Some(rest) => run_slash(screen, &text, rest),
        None => hand_on(screen, &text, "send"),
    }
}

/// Raises `prompt_submit`; false when the submission was consumed.
fn announce(kernel: &Kernel, delivery: &str) -> bool {
    let key = kernel.pressed_key().map(|key| key.to_string()).unwrap_or_default();
    let dispatched = kernel.hook().dispatch_with::<PromptSubmit>(|| {
        Object::from_iter([
            ("text".to_owned(), json!(kernel.buf().text(COMPOSER))),
            ("key".to_owned(), json!(key)),
            ("delivery".to_owned(), json!(delivery)),
            ("attachments".to_owned(), json!([])),
        ])
    });
    !dispatched.consumed
}

/// Sends what the composer holds when the running prompt has ended.
fn follow_up(screen: &Screen) {
    let kernel = &screen.0.kernel;
    let works = kernel.context("working").is_some_and(|working| working == json!(true));
    if !works || is_empty(screen) {
        return submit(screen);
    }
    if announce(kernel, "follow_up") {
        let text = kernel.buf().text(COMPOSER);
        if !text.trim().is_empty() {
            hand_on(screen, &text, "queue");
        }
    }
}

/// Empties the composer and hands its text to the command that takes prompts, or such that wait.
fn hand_on(screen: &Screen, text: &str, to: &str) {
    let kernel = &screen.0.kernel;
    if kernel.command().get(to).is_none() {
        let message = format!("Nobody takes prompts here: no command `{to}` is registered.");
        kernel.ui().notify(ExtId::CORE, message, Level::Error);
        return;
    }
    take(screen, text);
    screen.enter(text, &format!("composer.{to}"), text);
}

/// Tells a command from a prompt that begins with a path, such as `/etc/hosts looks odd`.
fn is_command(kernel: &Kernel, rest: &str) -> bool {
    let name = rest.split_whitespace().next().unwrap_or("");
    let word =
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ':' | '.'));
    word && (kernel.command().get(name).is_some() || !rest.trim_end().contains(char::is_whitespace))
}

fn run_slash(screen: &Screen, text: &str, rest: &str) {
    let kernel = &screen.0.kernel;
    let rest = rest.trim();
    let (name, args) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if kernel.command().get(name).is_none() {
        let hint = kernel
            .command()
            .nearest(name)
            .map(|near| format!(" Did you mean `/{near}`?"))
            .unwrap_or_default();
        // The text stays: it is easier mended than typed again.
        kernel.ui().notify(ExtId::CORE, format!("There is no command `/{name}`.{hint}"), Level::Warn);
        return;
    }
    take(screen, text);
    screen.enter(text, name, args.trim());
}

/// Empties the composer, remembers what was in it and goes to the end of the transcript.
fn take(screen: &Screen, text: &str) {
    let kernel = &screen.0.kernel;
    kernel.buf().clear(COMPOSER);
    scroll(screen, false, usize::MAX);
    let saved = screen.0.history.borrow_mut().add(text);
    if let Some(write) = saved {
        // The history is a convenience: a full disk is reported in the log and stops nobody.
        std::thread::spawn(move || {
            if let Err(error) = write() {
                tracing::warn!(%error, "the prompt history cannot be written");
            }
        });
    }
}

fn recall(screen: &Screen, newer: bool) {
    let kernel = &screen.0.kernel;
    let current = kernel.buf().text(COMPOSER);
    let mut history = screen.0.history.borrow_mut();
    let found = if newer { history.following() } else { history.previous(&current) };
    drop(history);
    if let Some(text) = found {
        // What is recalled is not being typed: a list here would keep the keys that recall.
        screen.0.popup.dismiss(&text);
        kernel.buf().set_text(COMPOSER, &text);
    }
}

fn vertical(screen: &Screen, down: bool) {
    let kernel = &screen.0.kernel;
    if screen.0.popup.is_open() {
        return choose(screen, down);
    }
    if !kernel.move_vertically(COMPOSER, down) {
        recall(screen, down);
    }
}

fn choose(screen: &Screen, down: bool) {
    screen.0.popup.step(&screen.0.kernel, down);
}

fn accept(screen: &Screen) {
    screen.0.popup.accept(&screen.0.kernel);
}

fn is_empty(screen: &Screen) -> bool {
    screen.0.kernel.buf().get(COMPOSER).is_none_or(|buffer| buffer.rope.len_chars() == 0)
}

fn delete_or_quit(screen: &Screen) {
    let kernel = &screen.0.kernel;
    if is_empty(screen) {
        quit(kernel);
    } else {
        kernel.command().invoke("edit.delete-right", "");
    }
}

fn undo_or_suspend(screen: &Screen) {
    let name = if is_empty(screen) { "suspend" } else { "edit.undo" };
    screen.0.kernel.command().invoke(name, "");
}

fn quit(kernel: &Kernel) {
    if kernel.command().get("quit").is_some() {
        kernel.command().invoke("quit", "");
    } else {
        kernel.quit();
    }
}

fn escape(screen: &Screen) {
    let kernel = &screen.0.kernel;
    if screen.0.popup.is_open() {
        screen.0.popup.close(kernel);
    } else if screen.is_finding() {
        screen.clear_selection();
        screen.close_find();
    } else if screen.clear_selection() {
    } else if is_elsewhere(kernel) && kernel.win().focus(COMPOSER) {
        // Also from a window of an extension that does nothing with the key: there is always a way back.
    } else if kernel.command().get("interrupt").is_some() {
        kernel.command().invoke("interrupt", "");
    }
}

/// Tells whether another window than the composer's has the keyboard.
fn is_elsewhere(kernel: &Kernel) -> bool {
    kernel.win().focused().is_some_and(|window| window.name != COMPOSER)
}

/// Tells whether the transcript has the keyboard.
fn is_away(kernel: &Kernel) -> bool {
    kernel.win().focused().is_some_and(|window| window.name == TRANSCRIPT)
}

fn focus(screen: &Screen) {
    let kernel = &screen.0.kernel;
    kernel.win().focus(if is_away(kernel) { COMPOSER } else { TRANSCRIPT });
}

fn cancel(screen: &Screen) {
    let kernel = &screen.0.kernel;
    if !is_empty(screen) {
        let text = kernel.buf().text(COMPOSER);
        // What was cleared by mistake can be recalled.
        let _ = screen.0.history.borrow_mut().add(&text); // Not written to the file: it was not sent.
        kernel.command().invoke("edit.clear", "");
        kernel.buf().clear(COMPOSER);
    }
    let text = "Press ctrl+c again to quit.";
    kernel.ui().notify_until_key(ExtId::CORE, text, Level::Info, purlin_kernel::QUIT_WINDOW_MS);
}

fn fold(screen: &Screen) {
    screen.0.transcript.toggle_fold();
    screen.0.kernel.win().mark_dirty(TRANSCRIPT);
}

fn page(screen: &Screen) -> usize {
    let height = screen.0.kernel.win().get(TRANSCRIPT).map_or(2, |window| usize::from(window.rect.height));
    // One row of the page before stays in sight, above the row that says that there is more.
    height.saturating_sub(2).max(1)
}

fn scroll(screen: &Screen, up: bool, rows: usize) {
    screen.scroll(TRANSCRIPT, up, rows);
}
