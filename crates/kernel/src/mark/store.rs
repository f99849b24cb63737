//! The marks of one buffer: in chunks by position, so that an edit shifts whole chunks and looks only into those that it
//! touches.
//!
//! A chunk holds up to [`FULL`] marks, sorted by where they begin, as distances from a base of its own: what lies behind
//! an edit moves by one addition a chunk. An index tells the chunk of a mark's number. Chunks also know how far their
//! marks reach, so that one that ends before an edit or a range is passed over.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use super::{Mark, MarkOptions, Namespace};
use crate::ExtId;

/// So many marks are divided into two chunks.
const FULL: usize = 256;

type MarkKey = (Namespace, u64);

/// A text edit as marks see it: where, how many code points went, how many came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shift {
    pub(crate) start: usize,
    pub(crate) removed: usize,
    pub(crate) added: usize,
}

impl Shift {
    /// The edit that takes this one back.
    pub(crate) fn reversed(self) -> Self {
        Self { start: self.start, removed: self.added, added: self.removed }
    }

    /// Where a mark's beginning goes: along with what is typed before or at it.
    pub(crate) fn begin(self, at: usize) -> usize {
        match at {
            at if at < self.start => at,
            at if at >= self.start + self.removed => at - self.removed + self.added,
            _ => self.start,
        }
    }

    /// Where a mark's end goes: what is typed at it stays outside.
    fn end(self, at: usize) -> usize {
        match at {
            at if at <= self.start => at,
            at if at >= self.start + self.removed => at - self.removed + self.added,
            _ => self.start,
        }
    }

    /// Where a mark goes as a whole.
    pub(crate) fn moved(self, start: usize, end: Option<usize>) -> (usize, Option<usize>) {
        let start = self.begin(start);
        (start, end.map(|end| self.end(end).max(start)))
    }
}

/// Where a mark was before an edit that cannot be reversed for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Was {
    pub(crate) key: MarkKey,
    pub(crate) start: usize,
    pub(crate) end: Option<usize>,
}

/// A mark with its place as distances from its chunk's base.
#[derive(Debug, Clone)]
struct Item {
    start: i64,
    end: Option<i64>,
    key: MarkKey,
    owner: ExtId,
    options: Rc<MarkOptions>,
}

#[derive(Debug, Clone)]
struct Chunk {
    /// Names it in the index; stays when chunks before it come and go.
    name: u32,
    base: i64,
    /// The greatest end, from the base.
    reach: i64,
    items: Vec<Item>,
}

impl Chunk {
    fn first(&self) -> usize {
        self.items.first().map_or(0, |item| (self.base + item.start) as usize)
    }

    fn last(&self) -> usize {
        self.items.last().map_or(0, |item| (self.base + item.start) as usize)
    }

    fn ends(&self) -> usize {
        (self.base + self.reach) as usize
    }

    fn measure(&mut self) {
        self.reach = self.items.iter().map(|item| item.end.unwrap_or(item.start)).max().unwrap_or(0);
    }

    fn mark(&self, item: &Item) -> Mark {
        Mark {
            id: item.key.1,
            ns: item.key.0,
            start: (self.base + item.start) as usize,
            end: item.end.map(|end| (self.base + end) as usize),
            options: item.options.clone(),
            owner: item.owner,
        }
    }
}

/// The marks of one buffer.
#[derive(Debug, Clone, Default)]
pub(crate) struct MarkStore {
    chunks: Vec<Chunk>,
    /// Chunk name to its place in `chunks`.
    places: Vec<usize>,
    unused: Vec<u32>,
    index: HashMap<MarkKey, u32>,
}

impl MarkStore {
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    fn find(&self, key: MarkKey) -> Option<(usize, usize)> {
        let place = self.places[*self.index.get(&key)? as usize];
        let at = self.chunks[place].items.iter().position(|item| item.key == key)?;
        Some((place, at))
    }

    pub(crate) fn get(&self, ns: Namespace, id: u64) -> Option<Mark> {
        let (place, at) = self.find((ns, id))?;
        let chunk = &self.chunks[place];
        Some(chunk.mark(&chunk.items[at]))
    }

