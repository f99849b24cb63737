//! Any order of requests, cancellations, displacements, shutdowns and deaths, by seed: every execution runs at most
//! once, every entry comes to an end, nothing hangs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use purlin_notebook::{CellId, CellKind, CellRun, Event, QueueId, QueueStatus, StoreExt};
use purlin_runtime_core::{
    ExecutionContext, ExecutionError, Handler, Host, Outcome, Renewals, RuntimeAgent, TaskHandle, handler_fn,
};

use crate::support::{World, never};

const SEEDS: u64 = 300;
const STEPS: usize = 60;

/// Numbers that look random and are the same everywhere (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % limit
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        let length = from.len() as u64;
        (length > 0).then(|| from[self.below(length) as usize].clone())
    }
}

/// How often the handler of each entry was called.
type Calls = Rc<RefCell<BTreeMap<QueueId, u32>>>;

/// A runtime's process: dropping it is `kill -9`.
struct Process {
    agent: RuntimeAgent,
    _task: TaskHandle,
}

struct Game {
    world: World,
    dice: Dice,
    calls: Calls,
    processes: Vec<Process>,
    cells: Vec<CellId>,
    queues: Vec<QueueId>,
    renewals: bool,
}

impl Game {
    fn new(seed: u64) -> Self {
        let calls = Calls::default();
        Self {
            world: World::new(),
            dice: Dice(seed),
            calls,
            processes: Vec::new(),
            cells: Vec::new(),
            queues: Vec::new(),
            renewals: seed.is_multiple_of(3),
        }
    }

    /// Handles `deaf`, `bad`, `patient` and numbers of milliseconds.
    fn handler(&self) -> Rc<dyn Handler> {
        let calls = self.calls.clone();
        handler_fn(move |cx: ExecutionContext| {
            *calls.borrow_mut().entry(cx.queue_id.clone()).or_default() += 1;
            async move {
                cx.stdout("some text");
                match cx.source() {
                    "deaf" => return never().await,
                    "bad" => return Err(ExecutionError::failed("Bad", "It was bad.")),
                    "patient" => cx.cancellation().await,
                    millis => {
                        let millis = millis.parse().expect("a number");
                        cx.host().sleep(Duration::from_millis(millis)).await;
                    }
                }
                cx.stdout(" and more");
                cx.check_cancellation()?;
                Ok(Outcome::done())
            }
        })
    }

    fn start(&mut self, displace: bool) {
        let lanes: &[CellKind] = match self.dice.below(3) {
            0 => &[CellKind::Echo],
            1 => &[CellKind::Shell],
            _ => &[CellKind::Echo, CellKind::Shell],
        };
        self.start_with(lanes, displace);
    }

    fn start_with(&mut self, lanes: &[CellKind], displace: bool) {
        let mut options = self.world.options(lanes);
        options.displace = displace;
        options.grace = Duration::from_millis(100);
        options.stop_on_error = self.dice.below(2) == 0;
        options.interrupt_clears_queue = self.dice.below(2) == 0;
        if self.renewals {
            let (store, host) = (Rc::new(self.world.store.clone()), Rc::new(self.world.host.clone()));
            options.liveness = Rc::new(Renewals::new(store, host));
        }
        let agent = self.world.agent_with(options, self.handler());
        let run = agent.clone();
        let task = self.world.host.spawn(Box::pin(async move {
            run.start().await.expect("the agent starts");
            run.run().await.expect("the agent runs");
        }));
        self.processes.push(Process { agent, _task: task });
    }

    fn cell(&mut self) -> CellId {
        let sources = ["0", "1", "7", "30", "deaf", "bad", "patient"];
        let kind = if self.dice.below(2) == 0 { CellKind::Echo } else { CellKind::Shell };
        let source = self.dice.pick(&sources).expect("there are sources");
        let cell = self.world.cell(kind, source);
        self.cells.push(cell.clone());
        cell
    }

    fn step(&mut self) {
        match self.dice.below(16) {
            0..=4 => {
                let cell = self.cell();
                self.queues.push(self.world.request(&cell));
            }
            5 => self.run_all(),
            6 | 7 => {
                if let Some(queue) = self.dice.pick(&self.queues) {
                    self.world.cancel(&queue);
                }
            }
            8 if self.dice.below(4) == 0 => self.world.commit([Event::AllExecutionsCancelled {}]),
            9 => {
                if let Some(id) = self.dice.pick(&self.cells).filter(|_| self.dice.below(3) == 0) {
                    self.world.commit([Event::CellDeleted { id, actor_id: None }]);
                }
            }
            10 => {
                let displace = self.dice.below(2) == 0;
                self.start(displace);
            }
            11 => drop(self.leaver()),
            12 => {
                if let Some(process) = self.leaver() {
                    let asked = process.agent.handle().shutdown();
                    drop(asked);
                    self.processes.push(process);
                }
            }
            _ => {
                let millis = [0, 1, 5, 20, 200][self.dice.below(5) as usize];
                self.world.host.advance(millis);
            }
        }
        if self.dice.below(2) == 0 {
            self.world.host.settle();
        }
    }

    fn run_all(&mut self) {
        let mut cells_info = Vec::new();
        for _ in 0..3 {
            let queue_id = QueueId::from(format!("batch{}", self.queues.len()));
            cells_info.push(CellRun { id: self.cell(), execution_count: 1, queue_id: queue_id.clone() });
            self.queues.push(queue_id);
        }
        self.world.commit([Event::MultipleExecutionRequested { requested_by: "ada".to_owned(), cells_info }]);
    }

    fn leaver(&mut self) -> Option<Process> {
        let length = self.processes.len() as u64;
        (length > 0).then(|| self.processes.remove(self.dice.below(length) as usize))
    }

    /// Lets one last runtime settle everything, and judges.
    fn end(mut self, seed: u64) {
        self.start_with(&[CellKind::Echo, CellKind::Shell], true);
        self.world.host.advance(100_000);
        let last = self.processes.last().and_then(|process| process.agent.session_id());
        // What the last runtime executes and never ends by itself is cancelled; what waits behind has its turn then.
        for _ in 0..self.queues.len() {
            for queue in &self.queues {
                let entry = self.world.entry(queue);
                if entry.status == QueueStatus::Executing && entry.assigned_runtime_session == last {
                    self.world.cancel(queue);
                }
            }
            self.world.host.advance(1_000);
        }
        for queue in &self.queues {
            let entry = self.world.entry(queue);
            assert!(entry.status.is_terminal(), "seed {seed}: {entry:?}");
            let calls = self.calls.borrow().get(queue).copied().unwrap_or(0);
            assert!(calls <= 1, "seed {seed}: {queue} ran {calls} times");
        }
        for process in &self.processes {
            self.world.host.run(process.agent.shutdown());
        }
        self.world.host.advance(60_000);
        assert_eq!(self.world.host.timers(), 0, "seed {seed}");
        let sessions = self.world.store.runtime_sessions().unwrap();
        assert!(!sessions.iter().any(|session| session.is_active), "seed {seed}: {sessions:?}");
    }
}

#[test]
fn any_interleaving_runs_each_execution_at_most_once_and_ends_every_entry() {
    for seed in 0..SEEDS {
        let mut game = Game::new(seed);
        for _ in 0..STEPS {
            game.step();
        }
        game.end(seed);
    }
}
