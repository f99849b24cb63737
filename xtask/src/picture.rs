//! `cargo xtask picture`: screens, as they are, drawn into pictures for the documentation.
//!
//! No picture is a drawing: the built program runs in a pseudo-terminal, is typed at, and every cell that the emulator
//! shows becomes text of the picture. [`scene::SCENES`] lists them.

mod scene;

use std::{fmt::Write as _, path::Path, time::Duration};

use anyhow::{Context, Result};
use scene::{SCENES, Scene};
use vt100::{Cell, Color, Screen};

use crate::{
    terminal::{Size, Terminal},
    workspace::{Workspace, run},
};

const CELL_WIDTH: f64 = 8.4;
const CELL_HEIGHT: f64 = 18.0;
const BACKGROUND: &str = "#14161b";
const FOREGROUND: &str = "#e0e2ea";

/// How long a screen rests before it is typed at or drawn.
const QUIET: Duration = Duration::from_millis(500);

/// Runs each program of the scenes and draws its screen.
pub(crate) fn take(workspace: &Workspace) -> Result<()> {
    run(&mut workspace.cargo(&["build", "--package", "purlin"]))?;
    let home = std::env::temp_dir().join(format!("purlin-picture-{}", std::process::id()));
    let drawn = scene::furnish(&home, workspace.root())
        .and_then(|()| SCENES.iter().try_for_each(|scene| draw(workspace, &home, scene)));
    std::fs::remove_dir_all(&home).context("cannot remove the home")?;
    drawn
}

fn draw(workspace: &Workspace, home: &Path, scene: &Scene) -> Result<()> {
    let program = workspace.target().join("debug/purlin").display().to_string();
    let root = workspace.root().display().to_string();
    let arguments: Vec<String> = scene.arguments.iter().map(|word| word.replace("{root}", &root)).collect();
    let mut words: Vec<&str> = scene.variables.to_vec();
    words.push(&program);
    words.extend(arguments.iter().map(String::as_str));
    let mut terminal = Terminal::start(Path::new("env"), &words, home, scene.size, "")?;
    for keys in scene.typed {
        terminal.rest(QUIET)?;
        terminal.type_keys(keys)?;
    }
    let shown = |screen: &Screen| screen.contents().contains(scene.shows);
    terminal.wait(scene.file, Duration::from_secs(20), shown)?;
    // Colours of code come a moment after the code.
    terminal.rest(QUIET * 3)?;
    let file = workspace.root().join(scene.file);
    std::fs::write(&file, svg(terminal.screen(), scene.size))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// How a run of cells looks.
#[derive(PartialEq, Clone)]
struct Look {
    foreground: String,
    background: Option<String>,
    bold: bool,
    italic: bool,
    underline: bool,
    dim: bool,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let (mut foreground, mut background) = (colour(cell.fgcolor()), colour(cell.bgcolor()));
        if cell.inverse() {
            (foreground, background) = (
                Some(background.unwrap_or_else(|| BACKGROUND.to_owned())),
                Some(foreground.unwrap_or_else(|| FOREGROUND.to_owned())),
            );
        }
        Self {
            foreground: foreground.unwrap_or_else(|| FOREGROUND.to_owned()),
            background,
            bold: cell.bold(),
            italic: cell.italic(),
            underline: cell.underline(),
            dim: cell.dim(),
        }
    }

    fn attributes(&self) -> String {
        let mut attributes = format!("fill=\"{}\"", self.foreground);
        for (set, attribute) in [
            (self.bold, " font-weight=\"bold\""),
            (self.italic, " font-style=\"italic\""),
            (self.underline, " text-decoration=\"underline\""),
            (self.dim, " opacity=\"0.6\""),
        ] {
            if set {
                attributes.push_str(attribute);
            }
        }
        attributes
    }
}

