//! Providers: what turns a request into a stream of model events.
//!
//! A call has two steps, so that the hook `model_request` can stand between them: [`Provider::encode`] makes the body
//! and the headers without secrets, [`Provider::send`] adds the key and streams.

mod echo;
mod http;
mod script;

use std::rc::Rc;
use std::time::Duration;

use futures_util::stream::LocalBoxStream;
use purlin_runtime_core::Host;
use serde_json::Value;

use crate::model::ModelRef;
use crate::request::{ModelEvent, Request};
use crate::settings::Settings;
use crate::wire::WireError;

pub use echo::EchoProvider;
pub use http::HttpProvider;
pub(crate) use http::apply_answer;
pub use script::{Script, ScriptError, ScriptProvider, ScriptTurn};

/// A failed model request.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProviderError {
    /// The model's provider is not configured.
    #[error(
        "no provider is called `{name}`; known are {known}. Add `[providers.{name}]` with a `base_url` to the configuration"
    )]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// The provider needs a key and none was found.
    #[error("there is no key for `{provider}`. Set `{env}` or add the key for `{provider}` to `{file}`")]
    NoKey {
        /// Name of the provider.
        provider: String,
        /// Variable in which the key is looked for.
        env: String,
        /// File in which the key is looked for.
        file: String,
    },
    /// The provider refused the key.
    #[error(
        "`{provider}` refused the key (HTTP {status}): {message}. Check `{env}` or the key for `{provider}` in `{file}`"
    )]
    Refused {
        /// Name of the provider.
        provider: String,
        /// HTTP status, 401 or 403.
        status: u16,
        /// The provider's message.
        message: String,
        /// Variable in which the key is looked for.
        env: String,
        /// File in which the key is looked for.
        file: String,
    },
    /// The provider answered with an error status.
    #[error("`{provider}` answered HTTP {status}: {message}")]
    Http {
        /// Name of the provider.
        provider: String,
        /// HTTP status.
        status: u16,
        /// The provider's message.
        message: String,
        /// How long it asked to wait.
        retry_after: Option<Duration>,
    },
    /// No answer came at all.
    #[error("`{provider}` could not be reached at {url}: {message}")]
    Network {
        /// Name of the provider.
        provider: String,
        /// URL without query.
        url: String,
        /// What failed.
        message: String,
    },
    /// Nothing listens at an address of this machine.
    #[error(
        "`{provider}` is not running at {server}: {message}. Start it and send the prompt again, or change `base_url` in `[providers.{provider}]`"
    )]
    NotRunning {
        /// Name of the provider.
        provider: String,
        /// Host and port.
        server: String,
        /// What failed.
        message: String,
    },
    /// The answer broke off or was not understood.
    #[error("`{provider}`: {error}")]
    Wire {
        /// Name of the provider.
        provider: String,
        /// What was wrong with the stream.
        error: WireError,
    },
    /// The scripted model cannot be played.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// An extension changed a request into something that cannot be sent.
    #[error("an extension's `model_request` answer cannot be sent: {0}")]
    Payload(String),
}

impl ProviderError {
    /// Whether sending the same request again makes sense.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Http { status, .. } => crate::wire::is_transient_status(*status),
            Self::Network { .. } | Self::NotRunning { .. } => true,
            Self::Wire { error, .. } => error.is_transient(),
            Self::Unknown { .. }
            | Self::NoKey { .. }
            | Self::Refused { .. }
            | Self::Script(_)
            | Self::Payload(_) => false,
        }
    }

    /// HTTP status, where the provider gave one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Http { status, .. } | Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// How long the provider asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Http { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// A request in a provider's own form, without secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Body; what extensions see and may replace.
    pub payload: Value,
    /// Headers; the ones that carry a secret are not among them.
    pub headers: Vec<(String, String)>,
    /// Which request of the session this is, counted from 1.
    pub ordinal: u64,
}

/// Stream of one answer: items until the first error or the end.
pub type ModelStream = LocalBoxStream<'static, Result<ModelEvent, ProviderError>>;

/// Something that answers model requests.
pub trait Provider {
    /// Name of the provider, as in `provider/model`.
    fn name(&self) -> &str;

    /// Name of the wire it speaks.
    fn api(&self) -> &str;

    /// Turns a request into the provider's form.
    fn encode(&self, request: &Request) -> Result<Call, ProviderError>;

    /// Sends a call and streams the answer. Dropping the stream cancels the request.
    fn send(&self, call: Call, host: &Rc<dyn Host>) -> ModelStream;

    /// Encodes and sends in one step.
    fn stream(&self, request: &Request, host: &Rc<dyn Host>) -> ModelStream {
        match self.encode(request) {
            Ok(call) => self.send(call, host),
            Err(error) => Box::pin(futures_util::stream::once(async { Err(error) })),
        }
    }
}

/// The provider of a model under these settings.
pub fn provider_for(model: &ModelRef, settings: &Settings) -> Result<Rc<dyn Provider>, ProviderError> {
    match model.provider.as_str() {
        "echo" => Ok(Rc::new(EchoProvider)),
        "script" => Ok(Rc::new(ScriptProvider::load(&settings.cwd.join(&model.model))?)),
        name => {
            let Some(config) = settings.providers.get(name) else {
                let mut known = vec!["`echo`".to_owned()];
                known.extend(settings.providers.keys().map(|name| format!("`{name}`")));
                return Err(ProviderError::Unknown { name: name.to_owned(), known: known.join(", ") });
            };
            Ok(Rc::new(HttpProvider::new(name, config.clone())))
        }
    }
}
