//! Themes as people write them, in TOML:
//!
//! ```toml
//! name = "dusk"
//! extends = "dark"
//!
//! [colors]
//! accent = "#c08a5a"
//! border = { color = "#444444", basic = 8, attrs = ["dim"] }
//!
//! [groups]
//! Comment = { fg = "dim", italic = true }
//! Todo = { link = "Comment", bold = true }
//! ```

use toml::{Table, Value};

use super::{Attrs, Color, Ink, Style, Theme, Token, at_depth};
use crate::highlight::HighlightSpec;
use crate::hooks::nearest;
use crate::text::theme::Depth;

/// Why a theme is not understood; the words name the place and what is possible there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ThemeError(String);

impl Theme {
    /// Reads a theme; what it leaves open is as in the theme it extends, `dark` without one.
    pub fn from_toml(text: &str) -> Result<Theme, ThemeError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            ThemeError(format!("the theme is not valid TOML: {}", error.to_string().trim_end()))
        })?;
        let mut theme = match table.get("extends") {
            None => Theme::dark(),
            Some(base) => base
                .as_str()
                .and_then(Theme::named)
                .ok_or_else(|| ThemeError(format!("`extends` is `dark` or `light`, not {base}")))?,
        };
        for (key, value) in &table {
            match (key.as_str(), value) {
                ("extends", _) => {}
                ("name", Value::String(name)) => theme.name = name.as_str().into(),
                ("colors", Value::Table(colors)) => theme.read_colors(colors)?,
                ("groups", Value::Table(groups)) => theme.read_groups(groups)?,
                ("name" | "colors" | "groups", other) => {
                    return Err(ThemeError(format!("`{key}` cannot be {other}")));
                }
                _ => return Err(unknown("key", key, ["name", "extends", "colors", "groups"])),
            }
        }
        Ok(theme)
    }

    fn read_colors(&mut self, colors: &Table) -> Result<(), ThemeError> {
        for (name, value) in colors {
            let token = Token::from_name(name)
                .ok_or_else(|| unknown("token", name, Token::ALL.iter().map(|token| token.name())))?;
            let place = format!("colors.{name}");
            match value {
                Value::String(text) => self.set_color(token, color(&place, text)?),
                Value::Table(fields) => self.read_entry(token, &place, fields)?,
                other => return Err(ThemeError(format!("`{place}` is a colour or a table, not {other}"))),
            }
        }
        Ok(())
    }

    fn read_entry(&mut self, token: Token, place: &str, fields: &Table) -> Result<(), ThemeError> {
        if let Some(value) = fields.get("color") {
            let text = value
                .as_str()
                .ok_or_else(|| ThemeError(format!("`{place}.color` is a text, not {value}")))?;
            self.set_color(token, color(place, text)?);
        }
        let mut entry = self.entry(token);
        for (key, value) in fields {
            match key.as_str() {
                "color" => {}
                "basic" => {
                    let index = value.as_integer().and_then(|index| u8::try_from(index).ok());
                    let index = index.filter(|index| *index < 16);
                    let index = index
                        .ok_or_else(|| ThemeError(format!("`{place}.basic` is 0 to 15, not {value}")))?;
                    entry.basic = at_depth(Ink::Indexed(index), Depth::Ansi16);
                }
                "attrs" => entry.attrs = attrs(place, value)?,
                "stand_in" => entry.stand_in = attrs(place, value)?,
                _ => return Err(unknown("key", key, ["color", "basic", "attrs", "stand_in"])),
            }
        }
        self.set(token, entry);
        Ok(())
    }

    fn read_groups(&mut self, groups: &Table) -> Result<(), ThemeError> {
        for (name, value) in groups {
            let place = format!("groups.{name}");
            let spec = match value {
                Value::String(link) => HighlightSpec { link: Some(link.clone()), style: Style::default() },
                Value::Table(fields) => group(&place, fields)?,
                other => return Err(ThemeError(format!("`{place}` is a group or a table, not {other}"))),
            };
            self.groups.insert(name.clone(), spec);
        }
        Ok(())
    }
}

