//! Commands: one registry for slash commands and actions, built in or added.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::guard::{DeadlineClass, Level};
use crate::hooks::nearest;
use crate::{ErrorKind, ExtId, Handle, HandlerError, Kernel, LBF, RegId, Topic};

/// Where a command is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CommandKind {
    /// After a slash, and everywhere else.
    #[default]
    Slash,
    /// For keymaps and other code only.
    Action,
}

/// What a command is called with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandCall {
    /// The text after the name.
    pub args: String,
    /// Its words.
    pub words: Vec<String>,
}

impl CommandCall {
    /// Splits the words of `args`.
    pub fn new(args: &str) -> Self {
        Self { args: args.to_owned(), words: args.split_whitespace().map(str::to_owned).collect() }
    }
}

/// What a command answers: text to show, or nothing.
pub type CommandResult = Result<Option<String>, HandlerError>;
/// The code of a command.
pub type CommandFn = Rc<dyn Fn(CommandCall) -> LBF<CommandResult>>;
/// Completes the text after a command's name.
pub type CompleteFn = Rc<dyn Fn(&str) -> Result<Vec<String>, HandlerError>>;

/// Describes a command.
#[derive(Clone)]
pub struct CommandSpec {
    /// Its name, without a slash.
    pub name: String,
    /// What it does, one sentence.
    pub desc: String,
    /// How its arguments are written, such as `[FILE]`.
    pub args: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// Completes its arguments.
    pub complete: Option<CompleteFn>,
    /// Where it is offered.
    pub kind: CommandKind,
    /// Where it was written, where known.
    pub place: Option<crate::Place>,
    /// Its code.
    pub run: CommandFn,
}

impl CommandSpec {
    /// Describes a command by its name, sentence and code; the rest is empty.
    pub fn new(
        name: impl Into<String>,
        desc: impl Into<String>,
        run: impl Fn(CommandCall) -> LBF<CommandResult> + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            desc: desc.into(),
            args: String::new(),
            aliases: Vec::new(),
            complete: None,
            kind: CommandKind::Slash,
            place: None,
            run: Rc::new(run),
        }
    }

    /// Describes an action that ends at once.
    pub fn action(
        name: impl Into<String>,
        desc: impl Into<String>,
        run: impl Fn(&CommandCall) -> CommandResult + 'static,
    ) -> Self {
        let mut spec = Self::new(name, desc, move |call| Box::pin(std::future::ready(run(&call))));
        spec.kind = CommandKind::Action;
        spec
    }
}

impl std::fmt::Debug for CommandSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommandSpec").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One line of the list of commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandListing {
    /// Its name.
    pub name: String,
    /// What it does.
    pub desc: String,
    /// How its arguments are written.
    pub args: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// Where it is offered.
    pub kind: CommandKind,
    /// Who added it.
    pub owner: ExtId,
}

struct Entry {
    id: RegId,
    owner: ExtId,
    /// Its place among those of one name.
    seat: RegId,
    spec: CommandSpec,
}

#[derive(Default)]
pub(crate) struct CommandTable {
    /// Every name and alias; the first that is not shadowed wins.
    names: RefCell<BTreeMap<String, Vec<Rc<Entry>>>>,
}

/// Creates, finds and runs commands; made by [`Kernel::command`].
#[derive(Clone, Copy, Debug)]
pub struct Commands<'k>(&'k Kernel);

