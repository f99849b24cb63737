//! Timers, notices, tasks and jobs.

use std::rc::Rc;

use purlin_kernel::{ExtId, Level, ProcessSpec};

use crate::host::{Trace, editor};

#[test]
fn timers_run_when_due_and_never_more_often_than_every_ten_ms() {
    let (kernel, host) = editor();
    let trace = Trace::default();
    let add = |label: &'static str| {
        let trace = trace.clone();
        Rc::new(move || {
            trace.add(label);
            Ok(())
        })
    };
    assert_eq!(kernel.next_deadline(), None, "nothing ticks idly");
    let interval = kernel.timer().interval(ExtId::CORE, 1, add("interval")).unwrap();
    kernel.timer().defer(ExtId::CORE, 25, add("once")).unwrap();
    assert_eq!(kernel.next_deadline(), Some(kernel.now() + 10));
    for _ in 0..3 {
        host.advance(10);
        kernel.run_due();
    }
    assert_eq!(trace.take(), ["interval", "interval", "once", "interval"]);
    interval.del();
    assert_eq!(kernel.next_deadline(), None);
}

#[test]
fn a_timer_may_stop_itself() {
    let (kernel, host) = editor();
    let cell: Rc<std::cell::RefCell<Option<purlin_kernel::Handle>>> = Rc::default();
    let own = cell.clone();
    let handle = kernel
        .timer()
        .interval(
            ExtId::CORE,
            10,
            Rc::new(move || {
                own.borrow().as_ref().unwrap().del();
                Ok(())
            }),
        )
        .unwrap();
    *cell.borrow_mut() = Some(handle);
    host.advance(10);
    kernel.run_due();
    assert_eq!(kernel.next_deadline(), None);
}

#[test]
fn a_timer_that_a_suspended_extension_misses_is_over() {
    let (kernel, host) = editor();
    let ext = kernel.ext().reserve("late");
    let ran = Rc::new(std::cell::Cell::new(false));
    let sets = ran.clone();
    let run = Rc::new(move || {
        sets.set(true);
        Ok(())
    });
    let handle = kernel.timer().defer(ext, 10, run).unwrap();
    kernel.guard().suspend(ext, "a test");
    host.advance(20);
    kernel.run_due();
    assert!(!ran.get());
    assert!(handle.is_stale(), "it does not count against the quota any more");
}

#[test]
fn notices_go_away_by_themselves() {
    let (kernel, host) = editor();
    kernel.ui().notify(ExtId::CORE, "hello", Level::Info);
    assert_eq!(kernel.next_deadline(), Some(kernel.now() + 4_000));
    host.advance(4_000);
    kernel.run_due();
    assert_eq!(kernel.ui().notifications(), []);
    assert_eq!(kernel.next_deadline(), None);
}

#[test]
fn jobs_are_killed_with_their_extension_and_tasks_end() {
    let (kernel, host) = editor();
    let ext = kernel.ext().reserve("a");
    let spec = |program: &str| ProcessSpec {
        program: program.into(),
        args: vec!["hi".into()],
        ..ProcessSpec::default()
    };
    let result = host.block_on(kernel.job().run(ext, spec("echo"), 1024)).unwrap();
    assert_eq!((result.code, result.stdout), (Some(0), b"hi".to_vec()));
    let job = kernel.job().spawn(ext, spec("sleep")).unwrap();
    let trace = Trace::default();
    let seen = trace.clone();
    let task = kernel.spawn(ext, Box::pin(async move { seen.add("ran") }));
    let endless = kernel.spawn(ext, Box::pin(std::future::pending()));
    host.settle();
    assert_eq!((trace.take(), task.is_stale(), endless.is_stale()), (vec!["ran".to_owned()], true, false));
    kernel.ext().unload(ext);
    assert_eq!(host.killed.get(), 1);
    assert!(job.handle.is_stale() && endless.is_stale());
}
