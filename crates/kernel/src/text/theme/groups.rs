//! Highlight groups of a theme: what a style that lies on groups looks like, and tokens that a group gives another look.

use std::borrow::Cow;

use super::{Entry, Theme};
use crate::highlight::HighlightSpec;
use crate::text::{Attrs, Color, GroupLayer, Part, Style, Token};

/// So many groups are looked up for one style; more is a circle of colours that name each other.
const MOST: u32 = 64;

impl Theme {
    /// Gives a group another look; one of a token's name goes before the token's own meaning.
    pub fn set_group(&mut self, name: &str, spec: HighlightSpec) {
        self.groups.insert(name.to_owned(), spec);
    }

    /// Answers a style with its groups looked up: colours, attributes and link as they are in this theme.
    pub fn flatten<'s>(&self, style: &'s Style) -> Cow<'s, Style> {
        match &style.layer {
            None => Cow::Borrowed(style),
            Some(_) => Cow::Owned(self.flat(style, &mut { MOST })),
        }
    }

    /// Answers what a group looks like, links followed; an unknown one looks like nothing.
    pub fn group_style(&self, name: &str) -> Style {
        self.look_up(name, &mut { MOST })
    }

    fn flat(&self, style: &Style, left: &mut u32) -> Style {
        let Some(layer) = &style.layer else { return style.clone() };
        let own = Style { layer: None, ..style.clone() };
        self.below(layer, left).patch(&own)
    }

    fn below(&self, layer: &GroupLayer, left: &mut u32) -> Style {
        let group = self.look_up(&layer.group, left);
        let taken = match layer.part {
            Part::Whole => group,
            Part::Fg => Style { fg: group.fg, ..Style::default() },
            Part::Bg => Style { bg: group.bg, ..Style::default() },
        };
        self.flat(&layer.under, left).patch(&taken)
    }

    fn look_up(&self, name: &str, left: &mut u32) -> Style {
        let Some(rest) = left.checked_sub(1) else { return Style::default() };
        *left = rest;
        let Some(spec) = self.groups.get(name) else {
            return Token::from_name(name).map(Token::style).unwrap_or_default();
        };
        let linked = spec.link.as_ref().map(|link| self.look_up(link, left)).unwrap_or_default();
        linked.patch(&self.flat(&spec.style, left))
    }

    /// Answers what a token means, a group of its name included.
    pub(super) fn in_force(&self, token: Token) -> Entry {
        let mut entry = self.entry(token);
        if self.groups.is_empty() {
            return entry;
        }
        let (mut named, mut attrs) = (token, Attrs::NONE);
        // A group may name another token, which may have a group itself.
        for _ in 0..Token::ALL.len() {
            let Some(style) = self.groups.get(named.name()).map(|_| self.group_style(named.name())) else {
                break;
            };
            let color = if token.is_background() { style.bg } else { style.fg };
            attrs = attrs | style.attrs;
            entry = self.meaning(entry, color);
            match color {
                Color::Token(next) if next != named => named = next,
                _ => break,
            }
        }
        if self.groups.contains_key(token.name()) {
            // Attributes of the last token count, if one is named; those that the group replaces do not.
            let own = if named == token { Attrs::NONE } else { self.entry(named).attrs };
            entry.attrs = attrs | own;
        }
        entry
    }
}
