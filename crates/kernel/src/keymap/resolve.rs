//! Finds the map for what was typed; holds unfinished sequences.

use std::rc::Rc;

use super::{KeyAnswer, KeyContext, Keymaps, Map, Target};
use crate::key::{Key, KeyCode, KeyEvent, Mods};
use crate::{Kernel, Topic, Window};

/// What became of a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// A map dealt with it, or it waits for more.
    Done,
    /// No map wants these keys: the default has them, in order.
    Default(Vec<KeyEvent>),
}

/// What the focus is, for matching targets.
struct Focus(Option<Rc<Window>>);

impl Focus {
    fn matches(&self, target: &Target) -> bool {
        let window = self.0.as_deref();
        match target {
            Target::Global => true,
            Target::AnyOf(targets) => targets.iter().any(|target| self.matches(target)),
            Target::Window(name) => window.is_some_and(|w| w.name == *name),
            Target::Buffer(name) => window.is_some_and(|w| w.buffer == *name),
            Target::Role(name) => window.is_some_and(|w| w.role == *name),
            Target::Focus(name) => {
                window.is_some_and(|w| w.name == *name || w.buffer == *name || w.role == *name)
            }
        }
    }
}

const WILDCARD: Key = Key { code: KeyCode::Any, mods: Mods::NONE };

