//! The hooks that the agent and its session raise, declared once.
//!
//! Each is a type that implements [`Hook`]; [`declare_all`] makes them known to a kernel. An agent on another thread
//! raises them through a [`Raiser`], which costs one relaxed load where nobody handles a hook.

mod agent;
mod model;
mod raiser;
mod session;
mod tool;

use purlin_kernel::{HookDecl, Kernel};
use serde::Deserialize;

pub use agent::*;
pub use model::*;
pub use raiser::Raiser;
pub(crate) use raiser::payload;
pub use session::*;
pub use tool::*;

/// The answer of an observer: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct NoAnswer {}

/// Declares a hook as a type with its declaration.
macro_rules! hook {
    ($name:ident, $decl:ident, $answer:ty, $doc:literal, $expr:expr) => {
        #[doc = concat!("The declaration of [`", stringify!($name), "`].")]
        pub static $decl: purlin_kernel::HookDecl = $expr.doc($doc);
        #[doc = $doc]
        #[derive(Clone, Copy, Debug)]
        pub struct $name;
        impl purlin_kernel::Hook for $name {
            const DECL: &'static purlin_kernel::HookDecl = &$decl;
            type Payload = purlin_kernel::Object;
            type Answer = $answer;
        }
    };
}
pub(crate) use hook;

/// Every hook of this crate, in the order of the contract.
pub fn all() -> impl Iterator<Item = &'static HookDecl> {
    session::ALL.iter().chain(agent::ALL).chain(model::ALL).chain(tool::ALL).copied()
}

/// Makes every hook of this crate known to a kernel.
pub fn declare_all(kernel: &Kernel) {
    for decl in all() {
        kernel.hook().declare(decl);
    }
}
