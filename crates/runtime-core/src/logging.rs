//! Lines of the log as text, for runtimes that write them to a console.
//!
//! Formats and filters; where the lines go and what the time is, the host says.

use crate::host::{Level, Record, WallMs};

/// The variable that sets the level: `DEBUG`, `INFO`, `WARN`, `ERROR`, in either case.
pub const LOG_LEVEL: &str = "RUNT_LOG_LEVEL";
/// The variable that switches the console's log off, unless its value is empty, `0`, `false`, `no` or `off`.
pub const DISABLE_CONSOLE_LOGS: &str = "RUNT_DISABLE_CONSOLE_LOGS";

/// Writes records as lines of the form `HH:MM:SS LEVEL [service] message {json}`, those that matter enough.
///
/// ```
/// use purlin_runtime_core::{Level, Logger, Record};
///
/// let logger = Logger::new(Level::Info);
/// let line = logger.line(&Record::new(Level::Warn, "runtime", "The store is busy."), 3_723_000);
/// assert_eq!(line.as_deref(), Some("01:02:03 WARN [runtime] The store is busy."));
/// assert_eq!(logger.line(&Record::new(Level::Debug, "runtime", "A detail."), 0), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logger {
    least: Option<Level>,
}

impl Logger {
    /// Writes records of this level and above.
    pub fn new(least: Level) -> Self {
        Self { least: Some(least) }
    }

    /// Writes nothing.
    pub fn off() -> Self {
        Self { least: None }
    }

    /// Reads the level and the switch from the environment; `INFO` without them.
    ///
    /// The error is a full sentence that names the variable and the words it takes.
    pub fn from_env(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let least = match variable(LOG_LEVEL).filter(|value| !value.trim().is_empty()) {
            None => Level::Info,
            Some(value) => level(value.trim()).ok_or_else(|| {
                format!(
                    "`{LOG_LEVEL}` is `{value}`, which is no level. Set it to DEBUG, INFO, WARN or ERROR."
                )
            })?,
        };
        let disabled = variable(DISABLE_CONSOLE_LOGS).is_some_and(|value| is_true(&value));
        Ok(if disabled { Self::off() } else { Self::new(least) })
    }

    /// Tells whether records of a level are written.
    pub fn wants(self, level: Level) -> bool {
        self.least.is_some_and(|least| level >= least)
    }

    /// Makes the line of a record, without a line end; `None` if it is not to be written. `at` is shown as UTC.
    ///
    /// A record is one line whatever its message holds: line ends and other control characters are escaped.
    pub fn line(self, record: &Record<'_>, at: WallMs) -> Option<String> {
        if !self.wants(record.level) {
            return None;
        }
        let seconds = at.div_euclid(1000).rem_euclid(24 * 60 * 60);
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let (level, service) = (name(record.level), visible(record.service));
        let mut line =
            format!("{hours:02}:{minutes:02}:{seconds:02} {level} [{service}] {}", visible(record.message));
        if let Some(data) = record.data {
            line.push(' ');
            line.push_str(&data.to_string());
        }
        Some(line)
    }
}

fn level(word: &str) -> Option<Level> {
    [Level::Debug, Level::Info, Level::Warn, Level::Error]
        .into_iter()
        .find(|level| name(*level).eq_ignore_ascii_case(word))
}

fn name(level: Level) -> &'static str {
    match level {
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Warn => "WARN",
        Level::Error => "ERROR",
    }
}

fn is_true(value: &str) -> bool {
    !["", "0", "false", "no", "off"].contains(&value.trim().to_ascii_lowercase().as_str())
}

fn visible(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut line, char| {
        if char.is_control() {
            line.extend(char.escape_default());
        } else {
            line.push(char);
        }
        line
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{DISABLE_CONSOLE_LOGS, LOG_LEVEL, Logger};
    use crate::host::{Level, Record};

    fn from(level: Option<&str>, disabled: Option<&str>) -> Result<Logger, String> {
        Logger::from_env(&|name| match name {
            LOG_LEVEL => level.map(str::to_owned),
            DISABLE_CONSOLE_LOGS => disabled.map(str::to_owned),
            _ => None,
        })
    }

    #[test]
    fn row_077_a_switch_that_says_false_leaves_the_log_on() {
        for word in ["false", "FALSE", "0", "no", "off", "", " "] {
            assert_eq!(from(None, Some(word)), Ok(Logger::new(Level::Info)), "`{word}`");
        }
        for word in ["true", "1", "yes", "anything"] {
            assert_eq!(from(Some("debug"), Some(word)), Ok(Logger::off()), "`{word}`");
        }
        assert_eq!(from(None, None), Ok(Logger::new(Level::Info)));
    }

    #[test]
    fn a_level_is_read_in_either_case_and_another_word_is_refused() {
        assert_eq!(from(Some("DEBUG"), None), Ok(Logger::new(Level::Debug)));
        assert_eq!(from(Some("warn"), None), Ok(Logger::new(Level::Warn)));
        assert_eq!(
            from(Some("loud"), None),
            Err("`RUNT_LOG_LEVEL` is `loud`, which is no level. Set it to DEBUG, INFO, WARN or ERROR."
                .to_owned())
        );
    }

    #[test]
    fn a_record_is_one_line_with_its_facts_at_the_end() {
        let data = json!({"queue": "q1", "ms": 3});
        let record = Record {
            level: Level::Error,
            service: "artifacts",
            message: "It failed:\n\u{1b}[31mred",
            data: Some(&data),
        };
        let line = Logger::new(Level::Error).line(&record, 1_767_225_600_000 + 86_399_999).unwrap();
        assert_eq!(line, r#"23:59:59 ERROR [artifacts] It failed:\n\u{1b}[31mred {"queue":"q1","ms":3}"#);
        assert_eq!(Logger::off().line(&record, 0), None);
        assert!(Logger::new(Level::Error).line(&record, -1).unwrap().starts_with("23:59:59 "));
    }
}
