//! Images, uploads and the order of what waits for them: rows 56 and 65 to 72.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use futures_util::stream;
use purlin_notebook::{CellId, CellKind, Event, Media, OutputType, Representations};
use purlin_runtime_core::virtual_host::VirtualHost;
use purlin_runtime_core::{
    ArtifactClient, ArtifactError, ArtifactWriter, Artifacts, Host, HttpError, HttpErrorKind, HttpRequest,
    HttpResponse, Level, MediaBundle, MemoryArtifacts, NoArtifacts, Outcome, RemoteArtifacts, handler_fn,
};
use serde_json::{Value, json};

use crate::support::{World, doing};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A PNG, as far as its first bytes go, of so many bytes.
fn png(len: usize) -> Vec<u8> {
    SIGNATURE.iter().copied().chain(std::iter::repeat(7)).take(len).collect()
}

/// Writes bytes as base64, so that the tests share nothing with the code.
fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits =
            three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for sign in 0..4 {
            let shown =
                if sign <= three.len() { SIGNS[(bits >> (18 - 6 * sign) & 63) as usize] } else { b'=' };
            text.push(char::from(shown));
        }
    }
    text
}

/// Artifacts whose uploads take a while, or fail.
#[derive(Clone)]
struct Slow {
    host: VirtualHost,
    millis: Rc<RefCell<Vec<u64>>>,
    answer: Result<&'static str, &'static str>,
}

impl Slow {
    fn new(world: &World, millis: &[u64]) -> Self {
        let millis = Rc::new(RefCell::new(millis.iter().rev().copied().collect()));
        Self { host: world.host.clone(), millis, answer: Ok("nb/one") }
    }
}

impl Artifacts for Slow {
    fn put(&self, bytes: &[u8]) -> Result<String, String> {
        NoArtifacts.put(bytes)
    }

    fn writer(&self) -> Result<Box<dyn ArtifactWriter>, String> {
        NoArtifacts.writer()
    }

    fn submit(&self, _bytes: Vec<u8>, _mime: &str) -> LocalBoxFuture<'static, Result<String, String>> {
        let (millis, answer, host) = (self.millis.borrow_mut().pop(), self.answer, self.host.clone());
        Box::pin(async move {
            if let Some(millis) = millis {
                host.sleep(Duration::from_millis(millis)).await;
            }
            answer.map(str::to_owned).map_err(str::to_owned)
        })
    }
}

/// What a display or a result holds by mime type, as a person would note it down.
fn noted(world: &World, cell: &CellId) -> Vec<(OutputType, f64, Value)> {
    let outputs = world.outputs(cell);
    outputs
        .iter()
        .map(|output| (output.output_type, output.position, json!(output.representations)))
        .collect()
}

/// Shows an image with artifacts in a place; answers its representations and the log.
fn shown(artifacts: Rc<dyn Artifacts>, bundle: MediaBundle) -> (Representations, Vec<(Level, String)>) {
    shown_from(6144, artifacts, bundle)
}

/// As [`shown`], with another threshold.
fn shown_from(
    threshold: u64,
    artifacts: Rc<dyn Artifacts>,
    bundle: MediaBundle,
) -> (Representations, Vec<(Level, String)>) {
    let world = World::new();
    let mut options = world.options(&[CellKind::Echo]);
    assert_eq!(options.image_artifact_threshold, 6144, "the default");
    options.artifacts = artifacts;
    options.image_artifact_threshold = threshold;
    let agent = world.agent_with(options, doing(move |cx| drop(cx.display(bundle.clone(), None))));
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(60_000);
    let mut outputs = world.outputs(&cell);
    (outputs.remove(0).representations.unwrap(), world.host.logged())
}

fn image(len: usize) -> MediaBundle {
    MediaBundle::new().with("image/png", base64(&png(len)))
}

