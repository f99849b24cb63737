//! Providers over a scripted network: both wires end to end, keys, errors, broken streams.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::StreamExt;
use purlin_agent::{Api, ModelRef, ProviderConfig, Secret};
use purlin_notebook::{Role, StoreExt};
use purlin_runtime_core::{Host as _, HttpError, HttpErrorKind, HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::wires::{ANTHROPIC, OPENAI};
use crate::world::World;

/// Answers of a network, in order; the last repeats.
type Answer = Box<dyn Fn() -> Result<HttpResponse, HttpError>>;

#[expect(clippy::unnecessary_wraps, reason = "the form in which a network answers")]
fn body(status: u16, headers: &[(&str, &str)], text: &str) -> Result<HttpResponse, HttpError> {
    let pieces: Vec<Result<Vec<u8>, HttpError>> =
        text.as_bytes().chunks(7).map(|piece| Ok(piece.to_vec())).collect();
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ok(HttpResponse { status, headers, body: futures_util::stream::iter(pieces).boxed_local() })
}

fn world(api: Api, key: Option<&str>, answers: Vec<Answer>) -> (World, Rc<RefCell<Vec<HttpRequest>>>) {
    let world = World::playing("[[turn]]\n");
    let mut config = ProviderConfig::new(api, "http://server/v1/");
    config.key = key.map(Secret::new);
    config.needs_key = true;
    config.key_env = "TEST_KEY".into();
    world.set(|settings| {
        settings.model = ModelRef { provider: "p".into(), model: "claude-sonnet-4-5".into() };
        settings.thinking = purlin_agent::Thinking::Low;
        settings.providers.insert("p".into(), config);
    });
    let requests: Rc<RefCell<Vec<HttpRequest>>> = Rc::default();
    let seen = requests.clone();
    world.host.serve(move |request| {
        seen.borrow_mut().push(request);
        let number = seen.borrow().len() - 1;
        answers[number.min(answers.len() - 1)]()
    });
    (world, requests)
}

fn sent(requests: &RefCell<Vec<HttpRequest>>, number: usize) -> Value {
    serde_json::from_slice(&requests.borrow()[number].body).expect("JSON")
}

const ANTHROPIC_END: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n\
    event: content_block_start\ndata: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
    event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"End.\"}}\n\n\
    event: content_block_stop\ndata: {\"type\":\"content_block_stop\"}\n\n\
    event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

#[test]
fn anthropic_end_to_end_with_signed_thinking_kept_verbatim() {
    let (world, requests) = world(
        Api::AnthropicMessages,
        Some("sk-secret"),
        vec![Box::new(|| body(200, &[], ANTHROPIC)), Box::new(|| body(200, &[], ANTHROPIC_END))],
    );
    let cell = world.ask("go");
    let outputs = world.outputs(&cell);
    assert_eq!(outputs[0], "thinking: Let me look.");
    assert_eq!(outputs[1..3], ["thinking: ", "thinking: "]);
    assert_eq!(outputs[3..5], ["text: I run it.", "tool_call: bash {\"command\":\"echo hi\"}"]);
    assert_eq!(outputs.last().map(String::as_str), Some("text: End."));
    let request = requests.borrow()[0].clone();
    assert_eq!(request.url, "http://server/v1/messages");
    assert!(request.headers.contains(&("x-api-key".to_owned(), "sk-secret".to_owned())));
    let second = sent(&requests, 1);
    let assistant = &second["messages"][1]["content"];
    assert_eq!(assistant[0], json!({"type": "thinking", "thinking": "Let me look.", "signature": "c2ln"}));
    assert_eq!(assistant[1], json!({"type": "redacted_thinking", "data": "b3BhcXVl"}));
    assert_eq!(assistant[3]["type"], "tool_use");
    assert_eq!(second["messages"][2]["content"][0]["tool_use_id"], assistant[3]["id"]);
    assert_eq!(second["messages"][2]["content"][0]["cache_control"], json!({"type": "ephemeral"}));
    assert_eq!(second["system"][0]["cache_control"], json!({"type": "ephemeral"}));
    let opaque: Vec<_> = world
        .store
        .outputs_of(&cell)
        .expect("reads")
        .into_iter()
        .filter(|output| output.role() == Some(Role::Thinking))
        .filter_map(|output| output.meta()?.opaque)
        .collect();
    assert_eq!(opaque[0]["item"]["signature"], "c2ln");
    // A later prompt reads the same from the store.
    world.ask("again");
    assert_eq!(sent(&requests, 2)["messages"][1]["content"][0], assistant[0]);
    let used = &world.store.model_usage().expect("reads")[0];
    assert_eq!((used.input, used.output, used.cache_read, used.cache_write), (10, 42, 7, 3));
    assert!(used.cost_micros.is_some());
}

#[test]
fn openai_end_to_end_with_a_tool() {
    let end = "data: {\"choices\":[{\"delta\":{\"content\":\"End.\"}}]}\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let (world, requests) = world(
        Api::OpenAiChat,
        Some("sk-secret"),
        vec![Box::new(|| body(200, &[], OPENAI)), Box::new(move || body(200, &[], end))],
    );
    let cell = world.ask("go");
    assert_eq!(
        world.outputs(&cell),
        [
            "thinking: Let me look.",
            "text: I run it.",
            "tool_call: bash {\"command\":\"echo hi\"}",
            "tool_output: hi\n",
            "tool_result: success hi\n",
            "text: End.",
        ]
    );
    let request = requests.borrow()[0].clone();
    assert_eq!(request.url, "http://server/v1/chat/completions");
    assert!(request.headers.contains(&("authorization".to_owned(), "Bearer sk-secret".to_owned())));
    let second = sent(&requests, 1);
    let roles: Vec<&str> =
        second["messages"].as_array().expect("list").iter().filter_map(|m| m["role"].as_str()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool"]);
    assert_eq!(second["messages"][3]["tool_call_id"], second["messages"][2]["tool_calls"][0]["id"]);
}

#[test]
fn errors_name_what_to_do_and_never_the_key() {
    let ask = |key: Option<&str>, answer: fn() -> Result<HttpResponse, HttpError>| {
        let (world, _) = world(Api::AnthropicMessages, key, vec![Box::new(answer)]);
        let cell = world.ask("go");
        let outputs = world.outputs(&cell).join("\n");
        assert!(!format!("{outputs}{:?}", world.events()).contains("sk-secret"));
        outputs
    };
    let refused = ask(Some("sk-secret"), || {
        body(
            401,
            &[],
            "{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid x-api-key\"}}",
        )
    });
    assert!(refused.contains("`p` refused the key (HTTP 401): invalid x-api-key. Check `TEST_KEY` or the key for `p` in `auth.toml`"), "{refused}");
    let none = ask(None, || body(200, &[], ""));
    assert!(
        none.contains("there is no key for `p`. Set `TEST_KEY` or add the key for `p` to `auth.toml`"),
        "{none}"
    );
    let network =
        ask(Some("sk-secret"), || Err(HttpError::new(HttpErrorKind::Connect, "connection refused")));
    assert!(
        network.contains("`p` could not be reached at http://server/v1/messages: connection refused"),
        "{network}"
    );
    assert!(network.contains("It was tried 5 times"), "{network}");
    let garbage = ask(Some("sk-secret"), || body(200, &[], "<html>proxy</html>"));
    assert!(garbage.contains("not a model's answer: `<html>proxy</html>`"), "{garbage}");
    let bad = ask(Some("sk-secret"), || body(400, &[], "{\"error\":{\"message\":\"bad field\"}}"));
    assert!(bad.contains("`p` answered HTTP 400: bad field"), "{bad}");
    let quoted =
        ask(Some("sk-secret"), || body(401, &[], "{\"error\":{\"message\":\"wrong key: sk-secret\"}}"));
    assert!(quoted.contains("(HTTP 401): wrong key: [key]."), "{quoted}");
}

#[test]
fn a_server_that_never_ends_its_body_does_not_hold_up_the_turn() {
    let endless = || {
        let whole: Result<Vec<u8>, HttpError> = Ok(ANTHROPIC_END.as_bytes().to_vec());
        let body = futures_util::stream::iter([whole]).chain(futures_util::stream::pending()).boxed_local();
        Ok(HttpResponse { status: 200, headers: Vec::new(), body })
    };
    let (world, _) = world(Api::AnthropicMessages, Some("k"), vec![Box::new(endless)]);
    let begun = world.host.mono();
    let cell = world.ask("go");
    assert_eq!(world.outputs(&cell), ["text: End."]);
    assert!(world.host.mono() - begun < 1_000, "{} ms", world.host.mono() - begun);
}

#[test]
fn a_rate_limit_with_retry_after_is_waited_out() {
    let (world, requests) = world(
        Api::AnthropicMessages,
        Some("k"),
        vec![
            Box::new(|| body(429, &[("retry-after", "3")], "{\"error\":{\"message\":\"slow\"}}")),
            Box::new(|| body(200, &[], ANTHROPIC_END)),
        ],
    );
    let cell = world.ask("go");
    assert_eq!(requests.borrow().len(), 2);
    assert!(world.outputs(&cell)[0].contains("Trying again in 3.0 s"));
    assert_eq!(world.outputs(&cell)[1], "text: End.");
}

#[test]
fn a_stream_cut_anywhere_keeps_what_came_and_says_so() {
    for cut in (0..ANTHROPIC.len()).step_by(37) {
        let (world, requests) = world(
            Api::AnthropicMessages,
            Some("k"),
            vec![Box::new(move || body(200, &[], &ANTHROPIC[..cut]))],
        );
        world.set(|settings| settings.retry.max_attempts = 1);
        let cell = world.ask("go");
        let outputs = world.outputs(&cell);
        let last = outputs.last().expect("an error");
        assert!(last.contains("the stream ended early"), "{cut}: {outputs:?}");
        let calls = outputs.iter().filter(|o| o.starts_with("tool_call")).count();
        assert_eq!(
            outputs
                .iter()
                .filter(|o| o.starts_with("tool_result: error Error: the tool was not run"))
                .count(),
            calls
        );
        assert_eq!(requests.borrow().len(), 1);
    }
}
