//! Providers reached over HTTP, on either wire.

use std::collections::VecDeque;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::select;
use purlin_runtime_core::{Host, HttpErrorKind, HttpRequest, HttpResponse};
use serde_json::Value;

use super::{Call, ModelStream, Provider, ProviderError};
use crate::request::{ModelEvent, Request};
use crate::settings::{Api, ProviderConfig, Secret};
use crate::wire::{self, Decoder, WireError, anthropic, openai_chat};

/// Bytes of an error body that are read at most.
const ERROR_BODY: usize = 64 * 1024;

/// How long a server may be silent: models that reason out of sight take minutes, but every wait has to end.
const SILENCE: Duration = Duration::from_secs(600);
/// How long the body may take to end once the answer is complete; an ended one leaves its connection for the next.
const LINGER: Duration = Duration::from_millis(250);

/// A configured provider.
#[derive(Clone, Debug)]
pub struct HttpProvider {
    name: String,
    config: ProviderConfig,
}

impl HttpProvider {
    /// Makes a provider from its configuration.
    pub fn new(name: &str, config: ProviderConfig) -> Self {
        Self { name: name.to_owned(), config }
    }

    fn path(&self) -> &'static str {
        match self.config.api {
            // A base URL with the version in it is what several compatible servers document.
            Api::AnthropicMessages if self.config.base_url.ends_with("/v1") => "/messages",
            Api::AnthropicMessages => "/v1/messages",
            Api::OpenAiChat => "/chat/completions",
        }
    }

    /// Adds the configured headers and the key to what was encoded.
    fn request(&self, call: &Call) -> Result<HttpRequest, ProviderError> {
        let body =
            serde_json::to_vec(&call.payload).map_err(|error| ProviderError::Payload(error.to_string()))?;
        let mut headers = call.headers.clone();
        headers.extend(self.config.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        if let Some(key) = self.config.key.as_ref().filter(|key| !key.is_empty()) {
            headers.push(match self.config.api {
                Api::AnthropicMessages => ("x-api-key".to_owned(), key.expose().to_owned()),
                Api::OpenAiChat => ("authorization".to_owned(), format!("Bearer {}", key.expose())),
            });
        }
        let url = format!("{}{}", self.config.base_url, self.path());
        Ok(HttpRequest { method: "POST".to_owned(), url, headers, body, timeout: Some(SILENCE) })
    }

    /// The error of an answer that is not a success.
    async fn failure(&self, mut response: HttpResponse, now_ms: i64) -> ProviderError {
        let mut body = Vec::new();
        while let Some(Ok(bytes)) = response.body.next().await {
            body.extend_from_slice(&bytes);
            if body.len() > ERROR_BODY {
                break;
            }
        }
        let mut message = self.without_key(wire::error_message(&body));
        if response.status == 404
            && self.config.api == Api::OpenAiChat
            && !self.config.base_url.contains("/v")
        {
            message.push_str(". Most servers want a `base_url` that ends in `/v1`");
        }
        let (provider, status) = (self.name.clone(), response.status);
        if matches!(status, 401 | 403) {
            let (env, file) = (self.key_env(), self.config.key_file.clone());
            return ProviderError::Refused { provider, status, message, env, file };
        }
        let retry_after = retry_after(&response.headers, now_ms);
        ProviderError::Http { provider, status, message, retry_after }
    }

    /// Servers quote the key they refuse; it must not get into the store with their message.
    fn without_key(&self, message: String) -> String {
        let key = self.config.key.as_ref().map_or("", Secret::expose);
        // What is this short is a placeholder, and part of ordinary words.
        if key.len() < 8 { message } else { message.replace(key, "[key]") }
    }

    fn key_env(&self) -> String {
        if self.config.key_env.is_empty() {
            let name: String = self
                .name
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
                .collect();
            return format!("{name}_API_KEY");
        }
        self.config.key_env.clone()
    }

    fn decoder(&self) -> Decoder {
        match self.config.api {
            Api::AnthropicMessages => Decoder::Anthropic(anthropic::Decoder::new()),
            Api::OpenAiChat => Decoder::OpenAiChat(openai_chat::Decoder::new()),
        }
    }
}

