//! The shape of a declaration: what a Lua function is called, takes, answers and raises.
//!
//! The argument checks, the wrong-argument tests, the reference pages and the editor stubs are
//! made from these; a function exists for authors only if it is declared.

use futures_util::future::LocalBoxFuture;
use mlua::MultiValue;

use super::call::Call;

/// One function of the Lua API: declared once, implemented beside the declaration.
pub struct ApiFn {
    /// The name below `purlin`, such as `buf.insert`, or `log`.
    pub name: &'static str,
    /// The arguments, in order.
    pub params: &'static [Param],
    /// What it answers, as a type expression, such as `string`, `Handle`, `boolean|nil, string`.
    pub returns: &'static str,
    /// When it raises an error, beside wrong arguments; one sentence each.
    pub errors: &'static [&'static str],
    /// What it does, in one or a few sentences.
    pub doc: &'static str,
    /// A piece of Lua that runs as it stands.
    pub example: &'static str,
    /// The implementation.
    pub run: Run,
}

/// How a function is run.
pub enum Run {
    /// It answers at once.
    Now(fn(&Call) -> mlua::Result<MultiValue>),
    /// It waits: only a coroutine of the runtime may call it.
    Wait(fn(Call) -> Waiting),
}

/// The future of a function that waits.
pub type Waiting = LocalBoxFuture<'static, mlua::Result<MultiValue>>;

impl ApiFn {
    /// The namespace, empty for the functions directly on `purlin`.
    pub fn namespace(&self) -> &'static str {
        self.name.rsplit_once('.').map_or("", |(namespace, _)| namespace)
    }

    /// The name inside its namespace.
    pub fn short_name(&self) -> &'static str {
        self.name.rsplit_once('.').map_or(self.name, |(_, name)| name)
    }

    /// Whether it waits.
    pub fn waits(&self) -> bool {
        matches!(self.run, Run::Wait(_))
    }
}

/// One argument.
pub struct Param {
    /// Its name in the reference.
    pub name: &'static str,
    /// What it may be.
    pub ty: Ty,
    /// Whether it may be absent.
    pub need: Need,
    /// What it means, with units and ranges.
    pub doc: &'static str,
}

/// Whether an argument may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It must be there.
    Required,
    /// It may be absent or nil.
    Optional,
    /// It may be left out from the middle: the arguments after it move up, as in `on(name, fn)`.
    Skippable,
    /// All further arguments.
    Rest,
}

/// The type of an argument or option.
#[derive(Clone, Copy, Debug)]
pub enum Ty {
    /// Anything, nil included.
    Any,
    /// Anything but nil.
    Value,
    /// A boolean.
    Boolean,
    /// A number without a fraction.
    Integer,
    /// A number.
    Number,
    /// Text; a number is refused.
    String,
    /// Text; a number is taken as its text.
    Text,
    /// A function that is called where nothing can wait.
    Function,
    /// A function that may wait: it is run as a coroutine.
    AsyncFunction,
    /// Any table.
    Table,
    /// A table with list items only.
    List,
    /// A table whose keys are the declared options; another key raises an error.
    Options(&'static [Opt]),
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// One of several types.
    Either(&'static [Ty]),
}

/// One key of an options table.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// The key.
    pub name: &'static str,
    /// What it may be.
    pub ty: Ty,
    /// Whether it must be there.
    pub required: bool,
    /// What it means, with the default.
    pub doc: &'static str,
}

/// A required argument.
pub(crate) const fn req(name: &'static str, ty: Ty, doc: &'static str) -> Param {
    Param { name, ty, need: Need::Required, doc }
}

/// An optional argument.
pub(crate) const fn opt(name: &'static str, ty: Ty, doc: &'static str) -> Param {
    Param { name, ty, need: Need::Optional, doc }
}

/// An argument that may be left out from the middle.
pub(crate) const fn skip(name: &'static str, ty: Ty, doc: &'static str) -> Param {
    Param { name, ty, need: Need::Skippable, doc }
}

/// All further arguments.
pub(crate) const fn rest(name: &'static str, doc: &'static str) -> Param {
    Param { name, ty: Ty::Any, need: Need::Rest, doc }
}

/// A key that may be absent.
pub(crate) const fn key(name: &'static str, ty: Ty, doc: &'static str) -> Opt {
    Opt { name, ty, required: false, doc }
}

/// A key that must be there.
pub(crate) const fn must(name: &'static str, ty: Ty, doc: &'static str) -> Opt {
    Opt { name, ty, required: true, doc }
}
