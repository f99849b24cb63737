//! Deadlines, strikes, suspension, quotas.

use std::cell::Cell;
use std::rc::Rc;

use purlin_kernel::{
    DeadlineClass, ErrorKind, HandlerError, HandlerFn, Level, Limits, OnOptions, Quotas, Scope, StateStore,
    Watchdog, Window,
};
use serde_json::Value;

use crate::host::{FakeHost, editor, press};

#[derive(Default)]
struct Spy {
    armed: Rc<Cell<Option<u32>>>,
    log: Rc<std::cell::RefCell<Vec<u32>>>,
}

impl Watchdog for Spy {
    fn arm(&self, deadline_ms: u32) {
        self.armed.set(Some(deadline_ms));
        self.log.borrow_mut().push(deadline_ms);
    }

    fn disarm(&self) {
        self.armed.set(None);
    }

    fn expired(&self) -> bool {
        false
    }
}

fn stopped() -> HandlerError {
    HandlerError::of(ErrorKind::Deadline, "interrupted")
}

#[test]
fn row_b08_three_hard_stops_suspend_with_a_notice() {
    let (kernel, _host) = editor();
    let ext = kernel.ext().reserve("loopy");
    kernel.hook().on(ext, "key", OnOptions::default(), HandlerFn::sync(|_| Err(stopped()))).unwrap();
    press(&kernel, "a b");
    assert!(!kernel.guard().is_suspended(ext));
    press(&kernel, "c d");
    assert!(kernel.guard().is_suspended(ext));
    assert_eq!(kernel.buf().text("main"), "abcd", "typing goes on");
    let notice = kernel.ui().notifications().pop().unwrap();
    assert_eq!(notice.level, Level::Warn);
    assert!(notice.text.contains("`/extensions resume loopy`"), "{}", notice.text);
    assert_eq!(kernel.guard().report()[0].hard_stops, 3);
    kernel.guard().resume(ext);
    press(&kernel, "e");
    assert_eq!(kernel.guard().report()[0].hard_stops, 4);
    assert!(!kernel.guard().is_suspended(ext), "resuming forgives");
}

#[test]
fn ten_errors_within_a_minute_suspend_and_nine_do_not() {
    let (kernel, host) = editor();
    let ext = kernel.ext().reserve("a");
    let fail = || {
        let _ = kernel.guard().stretch::<()>(ext, DeadlineClass::Main, "x", || Err("no".into()));
    };
    (0..9).for_each(|_| fail());
    host.advance(61_000);
    (0..9).for_each(|_| fail());
    assert!(!kernel.guard().is_suspended(ext));
    fail();
    assert!(kernel.guard().is_suspended(ext));
    assert!(kernel.guard().stretch(ext, DeadlineClass::Main, "x", || Ok(())).is_err());
}

#[test]
fn a_nested_stretch_gets_what_is_left_of_the_outer_limit() {
    let (kernel, host) = editor();
    let spy = Rc::new(Spy::default());
    kernel.guard().set_watchdog(spy.clone());
    let (a, b) = (kernel.ext().reserve("a"), kernel.ext().reserve("b"));
    kernel
        .guard()
        .stretch(a, DeadlineClass::Key, "outer", || {
            host.advance(30);
            let inner = kernel.guard().stretch::<()>(b, DeadlineClass::Main, "inner", || {
                host.advance(20);
                assert!(kernel.guard().expired());
                Err(stopped())
            });
            assert!(inner.is_err());
            assert!(!kernel.guard().expired(), "the inner one's waste is not held against the outer one");
            assert_eq!(spy.armed.get(), Some(21), "the countdown is up to a millisecond late");
            Ok(())
        })
        .unwrap();
    assert_eq!(*spy.log.borrow(), [51, 21], "the inner one's limit was what was left of the outer one's");
    assert_eq!(spy.armed.get(), None);
    let strikes: Vec<_> = kernel.guard().report().iter().map(|r| (r.name.clone(), r.hard_stops)).collect();
    assert_eq!(strikes, [("a".into(), 0), ("b".into(), 1)]);
}

#[test]
fn slow_code_is_a_diagnostic() {
    let (kernel, host) = editor();
    let ext = kernel.ext().reserve("slow");
    kernel
        .guard()
        .stretch(ext, DeadlineClass::Key, "key", || {
            host.advance(11);
            Ok(())
        })
        .unwrap();
    assert_eq!(kernel.guard().messages()[0].text, "took 11 ms; more than 10 ms is slow here");
    let report = &kernel.guard().report()[0];
    assert_eq!(
        (report.calls, report.total_us, report.worst.clone()),
        (1, 11_000, Some(purlin_kernel::Worst { us: 11_000, what: "key".into(), place: None }))
    );
}