fn svg(screen: &Screen, size: Size) -> String {
    let (rows, columns) = (size.rows.get(), size.columns.get());
    let (width, height) = (f64::from(columns) * CELL_WIDTH, f64::from(rows) * CELL_HEIGHT);
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-12 -12 {:.0} {:.0}\" font-size=\"14\" \
         font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\">\n\
         <rect x=\"-12\" y=\"-12\" width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n",
        width + 24.0,
        height + 24.0,
    );
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let Some(cell) = screen.cell(row, column) else { break };
            let look = Look::of(cell);
            let mut text = String::new();
            let first = column;
            while let Some(cell) =
                screen.cell(row, column).filter(|cell| column < columns && Look::of(cell) == look)
            {
                text.push_str(if cell.has_contents() { cell.contents() } else { " " });
                column += if cell.is_wide() { 2 } else { 1 };
            }
            run_of_cells(&mut picture, (row, first, column), &look, &text);
        }
    }
    cursor(screen, &mut picture);
    picture.push_str("</svg>\n");
    picture
}

fn run_of_cells(picture: &mut String, (row, first, last): (u16, u16, u16), look: &Look, text: &str) {
    let (x, y) = (f64::from(first) * CELL_WIDTH, f64::from(row) * CELL_HEIGHT);
    let width = f64::from(last - first) * CELL_WIDTH;
    if let Some(background) = &look.background {
        let _ = writeln!(
            picture,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{CELL_HEIGHT:.1}\" fill=\"{background}\"/>"
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let escaped = text.trim_end().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let length = text.trim_end().chars().count() as f64 * CELL_WIDTH;
    let _ = writeln!(
        picture,
        "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{length:.1}\" xml:space=\"preserve\" {}>{escaped}</text>",
        y + CELL_HEIGHT * 0.75,
        look.attributes()
    );
}

fn cursor(screen: &Screen, picture: &mut String) {
    if screen.hide_cursor() {
        return;
    }
    let (row, column) = screen.cursor_position();
    let (x, y) = (f64::from(column) * CELL_WIDTH, f64::from(row) * CELL_HEIGHT);
    let _ = writeln!(
        picture,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{CELL_WIDTH:.1}\" height=\"{CELL_HEIGHT:.1}\" fill=\"{FOREGROUND}\" opacity=\"0.7\"/>"
    );
}

/// A colour of the picture; nothing where the terminal's own colour is meant.
fn colour(colour: Color) -> Option<String> {
    const NAMED: [&str; 16] = [
        "#1d1f26", "#ff6b6b", "#7ddc8b", "#f2c14e", "#6cb6ff", "#c792ea", "#5fd3d3", "#c9ccd6", "#6b7080",
        "#ff8f8f", "#a5e8ae", "#f7d98b", "#9ccdff", "#dab6f2", "#93e3e3", "#ffffff",
    ];
    let (red, green, blue) = match colour {
        Color::Default => return None,
        Color::Rgb(red, green, blue) => (red, green, blue),
        Color::Idx(index @ 0..=15) => return Some(NAMED[usize::from(index)].to_owned()),
        Color::Idx(index @ 16..=231) => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + step * 40 };
            let cube = index - 16;
            (level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        Color::Idx(index) => {
            let grey = 8 + (index - 232) * 10;
            (grey, grey, grey)
        }
    };
    Some(format!("#{red:02x}{green:02x}{blue:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_becomes_text_in_its_colours() {
        let size = Size::new(4, 40);
        let mut parser = vt100::Parser::new(size.rows, size.columns, 0);
        parser.process(b"\x1b[1;31ma<b\x1b[0m plain\x1b[48;5;232mx");
        let picture = svg(parser.screen(), size);
        assert!(picture.contains("fill=\"#ff6b6b\" font-weight=\"bold\">a&lt;b</text>"), "{picture}");
        assert!(picture.contains("> plain</text>"), "{picture}");
        assert!(picture.contains("fill=\"#080808\"/>"), "{picture}");
    }

    #[test]
    fn indexed_colours_are_those_of_terminals() {
        let table = [(16, "#000000"), (21, "#0000ff"), (196, "#ff0000"), (231, "#ffffff"), (255, "#eeeeee")];
        for (index, expected) in table {
            assert_eq!(colour(Color::Idx(index)).as_deref(), Some(expected));
        }
    }
}
