//! Loading, unloading, typed registrations, commands.

use std::cell::Cell;
use std::rc::Rc;

use purlin_kernel::{
    Action, CommandSpec, ExtId, HandlerError, HandlerFn, Kernel, KeymapOptions, OnOptions, Registrar,
    Registration, Target, Window,
};
use serde_json::Value;

use crate::host::{Ext, editor, press};

struct Tool(&'static str);

impl Registration for Tool {
    fn name(&self) -> String {
        self.0.into()
    }
}

fn fill(r: &mut purlin_kernel::Registrar<'_>) -> Result<(), HandlerError> {
    r.on("key", OnOptions::default(), HandlerFn::sync(|_| Ok(Value::Null)))?;
    r.command(CommandSpec::action("hello", "Greets.", |call| Ok(Some(format!("Hello {}", call.args)))));
    r.keymap(Target::Global, "ctrl+h", Action::command("hello"), KeymapOptions::default())?;
    r.add(Tool("hammer"));
    let (kernel, ext) = (r.kernel(), r.ext());
    kernel.buf().create(ext, "scratch");
    kernel.win().create(ext, Window::new("scratch", "panel", "scratch"))?;
    kernel.timer().interval(ext, 100, Rc::new(|| Ok(())))?;
    Ok(())
}

#[test]
fn unloading_takes_everything_away() {
    let (kernel, _host) = editor();
    let heard = Rc::new(Cell::new(0));
    let counter = heard.clone();
    kernel.ext().on_registrations_changed(ExtId::CORE, Rc::new(move || counter.set(counter.get() + 1)));
    let commands = kernel.command().list().len();
    let ext = kernel.ext().load(Box::new(Ext("tools", fill))).unwrap();
    assert!(heard.get() > 0);
    assert_eq!(
        kernel.ext().registrations::<Tool>().iter().map(|(e, t)| (*e, t.0)).collect::<Vec<_>>(),
        [(ext, "hammer")]
    );
    assert_eq!(kernel.registered(ext).len(), 7);
    assert_eq!(kernel.ext().find("tools"), Some(ext));
    kernel.ext().unload(ext);
    assert_eq!(kernel.registered(ext), []);
    assert!(kernel.ext().registrations::<Tool>().is_empty());
    assert!(!kernel.hook().has_handlers("key"));
    assert!(kernel.keymap().list().is_empty());
    assert_eq!(kernel.command().list().len(), commands);
    assert_eq!((kernel.buf().list(), kernel.win().list().len()), (vec!["main".to_owned()], 1));
    assert_eq!(kernel.next_deadline(), None);
    assert!(kernel.ext().list().is_empty());
}

#[test]
fn row_d27_a_failure_while_loading_leaves_nothing() {
    let (kernel, _host) = editor();
    let error = kernel
        .ext()
        .load(Box::new(Ext("broken", |r: &mut purlin_kernel::Registrar<'_>| {
            fill(r)?;
            r.kernel().buf().set_text("main", "scribbled");
            Err(HandlerError::new("no").at("init.lua", 3))
        })))
        .unwrap_err();
    assert_eq!(error.to_string(), "extension `broken` was not loaded: init.lua:3: no");
    assert!(!kernel.hook().has_handlers("key"));
    assert!(kernel.ext().registrations::<Tool>().is_empty());
    assert_eq!((kernel.buf().list(), kernel.buf().text("main")), (vec!["main".to_owned()], String::new()));
    assert!(kernel.keymap().list().is_empty());
}

