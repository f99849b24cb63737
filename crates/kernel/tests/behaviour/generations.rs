//! New generations of extensions, what is known of each, configured keys, jobs that call back.

use std::cell::RefCell;
use std::rc::Rc;

use purlin_kernel::text::Style;
use purlin_kernel::{
    Action, CommandSpec, DeadlineClass, DrawOp, ExtId, Extension, HandlerError, HandlerFn, JobEvents,
    JobExit, Kernel, KeyAnswer, KeyBinding, KeymapOptions, MarkOptions, MemoryUse, OnOptions, Place,
    ProcessSpec, Rect, Registrar, Target, Window,
};
use serde_json::Value;

use crate::host::{Ext, Trace, editor, press};

/// An extension with a window, a buffer, a command and a handler that traces its version.
fn version(name: &'static str, number: u32, trace: &Trace, fails: bool) -> Box<dyn Extension> {
    let trace = trace.clone();
    Box::new(Ext(name, move |r: &mut Registrar<'_>| {
        let told = trace.clone();
        let (kernel, ext) = (r.kernel(), r.ext());
        r.on(
            "key",
            OnOptions::default(),
            HandlerFn::sync(move |_| {
                told.add(format!("{name}{number}"));
                Ok(Value::Null)
            }),
        )?;
        r.command(CommandSpec::action(name, "Says its version.", move |_| Ok(Some(number.to_string()))));
        r.keymap(Target::Global, "ctrl+k", Action::command(name), KeymapOptions::default())?;
        kernel.buf().create(ext, &format!("{name}.buffer"));
        kernel.buf().set_text(&format!("{name}.buffer"), &number.to_string());
        kernel.win().create(ext, Window::new(format!("{name}.window"), "panel", format!("{name}.buffer")))?;
        if fails { Err("on purpose".into()) } else { Ok(()) }
    }))
}

#[test]
fn d29_a_new_generation_takes_the_place_of_the_old_one() {
    let (kernel, host) = editor();
    let trace = Trace::default();
    let a = kernel.ext().load(version("a", 1, &trace, false)).unwrap();
    let b = kernel.ext().load(version("b", 1, &trace, false)).unwrap();
    let warnings = kernel.guard().logged();
    let new = kernel.ext().replace(a, version("a", 2, &trace, false)).unwrap();
    assert_eq!(kernel.guard().logged(), warnings, "what it takes over is no clash");
    press(&kernel, "x");
    assert_eq!(trace.take(), ["a2", "b1"], "it keeps its place in the order");
    assert_eq!(kernel.ext().list().iter().map(|e| e.id).collect::<Vec<_>>(), [new, b]);
    assert_eq!(kernel.buf().text("a.buffer"), "2");
    assert_eq!(host.block_on(kernel.command().run("a", "")), Ok(Some("2".into())));
    assert!(!kernel.ext().is_loaded(a));
    assert_eq!(kernel.registered(a), []);
}

#[test]
fn d29_a_generation_that_fails_leaves_the_old_one_as_it_was() {
    let (kernel, host) = editor();
    let trace = Trace::default();
    let a = kernel.ext().load(version("a", 1, &trace, false)).unwrap();
    kernel.ext().load(version("b", 1, &trace, false)).unwrap();
    let spec = ProcessSpec { program: "sleep".into(), ..ProcessSpec::default() };
    let job = kernel.job().start(a, spec, JobEvents::default()).unwrap();
    kernel.buf().append_text("a.buffer", " and what was typed");
    let before = kernel.registered(a);
    let error = kernel.ext().replace(a, version("a", 2, &trace, true)).unwrap_err();
    assert_eq!(error.to_string(), "extension `a` was not loaded: on purpose");
    let mut after = kernel.registered(a);
    let mut expected = before;
    after.sort();
    expected.sort();
    assert_eq!(after, expected);
    assert_eq!(kernel.buf().text("a.buffer"), "1 and what was typed");
    assert!(!job.handle.is_stale() && host.killed.get() == 0, "its jobs run on");
    press(&kernel, "x");
    assert_eq!(trace.take(), ["a1", "b1"]);
    assert_eq!(host.block_on(kernel.command().run("a", "")), Ok(Some("1".into())));
}

