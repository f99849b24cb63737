//! A program of its own that draws the whole screen anew, in Lua, thirty times a second.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::process;
use super::report::{Bar, Row};
use crate::terminal::{Size, Terminal};

const SCREEN: Size = Size::new(40, 120);

/// Frames a second that are asked for.
const RATE: u32 = 30;

/// Forty rows of four spans each, of which every one changes with every frame.
const PROGRAM: &str = r#"
local purlin = require("purlin")
local frame = 0
local colours = { "accent", "success", "warning", "link" }
purlin.win.create("page")
purlin.win.render("page", function(view)
  frame = frame + 1
  local rows = { { { text = ("frame %d "):format(frame), bold = true } } }
  for row = 2, view.height do
    local at = (frame + row * 3) % (view.width - 24)
    rows[row] = {
      { text = (" "):rep(at) },
      { text = ("%08d"):format(frame * row % 100000000), fg = colours[(frame + row) % 4 + 1], bold = true },
      { text = (" row %02d "):format(row), bg = "selectedBg" },
      { text = ("%x"):format(frame * 7919 + row), fg = "dim" },
    }
  end
  return rows
end)
purlin.ui.animate(30, function() purlin.ui.redraw("page") end)
"#;

/// What one run of the program used and did.
struct Drawn {
    percent: f64,
    rate: f64,
}

/// Draws for a minute, or for ten seconds where little is asked for.
pub(super) fn rows(program: &Path, home: &Path, quick: bool) -> Vec<Row> {
    let seconds = if quick { 10 } else { 60 };
    let drawn = draw(program, home, seconds).map_err(|error| format!("{error:#}"));
    let row = |name: String, unit, bar, value: fn(&Drawn) -> f64| Row {
        name,
        unit,
        bar,
        ours: drawn.as_ref().map(value).map_err(Clone::clone),
        editor: None,
    };
    vec![
        row(
            format!("a Lua renderer of the whole screen, {RATE} frames a second for {seconds} s, of a core"),
            "%",
            Bar::Most(5.0),
            |drawn| drawn.percent,
        ),
        row("frames that it draws, a second".to_owned(), "", Bar::Least(29.0), |drawn| drawn.rate),
    ]
}

fn draw(program: &Path, home: &Path, seconds: u32) -> Result<Drawn> {
    let file = home.join("renderer.lua");
    std::fs::write(&file, PROGRAM)?;
    let file = file.display().to_string();
    let mut terminal = Terminal::start(program, &["--bare", "-e", &file], home, SCREEN, "")?;
    // The first second is that of the start.
    let settled = terminal.wait("the first second", Duration::from_secs(20), |screen| {
        frame(screen).is_some_and(|at| at >= RATE)
    })?;
    let first = frame(terminal.screen()).context("no frame is numbered")?;
    let before = process::usage(terminal.pid()?)?;
    let until = first + RATE * seconds;
    let patience = Duration::from_secs(u64::from(seconds) * 2);
    let end =
        terminal.wait("the last frame", patience, |screen| frame(screen).is_some_and(|at| at >= until))?;
    let after = process::usage(terminal.pid()?)?;
    let last = frame(terminal.screen()).context("no frame is numbered")?;
    let took = end.duration_since(settled).as_secs_f64();
    Ok(Drawn {
        percent: (after.cpu_seconds - before.cpu_seconds) / took * 100.0,
        rate: f64::from(last - first) / took,
    })
}

/// The number of the frame that a screen shows.
fn frame(screen: &vt100::Screen) -> Option<u32> {
    let row = screen.rows(0, SCREEN.columns.get()).next()?;
    row.strip_prefix("frame ")?.trim().parse().ok()
}
