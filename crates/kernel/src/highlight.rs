//! Highlight groups, the theme, and who highlights code.
//!
//! A group is a style under a name, or a link to another group. Every token of the theme is a group of its own name; the
//! theme may define further ones, and what extensions set goes before both, the latest first.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::text::theme::Theme;
use crate::text::{Color, Highlighter, Line, Part, Style, Token};
use crate::{ExtId, Handle, HandlerError, Kernel, RegId, Topic};

/// Links are followed so far; a longer chain is a circle.
const DEEPEST: usize = 16;

/// What a group is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HighlightSpec {
    /// Looks like this group, with `style` laid over it.
    pub link: Option<String>,
    /// Its own style.
    pub style: Style,
}

/// Which colour of a group is meant where one colour is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// That of the glyphs.
    Fg,
    /// The one behind them.
    Bg,
}

type Set = (RegId, ExtId, Rc<HighlightSpec>);

#[derive(Default)]
pub(crate) struct HighlightTable {
    groups: RefCell<BTreeMap<String, Vec<Set>>>,
    theme: RefCell<Rc<Theme>>,
    /// The theme with the groups in it, until either changes.
    whole: RefCell<Option<Rc<Theme>>>,
    revision: Cell<u64>,
    highlighter: RefCell<Option<Rc<dyn Highlighter>>>,
}

/// Sets and reads highlight groups; made by [`Kernel::hl`].
#[derive(Clone, Copy, Debug)]
pub struct Highlights<'k>(&'k Kernel);

impl Highlights<'_> {
    /// Sets a group until the handle is deleted; the same owner's earlier one of this name goes.
    ///
    /// It is an error when the name is empty or the link leads in a circle.
    pub fn set(self, owner: ExtId, group: &str, spec: HighlightSpec) -> Result<Handle, HandlerError> {
        if group.trim().is_empty() {
            return Err(HandlerError::new("a highlight group needs a name"));
        }
        self.check_link(group, &spec)?;
        let before = {
            let groups = self.0.0.highlights.groups.borrow();
            groups
                .get(group)
                .and_then(|list| list.iter().find(|(_, own, _)| *own == owner).map(|(id, ..)| *id))
        };
        if let Some(before) = before {
            self.0.unregister(before);
        }
        let id = self.0.next_reg();
        let (linked, unlinked, spec) = (group.to_owned(), group.to_owned(), Rc::new(spec));
        let texts =
            spec.link.as_ref().map_or(0, String::len) + spec.style.url.as_ref().map_or(0, |url| url.len());
        Ok(self.0.register_sized(
            id,
            owner,
            "highlight",
            group,
            texts,
            move |kernel| {
                {
                    let mut groups = kernel.0.highlights.groups.borrow_mut();
                    let list = groups.entry(linked.clone()).or_default();
                    let at = list.partition_point(|(other, ..)| *other < id);
                    list.insert(at, (id, owner, spec.clone()));
                }
                kernel.hl().changed();
            },
            move |kernel| {
                {
                    let mut groups = kernel.0.highlights.groups.borrow_mut();
                    if let Some(list) = groups.get_mut(&unlinked) {
                        list.retain(|(other, ..)| *other != id);
                        if list.is_empty() {
                            groups.remove(&unlinked);
                        }
                    }
                }
                kernel.hl().changed();
            },
        ))
    }

    fn check_link(self, group: &str, spec: &HighlightSpec) -> Result<(), HandlerError> {
        let mut next = spec.link.clone();
        for _ in 0..=DEEPEST {
            let Some(name) = next else { return Ok(()) };
            if name == group {
                return Err(HandlerError::new(format!(
                    "the link of highlight group `{group}` leads back to it"
                )));
            }
            next = self.get(&name).and_then(|spec| spec.link);
        }
        Err(HandlerError::new(format!(
            "the link of highlight group `{group}` leads over more than {DEEPEST} others"
        )))
    }

    fn changed(self) {
        let table = &self.0.0.highlights;
        table.revision.set(table.revision.get() + 1);
        table.whole.take();
        self.0.win().mark_all_dirty();
        self.0.changed(Topic::Theme);
    }

    /// Answers a group as it was set, by the theme or by an extension; a token that nobody has set is its own colour.
    pub fn get(self, group: &str) -> Option<HighlightSpec> {
        let set = {
            let groups = self.0.0.highlights.groups.borrow();
            groups.get(group).and_then(|list| list.last()).map(|(.., spec)| (**spec).clone())
        };
        set.or_else(|| self.0.theme().group(group).cloned()).or_else(|| {
            let token = Token::from_name(group)?;
            Some(HighlightSpec { link: None, style: token.style() })
        })
    }

    /// Answers what a group looks like now, links followed; an unknown one looks like nothing.
    ///
    /// What is drawn or kept takes [`Style::group`] instead, which has the look of the moment it is painted.
    pub fn style(self, group: &str) -> Style {
        self.theme().group_style(group)
    }

    /// Answers the theme in force with every group that is set: what a surface paints styles with.
    pub fn theme(self) -> Rc<Theme> {
        let table = &self.0.0.highlights;
        if let Some(whole) = &*table.whole.borrow() {
            return Rc::clone(whole);
        }
        let mut theme = (*self.0.theme()).clone();
        for (name, list) in &*table.groups.borrow() {
            if let Some((.., spec)) = list.last() {
                theme.set_group(name, (**spec).clone());
            }
        }
        let theme = Rc::new(theme);
        *table.whole.borrow_mut() = Some(Rc::clone(&theme));
        theme
    }

    /// Lists every group by name.
    pub fn list(self) -> Vec<(String, HighlightSpec)> {
        let mut names: Vec<String> = self.0.0.highlights.groups.borrow().keys().cloned().collect();
        names.extend(Token::ALL.iter().map(|token| token.name().to_owned()));
        names.extend(self.0.theme().groups().map(str::to_owned));
        names.sort();
        names.dedup();
        names.into_iter().filter_map(|name| Some((name.clone(), self.get(&name)?))).collect()
    }

    /// Reads a colour as extensions write it: a token, `#rrggbb`, `#rgb`, a number of the palette, `default`, or a group,
    /// whose colour of this ground is taken when it is painted. Answers a style that has nothing but that colour.
    pub fn color(self, text: &str, ground: Ground) -> Option<Style> {
        if let Some(color) = Color::parse(text) {
            return Some(match ground {
                Ground::Fg => Style::fg(color),
                Ground::Bg => Style::new().on(color),
            });
        }
        self.get(text)?;
        let part = if ground == Ground::Fg { Part::Fg } else { Part::Bg };
        Some(Style::group_part(text, part))
    }

    /// Reads a style as extensions name it: a group, or a colour of the glyphs.
    pub fn named(self, text: &str) -> Option<Style> {
        let is_set = self.0.0.highlights.groups.borrow().contains_key(text);
        match Token::from_name(text) {
            Some(token) if !is_set => Some(token.style()),
            _ if self.get(text).is_some() => Some(Style::group(text)),
            _ => self.color(text, Ground::Fg),
        }
    }
}