/// A panel that is drawn on from outside and has the focus, and a timer; with `fails` it does all that and then fails.
fn panel(mark: &'static str, fails: bool) -> Box<dyn Extension> {
    Box::new(Ext("panel", move |r: &mut Registrar<'_>| {
        let (kernel, ext) = (r.kernel(), r.ext());
        assert!(kernel.win().get("panel").is_none(), "the name is free for a new generation");
        let rect = Rect { x: 0, y: 0, width: 8, height: 2 };
        kernel.win().open(ext, Window::float("panel", "panel", "panel", rect), true)?;
        kernel.win().set_owner_renderer(ext, "panel", true)?;
        let style = Style::default();
        kernel.win().draw(ext, "panel", DrawOp::Text { row: 0, col: 0, text: mark.into(), style })?;
        kernel.timer().interval(ext, 100, Rc::new(|| Ok(())))?;
        if fails { Err("on purpose".into()) } else { Ok(()) }
    }))
}

#[test]
fn d29_a_failed_reload_touches_no_window_timer_or_focus() {
    let (kernel, host) = editor();
    let shown = || kernel.frame(20, 4).grid.text(&kernel.atlas());
    let other = kernel.ext().reserve("other");
    let old = kernel.ext().load(panel("first", false)).unwrap();
    shown();
    let trace = Trace::default();
    let told = trace.clone();
    let moved = HandlerFn::sync(move |_| {
        told.add("focus");
        Ok(Value::Null)
    });
    kernel.hook().on(other, "focus_change", OnOptions::default(), moved).unwrap();
    host.advance(60);
    let state = || {
        let window = kernel.win().get("panel").expect("the old one's");
        let focused = kernel.win().focused().map(|window| window.name.clone());
        (window, focused, kernel.timer().next_due(), kernel.registered(old), shown())
    };
    let before = state();
    assert_eq!((before.1.as_deref(), before.4[0].trim_end()), (Some("panel"), "first"));
    kernel.ext().replace(old, panel("second", true)).unwrap_err();
    assert_eq!(state(), before);
    assert_eq!(trace.take(), [""; 0]);
    let new = kernel.ext().replace(old, panel("third", false)).unwrap();
    assert_eq!(shown()[0].trim_end(), "third");
    assert_eq!(kernel.win().focused().map(|window| window.name.clone()).as_deref(), Some("panel"));
    assert_eq!((trace.take(), kernel.timer().next_due()), (vec![], Some(1_160)), "its own timer, from now");
    kernel.ext().unload(new);
    assert_eq!(kernel.win().focused().map(|window| window.name.clone()).as_deref(), Some("main"));
    assert_eq!((trace.take().len(), kernel.timer().next_due()), (1, None));
}

#[test]
fn the_report_says_what_an_extension_has_and_what_it_cost() {
    let (kernel, _host) = editor();
    let trace = Trace::default();
    let ext = kernel.ext().load(version("a", 1, &trace, false)).unwrap();
    let idle = kernel.ext().reserve("idle");
    let place = Place { file: "a.lua".into(), line: 7 };
    let options = OnOptions { place: Some(place.clone()), ..OnOptions::default() };
    kernel.hook().on(ext, "paste", options, HandlerFn::sync(|_| Err("broken".into()))).unwrap();
    let ns = kernel.mark().namespace("a");
    kernel.mark().set(ext, "main", ns, 0, MarkOptions::default()).unwrap();
    kernel.timer().defer(ext, 500, Rc::new(|| Ok(()))).unwrap();
    let bytes = Rc::new(std::cell::Cell::new(MemoryUse { values: 512, taken: 1024 }));
    let told = bytes.clone();
    kernel.guard().on_memory(ext, Rc::new(move || told.get()));
    let now = MemoryUse { values: 2048, taken: 4096 };
    bytes.set(now);
    kernel.input(purlin_kernel::Input::Paste("x".into()));
    let reports = kernel.guard().report();
    assert_eq!(reports.iter().map(|r| r.ext).collect::<Vec<_>>(), [ext, idle], "also those that did nothing");
    let report = &reports[0];
    let kind = |kind: &str| report.kinds.get(kind).copied().unwrap_or(0);
    assert_eq!((kind("handler"), kind("command"), kind("keymap"), kind("timer")), (2, 1, 1, 1));
    assert_eq!((report.errors, report.memory, report.marks), (1, now, 1));
    assert!(report.calls >= 2 && report.buffer_bytes > 1024);
    let worst = report.worst.clone().expect("something ran");
    assert!(worst.what == "load" || worst.place == Some(place));
    kernel.ext().unload(ext);
    assert_eq!(kernel.guard().report().len(), 1);
}