impl Keymaps<'_> {
    /// Takes one key in: a map runs, a sequence waits, or the keys are for the default.
    pub(crate) fn resolve(self, event: KeyEvent, depth: usize) -> Resolved {
        let table = &self.0.0.keymaps;
        let had_pending = !table.pending.borrow().is_empty();
        table.pending.borrow_mut().push(event);
        let resolved = self.step(depth);
        if had_pending || !table.pending.borrow().is_empty() {
            self.0.changed(Topic::Pending);
        }
        resolved
    }

    fn step(self, depth: usize) -> Resolved {
        let table = &self.0.0.keymaps;
        let focus = Focus(self.0.win().focused());
        let keys: Vec<Key> = table.pending.borrow().iter().map(|event| event.key).collect();
        let (exact, longer) = self.candidates(&keys, &focus);
        let nowait = exact.first().is_some_and(|map| map.options.nowait);
        if longer && !nowait {
            table.since.set(self.0.now());
            return Resolved::Done;
        }
        if exact.is_empty() && keys.len() > 1 {
            return self.fall_back(depth);
        }
        let events = std::mem::take(&mut *table.pending.borrow_mut());
        self.run(&exact, &events, depth)
    }

    /// Answers the maps for exactly these keys, in order, and whether a longer sequence may follow.
    fn candidates(self, keys: &[Key], focus: &Focus) -> (Vec<Rc<Map>>, bool) {
        let (mut exact, below) = {
            let trie = self.0.0.keymaps.trie.borrow();
            let node = trie.node(keys.iter().copied());
            let exact: Vec<Rc<Map>> = node.map(|node| node.maps.clone()).unwrap_or_default();
            let below = node.is_some_and(|node| !node.children.is_empty());
            let wild = if keys.len() == 1 { trie.exact(&[WILDCARD]).to_vec() } else { Vec::new() };
            (exact.into_iter().chain(wild).collect::<Vec<_>>(), below)
        };
        exact.retain(|map| self.applies(map, focus));
        // Conditions may be foreign code, so the trie is not borrowed while they run.
        let longer = below && {
            let test = |map: &Map| self.is_in_place(map, focus);
            let (sure, conditional) = self.0.0.keymaps.trie.borrow().below(keys, &test);
            sure || conditional.iter().any(|map| self.applies(map, focus))
        };
        (exact, longer)
    }

    fn applies(self, map: &Map, focus: &Focus) -> bool {
        self.is_in_place(map, focus) && map.options.when.as_ref().is_none_or(|when| when())
    }

    /// Tells whether a map applies as far as that is known without its condition.
    fn is_in_place(self, map: &Map, focus: &Focus) -> bool {
        focus.matches(&map.target)
            && map.options.mode.as_ref().is_none_or(|mode| self.0.mode().as_ref() == Some(mode))
            && !self.0.guard().is_suspended(map.owner)
    }

    /// The sequence goes nowhere: its longest beginning that is a map runs, or its first key is for the default;
    /// the rest is pressed again.
    fn fall_back(self, depth: usize) -> Resolved {
        let events = std::mem::take(&mut *self.0.0.keymaps.pending.borrow_mut());
        let focus = Focus(self.0.win().focused());
        let keys: Vec<Key> = events.iter().map(|event| event.key).collect();
        let split = (1..keys.len()).rev().find(|n| !self.candidates(&keys[..*n], &focus).0.is_empty());
        let (head, tail) = events.split_at(split.unwrap_or(1));
        let mut unhandled = Vec::new();
        if split.is_some() {
            let (maps, _) = self.candidates(&keys[..head.len()], &focus);
            if let Resolved::Default(events) = self.run(&maps, head, depth) {
                unhandled.extend(events);
            }
        } else {
            unhandled.extend_from_slice(head);
        }
        for event in tail {
            if let Resolved::Default(events) = self.resolve(event.clone(), depth) {
                unhandled.extend(events);
            }
        }
        if unhandled.is_empty() { Resolved::Done } else { Resolved::Default(unhandled) }
    }

    fn run(self, maps: &[Rc<Map>], events: &[KeyEvent], depth: usize) -> Resolved {
        let window = self.0.win().focused();
        let Some(last) = events.last() else { return Resolved::Done };
        let context = KeyContext {
            event: last.clone(),
            keys: events.iter().map(|event| event.key).collect(),
            window: window.as_ref().map(|w| w.name.clone()),
            buffer: window.as_ref().map(|w| w.buffer.clone()),
        };
        for map in maps {
            match self.0.run_map(map, &context) {
                KeyAnswer::Consumed => return Resolved::Done,
                KeyAnswer::Pass => {}
                KeyAnswer::Default => break,
                KeyAnswer::Remap(keys) => return remap(self.0, keys, depth),
            }
        }
        Resolved::Default(events.to_vec())
    }

    /// Answers when an unfinished sequence ends by itself.
    pub(crate) fn next_due(self) -> Option<u64> {
        let table = &self.0.0.keymaps;
        (!table.pending.borrow().is_empty()).then(|| table.since.get() + table.timeout.get())
    }

    /// Ends an unfinished sequence whose time is over.
    pub(crate) fn expire(self) {
        if self.next_due().is_some_and(|due| due <= self.0.now()) {
            self.finish();
        }
    }

    /// Ends an unfinished sequence now: what it is so far runs, or its keys are for the default.
    pub(crate) fn finish(self) {
        let events = self.0.0.keymaps.pending.borrow().clone();
        if events.is_empty() {
            return;
        }
        let focus = Focus(self.0.win().focused());
        let keys: Vec<Key> = events.iter().map(|event| event.key).collect();
        let (exact, _) = self.candidates(&keys, &focus);
        let resolved = if exact.is_empty() && keys.len() > 1 {
            self.fall_back(0)
        } else {
            self.0.0.keymaps.pending.borrow_mut().clear();
            self.run(&exact, &events, 0)
        };
        self.0.changed(Topic::Pending);
        if let Resolved::Default(events) = resolved {
            self.0.default_keys(&events);
        }
    }
}

/// Presses the keys a handler asked for; a chain of remaps ends after 16.
fn remap(kernel: &Kernel, keys: Vec<Key>, depth: usize) -> Resolved {
    if depth >= 16 {
        return Resolved::Default(keys.into_iter().map(KeyEvent::new).collect());
    }
    let mut unhandled = Vec::new();
    for key in keys {
        if let Resolved::Default(events) = kernel.keymap().resolve(KeyEvent::new(key), depth + 1) {
            unhandled.extend(events);
        }
    }
    if unhandled.is_empty() { Resolved::Done } else { Resolved::Default(unhandled) }
}
