//! Finding themes: two are built in, the others are TOML files of the person's or of a project.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use purlin_kernel::text::theme::Theme;
use purlin_tui::ThemeChoice;

use crate::session::sentence;

/// The names that need no file.
const BUILT_IN: [&str; 3] = ["auto", "dark", "light"];

/// Whether a theme is named by the path of its file.
pub fn is_path(name: &str) -> bool {
    name.contains('/') || Path::new(name).extension().is_some_and(|end| end.eq_ignore_ascii_case("toml"))
}

/// Finds a theme by its name or the path of its file; the error is a sentence that says what there is.
///
/// `folder` is that of the configuration, whose `themes/NAME.toml` are found by their names.
pub fn find(name: &str, folder: &Path) -> Result<ThemeChoice, String> {
    if name == "auto" {
        return Ok(ThemeChoice::Auto);
    }
    if let Some(theme) = Theme::named(name) {
        return Ok(ThemeChoice::Fixed(theme));
    }
    if is_path(name) {
        return read(&expand(name)).map(ThemeChoice::Fixed);
    }
    let file = folder.join("themes").join(format!("{name}.toml"));
    if file.exists() {
        return read(&file).map(ThemeChoice::Fixed);
    }
    let names = names(folder);
    let near = purlin_kernel::nearest(name, names.iter().map(String::as_str));
    let near = near.map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
    let listed: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let (last, others) = listed.split_last().map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
    Err(format!("There is no theme `{name}`; there are {} and {last}.{near}", others.join(", ")))
}

/// The names that can be chosen: the built-in ones, then those of the files, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    // Without the folder there are no files.
    let entries = fs::read_dir(folder.join("themes")).into_iter().flatten().flatten();
    let mut own: Vec<String> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|name| !BUILT_IN.contains(&name.as_str()))
        .collect();
    own.sort();
    BUILT_IN.iter().map(|name| (*name).to_owned()).chain(own).collect()
}

fn read(file: &Path) -> Result<Theme, String> {
    let refuse = |why: String| sentence(&format!("the theme `{}` cannot be used: {why}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| refuse(error.to_string()))?;
    Theme::from_toml(&text).map_err(|error| refuse(error.to_string()))
}

fn expand(path: &str) -> PathBuf {
    let home = env::var_os("HOME").filter(|home| !home.is_empty());
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_is_found_by_name_or_path_and_a_mistake_says_what_there_is() {
        let folder = env::temp_dir().join(format!("purlin-themes-{}", std::process::id()));
        fs::create_dir_all(folder.join("themes")).expect("a folder");
        fs::write(folder.join("themes/dusk.toml"), "name = 'dusk'\nextends = 'light'").expect("a file");
        fs::write(folder.join("themes/bad.toml"), "[colors]\nacent = '#fff'").expect("a file");
        assert_eq!(names(&folder), ["auto", "dark", "light", "bad", "dusk"]);
        let named = |name: &str| match find(name, &folder) {
            Ok(ThemeChoice::Fixed(theme)) => theme.name().to_owned(),
            Ok(ThemeChoice::Auto) => "auto".to_owned(),
            Err(why) => why,
        };
        assert_eq!(["auto", "light", "dusk"].map(named), ["auto", "light", "dusk"]);
        assert_eq!(named(&folder.join("themes/dusk.toml").display().to_string()), "dusk");
        assert_eq!(
            named("dsk"),
            "There is no theme `dsk`; there are `auto`, `dark`, `light`, `bad` and `dusk`. Did you mean `dusk`?"
        );
        assert!(named("bad").ends_with("did you mean `accent`?"), "{}", named("bad"));
        assert!(named("/nowhere.toml").starts_with("The theme `/nowhere.toml` cannot be used: "));
        fs::remove_dir_all(&folder).expect("the folder can go");
    }
}
