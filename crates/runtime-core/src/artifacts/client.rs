//! The client of an artifact server, over the host's network.

use std::fmt::{self, Write as _};
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use purlin_notebook::NotebookId;
use serde_json::Value;

use crate::host::{Host, HttpError, HttpRequest, HttpResponse};
use crate::media::image::{PNG, is_png};

/// How long a server may take to answer, and between two pieces of its answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much of an answer that is no artifact is read.
const MOST_ANSWER: usize = 64 * 1024;
/// How much of an artifact is read.
const MOST_CONTENT: usize = 256 * 1024 * 1024;
/// How much of what a server says of an error is shown.
const MOST_SAID: usize = 500;

/// Why an artifact could not be submitted or read. Messages never hold the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactError {
    /// The content is not what its mime type says; no request was made.
    #[error("Artifact submission failed: the content is no PNG, its signature is missing.")]
    NotPng,
    /// The server refused, with what it said.
    #[error("Artifact {what} failed: {said} (status {status})")]
    Refused {
        /// `submission` or `retrieval`.
        what: &'static str,
        /// The status of the answer.
        status: u16,
        /// What the server said, cut to one line; its name for the status if it said nothing.
        said: String,
    },
    /// There is no such artifact.
    #[error("Artifact not found: {0}")]
    NotFound(String),
    /// The server answered what the protocol does not know.
    #[error("Artifact {what} failed: the server's answer is not understood ({why}).")]
    Garbage {
        /// `submission` or `retrieval`.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The server could not be reached, or the connection broke.
    #[error("Artifact {what} failed: {source}")]
    Network {
        /// `submission` or `retrieval`.
        what: &'static str,
        /// The network's own error.
        source: HttpError,
    },
}

/// Where an upload in three steps goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileUpload {
    /// Where the file is found afterwards; kept in the metadata of its container.
    pub file_url: String,
    /// The version that the upload makes.
    pub file_version_id: String,
}

/// Submits and reads the artifacts of one notebook; cheap to clone.
#[derive(Clone)]
pub struct ArtifactClient(Rc<Inner>);

struct Inner {
    host: Rc<dyn Host>,
    base: String,
    token: String,
    notebook: NotebookId,
}

/// Derives the address of the artifact server from that of the sync server: `wss:` becomes `https:`, `ws:` `http:`,
/// path and query go. The error is a full sentence for people.
pub fn artifact_base_url(sync_url: &str) -> Result<String, String> {
    let bad = |why: &str| {
        format!("The sync address is not valid ({why}). It looks like `wss://host.example/livestore`.")
    };
    let (scheme, rest) = sync_url.split_once("://").ok_or_else(|| bad("it has no scheme"))?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "wss" | "https" => "https",
        "ws" | "http" => "http",
        _ => return Err(bad("its scheme is none of wss, ws, https, http")),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // What stands before an `@` are credentials, which belong into no address.
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.is_empty()
        || host.starts_with(':')
        || host.contains(|char: char| char.is_whitespace() || char.is_control())
    {
        return Err(bad("it names no host"));
    }
    Ok(format!("{scheme}://{host}"))
}

impl ArtifactClient {
    /// Makes a client of a server's base address, for example `https://host.example`.
    pub fn new(
        host: Rc<dyn Host>,
        base: impl Into<String>,
        token: impl Into<String>,
        notebook: NotebookId,
    ) -> Self {
        let base = base.into().trim_end_matches('/').to_owned();
        Self(Rc::new(Inner { host, base, token: token.into(), notebook }))
    }

    /// Tells whether a reference is one that a server gave: `<notebook>/<uuid>`.
    pub fn is_remote(reference: &str) -> bool {
        !reference.starts_with("artifact:") && reference.contains('/')
    }

    /// Returns the public address of an artifact.
    pub fn url(&self, id: &str) -> String {
        format!("{}/api/artifacts/{}", self.0.base, escaped(id))
    }