impl Commands<'_> {
    /// Adds a command. Of two with one name the built-in wins, then the one that was there first; the clash is a
    /// diagnostic that names both. A new generation of an extension has the names that the old one had.
    pub fn create(self, owner: ExtId, spec: CommandSpec) -> Handle {
        let id = self.0.next_reg();
        let seat = self.0.ext().seat(owner, "command", &spec.name, id);
        let label = spec.name.clone();
        let entry = Rc::new(Entry { id, owner, seat, spec });
        self.report_clashes(&entry);
        let unlinked = entry.clone();
        let spec = &entry.spec;
        let texts = spec.desc.len() + spec.args.len() + spec.aliases.iter().map(String::len).sum::<usize>();
        self.0.register_sized(
            id,
            owner,
            "command",
            label,
            texts,
            move |kernel| kernel.command().link(&entry),
            move |kernel| kernel.command().unlink(&unlinked),
        )
    }

    fn report_clashes(self, entry: &Entry) {
        if entry.seat != entry.id {
            // The generation before was told.
            return;
        }
        for name in entry.names() {
            let Some(other) = self.entry(name) else { continue };
            let (first, second) =
                if other.order() < entry.order() { (&*other, entry) } else { (entry, &*other) };
            let (holder, loser) = (self.0.ext().name(first.owner), self.0.ext().name(second.owner));
            let text = format!(
                "`{name}` is already a command of `{holder}`, which keeps the name; that of `{loser}` does not run under it"
            );
            self.0.guard().warn(second.owner, "command", text);
        }
    }

    fn link(self, entry: &Rc<Entry>) {
        {
            let mut names = self.0.0.commands.names.borrow_mut();
            for name in entry.names() {
                let list = names.entry(name.clone()).or_default();
                let at = list.partition_point(|other| other.order() < entry.order());
                list.insert(at, entry.clone());
            }
        }
        self.0.changed(Topic::Registrations);
    }

    fn unlink(self, entry: &Rc<Entry>) {
        {
            let mut names = self.0.0.commands.names.borrow_mut();
            for name in entry.names() {
                if let Some(list) = names.get_mut(name) {
                    list.retain(|other| other.id != entry.id);
                    if list.is_empty() {
                        names.remove(name);
                    }
                }
            }
        }
        self.0.changed(Topic::Registrations);
    }

    fn entry(self, name: &str) -> Option<Rc<Entry>> {
        self.0.0.commands.names.borrow().get(name)?.first().cloned()
    }

    /// Answers the command that runs under a name or alias.
    pub fn get(self, name: &str) -> Option<CommandListing> {
        self.entry(name).map(|entry| entry.listing())
    }

    /// Lists the commands that can be run, by name; aliases are not listed again.
    pub fn list(self) -> Vec<CommandListing> {
        let names = self.0.0.commands.names.borrow();
        let first = names.iter().filter_map(|(name, list)| Some((name, list.first()?)));
        first.filter(|(name, entry)| **name == entry.spec.name).map(|(_, entry)| entry.listing()).collect()
    }

    /// Lists the slash commands whose name or alias begins with `prefix`.
    pub fn complete(self, prefix: &str) -> Vec<CommandListing> {
        let matches = |c: &CommandListing| {
            c.kind == CommandKind::Slash
                && (c.name.starts_with(prefix) || c.aliases.iter().any(|alias| alias.starts_with(prefix)))
        };
        self.list().into_iter().filter(matches).collect()
    }

    /// Completes the arguments of a command; a completer that fails offers nothing.
    pub fn complete_args(self, name: &str, prefix: &str) -> Vec<String> {
        let Some(entry) = self.entry(name) else { return Vec::new() };
        let Some(complete) = entry.spec.complete.clone() else { return Vec::new() };
        let what = format!("completion of `{name}`");
        // The guard has recorded the failure.
        self.0
            .guard()
            .stretch(entry.owner, DeadlineClass::Main, &what, || complete(prefix))
            .unwrap_or_default()
    }

    /// Answers the slash command somebody probably meant.
    pub fn nearest(self, name: &str) -> Option<String> {
        let list = self.list();
        let slash = list.iter().filter(|command| command.kind == CommandKind::Slash);
        nearest(name, slash.map(|command| command.name.as_str())).map(str::to_owned)
    }

    /// Answers the command or action somebody probably meant.
    pub(crate) fn nearest_of_all(self, name: &str) -> Option<String> {
        let list = self.list();
        nearest(name, list.iter().map(|command| command.name.as_str())).map(str::to_owned)
    }

    /// Runs a command; what it answers is for the caller to show.
    pub fn run(self, name: &str, args: &str) -> LBF<CommandResult> {
        let Some(entry) = self.entry(name) else {
            let hint = self.nearest(name).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let error = HandlerError::new(format!("unknown command `{name}`{hint}"));
            return Box::pin(std::future::ready(Err(error)));
        };
        let what = format!("command `{name}`");
        if self.0.guard().is_suspended(entry.owner) {
            let extension = self.0.ext().name(entry.owner);
            let text = format!(
                "`{name}` belongs to extension `{extension}`, which is suspended; \
                 resume it with `/extensions resume {extension}`"
            );
            return Box::pin(std::future::ready(Err(HandlerError::of(ErrorKind::Cancelled, text))));
        }
        let call = CommandCall::new(args);
        let (owner, place) = (entry.owner, entry.spec.place.clone());
        let body = Box::pin(async move { (entry.spec.run)(call).await });
        self.0.guard().future_at(owner, DeadlineClass::Main, what, place, body)
    }

    /// Runs a command at once as far as it goes without waiting, the rest as a task; shows what it answers.
    pub fn invoke(self, name: &str, args: &str) {
        let mut future = self.run(name, args);
        // The first poll happens here so that an edit is done before the frame that follows; a future that waits
        // is polled again with its task's waker.
        match future.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())) {
            Poll::Ready(result) => self.show(name, result),
            Poll::Pending => {
                let (kernel, name) = (self.0.clone(), name.to_owned());
                let task = async move {
                    let result = future.await;
                    kernel.command().show(&name, result);
                };
                self.0.spawn(ExtId::CORE, Box::pin(task));
            }
        }
    }

    /// Shows a command's answer or error as a notice.
    pub fn show(self, name: &str, result: CommandResult) {
        match result {
            Ok(None) => {}
            Ok(Some(text)) => self.0.ui().notify(ExtId::CORE, text, Level::Info),
            Err(error) => self.0.ui().notify(ExtId::CORE, format!("`{name}`: {error}"), Level::Error),
        }
    }
}

impl Entry {
    fn names(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.spec.name).chain(&self.spec.aliases)
    }

    fn order(&self) -> (bool, RegId, RegId) {
        (self.owner != ExtId::CORE, self.seat, self.id)
    }

    fn listing(&self) -> CommandListing {
        let spec = &self.spec;
        CommandListing {
            name: spec.name.clone(),
            desc: spec.desc.clone(),
            args: spec.args.clone(),
            aliases: spec.aliases.clone(),
            kind: spec.kind,
            owner: self.owner,
        }
    }
}

impl Kernel {
    /// Creates, finds and runs commands.
    pub fn command(&self) -> Commands<'_> {
        Commands(self)
    }
}
