//! `purlin session search`.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use purlin_kernel::text::{Line, Span, Style, Token, visible, wrap_line};
use purlin_runtime_native::index::{Asked, Hit, Snippet};
use purlin_runtime_native::{Index, sessions};
use serde_json::json;

use super::{Place, moment, title};
use crate::console::{Console, Stop};
use crate::report::{Kind, Report};
use crate::{say, session};

/// Prints the newest places where all of the words occur.
pub fn run(
    place: &Place<'_>,
    console: &mut Console,
    words: &[String],
    limit: usize,
    json: bool,
) -> Result<u8, Stop> {
    let asked = Asked::of_arguments(words);
    if asked.is_empty() {
        let report = Report::new(Kind::Usage, "There is no word to look for.");
        return Err(report
            .hint("Words that are only excluded find nothing: name one that must occur.")
            .into());
    }
    if sessions::ids(&place.paths).map_err(|error| session::unlisted(&error))?.is_empty()
        && !place.paths.notebooks().exists()
    {
        return Ok(nothing(json));
    }
    let mut index = Index::open(&place.paths);
    index.update(&mut progress());
    let hits = index.search(&asked, limit);
    if json {
        hits.iter().try_for_each(|hit| console.json(&object(hit)))?;
    } else {
        let titles = sessions::list(&place.paths);
        let mut before: Option<&Hit> = None;
        for hit in &hits {
            if before.is_none_or(|before| before.session != hit.session) {
                if before.is_some() {
                    console.line(&[])?;
                }
                let of =
                    titles.iter().find(|session| session.id == hit.session).map(title).unwrap_or_default();
                head(console, hit, &of)?;
            }
            place_of(console, hit)?;
            before = Some(hit);
        }
    }
    Ok(if hits.is_empty() { nothing(json) } else { 0 })
}

fn nothing(json: bool) -> u8 {
    if !json {
        say::warning("Nothing was found.");
    }
    1
}

/// Says on a terminal how far the index has come, once that takes longer than a moment.
pub fn progress() -> impl FnMut(usize, usize) {
    let (begun, shown) = (Instant::now(), std::io::stderr().is_terminal());
    let mut said: Option<Instant> = None;
    move |done, of| {
        let now = Instant::now();
        if !shown || now.duration_since(begun) < Duration::from_millis(500) {
            return;
        }
        if done == of {
            if said.is_some() {
                say::progress("");
            }
        } else if said.is_none_or(|said| now.duration_since(said) > Duration::from_millis(100)) {
            say::progress(&format!("reading sessions: {done} of {of}"));
            said = Some(now);
        }
    }
}

fn object(hit: &Hit) -> serde_json::Value {
    json!({
        "session": hit.session.as_str(), "name": hit.name, "cell": hit.cell.as_str(),
        "output": hit.output.as_ref().map(purlin_notebook::OutputId::as_str), "kind": hit.kind, "at": hit.at,
        "snippet": hit.snippet.text,
        "marks": hit.snippet.marks.iter().map(|mark| {
            let characters = |end: usize| hit.snippet.text[..end].chars().count();
            [characters(mark.start), characters(mark.end)]
        }).collect::<Vec<_>>(),
    })
}

/// The session that the following hits are in.
fn head(console: &mut Console, hit: &Hit, title: &str) -> Result<(), Stop> {
    let line: Line = vec![
        Span::new(hit.session.to_string(), Style::fg(Token::Accent)),
        Span::new(format!("  {}", visible(title)), Style::fg(Token::Dim)),
    ];
    let line =
        if console.is_terminal() { purlin_kernel::text::line_truncate(line, console.width()) } else { line };
    console.line(&line)
}

/// Where the words stand, and what stands around them.
fn place_of(console: &mut Console, hit: &Hit) -> Result<(), Stop> {
    let dim = Style::fg(Token::Dim);
    let mut line: Line =
        vec![Span::new(format!("  {}  {}  ", moment(hit.at, "%Y-%m-%d %H:%M"), visible(&hit.kind)), dim)];
    line.extend(marked(&hit.snippet, console.is_terminal()));
    if !console.is_terminal() {
        return console.line(&line);
    }
    wrap_line(&line, console.width(), &[Span::from("    ")]).iter().try_for_each(|line| console.line(line))
}

/// A snippet with its words marked: by how they look on a terminal, by asterisks elsewhere.
fn marked(snippet: &Snippet, is_terminal: bool) -> Line {
    let style = Style::fg(Token::Warning).with(purlin_kernel::text::Attrs::BOLD);
    let mut line = Line::new();
    let mut end = 0;
    for mark in &snippet.marks {
        line.push(Span::from(snippet.text[end..mark.start].to_owned()));
        let word = &snippet.text[mark.clone()];
        if is_terminal {
            line.push(Span::new(visible(word).into_owned(), style.clone()));
        } else {
            line.push(Span::from(format!("**{word}**")));
        }
        end = mark.end;
    }
    line.push(Span::from(snippet.text[end..].to_owned()));
    line
}
