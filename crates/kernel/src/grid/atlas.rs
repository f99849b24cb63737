//! What the ids in cells stand for.

use std::collections::HashMap;

use crate::text::Style;

/// Names a style of an [`Atlas`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct StyleId(u16);

impl StyleId {
    /// The default style, in every atlas.
    pub const DEFAULT: StyleId = StyleId(0);

    /// Answers the id as an index: ids are dense, from 0.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// One grapheme: a character, or a cluster that an [`Atlas`] keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Glyph(u32);

impl Glyph {
    /// The space.
    pub const BLANK: Glyph = Glyph(' ' as u32);
    const CLUSTER: u32 = 1 << 31;
}

/// The text of a glyph, without allocation.
#[derive(Debug, Clone, Copy)]
pub enum GlyphText<'a> {
    /// A single character.
    Char([u8; 4], u8),
    /// A cluster of several.
    Cluster(&'a str),
}

impl GlyphText<'_> {
    /// Answers the text.
    pub fn as_str(&self) -> &str {
        match self {
            // The bytes were written by `char::encode_utf8`.
            GlyphText::Char(bytes, len) => std::str::from_utf8(&bytes[..usize::from(*len)]).unwrap_or(" "),
            GlyphText::Cluster(text) => text,
        }
    }

    /// Tells whether terminals agree on the glyph's width: a single character does not change it afterwards.
    pub fn is_single(&self) -> bool {
        matches!(self, GlyphText::Char(..))
    }
}

/// The styles and grapheme clusters that cells refer to. Ids stay valid until [`Atlas::clear`].
#[derive(Debug)]
pub struct Atlas {
    styles: Vec<Style>,
    style_ids: HashMap<Style, StyleId>,
    clusters: Vec<Box<str>>,
    cluster_ids: HashMap<Box<str>, u32>,
    generation: u64,
}

impl Default for Atlas {
    fn default() -> Self {
        let mut atlas = Atlas {
            styles: Vec::new(),
            style_ids: HashMap::new(),
            clusters: Vec::new(),
            cluster_ids: HashMap::new(),
            generation: 0,
        };
        atlas.clear();
        atlas
    }
}

impl Atlas {
    /// So many styles or clusters mean that most are of what was scrolled away: time to clear.
    const CROWDED: usize = 16_384;

    /// Answers an atlas that holds the default style only.
    pub fn new() -> Atlas {
        Atlas::default()
    }

    /// Answers the id of a style.
    pub fn style_id(&mut self, style: &Style) -> StyleId {
        if let Some(id) = self.style_ids.get(style) {
            return *id;
        }
        let Ok(index) = u16::try_from(self.styles.len()) else { return StyleId::DEFAULT };
        self.styles.push(style.clone());
        self.style_ids.insert(style.clone(), StyleId(index));
        StyleId(index)
    }

    /// Answers the style of an id.
    pub fn style(&self, id: StyleId) -> &Style {
        // Index 0, the default style, always exists.
        self.styles.get(id.index()).unwrap_or(&self.styles[0])
    }

    /// Answers the number of styles.
    pub fn style_count(&self) -> usize {
        self.styles.len()
    }

    /// Answers the glyph of one grapheme cluster.
    pub fn glyph_of(&mut self, cluster: &str) -> Glyph {
        let mut chars = cluster.chars();
        match (chars.next(), chars.next()) {
            (None, _) => Glyph::BLANK,
            (Some(single), None) => Glyph(single as u32),
            _ => {
                if let Some(index) = self.cluster_ids.get(cluster) {
                    return Glyph(Glyph::CLUSTER | *index);
                }
                let index = self.clusters.len() as u32;
                self.clusters.push(cluster.into());
                self.cluster_ids.insert(cluster.into(), index);
                Glyph(Glyph::CLUSTER | index)
            }
        }
    }

    /// Answers a glyph's text.
    pub fn glyph(&self, glyph: Glyph) -> GlyphText<'_> {
        if glyph.0 & Glyph::CLUSTER != 0 {
            let index = (glyph.0 & !Glyph::CLUSTER) as usize;
            return GlyphText::Cluster(self.clusters.get(index).map_or(" ", |cluster| cluster));
        }
        let mut bytes = [0; 4];
        let len = char::from_u32(glyph.0).unwrap_or(' ').encode_utf8(&mut bytes).len();
        GlyphText::Char(bytes, len as u8)
    }

    /// Tells whether so much has been collected that the owner should clear the atlas and draw everything anew.
    pub fn is_crowded(&self) -> bool {
        self.styles.len() > Self::CROWDED || self.clusters.len() > Self::CROWDED
    }

    /// Forgets everything but the default style. All ids become invalid: every grid must be drawn anew.
    pub fn clear(&mut self) {
        self.styles.clear();
        self.style_ids.clear();
        self.clusters.clear();
        self.cluster_ids.clear();
        self.styles.push(Style::default());
        self.style_ids.insert(Style::default(), StyleId::DEFAULT);
        self.generation += 1;
    }

    /// Answers a number that changes when ids become invalid.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}
