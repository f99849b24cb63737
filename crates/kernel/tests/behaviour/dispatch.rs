//! How handlers of synchronous hooks run, and how their answers combine.

use purlin_kernel::{
    AnswerField, DeadlineClass, ErrorKind, ExtId, Field, HandlerError, HandlerFn, HookDecl, HookError,
    Kernel, Object, OnOptions, Outcome, Phase, Ty,
};
use serde_json::{Value, json};

use crate::host::{FakeHost, Trace};

static GATE: HookDecl = HookDecl::sync("gate", DeadlineClass::Main)
    .closed()
    .payload(&[Field::new("args", Ty::Map, "Arguments."), Field::new("kind", Ty::Str, "Kind.")])
    .answer(&[
        AnswerField::stop("block", Ty::Bool),
        AnswerField::detail("reason", Ty::Str),
        AnswerField::replace("args", Ty::Map),
    ]);
static CHANGE: HookDecl =
    HookDecl::sync("change", DeadlineClass::Main).payload(&[Field::new("text", Ty::Str, "Text.")]).answer(&[
        AnswerField::stop_on("action", &["handled"]),
        AnswerField::replace("text", Ty::Str),
        AnswerField::patch("is_error", Ty::Bool),
        AnswerField::append("note", Ty::Str),
        AnswerField::mark("consume"),
    ]);
static WATCH: HookDecl = HookDecl::sync("watch", DeadlineClass::Main).aliases(&["observe"]);

struct Bench {
    kernel: Kernel,
    trace: Trace,
    a: ExtId,
    b: ExtId,
}

fn bench() -> Bench {
    let kernel = Kernel::new(FakeHost::new());
    for decl in [&GATE, &CHANGE, &WATCH] {
        kernel.hook().declare(decl);
    }
    let (a, b) = (kernel.ext().reserve("a"), kernel.ext().reserve("b"));
    Bench { kernel, trace: Trace::default(), a, b }
}

impl Bench {
    fn on(
        &self,
        ext: ExtId,
        hook: &str,
        options: OnOptions,
        label: &str,
        answer: Value,
    ) -> purlin_kernel::Handle {
        let (trace, label) = (self.trace.clone(), label.to_owned());
        let run = HandlerFn::sync(move |_| {
            trace.add(&label);
            Ok(answer.clone())
        });
        self.kernel.hook().on(ext, hook, options, run).unwrap()
    }

    fn raise(&self, decl: &'static HookDecl, payload: Value) -> Outcome {
        let Value::Object(payload) = payload else { panic!("a payload is an object") };
        self.kernel.hook().dispatch_object(decl, payload)
    }
}

fn with(priority: i32, phase: Phase) -> OnOptions {
    OnOptions { priority, phase, ..OnOptions::default() }
}

#[test]
fn row_b01_without_a_handler_nothing_happens() {
    let b = bench();
    assert!(!b.kernel.hook().wants(&GATE));
    assert_eq!(b.raise(&GATE, json!({})), Outcome::default());
}

#[test]
fn row_b02_order_is_phase_priority_extension_registration() {
    let b = bench();
    let c = b.kernel.ext().reserve("c");
    b.on(c, "watch", with(0, Phase::Normal), "3", Value::Null);
    b.on(b.b, "watch", with(0, Phase::Normal), "2a", Value::Null);
    b.on(b.a, "watch", with(0, Phase::Normal), "1", Value::Null);
    b.on(b.b, "watch", with(0, Phase::Normal), "2b", Value::Null);
    b.raise(&WATCH, json!({}));
    assert_eq!(b.trace.take(), ["1", "2a", "2b", "3"]);

    let b = bench();
    b.on(b.a, "watch", with(100, Phase::Final), "final", Value::Null);
    for priority in [-5, 10, 0] {
        b.on(b.a, "watch", with(priority, Phase::Normal), &priority.to_string(), Value::Null);
    }
    b.on(b.a, "watch", with(-100, Phase::Early), "early", Value::Null);
    b.raise(&WATCH, json!({}));
    assert_eq!(b.trace.take(), ["early", "10", "0", "-5", "final"]);
}