fn group(place: &str, fields: &Table) -> Result<HighlightSpec, ThemeError> {
    let mut spec = HighlightSpec::default();
    for (key, value) in fields {
        let attr = Attrs::NAMES.iter().find(|(name, _)| name == key);
        match (key.as_str(), value, attr) {
            ("fg", Value::String(text), _) => spec.style.fg = color(place, text)?,
            ("bg", Value::String(text), _) => spec.style.bg = color(place, text)?,
            ("link", Value::String(link), _) => spec.link = Some(link.clone()),
            (_, Value::Boolean(true), Some((_, attr))) => spec.style.attrs = spec.style.attrs | *attr,
            (_, Value::Boolean(false), Some(_)) => {}
            ("fg" | "bg" | "link", other, _) => {
                return Err(ThemeError(format!("`{place}.{key}` is a text, not {other}")));
            }
            (_, other, Some(_)) => {
                return Err(ThemeError(format!("`{place}.{key}` is true or false, not {other}")));
            }
            _ => {
                let known = ["fg", "bg", "link"].into_iter().chain(Attrs::NAMES.map(|(name, _)| name));
                return Err(unknown("key", key, known));
            }
        }
    }
    Ok(spec)
}

fn color(place: &str, text: &str) -> Result<Color, ThemeError> {
    Color::parse(text).ok_or_else(|| {
        ThemeError(format!("`{place}`: `{text}` is no colour; write `#rrggbb`, a palette number or a token"))
    })
}

fn attrs(place: &str, value: &Value) -> Result<Attrs, ThemeError> {
    let wrong = || ThemeError(format!("`{place}`: attributes are a list of names, not {value}"));
    value.as_array().ok_or_else(wrong)?.iter().try_fold(Attrs::NONE, |all, name| {
        let name = name.as_str().ok_or_else(wrong)?;
        let found = Attrs::NAMES.iter().find(|(known, _)| *known == name).map(|(_, attr)| *attr);
        found
            .map(|attr| all | attr)
            .ok_or_else(|| unknown("attribute", name, Attrs::NAMES.map(|(name, _)| name)))
    })
}

fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> ThemeError {
    let hint = nearest(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    ThemeError(format!("the theme has an unknown {what} `{name}`{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_changes_what_it_names_and_keeps_the_rest() {
        let theme = Theme::from_toml(
            "name = 'dusk'\nextends = 'light'\n[colors]\naccent = '#ff0000'\n\
             border = { color = 'accent', basic = 3, attrs = ['bold'] }\n\
             [groups]\nTodo = { link = 'Comment', fg = '12', bold = true }\nNote = 'Todo'\n",
        )
        .expect("a theme");
        assert_eq!(theme.name(), "dusk");
        assert_eq!(theme.entry(Token::Accent).rich, Ink::Rgb(255, 0, 0));
        assert_eq!(theme.entry(Token::Accent).basic, Ink::Indexed(9));
        assert_eq!(theme.entry(Token::Border).basic, Ink::Indexed(3));
        assert_eq!(theme.entry(Token::Border).attrs, Attrs::BOLD);
        assert_eq!(theme.entry(Token::Error), Theme::light().entry(Token::Error));
        let todo = HighlightSpec {
            link: Some("Comment".into()),
            style: Style::fg(Color::Indexed(12)).with(Attrs::BOLD),
        };
        assert_eq!(theme.group("Todo"), Some(&todo));
        assert_eq!(theme.groups().collect::<Vec<_>>(), ["Note", "Todo"]);
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let table = [
            ("colors = 3", "`colors` cannot be 3"),
            ("[colors]\nacent = '#fff'", "the theme has an unknown token `acent`; did you mean `accent`?"),
            (
                "[colors]\naccent = 'nope'",
                "`colors.accent`: `nope` is no colour; write `#rrggbb`, a palette number or a token",
            ),
            ("extends = 'blue'", "`extends` is `dark` or `light`, not \"blue\""),
            ("[groups]\nX = { bld = true }", "the theme has an unknown key `bld`; did you mean `bold`?"),
        ];
        for (text, expected) in table {
            assert_eq!(Theme::from_toml(text).expect_err(text).to_string(), expected);
        }
        assert!(Theme::from_toml("= 1").is_err());
    }
}
