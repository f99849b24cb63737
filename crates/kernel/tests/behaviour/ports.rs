//! Other threads: hooks raised and services called through a port.

use std::rc::Rc;
use std::time::Duration;

use purlin_kernel::{AnswerField, HandlerFn, HookDecl, Host, Object, OnOptions, Port, ServiceCall, Ty};
use serde_json::{Value, json};

use crate::host::{Trace, editor, poll_once};

static ASK: HookDecl = HookDecl::future("ask").closed().answer(&[AnswerField::stop("block", Ty::Bool)]);
static TELL: HookDecl = HookDecl::future("tell");

fn is_send<T: Send + Sync>(_: &T) {}

#[test]
fn a_hook_raised_on_another_thread_comes_back() {
    let (kernel, host) = editor();
    kernel.hook().declare(&ASK);
    let ext = kernel.ext().reserve("a");
    let port: Port = kernel.port();
    is_send(&port);
    assert!(!port.wants(&ASK));
    kernel
        .hook()
        .on(ext, "ask", OnOptions::default(), HandlerFn::sync(|_| Ok(json!({"block": true}))))
        .unwrap();
    assert!(port.wants(&ASK));
    let mut serving = kernel.serve_port();
    let raised = std::thread::spawn(move || port.raise(&ASK, Object::new())).join().unwrap();
    assert!(poll_once(&mut serving).is_pending());
    assert!(host.block_on(raised).blocked().is_some());
}

#[test]
fn observers_hold_the_raiser_up_for_nothing() {
    let (kernel, host) = editor();
    kernel.hook().declare(&TELL);
    let ext = kernel.ext().reserve("a");
    let trace = Trace::default();
    let (clock, seen) = (host.clone(), trace.clone());
    let slow = HandlerFn::future(move |_| {
        let (clock, seen) = (clock.clone(), seen.clone());
        async move {
            clock.sleep(Duration::from_millis(500)).await;
            seen.add("told");
            Ok(Value::Null)
        }
    });
    kernel.hook().on(ext, "tell", OnOptions::default(), slow).unwrap();
    let mut serving = kernel.serve_port();
    let mut raised = Box::pin(kernel.port().raise(&TELL, Object::new()));
    assert!(poll_once(&mut raised).is_ready());
    assert!(poll_once(&mut serving).is_pending());
    host.settle();
    host.advance(500);
    assert_eq!(trace.take(), ["told"]);
}

#[test]
fn a_service_answers_reports_and_is_cancelled_with_its_caller() {
    let (kernel, host) = editor();
    let trace = Trace::default();
    let seen = trace.clone();
    kernel.serve(
        "tool",
        Rc::new(move |call: ServiceCall| {
            let seen = seen.clone();
            Box::pin(async move {
                if let Some(progress) = &call.progress {
                    progress.unbounded_send(json!("half")).unwrap();
                }
                if call.payload == json!("wait") {
                    call.cancelled.cancelled().await;
                    seen.add("cancelled");
                }
                Ok(call.payload)
            })
        }),
    );
    let port = kernel.port();
    let mut serving = kernel.serve_port();
    let (progress, mut reports) = futures_channel::mpsc::unbounded();
    let answer = port.call("tool", json!(1), Some(progress));
    assert!(poll_once(&mut serving).is_pending());
    assert_eq!(host.block_on(answer), Ok(json!(1)));
    assert_eq!(reports.try_recv().unwrap(), json!("half"));
    let unknown = port.call("nothing", json!(1), None);
    let waiting = port.call("tool", json!("wait"), None);
    assert!(poll_once(&mut serving).is_pending());
    assert!(host.block_on(unknown).is_err());
    drop(waiting);
    assert!(poll_once(&mut serving).is_pending());
    assert!(poll_once(&mut serving).is_pending());
    assert_eq!(trace.take(), ["cancelled"]);
    let late = port.call("tool", json!(1), None);
    drop(serving);
    assert!(host.block_on(late).is_err(), "a call nobody will serve ends");
}
