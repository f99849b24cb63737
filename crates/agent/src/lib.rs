//! The AI agent: models and providers, the loop that answers a prompt, its tools, and a session as a surface sees it.
//!
//! A prompt is a cell of kind `ai`; the loop is [`AiHandler`], the handler that a
//! [`RuntimeAgent`](purlin_runtime_core::RuntimeAgent) calls for it. What the model says, thinks and calls becomes
//! outputs of that cell, committed before anything else happens, so that any surface sees the same and a killed
//! process loses nothing.
//!
//! * [`wire`]: the providers' HTTP APIs, sans I/O. [`Provider`]: HTTP, `echo`, and scripts that are played.
//! * [`Tools`]: `read`, `write`, `edit`, `bash`, and those of extensions, called on the main thread through the
//!   kernel's port.
//! * [`Session`]: how a surface sends, steers and interrupts. It commits to the store and never talks to the agent.
//! * [`projection`]: the transcript, a [`BlockSource`](purlin_kernel::BlockSource) computed from the store.
//! * [`hooks`]: every hook the above raise.
//!
//! It contains no terminal code and no Lua, reads no environment, and takes time, network and processes from hosts
//! that are handed in.
//!
//! ```
//! use purlin_agent::{ModelEvent, wire::{Decoder, openai_chat}};
//! let mut decoder = Decoder::OpenAiChat(openai_chat::Decoder::new());
//! let events = decoder.push(b"data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n");
//! assert_eq!(events, [ModelEvent::TextDelta("Hi".into())]);
//! ```
//!
//! Invariants: a tool's start is committed and flushed before the tool runs; each tool call of the history is followed
//! by exactly one result, even after a kill; reasoning items go back to the provider that made them unchanged; a key
//! is in no message, log or hook.

pub mod hooks;
pub mod model;
pub mod projection;
pub mod prompt;
pub mod provider;
pub mod request;
pub mod settings;
pub mod tools;
pub mod wire;

mod handler;
mod session;

pub use handler::AiHandler;
pub use model::{ModelLimits, ModelRef};
pub use provider::{
    Call, EchoProvider, HttpProvider, ModelStream, Provider, ProviderError, Script, ScriptError,
    ScriptProvider, ScriptTurn, provider_for,
};
pub use request::{
    Message, ModelEvent, Opaque, Part, Request, Speaker, StopReason, Thinking, ToolDefinition, Usage,
};
pub use session::{
    Asked, Committer, Note, Session, SessionError, SessionOptions, SessionState, Source, Submitted,
    WaitingSteer,
};
pub use settings::{Api, ProviderConfig, Retry, Secret, Settings, SharedSettings};
pub use tools::{Tool, ToolCatalog, ToolContext, ToolKind, ToolOutcome, ToolRegistration, ToolSpec, Tools};
