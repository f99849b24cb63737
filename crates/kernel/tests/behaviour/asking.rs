//! Overlays, pickers, dialogs that others provide, animations and status segments.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use purlin_kernel::text::plain;
use purlin_kernel::{
    Anchor, ConfirmOptions, DialogAnswer, DialogBody, DialogKind, DialogRequest, ExtId, HandlerError,
    InputComplete, InputOptions, Kernel, LBF, Overlay, OverlayAnswer, OverlayBody, OverlayOptions, PickItem,
    PickerFeed, PickerOptions, PickerSource, Reason, SelectItem, SelectOptions,
};

use crate::host::{FakeHost, editor, poll_once, press};

fn answered<T>(future: &mut Pin<Box<impl Future<Output = T> + ?Sized>>) -> Option<T> {
    match poll_once(future) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

fn screen(kernel: &Kernel, width: u16, height: u16) {
    drop(kernel.frame(width, height));
}

fn overlay(kernel: &Kernel) -> Overlay {
    match &kernel.ui().dialogs().last().expect("a dialog").body {
        DialogBody::Overlay(overlay) => overlay.clone(),
        other => panic!("an overlay, not {other:?}"),
    }
}

fn lines(count: usize) -> OverlayBody {
    OverlayBody::Text((0..count).map(|line| format!("line {line}")).collect::<Vec<_>>().join("\n"))
}

#[test]
fn an_overlay_of_a_log_begins_at_its_end() {
    let (kernel, _host) = editor();
    screen(&kernel, 100, 40);
    let options = OverlayOptions { body: lines(100), at_end: true, ..OverlayOptions::default() };
    let _answer = kernel.ui().overlay(ExtId::CORE, options);
    assert_eq!(overlay(&kernel).position(), Some((71, 100, 100)));
}

#[test]
fn an_overlay_scrolls_searches_and_ends_as_the_contract_says() {
    let (kernel, host) = editor();
    screen(&kernel, 100, 40);
    let options = OverlayOptions { body: lines(100), ..OverlayOptions::default() };
    let mut answer = kernel.ui().overlay(ExtId::CORE, options.clone());
    let shown = overlay(&kernel);
    assert_eq!((shown.rect.x, shown.rect.y, shown.rect.width, shown.rect.height), (20, 4, 60, 32));
    assert_eq!((shown.rows, shown.position()), (30, Some((1, 30, 100))));
    let table = [
        ("down", 1),
        ("j", 2),
        ("k", 1),
        ("up", 0),
        ("up", 0),
        ("pgdn", 30),
        ("pgup", 0),
        ("G", 70),
        ("end", 70),
        ("g", 0),
        ("home", 0),
    ];
    for (key, top) in table {
        press(&kernel, key);
        assert_eq!(overlay(&kernel).top, top, "{key}");
    }
    press(&kernel, "/ 9 enter");
    assert_eq!((overlay(&kernel).top, overlay(&kernel).hits.len()), (9, 19));
    press(&kernel, "n");
    assert_eq!(overlay(&kernel).top, 19);
    press(&kernel, "N N");
    assert_eq!(overlay(&kernel).top, 70, "round the beginning to the last hit");
    press(&kernel, "/ x backspace esc");
    assert!(overlay(&kernel).typing.is_none(), "escape ends the search first");
    press(&kernel, "enter");
    let none = OverlayAnswer { action: String::new(), index: -1, cancelled: false };
    assert_eq!(answered(&mut answer), Some(Ok(none.clone())));
    // Nobody is typing something else any more.
    host.advance(5_000);
    let mut answer = kernel.ui().overlay(ExtId::CORE, options);
    press(&kernel, "esc");
    assert_eq!(answered(&mut answer), Some(Ok(OverlayAnswer { cancelled: true, ..none })));
}

#[test]
fn an_overlays_actions_clamp_and_tab_goes_round() {
    let (kernel, host) = editor();
    screen(&kernel, 60, 20);
    let actions: Vec<String> = ["Keep", "Drop", "Ask"].map(str::to_owned).to_vec();
    let table = [
        ("enter", ("Keep", 0)),
        ("h left enter", ("Keep", 0)),
        ("l l right right enter", ("Ask", 2)),
        ("tab tab tab enter", ("Keep", 0)),
        ("tab enter", ("Drop", 1)),
    ];
    for (keys, (action, index)) in table {
        host.advance(5_000);
        let options = OverlayOptions { actions: actions.clone(), ..OverlayOptions::default() };
        let mut answer = kernel.ui().overlay(ExtId::CORE, options);
        press(&kernel, keys);
        let expected = OverlayAnswer { action: action.into(), index, cancelled: false };
        assert_eq!(answered(&mut answer), Some(Ok(expected)), "{keys}");
    }
}

#[test]
fn an_overlay_is_held_where_it_was_asked_for_and_follows_the_screen() {
    let (kernel, _host) = editor();
    screen(&kernel, 100, 40);
    let table = [(None, 17), (Some(Anchor::Top), 1), (Some(Anchor::Bottom), 34), (Some(Anchor::Left), 17)];
    for (anchor, row) in table {
        let options = OverlayOptions { body: lines(3), anchor, ..OverlayOptions::default() };
        let answer = kernel.ui().overlay(ExtId::CORE, options);
        assert_eq!((overlay(&kernel).rect.y, overlay(&kernel).rect.height), (row, 5), "{anchor:?}");
        drop(answer);
    }
    let options = OverlayOptions { body: lines(100), ..OverlayOptions::default() };
    let _answer = kernel.ui().overlay(ExtId::CORE, options);
    press(&kernel, "G");
    screen(&kernel, 40, 10);
    let shown = overlay(&kernel);
    assert_eq!((shown.rect.width, shown.rect.height, shown.rows), (30, 8, 6));
    screen(&kernel, 5, 3);
    screen(&kernel, 1, 1);
}

fn item(label: &str) -> PickItem {
    PickItem { label: label.into(), data: serde_json::json!({ "it": label }), ..PickItem::default() }
}

fn listed(kernel: &Kernel) -> Vec<String> {
    match &kernel.ui().dialogs().last().expect("a dialog").body {
        DialogBody::Select(select) => select.shown.iter().map(|at| select.items[*at].label.clone()).collect(),
        other => panic!("a list, not {other:?}"),
    }
}

#[test]
fn a_picker_fills_while_it_is_open_and_filters_what_came() {
    let (kernel, host) = editor();
    let feeds: Rc<RefCell<Vec<PickerFeed>>> = Rc::default();
    let kept = feeds.clone();
    let source = PickerSource(Rc::new(move |_, feed: PickerFeed| {
        kept.borrow_mut().push(feed.clone());
        Box::pin(async move {
            feed.add(vec![item("alpha"), item("beta")]);
            Ok(())
        })
    }));
    let options =
        PickerOptions { items: vec![item("first")], source: Some(source), ..PickerOptions::default() };
    let mut answer = kernel.ui().picker(ExtId::CORE, options);
    host.settle();
    assert_eq!(listed(&kernel), ["first", "alpha", "beta"]);
    press(&kernel, "b");
    assert_eq!((listed(&kernel), feeds.borrow().len()), (vec!["beta".to_owned()], 1), "asked once only");
    assert!(feeds.borrow()[0].add(vec![item("bravo")]));
    assert_eq!(listed(&kernel), ["beta", "bravo"]);
    press(&kernel, "down enter");
    assert_eq!(answered(&mut answer), Some(Ok(vec![item("bravo")])));
    assert!(!feeds.borrow()[0].add(vec![item("late")]) && !feeds.borrow()[0].is_wanted());
}

#[test]
fn a_live_picker_asks_for_each_text_and_keeps_what_was_toggled() {
    let (kernel, host) = editor();
    let asked: Rc<RefCell<Vec<(String, PickerFeed)>>> = Rc::default();
    let kept = asked.clone();
    let source = PickerSource(Rc::new(move |typed: String, feed: PickerFeed| {
        kept.borrow_mut().push((typed.clone(), feed.clone()));
        Box::pin(async move {
            feed.set(vec![item(&format!("{typed}1")), item(&format!("{typed}2"))]);
            Ok(())
        })
    }));
    let options = PickerOptions { source: Some(source), live: true, multi: true, ..PickerOptions::default() };
    let mut answer = kernel.ui().picker(ExtId::CORE, options);
    host.settle();
    press(&kernel, "tab a");
    host.settle();
    assert_eq!(listed(&kernel), ["a1", "a2"]);
    assert!(!asked.borrow()[0].1.set(vec![item("old")]), "an answer to an older text is dropped");
    press(&kernel, "down tab enter");
    assert_eq!(answered(&mut answer), Some(Ok(vec![item("1"), item("a2")])));
    assert_eq!(asked.borrow().iter().map(|(typed, _)| typed.clone()).collect::<Vec<_>>(), ["", "a"]);
}

#[test]
fn tab_completes_an_input_and_goes_through_the_candidates() {
    let (kernel, _host) = editor();
    let complete = InputComplete(Rc::new(|text| Ok(vec![format!("{text}pha"), format!("{text}rc")])));
    let options = InputOptions { complete: Some(complete), ..InputOptions::default() };
    let mut answer = kernel.ui().input(ExtId::CORE, options);
    let text = || match &kernel.ui().dialogs()[0].body {
        DialogBody::Input(input) => input.text.clone(),
        other => panic!("{other:?}"),
    };
    press(&kernel, "a l tab");
    assert_eq!(text(), "alpha");
    press(&kernel, "tab");
    assert_eq!(text(), "alrc");
    press(&kernel, "tab");
    assert_eq!(text(), "alpha");
    press(&kernel, "! enter");
    assert_eq!(answered(&mut answer), Some(Ok("alpha!".into())));
}

/// Provides confirmations that answer yes to what ends in `?`.
fn provide(kernel: &Kernel, owner: ExtId, asked: &Rc<Cell<usize>>) -> purlin_kernel::Handle {
    let asked = asked.clone();
    kernel.ui().provide(
        owner,
        DialogKind::Confirm,
        Rc::new(move |ask| {
            asked.set(asked.get() + 1);
            let DialogRequest::Confirm(options) = ask.request else {
                return Box::pin(async { Err(HandlerError::new("not mine")) });
            };
            let said: LBF<_> = match options.message.as_str() {
                "wait" => Box::pin(std::future::pending()),
                "fail" => Box::pin(async { Err(HandlerError::new("on purpose")) }),
                text => {
                    let yes = text.ends_with('?');
                    Box::pin(async move { Ok(Ok(DialogAnswer::Confirm(yes))) })
                }
            };
            said
        }),
    )
}

fn confirm(kernel: &Kernel, owner: ExtId, message: &str) -> LBF<Result<bool, Reason>> {
    kernel.ui().confirm(owner, ConfirmOptions { message: message.into(), ..ConfirmOptions::default() })
}

#[test]
fn a_provider_asks_for_everyone_but_itself() {
    let (kernel, host) = editor();
    let (provider, other) = (kernel.ext().reserve("provider"), kernel.ext().reserve("other"));
    let asked = Rc::new(Cell::new(0));
    let handle = provide(&kernel, provider, &asked);
    assert_eq!(host.block_on(confirm(&kernel, ExtId::CORE, "really?")), Ok(true));
    assert_eq!(host.block_on(confirm(&kernel, other, "no.")), Ok(false));
    assert!(kernel.ui().dialogs().is_empty());
    let mut own = confirm(&kernel, provider, "mine?");
    assert_eq!(kernel.ui().dialogs().len(), 1, "its own goes to the built-in one");
    press(&kernel, "y enter");
    assert_eq!((answered(&mut own), asked.get()), (Some(Ok(true)), 2));
    host.advance(5_000);
    let mut failed = confirm(&kernel, other, "fail");
    assert!(answered(&mut failed).is_none());
    assert_eq!(kernel.ui().dialogs().len(), 1, "one that fails is stood in for");
    press(&kernel, "n enter");
    assert_eq!(answered(&mut failed), Some(Ok(false)));
    handle.del();
    let _built_in = confirm(&kernel, other, "really?");
    assert_eq!(kernel.ui().dialogs().len(), 1);
}

#[test]
fn what_a_provider_asks_ends_like_any_dialog() {
    let (kernel, host) = editor();
    let (provider, other) = (kernel.ext().reserve("provider"), kernel.ext().reserve("other"));
    provide(&kernel, provider, &Rc::new(Cell::new(0)));
    let mut waits = confirm(&kernel, other, "wait");
    assert!(answered(&mut waits).is_none());
    assert_eq!(host.block_on(confirm(&kernel, other, "second?")), Err(Reason::Busy));
    kernel.ext().unload(other);
    assert_eq!(answered(&mut waits), Some(Err(Reason::Unload)));
    let third = kernel.ext().reserve("third");
    let options =
        ConfirmOptions { message: "wait".into(), timeout_ms: Some(50), ..ConfirmOptions::default() };
    let mut timed = kernel.ui().confirm(third, options);
    assert!(answered(&mut timed).is_none());
    host.advance(50);
    kernel.run_due();
    assert_eq!(answered(&mut timed), Some(Err(Reason::Timeout)));
    let mut waits = confirm(&kernel, third, "wait");
    assert!(answered(&mut waits).is_none());
    kernel.ext().unload(provider);
    assert_eq!(answered(&mut waits), Some(Err(Reason::Unload)));
    assert_eq!(kernel.ui().take_unanswered(), None);
    kernel.ui().set_interactive(false);
    assert_eq!(host.block_on(confirm(&kernel, third, "x?")), Err(Reason::NoUi));
    let unanswered = kernel.ui().take_unanswered().expect("it is kept for whoever knows somebody to ask");
    assert_eq!((unanswered.extension.as_str(), unanswered.request.words()), ("third", "x?"));
    assert_eq!(kernel.ui().take_unanswered(), None);
}

#[test]
fn a_provider_that_chooses_what_is_not_there_has_chosen_nothing() {
    let (kernel, host) = editor();
    let provider = kernel.ext().reserve("provider");
    let run = Rc::new(|_| -> LBF<_> { Box::pin(async { Ok(Ok(DialogAnswer::Select(vec![7]))) }) });
    kernel.ui().provide(provider, DialogKind::Select, run);
    let options = SelectOptions { items: vec![SelectItem::from("a")], ..SelectOptions::default() };
    assert_eq!(host.block_on(kernel.ui().select(ExtId::CORE, options)), Err(Reason::User));
}

fn run_for(kernel: &Kernel, host: &Rc<FakeHost>, ms: u64) {
    for _ in 0..ms {
        host.advance(1);
        if kernel.next_deadline().is_some_and(|at| at <= kernel.now()) {
            kernel.run_due();
        }
    }
}

#[test]
fn animations_share_one_clock_that_stands_still_without_them() {
    let (kernel, host) = editor();
    let ext = kernel.ext().reserve("a");
    assert_eq!(kernel.next_deadline(), None);
    let (fast, slow) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let counts = |cell: &Rc<Cell<u32>>| {
        let cell = cell.clone();
        Rc::new(move || {
            cell.set(cell.get() + 1);
            Ok(())
        })
    };
    let first = kernel.ui().animate(ext, 500.0, counts(&fast)).unwrap();
    let second = kernel.ui().animate(ext, 10.0, counts(&slow)).unwrap();
    run_for(&kernel, &host, 1000);
    assert_eq!((fast.get(), slow.get()), (30, 10), "never more than thirty a second");
    first.del();
    run_for(&kernel, &host, 1000);
    assert_eq!((fast.get(), slow.get()), (30, 20));
    second.del();
    assert_eq!(kernel.next_deadline(), None);
    assert!(kernel.ui().animate(ext, 0.0, counts(&slow)).is_err());
    assert!(kernel.ui().animate(ext, f64::NAN, counts(&slow)).is_err());
}

#[test]
fn status_segments_keep_their_place_and_go_with_their_extension() {
    let (kernel, _host) = editor();
    let (a, b) = (kernel.ext().reserve("a"), kernel.ext().reserve("b"));
    let keys = || kernel.ui().status().iter().map(|s| format!("{:?}", s.spans[0].text)).collect::<Vec<_>>();
    kernel.ui().status_set(a, "one", plain("1"), 0);
    kernel.ui().status_set(b, "two", plain("2"), 0);
    kernel.ui().status_set(a, "top", plain("3"), 5);
    kernel.ui().status_set(a, "one", plain("1b"), 0);
    assert_eq!(keys(), ["\"3\"", "\"1b\"", "\"2\""]);
    assert!(!kernel.ui().status_del(b, "one"), "keys are an extension's own");
    assert!(kernel.ui().status_del(a, "one") && !kernel.ui().status_del(a, "one"));
    kernel.ext().unload(a);
    assert_eq!(keys(), ["\"2\""]);
}
