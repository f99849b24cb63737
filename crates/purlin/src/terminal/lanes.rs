//! What the terminal says of its lanes: who executes cells in its place, and that it does so again.

use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use futures_channel::mpsc::UnboundedReceiver;
use futures_util::{FutureExt, StreamExt};
use purlin_kernel::Level;
use purlin_notebook::{CellKind, RuntimeSessionId, StoreExt};
use purlin_runtime_native::lock::{self, Owner};
use tokio::task::JoinHandle;

use super::desk::{Open, WeakDesk};
use super::status;
use crate::agent_thread::Word;

/// Says what the agents tell, until they end.
pub(super) fn follow(desk: WeakDesk, open: Weak<Open>, mut words: UnboundedReceiver<Word>) -> JoinHandle<()> {
    tokio::task::spawn_local(async move {
        let mut lanes = Lanes::default();
        let mut said = String::new();
        while let Some(first) = words.next().await {
            let (Some(desk), Some(open)) = (desk.upgrade(), open.upgrade()) else { return };
            let mut next = Some(first);
            let mut sentence = None;
            while let Some(word) = next {
                match word {
                    // The agent tries again and again; the person hears it once.
                    Word::Trouble(message) if message == said => {}
                    Word::Trouble(message) => {
                        desk.say(message.clone(), Level::Error);
                        said = message;
                    }
                    Word::Waiting(lane, holder) => {
                        sentence = Some(lanes.lost(lane, Holder::find(&desk, &open, &holder)));
                    }
                    Word::Holding(lane) => sentence = lanes.back(lane).or(sentence),
                }
                // Lanes that go together are said together.
                next = words.next().now_or_never().flatten();
            }
            if let Some(sentence) = sentence {
                desk.say(sentence, Level::Warn);
            }
            status::elsewhere(&desk, &lanes.elsewhere());
        }
        // Agents that have ended wait for nobody.
        if let Some(desk) = desk.upgrade() {
            status::elsewhere(&desk, "");
        }
    })
}

/// Who executes cells in place of this terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Holder {
    runtime_id: Option<String>,
    owner: Option<Owner>,
}

impl Holder {
    fn find(desk: &super::desk::Desk, open: &Rc<Open>, session: &RuntimeSessionId) -> Self {
        let sessions = open.session.store().runtime_sessions().unwrap_or_default();
        let found = sessions.into_iter().find(|known| known.session_id == *session);
        Self { runtime_id: found.map(|found| found.runtime_id), owner: lock::owner(desk.paths(), session) }
    }

    /// Whether both are runtime sessions of one process.
    fn is_beside(&self, other: &Self) -> bool {
        self.owner.is_some() && self.owner == other.owner
    }

    fn name(&self) -> String {
        self.runtime_id.as_ref().map_or_else(|| "another runtime".to_owned(), |id| format!("`{id}`"))
    }

    fn place(&self) -> String {
        let place = |owner: &Owner| format!("process {} in `{}`", owner.pid, status::short(&owner.cwd));
        self.owner.as_ref().map_or_else(|| "another process".to_owned(), place)
    }
}

/// The lanes that others hold, and those that came back last.
#[derive(Debug, Default)]
struct Lanes {
    lost: BTreeMap<CellKind, Holder>,
    back: Vec<(CellKind, Holder)>,
}

impl Lanes {
    /// Notes that somebody holds a lane, and says so.
    fn lost(&mut self, lane: CellKind, holder: Holder) -> String {
        self.back.clear();
        self.lost.remove(&lane);
        let others = self.lost.iter().filter(|(_, held)| held.is_beside(&holder)).map(|(lane, _)| *lane);
        let mut lanes: Vec<CellKind> = others.chain([lane]).collect();
        lanes.sort_unstable();
        let place = match lanes.len() {
            1 => format!("{}, {}", holder.name(), holder.place()),
            _ => holder.place(),
        };
        self.lost.insert(lane, holder);
        format!("{} are executed by {place}, until it leaves.", list(&lanes))
    }

    /// Notes that a lane is held here, and says so if it was not.
    fn back(&mut self, lane: CellKind) -> Option<String> {
        let holder = self.lost.remove(&lane)?;
        // Lanes of one process come back one after another; the last sentence names them all.
        self.back.retain(|(_, other)| other.is_beside(&holder));
        self.back.push((lane, holder.clone()));
        let mut lanes: Vec<CellKind> = self.back.iter().map(|(lane, _)| *lane).collect();
        lanes.sort_unstable();
        let who = if lanes.len() == 1 { holder.name() } else { holder.place() };
        Some(format!("{} are executed here again; {who} has left.", list(&lanes)))
    }

    /// The lanes that others hold, for the status line.
    fn elsewhere(&self) -> String {
        self.lost.keys().map(|lane| lane.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// What people call the cells of lanes.
fn list(lanes: &[CellKind]) -> String {
    let mut words: Vec<String> = lanes
        .iter()
        .map(|lane| match lane {
            CellKind::Ai => "prompts".to_owned(),
            CellKind::Shell => "`!` commands".to_owned(),
            other => format!("{other} cells"),
        })
        .collect();
    let last = words.pop().unwrap_or_default();
    let text = if words.is_empty() { last } else { format!("{} and {last}", words.join(", ")) };
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(id: &str, pid: u32) -> Holder {
        let owner = Owner { pid, cwd: "/src".into() };
        Holder { runtime_id: Some(format!("{id}-{pid}")), owner: Some(owner) }
    }

    #[test]
    fn one_lane_is_named_with_its_runtime() {
        let mut lanes = Lanes::default();
        assert_eq!(lanes.back(CellKind::Shell), None);
        let said = lanes.lost(CellKind::Shell, holder("shell", 7));
        assert_eq!(said, "`!` commands are executed by `shell-7`, process 7 in `/src`, until it leaves.");
        assert_eq!(lanes.elsewhere(), "shell");
        let said = lanes.back(CellKind::Shell);
        assert_eq!(said.as_deref(), Some("`!` commands are executed here again; `shell-7` has left."));
        assert_eq!(lanes.elsewhere(), "");
    }

    #[test]
    fn lanes_of_one_process_are_said_together() {
        let mut lanes = Lanes::default();
        lanes.lost(CellKind::Echo, holder("echo", 7));
        lanes.lost(CellKind::Ai, holder("agent", 7));
        let said = lanes.lost(CellKind::Shell, holder("shell", 7));
        assert_eq!(
            said,
            "Prompts, `!` commands and echo cells are executed by process 7 in `/src`, until it leaves."
        );
        lanes.back(CellKind::Shell);
        let said = lanes.back(CellKind::Ai);
        assert_eq!(
            said.as_deref(),
            Some("Prompts and `!` commands are executed here again; process 7 in `/src` has left.")
        );
    }
}