#[test]
fn row_056_a_slow_upload_takes_the_position_of_its_call() {
    let world = World::new();
    let mut options = world.options(&[CellKind::Echo]);
    options.artifacts = Rc::new(Slow::new(&world, &[500, 100]));
    let handler = handler_fn(|cx| async move {
        cx.stdout("before");
        cx.display(image(7000), None);
        cx.display(MediaBundle::from("quick"), None);
        cx.stdout("between");
        cx.result(image(8000));
        Ok(Outcome::with_result(MediaBundle::from("last").into_representations()))
    });
    let agent = world.agent_with(options, handler);
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(50);
    assert_eq!(world.texts(&cell).len(), 4, "what needs no upload does not wait");
    world.host.advance(1000);
    let order: Vec<_> = noted(&world, &cell).iter().map(|(kind, position, _)| (*kind, *position)).collect();
    assert_eq!(
        order,
        [
            (OutputType::Terminal, 0.0),
            (OutputType::MultimediaDisplay, 1.0),
            (OutputType::MultimediaDisplay, 2.0),
            (OutputType::Terminal, 3.0),
            (OutputType::MultimediaResult, 4.0),
            (OutputType::MultimediaResult, 5.0),
        ]
    );
    let mut names = world.names_after(0);
    names.retain(|name| name != "RuntimeSessionStatusChanged");
    assert_eq!(names.last().map(String::as_str), Some("ExecutionCompleted"), "the end waits for uploads");
    let added = names.iter().filter(|name| name.starts_with("Multimedia")).collect::<Vec<_>>();
    assert_eq!(
        added,
        [
            "MultimediaDisplayOutputAdded",
            "MultimediaResultOutputAdded",
            "MultimediaResultOutputAdded",
            "MultimediaDisplayOutputAdded"
        ]
    );
}

#[test]
fn row_056_what_concerns_one_display_keeps_its_order() {
    let world = World::new();
    let mut options = world.options(&[CellKind::Echo]);
    options.artifacts = Rc::new(Slow::new(&world, &[500, 100]));
    let handler = handler_fn(|cx| async move {
        cx.display(image(7000), Some("d".to_owned()));
        cx.update_display("d", image(8000));
        cx.update_display("d", "final");
        cx.update_display("other", "at once");
        Ok(Outcome::done())
    });
    let agent = world.agent_with(options, handler);
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(1000);
    let all = noted(&world, &cell);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].2, json!({"text/plain": {"type": "inline", "data": "final"}}));
}

#[test]
fn row_059_to_061_a_clear_takes_away_what_is_still_being_uploaded() {
    for (source, expected) in
        [("now", vec!["new"]), ("with the next", vec!["new"]), ("nothing follows", vec!["image"])]
    {
        let world = World::new();
        let mut options = world.options(&[CellKind::Echo]);
        options.artifacts = Rc::new(Slow::new(&world, &[500]));
        let handler = handler_fn(|cx| async move {
            cx.display(image(7000), None);
            cx.clear(cx.source() != "now");
            if cx.source() != "nothing follows" {
                cx.host().sleep(Duration::from_millis(100)).await;
                cx.display("new", None);
            }
            Ok(Outcome::done())
        });
        let agent = world.agent_with(options, handler);
        world.start(&agent);
        let (cell, _) = world.ask(CellKind::Echo, source);
        world.host.advance(1000);
        let texts: Vec<&str> = noted(&world, &cell)
            .iter()
            .map(|(_, _, all)| if all["image/png"].is_null() { "new" } else { "image" })
            .collect();
        assert_eq!(texts, expected, "{source}");
        let pending = world.names_after(0).iter().filter(|name| *name == "CellOutputsCleared").count();
        assert_eq!(pending, 2, "{source}");
    }
}

