//! The keys of the configuration, which win over everybody else's.

use purlin_kernel::{Kernel, Key, KeyBinding, Place, Target};

use crate::config::{Config, KeySetting};

/// How long an unfinished sequence waits unless the configuration says otherwise, in milliseconds.
const TIMEOUT_MS: u64 = 500;

/// Sets what other maps depend on: the leader and the time that a sequence waits. Answers what is wrong with it.
///
/// Called before extensions are loaded: their maps take the leader as they find it.
pub fn prepare(kernel: &Kernel, config: &Config) -> Option<String> {
    kernel.keymap().set_timeout(config.key_timeout_ms.map_or(TIMEOUT_MS, u64::from));
    let leader = config.leader.as_deref()?;
    match Key::parse(leader).as_deref() {
        Ok([key]) if !key.is_ctrl_c() => {
            kernel.keymap().set_leader(*key);
            None
        }
        Ok(_) => Some(format!("`ui.leader` is `{leader}`, which is not one key that can be mapped.")),
        Err(error) => Some(format!("`ui.leader` is `{leader}`: {error}.")),
    }
}

/// Puts the keys in force, in place of those of before; answers what is wrong with them, as sentences.
pub fn put(kernel: &Kernel, config: &Config) -> Vec<String> {
    let problems = kernel.keymap().configure(config.keys.iter().map(binding).collect());
    problems.into_iter().map(|problem| format!("{problem}.")).collect()
}

/// Says why these keys cannot be mapped.
pub fn mappable(keys: &str) -> Result<(), String> {
    let parsed = Key::parse(&keys.replace("<leader>", " x ")).map_err(|error| error.to_string())?;
    if parsed.iter().any(|key| key.is_ctrl_c()) {
        return Err("`ctrl+c` cannot be mapped: pressed twice it always quits".to_owned());
    }
    Ok(())
}

/// The keys that cannot be read, as sentences, for runs that map none.
pub fn unreadable(config: &Config) -> Vec<String> {
    let wrong = config.keys.iter().filter_map(|setting| {
        let error = Key::parse(&setting.keys.replace("<leader>", " x ")).err()?;
        let place = setting.place.as_ref().map(|(file, line)| format!("{file}:{line}: ")).unwrap_or_default();
        Some(format!("{place}`{}` cannot be mapped: {error}.", setting.keys))
    });
    wrong.collect()
}

fn binding(setting: &KeySetting) -> KeyBinding {
    let place = setting.place.as_ref();
    KeyBinding {
        target: setting.target.clone().map_or(Target::Global, Target::Focus),
        lhs: setting.keys.clone(),
        command: setting.command.as_deref().map(|command| command.trim().to_owned()),
        desc: setting.command.clone().unwrap_or_default(),
        place: place.map(|(file, line)| Place { file: file.as_str().into(), line: *line }),
    }
}