    /// Puts a mark in and answers the one it replaces.
    pub(crate) fn put(&mut self, mark: Mark) -> Option<Mark> {
        let before = self.remove(mark.ns, mark.id);
        let place = self.chunks.partition_point(|chunk| chunk.first() <= mark.start).saturating_sub(1);
        if self.chunks.is_empty() {
            self.open(0, mark.start as i64, Vec::new());
        }
        let chunk = &mut self.chunks[place];
        let start = mark.start as i64 - chunk.base;
        let end = mark.end.map(|end| end as i64 - chunk.base);
        let at = chunk.items.partition_point(|item| item.start <= start);
        let key = (mark.ns, mark.id);
        chunk.reach = if chunk.items.is_empty() { i64::MIN } else { chunk.reach }.max(end.unwrap_or(start));
        chunk.items.insert(at, Item { start, end, key, owner: mark.owner, options: mark.options });
        self.index.insert(key, chunk.name);
        if chunk.items.len() > FULL {
            self.divide(place);
        }
        before
    }

    /// Opens a chunk at a place of the order.
    fn open(&mut self, place: usize, base: i64, items: Vec<Item>) {
        let name = self.unused.pop().unwrap_or_else(|| {
            self.places.push(0);
            (self.places.len() - 1) as u32
        });
        for item in &items {
            self.index.insert(item.key, name);
        }
        let mut chunk = Chunk { name, base, reach: 0, items };
        chunk.measure();
        self.chunks.insert(place, chunk);
        self.renumber(place);
    }

    fn divide(&mut self, place: usize) {
        let chunk = &mut self.chunks[place];
        let half = chunk.items.split_off(chunk.items.len() / 2);
        let base = chunk.base;
        chunk.measure();
        self.open(place + 1, base, half);
    }

    fn renumber(&mut self, from: usize) {
        for (place, chunk) in self.chunks.iter().enumerate().skip(from) {
            self.places[chunk.name as usize] = place;
        }
    }

    pub(crate) fn remove(&mut self, ns: Namespace, id: u64) -> Option<Mark> {
        let (place, at) = self.find((ns, id))?;
        self.index.remove(&(ns, id));
        let chunk = &mut self.chunks[place];
        let item = chunk.items.remove(at);
        let mark = chunk.mark(&item);
        if chunk.items.is_empty() {
            self.close(place);
        } else if item.end.unwrap_or(item.start) >= chunk.reach {
            chunk.measure();
        }
        Some(mark)
    }

    fn close(&mut self, place: usize) {
        let chunk = self.chunks.remove(place);
        self.unused.push(chunk.name);
        self.renumber(place);
    }

    /// Takes the marks out that pass a test, among those that begin in a range.
    pub(crate) fn extract(&mut self, range: &Range<usize>, test: impl Fn(&Mark) -> bool) -> Vec<Mark> {
        let mut found = Vec::new();
        self.each(range, |mark| {
            if range.contains(&mark.start) && test(&mark) {
                found.push(mark);
            }
        });
        for mark in &found {
            self.remove(mark.ns, mark.id);
        }
        found
    }

    /// Tells of each mark that touches a range, in the order of their beginnings.
    pub(crate) fn each(&self, range: &Range<usize>, mut f: impl FnMut(Mark)) {
        for chunk in &self.chunks {
            if chunk.first() >= range.end {
                return;
            }
            if chunk.ends() < range.start {
                continue;
            }
            let (from, to) = (range.start as i64 - chunk.base, i64::try_from(range.end).unwrap_or(i64::MAX));
            for item in &chunk.items {
                if item.start.saturating_add(chunk.base) >= to {
                    break;
                }
                if item.end.unwrap_or(item.start) >= from {
                    f(chunk.mark(item));
                }
            }
        }
    }

    /// Moves the marks after an edit; answers where those were that the reversed edit would not bring back.
    pub(crate) fn shift(&mut self, edit: Shift) -> Vec<Was> {
        let mut lost = Vec::new();
        let back = edit.reversed();
        for chunk in &mut self.chunks {
            if chunk.first() >= edit.start + edit.removed {
                // Nothing of it begins before the edit's end, so all of it moves alike.
                chunk.base += edit.added as i64 - edit.removed as i64;
                continue;
            }
            if chunk.last() < edit.start && chunk.ends() <= edit.start {
                continue;
            }
            let base = chunk.base;
            for item in &mut chunk.items {
                let was = ((base + item.start) as usize, item.end.map(|end| (base + end) as usize));
                let now = edit.moved(was.0, was.1);
                if back.moved(now.0, now.1) != was {
                    lost.push(Was { key: item.key, start: was.0, end: was.1 });
                }
                item.start = now.0 as i64 - base;
                item.end = now.1.map(|end| end as i64 - base);
            }
            chunk.measure();
        }
        lost
    }

