//! The trie of all maps.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Map, Target};
use crate::key::Key;

/// Sequences by their keys.
#[derive(Default)]
pub(super) struct Trie {
    root: Node,
}

/// What begins with the same keys.
#[derive(Default)]
pub(super) struct Node {
    pub(super) children: BTreeMap<Key, Node>,
    /// Maps that end here, in the order in which they are tried.
    pub(super) maps: Vec<Rc<Map>>,
}

impl Trie {
    pub(super) fn insert(&mut self, map: Rc<Map>) {
        let mut node = &mut self.root;
        for key in &map.keys {
            node = node.children.entry(*key).or_default();
        }
        let at = node.maps.partition_point(|other| rank(other) <= rank(&map));
        node.maps.insert(at, map);
    }

    pub(super) fn remove(&mut self, map: &Map) {
        self.root.remove(&map.keys, map);
    }

    pub(super) fn node(&self, keys: impl IntoIterator<Item = Key>) -> Option<&Node> {
        keys.into_iter().try_fold(&self.root, |node, key| node.children.get(&key))
    }

    pub(super) fn exact(&self, keys: &[Key]) -> &[Rc<Map>] {
        self.node(keys.iter().copied()).map_or(&[], |node| &node.maps)
    }

    /// Tells whether a map that begins with `keys`, is longer and has no condition passes a test; if none does, answers
    /// those that pass and have one.
    pub(super) fn below(&self, keys: &[Key], test: &dyn Fn(&Map) -> bool) -> (bool, Vec<Rc<Map>>) {
        let mut conditional = Vec::new();
        let node = self.node(keys.iter().copied());
        let sure =
            node.is_some_and(|node| node.children.values().any(|child| child.find(test, &mut conditional)));
        (sure, conditional)
    }

    pub(super) fn all(&self) -> Vec<Rc<Map>> {
        let mut all = Vec::new();
        self.root.collect(&mut all);
        all
    }
}

impl Node {
    fn remove(&mut self, keys: &[Key], map: &Map) {
        let Some((first, rest)) = keys.split_first() else {
            self.maps.retain(|other| other.id != map.id);
            return;
        };
        let Some(child) = self.children.get_mut(first) else { return };
        child.remove(rest, map);
        if child.maps.is_empty() && child.children.is_empty() {
            self.children.remove(first);
        }
    }

    fn find(&self, test: &dyn Fn(&Map) -> bool, conditional: &mut Vec<Rc<Map>>) -> bool {
        for map in self.maps.iter().filter(|map| test(map)) {
            if map.options.when.is_none() {
                return true;
            }
            conditional.push(map.clone());
        }
        self.children.values().any(|child| child.find(test, conditional))
    }

    fn collect(&self, all: &mut Vec<Rc<Map>>) {
        all.extend(self.maps.iter().cloned());
        for child in self.children.values() {
            child.collect(all);
        }
    }
}

fn rank(map: &Map) -> impl Ord {
    let options = &map.options;
    (Reverse(options.layer), Reverse(options.priority), Reverse(narrowness(&map.target)), (map.seat, map.id))
}

fn narrowness(target: &Target) -> u8 {
    match target {
        Target::Global => 0,
        Target::Role(_) => 1,
        Target::Focus(_) => 2,
        Target::Buffer(_) => 3,
        Target::Window(_) => 4,
        Target::AnyOf(targets) => targets.iter().map(narrowness).min().unwrap_or(0),
    }
}
