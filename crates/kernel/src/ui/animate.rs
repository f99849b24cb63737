//! Animations: all on one clock of thirty frames a second, which stands still while nothing animates.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use serde_json::{Map, json};

use super::Ui;
use crate::guard::DeadlineClass;
use crate::hooks::terminal::Tick;
use crate::timer::TimerFn;
use crate::{ExtId, Handle, HandlerError, RegId};

/// Steps of the clock in a second, and the most that can be asked for.
pub const CLOCK_HZ: u64 = 30;

struct Animation {
    owner: ExtId,
    /// Every how many steps of the clock it runs.
    every: u64,
    run: TimerFn,
}

#[derive(Default)]
pub(crate) struct Animations {
    running: RefCell<BTreeMap<RegId, Animation>>,
    /// The step that has been run last.
    step: Cell<u64>,
}

impl Ui<'_> {
    /// Calls `run` so many times a second, at most 30, together with what else animates, until the handle is deleted.
    ///
    /// It is an error when `fps` is not a number greater than 0, and when the owner's quota of timers is used up.
    pub fn animate(self, owner: ExtId, fps: f64, run: TimerFn) -> Result<Handle, HandlerError> {
        if !(fps.is_finite() && fps > 0.0) {
            return Err(HandlerError::new(format!("`fps` must be greater than 0, not {fps}")));
        }
        self.0.check_quota(owner, "animation", "animations", self.0.guard().limits().quotas.timers)?;
        let every = ((CLOCK_HZ as f64 / fps).round() as u64).clamp(1, 60 * CLOCK_HZ);
        let id = self.0.next_reg();
        if self.0.0.ui.animations.running.borrow().is_empty() {
            self.0.0.ui.animations.step.set(self.step_now());
        }
        let handle = self.0.register(
            id,
            owner,
            "animation",
            format!("{fps} fps"),
            move |kernel| {
                let animation = Animation { owner, every, run: run.clone() };
                kernel.0.ui.animations.running.borrow_mut().insert(id, animation);
            },
            move |kernel| {
                let gone = kernel.0.ui.animations.running.borrow_mut().remove(&id);
                drop(gone);
            },
        );
        self.0.wake();
        Ok(handle)
    }

    fn step_now(self) -> u64 {
        self.0.now() * CLOCK_HZ / 1000
    }

    pub(crate) fn next_step(self) -> Option<u64> {
        let animations = &self.0.0.ui.animations;
        let running = animations.running.borrow();
        let awake = running.values().filter(|animation| !self.0.guard().is_suspended(animation.owner));
        let step =
            awake.map(|animation| (animations.step.get() / animation.every + 1) * animation.every).min()?;
        Some((step * 1000).div_ceil(CLOCK_HZ))
    }

    pub(crate) fn run_steps(self) {
        let animations = &self.0.0.ui.animations;
        let step = self.step_now();
        let before = animations.step.replace(step.max(animations.step.get()));
        let due: Vec<(RegId, ExtId, TimerFn)> = animations
            .running
            .borrow()
            .iter()
            .filter(|(_, animation)| step / animation.every > before / animation.every)
            .map(|(id, animation)| (*id, animation.owner, animation.run.clone()))
            .collect();
        if due.is_empty() {
            return;
        }
        let now = self.0.now();
        self.0.hook().dispatch_with::<Tick>(|| Map::from_iter([("now".to_owned(), json!(now))]));
        for (id, owner, run) in due {
            if self.0.is_registered(id) && !self.0.guard().is_suspended(owner) {
                // The guard has recorded a failure.
                let _ = self.0.guard().stretch(owner, DeadlineClass::Render, "animation", || run());
            }
        }
    }
}
