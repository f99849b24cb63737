//! What cells refer to by number: styles, links and long graphemes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Deref;
use std::rc::Rc;

use super::cell::{Glyph, LinkId, POOLED, StyleId};
use crate::text::Style;

/// How many long graphemes and links are told apart; beyond it a grapheme is cut to its first scalar, a link dropped.
const MOST: usize = u16::MAX as usize;

/// Tables shared by all grids of a kernel; a clone is the same pool.
#[derive(Clone)]
pub struct Pool(Rc<Tables>);

struct Tables {
    styles: RefCell<Table<Style>>,
    links: RefCell<Table<Rc<str>>>,
    glyphs: RefCell<Table<Rc<str>>>,
}

struct Table<T> {
    items: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T: Clone + Eq + std::hash::Hash> Table<T> {
    fn new(first: T) -> Self {
        Self { numbers: HashMap::from([(first.clone(), 0)]), items: vec![first] }
    }

    fn intern(&mut self, item: &T) -> u32 {
        if let Some(number) = self.numbers.get(item) {
            return *number;
        }
        let number = self.items.len() as u32;
        self.items.push(item.clone());
        self.numbers.insert(item.clone(), number);
        number
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self(Rc::new(Tables {
            styles: RefCell::new(Table::new(Style::default())),
            links: RefCell::new(Table::new("".into())),
            glyphs: RefCell::new(Table::new("".into())),
        }))
    }
}

impl Pool {
    /// Numbers a style and its link.
    pub fn intern(&self, style: &Style) -> (StyleId, LinkId) {
        let Some(url) = &style.url else {
            return (StyleId(self.0.styles.borrow_mut().intern(style)), LinkId(0));
        };
        let plain = Style { url: None, ..style.clone() };
        let style = StyleId(self.0.styles.borrow_mut().intern(&plain));
        let mut links = self.0.links.borrow_mut();
        if links.items.len() >= MOST && !links.numbers.contains_key(url) {
            return (style, LinkId(0));
        }
        (style, LinkId(links.intern(url) as u16))
    }

    /// Answers a style by its number, without a link.
    pub fn style(&self, id: StyleId) -> Style {
        self.0.styles.borrow().items.get(id.0 as usize).cloned().unwrap_or_default()
    }

    /// Answers a link by its number.
    pub fn link(&self, id: LinkId) -> Option<Rc<str>> {
        if id == LinkId(0) {
            return None;
        }
        self.0.links.borrow().items.get(usize::from(id.0)).cloned()
    }

    /// Makes a glyph of one grapheme.
    pub fn glyph(&self, text: &str) -> Glyph {
        if let Some(glyph) = Glyph::inline(text) {
            return glyph;
        }
        let mut glyphs = self.0.glyphs.borrow_mut();
        if glyphs.items.len() >= MOST && !glyphs.numbers.contains_key(text) {
            let first = text.char_indices().nth(1).map_or(text, |(at, _)| &text[..at]);
            return Glyph::inline(first).unwrap_or(Glyph::SPACE);
        }
        let number = glyphs.intern(&Rc::from(text));
        Glyph(u64::from(number) | u64::from(POOLED) << 56)
    }

    /// Answers a glyph's text.
    pub fn text(&self, glyph: Glyph) -> GlyphText {
        let raw = glyph.0.to_le_bytes();
        if raw[7] == POOLED {
            let number = (glyph.0 & 0xffff_ffff) as usize;
            let glyphs = self.0.glyphs.borrow();
            return glyphs.items.get(number).map_or(GlyphText::Inline(raw), |text| GlyphText::Pooled(text.clone()));
        }
        GlyphText::Inline(raw)
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("styles", &self.0.styles.borrow().items.len()).finish_non_exhaustive()
    }
}

/// The text of a glyph; used as a `str`.
#[derive(Debug, Clone)]
pub enum GlyphText {
    /// Up to seven bytes and their number.
    Inline([u8; 8]),
    /// A longer text.
    Pooled(Rc<str>),
}

impl Deref for GlyphText {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Inline(raw) => std::str::from_utf8(&raw[..usize::from(raw[7]).min(7)]).unwrap_or(" "),
            Self::Pooled(text) => text,
        }
    }
}
