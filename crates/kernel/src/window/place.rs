//! Where a window stands: in the layout tree, beside another window, at an edge, or floating over the others.

use crate::layout::{Dir, Rect};

/// Where a window's rectangle comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Placement {
    /// From the layout tree; a window that is not in it is not shown.
    #[default]
    Tree,
    /// Fixed on the screen, over the tree.
    Float(Rect),
    /// Over the tree, held at a point of the screen or of another window.
    Anchored(Anchored),
    /// Takes a part of another window's room.
    Split(Split),
    /// At an edge, with the others of the same edge.
    Dock(Dock),
}

impl Placement {
    /// Tells whether it lies over what the tree places.
    pub fn is_float(&self) -> bool {
        matches!(self, Self::Float(_) | Self::Anchored(_))
    }
}

/// A length in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// So many terminal cells.
    Cells(u16),
    /// So much of what there is, in hundredths.
    Percent(u16),
    /// As much as the content needs.
    Content,
}

impl Length {
    /// Reads `12` or `30%`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.strip_suffix('%') {
            Some(share) => share.trim().parse().ok().filter(|share| *share <= 100).map(Self::Percent),
            None => text.parse().ok().map(Self::Cells),
        }
    }

    /// Answers the cells of it where there are `room`, at most those.
    pub(crate) fn cells(self, room: u16, content: impl FnOnce() -> u16) -> u16 {
        let cells = match self {
            Self::Cells(cells) => cells,
            Self::Percent(share) => (u32::from(room) * u32::from(share) / 100) as u16,
            Self::Content => content(),
        };
        cells.min(room)
    }
}

/// A point of a rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "each variant is the point of that name")]
pub enum Anchor {
    #[default]
    TopLeft,
    Top,
    TopRight,
    Left,
    Center,
    Right,
    BottomLeft,
    Bottom,
    BottomRight,
}

impl Anchor {
    /// Finds a point by the name extensions write: `center`, `top-center`, `bottom-left`, or a corner such as `NE`.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "top-left" | "NW" => Self::TopLeft,
            "top-center" | "top" | "N" => Self::Top,
            "top-right" | "NE" => Self::TopRight,
            "left" | "W" => Self::Left,
            "center" => Self::Center,
            "right" | "E" => Self::Right,
            "bottom-left" | "SW" => Self::BottomLeft,
            "bottom-center" | "bottom" | "S" => Self::Bottom,
            "bottom-right" | "SE" => Self::BottomRight,
            _ => return None,
        })
    }

    /// Thirds of the way from left to right and from top to bottom: 0, 1 or 2.
    fn steps(self) -> (i32, i32) {
        let at = self as i32;
        (at % 3, at / 3)
    }

    /// Answers where something of a size stands when this point of it lies on the same point of `area`, moved by an
    /// offset; column and row may lie outside.
    pub fn place(self, area: Rect, (width, height): (u16, u16), (row, col): (i32, i32)) -> (i32, i32) {
        let (across, down) = self.steps();
        let x = i32::from(area.x) + (i32::from(area.width) - i32::from(width)) * across / 2 + col;
        let y = i32::from(area.y) + (i32::from(area.height) - i32::from(height)) * down / 2 + row;
        (x, y)
    }
}

/// A window held at a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchored {
    /// Which point of the window lies on the same point of the area.
    pub anchor: Anchor,
    /// The window that is the area; absent = the screen.
    pub of: Option<String>,
    /// Rows down from there.
    pub row: i32,
    /// Columns right of there.
    pub col: i32,
    /// How wide it is, border included.
    pub width: Length,
    /// How high it is, border included.
    pub height: Length,
}

impl Default for Anchored {
    fn default() -> Self {
        let (width, height) = (Length::Content, Length::Content);
        Self { anchor: Anchor::TopLeft, of: None, row: 0, col: 0, width, height }
    }
}

/// A side of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the side of that name")]
pub enum Side {
    Above,
    Below,
    Left,
    Right,
}

impl Side {
    /// Finds a side by the name extensions write.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "above" => Self::Above,
            "below" => Self::Below,
            "left" => Self::Left,
            "right" => Self::Right,
            _ => return None,
        })
    }

    pub(crate) fn dir(self) -> Dir {
        match self {
            Self::Above | Self::Below => Dir::Col,
            Self::Left | Self::Right => Dir::Row,
        }
    }

    /// Tells whether it comes before what it is a side of.
    pub(crate) fn is_first(self) -> bool {
        matches!(self, Self::Above | Self::Left)
    }
}

