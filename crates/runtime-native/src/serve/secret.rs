//! Tokens: kept out of logs, errors and the list of processes.

use std::fmt;
use std::fs;

/// The variables that hold a runtime's token, the one that wins first. What Purlin starts does not inherit them.
pub const TOKEN_VARIABLES: &[&str] = &["RUNT_API_KEY", "AUTH_TOKEN"];

/// A token. It shows itself to nobody; [`Secret::reveal`] is for the request that needs it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a token.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// Reads a token as it is given: itself, or `@FILE` for the first line of a file.
    ///
    /// The error is a sentence that names the file and never the token.
    pub fn read(given: &str) -> Result<Self, String> {
        let Some(file) = given.strip_prefix('@') else { return Ok(Self::new(given)) };
        let text = fs::read_to_string(file)
            .map_err(|error| format!("The token's file `{file}` cannot be read: {error}."))?;
        match text.lines().next().map(str::trim) {
            Some(token) if !token.is_empty() => Ok(Self::new(token)),
            _ => Err(format!("The token's file `{file}` is empty.")),
        }
    }

    /// The token itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Overwrites a text in this process's arguments, as others see them in the list of processes.
///
/// Answers whether it is gone from there; only Linux offers a way.
pub(super) fn scrub_arguments(secret: &str) -> bool {
    #[cfg(target_os = "linux")]
    return !secret.is_empty() && scrub(secret.as_bytes()).is_ok();
    #[cfg(not(target_os = "linux"))]
    return secret.is_empty();
}

/// The arguments lie in this process's own memory, where the system tells; the file of that memory is a way to write
/// there that needs no unsafe code.
#[cfg(target_os = "linux")]
fn scrub(secret: &[u8]) -> std::io::Result<()> {
    use std::io::{Error, ErrorKind};
    use std::os::unix::fs::FileExt as _;

    let unknown = || Error::from(ErrorKind::InvalidData);
    let numbers = fs::read_to_string("/proc/self/stat")?;
    // The program's name may hold anything, blanks and brackets too; the fields after it are numbers.
    let fields = numbers.rsplit_once(')').ok_or_else(unknown)?.1;
    // proc_pid_stat(5): `arg_start` is field 48, and the third is the first after the name.
    let start: u64 =
        fields.split_whitespace().nth(48 - 3).and_then(|field| field.parse().ok()).ok_or_else(unknown)?;
    let arguments = fs::read("/proc/self/cmdline")?;
    let memory = fs::OpenOptions::new().write(true).open("/proc/self/mem")?;
    let places = arguments.windows(secret.len()).enumerate().filter(|(_, window)| *window == secret);
    for (at, _) in places {
        memory.write_all_at(&vec![b'x'; secret.len()], start + at as u64)?;
    }
    let left = fs::read("/proc/self/cmdline")?;
    if left.windows(secret.len()).any(|window| window == secret) { Err(unknown()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_080_a_token_does_not_show_itself() {
        let secret = Secret::new("hush");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret.reveal(), "hush");
    }

    #[test]
    fn a_token_may_stand_in_a_file() {
        let file = std::env::temp_dir().join(format!("purlin-token-{}", std::process::id()));
        fs::write(&file, "hush\n").unwrap();
        assert_eq!(Secret::read(&format!("@{}", file.display())), Ok(Secret::new("hush")));
        fs::write(&file, "\n").unwrap();
        let error = Secret::read(&format!("@{}", file.display())).unwrap_err();
        assert_eq!(error, format!("The token's file `{}` is empty.", file.display()));
        fs::remove_file(&file).unwrap();
        let error = Secret::read("@/nowhere").unwrap_err();
        assert!(error.starts_with("The token's file `/nowhere` cannot be read: "), "{error}");
    }
}