impl Provider for HttpProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn api(&self) -> &str {
        self.config.api.as_str()
    }

    fn encode(&self, request: &Request) -> Result<Call, ProviderError> {
        let has_key = self.config.key.as_ref().is_some_and(|key| !key.is_empty());
        if self.config.needs_key && !has_key {
            let (provider, env, file) = (self.name.clone(), self.key_env(), self.config.key_file.clone());
            return Err(ProviderError::NoKey { provider, env, file });
        }
        let limits = self.config.limits(&request.model);
        let encoded = match self.config.api {
            Api::AnthropicMessages => anthropic::encode(request, &self.name, &limits),
            Api::OpenAiChat => {
                openai_chat::encode(request, openai_chat::Quirks::of(&self.config.base_url), &limits)
            }
        };
        Ok(Call { payload: encoded.payload, headers: encoded.headers, ordinal: request.ordinal })
    }

    fn send(&self, call: Call, host: &Rc<dyn Host>) -> ModelStream {
        let request = match self.request(&call) {
            Ok(request) => request,
            Err(error) => return futures_util::stream::once(async { Err(error) }).boxed_local(),
        };
        let state = Streaming {
            decoder: self.decoder(),
            provider: self.clone(),
            host: Rc::clone(host),
            stage: Stage::Connect(request),
            ready: VecDeque::new(),
            complete: false,
        };
        futures_util::stream::unfold(state, |mut state| async move {
            let item = state.next().await?;
            Some((item, state))
        })
        .boxed_local()
    }
}

enum Stage {
    Connect(HttpRequest),
    Body(HttpResponse),
    Ended,
}

/// One answer while it comes in.
struct Streaming {
    provider: HttpProvider,
    host: Rc<dyn Host>,
    decoder: Decoder,
    stage: Stage,
    ready: VecDeque<ModelEvent>,
    complete: bool,
}

impl Streaming {
    async fn next(&mut self) -> Option<Result<ModelEvent, ProviderError>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(match event {
                    ModelEvent::Error(error) => {
                        self.stage = Stage::Ended;
                        self.ready.clear();
                        Err(ProviderError::Wire { provider: self.provider.name.clone(), error })
                    }
                    event => {
                        self.complete |= matches!(event, ModelEvent::Done { .. });
                        Ok(event)
                    }
                });
            }
            if self.complete {
                self.linger().await;
            }
            match std::mem::replace(&mut self.stage, Stage::Ended) {
                Stage::Connect(request) => {
                    if let Err(error) = self.connect(request).await {
                        return Some(Err(error));
                    }
                }
                Stage::Body(mut response) => match response.body.next().await {
                    Some(Ok(bytes)) => {
                        self.ready.extend(self.decoder.push(&bytes));
                        self.stage = Stage::Body(response);
                    }
                    Some(Err(broken)) => {
                        let mut events = self.decoder.finish();
                        // The stream ended early, and the network knows why.
                        if let Some(ModelEvent::Error(WireError::EndedEarly(progress))) = events.last_mut() {
                            progress.push_str(": ");
                            progress.push_str(&broken.to_string());
                        }
                        self.ready.extend(events);
                    }
                    None => self.ready.extend(self.decoder.finish()),
                },
                Stage::Ended => return None,
            }
        }
    }

    /// Waits a moment for the end of a body whose answer is complete: several servers never end it.
    async fn linger(&mut self) {
        if let Stage::Body(mut response) = std::mem::replace(&mut self.stage, Stage::Ended) {
            let rest = async { while let Some(Ok(_)) = response.body.next().await {} };
            select(pin!(rest), self.host.sleep(LINGER)).await;
        }
    }

    async fn connect(&mut self, request: HttpRequest) -> Result<(), ProviderError> {
        let url = request.url.split('?').next().unwrap_or_default().to_owned();
        let response = self.host.fetch(request).await.map_err(|error| {
            unreached(self.provider.name.clone(), url, error.kind == HttpErrorKind::Connect, &error.message)
        })?;
        if !(200..300).contains(&response.status) {
            return Err(self.provider.failure(response, self.host.now()).await);
        }
        self.stage = Stage::Body(response);
        Ok(())
    }
}