#[test]
fn row_c22_commands() {
    let (kernel, host) = editor();
    kernel.ext().load(Box::new(Ext("a", fill))).unwrap();
    let run = |name: &str, args: &str| host.block_on(kernel.command().run(name, args));
    assert_eq!(run("hello", "Bob  x"), Ok(Some("Hello Bob  x".into())));
    assert_eq!(run("hello", ""), Ok(Some("Hello ".into())));
    let ext = kernel.ext().reserve("b");
    kernel
        .command()
        .create(ext, CommandSpec::new("greet", "Greets.", |_| Box::pin(async { Err("boom".into()) })));
    assert_eq!(run("greets", "").unwrap_err().message, "unknown command `greets`; did you mean `greet`?");
    kernel.command().invoke("greet", "");
    assert_eq!(kernel.ui().notifications().pop().unwrap().text, "`greet`: boom");
    kernel.command().create(ext, CommandSpec::action("edit.undo", "Mine.", |_| Ok(Some("mine".into()))));
    assert_eq!(kernel.command().get("edit.undo").unwrap().owner, ExtId::CORE);
    assert!(
        kernel
            .guard()
            .messages()
            .iter()
            .any(|m| m.text.contains("`edit.undo` is already a command of `purlin`")
                && m.text.contains("that of `b`"))
    );
    let mut aliased = CommandSpec::new("quiet", "Hushes.", |_| Box::pin(async { Ok(None) }));
    aliased.aliases = vec!["q".into()];
    kernel.command().create(ext, aliased);
    let found: Vec<_> = kernel.command().complete("q").into_iter().map(|c| c.name).collect();
    assert_eq!(found, ["quiet"]);
    assert_eq!(run("q", ""), Ok(None));
    kernel.guard().suspend(ext, "for the test");
    assert!(run("q", "").unwrap_err().message.contains("suspended"));
}

#[test]
fn a_command_that_waits_goes_on_as_a_task() {
    let (kernel, host) = editor();
    let ext = kernel.ext().reserve("a");
    let weak = kernel.downgrade();
    kernel.command().create(
        ext,
        CommandSpec::new("ask", "Asks.", move |_| {
            let kernel = weak.upgrade().unwrap();
            Box::pin(async move {
                let yes = kernel.ui().confirm(ext, purlin_kernel::ConfirmOptions::default()).await;
                Ok(Some(format!("{yes:?}")))
            })
        }),
    );
    kernel.command().invoke("ask", "");
    host.settle();
    press(&kernel, "y <cr>");
    host.settle();
    assert_eq!(kernel.ui().notifications().pop().unwrap().text, "Ok(true)");
}

/// Something with a long description.
struct Described;

impl Registration for Described {
    fn name(&self) -> String {
        "described".into()
    }

    fn bytes(&self) -> usize {
        1 << 20
    }
}

#[test]
fn what_is_kept_for_an_extension_has_a_quota() {
    type Keep = fn(&Kernel, ExtId, &str, usize);
    let ways: [(&str, Keep); 8] = [
        ("status", |kernel, ext, text, n| {
            kernel.ui().status_set(ext, &n.to_string(), purlin_kernel::text::plain(text.to_owned()), 0);
        }),
        ("status of one key", |kernel, ext, text, _| {
            kernel.ui().status_set(ext, "key", purlin_kernel::text::plain(text.to_owned()), 0);
        }),
        ("highlight", |kernel, ext, text, n| {
            // What is refused is the quota's business; the stretch fails.
            let _ = kernel.hl().set(ext, &format!("{text}{n}"), purlin_kernel::HighlightSpec::default());
        }),
        ("command", |kernel, ext, text, n| {
            kernel.command().create(ext, CommandSpec::action(n.to_string(), text, |_| Ok(None)));
        }),
        ("keymap", |kernel, ext, text, _| {
            let options = KeymapOptions { desc: text.to_owned(), ..KeymapOptions::default() };
            kernel.keymap().set(ext, Target::Global, "f5", Action::command("x"), options).unwrap();
        }),
        ("tool", |kernel, ext, _, _| drop(kernel.ext().add(ext, Described))),
        ("variable", |kernel, _, text, n| {
            kernel.win().set_var("main", &n.to_string(), Value::String(text.to_owned()));
        }),
        ("namespace", |kernel, _, text, n| {
            kernel.mark().namespace(&format!("{text}{n}"));
        }),
    ];
    let text = "x".repeat(1 << 20);
    for (what, keep) in ways {
        let (kernel, _host) = editor();
        let ext = kernel.ext().reserve("hoarder");
        let result = kernel.guard().stretch(ext, purlin_kernel::DeadlineClass::Main, what, || {
            (0..20).for_each(|n| keep(&kernel, ext, &text, n));
            Ok(())
        });
        let error = result.expect_err(what);
        assert_eq!(error.kind, purlin_kernel::ErrorKind::Memory, "{what}: {error}");
        assert_eq!(kernel.registered(ext), [], "{what}");
        assert!(kernel.win().get("main").unwrap().vars.is_empty(), "{what}");
        let again = kernel.guard().stretch(ext, purlin_kernel::DeadlineClass::Main, what, || {
            (0..1_000).for_each(|n| keep(&kernel, ext, "short", n % 10));
            Ok(())
        });
        // The tool is as large as before.
        assert_eq!(again.is_ok(), what != "tool", "{what}: what failed is free again, {again:?}");
    }
}

