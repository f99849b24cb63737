//! `purlin.action`: the built-in actions, which are commands.

use super::declare::{ApiFn, Run, Ty, opt, req};

pub(super) const FNS: &[ApiFn] = &[ApiFn {
    name: "action.run",
    params: &[
        req("name", Ty::String, "Such as `submit`, `history.prev`, `interrupt`, `prompt.cancel`."),
        opt("args", Ty::Text, "The text after the name."),
    ],
    returns: "true | nil, string",
    errors: &[],
    doc: "Runs an action or command at once as far as it goes without waiting; what it answers is shown.",
    example: "purlin.command.create('noop', function() end)\nassert(purlin.action.run('noop'))",
    run: Run::Now(|call| {
        let (name, args) = (call.string(0)?, call.opt_string(1)?.unwrap_or_default());
        let kernel = call.kernel()?;
        if kernel.command().get(&name).is_none() {
            let near = kernel.command().nearest(&name);
            let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return call.nothing(&format!("unknown action `{name}`{hint}"));
        }
        kernel.command().invoke(&name, &args);
        call.one(true)
    }),
}];
