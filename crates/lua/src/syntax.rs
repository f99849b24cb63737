//! Whether a text is Lua at all, without running it.

use mlua::Lua;

/// Checks a text's syntax; the error names the line.
pub fn syntax(source: &str) -> Result<(), String> {
    let chunk = Lua::new().load(source).set_name("=source").into_function();
    chunk.map(drop).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::syntax;

    #[test]
    fn the_error_names_the_line() {
        assert_eq!(syntax("local x = 1\nreturn x"), Ok(()));
        let error = syntax("local x = 1\nlocal = 2").err();
        assert!(error.as_deref().is_some_and(|error| error.contains(":2:")), "{error:?}");
    }
}