/// Something of one name that two may want.
struct Deployer(&'static str);

impl Registration for Deployer {
    fn name(&self) -> String {
        "deploy".into()
    }
}

/// Registers a command and a tool that say who registered them.
fn wants(kernel: &Kernel, ext: ExtId, who: &'static str) {
    kernel.command().create(ext, CommandSpec::action("deploy", "Deploys.", move |_| Ok(Some(who.into()))));
    kernel.ext().add(ext, Deployer(who));
}

#[test]
fn c21_c22_the_first_registration_in_time_wins_and_a_reload_keeps_its_place() {
    let (kernel, host) = editor();
    let deploys = || host.block_on(kernel.command().run("deploy", "")).unwrap().unwrap();
    let tools =
        || kernel.ext().registrations::<Deployer>().iter().map(|(_, tool)| tool.0).collect::<Vec<_>>();
    let early = kernel.ext().load(Box::new(Ext("early", |_: &mut Registrar<'_>| Ok(())))).unwrap();
    let late = |who: &'static str| {
        Box::new(Ext("late", move |r: &mut Registrar<'_>| {
            wants(r.kernel(), r.ext(), who);
            Ok(())
        }))
    };
    let first = kernel.ext().load(late("late 1")).unwrap();
    assert_eq!(kernel.guard().logged(), 0);
    wants(&kernel, early, "early");
    assert_eq!((deploys(), tools()), ("late 1".to_owned(), vec!["late 1", "early"]), "it came later");
    let told = kernel.guard().messages().pop().expect("a clash");
    assert_eq!(
        (told.extension.as_str(), told.text.as_str()),
        (
            "early",
            "`deploy` is already a command of `late`, which keeps the name; that of `early` does not run under it"
        )
    );
    let logged = kernel.guard().logged();
    let second = kernel.ext().replace(first, late("late 2")).unwrap();
    let third = kernel.ext().replace(second, late("late 3")).unwrap();
    assert_eq!(deploys(), "late 3");
    assert_eq!(kernel.guard().logged(), logged, "nothing new to tell");
    kernel.ext().unload(third);
    assert_eq!((deploys(), tools()), ("early".to_owned(), vec!["early"]));
}

#[test]
fn a_long_chain_of_links_is_told_apart_from_a_circle() {
    let (kernel, _host) = editor();
    let link = |group: String, to: String| {
        let spec = purlin_kernel::HighlightSpec { link: Some(to), ..Default::default() };
        kernel.hl().set(ExtId::CORE, &group, spec).map(|_| ()).map_err(|error| error.message)
    };
    for n in 0..16 {
        link(format!("g{n}"), format!("g{}", n - 1)).unwrap();
    }
    let deep = "the link of highlight group `g16` leads over more than 16 others";
    assert_eq!(link("g16".into(), "g15".into()), Err(deep.to_owned()));
    assert_eq!(
        link("g0".into(), "g3".into()),
        Err("the link of highlight group `g0` leads back to it".to_owned())
    );
}
