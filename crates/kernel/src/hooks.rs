//! Named points at which extension handlers run, and how their answers become one.
//!
//! A hook is declared once, as a [`HookDecl`], by the crate that raises it. Handlers register by name; each field of
//! an answer has one [`Combine`]. Interest is an atomic counter per hook, so a hook that nobody handles costs its
//! raiser one relaxed load on any thread and no allocation.

mod combine;
mod decl;
mod dispatch;
mod event;
mod filter;
mod interest;
mod nearest;
mod raise;
mod table;
pub mod terminal;

pub use combine::{Dispatched, Outcome};
pub use decl::{AnswerField, Combine, Field, Hook, HookDecl, HookMode, Ty, Values};
pub use event::{HookEvent, Payload};
pub use nearest::nearest;
pub use table::{AsyncFn, HandlerFn, HookError, HookListing, Hooks, OnOptions, Phase, SyncFn};

pub(crate) use interest::Interest;
pub(crate) use table::HookTable;

use serde_json::{Map, Value};

/// A JSON object.
pub type Object = Map<String, Value>;