#[test]
fn row_061_a_progress_bar_does_not_carry_out_a_pending_clear() {
    let world = World::new();
    let agent = world.agent(handler_fn(|cx| async move {
        let kind = purlin_runtime_core::TextKind::Terminal(purlin_notebook::StreamName::Stdout);
        let bar = cx.open_text(kind, purlin_notebook::OutputMeta::new(purlin_notebook::Role::ToolOutput));
        bar.append("10%");
        cx.host().sleep(Duration::from_millis(500)).await;
        cx.clear(true);
        bar.append("\r20%");
        cx.host().sleep(Duration::from_millis(500)).await;
        if cx.source() == "then new" {
            cx.display("new", None);
            bar.append("\rafter");
        }
        Ok(Outcome::done())
    }));
    world.start(&agent);
    let (old, _) = world.ask(CellKind::Echo, "old");
    world.host.advance(2000);
    assert_eq!(world.texts(&old), ["10%\n20%"]);
    let (new, _) = world.ask(CellKind::Echo, "then new");
    world.host.advance(2000);
    assert_eq!(world.texts(&new), ["new", "after"]);
}

#[test]
fn row_067_a_png_over_the_threshold_becomes_an_artifact() {
    let place = MemoryArtifacts::new();
    let bundle = image(6145).with_metadata("image/png", json!({"width": 3}));
    let (shown_large, _) = shown(Rc::new(place.clone()), bundle);
    assert_eq!(
        json!(shown_large["image/png"]),
        json!({"type": "artifact", "artifactId": "artifact:0", "metadata":
            {"width": 3, "originalSizeBytes": 6145, "uploadedAt": "2026-01-01T00:00:00.000Z"}})
    );
    assert_eq!(place.get("artifact:0").unwrap(), png(6145));
    for len in [6144, 100, 8] {
        let (small, _) = shown(Rc::new(place.clone()), image(len));
        assert_eq!(small, image(len).into_representations(), "{len} bytes stay inline");
    }
    assert_eq!(place.len(), 1);
}

#[test]
fn row_067_the_threshold_is_that_of_the_options() {
    for (threshold, len, is_artifact) in
        [(100, 100, false), (100, 101, true), (10_000, 10_000, false), (10_000, 10_001, true), (0, 8, true)]
    {
        let place = MemoryArtifacts::new();
        let (all, _) = shown_from(threshold, Rc::new(place.clone()), image(len));
        assert_eq!(matches!(all["image/png"], Media::Artifact { .. }), is_artifact, "{len} of {threshold}");
        assert_eq!(place.len(), usize::from(is_artifact));
    }
}

