//! Which part of something long is shown: offsets count from the end, and are clamped to what there is.

/// The part of a list of rows that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Viewport {
    /// The first row shown.
    pub start: usize,
    /// The row after the last shown.
    pub end: usize,
    /// Rows hidden below, clamped.
    pub offset: usize,
    /// The greatest offset.
    pub max_offset: usize,
    /// All rows.
    pub total: usize,
}

/// Answers which of `total` rows are shown in `height` when `offset` of them are hidden below.
pub fn viewport(total: usize, height: usize, offset: usize) -> Viewport {
    let max_offset = total.saturating_sub(height);
    let offset = offset.min(max_offset);
    let end = total - offset;
    Viewport { start: end.saturating_sub(height), end, offset, max_offset, total }
}

/// An item of which at least a row is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VirtualItem {
    /// Its place in the list.
    pub index: usize,
    /// The row, from the upper edge of what is shown, at which it begins; negative when its beginning is hidden.
    pub row_offset: i64,
    /// Its rows.
    pub height: usize,
}

/// The items that are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VirtualList {
    /// They themselves, from top to bottom.
    pub items: Vec<VirtualItem>,
    /// The first item shown.
    pub start: usize,
    /// The item after the last shown.
    pub end: usize,
    /// Rows hidden below, clamped.
    pub offset: usize,
    /// The greatest offset.
    pub max_offset: usize,
    /// All rows.
    pub total: usize,
}

/// Answers which items of these heights are shown in `height` rows when `offset` rows are hidden below.
pub fn virtual_list(heights: &[usize], height: usize, offset: usize) -> VirtualList {
    let view = viewport(heights.iter().sum(), height, offset);
    let mut items = Vec::new();
    let mut top = 0;
    for (index, height) in heights.iter().copied().enumerate() {
        let bottom = top + height;
        if height > 0 && bottom > view.start && top < view.end {
            items.push(VirtualItem { index, row_offset: top as i64 - view.start as i64, height });
        }
        if top >= view.end {
            break;
        }
        top = bottom;
    }
    let start = items.first().map_or(0, |item| item.index);
    let end = items.last().map_or(start, |item| item.index + 1);
    VirtualList { items, start, end, offset: view.offset, max_offset: view.max_offset, total: view.total }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_count_from_the_end_and_are_clamped() {
        let table = [
            ((10, 3, 0), (7, 10, 0, 7)),
            ((10, 3, 2), (5, 8, 2, 7)),
            ((10, 3, 99), (0, 3, 7, 7)),
            ((2, 3, 1), (0, 2, 0, 0)),
            ((0, 3, 0), (0, 0, 0, 0)),
            ((5, 0, 0), (5, 5, 0, 5)),
        ];
        for ((total, height, offset), (start, end, clamped, max_offset)) in table {
            let expected = Viewport { start, end, offset: clamped, max_offset, total };
            assert_eq!(viewport(total, height, offset), expected, "{total} {height} {offset}");
        }
    }

    #[test]
    fn a_virtual_list_holds_what_has_a_row_in_sight() {
        let list = virtual_list(&[2, 3, 0, 4], 5, 1);
        let item = |index, row_offset, height| VirtualItem { index, row_offset, height };
        assert_eq!(list.items, [item(1, -1, 3), item(3, 2, 4)]);
        assert_eq!((list.start, list.end, list.offset, list.max_offset, list.total), (1, 4, 1, 4, 9));
        assert_eq!(virtual_list(&[], 5, 1), VirtualList::default());
    }
}
