//! Placing cells: the keys for a new or a moved cell, and new keys for all where there is no room.

use super::{between, spread};
use crate::event::Event;
use crate::ids::CellId;

/// Where a cell goes among the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spot {
    /// Before every other cell.
    First,
    /// After every other cell.
    Last,
    /// Directly after a cell; after all others if there is no such cell.
    After(CellId),
    /// Directly before a cell; before all others if there is no such cell.
    Before(CellId),
}

/// The place of a cell that is to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The cell's `fractionalIndex`.
    pub fractional_index: String,
    /// What is committed with the cell, before it: new keys for the others where there was no room. Mostly nothing.
    pub moves: Vec<Event>,
}

/// The cells of a notebook in cell order, each with its key; a cell of another application may have none.
#[derive(Clone, Debug, Default)]
pub struct Places(Vec<(CellId, Option<String>)>);

impl Places {
    /// Takes the cells in cell order, as [`StoreExt::cells`](crate::StoreExt::cells) gives them.
    pub fn new(cells: impl IntoIterator<Item = (CellId, Option<String>)>) -> Self {
        Self(cells.into_iter().collect())
    }

    /// Finds the place of a new cell.
    pub fn insert(&self, spot: &Spot, jitter: &mut dyn FnMut() -> u32) -> Placed {
        let at = self.at(spot);
        match self.key_at(at, jitter) {
            Some(fractional_index) => Placed { fractional_index, moves: Vec::new() },
            None => self.respread(at),
        }
    }

    /// Makes the events that move a cell: none if it is there already, has no key, or does not exist.
    pub fn move_to(&self, id: &CellId, spot: &Spot, jitter: &mut dyn FnMut() -> u32) -> Vec<Event> {
        let Some(from) = self.0.iter().position(|(cell, key)| cell == id && key.is_some()) else {
            return Vec::new();
        };
        if matches!(spot, Spot::After(cell) | Spot::Before(cell) if cell == id) {
            return Vec::new();
        }
        let mut others = self.clone();
        others.0.remove(from);
        let at = others.at(spot);
        if at == from {
            return Vec::new();
        }
        let placed = others.insert(spot, jitter);
        let mut events = placed.moves;
        events.push(moved(id, placed.fractional_index));
        events
    }

    /// The number of cells that stand before the spot.
    fn at(&self, spot: &Spot) -> usize {
        let place = |id: &CellId| self.0.iter().position(|(cell, _)| cell == id);
        match spot {
            Spot::First => 0,
            Spot::Last => self.0.len(),
            Spot::After(id) => place(id).map_or(self.0.len(), |place| place + 1),
            Spot::Before(id) => place(id).unwrap_or(0),
        }
    }

    fn key_at(&self, at: usize, jitter: &mut dyn FnMut() -> u32) -> Option<String> {
        let before = at.checked_sub(1).and_then(|place| self.0[place].1.as_deref());
        let after = match self.0.get(at) {
            // What has no key stands before everything that has one.
            Some((_, None)) => return None,
            Some((_, Some(key))) => Some(key.as_str()),
            None => None,
        };
        between(before, after, jitter).ok()
    }

    /// Gives new keys to all cells, with one left free at a place.
    fn respread(&self, at: usize) -> Placed {
        let mut keys = spread(self.0.len() + 1);
        let fractional_index = keys.remove(at);
        let moves = self.0.iter().zip(keys).filter(|((_, old), new)| old.as_ref() != Some(new));
        Placed { fractional_index, moves: moves.map(|((id, _), key)| moved(id, key)).collect() }
    }
}

fn moved(id: &CellId, fractional_index: String) -> Event {
    Event::CellMoved2 { id: id.clone(), fractional_index, actor_id: None }
}
