//! The hooks that the program itself raises: the configuration changed, an extension came or went.

use purlin_kernel::{ExtId, Field, HookDecl, Kernel, Ty};

/// Fires when a setting has changed, whoever changed it.
pub static CONFIG_CHANGE: HookDecl = HookDecl::future("config_change")
    .payload(&[
        Field::new("path", Ty::Str, "The setting, as a dotted path."),
        Field::new("new", Ty::Any, "Its value now; nil if nobody sets it any more."),
        Field::new("previous", Ty::Any, "Its value before; nil if nobody had set it."),
    ])
    .doc("Fires when a value of the configuration has changed: written by an extension, or edited by hand.");

/// Fires when an extension has begun to work.
pub static EXTENSION_LOAD: HookDecl = HookDecl::future("extension_load")
    .payload(&[
        Field::new("extension", Ty::Str, "Its name."),
        Field::one_of("reason", &["start", "reload", "resume"], "Why"),
    ])
    .doc("Fires when an extension was loaded, or runs again after it was suspended.");

/// Fires when an extension has stopped working.
pub static EXTENSION_UNLOAD: HookDecl = HookDecl::future("extension_unload")
    .payload(&[
        Field::new("extension", Ty::Str, "Its name."),
        Field::one_of("reason", &["reload", "suspend", "remove"], "Why"),
    ])
    .doc("Fires when an extension was unloaded or suspended; it is told to the others.");

/// Every hook of this crate, in the order of the contract.
pub static ALL: &[&HookDecl] = &[&CONFIG_CHANGE, &EXTENSION_LOAD, &EXTENSION_UNLOAD];

/// Makes every hook of this crate known to a kernel.
pub fn declare_all(kernel: &Kernel) {
    for decl in ALL {
        kernel.hook().declare(decl);
    }
}

/// Makes a payload of fields written as JSON.
macro_rules! payload {
    ($fields:tt) => {
        match serde_json::json!($fields) {
            serde_json::Value::Object(fields) => fields,
            _ => purlin_kernel::Object::new(),
        }
    };
}
pub(crate) use payload;

/// Tells that an extension was loaded, for this reason.
pub(crate) fn loaded(kernel: &Kernel, name: &str, reason: &str) {
    kernel.hook().observe(&EXTENSION_LOAD, payload!({ "extension": name, "reason": reason }));
}

/// Tells that an extension was unloaded, for this reason.
pub(crate) fn unloaded(kernel: &Kernel, name: &str, reason: &str) {
    kernel.hook().observe(&EXTENSION_UNLOAD, payload!({ "extension": name, "reason": reason }));
}

/// Tells of suspensions from now on.
pub(crate) fn tell_suspensions(kernel: &Kernel) {
    let weak = kernel.downgrade();
    kernel.guard().on_suspend(std::rc::Rc::new(move |ext: ExtId, _reason: &str| {
        if let Some(kernel) = weak.upgrade() {
            unloaded(&kernel, &kernel.ext().name(ext), "suspend");
        }
    }));
}