    /// Submits content and answers the artifact's id, `<notebook>/<uuid>`. A PNG without its signature is refused
    /// before any request.
    pub async fn submit(&self, content: Vec<u8>, mime: &str) -> Result<String, ArtifactError> {
        const WHAT: &str = "submission";
        if mime == PNG && !is_png(&content) {
            return Err(ArtifactError::NotPng);
        }
        let request = self.request("POST", format!("{}/api/artifacts", self.0.base), content, Some(mime));
        let answer = self.json(WHAT, request).await?;
        let id = text(WHAT, &answer, "artifactId")?;
        if id.is_empty() || id.contains(char::is_control) {
            return Err(ArtifactError::Garbage { what: WHAT, why: "`artifactId` is no id".to_owned() });
        }
        Ok(id)
    }

    /// Submits a PNG.
    pub async fn submit_png(&self, content: Vec<u8>) -> Result<String, ArtifactError> {
        self.submit(content, PNG).await
    }

    /// Reads an artifact; needs no token.
    pub async fn get(&self, id: &str) -> Result<Vec<u8>, ArtifactError> {
        const WHAT: &str = "retrieval";
        let request = HttpRequest { timeout: Some(PATIENCE), ..HttpRequest::new("GET", self.url(id)) };
        let response = self.fetch(WHAT, request).await?;
        match response.status {
            200..=299 => {
                let (content, whole) = read(WHAT, response, MOST_CONTENT).await?;
                if whole {
                    return Ok(content);
                }
                let why = format!("it is longer than {} MiB", MOST_CONTENT >> 20);
                Err(ArtifactError::Garbage { what: WHAT, why })
            }
            404 => Err(ArtifactError::NotFound(id.to_owned())),
            _ => Err(self.refused(WHAT, response).await),
        }
    }

    /// Uploads a file in three steps, as servers with an object store behind them ask for: told where to, put there,
    /// told that it is there.
    pub async fn upload_file(
        &self,
        file: &str,
        content: Vec<u8>,
        mime: &str,
    ) -> Result<FileUpload, ArtifactError> {
        const WHAT: &str = "submission";
        let place = format!("{}/api/artifacts/{}", self.0.base, escaped(file));
        let begun =
            self.json(WHAT, self.request("POST", format!("{place}/init"), Vec::new(), Some(mime))).await?;
        let upload = FileUpload {
            file_url: text(WHAT, &begun, "fileUrl")?,
            file_version_id: text(WHAT, &begun, "fileVersionId")?,
        };
        // That address is signed: a header of ours, the token above all, does not belong there.
        let put = HttpRequest {
            body: content,
            timeout: Some(PATIENCE),
            ..HttpRequest::new("PUT", text(WHAT, &begun, "uploadUrl")?)
        };
        let answer = self.fetch(WHAT, put).await?;
        if !(200..=299).contains(&answer.status) {
            return Err(self.refused(WHAT, answer).await);
        }
        let body = serde_json::json!({"fileVersionId": upload.file_version_id}).to_string().into_bytes();
        let done = self.request("POST", format!("{place}/commit"), body, Some("application/json"));
        let answer = self.fetch(WHAT, done).await?;
        if !(200..=299).contains(&answer.status) {
            return Err(self.refused(WHAT, answer).await);
        }
        Ok(upload)
    }

    fn request(&self, method: &str, url: String, body: Vec<u8>, mime: Option<&str>) -> HttpRequest {
        let mut headers = vec![("x-notebook-id".to_owned(), self.0.notebook.as_str().to_owned())];
        if !self.0.token.is_empty() {
            headers.push(("authorization".to_owned(), format!("Bearer {}", self.0.token)));
        }
        headers.extend(mime.map(|mime| ("content-type".to_owned(), mime.to_owned())));
        HttpRequest { headers, body, timeout: Some(PATIENCE), ..HttpRequest::new(method, url) }
    }

    async fn fetch(&self, what: &'static str, request: HttpRequest) -> Result<HttpResponse, ArtifactError> {
        let answer = self.0.host.fetch(request).await;
        answer.map_err(|mut source| {
            source.message = self.without_token(&source.message);
            ArtifactError::Network { what, source }
        })
    }

    async fn json(&self, what: &'static str, request: HttpRequest) -> Result<Value, ArtifactError> {
        let response = self.fetch(what, request).await?;
        if !(200..=299).contains(&response.status) {
            return Err(self.refused(what, response).await);
        }
        let (body, _) = read(what, response, MOST_ANSWER).await?;
        serde_json::from_slice(&body)
            .map_err(|error| ArtifactError::Garbage { what, why: format!("it is no JSON: {error}") })
    }

