//! Keys as people write them, and which map has them.

use purlin_kernel::{
    Action, CommandSpec, ExtId, Input, Kernel, Key, KeyAnswer, KeymapError, KeymapOptions, Layer, Target,
};

use crate::host::{Trace, editor, press};

fn map(
    kernel: &Kernel,
    trace: &Trace,
    owner: ExtId,
    target: Target,
    lhs: &str,
    label: &str,
    options: KeymapOptions,
) {
    let (trace, label) = (trace.clone(), label.to_owned());
    let action = Action::callback(move |_| {
        trace.add(&label);
        Ok(KeyAnswer::Consumed)
    });
    kernel.keymap().set(owner, target, lhs, action, options).unwrap();
}

fn layer(layer: Layer, priority: i32) -> KeymapOptions {
    KeymapOptions { layer, priority, ..KeymapOptions::default() }
}

#[test]
fn row_c24_spellings_have_one_normal_form() {
    let table = [
        ("Ctrl+Shift+S", "shift+ctrl+s"),
        ("shift+ctrl+s", "shift+ctrl+s"),
        ("option+t", "alt+t"),
        ("cmd+k", "meta+k"),
        ("super+k", "meta+k"),
        ("Return", "enter"),
        ("<cr>", "enter"),
        ("PageUp", "pgup"),
        ("A", "A"),
        ("a", "a"),
        ("shift+a", "A"),
        ("shift+/", "?"),
        ("ctrl+S", "ctrl+s"),
        ("<c-j>", "ctrl+j"),
        ("<C-Space>", "ctrl+space"),
        ("ctrl++", "ctrl++"),
        ("alt+-", "alt+-"),
        ("-", "-"),
        ("shift+tab", "shift+tab"),
        ("<esc>", "escape"),
        ("f12", "f12"),
        ("g g", "g g"),
        ("<c-w>j", "ctrl+w j"),
        ("d<cr>", "d enter"),
        ("<", "<"),
        ("*", "*"),
        ("é", "é"),
    ];
    for (text, normal) in table {
        let keys = Key::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let spelled = keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(spelled, normal, "{text}");
        assert_eq!(Key::parse(&spelled).unwrap(), keys, "{text} does not survive being written");
    }
    for wrong in ["", "ctrl+", "hyper+x", "f25", "nonsense"] {
        assert!(Key::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn row_c24_ctrl_c_is_refused_in_any_spelling() {
    let (kernel, _host) = editor();
    let ext = kernel.ext().reserve("a");
    for lhs in ["ctrl+c", "<C-c>", "control+C", "g ctrl+c"] {
        let set =
            kernel.keymap().set(ext, Target::Global, lhs, Action::command("x"), KeymapOptions::default());
        assert_eq!(set.unwrap_err(), KeymapError::Reserved, "{lhs}");
    }
}

#[test]
fn ctrl_c_twice_quits_whatever_anyone_handles() {
    let (kernel, host) = editor();
    let ext = kernel.ext().reserve("a");
    let grab = purlin_kernel::HandlerFn::sync(|_| Ok(serde_json::Value::Bool(true)));
    kernel.hook().on(ext, "key", purlin_kernel::OnOptions::default(), grab).unwrap();
    press(&kernel, "ctrl+c a ctrl+c");
    assert!(!kernel.quit_requested(), "another key in between");
    kernel.input(purlin_kernel::Input::Paste("text".into()));
    press(&kernel, "ctrl+c");
    assert!(!kernel.quit_requested(), "a paste in between");
    host.advance(5_000);
    press(&kernel, "ctrl+c");
    host.advance(5_000);
    press(&kernel, "ctrl+c");
    assert!(!kernel.quit_requested(), "too slow");
    press(&kernel, "ctrl+c");
    assert!(kernel.quit_requested());
}

#[test]
fn who_goes_first_is_layer_priority_narrowness_and_then_who_was_there_first() {
    let (kernel, _host) = editor();
    let trace = Trace::default();
    let (a, b) = (kernel.ext().reserve("a"), kernel.ext().reserve("b"));
    let check = |expected: &str| {
        press(&kernel, "ctrl+x");
        assert_eq!(trace.take(), [expected]);
    };
    map(&kernel, &trace, ExtId::CORE, Target::Global, "ctrl+x", "builtin", layer(Layer::Builtin, 100));
    check("builtin");
    map(&kernel, &trace, b, Target::Global, "ctrl+x", "b", layer(Layer::Extension, 0));
    check("b");
    map(&kernel, &trace, a, Target::Global, "ctrl+x", "a", layer(Layer::Extension, 0));
    check("b");
    map(&kernel, &trace, b, Target::Window("main".into()), "ctrl+x", "window", layer(Layer::Extension, 0));
    check("window");
    map(&kernel, &trace, b, Target::Global, "ctrl+x", "priority", layer(Layer::Extension, 5));
    check("priority");
    map(&kernel, &trace, ExtId::CORE, Target::Global, "ctrl+x", "user", layer(Layer::User, 0));
    check("user");
    let told: Vec<_> = kernel.guard().messages().into_iter().map(|m| (m.extension, m.text)).collect();
    let text = "`ctrl+x` is already mapped by `b`, which goes first; the map of `a` does not run";
    assert_eq!(told, [("a".to_owned(), text.to_owned())]);
}

#[test]
fn targets_match_the_focus() {
    let (kernel, _host) = editor();
    let trace = Trace::default();
    let table = [
        (Target::Global, true),
        (Target::Window("main".into()), true),
        (Target::Window("other".into()), false),
        (Target::Buffer("main".into()), true),
        (Target::Role("editor".into()), true),
        (Target::Role("list".into()), false),
        (Target::Focus("editor".into()), true),
        (Target::AnyOf(vec![Target::Role("list".into()), Target::Buffer("main".into())]), true),
    ];
    for (target, matches) in table {
        let action = {
            let trace = trace.clone();
            Action::callback(move |_| {
                trace.add("hit");
                Ok(KeyAnswer::Consumed)
            })
        };
        let handle = kernel
            .keymap()
            .set(ExtId::CORE, target.clone(), "ctrl+x", action, KeymapOptions::default())
            .unwrap();
        press(&kernel, "ctrl+x");
        assert_eq!(trace.take().len(), usize::from(matches), "{target:?}");
        handle.del();
    }
}

#[test]
fn sequences_wait_show_and_end() {
    let (kernel, host) = editor();
    let trace = Trace::default();
    map(&kernel, &trace, ExtId::CORE, Target::Global, "g g", "gg", KeymapOptions::default());
    map(&kernel, &trace, ExtId::CORE, Target::Global, "g", "g", KeymapOptions::default());
    map(&kernel, &trace, ExtId::CORE, Target::Global, "z z z", "zzz", KeymapOptions::default());
    press(&kernel, "g");
    assert_eq!((kernel.keymap().pending().as_str(), trace.take().len()), ("g", 0));
    assert_eq!(kernel.next_deadline(), Some(kernel.now() + 500));
    press(&kernel, "g");
    assert_eq!((kernel.keymap().pending().as_str(), trace.take()), ("", vec!["gg".to_owned()]));
    press(&kernel, "g x");
    assert_eq!((trace.take(), kernel.buf().text("main")), (vec!["g".to_owned()], "x".to_owned()));
    press(&kernel, "z z x");
    assert_eq!(kernel.buf().text("main"), "xzzx", "keys of a broken sequence are typed in order");
    press(&kernel, "z");
    host.advance(499);
    kernel.run_due();
    assert_eq!(kernel.keymap().pending(), "z");
    host.advance(1);
    kernel.run_due();
    assert_eq!((kernel.keymap().pending().as_str(), kernel.buf().text("main").as_str()), ("", "xzzxz"));
    press(&kernel, "z g g");
    assert_eq!((trace.take(), kernel.buf().text("main")), (vec!["gg".to_owned()], "xzzxzz".to_owned()));
}

#[test]
fn nowait_when_pass_remap_and_wildcard() {
    let (kernel, _host) = editor();
    let trace = Trace::default();
    let nowait = KeymapOptions { nowait: true, ..KeymapOptions::default() };
    map(&kernel, &trace, ExtId::CORE, Target::Global, "q", "q", nowait);
    map(&kernel, &trace, ExtId::CORE, Target::Global, "q q", "qq", KeymapOptions::default());
    press(&kernel, "q");
    assert_eq!(trace.take(), ["q"]);
    let never = KeymapOptions { when: Some(std::rc::Rc::new(|| false)), ..KeymapOptions::default() };
    map(&kernel, &trace, ExtId::CORE, Target::Global, "w", "w", never);
    press(&kernel, "w");
    assert_eq!(kernel.buf().text("main"), "w");
    let remap = Action::callback(|_| Ok(KeyAnswer::Remap(Key::parse("q").unwrap())));
    kernel.keymap().set(ExtId::CORE, Target::Global, "ctrl+r", remap, KeymapOptions::default()).unwrap();
    press(&kernel, "ctrl+r");
    assert_eq!(trace.take(), ["q"]);
    let seen = trace.clone();
    let any = Action::callback(move |context| {
        seen.add(context.event.key);
        Ok(KeyAnswer::Pass)
    });
    kernel.keymap().set(ExtId::CORE, Target::Global, "*", any, KeymapOptions::default()).unwrap();
    press(&kernel, "e");
    assert_eq!((trace.take(), kernel.buf().text("main")), (vec!["e".to_owned()], "we".to_owned()));
    let selfish = Action::callback(|_| Ok(KeyAnswer::Remap(Key::parse("y").unwrap())));
    kernel.keymap().set(ExtId::CORE, Target::Global, "y", selfish, KeymapOptions::default()).unwrap();
    press(&kernel, "y");
    assert_eq!(kernel.buf().text("main"), "wey", "a key remapped to itself is the default's");
}

#[test]
fn commands_run_and_feed_types() {
    let (kernel, _host) = editor();
    let trace = Trace::default();
    let seen = trace.clone();
    kernel.command().create(
        ExtId::CORE,
        CommandSpec::action("say", "Says.", move |call| {
            seen.add(&call.args);
            Ok(None)
        }),
    );
    kernel
        .keymap()
        .set(ExtId::CORE, Target::Global, "f1", Action::command("say hello  there"), KeymapOptions::default())
        .unwrap();
    kernel.keymap().feed("f1 o k").unwrap();
    assert_eq!((trace.take(), kernel.buf().text("main")), (vec!["hello  there".to_owned()], "ok".to_owned()));
    kernel.keymap().set_leader(Key::parse_single(",").unwrap());
    kernel
        .keymap()
        .set(ExtId::CORE, Target::Global, "<leader>f", Action::command("say led"), KeymapOptions::default())
        .unwrap();
    press(&kernel, ", f");
    assert_eq!(trace.take(), ["led"]);
    kernel.input(Input::Paste("a\r\nb\rc".into()));
    assert_eq!(kernel.buf().text("main"), "oka\nb\nc");
}
