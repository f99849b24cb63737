//! The artifact client against a server: over sockets, with the network of the desktop.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use purlin_notebook::{
    Capabilities, CellKind, CellType, Event, Media, MemoryStore, NotebookId, Store, StoreExt,
};
use purlin_runtime_core::{
    ArtifactClient, ArtifactError, Artifacts, Handlers, Host, MediaBundle, MemoryArtifacts, Options, Outcome,
    RemoteArtifacts, RuntimeAgent, handler_fn,
};
use purlin_runtime_native::NativeHost;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const TOKEN: &str = "a-very-secret-token";

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test)
}

/// One request as it came over the socket.
struct Request {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// How the server answers submissions.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Well,
    /// Status 500 with a reason that repeats the request's headers.
    Fails,
    /// Status 200 with a body that is no JSON.
    Garbage,
    /// Ends the connection in the middle of its answer.
    BreaksOff,
    /// Answers one byte at a time.
    Slow,
}

/// A server of artifacts as the protocol has it, on a port of its own.
struct Server {
    base: String,
    kept: Rc<RefCell<BTreeMap<String, Vec<u8>>>>,
    seen: Rc<RefCell<usize>>,
}

impl Server {
    async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (kept, seen) = (Rc::default(), Rc::default());
        let server = Self { base, kept: Rc::clone(&kept), seen: Rc::clone(&seen) };
        tokio::task::spawn_local(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                tokio::task::spawn_local(serve(socket, mood, kept.clone(), seen.clone()));
            }
        });
        server
    }

    fn client(&self) -> ArtifactClient {
        client(&self.base, TOKEN)
    }
}

fn client(base: &str, token: &str) -> ArtifactClient {
    ArtifactClient::new(Rc::new(NativeHost::new()), base, token, "my-nb".into())
}