    /// Makes the error of an answer that is none: what `message` or `error` of its body says, else its text.
    async fn refused(&self, what: &'static str, response: HttpResponse) -> ArtifactError {
        let status = response.status;
        // An error while reading why there is an error says less than the status.
        let body = read(what, response, MOST_ANSWER).await.map(|(body, _)| body).unwrap_or_default();
        let said = match serde_json::from_slice::<Value>(&body) {
            Ok(json) => ["message", "error"].iter().find_map(|key| json[*key].as_str().map(str::to_owned)),
            Err(_) => None,
        };
        let said = said.unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned());
        let said = one_line(&self.without_token(&said));
        let said = if said.is_empty() { reason(status).to_owned() } else { said };
        ArtifactError::Refused { what, status, said }
    }

    /// A server may repeat what it was sent.
    fn without_token(&self, text: &str) -> String {
        if self.0.token.is_empty() { text.to_owned() } else { text.replace(&self.0.token, "[token]") }
    }
}

/// The token is not shown.
impl fmt::Debug for ArtifactClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArtifactClient")
            .field("base", &self.0.base)
            .field("notebook", &self.0.notebook)
            .finish_non_exhaustive()
    }
}

/// Reads a body up to a limit; answers whether that is the whole.
async fn read(
    what: &'static str,
    mut response: HttpResponse,
    limit: usize,
) -> Result<(Vec<u8>, bool), ArtifactError> {
    let mut body = Vec::new();
    while let Some(piece) = response.body.next().await {
        let piece = piece.map_err(|source| ArtifactError::Network { what, source })?;
        let room = limit - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if piece.len() > room {
            return Ok((body, false));
        }
    }
    Ok((body, true))
}

fn text(what: &'static str, answer: &Value, key: &str) -> Result<String, ArtifactError> {
    let text = answer[key].as_str().map(str::to_owned);
    text.ok_or_else(|| ArtifactError::Garbage { what, why: format!("it has no text `{key}`") })
}

/// Escapes what may not stand in a path; the slash between notebook and name stays.
fn escaped(id: &str) -> String {
    let mut path = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'/') {
            path.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split(|char: char| char.is_whitespace() || char.is_control()).collect();
    let mut line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if line.len() > MOST_SAID {
        line.truncate(crate::text::floor_boundary(&line, MOST_SAID));
        line.push('…');
    }
    line
}

fn reason(status: u16) -> &'static str {
    match status {
        400 => "the request was not understood",
        401 | 403 => "the token was not accepted",
        404 => "the server has no artifacts there",
        405 => "the method is not allowed",
        413 => "the content is too large",
        429 => "too many requests",
        500..=599 => "the server failed",
        _ => "no reason was given",
    }
}

#[cfg(test)]
mod tests {
    use super::{artifact_base_url, escaped, one_line};

    #[test]
    fn the_base_address_is_that_of_the_sync_server() {
        for (sync, base) in [
            ("wss://app.example/livestore?storeId=x", "https://app.example"),
            ("ws://localhost:8787", "http://localhost:8787"),
            ("WSS://App.Example", "https://App.Example"),
            ("https://app.example/a/b", "https://app.example"),
            ("wss://user:secret@app.example/x", "https://app.example"),
            ("ws://[::1]:80/x", "http://[::1]:80"),
        ] {
            assert_eq!(artifact_base_url(sync).as_deref(), Ok(base), "{sync}");
        }
        for bad in ["", "app.example", "ftp://x", "wss://", "wss:///x", "wss://:80", "wss://a b"] {
            let error = artifact_base_url(bad).unwrap_err();
            assert!(error.starts_with("The sync address is not valid ("), "{bad}: {error}");
        }
        assert!(!artifact_base_url("user:secret@").unwrap_err().contains("secret"));
    }

    #[test]
    fn ids_are_escaped_and_what_servers_say_is_one_line() {
        assert_eq!(escaped("nb/a b?c#d"), "nb/a%20b%3Fc%23d");
        assert_eq!(one_line(" a\n\tb\u{1b}c "), "a b c");
        assert_eq!(one_line(&"é".repeat(400)).len(), 500 + "…".len());
    }
}