    /// Takes an edit back that was made with [`MarkStore::shift`], which answered `lost`; answers the same for this way.
    pub(crate) fn unshift(&mut self, edit: Shift, lost: &[Was]) -> Vec<Was> {
        let other = self.shift(edit.reversed());
        self.restore(lost);
        other
    }

    /// Puts marks that still exist where they were.
    pub(crate) fn restore(&mut self, places: &[Was]) {
        for was in places {
            if let Some(mark) = self.remove(was.key.0, was.key.1) {
                self.put(Mark { start: was.start, end: was.end, ..mark });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Put(u64, usize, Option<usize>),
        Remove(u64),
        Edit(usize, usize, usize),
        Undo,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0..400u64, 0..1000usize, proptest::option::of(0..40usize))
                .prop_map(|(id, at, len)| Step::Put(id, at, len)),
            1 => (0..400u64).prop_map(Step::Remove),
            2 => (0..1000usize, 0..60usize, 0..60usize).prop_map(|(at, gone, came)| Step::Edit(at, gone, came)),
            1 => Just(Step::Undo),
        ];
        proptest::collection::vec(step, 0..900)
    }

    fn mark(id: u64, start: usize, end: Option<usize>) -> Mark {
        Mark { id, ns: Namespace(1), start, end, options: Rc::default(), owner: ExtId::CORE }
    }

    type Model = std::collections::BTreeMap<u64, (usize, Option<usize>)>;

    fn all(store: &MarkStore, range: Range<usize>) -> Vec<(u64, (usize, Option<usize>))> {
        let mut found = Vec::new();
        store.each(&range, |mark| found.push((mark.id, (mark.start, mark.end))));
        found.sort_unstable();
        found
    }

    fn sound(store: &MarkStore) -> bool {
        let ordered = store.chunks.iter().flat_map(|chunk| {
            assert!(!chunk.items.is_empty() && chunk.items.len() <= FULL);
            chunk.items.iter().map(|item| chunk.base + item.start)
        });
        ordered.is_sorted()
            && store.index.iter().all(|(key, name)| {
                store.chunks[store.places[*name as usize]].items.iter().any(|item| item.key == *key)
            })
    }

    proptest! {
        #[test]
        fn marks_move_as_a_plain_list_of_them_would(steps in steps(), from in 0..1000usize, length in 0..300usize) {
            let (mut store, mut model) = (MarkStore::default(), Model::new());
            let mut edits: Vec<(Shift, Vec<Was>, Model)> = Vec::new();
            for step in steps {
                match step {
                    Step::Put(id, start, length) => {
                        let end = length.map(|length| start + length);
                        store.put(mark(id, start, end));
                        model.insert(id, (start, end));
                        edits.clear();
                    }
                    Step::Remove(id) => {
                        prop_assert_eq!(store.remove(Namespace(1), id).is_some(), model.remove(&id).is_some());
                        edits.clear();
                    }
                    Step::Edit(start, removed, added) => {
                        let edit = Shift { start, removed, added };
                        let before = model.clone();
                        for (start, end) in model.values_mut() {
                            (*start, *end) = edit.moved(*start, *end);
                        }
                        edits.push((edit, store.shift(edit), before));
                    }
                    Step::Undo => {
                        if let Some((edit, lost, before)) = edits.pop() {
                            store.unshift(edit, &lost);
                            model = before;
                        }
                    }
                }
            }
            prop_assert!(sound(&store));
            prop_assert_eq!(store.len(), model.len());
            prop_assert_eq!(all(&store, 0..usize::MAX), model.clone().into_iter().collect::<Vec<_>>());
            let touched = |(_, (start, end)): &(u64, (usize, Option<usize>))| {
                *start < from + length && end.unwrap_or(*start) >= from
            };
            let expected: Vec<_> = model.into_iter().filter(touched).collect();
            prop_assert_eq!(all(&store, from..from + length), expected);
        }
    }
}