#[test]
fn the_worst_stretch_names_its_place() {
    let (kernel, host) = editor();
    let ext = kernel.ext().reserve("slow");
    let place = Place { file: "slow.lua".into(), line: 3 };
    let options = OnOptions { place: Some(place.clone()), ..OnOptions::default() };
    let clock = host.clone();
    let slow = HandlerFn::sync(move |_| {
        clock.advance(20);
        Ok(Value::Null)
    });
    kernel.hook().on(ext, "key", options, slow).unwrap();
    press(&kernel, "x");
    let worst = kernel.guard().report_of(ext).worst.expect("a stretch");
    assert_eq!((worst.us, worst.what.as_str(), worst.place), (20_000, "key", Some(place)));
    let message = kernel.guard().messages().pop().expect("it was slow");
    assert!(message.text.ends_with("(slow.lua:3)"), "{}", message.text);
}

fn said(kernel: &Kernel) -> Vec<String> {
    kernel.ui().notifications().iter().map(|notice| notice.text.clone()).collect()
}

#[test]
fn keys_of_the_configuration_go_first_and_can_take_a_map_away() {
    let (kernel, _host) = editor();
    let ext = kernel.ext().reserve("a");
    for name in ["mine", "theirs"] {
        kernel.command().create(
            ExtId::CORE,
            CommandSpec::action(name, "Says its name.", move |call| {
                Ok(Some(format!("{name} {}", call.args)))
            }),
        );
    }
    let map = |lhs: &str| {
        kernel.keymap().set(ext, Target::Global, lhs, Action::command("theirs"), KeymapOptions::default())
    };
    map("ctrl+x").unwrap();
    map("q").unwrap();
    let binding = |lhs: &str, command: Option<&str>| KeyBinding {
        target: Target::Global,
        lhs: lhs.into(),
        command: command.map(str::to_owned),
        desc: String::new(),
        place: (lhs == "ctrl+y").then(|| purlin_kernel::Place { file: "keys.toml".into(), line: 7 }),
    };
    let problems = kernel.keymap().configure(vec![
        binding("ctrl+x", Some("/mine arg")),
        binding("q", None),
        binding("ctrl+c", Some("mine")),
        binding("nokey+", Some("mine")),
        binding("ctrl+y", Some("mine2")),
    ]);
    assert_eq!(
        problems,
        [
            "`ctrl+c` cannot be mapped: `ctrl+c` cannot be mapped: pressed twice it always quits",
            "`nokey+` cannot be mapped: `nokey+` is not a key (in `nokey+`)",
            "keys.toml:7: `ctrl+y` runs `mine2`, which is no command; did you mean `mine`?",
        ]
    );
    press(&kernel, "ctrl+x q");
    assert_eq!((said(&kernel), kernel.buf().text("main")), (vec!["mine arg".to_owned()], "q".to_owned()));
    assert!(kernel.keymap().configure(Vec::new()).is_empty());
    press(&kernel, "q");
    assert_eq!(said(&kernel), ["mine arg", "theirs "], "without it the extension's map is back");
}

