//! Segments of a status line: short facts that extensions keep there.

use std::cell::RefCell;

use super::Ui;
use crate::text::Line;
use crate::{ExtId, Handle, RegId, Topic};

/// One segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusSegment {
    /// Names it among those of its extension.
    pub key: String,
    /// What it says.
    pub spans: Line,
    /// Higher stands further left and stays longer where there is little room; of equal ones, the older.
    pub priority: i32,
    /// Whose it is.
    pub owner: ExtId,
}

struct Slot {
    id: RegId,
    /// The registration that first had this key: a segment that is set again keeps its place.
    place: RegId,
    segment: StatusSegment,
}

#[derive(Default)]
pub(crate) struct Segments(RefCell<Vec<Slot>>);

impl Ui<'_> {
    /// Sets a segment; the extension's one of the same key is replaced and keeps its place.
    pub fn status_set(self, owner: ExtId, key: &str, spans: Line, priority: i32) -> Handle {
        let id = self.0.next_reg();
        let before = self.find_segment(owner, key);
        let place = before.map_or(id, |(_, place)| place);
        if let Some((before, _)) = before {
            self.0.unregister(before);
        }
        let segment = StatusSegment { key: key.to_owned(), spans, priority, owner };
        let texts = segment.spans.iter().map(|span| span.text.len() + 64).sum();
        self.0.register_sized(
            id,
            owner,
            "status",
            key,
            texts,
            move |kernel| {
                {
                    let mut list = kernel.0.ui.segments.0.borrow_mut();
                    list.push(Slot { id, place, segment: segment.clone() });
                    list.sort_by_key(|slot| (std::cmp::Reverse(slot.segment.priority), slot.place));
                }
                kernel.changed(Topic::Status);
            },
            move |kernel| {
                kernel.0.ui.segments.0.borrow_mut().retain(|slot| slot.id != id);
                kernel.changed(Topic::Status);
            },
        )
    }

    fn find_segment(self, owner: ExtId, key: &str) -> Option<(RegId, RegId)> {
        let list = self.0.0.ui.segments.0.borrow();
        let slot = list.iter().find(|slot| slot.segment.owner == owner && slot.segment.key == key)?;
        Some((slot.id, slot.place))
    }

    /// Takes a segment away; false when there is none.
    pub fn status_del(self, owner: ExtId, key: &str) -> bool {
        let found = self.find_segment(owner, key);
        if let Some((id, _)) = found {
            self.0.unregister(id);
        }
        found.is_some()
    }

    /// Answers the segments from left to right.
    pub fn status(self) -> Vec<StatusSegment> {
        self.0.0.ui.segments.0.borrow().iter().map(|slot| slot.segment.clone()).collect()
    }
}