#[test]
fn quotas_stop_bombs_and_roll_them_back() {
    let (kernel, _host) = editor();
    let ext = kernel.ext().reserve("bomb");
    let quotas = Quotas { buffer_bytes: 1000, windows: 3, timers: 2, ..Quotas::default() };
    kernel.guard().set_limits(Limits { quotas, ..Limits::default() });
    let text = "x".repeat(600);
    let result = kernel.guard().stretch(ext, DeadlineClass::Main, "text", || {
        kernel.buf().append_text("main", &text);
        kernel.buf().append_text("main", &text);
        Ok(())
    });
    assert_eq!(result.unwrap_err().kind, ErrorKind::Memory);
    assert_eq!(kernel.buf().text("main"), "");
    let result = kernel.guard().stretch(ext, DeadlineClass::Main, "windows", || {
        for n in 0..10 {
            kernel.win().create(ext, Window::new(format!("w{n}"), "panel", "main"))?;
        }
        Ok(())
    });
    assert!(result.unwrap_err().message.contains("already has 3 windows"));
    assert_eq!(kernel.win().list().len(), 1);
    let timers = (0..3).map(|_| kernel.timer().defer(ext, 1, Rc::new(|| Ok(()))).is_ok()).collect::<Vec<_>>();
    assert_eq!(timers, [true, true, false]);
}

#[test]
fn the_common_fields_of_terminal_hooks_are_there() {
    let (kernel, _host) = editor();
    let ext = kernel.ext().reserve("a");
    kernel.set_context("cwd", Value::String("/home".into()));
    let run = HandlerFn::sync(|event| {
        let focus = event.get("focus").unwrap();
        assert_eq!(focus["window"], "main");
        assert_eq!(event.get("context").unwrap()["cwd"], "/home");
        assert_eq!(event.get("working"), Some(Value::Bool(false)));
        assert_eq!(event.get("key"), Some(Value::String("q".into())));
        Ok(Value::Bool(true))
    });
    kernel.hook().on(ext, "key", OnOptions::default(), run).unwrap();
    press(&kernel, "q");
    assert_eq!(kernel.buf().text("main"), "", "consumed");
    assert_eq!(kernel.guard().messages(), []);
}

#[test]
fn every_terminal_hook_fires() {
    let (kernel, host) = editor();
    let ext = kernel.ext().reserve("a");
    let trace = crate::host::Trace::default();
    for decl in purlin_kernel::hooks::terminal::ALL {
        let seen = trace.clone();
        let run = HandlerFn::sync(move |event| {
            let mut fields: Vec<_> = event.fields().into_iter().collect();
            fields.sort();
            let values: Vec<_> = fields.iter().map(|f| event.get(f).unwrap().to_string()).collect();
            seen.add(format!("{} {}", event.name(), values.join(" ")));
            Ok(Value::Null)
        });
        kernel.hook().on(ext, decl.name, OnOptions::default(), run).unwrap();
    }
    drop(kernel.frame(80, 24));
    press(&kernel, "ctrl+a");
    kernel.input(purlin_kernel::Input::Paste("p".into()));
    kernel.input(purlin_kernel::Input::Focus(false));
    let mouse = purlin_kernel::MouseEvent {
        kind: purlin_kernel::MouseKind::WheelUp,
        button: purlin_kernel::MouseButton::None,
        row: 3,
        col: 4,
        mods: purlin_kernel::Mods::NONE,
    };
    kernel.input(purlin_kernel::Input::Mouse(mouse));
    kernel.timer().defer(ext, 1, Rc::new(|| Ok(()))).unwrap();
    host.advance(1);
    kernel.run_due();
    kernel.shutdown("user");
    let expected = [
        "startup ",
        "resize 24 80",
        "render 1 24 80",
        r#"key false true "a" false false """#,
        r#"paste "p""#,
        r#"focus_change "main" """#,
        r#"mouse "up" 4 "wheel" 3 "main""#,
        "tick 1001",
        r#"shutdown "user""#,
    ];
    assert_eq!(trace.take(), expected);
}

/// A store whose disk takes its time.
struct SlowDisk(Rc<FakeHost>);

impl StateStore for SlowDisk {
    fn get(&self, _: Scope, _: &str, _: &str) -> Result<Option<serde_json::Value>, HandlerError> {
        Ok(None)
    }

    fn set(&self, _: Scope, _: &str, _: &str, _: Option<serde_json::Value>) -> Result<(), HandlerError> {
        self.0.advance(5_000);
        Ok(())
    }

    fn keys(&self, _: Scope, _: &str) -> Result<Vec<String>, HandlerError> {
        Ok(Vec::new())
    }
}

#[test]
fn a_slow_disk_is_not_held_against_the_code_that_waits_for_it() {
    let (kernel, host) = editor();
    kernel.state().keep_in(Rc::new(SlowDisk(Rc::clone(&host))));
    let ext = kernel.ext().reserve("saves");
    kernel
        .guard()
        .stretch(ext, DeadlineClass::Key, "key", || {
            host.advance(2);
            kernel.state().set(ext, Scope::User, "key", true.into())?;
            assert!(!kernel.guard().expired(), "the limit is for its own time");
            Ok(())
        })
        .unwrap();
    assert!(kernel.guard().messages().is_empty(), "{:?}", kernel.guard().messages());
    assert_eq!(kernel.guard().report()[0].total_us, 2_000);
}
