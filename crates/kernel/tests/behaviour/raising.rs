//! Asynchronous hooks: gates that wait, turns that close, observers that hold nobody up.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use purlin_kernel::{
    AnswerField, CancelToken, ConfirmOptions, ExtId, HandlerError, HandlerFn, HookDecl, Host, Kernel, Object,
    OnOptions, Outcome, Reason, Ty,
};
use serde_json::{Value, json};

use crate::host::{FakeHost, Trace, editor, poll_once, press};

static CALL: HookDecl = HookDecl::future("call").closed().answer(&[
    AnswerField::stop("block", Ty::Bool),
    AnswerField::detail("reason", Ty::Str),
    AnswerField::replace("args", Ty::Map),
]);
static DONE: HookDecl = HookDecl::future("done");
static ABOUT: HookDecl = HookDecl::future("judge")
    .closed()
    .about(|event| format!("about {}", event.get("args").unwrap_or_default()["what"]))
    .payload(&[purlin_kernel::Field::new("args", Ty::Map, "What is judged.")])
    .answer(&[AnswerField::stop("block", Ty::Bool), AnswerField::replace("args", Ty::Map)]);

fn bench() -> (Kernel, Rc<FakeHost>, ExtId, ExtId) {
    let (kernel, host) = editor();
    kernel.hook().declare(&CALL);
    kernel.hook().declare(&DONE);
    kernel.hook().declare(&ABOUT);
    let (a, b) = (kernel.ext().reserve("a"), kernel.ext().reserve("b"));
    (kernel, host, a, b)
}

/// A gate that asks.
fn asks(kernel: &Kernel, ext: ExtId) -> HandlerFn {
    let weak = kernel.downgrade();
    HandlerFn::future(move |_| {
        let kernel = weak.upgrade().unwrap();
        async move {
            let options = ConfirmOptions { message: "Run it?".into(), ..ConfirmOptions::default() };
            match kernel.ui().confirm(ext, options).await {
                Ok(true) => Ok(Value::Null),
                Ok(false) => Ok(json!({"block": true, "reason": "declined"})),
                Err(reason) => Ok(json!({"block": true, "reason": reason.as_str()})),
            }
        }
    })
}

#[test]
fn a_gate_waits_for_the_person() {
    let (kernel, host, a, _) = bench();
    kernel.hook().on(a, "call", OnOptions::default(), asks(&kernel, a)).unwrap();
    for (keys, expected) in [("y <cr>", None), ("n <cr>", Some("declined")), ("esc", Some("user"))] {
        // The keys of the answer before are long past: the dialog takes keys at once.
        host.advance(1_000);
        let mut raised = kernel.hook().raise("call", Object::new());
        assert!(poll_once(&mut raised).is_pending());
        press(&kernel, keys);
        assert_eq!(host.block_on(raised).blocked().as_deref(), expected, "{keys}");
    }
}

#[test]
fn a_question_in_the_turn_of_a_hook_shows_what_the_hook_is_about_as_it_stands_then() {
    let (kernel, host, a, b) = bench();
    let rewrites = HandlerFn::sync(|_| Ok(json!({"args": {"what": "less"}})));
    kernel.hook().on(a, "judge", OnOptions::default(), rewrites).unwrap();
    kernel.hook().on(b, "judge", OnOptions::default(), asks(&kernel, b)).unwrap();
    let payload = Object::from_iter([("args".to_owned(), json!({"what": "more"}))]);
    let mut raised = kernel.hook().raise("judge", payload);
    assert!(poll_once(&mut raised).is_pending());
    let dialog = kernel.ui().dialogs().pop().expect("a question");
    assert_eq!(dialog.about.as_deref(), Some("about \"less\""));
    press(&kernel, "y <cr>");
    assert_eq!(host.block_on(raised).blocked(), None);
    // Outside of such a turn a question is about itself.
    let _open = kernel.ui().confirm(ExtId::CORE, ConfirmOptions::default());
    assert_eq!(kernel.ui().dialogs().pop().expect("a question").about, None);
}