#[test]
fn maps_of_a_mode_apply_in_it_only() {
    let (kernel, _host) = editor();
    let trace = Trace::default();
    let map = |mode: Option<&str>, label: &'static str| {
        let told = trace.clone();
        let options = KeymapOptions { mode: mode.map(str::to_owned), ..KeymapOptions::default() };
        let action = Action::callback(move |_| {
            told.add(label);
            Ok(KeyAnswer::Consumed)
        });
        kernel.keymap().set(ExtId::CORE, Target::Global, "d", action, options).unwrap();
    };
    map(Some("normal"), "normal");
    press(&kernel, "d");
    assert_eq!((trace.take(), kernel.buf().text("main")), (vec![], "d".to_owned()));
    let mode = |mode: &str| assert!(kernel.buf().set_var("main", "mode", Value::String(mode.into())));
    mode("normal");
    press(&kernel, "d");
    assert_eq!(trace.take(), ["normal"]);
    assert_eq!(kernel.context("mode"), Some(Value::String("normal".into())));
    let failed: Result<(), HandlerError> =
        kernel.guard().stretch(ExtId::CORE, DeadlineClass::Key, "mode", || {
            mode("visual");
            Err("no".into())
        });
    assert!(failed.is_err());
    assert_eq!(kernel.mode().as_deref(), Some("normal"), "a failed stretch takes its mode back");
}

#[test]
fn maps_that_never_run_are_told() {
    let (kernel, _host) = editor();
    let (a, b) = (kernel.ext().reserve("a"), kernel.ext().reserve("b"));
    let map = |ext, target| {
        kernel.keymap().set(ext, target, "ctrl+k x", Action::command("x"), KeymapOptions::default()).unwrap()
    };
    map(a, Target::Global);
    map(b, Target::Window("main".into()));
    assert!(kernel.keymap().conflicts().is_empty(), "another target is another place");
    let handle = map(b, Target::Global);
    let conflicts = kernel.keymap().conflicts();
    assert_eq!(conflicts.len(), 1);
    assert_eq!((conflicts[0].lhs.as_str(), conflicts[0].holder, conflicts[0].other), ("ctrl+k x", a, b));
    handle.del();
    assert!(kernel.keymap().conflicts().is_empty());
}

#[test]
fn a_job_calls_back_and_those_who_wait_hear_of_its_end() {
    let (kernel, host) = editor();
    let ext = kernel.ext().reserve("a");
    let trace = Trace::default();
    let (out, end) = (trace.clone(), trace.clone());
    let events = JobEvents {
        on_stdout: Some(Rc::new(move |bytes| {
            out.add(String::from_utf8_lossy(&bytes));
            Ok(())
        })),
        on_stderr: None,
        on_exit: Some(Rc::new(move |JobExit { code, signal, timed_out }| {
            end.add(format!("{code:?} {signal:?} {timed_out}"));
            Ok(())
        })),
    };
    let spec = |program: &str| ProcessSpec {
        program: program.into(),
        args: vec!["hello".into()],
        ..ProcessSpec::default()
    };
    let job = kernel.job().start(ext, spec("echo"), events.clone()).unwrap();
    assert_eq!(host.block_on(job.wait()), JobExit { code: Some(0), signal: None, timed_out: false });
    assert_eq!(trace.take(), ["hello", "Some(0) None false"]);
    assert!(job.handle.is_stale() && job.exit().is_some());
    let error = host.block_on(job.write(b"x".to_vec())).unwrap_err();
    assert!(error.message.contains("no open input"), "{error}");
    let job = kernel.job().start(ext, spec("sleep"), events).unwrap();
    host.settle();
    trace.take();
    job.kill();
    assert_eq!(host.killed.get(), 1);
}

#[test]
fn a_failed_stretch_does_not_leave_its_job_running() {
    let (kernel, host) = editor();
    let ext = kernel.ext().reserve("a");
    let started: RefCell<Option<purlin_kernel::RunningJob>> = RefCell::default();
    let failed: Result<(), HandlerError> = kernel.guard().stretch(ext, DeadlineClass::Main, "job", || {
        let spec = ProcessSpec { program: "sleep".into(), ..ProcessSpec::default() };
        *started.borrow_mut() = Some(kernel.job().start(ext, spec, JobEvents::default())?);
        Err("no".into())
    });
    assert!(failed.is_err());
    assert_eq!(host.killed.get(), 1);
    assert!(started.borrow().as_ref().is_some_and(|job| job.handle.is_stale()));
}