#[test]
fn a_gate_whose_answer_has_an_unknown_word_refuses() {
    let b = bench();
    b.on(b.a, "gate", OnOptions::default(), "typo", json!({"blok": true}));
    let outcome = b.raise(&GATE, json!({"args": {}}));
    assert_eq!(outcome.blocked().as_deref(), Some("unknown answer field `blok`; did you mean `block`?"));
    // Where nothing is guarded it is told, and the rest of the answer counts.
    b.on(b.a, "change", OnOptions::default(), "typo", json!({"txet": "x", "text": "y"}));
    assert_eq!(b.raise(&CHANGE, json!({"text": "z"})).str("text"), Some("y"));
    let told = b.kernel.guard().messages();
    assert!(told.iter().any(|message| message.text.contains("unknown answer field `txet`")));
}

#[test]
fn row_b07_what_another_extension_s_handler_did_stays_when_the_one_around_it_fails() {
    let b = bench();
    b.kernel.buf().create(ExtId::CORE, "inner");
    b.kernel.buf().create(ExtId::CORE, "outer");
    let inner = b.kernel.clone();
    let change = HandlerFn::sync(move |_| {
        inner.buf().set_text("inner", "b was here");
        inner.buf().set_var("inner", "x", json!(1));
        Ok(Value::Null)
    });
    b.kernel.hook().on(b.b, "b:inner", OnOptions::default(), change).unwrap();
    let outer = b.kernel.clone();
    let fail = HandlerFn::sync(move |_| {
        outer.buf().set_text("outer", "a was here");
        outer.hook().emit("b:inner", Object::new(), "a")?;
        outer.buf().set_text("outer", "a was here twice");
        Err("a fails".into())
    });
    b.kernel.hook().on(b.a, "a:outer", OnOptions::default(), fail).unwrap();
    b.kernel.hook().emit("a:outer", Object::new(), "a").unwrap();
    assert_eq!(b.kernel.buf().text("outer"), "");
    assert_eq!(b.kernel.buf().text("inner"), "b was here");
    assert_eq!(b.kernel.buf().var("inner", "x"), Some(json!(1)));
}

#[test]
fn row_b03_the_first_block_decides_and_final_still_sees_it() {
    let b = bench();
    b.on(b.a, "gate", OnOptions::default(), "open", json!({"block": false, "reason": "not this one"}));
    b.on(b.a, "gate", OnOptions::default(), "deny", json!({"block": true, "reason": "denied"}));
    b.on(b.a, "gate", OnOptions::default(), "a2", Value::Null);
    b.on(b.b, "gate", OnOptions::default(), "b", Value::Null);
    b.on(b.b, "gate", with(0, Phase::Final), "final", json!({"block": true, "reason": "late"}));
    let outcome = b.raise(&GATE, json!({"args": {}}));
    assert_eq!(b.trace.take(), ["open", "deny", "final"]);
    assert_eq!(outcome.blocked().as_deref(), Some("denied"));
}

#[test]
fn a_block_without_a_reason_has_the_default_one() {
    let b = bench();
    b.on(b.a, "gate", OnOptions::default(), "quiet", json!({"reason": "stale"}));
    b.on(b.a, "gate", OnOptions::default(), "deny", json!({"block": true}));
    assert_eq!(b.raise(&GATE, json!({})).blocked().as_deref(), Some("blocked by extension"));
}

