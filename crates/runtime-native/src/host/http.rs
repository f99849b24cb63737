//! Requests over HTTP. Messages name the server and what to do, never a header, a key or a query.

use std::error::Error as _;
use std::rc::Rc;
use std::time::Duration;

use futures_util::stream;
use purlin_runtime_core::{HttpError, HttpErrorKind, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, Url};

use super::Lazy;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(15);
/// How often a server may send on one request.
const REDIRECTS: usize = 4;
/// Who we say we are.
const USER_AGENT: &str = concat!("purlin/", env!("CARGO_PKG_VERSION"));

/// The clients, each built by its first request: reading the system's certificates costs more than a whole answer from
/// a server on this machine, so plain HTTP does without them.
#[derive(Default)]
pub(super) struct Clients {
    plain: Lazy<Client>,
    secure: Lazy<Client>,
}

impl Clients {
    fn of(&self, url: &Url) -> Result<Client, HttpError> {
        let (place, plain) = if url.scheme() == "http" { (&self.plain, true) } else { (&self.secure, false) };
        if let Some(client) = place.get() {
            return Ok(client.clone());
        }
        let client = build(plain).map_err(|error| {
            HttpError::new(
                HttpErrorKind::Unsupported,
                format!("The HTTP client cannot be set up: {}.", root(&error)),
            )
        })?;
        Ok(place.get_or_init(|| client).clone())
    }
}

fn build(plain: bool) -> reqwest::Result<Client> {
    // Fails only if a provider stands already, which then is the one to use.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().connect_timeout(CONNECT).user_agent(USER_AGENT).redirect(same_server());
    if plain { builder.tls_certs_only([]).build() } else { builder.build() }
}

/// Follows a server only to itself: what is sent carries keys in headers of which the client knows nothing.
fn same_server() -> Policy {
    Policy::custom(|attempt| {
        let (from, to) = (attempt.previous(), attempt.url());
        let same = from.last().is_some_and(|from| from.origin() == to.origin());
        if same && from.len() <= REDIRECTS { attempt.follow() } else { attempt.stop() }
    })
}

/// Sends a request. `hint` says what to check when the server cannot be reached.
pub(super) async fn fetch(
    clients: Rc<Clients>,
    request: HttpRequest,
    hint: &'static str,
) -> Result<HttpResponse, HttpError> {
    let url = Url::parse(&request.url).map_err(|error| {
        let message = format!("The address of the server is not valid ({error}). Check {hint}.");
        HttpError::new(HttpErrorKind::Request, message)
    })?;
    let server = server(&url);
    let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| {
        HttpError::new(HttpErrorKind::Request, format!("`{}` is not a method of HTTP.", request.method))
    })?;
    let client = clients.of(&url)?;
    let mut builder = client.request(method, url).body(request.body);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let response =
        limited(request.timeout, &server, builder.send()).await?.map_err(|e| describe(&e, &server, hint))?;
    Ok(answer(response, request.timeout, server, hint))
}

fn answer(response: Response, timeout: Option<Duration>, server: String, hint: &'static str) -> HttpResponse {
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let body = stream::unfold(Some(response), move |response| {
        let server = server.clone();
        async move {
            let mut response = response?;
            match limited(timeout, &server, response.chunk()).await {
                Ok(Ok(Some(bytes))) => Some((Ok(bytes.to_vec()), Some(response))),
                Ok(Ok(None)) => None,
                Ok(Err(error)) => Some((Err(describe(&error, &server, hint)), None)),
                Err(error) => Some((Err(error), None)),
            }
        }
    });
    HttpResponse { status, headers, body: Box::pin(body) }
}

async fn limited<T>(
    limit: Option<Duration>,
    server: &str,
    future: impl Future<Output = T>,
) -> Result<T, HttpError> {
    let Some(limit) = limit else { return Ok(future.await) };
    tokio::time::timeout(limit, future).await.map_err(|_| {
        let message = format!("`{server}` did not answer within {} s. Try again.", limit.as_secs().max(1));
        HttpError::new(HttpErrorKind::Timeout, message)
    })
}

fn describe(error: &reqwest::Error, server: &str, hint: &str) -> HttpError {
    let cause = root(error);
    let (kind, message) = if error.is_builder() {
        (HttpErrorKind::Request, format!("The request to `{server}` could not be made: {cause}."))
    } else if error.is_connect() && error.is_timeout() {
        (
            HttpErrorKind::Connect,
            format!(
                "`{server}` cannot be reached: no connection within {} s. Check the network, or {hint}.",
                CONNECT.as_secs()
            ),
        )
    } else if error.is_connect() {
        (
            HttpErrorKind::Connect,
            format!("`{server}` cannot be reached: {cause}. Check the network, or {hint}."),
        )
    } else if error.is_timeout() {
        (HttpErrorKind::Timeout, format!("`{server}` did not answer in time. Try again."))
    } else {
        (HttpErrorKind::Body, format!("The connection to `{server}` broke: {cause}. Try again."))
    };
    HttpError::new(kind, message)
}

/// Finds the first cause, which is the system's own word; addresses in between may carry keys.
fn root(error: &reqwest::Error) -> String {
    let Some(mut cause) = error.source() else {
        return if error.is_body() || error.is_decode() {
            "the answer ended early".to_owned()
        } else {
            "no cause is known".to_owned()
        };
    };
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string().trim_end_matches('.').to_owned()
}

/// Names the server as people know it.
fn server(url: &Url) -> String {
    let host = url.host_str().unwrap_or("the server");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
