//! One cell: sixteen bytes, compared as numbers.

/// A grapheme: up to seven bytes inline, else a number of the pool's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Glyph(pub(super) u64);

/// The tag in the highest byte of a glyph that is in the pool's table.
pub(super) const POOLED: u8 = 0xff;

impl Glyph {
    /// A space.
    pub const SPACE: Self = Self::ascii(b' ');
    /// The second cell of a wide grapheme.
    pub const CONTINUATION: Self = Self(0);

    pub(super) const fn ascii(byte: u8) -> Self {
        Self((byte as u64) | 1 << 56)
    }

    pub(super) fn inline(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() > 7 {
            return None;
        }
        let mut raw = [0; 8];
        raw[..bytes.len()].copy_from_slice(bytes);
        raw[7] = bytes.len() as u8;
        Some(Self(u64::from_le_bytes(raw)))
    }
}

/// Numbers a style of the pool; 0 is the default style.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StyleId(pub u32);

/// Numbers a link of the pool; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LinkId(pub u16);

/// One cell of a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The grapheme.
    pub glyph: Glyph,
    /// How it looks.
    pub hl: StyleId,
    /// Where it leads.
    pub link: LinkId,
    /// How many cells it takes; 0 for the second cell of a wide one.
    pub width: u8,
}

impl Cell {
    /// A space in the default style.
    pub const BLANK: Self = Self { glyph: Glyph::SPACE, hl: StyleId(0), link: LinkId(0), width: 1 };

    /// Tells whether it is the second cell of a wide grapheme.
    pub fn is_continuation(&self) -> bool {
        self.width == 0
    }
}