/// The error of a request that no server answered, without saying twice what the host has said.
fn unreached(provider: String, url: String, connecting: bool, message: &str) -> ProviderError {
    let cause = message.split_once("` cannot be reached: ").map_or(message, |(_, cause)| cause);
    let server = url.split_once("://").map_or(&*url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
    let here = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    if connecting && here {
        let cause = cause.split(". Check the network").next().unwrap_or(cause);
        let message = cause.trim_end_matches('.').to_owned();
        return ProviderError::NotRunning { provider, server: server.to_owned(), message };
    }
    ProviderError::Network { provider, url, message: cause.trim_end_matches('.').to_owned() }
}

/// Replaces the payload and headers of a call by an extension's; secret headers cannot be set.
pub(crate) fn apply_answer(call: &mut Call, payload: Option<Value>, headers: Option<&Value>) {
    if let Some(payload) = payload {
        call.payload = payload;
    }
    if let Some(Value::Object(headers)) = headers {
        let secret = |name: &str| {
            matches!(name.to_ascii_lowercase().as_str(), "authorization" | "x-api-key" | "api-key")
        };
        call.headers = headers
            .iter()
            .filter(|(name, _)| !secret(name))
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect();
    }
}

/// Reads `retry-after-ms` and `Retry-After`, in seconds or as a date.
fn retry_after(headers: &[(String, String)], now_ms: i64) -> Option<Duration> {
    let header = |name: &str| {
        headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    };
    if let Some(ms) = header("retry-after-ms").and_then(|value| value.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(ms / 1_000.0).ok();
    }
    let value = header("retry-after")?;
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = http_date(&value)?;
    Some(Duration::from_millis(u64::try_from((at * 1_000).saturating_sub(now_ms)).unwrap_or(0)))
}

/// Seconds since 1970 of a date like `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<i64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let mut words = text.split_once(", ")?.1.split(' ');
    let day: i64 = words.next()?.parse().ok()?;
    let month = i64::try_from(MONTHS.find(words.next()?)? / 3 + 1).ok()?;
    let year: i64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    // Days from the civil calendar, with March as the first month so that leap days come last.
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_not_there_is_said_once() {
        let said = |url: &str| {
            let message = "`127.0.0.1:11434` cannot be reached: Connection refused (os error 111). Check the network, or `base_url` in the configuration.";
            unreached("ollama".to_owned(), url.to_owned(), true, message).to_string()
        };
        assert_eq!(
            said("http://127.0.0.1:11434/v1/chat/completions"),
            "`ollama` is not running at 127.0.0.1:11434: Connection refused (os error 111). Start it and send the prompt again, or change `base_url` in `[providers.ollama]`"
        );
        assert_eq!(
            said("http://far:1/v1"),
            "`ollama` could not be reached at http://far:1/v1: Connection refused (os error 111). Check the network, or `base_url` in the configuration"
        );
    }

    #[test]
    fn retry_after_in_each_form() {
        let of =
            |name: &str, value: &str| retry_after(&[(name.to_owned(), value.to_owned())], 784_111_770_000);
        assert_eq!(of("Retry-After", "3"), Some(Duration::from_secs(3)));
        assert_eq!(of("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        assert_eq!(of("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(of("retry-after", "soon"), None);
        assert_eq!(of("retry-after", "-5"), None);
    }
}