#[test]
fn row_068_an_upload_that_fails_leaves_the_image_inline_without_text() {
    let asked = Rc::new(RefCell::new(0));
    let count = asked.clone();
    let broken = remote(&VirtualHost::new(), move |_| {
        *count.borrow_mut() += 1;
        Ok(answer(500, r#"{"error":"INTERNAL","message":"no room"}"#))
    });
    let unreachable = |_| Err(HttpError::new(HttpErrorKind::Connect, "`x` cannot be reached."));
    let offline = remote(&VirtualHost::new(), unreachable);
    let places: [(Rc<dyn Artifacts>, &str); 3] = [
        (Rc::new(broken), "Artifact submission failed: no room (status 500)"),
        (Rc::new(offline), "Artifact submission failed: `x` cannot be reached."),
        (Rc::new(NoArtifacts), "This runtime has no place for artifacts."),
    ];
    for (place, why) in places {
        let (all, log) = shown(place, image(7000));
        assert_eq!(all, image(7000).into_representations());
        let (level, message) = &log[0];
        assert_eq!(*level, Level::Warn);
        assert_eq!(*message, format!("An image of 7000 bytes stays inline: {why}"));
    }
    assert_eq!(*asked.borrow(), 1, "the server was asked, once");
}

#[test]
fn row_069_text_for_an_artifact_is_made_only_where_there_is_none() {
    let host = VirtualHost::new();
    let place = || Rc::new(remote(&host, |_| Ok(answer(200, r#"{"artifactId":"my-nb/0a-1"}"#))));
    let (all, _) = shown(place(), image(7000));
    assert_eq!(
        json!(all["text/plain"]),
        json!({"type": "inline", "data": "image/png artifact: https://a.example/api/artifacts/my-nb/0a-1",
            "metadata": {"generatedFor": "image/png"}})
    );
    assert_eq!(
        json!(all["text/markdown"]),
        json!({"type": "inline",
            "data": "![Artifact_my_nb_0a_1image_png](https://a.example/api/artifacts/my-nb/0a-1)",
            "metadata": {"generatedFor": "image/png"}})
    );
    let (all, _) = shown(place(), image(7000).with("text/plain", "<Axes: >"));
    assert_eq!(all["text/plain"], Media::text("<Axes: >"));
    assert!(all.contains_key("text/markdown"));
    let own =
        image(7000).with("text/markdown", "a *chart*").with_metadata("text/markdown", json!({"by": "hand"}));
    let (all, _) = shown(place(), own.clone());
    assert_eq!(all["text/markdown"], own.into_representations()["text/markdown"]);
    assert_eq!(
        all["text/plain"].metadata().map(|facts| json!(facts)),
        Some(json!({"generatedFor": "image/png"}))
    );
}

#[test]
fn row_070_other_images_stay_as_they_are() {
    let place = MemoryArtifacts::new();
    let large = base64(&png(7000));
    for bundle in [
        MediaBundle::new().with("image/jpeg", large.clone()),
        MediaBundle::new().with("image/gif", large.clone()),
        MediaBundle::new().with("image/png", json!([1, 2, 3])),
        MediaBundle::new().with("image/png", json!({"data": large.clone()})),
        MediaBundle::new().with("image/png", format!("data:image/png;base64,{large}")),
        MediaBundle::new().with("image/png", large.replace('B', "!")),
        MediaBundle::new().with("image/svg+xml", "<svg/>"),
    ] {
        let (all, _) = shown(Rc::new(place.clone()), bundle.clone());
        assert_eq!(all, bundle.into_representations());
    }
    assert!(place.is_empty());
}

#[test]
fn row_072_what_has_no_signature_is_refused_before_any_request() {
    let host = VirtualHost::new();
    let place = remote(&host, |_| panic!("there is no request"));
    let bundle = MediaBundle::new().with("image/png", base64(&[1; 7000]));
    let (all, log) = shown(Rc::new(place), bundle.clone());
    assert_eq!(all, bundle.into_representations());
    assert!(log[0].1.contains("its signature is missing"), "{log:?}");
    let client = client(&host);
    assert_eq!(host.run(client.submit_png(vec![1; 10])), Err(ArtifactError::NotPng));
    assert_eq!(host.run(client.submit_png(Vec::new())), Err(ArtifactError::NotPng));
    assert_eq!(host.run(client.submit_png(SIGNATURE[..7].to_vec())), Err(ArtifactError::NotPng));
    // Each of the eight bytes counts.
    for at in 0..SIGNATURE.len() {
        let mut other = png(100);
        other[at] ^= 1;
        assert_eq!(host.run(client.submit_png(other)), Err(ArtifactError::NotPng), "byte {at}");
    }
}

#[test]
fn uploads_are_bounded_and_an_execution_that_is_stopped_leaves_its_images() {
    let world = World::new();
    let mut options = world.options(&[CellKind::Echo]);
    options.artifacts = Rc::new(Slow::new(&world, &[3_600_000; 20]));
    let handler = handler_fn(|cx| async move {
        for _ in 0..10 {
            cx.display(image(7000), None);
        }
        Ok(Outcome::done())
    });
    let agent = world.agent_with(options, handler);
    world.start(&agent);
    let (cell, queue) = world.ask(CellKind::Echo, "");
    world.host.advance(1000);
    assert_eq!(world.outputs(&cell).len(), 2, "eight wait for their uploads");
    world.cancel(&queue);
    world.host.advance(10_000);
    let all = noted(&world, &cell);
    assert_eq!(all.len(), 10);
    assert!(all.iter().all(|(_, _, all)| all["image/png"]["type"] == "inline"));
    assert_eq!(world.host.timers(), 0);
}

fn client(host: &VirtualHost) -> ArtifactClient {
    ArtifactClient::new(Rc::new(host.clone()), "https://a.example/", "secret-token", "my-nb".into())
}

/// Artifacts on a server that a function plays; its host is another than that of the execution.
fn remote(
    host: &VirtualHost,
    server: impl Fn(HttpRequest) -> Result<HttpResponse, HttpError> + 'static,
) -> RemoteArtifacts {
    host.serve(server);
    RemoteArtifacts::new(client(host), Rc::new(NoArtifacts))
}

fn answer(status: u16, body: &str) -> HttpResponse {
    let body = stream::iter(vec![Ok(body.as_bytes().to_vec())]);
    HttpResponse { status, headers: Vec::new(), body: Box::pin(body) }
}

#[test]
fn row_071_a_submission_carries_its_headers_and_an_error_its_reason() {
    let host = VirtualHost::new();
    let seen: Rc<RefCell<Vec<HttpRequest>>> = Rc::default();
    let requests = seen.clone();
    host.serve(move |request| {
        requests.borrow_mut().push(request);
        Ok(answer(200, r#"{"artifactId":"my-nb/u-u-i-d"}"#))
    });
    let id = host.run(client(&host).submit(png(20), "image/png")).unwrap();
    assert_eq!(id, "my-nb/u-u-i-d");
    let request = seen.borrow()[0].clone();
    let headers: BTreeMap<String, String> = request.headers.iter().cloned().collect();
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://a.example/api/artifacts"));
    assert_eq!(request.body, png(20));
    assert_eq!(
        headers,
        BTreeMap::from(
            [
                ("authorization", "Bearer secret-token"),
                ("x-notebook-id", "my-nb"),
                ("content-type", "image/png")
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
        )
    );
    for (status, body, expected) in [
        (
            500,
            r#"{"error":"E","message":"the disk is full"}"#,
            "Artifact submission failed: the disk is full (status 500)",
        ),
        (401, r#"{"error":"UNAUTHORIZED"}"#, "Artifact submission failed: UNAUTHORIZED (status 401)"),
        (502, "<html>\nbad gateway", "Artifact submission failed: <html> bad gateway (status 502)"),
        (405, "", "Artifact submission failed: the method is not allowed (status 405)"),
        (
            200,
            "{oops",
            "Artifact submission failed: the server's answer is not understood (it is no JSON: key must be a string at line 1 column 2).",
        ),
        (
            200,
            r#"{"id":1}"#,
            "Artifact submission failed: the server's answer is not understood (it has no text `artifactId`).",
        ),
        (
            200,
            r#"{"artifactId":""}"#,
            "Artifact submission failed: the server's answer is not understood (`artifactId` is no id).",
        ),
    ] {
        host.serve(move |_| Ok(answer(status, body)));
        let error = host.run(client(&host).submit(png(20), "image/png")).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn row_080_no_error_and_no_log_holds_the_token() {
    let host = VirtualHost::new();
    let client = client(&host);
    assert!(!format!("{client:?}").contains("secret-token"));
    host.serve(|request| {
        let text = format!("who are you, {:?}?", request.headers);
        Ok(answer(403, &json!({"message": text}).to_string()))
    });
    let refused = host.run(client.submit(png(20), "image/png")).unwrap_err();
    host.serve(|_| Err(HttpError::new(HttpErrorKind::Connect, "no way with Bearer secret-token")));
    let broken = host.run(client.submit(png(20), "image/png")).unwrap_err();
    for error in [refused, broken] {
        let (shown, debug) = (error.to_string(), format!("{error:?}"));
        assert!(shown.contains("[token]") && !shown.contains("secret"), "{shown}");
        assert!(!debug.contains("secret"), "{debug}");
    }
    let server = |request: HttpRequest| {
        Ok(answer(500, &json!({"message": format!("{:?}", request.headers)}).to_string()))
    };
    let (_, log) = shown(Rc::new(remote(&host, server)), image(7000));
    assert!(log[0].1.contains("[token]") && !log[0].1.contains("secret"), "{log:?}");
}

#[test]
fn an_artifact_is_read_without_a_token_and_its_absence_is_told() {
    let host = VirtualHost::new();
    let client = client(&host);
    host.serve(|request| {
        assert_eq!((request.method.as_str(), request.headers.len()), ("GET", 0));
        Ok(if request.url.ends_with("/api/artifacts/my-nb/1") {
            answer(200, "content")
        } else {
            answer(404, "")
        })
    });
    assert_eq!(host.run(client.get("my-nb/1")).unwrap(), b"content");
    assert_eq!(host.run(client.get("my-nb/2")).unwrap_err().to_string(), "Artifact not found: my-nb/2");
}

#[test]
fn a_file_is_uploaded_in_three_steps_and_the_signed_address_sees_no_header() {
    let host = VirtualHost::new();
    let seen: Rc<RefCell<Vec<String>>> = Rc::default();
    let requests = seen.clone();
    host.serve(move |request| {
        let headers: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        requests.borrow_mut().push(format!(
            "{} {} {headers:?} {}",
            request.method,
            request.url,
            String::from_utf8_lossy(&request.body)
        ));
        Ok(answer(
            200,
            r#"{"uploadUrl":"https://s3.example/x?sig=1","fileUrl":"https://f.example/x","fileVersionId":"v1"}"#,
        ))
    });
    let upload = host.run(client(&host).upload_file("a b.csv", b"1,2".to_vec(), "text/csv")).unwrap();
    assert_eq!((upload.file_url.as_str(), upload.file_version_id.as_str()), ("https://f.example/x", "v1"));
    let ours = r#"["x-notebook-id", "authorization", "content-type"]"#;
    assert_eq!(
        *seen.borrow(),
        [
            format!("POST https://a.example/api/artifacts/a%20b.csv/init {ours} "),
            "PUT https://s3.example/x?sig=1 [] 1,2".to_owned(),
            format!(
                "POST https://a.example/api/artifacts/a%20b.csv/commit {ours} {{\"fileVersionId\":\"v1\"}}"
            ),
        ]
    );
}

#[test]
fn row_065_what_is_shown_has_the_form_of_its_type() {
    let bundle = MediaBundle::from_data(
        [("text/plain", json!(123)), ("application/json", json!("{\"v\":42}")), ("text/html", Value::Null)]
            .map(|(mime, data)| (mime.to_owned(), data)),
        [],
    );
    let (all, _) = shown(Rc::new(NoArtifacts), bundle);
    assert_eq!(
        json!(all),
        json!({"application/json": {"type": "inline", "data": {"v": 42}}, "text/plain": {"type": "inline", "data": "123"}})
    );
}

#[test]
fn row_062_the_caller_may_number_what_is_appended() {
    let world = World::new();
    let agent = world.agent(handler_fn(|cx| async move {
        let text = cx.markdown("one");
        text.finish();
        cx.append_markdown(&text.id(), " three", 2);
        cx.append_markdown(&text.id(), " two", 1);
        cx.append_markdown(&text.id(), " never", 2);
        cx.append_terminal(&"unknown".into(), "nobody reads it", 1);
        Ok(Outcome::done())
    }));
    world.start(&agent);
    let (cell, _) = world.ask(CellKind::Echo, "");
    world.host.advance(100);
    assert_eq!(world.texts(&cell), ["one two three"]);
    let log = world.log();
    let batch =
        |name: &str| log.iter().find(|entry| entry.event.name().ends_with(name)).map(|entry| entry.batch);
    assert_eq!(batch("MarkdownOutputAdded"), batch("ExecutionCompleted"), "all of it is one commit");
    assert!(log.iter().any(|entry| matches!(entry.event, Event::TerminalOutputAppended2 { .. })));
}
