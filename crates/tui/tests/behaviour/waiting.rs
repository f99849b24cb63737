//! Lines that wait for what was submitted before them.

use std::{cell::RefCell, rc::Rc};

use futures_channel::oneshot;
use purlin_kernel::{CommandSpec, ExtId};

use crate::stage::Stage;

/// Adds a command `slow` that holds the screen until it is told to end; each call adds a way to tell it.
fn slow(stage: &Stage) -> Rc<RefCell<Vec<oneshot::Sender<()>>>> {
    let ends: Rc<RefCell<Vec<oneshot::Sender<()>>>> = Rc::default();
    let (screen, kept, sent) = (stage.screen.clone(), Rc::clone(&ends), Rc::clone(&stage.sent));
    let spec = CommandSpec::new("slow", "Takes its time.", move |_| {
        let hold = screen.hold();
        let (end, told) = oneshot::channel();
        kept.borrow_mut().push(end);
        sent.borrow_mut().push("slow".to_owned());
        Box::pin(async move {
            told.await.expect("the test tells it");
            drop(hold);
            Ok(None)
        })
    });
    stage.kernel.command().create(ExtId::CORE, spec);
    let sent = Rc::clone(&stage.sent);
    let quick = CommandSpec::new("quick", "Takes none.", move |call| {
        sent.borrow_mut().push(format!("quick {}", call.args));
        Box::pin(std::future::ready(Ok(None)))
    });
    stage.kernel.command().create(ExtId::CORE, quick);
    ends
}

fn end(stage: &Stage, ends: &RefCell<Vec<oneshot::Sender<()>>>) {
    ends.borrow_mut().remove(0).send(()).expect("it waits");
    stage.run();
    // What waited runs as a task of its own.
    stage.run();
}

#[test]
fn what_is_submitted_behind_a_command_that_holds_runs_in_order_once_it_is_done() {
    let stage = Stage::new(60, 12);
    let ends = slow(&stage);
    stage.keys("/slow<enter>one<enter>/quick a<enter>two<enter>typed");
    assert_eq!(*stage.sent.borrow(), ["slow"]);
    assert_eq!(stage.screen.waiting(), ["one", "/quick a", "two"]);
    assert_eq!(stage.composer(), "typed");
    end(&stage, &ends);
    assert_eq!(*stage.sent.borrow(), ["slow", "one", "quick a", "two"]);
    assert_eq!(stage.composer(), "typed");
    assert!(stage.screen.waiting().is_empty());
}

#[test]
fn a_line_that_waited_holds_back_the_rest() {
    let stage = Stage::new(60, 12);
    let ends = slow(&stage);
    stage.keys("/slow<enter>one<enter>/slow<enter>two<enter>");
    end(&stage, &ends);
    assert_eq!(*stage.sent.borrow(), ["slow", "one", "slow"]);
    // Nothing overtakes what waits, although nothing held when it was typed.
    stage.keys("three<enter>");
    end(&stage, &ends);
    assert_eq!(*stage.sent.borrow(), ["slow", "one", "slow", "two", "three"]);
}

#[test]
fn what_waits_can_be_taken_back_and_is_told() {
    let stage = Stage::new(60, 12);
    let ends = slow(&stage);
    let told: Rc<RefCell<Vec<usize>>> = Rc::default();
    let (into, screen) = (Rc::clone(&told), stage.screen.clone());
    stage.screen.on_waiting(move || into.borrow_mut().push(screen.waiting().len()));
    stage.keys("/slow<enter>one<enter>two<enter>");
    assert_eq!(stage.screen.take_waiting(), ["one", "two"]);
    end(&stage, &ends);
    assert_eq!(*stage.sent.borrow(), ["slow"]);
    assert_eq!(*told.borrow(), [1, 2, 0]);
}

#[test]
fn two_that_hold_are_both_waited_for() {
    let stage = Stage::new(60, 12);
    let (first, second) = (stage.screen.hold(), stage.screen.hold());
    stage.keys("one<enter>");
    drop(first);
    stage.run();
    assert!(stage.sent.borrow().is_empty());
    drop(second);
    stage.run();
    assert_eq!(*stage.sent.borrow(), ["one"]);
}
