//! The programmable heart of Purlin: hooks, buffers, windows, layout, keymaps, commands, timers and dialogs.
//!
//! A [`Kernel`] turns every key, buffer, window and prompt into a primitive that an extension can observe, rewrite or
//! replace. It knows no terminal, no scripting language, no model and no store: what it needs from the outside comes
//! in through [`Host`], what it shows goes out as a [`Frame`] of a cell grid, and what other crates define (tools,
//! providers, hooks of a session) they declare to it.
//!
//! One thread owns a kernel; other threads speak to it through a [`Port`]. Methods take `&self` and borrow state
//! briefly, never across foreign code. One facade per noun: [`Kernel::hook`], [`Kernel::buf`], [`Kernel::mark`],
//! [`Kernel::win`], [`Kernel::layout`], [`Kernel::keymap`], [`Kernel::command`], [`Kernel::timer`], [`Kernel::job`],
//! [`Kernel::state`], [`Kernel::option`], [`Kernel::config`], [`Kernel::ui`], [`Kernel::guard`], [`Kernel::ext`].
//!
//! Invariants: foreign code is entered through [`Guard::stretch`] or [`Guard::future`] only; a stretch that fails takes
//! back its own changes and nobody else's; a hook nobody handles costs one relaxed load; nothing here ticks idly;
//! nothing iterates a hash map into something that can be seen.
//!
//! ```no_run
//! # fn demo(host: std::rc::Rc<dyn purlin_kernel::Host>) {
//! use purlin_kernel::{ExtId, Input, Kernel, Key, Window};
//! let kernel = Kernel::new(host);
//! kernel.buf().create(ExtId::CORE, "notes");
//! kernel.win().create(ExtId::CORE, Window::new("notes", "editor", "notes")).unwrap();
//! kernel.win().focus("notes");
//! kernel.input(Input::Key(Key::parse_single("a").unwrap().into()));
//! assert_eq!(kernel.buf().text("notes"), "a");
//! # }
//! ```

pub mod buffer;
pub mod command;
pub mod config;
pub mod edit;
pub mod error;
pub mod ext;
pub mod frame;
pub mod glob;
pub mod grid;
pub mod guard;
pub mod highlight;
pub mod hooks;
pub mod host;
pub mod input;
pub mod job;
pub mod kernel;
pub mod key;
pub mod keymap;
pub mod layout;
pub mod mark;
pub mod option;
pub mod port;
mod registry;
pub mod state;
pub mod task;
pub mod text;
pub mod timer;
mod tx;
pub mod ui;
pub mod window;

pub use buffer::{Block, BlockSource, Buffer, BufferChange, Shown};
pub use command::{CommandCall, CommandFn, CommandKind, CommandListing, CommandResult, CommandSpec};
pub use config::{ConfigScope, ConfigStore, MemoryConfig};
pub use edit::VisualLines;
pub use error::{ErrorKind, HandlerError, Place};
pub use ext::{ExtId, Extension, LoadError, LoadedExtension, Registrar, Registration};
pub use frame::Frame;
pub use grid::{Canvas, Grid};
pub use guard::{
    CancelToken, DeadlineClass, ExtReport, Guard, Level, Limit, LimitSetting, Limits, LogMessage, MemoryUse,
    Quotas, Watchdog, What, Worst,
};
pub use highlight::{Ground, HighlightSpec};
pub use hooks::{
    AnswerField, Combine, Dispatched, Field, HandlerFn, Hook, HookDecl, HookError, HookEvent, HookListing,
    HookMode, Object, OnOptions, Outcome, Payload, Phase, Ty, Values, nearest,
};
pub use host::{
    DirEntry, FileChange, FileEvent, FileStat, Host, HostError, HttpRequest, HttpResponse, LBF, Process,
    ProcessEvent, ProcessInput, ProcessSpec, TaskHandle,
};
pub use input::{Input, MouseButton, MouseEvent, MouseKind, QUIT_WINDOW_MS};
pub use job::{ExitFn, Job, JobEvents, JobExit, JobResult, OutputFn, RunningJob};
pub use kernel::{Kernel, Parting, Topic, WeakKernel};
pub use key::{Key, KeyCode, KeyEvent, KeyParseError, Mods};
pub use keymap::{
    Action, KeyAnswer, KeyBinding, KeyContext, KeymapConflict, KeymapError, KeymapListing, KeymapOptions,
    Layer, Target,
};
pub use layout::{Dir, LayoutNode, PartialRect, Rect};
pub use mark::{Mark, MarkOptions, Namespace, VirtPos};
pub use option::{Chosen, OptionListing, OptionSource, OptionSpec, OptionType};
pub use port::{Port, Progress, ServiceCall, ServiceFn};
pub use registry::{Handle, RegId};
/// The text of a [`Buffer`]; named here so that no other crate depends on the library it comes from.
pub use ropey::Rope;
pub use state::{MemoryState, Scope, StateStore};
pub use ui::{
    Confirm, ConfirmOptions, Dialog, DialogAnswer, DialogAsk, DialogBody, DialogKind, DialogRequest,
    InputComplete, InputDialog, InputOptions, Notice, Overlay, OverlayAnswer, OverlayBody, OverlayOptions,
    PickItem, PickerFeed, PickerOptions, PickerSource, ProvideFn, Reason, Select, SelectAnswer, SelectItem,
    SelectOptions, StatusSegment,
};
pub use window::{
    Anchor, Anchored, Border, Dock, DockSide, DrawOp, Length, Ownership, Placement, RenderContext, Renderer,
    Scroll, Side, Split, TextView, Window,
};
