//! `purlin.has`: what this version knows, asked by name.

use purlin_kernel::Kernel;

use super::declare::{ApiFn, Opt, Ty};
use super::{find, functions};
use crate::compat;

/// What stands on the module beside its functions.
const VALUES: [&str; 5] = ["null", "version", "api_level", "purlin", "librecode"];

/// Whether a function, a namespace, a hook or a part of one of them is there.
pub(super) fn has(kernel: &Kernel, feature: &str) -> bool {
    VALUES.contains(&feature)
        || is_function(feature)
        || is_namespace(feature)
        || is_hook(kernel, feature)
        || is_option(feature)
}

fn is_function(name: &str) -> bool {
    let alias = || {
        let (namespace, short) = name.rsplit_once('.')?;
        compat::aliases(namespace).iter().find(|(alias, _)| *alias == short)
    };
    find(name).is_some() || alias().is_some()
}

fn is_namespace(name: &str) -> bool {
    let is_declared = || functions().any(|declared| declared.namespace() == name);
    !name.is_empty() && (is_declared() || !compat::aliases(name).is_empty())
}

/// A hook, or a field of its event or its answer.
fn is_hook(kernel: &Kernel, name: &str) -> bool {
    let (hook, field) = name.split_once('.').map_or((name, None), |(hook, field)| (hook, Some(field)));
    kernel.hook().decl(hook).is_some_and(|decl| {
        field.is_none_or(|field| {
            let is_read = decl.payload.iter().any(|found| found.name == field);
            is_read || decl.answer.iter().any(|found| found.name == field)
        })
    })
}

/// A key of a function's options, as `function.key`; the function's namespace may be left away.
fn is_option(path: &str) -> bool {
    let ends = path.match_indices('.').map(|(at, _)| at);
    ends.into_iter().any(|at| {
        let (function, keys) = (&path[..at], &path[at + 1..]);
        functions()
            .filter(|declared| declared.name == function || declared.short_name() == function)
            .any(|declared| takes(declared, keys))
    })
}

fn takes(declared: &ApiFn, keys: &str) -> bool {
    declared.params.iter().any(|param| leads(&param.ty, keys))
}

/// Whether a path of keys leads to an option of a type.
fn leads(ty: &Ty, keys: &str) -> bool {
    let (first, rest) = keys.split_once('.').map_or((keys, None), |(first, rest)| (first, Some(rest)));
    match ty {
        Ty::Options(options) => {
            let found = options.iter().find(|option: &&Opt| option.name == first);
            found.is_some_and(|option| rest.is_none_or(|rest| leads(&option.ty, rest)))
        }
        Ty::Either(types) => types.iter().any(|ty| leads(ty, keys)),
        _ => false,
    }
}