async fn serve(
    mut socket: TcpStream,
    mood: Mood,
    kept: Rc<RefCell<BTreeMap<String, Vec<u8>>>>,
    seen: Rc<RefCell<usize>>,
) {
    while let Some(request) = read(&mut socket).await {
        *seen.borrow_mut() += 1;
        let (status, body) = answer(&request, mood, &kept);
        let declared = if mood == Mood::BreaksOff { body.len() + 10 } else { body.len() };
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {declared}\r\n\r\n");
        let bytes = [head.as_bytes(), &body].concat();
        let piece = if mood == Mood::Slow { 1 } else { bytes.len() };
        for piece in bytes.chunks(piece) {
            if socket.write_all(piece).await.is_err() || mood == Mood::Slow && socket.flush().await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
        if mood == Mood::BreaksOff {
            return;
        }
    }
}

fn answer(request: &Request, mood: Mood, kept: &RefCell<BTreeMap<String, Vec<u8>>>) -> (u16, Vec<u8>) {
    let error = |status, error: &str| {
        (status, format!(r#"{{"error":"{error}","message":"{error} it is"}}"#).into_bytes())
    };
    let of = |name: &str| request.headers.get(name).map(String::as_str);
    match (request.method.as_str(), request.path.strip_prefix("/api/artifacts")) {
        ("POST", Some("")) if of("authorization") != Some(&format!("Bearer {TOKEN}")) => {
            error(401, "UNAUTHORIZED")
        }
        ("POST", Some("")) if of("x-notebook-id").is_none() => error(400, "NO_NOTEBOOK"),
        ("POST", Some("")) => match mood {
            Mood::Fails => {
                let message = serde_json::json!({"message": format!("no room for {:?}", request.headers)});
                (500, message.to_string().into_bytes())
            }
            Mood::Garbage => (200, b"<html>welcome</html>".to_vec()),
            _ => {
                let id = format!("{}/{}", of("x-notebook-id").unwrap(), kept.borrow().len());
                assert_eq!(of("content-type"), Some("image/png"));
                kept.borrow_mut().insert(id.clone(), request.body.clone());
                (200, serde_json::json!({"artifactId": id}).to_string().into_bytes())
            }
        },
        ("GET", Some(path)) => match kept.borrow().get(path.trim_start_matches('/')) {
            Some(bytes) if of("authorization").is_none() => (200, bytes.clone()),
            Some(_) => error(400, "NO_TOKEN_PLEASE"),
            None => error(404, "NOT_FOUND"),
        },
        _ => error(405, "METHOD_NOT_ALLOWED"),
    }
}

async fn read(socket: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if socket.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request { method, path, headers, body })
}

fn png(len: usize) -> Vec<u8> {
    b"\x89PNG\r\n\x1a\n".iter().copied().chain(std::iter::repeat(9)).take(len).collect()
}

#[test]
fn row_071_what_is_submitted_is_found_again() {
    run(async {
        let server = Server::start(Mood::Well).await;
        let client = server.client();
        let large = png(3 << 20);
        let id = client.submit_png(large.clone()).await.unwrap();
        assert_eq!(id, "my-nb/0");
        assert_eq!(client.get(&id).await.unwrap(), large);
        assert_eq!(client.url(&id), format!("{}/api/artifacts/my-nb/0", server.base));
        assert_eq!(client.get("my-nb/9").await.unwrap_err(), ArtifactError::NotFound("my-nb/9".to_owned()));
        let refused = client_error(&server.base, "wrong").await;
        assert_eq!(refused, "Artifact submission failed: UNAUTHORIZED it is (status 401)");
        assert!(client_error(&server.base, "").await.contains("status 401"));
    });
}

async fn client_error(base: &str, token: &str) -> String {
    client(base, token).submit_png(png(9)).await.unwrap_err().to_string()
}

#[test]
fn row_072_a_bad_signature_reaches_no_server() {
    run(async {
        let server = Server::start(Mood::Well).await;
        assert_eq!(server.client().submit_png(b"GIF89a".to_vec()).await, Err(ArtifactError::NotPng));
        assert_eq!(*server.seen.borrow(), 0);
    });
}

#[test]
fn row_068_and_080_bad_servers_are_told_apart_and_the_token_is_in_no_message() {
    run(async {
        let closed = {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            format!("http://{}", listener.local_addr().unwrap())
        };
        let mut told = vec![client_error(&closed, TOKEN).await];
        for mood in [Mood::Fails, Mood::Garbage, Mood::BreaksOff] {
            let server = Server::start(mood).await;
            told.push(client_error(&server.base, TOKEN).await);
        }
        let expected = ["cannot be reached", "(status 500)", "it is no JSON", "broke"];
        for (message, expected) in told.iter().zip(expected) {
            assert!(
                message.starts_with("Artifact submission failed: ") && message.contains(expected),
                "{message}"
            );
            assert!(!message.contains(TOKEN), "{message}");
        }
        assert!(told[1].contains("[token]"), "{}", told[1]);
    });
}

#[test]
fn a_slow_server_is_waited_for() {
    run(async {
        let server = Server::start(Mood::Slow).await;
        assert_eq!(server.client().submit_png(png(7000)).await.unwrap(), "my-nb/0");
    });
}

/// Runs a cell that shows an image; answers its representations.
async fn shown(artifacts: Rc<dyn Artifacts>) -> BTreeMap<String, Media> {
    let host = NativeHost::new();
    let clock = host.clone();
    let store = Rc::new(MemoryStore::new(NotebookId::from("my-nb"), Rc::new(move || clock.now())));
    let mut options = Options::new("test", "local", [CellKind::Echo]);
    options.artifacts = artifacts;
    let handler = handler_fn(|cx| async move {
        use base64::Engine as _;
        let image = base64::engine::general_purpose::STANDARD.encode(png(7000));
        cx.display(MediaBundle::new().with("image/png", image), None);
        Ok(Outcome::done())
    });
    let capabilities = Capabilities { can_execute_code: true, ..Capabilities::default() };
    let handlers = Handlers::new().with(CellKind::Echo, handler);
    let agent = RuntimeAgent::new(store.clone(), Rc::new(host), capabilities, handlers, options);
    agent.start().await.unwrap();
    store
        .commit(&[
            Event::CellCreated2 {
                id: "c".into(),
                fractional_index: "m".to_owned(),
                cell_type: CellType::Code,
                created_by: "ada".to_owned(),
            },
            Event::CellAnnotated {
                cell_id: "c".into(),
                kind: CellKind::Echo,
                hidden: None,
                parent_id: None,
                after_output: None,
                extension: None,
                attachments: Vec::new(),
                prepared: None,
                prepared_text: None,
                data: None,
            },
            Event::ExecutionRequested {
                queue_id: "q".into(),
                cell_id: "c".into(),
                execution_count: 1,
                requested_by: "ada".to_owned(),
                actor_id: None,
            },
        ])
        .unwrap();
    let running = agent.clone();
    let run = tokio::task::spawn_local(async move { running.run().await });
    let mut changes = store.watch(purlin_notebook::Tables::ALL);
    while !store.queue_entry(&"q".into()).unwrap().unwrap().status.is_terminal() {
        futures_util::StreamExt::next(&mut changes).await;
    }
    agent.shutdown().await;
    run.await.unwrap().unwrap();
    store.outputs_of(&"c".into()).unwrap().remove(0).representations.unwrap()
}

#[test]
fn row_067_and_069_an_agent_uploads_what_it_shows() {
    run(async {
        let server = Server::start(Mood::Well).await;
        let place = RemoteArtifacts::new(server.client(), Rc::new(MemoryArtifacts::new()));
        let all = shown(Rc::new(place)).await;
        let Media::Artifact { artifact_id, metadata } = &all["image/png"] else { panic!("{all:?}") };
        assert_eq!(metadata.as_ref().unwrap()["originalSizeBytes"], 7000);
        assert_eq!(server.kept.borrow()[artifact_id], png(7000));
        let url = format!("{}/api/artifacts/my-nb/0", server.base);
        assert_eq!(all["text/plain"].as_text().unwrap(), format!("image/png artifact: {url}"));
        let broken = Server::start(Mood::Fails).await;
        let place = RemoteArtifacts::new(broken.client(), Rc::new(MemoryArtifacts::new()));
        let all = shown(Rc::new(place)).await;
        assert_eq!((all.len(), all["image/png"].as_text().is_some()), (1, true));
    });
}
