//! What a runtime is told: command line, then environment, then the program's defaults, then the built-in ones.

use std::time::Duration;

use super::flags::{FLAGS, Flag, Given, OF_PYTHON};
use super::secret::Secret;

/// The settings of one run of a runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The session to serve: its id, or a part of it that no other has.
    pub notebook: String,
    /// The user for whom the runtime acts.
    pub client_id: String,
    /// Names the runtime.
    pub runtime_id: String,
    /// The kind of runtime, for people.
    pub runtime_type: String,
    /// PNG images of more bytes are kept outside the log.
    pub image_artifact_threshold: u64,
    /// Time between two signs of life, where the store is not local.
    pub heartbeat_interval: Duration,
    /// The token for a sync server.
    pub auth_token: Option<Secret>,
    /// Sentences for the person: what was given and has no effect, or should have been given otherwise.
    pub warnings: Vec<String>,
    given: Given,
}

impl Settings {
    /// The value of a further flag of the program: of the command line the last one, else of the first of its variables
    /// that is set, else the program's default.
    pub fn value(&self, flag: &str) -> Option<&str> {
        self.values(flag).last().map(String::as_str)
    }

    /// All values of a further flag of the program; only the command line can give several.
    pub fn values(&self, flag: &str) -> &[String] {
        self.given.get(flag).map_or(&[], Vec::as_slice)
    }

    /// Whether a switch of the program was given, or a variable of it is set to anything but `0` and `false`.
    pub fn has(&self, flag: &str) -> bool {
        self.given.contains_key(flag)
    }
}

/// The name of a runtime that was given none: its type and its process.
pub fn runtime_id(runtime_type: &str) -> String {
    format!("{runtime_type}-runtime-{}", std::process::id())
}

/// Where the values come from.
pub(super) struct Sources<'a> {
    /// Everything that the program takes.
    pub(super) flags: &'a [Flag],
    /// The command line.
    pub(super) given: Given,
    /// The environment; what is empty there counts as absent.
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
    /// The program's own defaults.
    pub(super) defaults: &'a [(&'static str, String)],
    /// The session to serve where none is named; asked only then.
    pub(super) newest: &'a dyn Fn() -> Option<String>,
}

/// Where a value came from.
enum Origin {
    Arguments,
    Variable(&'static str),
    Program,
}

impl Sources<'_> {
    /// Finds a value and where it is from.
    fn find(&self, flag: &Flag) -> Option<(String, Origin)> {
        if let Some(value) = self.given.get(flag.long).and_then(|values| values.last()) {
            return Some((value.clone(), Origin::Arguments));
        }
        let variable = flag.variables.iter().find_map(|name| {
            let value = (self.variable)(name).filter(|value| !value.is_empty())?;
            Some((value, Origin::Variable(name)))
        });
        variable.or_else(|| {
            let default = self.defaults.iter().find(|(name, _)| *name == flag.long)?;
            Some((default.1.clone(), Origin::Program))
        })
    }

    fn text(&self, name: &str) -> Option<String> {
        self.find(flag(name)).map(|(value, _)| value)
    }

    /// Reads a number; one that is wrong becomes a problem that names where it was given.
    fn number(
        &self,
        name: &str,
        within: std::ops::RangeInclusive<u64>,
        problems: &mut Vec<String>,
    ) -> Option<u64> {
        let (value, origin) = self.find(flag(name))?;
        let number = value.parse::<u64>().ok().filter(|number| within.contains(number));
        if number.is_none() {
            let place = match origin {
                Origin::Variable(variable) => variable.to_owned(),
                Origin::Arguments | Origin::Program => format!("--{name}"),
            };
            let range = match *within.end() {
                u64::MAX => "a whole number, 0 or more".to_owned(),
                end => format!("a whole number from {} to {end}", within.start()),
            };
            problems.push(format!("`{place}` is `{value}`, but must be {range}."));
        }
        number
    }
}

fn flag(name: &str) -> &'static Flag {
    // Every name that is asked for stands in the table; the first is as good as any for one that does not.
    FLAGS.iter().find(|flag| flag.long == name).unwrap_or(&FLAGS[0])
}

/// What is said where no session is named and the directory has none.
const NO_SESSION: &str = "No session was begun in this directory; a terminal has none before something is sent in it. \
                          Send something there, or name a session";

