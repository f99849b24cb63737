//! Putting what has changed on disk in force: the configuration, the files of extensions.

use purlin_kernel::Level;
use purlin_kernel::text::theme::Theme;
use purlin_tui::ThemeChoice;
use tokio::task::JoinHandle;

use super::desk::Desk;
use crate::config::{Change, Config};
use crate::session::sentence;
use crate::{keys, start, themes};

/// Watches the files of the configuration, until the answer is aborted, and those of the extensions.
pub fn watch(desk: &Desk) -> Option<JoinHandle<()>> {
    let weak = desk.downgrade();
    desk.live().on_change(move |config, changes| {
        if let Some(desk) = weak.upgrade() {
            apply(&desk, config, changes);
        }
    });
    watch_extensions(desk);
    desk.live().watch(desk.writes())
}

fn watch_extensions(desk: &Desk) {
    let weak = desk.downgrade();
    let watching = desk.shelf().watch(desk.kernel(), move |reloaded| {
        if let Some(desk) = weak.upgrade() {
            match reloaded {
                Ok(done) => desk.say(done, Level::Info),
                Err(why) => desk.say(why, Level::Error),
            }
        }
    });
    desk.keep_watching(watching);
}

/// Puts in force what can be now, and says of the rest that it counts from the next start.
fn apply(desk: &Desk, config: &Config, changes: &[Change]) {
    let mut later = Vec::new();
    let (mut maps, mut settings, mut used) = (false, false, false);
    for change in changes {
        let words: Vec<&str> = change.path.iter().map(String::as_str).collect();
        match words[..] {
            ["ui", "theme"] => {
                if let Err(why) = choose_theme(desk, config.theme.as_deref().unwrap_or("auto")) {
                    desk.say(why, Level::Warn);
                }
            }
            ["keys", ..] | ["ui", "key_timeout_ms"] => maps = true,
            ["model" | "thinking" | "agent" | "providers", ..] => settings = true,
            ["extensions", "use" | "enabled"] => used = true,
            // Whoever asks for an option is answered what is there; limits are in force already.
            ["extensions", "options" | "limits", ..] => {}
            _ => later.push(format!("`{}`", change.path.join("."))),
        }
    }
    let mut said = Vec::new();
    if used {
        // Not here: an extension may have written it, and may be among those that go.
        let (weak, config) = (desk.downgrade(), config.clone());
        tokio::task::spawn_local(async move {
            if let Some(desk) = weak.upgrade() {
                extensions(&desk, &config);
            }
        });
    } else if maps {
        said.extend(keys::prepare(desk.kernel(), config));
        said.extend(keys::put(desk.kernel(), config));
    }
    if settings {
        said.extend(agent(desk, config).err());
    }
    if !later.is_empty() {
        let counts = if later.len() == 1 { "counts" } else { "count" };
        said.push(format!("{} {counts} from the next start.", later.join(", ")));
    }
    if !said.is_empty() {
        desk.say(said.join("\n"), Level::Warn);
    }
}

/// Loads the extensions that the configuration names now, and unloads those that it names no more. The keys of the
/// configuration are put behind them: one may run a command of an extension.
fn extensions(desk: &Desk, config: &Config) {
    let mut wrong = Vec::new();
    let paths = start::extensions(desk.options(), config, &start::variable, &mut wrong);
    let done = desk.shelf().arrange(&paths, |failure| wrong.push(failure.to_owned()));
    if !done.is_empty() {
        desk.say(done.join("\n"), Level::Info);
    }
    watch_extensions(desk);
    wrong.extend(keys::prepare(desk.kernel(), config));
    wrong.extend(keys::put(desk.kernel(), config));
    wrong.extend(desk.live().unknown_options());
    if !wrong.is_empty() {
        desk.say(wrong.join("\n"), Level::Warn);
    }
}

/// Gives the agent its settings anew; each prompt takes those of its start.
fn agent(desk: &Desk, config: &Config) -> Result<(), String> {
    let made = start::agent_settings(config, desk.options().model.as_deref(), desk.paths(), &desk.cwd());
    desk.settings().set(made.map_err(|report| report.to_string())?);
    super::status::update(desk);
    Ok(())
}

/// Shows the screen in a theme; the error is a sentence.
pub fn choose_theme(desk: &Desk, name: &str) -> Result<(), String> {
    let theme = match themes::find(name, &desk.paths().config)? {
        ThemeChoice::Fixed(theme) => theme,
        ThemeChoice::Auto => match desk.kernel().context("background") {
            Some(background) if background == "light" => Theme::light(),
            _ => Theme::dark(),
        },
    };
    desk.kernel().set_theme(theme);
    Ok(())
}

/// Loads one extension anew, or all; answers what became of it.
pub fn reload(desk: &Desk, name: Option<&str>) -> Result<String, String> {
    let names = match name {
        Some(name) => vec![name.to_owned()],
        None => desk.shelf().list().into_iter().map(|kept| kept.name).collect(),
    };
    if names.is_empty() {
        return Ok("No extension is loaded. `purlin -e FILE` loads one.".to_owned());
    }
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for name in names {
        match desk.shelf().reload(&name) {
            Ok(said) => done.push(said),
            Err(why) => failed.push(sentence(&why)),
        }
    }
    if failed.is_empty() {
        return Ok(done.join("\n"));
    }
    failed.extend(done);
    Err(failed.join("\n"))
}