/// A part of another window's room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The other window.
    pub of: String,
    /// On which side of it.
    pub side: Side,
    /// How much of its room; absent = half.
    pub size: Option<Length>,
}

/// An edge where windows queue up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DockSide {
    /// The top of the screen.
    Header,
    /// Above what the person types into.
    Above,
    /// Below it.
    Below,
    /// The bottom of the screen.
    Footer,
}

impl DockSide {
    /// All of them, from top to bottom.
    pub const ALL: [Self; 4] = [Self::Header, Self::Above, Self::Below, Self::Footer];

    /// Finds an edge by the name extensions write.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|side| side.name() == name)
    }

    /// Answers the name extensions write.
    pub fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Above => "above",
            Self::Below => "below",
            Self::Footer => "footer",
        }
    }
}

/// A place at an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dock {
    /// Which edge.
    pub side: DockSide,
    /// Lower first; of equal ones, the older.
    pub priority: i32,
    /// Whether the others of the edge are not shown while this is.
    pub exclusive: bool,
    /// Its rows; absent = as many as its content needs.
    pub size: Option<u16>,
    /// Its rows at most.
    pub max: Option<u16>,
}

impl Dock {
    /// Describes an ordinary place at an edge.
    pub fn new(side: DockSide) -> Self {
        Self { side, priority: 0, exclusive: false, size: None, max: None }
    }
}

/// The line around a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[expect(missing_docs, reason = "the others are the lines of those names")]
pub enum Border {
    #[default]
    None,
    Single,
    Rounded,
    Double,
    Heavy,
    /// A line on the side of the window that this one splits; nothing where it splits none.
    Line,
}

impl Border {
    /// Finds one by the name extensions write.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::None,
            "single" => Self::Single,
            "rounded" => Self::Rounded,
            "double" => Self::Double,
            "heavy" => Self::Heavy,
            "line" => Self::Line,
            _ => return None,
        })
    }

    /// Answers its characters: horizontal, vertical, then the corners from the top left, row by row.
    pub(crate) fn characters(self) -> Option<[&'static str; 6]> {
        Some(match self {
            Self::None | Self::Line => return None,
            Self::Single => ["─", "│", "┌", "┐", "└", "┘"],
            Self::Rounded => ["─", "│", "╭", "╮", "╰", "╯"],
            Self::Double => ["═", "║", "╔", "╗", "╚", "╝"],
            Self::Heavy => ["━", "┃", "┏", "┓", "┗", "┛"],
        })
    }

    /// Answers what is left of a rectangle inside.
    pub fn inside(self, rect: Rect) -> Rect {
        if matches!(self, Self::None | Self::Line) {
            return rect;
        }
        if rect.width < 3 || rect.height < 3 {
            return Rect::default();
        }
        Rect::new(rect.x + 1, rect.y + 1, rect.width - 2, rect.height - 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_hold_a_rectangle_at_the_same_point_of_its_area() {
        let area = Rect::new(10, 5, 80, 20);
        let table = [
            ("top-left", (10, 5)),
            ("top-center", (40, 5)),
            ("NE", (70, 5)),
            ("center", (40, 13)),
            ("bottom-center", (40, 21)),
            ("SE", (70, 21)),
        ];
        for (name, (x, y)) in table {
            let anchor = Anchor::parse(name).expect(name);
            assert_eq!(anchor.place(area, (20, 4), (0, 0)), (x, y), "{name}");
            assert_eq!(anchor.place(area, (20, 4), (1, -2)), (x - 2, y + 1), "{name}");
        }
        assert_eq!(Anchor::parse("middle"), None);
    }

    #[test]
    fn lengths_are_cells_or_shares() {
        assert_eq!(Length::parse("30%"), Some(Length::Percent(30)));
        assert_eq!(Length::parse("12"), Some(Length::Cells(12)));
        assert_eq!((Length::parse("130%"), Length::parse("x")), (None, None));
        assert_eq!(Length::Percent(50).cells(25, || 0), 12);
        assert_eq!(Length::Cells(50).cells(25, || 0), 25);
        assert_eq!(Length::Content.cells(25, || 7), 7);
    }
}