impl Kernel {
    /// Sets and reads highlight groups.
    pub fn hl(&self) -> Highlights<'_> {
        Highlights(self)
    }

    /// Answers the theme in force.
    pub fn theme(&self) -> Rc<Theme> {
        self.0.highlights.theme.borrow().clone()
    }

    /// Puts a theme in force: every window is drawn again, and what was made for another theme is to be made anew.
    pub fn set_theme(&self, theme: Theme) {
        if *self.theme() == theme {
            return;
        }
        *self.0.highlights.theme.borrow_mut() = Rc::new(theme);
        self.hl().changed();
    }

    /// Answers a number that changes whenever the theme or a group does.
    pub fn theme_revision(&self) -> u64 {
        self.0.highlights.revision.get()
    }

    /// Supplies who highlights code.
    pub fn set_highlighter(&self, highlighter: Rc<dyn Highlighter>) {
        *self.0.highlights.highlighter.borrow_mut() = Some(highlighter);
    }

    /// Answers who highlights code, if anybody does.
    pub fn highlighter(&self) -> Option<Rc<dyn Highlighter>> {
        self.0.highlights.highlighter.borrow().clone()
    }

    /// Says that code is ready whose colours were not: whatever shows code is drawn again.
    pub fn highlighted(&self) {
        self.ui().repaint_overlays();
        self.win().mark_all_dirty();
    }

    /// Lays Markdown out in lines of a width, with code as the highlighter has it ready.
    pub fn markdown(&self, text: &str, width: usize) -> Vec<Line> {
        crate::text::markdown::markdown_with(text, width, self.highlighter().as_deref())
    }

    /// Highlights code; in plain lines where nobody knows the language.
    pub fn highlight(&self, code: &str, language: &str) -> Vec<Line> {
        let lines = self.highlighter().and_then(|highlighter| highlighter.lines(code, language));
        lines.unwrap_or_else(|| {
            let style = Style::fg(Token::CodeText);
            code.lines().map(|line| crate::text::styled(line.to_owned(), style.clone())).collect()
        })
    }
}
