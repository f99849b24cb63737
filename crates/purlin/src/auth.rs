//! Keys of providers: from the environment, else from `auth.toml`, which nobody else may read.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use purlin_agent::settings::Secret;
use toml::de::DeTable;

use crate::report::{Kind, Report};

/// The keys of `auth.toml` by provider.
pub type Keys = BTreeMap<String, Secret>;

/// Reads `auth.toml`: one `[PROVIDER]` with `key = "…"` each. An absent file has no keys.
pub fn read(path: &Path) -> Result<Keys, Report> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Keys::new());
        }
        Err(error) => return Err(unreadable(path, &error)),
    };
    if metadata.permissions().mode() & 0o077 != 0 {
        let message = format!("`{}` may be read by others, so its keys are not used.", path.display());
        return Err(Report::new(Kind::Config, message).hint(format!("Run `chmod 600 {}`.", path.display())));
    }
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    parse(path, &text)
}

/// The key of a provider: its variable wins over the file.
pub fn key(
    provider: &str,
    variable: &str,
    keys: &Keys,
    env: &dyn Fn(&str) -> Option<OsString>,
) -> Option<Secret> {
    let from_variable = (!variable.is_empty()).then(|| env(variable)).flatten();
    let secret = from_variable.and_then(|text| text.into_string().ok()).map(Secret::new);
    secret.filter(|secret| !secret.is_empty()).or_else(|| keys.get(provider).cloned())
}

fn parse(path: &Path, text: &str) -> Result<Keys, Report> {
    // The line itself is never shown: it may hold a key.
    let wrong = |byte: usize, what: &str| {
        let line = text[..byte.min(text.len())].matches('\n').count() + 1;
        let message = format!("{}:{line}: {what}.", path.display());
        Report::new(Kind::Config, message)
            .hint("It holds one `[PROVIDER]` with `key = \"…\"` for each provider.")
    };
    let table = DeTable::parse(text)
        .map_err(|error| wrong(error.span().map_or(0, |span| span.start), "this is not valid TOML"))?;
    let mut keys = Keys::new();
    for (provider, entry) in table.get_ref() {
        let key = entry.get_ref().get("key").and_then(|key| key.get_ref().as_str());
        let Some(key) = key else {
            return Err(wrong(entry.span().start, &format!("`{}` has no `key`", provider.get_ref())));
        };
        keys.insert(provider.get_ref().to_string(), Secret::new(key));
    }
    Ok(keys)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Report {
    Report::new(Kind::Config, format!("`{}` cannot be read: {error}.", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_from_the_variable_then_from_the_file() {
        let keys = parse(Path::new("auth.toml"), "[a]\nkey = 'file'\n[b]\nkey = ' b '").unwrap();
        let env = |name: &str| (name == "A_KEY").then(|| OsString::from("variable"));
        assert_eq!(key("a", "A_KEY", &keys, &env), Some(Secret::new("variable")));
        assert_eq!(key("a", "OTHER", &keys, &env), Some(Secret::new("file")));
        assert_eq!(key("b", "", &keys, &env), Some(Secret::new("b")));
        assert_eq!(key("c", "C_KEY", &keys, &env), None);
    }

    #[test]
    fn a_message_about_the_file_never_shows_a_key() {
        for text in ["[a]\nkey = 'sk-secret", "[a]\nkye = 'sk-secret'", "a = 'sk-secret'"] {
            let message = parse(Path::new("auth.toml"), text).expect_err(text).to_string();
            assert!(message.starts_with("auth.toml:"), "{message}");
            assert!(!message.contains("sk-secret"), "{message}");
        }
    }

    #[test]
    fn a_file_others_may_read_is_refused_with_the_command_that_mends_it() {
        let path = std::env::temp_dir().join(format!("purlin-auth-{}.toml", std::process::id()));
        fs::write(&path, "[a]\nkey = 'sk-secret'").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let message = read(&path).expect_err("too open").to_string();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let keys = read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(message.contains(&format!("chmod 600 {}", path.display())), "{message}");
        assert_eq!(keys.keys().collect::<Vec<_>>(), ["a"]);
    }
}