#[test]
fn a_final_handler_may_still_block() {
    let b = bench();
    b.on(b.a, "gate", OnOptions::default(), "change", json!({"args": {"x": 1}}));
    let seen = b.trace.clone();
    let run = HandlerFn::sync(move |event| {
        seen.add(event.get("args").unwrap());
        Ok(json!({"block": true, "reason": "last word"}))
    });
    b.kernel.hook().on(b.b, "gate", with(0, Phase::Final), run).unwrap();
    let outcome = b.raise(&GATE, json!({"args": {}}));
    assert_eq!(b.trace.take(), ["change", r#"{"x":1}"#]);
    assert_eq!(outcome.blocked().as_deref(), Some("last word"));
}

#[test]
fn row_b04_transforms_chain_and_handled_ends() {
    let b = bench();
    for (ext, tag) in [(b.a, "[A]"), (b.b, "[B]")] {
        let run = HandlerFn::sync(move |event| {
            let text = event.get("text").unwrap();
            Ok(json!({"action": "transform", "text": format!("{}{tag}", text.as_str().unwrap())}))
        });
        b.kernel.hook().on(ext, "change", OnOptions::default(), run).unwrap();
    }
    let outcome = b.raise(&CHANGE, json!({"text": "t"}));
    assert_eq!(outcome.str("text"), Some("t[A][B]"));
    b.on(b.b, "change", OnOptions::default(), "handle", json!({"action": "handled"}));
    b.on(b.b, "change", OnOptions::default(), "never", Value::Null);
    let outcome = b.raise(&CHANGE, json!({"text": "t"}));
    assert_eq!((outcome.str("action"), outcome.str("text")), (Some("handled"), Some("t[A][B]")));
    assert_eq!(b.trace.take(), ["handle"]);
}

#[test]
fn row_b05_patches_combine_field_by_field() {
    let b = bench();
    b.on(b.a, "change", OnOptions::default(), "a", json!({"text": "red"}));
    let trace = b.trace.clone();
    let run = HandlerFn::sync(move |event| {
        trace.add(event.get("text").unwrap());
        Ok(json!({"is_error": true}))
    });
    b.kernel.hook().on(b.b, "change", OnOptions::default(), run).unwrap();
    let outcome = b.raise(&CHANGE, json!({"text": "green", "is_error": false}));
    assert_eq!(Value::Object(outcome.answer), json!({"text": "red", "is_error": true}));
    assert_eq!(b.trace.take(), ["a", "\"red\""]);
}

#[test]
fn appended_answers_are_all_kept_with_their_extension() {
    let b = bench();
    b.on(b.b, "change", OnOptions::default(), "b", json!({"note": "two"}));
    b.on(b.a, "change", OnOptions::default(), "a", json!({"note": "one"}));
    let outcome = b.raise(&CHANGE, json!({}));
    let expected = [("a", "one"), ("b", "two")].map(|(ext, note)| (ext.into(), "note".into(), json!(note)));
    assert_eq!(outcome.appended, expected);
}

#[test]
fn a_mark_suppresses_the_default_and_later_handlers_still_run() {
    let b = bench();
    b.on(b.a, "change", OnOptions::default(), "a", json!(true));
    let trace = b.trace.clone();
    let run = HandlerFn::sync(move |event| {
        trace.add(event.consumed());
        Ok(Value::Null)
    });
    b.kernel.hook().on(b.b, "change", OnOptions::default(), run).unwrap();
    assert!(b.raise(&CHANGE, json!({})).consumed);
    assert_eq!(b.trace.take(), ["a", "true"]);
}

#[test]
fn stop_ends_its_phase_only() {
    let b = bench();
    let run = HandlerFn::sync(|event| {
        event.stop();
        Ok(Value::Null)
    });
    b.kernel.hook().on(b.a, "watch", with(0, Phase::Early), run).unwrap();
    b.on(b.b, "watch", with(0, Phase::Early), "early", Value::Null);
    b.on(b.b, "watch", with(0, Phase::Normal), "normal", Value::Null);
    b.on(b.b, "watch", with(0, Phase::Final), "final", Value::Null);
    b.raise(&WATCH, json!({}));
    assert_eq!(b.trace.take(), ["normal", "final"]);
}

#[test]
fn stop_on_a_closed_hook_without_block_is_an_error_and_refuses() {
    let b = bench();
    let run = HandlerFn::sync(|event| {
        event.stop();
        Ok(Value::Null)
    });
    b.kernel.hook().on(b.a, "gate", OnOptions::default(), run).unwrap();
    assert!(b.raise(&GATE, json!({})).blocked().unwrap().contains("stop()"));
}

#[test]
fn row_b07_an_error_is_recorded_rolled_back_and_closed_hooks_refuse() {
    let b = bench();
    b.kernel.buf().create(ExtId::CORE, "notes");
    let kernel = b.kernel.clone();
    let keep = HandlerFn::sync(move |_| {
        kernel.buf().append_text("notes", "kept ");
        Ok(Value::Null)
    });
    let kernel = b.kernel.clone();
    let fail = HandlerFn::sync(move |event| {
        kernel.buf().append_text("notes", "lost ");
        event.consume();
        Err(HandlerError::new("boom").at("init.lua", 7))
    });
    b.kernel.hook().on(b.a, "change", OnOptions::default(), keep.clone()).unwrap();
    b.kernel.hook().on(b.a, "change", OnOptions::default(), fail.clone()).unwrap();
    b.kernel.hook().on(b.b, "change", OnOptions::default(), keep).unwrap();
    assert!(!b.raise(&CHANGE, json!({})).consumed);
    assert_eq!(b.kernel.buf().text("notes"), "kept kept ");
    let message = b.kernel.guard().messages().pop().unwrap();
    let place = (message.extension.as_str(), message.what.as_str(), message.file.as_deref(), message.line);
    assert_eq!(place, ("a", "change", Some("init.lua"), Some(7)));

    b.kernel.hook().on(b.a, "gate", OnOptions::default(), fail).unwrap();
    b.on(b.b, "gate", OnOptions::default(), "never", Value::Null);
    b.on(b.b, "gate", with(0, Phase::Final), "final", Value::Null);
    let outcome = b.raise(&GATE, json!({}));
    assert_eq!(outcome.blocked().as_deref(), Some("init.lua:7: boom"));
    assert_eq!(b.trace.take(), ["final"]);
}

#[test]
fn a_panic_is_an_error_of_its_handler() {
    let b = bench();
    let run = HandlerFn::sync(|_| panic!("out of cheese"));
    b.kernel.hook().on(b.a, "watch", OnOptions::default(), run).unwrap();
    b.on(b.b, "watch", OnOptions::default(), "next", Value::Null);
    b.raise(&WATCH, json!({}));
    assert_eq!(b.trace.take(), ["next"]);
    let report = b.kernel.guard().report();
    assert_eq!(
        report[0].last_error.as_ref().map(|e| (e.kind, e.message.as_str())),
        Some((ErrorKind::Panic, "panicked: out of cheese"))
    );
}

#[test]
fn row_b09_fields_arrive_and_unknown_hooks_name_the_nearest() {
    let b = bench();
    let trace = b.trace.clone();
    let run = HandlerFn::sync(move |event| {
        trace.add(Value::Object(
            event.fields().into_iter().map(|f| (f.clone(), event.get(&f).unwrap())).collect::<Object>(),
        ));
        Ok(Value::Null)
    });
    b.kernel.hook().on(b.a, "observe", OnOptions::default(), run.clone()).unwrap();
    b.on(b.a, "gate", OnOptions::default(), "other hook", Value::Null);
    b.raise(&WATCH, json!({"n": 1, "list": [], "null": null}));
    assert_eq!(b.trace.take(), [r#"{"n":1,"list":[],"null":null}"#]);
    let error = b.kernel.hook().on(b.a, "wach", OnOptions::default(), run.clone()).unwrap_err();
    assert_eq!(error, HookError::Unknown { name: "wach".into(), nearest: Some("watch".into()) });
    assert_eq!(error.to_string(), "unknown hook `wach`; did you mean `watch`?");
    let waits = HandlerFn::future(|_| async { Ok(Value::Null) });
    assert!(matches!(
        b.kernel.hook().on(b.a, "watch", OnOptions::default(), waits),
        Err(HookError::MayNotWait(_))
    ));
}

#[test]
fn row_b10_once_del_and_late_registration() {
    let b = bench();
    b.on(b.a, "watch", OnOptions { once: true, ..OnOptions::default() }, "once", Value::Null);
    let handle = b.on(b.a, "watch", OnOptions::default(), "gone", Value::Null);
    handle.del();
    handle.del();
    assert!(handle.is_stale());
    let (kernel, trace, ext) = (b.kernel.clone(), b.trace.clone(), b.a);
    let run = HandlerFn::sync(move |_| {
        let trace = trace.clone();
        let late = HandlerFn::sync(move |_| {
            trace.add("late");
            Ok(Value::Null)
        });
        let options = OnOptions { once: true, ..OnOptions::default() };
        kernel.hook().on(ext, "watch", options, late)?;
        Ok(Value::Null)
    });
    let adder = b.kernel.hook().on(b.a, "watch", OnOptions::default(), run).unwrap();
    b.raise(&WATCH, json!({}));
    assert_eq!(b.trace.take(), ["once"]);
    adder.del();
    b.raise(&WATCH, json!({}));
    assert_eq!(b.trace.take(), ["late"]);
    b.raise(&WATCH, json!({}));
    assert_eq!(b.trace.take(), [""; 0]);
    assert!(!b.kernel.hook().wants(&WATCH), "interest ends with the last handler");
}

#[test]
fn row_b11_custom_events_nest_and_deep_recursion_is_an_error() {
    let b = bench();
    let (kernel, trace) = (b.kernel.clone(), b.trace.clone());
    let inner = HandlerFn::sync(move |event| {
        trace.add(format!("inner from {}", event.source().unwrap_or_default()));
        Ok(Value::Null)
    });
    b.kernel.hook().on(b.b, "my:thing", OnOptions::default(), inner).unwrap();
    let outer = HandlerFn::sync(move |_| {
        kernel.hook().emit("my:thing", Object::new(), "a")?;
        Ok(Value::Null)
    });
    b.kernel.hook().on(b.a, "watch", OnOptions::default(), outer).unwrap();
    b.raise(&WATCH, json!({}));
    assert_eq!(b.trace.take(), ["inner from a"]);

    let (kernel, trace) = (b.kernel.clone(), b.trace.clone());
    let recursive = HandlerFn::sync(move |_| {
        trace.add("deeper");
        kernel.hook().emit("my:loop", Object::new(), "a")?;
        Ok(Value::Null)
    });
    b.kernel.hook().on(b.a, "my:loop", OnOptions::default(), recursive).unwrap();
    b.kernel.hook().emit("my:loop", Object::new(), "a").unwrap();
    assert_eq!(b.trace.take().len(), 32);
    assert!(b.kernel.guard().messages().iter().any(|message| message.text.contains("deeper than 32")));
    assert!(b.kernel.hook().emit("plain", Object::new(), "a").is_err());
}

#[test]
fn filters_choose_by_value_and_a_wrong_field_is_a_diagnostic() {
    let b = bench();
    let filter = |value: Value| OnOptions {
        filter: Object::from_iter([("kind".to_owned(), value)]),
        ..OnOptions::default()
    };
    b.on(b.a, "gate", filter(json!(["bash", "write"])), "list", Value::Null);
    b.on(b.a, "gate", filter(json!("read")), "single", Value::Null);
    b.raise(&GATE, json!({"kind": "write"}));
    b.raise(&GATE, json!({"kind": "read"}));
    b.raise(&GATE, json!({"kind": "edit"}));
    assert_eq!(b.trace.take(), ["list", "single"]);
    let wrong =
        OnOptions { filter: Object::from_iter([("knd".to_owned(), json!(1))]), ..OnOptions::default() };
    b.on(b.a, "gate", wrong, "x", Value::Null);
    assert!(b.kernel.guard().messages().pop().unwrap().text.contains("did you mean `kind`?"));
    let place = Some(purlin_kernel::Place { file: "a.lua".into(), line: 7 });
    b.on(b.a, "gate", OnOptions { place, ..filter(json!([1])) }, "x", Value::Null);
    let told = b.kernel.guard().messages().pop().unwrap();
    assert_eq!((told.file.as_deref(), told.line), (Some("a.lua"), Some(7)));
    assert!(told.text.contains("the filter's `kind` is never `1`"), "{}", told.text);
}

#[test]
fn wrong_answers_are_diagnostics() {
    let b = bench();
    b.on(b.a, "watch", OnOptions::default(), "w", json!({"x": 1}));
    b.raise(&WATCH, json!({}));
    b.raise(&WATCH, json!({}));
    assert_eq!(b.kernel.guard().messages().len(), 1, "an observer's answer is complained of once");
    b.on(b.a, "change", OnOptions::default(), "c", json!({"text": 5}));
    assert_eq!(b.raise(&CHANGE, json!({"text": "t"})).get("text"), None);
    assert!(b.kernel.guard().messages().pop().unwrap().text.contains("must be a string"));
}
