//! Requests against a server process of our own: streams, errors that say what to do, and no secrets in them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use futures_util::StreamExt;
use purlin_runtime_core::{Host, HttpErrorKind, HttpRequest, HttpResponse};
use purlin_runtime_native::NativeHost;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test)
}

/// Answers one connection by a function of the socket and the request's text.
async fn serve<F>(answer: F) -> String
where
    F: AsyncFnOnce(&mut TcpStream, String) + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::task::spawn_local(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
            let mut bytes = [0; 4096];
            let count = socket.read(&mut bytes).await.unwrap();
            request.extend(&bytes[..count]);
        }
        answer(&mut socket, String::from_utf8(request).unwrap()).await;
    });
    format!("http://{address}/v1/messages?key=SECRET")
}

fn request(url: &str) -> HttpRequest {
    let mut request = HttpRequest::new("POST", url);
    request.headers = vec![("X-Api-Key".to_owned(), "SECRET".to_owned())];
    request.body = b"{}".to_vec();
    request
}

async fn chunk(response: &mut HttpResponse) -> String {
    String::from_utf8(response.body.next().await.unwrap().unwrap()).unwrap()
}

#[test]
fn a_body_streams_as_it_is_sent() {
    run(async {
        let (go_on, wait) = oneshot::channel::<()>();
        let url = serve(async move |socket, request| {
            assert!(request.starts_with("POST /v1/messages?key=SECRET HTTP/1.1\r\n"), "{request}");
            assert!(request.to_lowercase().contains("x-api-key: secret\r\n"), "{request}");
            let head =
                "HTTP/1.1 200 OK\r\nRetry-After: 7\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
            socket.write_all(head.as_bytes()).await.unwrap();
            wait.await.unwrap();
            socket.write_all(b"6\r\nsecond\r\n0\r\n\r\n").await.unwrap();
        })
        .await;
        let mut response = NativeHost::new().fetch(request(&url)).await.unwrap();
        assert_eq!((response.status, response.header("retry-after")), (200, Some("7")));
        assert_eq!(chunk(&mut response).await, "first");
        go_on.send(()).unwrap();
        assert_eq!(chunk(&mut response).await, "second");
        assert!(response.body.next().await.is_none());
    });
}

#[test]
fn a_status_of_failure_is_an_answer() {
    run(async {
        let url = serve(async |socket, _| {
            let head = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\n\r\n{}";
            socket.write_all(head).await.unwrap();
        })
        .await;
        let mut response = NativeHost::new().fetch(request(&url)).await.unwrap();
        assert_eq!(response.status, 429);
        assert_eq!(chunk(&mut response).await, "{}");
    });
}

#[test]
fn a_redirection_to_another_server_is_not_followed_because_of_the_key() {
    run(async {
        let other = serve(async |_, request| panic!("the key went elsewhere: {request}")).await;
        let url = serve(async move |socket, _| {
            let head = format!("HTTP/1.1 307 Go\r\nlocation: {other}\r\ncontent-length: 0\r\n\r\n");
            socket.write_all(head.as_bytes()).await.unwrap();
        })
        .await;
        let response = NativeHost::new().fetch(request(&url)).await.unwrap();
        assert_eq!(response.status, 307);
    });
}

#[test]
fn an_unreachable_server_is_named_and_no_secret_told() {
    run(async {
        // A port that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}/v1?key=SECRET");
        let error = NativeHost::new().fetch(request(&url)).await.unwrap_err();
        assert_eq!(error.kind, HttpErrorKind::Connect);
        let expected = format!("`127.0.0.1:{port}` cannot be reached: ");
        assert!(error.message.starts_with(&expected), "{error}");
        assert!(error.message.ends_with("Check the network, or `base_url` in the configuration."), "{error}");
        assert!(!error.message.contains("SECRET"));
        assert!(!format!("{:?}", request(&url)).contains("SECRET"));
    });
}

#[test]
fn a_server_that_does_not_speak_tls_is_told() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::task::spawn_local(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        });
        let url = format!("https://127.0.0.1:{port}/v1?key=SECRET");
        let error = NativeHost::new().fetch(request(&url)).await.unwrap_err();
        assert_eq!(error.kind, HttpErrorKind::Connect);
        assert!(error.message.starts_with(&format!("`127.0.0.1:{port}` cannot be reached: ")), "{error}");
        assert!(!error.message.contains("SECRET"), "{error}");
    });
}

#[test]
fn a_bad_address_is_told() {
    run(async {
        let error = NativeHost::new().fetch(request("not an address")).await.unwrap_err();
        assert_eq!(error.kind, HttpErrorKind::Request);
        assert!(error.message.contains("Check `base_url` in the configuration."), "{error}");
    });
}

#[test]
fn a_stream_that_breaks_is_an_error_after_what_came() {
    run(async {
        let url = serve(async |socket, _| {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n9\r\nsec";
            socket.write_all(head.as_bytes()).await.unwrap();
        })
        .await;
        let mut response = NativeHost::new().fetch(request(&url)).await.unwrap();
        assert_eq!(chunk(&mut response).await, "first");
        let error = loop {
            match response.body.next().await.unwrap() {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind, HttpErrorKind::Body);
        assert!(error.is_transient());
        assert!(error.message.contains("broke: ") && !error.message.contains("SECRET"), "{error}");
        assert!(response.body.next().await.is_none());
    });
}

#[test]
fn a_silent_server_runs_into_the_time_limit() {
    run(async {
        let (_keep, wait) = oneshot::channel::<()>();
        let url = serve(async move |_socket, _| drop(wait.await)).await;
        let mut request = request(&url);
        request.timeout = Some(Duration::from_millis(50));
        let error = NativeHost::new().fetch(request).await.unwrap_err();
        assert_eq!(error.kind, HttpErrorKind::Timeout);
        assert!(error.message.contains("did not answer within"), "{error}");
    });
}

#[test]
fn a_host_has_random_bytes_and_a_clock() {
    let host = NativeHost::new();
    let (mut one, mut two) = ([0; 16], [0; 16]);
    host.random(&mut one);
    host.random(&mut two);
    assert_ne!(one, two);
    assert!(host.now() > 1_700_000_000_000);
}