/// Puts the settings together. Everything that is missing or wrong is told at once, a sentence each.
pub(super) fn resolve(sources: &Sources<'_>) -> Result<Settings, Vec<String>> {
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let remote = sources.find(flag("sync-url"));
    if let Some((_, origin)) = &remote {
        let place = match origin {
            Origin::Variable(variable) => *variable,
            Origin::Arguments | Origin::Program => "--sync-url",
        };
        problems.push(format!(
            "`{place}` names a sync server, but this version serves the local store only. Leave it out."
        ));
    }
    let auth_token = token(sources, &mut problems, &mut warnings, remote.is_some());
    warnings.extend(of_python(sources));
    let present = |value: &String| !value.is_empty();
    if sources.given.get("notebook").and_then(|values| values.last()).is_some_and(|id| id.trim().is_empty()) {
        // A script whose variable is not set means another session than the newest one.
        problems
            .push("`--notebook` is empty. Leave it out for the newest session of the directory.".to_owned());
    }
    let notebook = sources.text("notebook").filter(present);
    let notebook = notebook.or_else(|| remote.is_none().then(|| (sources.newest)()).flatten());
    let client_id = Some(sources.text("client-id").unwrap_or_else(|| "local".to_owned())).filter(present);
    let runtime_type = sources.text("runtime-type").unwrap_or_else(|| "runtime".to_owned());
    let runtime_id = sources.text("runtime-id").unwrap_or_else(|| runtime_id(&runtime_type));
    let threshold = sources.number("image-artifact-threshold", 0..=u64::MAX, &mut problems);
    let heartbeat = sources.number("heartbeat-interval", 1_000..=3_600_000, &mut problems);
    if heartbeat.is_some() && remote.is_none() {
        warnings.push(
            "`--heartbeat-interval` has no effect on the local store, where a lock shows who is alive."
                .into(),
        );
    }
    // A sync server is left out: what only it needs is then not needed either.
    if remote.is_none() {
        let missing = [
            ("notebook", NO_SESSION, notebook.is_none()),
            ("client-id", "The user to act for is missing", client_id.is_none()),
            ("runtime-type", "The kind of runtime is missing", runtime_type.is_empty()),
            ("runtime-id", "The runtime's name is missing", runtime_id.is_empty()),
        ];
        let missing = missing.iter().filter(|(.., missing)| *missing);
        problems.extend(missing.map(|(name, what, _)| format!("{what}: {}.", flag(name).describe())));
    }
    let (Some(notebook), Some(client_id), true) = (notebook, client_id, problems.is_empty()) else {
        return Err(problems);
    };
    let given = complete(sources);
    Ok(Settings {
        notebook,
        client_id,
        runtime_id,
        runtime_type,
        image_artifact_threshold: threshold.unwrap_or(6144),
        heartbeat_interval: Duration::from_millis(heartbeat.unwrap_or(15_000)),
        auth_token,
        warnings,
        given,
    })
}

/// What was given, in whatever way, but for the token, which nobody else needs to see.
fn complete(sources: &Sources<'_>) -> Given {
    let mut given = sources.given.clone();
    for flag in sources.flags.iter().filter(|flag| !sources.given.contains_key(flag.long)) {
        let found = sources.find(flag).filter(|(value, _)| flag.value.is_some() || !is_off(value));
        if let Some((value, _)) = found {
            given.insert(flag.long, vec![value]);
        }
    }
    given.remove("auth-token");
    given
}

/// Tells whether a variable of a switch switches it off.
fn is_off(value: &str) -> bool {
    ["0", "false"].contains(&value)
}

/// Says once what was given that only a runtime of Python has a use for.
fn of_python(sources: &Sources<'_>) -> Option<String> {
    let given = OF_PYTHON.iter().filter_map(|name| match sources.find(flag(name))? {
        // A switch that is switched off says nothing.
        (value, Origin::Variable(_)) if flag(name).value.is_none() && is_off(&value) => None,
        (_, Origin::Variable(variable)) => Some(format!("`{variable}`")),
        (_, Origin::Arguments | Origin::Program) => Some(format!("`--{name}`")),
    });
    let given: Vec<String> = given.collect();
    let have = if given.len() == 1 { "has" } else { "have" };
    (!given.is_empty())
        .then(|| format!("{} {have} no effect: this runtime runs no Python.", given.join(", ")))
}

fn token(
    sources: &Sources<'_>,
    problems: &mut Vec<String>,
    warnings: &mut Vec<String>,
    remote: bool,
) -> Option<Secret> {
    let (value, origin) = sources.find(flag("auth-token")).filter(|(value, _)| !value.is_empty())?;
    let by_argument = matches!(origin, Origin::Arguments);
    if by_argument && !value.starts_with('@') {
        let advice = "Put it into the variable `RUNT_API_KEY`, or give its file: `--auth-token @FILE`.";
        let visible = if super::secret::scrub_arguments(&value) {
            "was visible in the list of processes for a moment"
        } else {
            "is visible in the list of processes"
        };
        warnings.push(format!("The token {visible}. {advice}"));
    }
    if by_argument && !remote {
        warnings.push("The token has no effect on the local store.".to_owned());
    }
    // A variable holds the token itself: `@` may be its first character.
    let secret = if by_argument { Secret::read(&value) } else { Ok(Secret::new(value)) };
    secret.map_err(|problem| problems.push(problem)).ok()
}

#[cfg(test)]
mod tests;
