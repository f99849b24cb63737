//! `purlin session show`: the transcript, printed.

use std::rc::Rc;

use purlin_agent::projection::Transcript;
use purlin_kernel::BlockSource as _;
use purlin_kernel::text::{Line, Span, Style, Token};
use purlin_notebook::{Store, StoreExt as _};
use purlin_tui::transcript::look::{Setting, follows_closely, lay_out};

use super::{Place, moment, unreadable};
use crate::console::{Console, Stop};

/// So many blocks are read at a time.
const PAGE: usize = 64;
/// What the screen says at what it has folded, and what is said here.
const ON_SCREEN: &str = " (ctrl+o)";
const HERE: &str = " (--full)";

/// Prints the current branch of a session as the screen shows it.
pub fn run(place: &Place<'_>, console: &mut Console, id: Option<&str>, full: bool) -> Result<u8, Stop> {
    let (_notebook, store) = place.open(place.find(id)?)?;
    let failed = |error| Stop::from(unreadable(&error));
    head(console, &*store).map_err(failed)??;
    let transcript = Transcript::new(Rc::clone(&store) as Rc<dyn Store>).map_err(failed)?;
    let setting = Setting { width: console.width(), unfolded: full, whole: full };
    let mut before = None;
    for begin in (0..transcript.len()).step_by(PAGE) {
        for block in transcript.range(begin..transcript.len().min(begin + PAGE)) {
            if !before.as_deref().is_some_and(|before| follows_closely(before, &block)) {
                console.line(&[])?;
            }
            lay_out(&block, setting).into_iter().try_for_each(|line| console.line(&hinted(line)))?;
            before = Some(block);
        }
    }
    Ok(0)
}

/// Which session it is.
fn head(console: &mut Console, store: &dyn Store) -> Result<Result<(), Stop>, purlin_notebook::StoreError> {
    let metadata = store.metadata()?;
    let first = store.log_since(0, 1)?;
    let mut facts = vec![store.identity().store_id.to_string()];
    facts.extend(metadata.get("purlin.name").or_else(|| metadata.get("title")).cloned());
    facts.extend(first.first().map(|entry| moment(entry.at, "%Y-%m-%d %H:%M")));
    facts.extend(metadata.get("purlin.cwd").cloned());
    let line = facts.join(" · ").replace('\n', "^J");
    let shown = purlin_kernel::text::wrap(&purlin_kernel::text::visible(&line), console.width());
    let style = Style::fg(Token::Dim);
    Ok(shown.into_iter().try_for_each(|line| console.line(&[Span::new(line, style.clone())])))
}

/// Says how to see what was folded.
fn hinted(mut line: Line) -> Line {
    for span in line.iter_mut().filter(|span| span.text == ON_SCREEN) {
        span.text = HERE.into();
    }
    line
}
