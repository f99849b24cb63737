//! What the terminal says of its lanes: who executes cells in its place, and that it does so again.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::{Rc, Weak};

use futures_channel::mpsc::UnboundedReceiver;
use futures_util::{FutureExt, StreamExt};
use purlin_kernel::Level;
use purlin_notebook::{CellKind, RuntimeSessionId, StoreExt};
use purlin_runtime_native::lock::{self, Owner};
use tokio::task::JoinHandle;

use super::desk::{Desk, Open, WeakDesk};
use super::status;
use crate::agent_thread::Word;

/// Says what the agents tell, until they end.
pub(super) fn follow(desk: WeakDesk, open: Weak<Open>, mut words: UnboundedReceiver<Word>) -> JoinHandle<()> {
    tokio::task::spawn_local(async move {
        let mut lanes = Lanes::default();
        let mut said = String::new();
        let mut notice = None;
        while let Some(first) = words.next().await {
            let (Some(desk), Some(open)) = (desk.upgrade(), open.upgrade()) else { return };
            let mut next = Some(first);
            let mut changed = BTreeSet::new();
            while let Some(word) = next {
                match word {
                    // The agent tries again and again; the person hears it once.
                    Word::Trouble(message) if message == said => {}
                    Word::Trouble(message) => {
                        desk.say(message.clone(), Level::Error);
                        said = message;
                    }
                    Word::Waiting(lane, holder) => {
                        lanes.lost(lane, Holder::find(&desk, &open, &holder));
                        changed.insert(lane);
                    }
                    Word::Holding(lane) => changed.extend(lanes.back(lane).then_some(lane)),
                }
                // Lanes that go together are said together.
                next = words.next().now_or_never().flatten();
            }
            if !changed.is_empty() {
                say(&desk, &lanes, changed, &mut notice);
            }
            status::elsewhere(&desk, &lanes.elsewhere());
        }
        // Agents that have ended wait for nobody.
        if let Some(desk) = desk.upgrade() {
            status::elsewhere(&desk, "");
        }
    })
}

/// The notice about lanes that was shown last, and which it is about.
type Shown = Option<(u64, BTreeSet<CellKind>)>;

/// Says how lanes stand, in place of what was said before: of a lane only one thing is true. What is still to be read of
/// others is said again.
fn say(desk: &Desk, lanes: &Lanes, mut changed: BTreeSet<CellKind>, notice: &mut Shown) {
    let ui = desk.kernel().ui();
    if let Some((id, before)) = notice.take()
        && ui.notifications().iter().any(|shown| shown.id == id)
    {
        ui.dismiss_notice(id);
        changed.extend(before);
    }
    desk.say(lanes.sentences(&changed), Level::Warn);
    let id = ui.notifications().last().map(|shown| shown.id);
    *notice = id.map(|id| (id, changed));
}

/// Who executes cells in place of this terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Holder {
    runtime_id: Option<String>,
    owner: Option<Owner>,
}

impl Holder {
    fn find(desk: &Desk, open: &Rc<Open>, session: &RuntimeSessionId) -> Self {
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

/// The lanes that others hold, and those that came back.
#[derive(Debug, Default)]
struct Lanes {
    lost: BTreeMap<CellKind, Holder>,
    back: BTreeMap<CellKind, Holder>,
}

impl Lanes {
    /// Notes that somebody holds a lane.
    fn lost(&mut self, lane: CellKind, holder: Holder) {
        self.back.remove(&lane);
        self.lost.insert(lane, holder);
    }

    /// Notes that a lane is held here; tells whether it was not.
    fn back(&mut self, lane: CellKind) -> bool {
        let Some(holder) = self.lost.remove(&lane) else { return false };
        self.back.insert(lane, holder);
        true
    }

    /// How some lanes stand, a sentence a line. Those that one process holds or held are said together.
    fn sentences(&self, lanes: &BTreeSet<CellKind>) -> String {
        let of = |all: &BTreeMap<CellKind, Holder>, say: fn(&str, &Holder, bool) -> String| {
            let mut rest: Vec<(CellKind, Holder)> = all
                .iter()
                .filter(|(lane, _)| lanes.contains(lane))
                .map(|(lane, holder)| (*lane, holder.clone()))
                .collect();
            let mut said = Vec::new();
            while let Some((_, holder)) = rest.first().cloned() {
                let (together, others): (Vec<_>, Vec<_>) =
                    rest.into_iter().partition(|(_, other)| *other == holder || other.is_beside(&holder));
                let lanes: Vec<CellKind> = together.into_iter().map(|(lane, _)| lane).collect();
                said.push(say(&list(&lanes), &holder, lanes.len() == 1));
                rest = others;
            }
            said
        };
        let mut all = of(&self.lost, |lanes, holder, one| {
            let who = if one { format!("{}, {}", holder.name(), holder.place()) } else { holder.place() };
            format!("{lanes} are executed by {who}, until it leaves.")
        });
        all.extend(of(&self.back, |lanes, holder, one| {
            let who = if one { holder.name() } else { holder.place() };
            format!("{lanes} are executed here again; {who} has left.")
        }));
        all.join("\n")
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

    fn all() -> BTreeSet<CellKind> {
        BTreeSet::from([CellKind::Ai, CellKind::Shell, CellKind::Echo])
    }

    #[test]
    fn one_lane_is_named_with_its_runtime() {
        let mut lanes = Lanes::default();
        assert!(!lanes.back(CellKind::Shell));
        lanes.lost(CellKind::Shell, holder("shell", 7));
        assert_eq!(
            lanes.sentences(&all()),
            "`!` commands are executed by `shell-7`, process 7 in `/src`, until it leaves."
        );
        assert_eq!(lanes.elsewhere(), "shell");
        assert!(lanes.back(CellKind::Shell));
        assert_eq!(lanes.sentences(&all()), "`!` commands are executed here again; `shell-7` has left.");
        assert_eq!(lanes.elsewhere(), "");
    }

    #[test]
    fn lanes_of_one_process_are_said_together() {
        let mut lanes = Lanes::default();
        lanes.lost(CellKind::Echo, holder("echo", 7));
        lanes.lost(CellKind::Ai, holder("agent", 7));
        lanes.lost(CellKind::Shell, holder("shell", 7));
        assert_eq!(
            lanes.sentences(&all()),
            "Prompts, `!` commands and echo cells are executed by process 7 in `/src`, until it leaves."
        );
        lanes.back(CellKind::Shell);
        lanes.back(CellKind::Ai);
        assert_eq!(
            lanes.sentences(&all()),
            "Echo cells are executed by `echo-7`, process 7 in `/src`, until it leaves.\n\
             Prompts and `!` commands are executed here again; process 7 in `/src` has left."
        );
    }

    #[test]
    fn of_a_lane_that_is_taken_again_only_the_newest_is_said() {
        let mut lanes = Lanes::default();
        lanes.lost(CellKind::Shell, holder("shell", 7));
        lanes.lost(CellKind::Shell, holder("shell", 8));
        assert_eq!(
            lanes.sentences(&all()),
            "`!` commands are executed by `shell-8`, process 8 in `/src`, until it leaves."
        );
        lanes.back(CellKind::Shell);
        lanes.lost(CellKind::Shell, holder("shell", 9));
        assert_eq!(lanes.sentences(&all()).lines().count(), 1);
    }
}
