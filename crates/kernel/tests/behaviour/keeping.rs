//! What extensions keep and what people choose: state, options, configuration.

use std::rc::Rc;

use purlin_kernel::{
    Chosen, ConfigScope, ErrorKind, Kernel, Limits, OptionSource, OptionSpec, OptionType, Scope,
};
use serde_json::{Value, json};

use crate::host::editor;

fn option(name: &str, ty: OptionType, default: Value) -> OptionSpec {
    let desc = "for a test".into();
    OptionSpec { name: name.into(), ty, default, choices: Vec::new(), secret: false, desc }
}

#[test]
fn each_extension_has_state_of_its_own_in_each_scope() {
    let (kernel, _host) = editor();
    let (a, b) = (kernel.ext().reserve("a"), kernel.ext().reserve("b"));
    kernel.state().set(a, Scope::Session, "k", json!([1])).unwrap();
    kernel.state().set(a, Scope::User, "k", json!("mine")).unwrap();
    kernel.state().set(a, Scope::User, "also", json!(true)).unwrap();
    assert_eq!(kernel.state().get(a, Scope::Session, "k").unwrap(), Some(json!([1])));
    assert_eq!(kernel.state().get(b, Scope::Session, "k").unwrap(), None);
    assert_eq!(kernel.state().keys(a, Scope::User).unwrap(), ["also", "k"]);
    kernel.state().set(a, Scope::User, "also", Value::Null).unwrap();
    assert!(kernel.state().delete(a, Scope::User, "k").unwrap());
    assert!(!kernel.state().delete(a, Scope::User, "k").unwrap());
    assert_eq!(kernel.state().keys(a, Scope::User).unwrap(), [""; 0]);
}

#[test]
fn state_is_bounded() {
    let (kernel, _host) = editor();
    let mut limits = Limits::default();
    limits.quotas.state_bytes = 20;
    kernel.guard().set_limits(limits);
    let a = kernel.ext().reserve("a");
    kernel.state().set(a, Scope::Session, "key", json!("0123456789")).unwrap();
    kernel.state().set(a, Scope::Session, "key", json!("abcdefghij")).unwrap();
    let error = kernel.state().set(a, Scope::Session, "more", json!("0123")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Memory);
    assert_eq!(error.message, "extension `a` would keep 25 bytes of session state, and its quota is 20");
    assert!(kernel.state().set(a, Scope::Session, "", json!(1)).is_err());
}

struct People;

impl Chosen for People {
    fn variable(&self, name: &str) -> Option<String> {
        let known = [("PURLIN_OPT_MY_EXT_COUNT", "7"), ("PURLIN_OPT_MY_EXT_SIZE", "huge")];
        known.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    fn configured(&self, extension: &str, option: &str) -> Option<Value> {
        match (extension, option) {
            ("my-ext", "count" | "wide") => Some(json!(3)),
            ("my-ext", "size") => Some(json!("small")),
            _ => None,
        }
    }
}

fn defined() -> (Kernel, purlin_kernel::ExtId) {
    let (kernel, _host) = editor();
    kernel.option().choose_from(Rc::new(People));
    let ext = kernel.ext().reserve("my-ext");
    for (name, ty, default) in [
        ("count", OptionType::Integer, json!(1)),
        ("wide", OptionType::Integer, json!(1)),
        ("plain", OptionType::Boolean, json!(false)),
    ] {
        kernel.option().define(ext, option(name, ty, default)).unwrap();
    }
    let choices = vec![json!("small"), json!("large")];
    let size = OptionSpec { choices, ..option("size", OptionType::String, json!("large")) };
    kernel.option().define(ext, size).unwrap();
    (kernel, ext)
}

#[test]
fn an_option_comes_from_run_time_then_environment_then_configuration_then_default() {
    let (kernel, ext) = defined();
    let get = |name: &str| kernel.option().get(ext, name).unwrap();
    assert_eq!((get("count"), get("wide"), get("plain")), (json!(7), json!(3), json!(false)));
    assert_eq!(get("size"), json!("small"), "a variable that is no choice is passed over");
    let said: Vec<String> = kernel.guard().messages().into_iter().map(|message| message.text).collect();
    assert_eq!(
        said,
        [
            "option `size`: the variable `PURLIN_OPT_MY_EXT_SIZE` is passed over, one of \"small\", \"large\" expected"
        ]
    );
    kernel.option().set(ext, "count", json!(9)).unwrap();
    assert_eq!(get("count"), json!(9));
    assert_eq!(kernel.option().list()[0].source, OptionSource::Runtime);
    kernel.option().set(ext, "count", Value::Null).unwrap();
    assert_eq!(get("count"), json!(7));
    let error = kernel.option().set(ext, "size", json!("tiny")).unwrap_err();
    assert_eq!(error.message, "option `size`: one of \"small\", \"large\" expected");
    let error = kernel.option().get(ext, "cuont").unwrap_err();
    assert_eq!(error.message, "no option `cuont` is defined; did you mean `count`?");
}

#[test]
fn a_secret_option_is_shown_to_nobody_but_its_extension() {
    let (kernel, _host) = editor();
    let ext = kernel.ext().reserve("e");
    let key = OptionSpec { secret: true, ..option("key", OptionType::String, json!("sesame")) };
    kernel.option().define(ext, key).unwrap();
    assert_eq!(kernel.option().get(ext, "key").unwrap(), json!("sesame"));
    assert!(!format!("{:?}", kernel.option().list()).contains("sesame"));
    let wrong = kernel.option().set(ext, "key", json!(4711)).unwrap_err();
    assert!(!wrong.message.contains("4711"), "{wrong}");
}

#[test]
fn options_are_gone_with_their_extension() {
    let (kernel, ext) = defined();
    kernel.ext().unload(ext);
    assert_eq!(kernel.option().list(), []);
}

#[test]
fn settings_are_reached_by_dotted_paths() {
    let (kernel, _host) = editor();
    kernel.config().set("ui.theme", json!("light"), ConfigScope::User).unwrap();
    assert_eq!(kernel.config().get("ui.theme").unwrap(), Some(json!("light")));
    assert_eq!(kernel.config().get("ui").unwrap(), Some(json!({ "theme": "light" })));
    assert!(kernel.config().set("ui.theme.dark", json!(1), ConfigScope::User).is_err());
    assert!(kernel.config().set("ui..theme", json!(1), ConfigScope::User).is_err());
    kernel.config().set("ui.theme", Value::Null, ConfigScope::User).unwrap();
    assert_eq!(kernel.config().get("ui.theme").unwrap(), None);
}
