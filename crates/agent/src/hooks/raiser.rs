//! Raising hooks from wherever the agent or a session lives.

use purlin_kernel::{Hook, HookDecl, Kernel, Object, Outcome, Port};

/// A way to raise hooks: through a port from another thread, at the kernel itself, or nowhere.
#[derive(Clone, Default)]
pub struct Raiser(Way);

#[derive(Clone, Default)]
enum Way {
    #[default]
    None,
    Port(Port),
    Kernel(Kernel),
}

impl Raiser {
    /// Raises nothing: there is no kernel.
    pub fn none() -> Self {
        Self::default()
    }

    /// Raises through a port, from any thread.
    pub fn port(port: Port) -> Self {
        Self(Way::Port(port))
    }

    /// Raises at a kernel on its own thread.
    pub fn kernel(kernel: Kernel) -> Self {
        Self(Way::Kernel(kernel))
    }

    /// The port, if this is one.
    pub fn as_port(&self) -> Option<&Port> {
        match &self.0 {
            Way::Port(port) => Some(port),
            Way::None | Way::Kernel(_) => None,
        }
    }

    /// Tells whether a hook may have handlers: one relaxed load.
    pub fn wants(&self, decl: &HookDecl) -> bool {
        match &self.0 {
            Way::None => false,
            Way::Port(port) => port.wants(decl),
            Way::Kernel(kernel) => kernel.hook().wants(decl),
        }
    }

    /// Tells observers, without waiting; the payload is made only if there may be one.
    pub fn observe<H: Hook>(&self, payload: impl FnOnce() -> Object) {
        if !self.wants(H::DECL) {
            return;
        }
        match &self.0 {
            Way::None => {}
            // An observer's message is sent by the call; its future has nothing to wait for.
            Way::Port(port) => drop(port.raise(H::DECL, payload())),
            Way::Kernel(kernel) => kernel.hook().observe(H::DECL, payload()),
        }
    }

    /// Raises a hook and waits for its handlers; `None` if nobody handles it.
    pub async fn raise<H: Hook>(&self, payload: impl FnOnce() -> Object) -> Option<(H::Answer, Outcome)> {
        if !self.wants(H::DECL) {
            return None;
        }
        let outcome = match &self.0 {
            Way::None => return None,
            Way::Port(port) => port.raise(H::DECL, payload()).await,
            Way::Kernel(kernel) => kernel.hook().raise(H::DECL.name, payload()).await,
        };
        // The dispatcher has checked the types of the fields, so a mismatch can only be a missing answer.
        let answer = serde_json::from_value(outcome.answer.clone().into()).unwrap_or_default();
        Some((answer, outcome))
    }
}

impl std::fmt::Debug for Raiser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match &self.0 {
            Way::None => "Raiser(none)",
            Way::Port(_) => "Raiser(port)",
            Way::Kernel(_) => "Raiser(kernel)",
        })
    }
}

/// Makes a payload of a JSON object literal.
macro_rules! payload {
    ($($json:tt)+) => {
        match serde_json::json!($($json)+) {
            serde_json::Value::Object(map) => map,
            _ => purlin_kernel::Object::new(),
        }
    };
}
pub(crate) use payload;