#[test]
fn row_b07_an_error_after_a_wait_rolls_back_its_stretch_only() {
    let (kernel, host, a, _) = bench();
    let (weak, clock) = (kernel.downgrade(), host.clone());
    let run = HandlerFn::future(move |_| {
        let (kernel, clock) = (weak.upgrade().unwrap(), clock.clone());
        async move {
            kernel.buf().append_text("main", "before ");
            clock.sleep(Duration::from_millis(5)).await;
            kernel.buf().append_text("main", "after");
            Err(HandlerError::new("boom"))
        }
    });
    kernel.hook().on(a, "call", OnOptions::default(), run).unwrap();
    let outcome = host.block_on(kernel.hook().raise("call", Object::new()));
    assert_eq!(outcome.blocked().as_deref(), Some("boom"));
    assert_eq!(kernel.buf().text("main"), "before ");
}

#[test]
fn row_b12_a_waiting_gate_stops_nobody_else() {
    let (kernel, host, a, b) = bench();
    let trace = Trace::default();
    kernel.hook().on(a, "call", OnOptions::default(), asks(&kernel, a)).unwrap();
    let seen = trace.clone();
    let observer = HandlerFn::future(move |_| {
        seen.add("observed");
        async { Ok(Value::Null) }
    });
    kernel.hook().on(b, "done", OnOptions::default(), observer).unwrap();
    let mut raised = kernel.hook().raise("call", Object::new());
    assert!(poll_once(&mut raised).is_pending());
    host.block_on(kernel.hook().raise("done", Object::new()));
    kernel.hook().observe(&DONE, Object::new());
    host.settle();
    assert_eq!(trace.take(), ["observed", "observed"]);
    host.advance(120_000);
    assert!(poll_once(&mut raised).is_pending(), "an open dialog has no time limit");
    press(&kernel, "y <cr>");
    assert_eq!(host.block_on(raised).blocked(), None);
}

#[test]
fn row_b13_a_closed_turn_ends_the_wait_with_user() {
    let (kernel, host, a, _) = bench();
    let trace = Trace::default();
    let (weak, seen) = (kernel.downgrade(), trace.clone());
    let run = HandlerFn::future(move |_| {
        let (kernel, seen) = (weak.upgrade().unwrap(), seen.clone());
        async move {
            let answer = kernel.ui().confirm(a, ConfirmOptions::default()).await;
            seen.add(format!("{answer:?}"));
            kernel.buf().append_text("main", "cleaned up");
            Ok(Value::Null)
        }
    });
    kernel.hook().on(a, "call", OnOptions::default(), run).unwrap();
    let token = CancelToken::new();
    let mut raised = kernel.hook().raise_cancellable("call", Object::new(), token.clone());
    assert!(poll_once(&mut raised).is_pending());
    token.cancel();
    host.block_on(raised);
    assert_eq!(trace.take(), [format!("{:?}", Err::<bool, _>(Reason::User))]);
    assert_eq!(kernel.buf().text("main"), "cleaned up");
    assert!(!kernel.ui().has_dialog());
}

#[test]
fn a_gate_that_never_answers_is_refused_in_time() {
    let (kernel, host, a, _) = bench();
    let never = HandlerFn::future(|_| std::future::pending::<Result<Value, HandlerError>>());
    kernel.hook().on(a, "call", OnOptions::default(), never.clone()).unwrap();
    let started = host.now_mono();
    let outcome = host.block_on(kernel.hook().raise("call", Object::new()));
    assert!(outcome.blocked().unwrap().contains("did not answer within 30000 ms"));
    assert_eq!(host.now_mono() - started, 30_000);

    let (kernel, host, a, _) = bench();
    kernel.hook().on(a, "call", OnOptions { timeout_ms: Some(50), ..OnOptions::default() }, never).unwrap();
    let started = host.now_mono();
    host.block_on(kernel.hook().raise("call", Object::new()));
    assert_eq!(host.now_mono() - started, 50);
}

#[test]
fn handlers_run_one_after_another_and_see_replacements() {
    let (kernel, host, a, b) = bench();
    let clock = host.clone();
    let first = HandlerFn::future(move |_| {
        let clock = clock.clone();
        async move {
            clock.sleep(Duration::from_millis(10)).await;
            Ok(json!({"args": {"n": 1}}))
        }
    });
    let seen: Rc<RefCell<Value>> = Rc::default();
    let sink = seen.clone();
    let second = HandlerFn::sync(move |event| {
        *sink.borrow_mut() = event.get("args").unwrap();
        Ok(Value::Null)
    });
    kernel.hook().on(a, "call", OnOptions::default(), first).unwrap();
    kernel.hook().on(b, "call", OnOptions::default(), second).unwrap();
    let payload = Object::from_iter([("args".to_owned(), json!({"n": 0}))]);
    let outcome = host.block_on(kernel.hook().raise("call", payload));
    assert_eq!(outcome.get("args"), Some(&json!({"n": 1})));
    assert_eq!(*seen.borrow(), json!({"n": 1}));
}

