//! `purlin.state`: values an extension keeps.

use purlin_kernel::Scope;

use super::call::Call;
use super::declare::{ApiFn, Param, Run, Ty, opt, req};

const SCOPES: &[&str] = &["session", "project", "user"];
const SCOPE: Param = opt(
    "scope",
    Ty::Choice(SCOPES),
    "`session` (the default; follows the session's forks), `project` or `user`.",
);
const KEY: Param = req("key", Ty::Text, "1 to 256 bytes.");
const UNREACHABLE: &str = "The values cannot be reached, for example because no session is open yet.";

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "state.get",
        params: &[KEY, SCOPE],
        returns: "any",
        errors: &[UNREACHABLE],
        doc: "Answers a value the extension keeps; nil if it is not set. No extension sees another's.",
        example: "assert(purlin.state.get('never set') == nil)",
        run: Run::Now(|call| {
            let (key, scope) = (call.string(0)?, scope(call, 1));
            let value = call.kernel()?.state().get(call.env.ext, scope, &key);
            call.answer(&value.map_err(|error| call.fail(error.message))?.unwrap_or_default())
        }),
    },
    ApiFn {
        name: "state.set",
        params: &[KEY, opt("value", Ty::Any, "Anything JSON has; nil deletes."), SCOPE],
        returns: "",
        errors: &[
            "The value holds something JSON has no form for; the error names its place.",
            "The extension would keep more than its quota, 4 MiB in each scope.",
            UNREACHABLE,
        ],
        doc: "Keeps a value. It is there after a reload, and for its scope after a restart; a handler that fails later does not take it back.",
        example: "purlin.state.set('seen', { 'a', 'b' }, 'user')\nassert(purlin.state.get('seen', 'user')[2] == 'b')",
        run: Run::Now(|call| {
            let (key, value, scope) = (call.string(0)?, call.json(1)?, scope(call, 2));
            let kept = call.kernel()?.state().set(call.env.ext, scope, &key, value);
            kept.map_err(|error| call.fail(error.message))?;
            call.none()
        }),
    },
    ApiFn {
        name: "state.delete",
        params: &[KEY, SCOPE],
        returns: "boolean",
        errors: &[UNREACHABLE],
        doc: "Forgets a value; false if there was none.",
        example: "purlin.state.set('seen', true)\nassert(purlin.state.delete('seen') and not purlin.state.delete('seen'))",
        run: Run::Now(|call| {
            let (key, scope) = (call.string(0)?, scope(call, 1));
            let gone = call.kernel()?.state().delete(call.env.ext, scope, &key);
            call.one(gone.map_err(|error| call.fail(error.message))?)
        }),
    },
    ApiFn {
        name: "state.keys",
        params: &[SCOPE],
        returns: "string[]",
        errors: &[UNREACHABLE],
        doc: "Lists the keys the extension keeps in a scope, sorted.",
        example: "purlin.state.set('a', 1)\nassert(purlin.state.keys()[1] == 'a')",
        run: Run::Now(|call| {
            let keys = call.kernel()?.state().keys(call.env.ext, scope(call, 0));
            call.one(keys.map_err(|error| call.fail(error.message))?)
        }),
    },
];

fn scope(call: &Call, index: usize) -> Scope {
    match call.str(index).as_deref() {
        Ok("project") => Scope::Project,
        Ok("user") => Scope::User,
        _ => Scope::Session,
    }
}