#[test]
fn observers_are_told_in_order_per_extension() {
    let (kernel, host, a, b) = bench();
    let trace = Trace::default();
    for (ext, name, wait) in [(a, "a", 20), (b, "b", 5)] {
        let (clock, seen) = (host.clone(), trace.clone());
        let run = HandlerFn::future(move |event| {
            let (clock, seen) = (clock.clone(), seen.clone());
            async move {
                clock.sleep(Duration::from_millis(wait)).await;
                seen.add(format!("{name}{}", event.get("n").unwrap()));
                Ok(Value::Null)
            }
        });
        kernel.hook().on(ext, "done", OnOptions::default(), run).unwrap();
    }
    for n in 1..=2 {
        kernel.hook().observe(&DONE, Object::from_iter([("n".to_owned(), json!(n))]));
    }
    host.settle();
    for _ in 0..8 {
        host.advance(5);
    }
    assert_eq!(trace.take(), ["b1", "b2", "a1", "a2"]);
}

#[test]
fn deltas_that_wait_for_a_slow_observer_are_joined() {
    static DELTA: HookDecl = HookDecl::future("delta").coalesce(&["chunk"]);
    let (kernel, host, a, _) = bench();
    kernel.hook().declare(&DELTA);
    let trace = Trace::default();
    let (clock, seen) = (host.clone(), trace.clone());
    let run = HandlerFn::future(move |event| {
        let (clock, seen) = (clock.clone(), seen.clone());
        async move {
            clock.sleep(Duration::from_millis(10)).await;
            seen.add(event.get("chunk").unwrap().as_str().unwrap());
            Ok(Value::Null)
        }
    });
    kernel.hook().on(a, "delta", OnOptions::default(), run).unwrap();
    let tell = |id: u64, chunk: &str| {
        kernel.hook().observe(
            &DELTA,
            Object::from_iter([("id".to_owned(), json!(id)), ("chunk".to_owned(), json!(chunk))]),
        );
        host.settle();
    };
    for (id, chunk) in [(1, "a"), (1, "b"), (1, "c"), (2, "d"), (2, "e")] {
        tell(id, chunk);
    }
    for _ in 0..5 {
        host.advance(10);
    }
    assert_eq!(trace.take(), ["a", "bc", "de"]);
}

#[test]
fn raising_what_nobody_handles_is_ready_at_once() {
    let (kernel, _host, ..) = bench();
    let mut raised = kernel.hook().raise("call", Object::new());
    assert_eq!(poll_once(&mut raised), std::task::Poll::Ready(Outcome::default()));
}

#[test]
fn row_b08_a_gate_that_had_to_be_stopped_is_refused() {
    let (kernel, host, a, b) = bench();
    let trace = Trace::default();
    let stopped = HandlerFn::future(|_| async {
        Err(HandlerError::of(purlin_kernel::ErrorKind::Deadline, "computed longer than 250 ms"))
    });
    let seen = trace.clone();
    let other = HandlerFn::sync(move |_| {
        seen.add("b");
        Ok(Value::Null)
    });
    kernel.hook().on(a, "call", OnOptions::default(), stopped).unwrap();
    kernel.hook().on(b, "call", OnOptions::default(), other).unwrap();
    for _ in 0..3 {
        let outcome = host.block_on(kernel.hook().raise("call", Object::new()));
        assert_eq!(outcome.blocked().as_deref(), Some("computed longer than 250 ms"));
    }
    assert!(kernel.guard().is_suspended(a));
    let outcome = host.block_on(kernel.hook().raise("call", Object::new()));
    let refused = "extension `a` is suspended; resume it with `/extensions resume a`";
    assert_eq!(outcome.blocked().as_deref(), Some(refused), "a suspended gate stays shut");
    kernel.ext().unload(a);
    assert_eq!(host.block_on(kernel.hook().raise("call", Object::new())).blocked(), None);
    assert_eq!(trace.take(), ["b"]);
}
