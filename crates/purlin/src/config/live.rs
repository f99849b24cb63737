//! The configuration while the program runs: what extensions read and write of it, and what people edit by hand.
//!
//! There is one way in: the files are read anew, whoever changed them, and what differs from before is told: to the
//! program, which puts it in force, and as the hook `config_change`.

use std::cell::RefCell;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::SelectAll;
use purlin_agent::ModelRef;
use purlin_kernel::host::FileEvent;
use purlin_kernel::{Chosen, ConfigScope, ConfigStore, ExtId, HandlerError, Kernel, OptionSpec, WeakKernel};
use serde_json::{Map, Value as Json};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::options::{self, Declared};
use super::{Config, Loaded, Sources, candidates, load, write};
use crate::hooks::{CONFIG_CHANGE, payload};
use crate::start::variable;

/// How long files must be quiet before they are read: an editor writes more than once.
const QUIET: Duration = Duration::from_millis(300);

/// How long they may be written before they are read all the same.
const LONGEST: Duration = Duration::from_secs(3);

/// What stands in place of a value that is nobody's business.
const SECRET: &str = "(secret)";

/// A setting that has changed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    /// Its path.
    pub path: Vec<String>,
    /// Its value now; nothing if nobody sets it any more.
    pub new: Option<Json>,
    /// Its value before.
    pub previous: Option<Json>,
}

/// Puts changes in force.
type Apply = Rc<dyn Fn(&Config, &[Change])>;

/// The configuration of a running program. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Live(Rc<Inner>);

struct Inner {
    kernel: WeakKernel,
    user: PathBuf,
    explicit: bool,
    cwd: PathBuf,
    /// The model of the command line, which wins over all files.
    model: Option<String>,
    loaded: RefCell<Loaded>,
    apply: RefCell<Option<Apply>>,
}

impl Live {
    /// Takes over what was read at the start, and lets extensions read and change it.
    pub(crate) fn new(kernel: &Kernel, sources: &Sources<'_>, loaded: Loaded, model: Option<String>) -> Self {
        let live = Self(Rc::new(Inner {
            kernel: kernel.downgrade(),
            user: sources.user.clone(),
            explicit: sources.explicit,
            cwd: sources.cwd.to_owned(),
            model,
            loaded: RefCell::new(loaded),
            apply: RefCell::default(),
        }));
        kernel.guard().set_limits(live.0.loaded.borrow().config.limits.clone());
        kernel.config().keep_in(Rc::new(live.clone()));
        kernel.option().choose_from(Rc::new(live.clone()));
        live
    }

    /// Calls `apply` with what has changed, whenever something has.
    pub(crate) fn on_change(&self, apply: impl Fn(&Config, &[Change]) + 'static) {
        self.0.apply.replace(Some(Rc::new(apply)));
    }

    /// Reads the files anew and tells what has changed; where they cannot be read, everything stays as it was.
    pub(crate) fn reload(&self) -> Result<(), String> {
        let inner = &self.0;
        let sources = Sources { user: inner.user.clone(), explicit: inner.explicit, cwd: &inner.cwd };
        let loaded = load(&sources, &variable).map_err(|report| report.to_string())?;
        let notices = new_notices(&inner.loaded.borrow().notices, &loaded.notices);
        let changes = changes(&inner.loaded.borrow(), &loaded);
        let config = loaded.config.clone();
        inner.loaded.replace(loaded);
        let Some(kernel) = inner.kernel.upgrade() else { return Ok(()) };
        for notice in notices {
            kernel.ui().notify(ExtId::CORE, notice, purlin_kernel::Level::Warn);
        }
        if changes.is_empty() {
            return Ok(());
        }
        kernel.guard().set_limits(config.limits.clone());
        let apply = inner.apply.borrow().clone();
        if let Some(apply) = apply {
            apply(&config, &changes);
        }
        for change in changes {
            let shown = |value: Option<Json>| value.map(|value| inner.shown(&change.path, value));
            let (new, previous) = (shown(change.new.clone()), shown(change.previous.clone()));
            let fields = payload!({ "path": change.path.join("."), "new": new, "previous": previous });
            kernel.hook().observe(&CONFIG_CHANGE, fields);
        }
        Ok(())
    }

    /// The options of the configuration that no loaded extension knows or takes, as sentences; of an extension that is not
    /// loaded nothing is known.
    pub(crate) fn unknown_options(&self) -> Vec<String> {
        let chosen = self.0.loaded.borrow().config.options.clone();
        let wrong = chosen.iter().filter_map(|((extension, option), value)| {
            let why = self.0.check_option(extension, option, value).err()?;
            Some(format!("The configuration: {why}."))
        });
        wrong.collect()
    }

    /// Reads the files anew whenever somebody has written them, until the answer is aborted; nothing where the system
    /// cannot tell.
    ///
    /// With `make` the folder of the person's file is made if there is none: a file that comes to be later counts as well.
    pub(crate) fn watch(&self, make: bool) -> Option<JoinHandle<()>> {
        if let Some(folder) = self.0.user.parent().filter(|_| make) {
            // Where it cannot be made nothing can come to be in it.
            let _ = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        }
        let kernel = self.0.kernel.upgrade()?;
        let host = kernel.host();
        let mut files = vec![self.0.user.clone()];
        files.extend(self.0.candidates());
        let mut events: SelectAll<_> =
            files.into_iter().filter_map(|file| host.fs_watch(file).ok()).collect();
        if events.is_empty() {
            return None;
        }
        let weak = Rc::downgrade(&self.0);
        Some(tokio::task::spawn_local(async move {
            while settled(&mut events).await {
                let Some(inner) = weak.upgrade() else { return };
                if let Err(why) = Self(inner).reload()
                    && let Some(kernel) = kernel_of(&weak)
                {
                    let text = format!("The configuration stays as it was. {why}");
                    kernel.ui().notify(ExtId::CORE, text, purlin_kernel::Level::Error);
                }
            }
        }))
    }
}

fn kernel_of(inner: &Weak<Inner>) -> Option<Kernel> {
    inner.upgrade()?.kernel.upgrade()
}

/// Waits until something was written and then nothing more for a while; false when nobody watches any more.
async fn settled(events: &mut (impl futures_util::Stream<Item = FileEvent> + Unpin)) -> bool {
    if events.next().await.is_none() {
        return false;
    }
    let end = Instant::now() + LONGEST;
    loop {
        match tokio::time::timeout_at(end.min(Instant::now() + QUIET), events.next()).await {
            Ok(Some(_)) => {}
            Ok(None) => return false,
            Err(_quiet) => return true,
        }
    }
}

/// What is said now and was not said before.
fn new_notices(before: &[String], now: &[String]) -> Vec<String> {
    now.iter().filter(|notice| !before.contains(notice)).cloned().collect()
}

/// The settings that differ, by path.
fn changes(before: &Loaded, after: &Loaded) -> Vec<Change> {
    let mut paths: Vec<&Vec<String>> = before.values.keys().chain(after.values.keys()).collect();
    paths.sort();
    paths.dedup();
    let changed = paths.into_iter().filter_map(|path| {
        let (previous, new) = (before.values.get(path), after.values.get(path));
        (previous != new).then(|| Change {
            path: path.clone(),
            new: new.cloned(),
            previous: previous.cloned(),
        })
    });
    changed.collect()
}

impl Inner {
    /// The value as anybody may see it.
    fn shown(&self, path: &[String], value: Json) -> Json {
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        let secret = match words[..] {
            // A key may be among them.
            ["providers", _, "headers", _] => true,
            ["extensions", "options", extension, option] => {
                // What no extension has declared yet may be declared secret later.
                self.spec(extension, option).is_none_or(|spec| spec.secret)
            }
            _ => false,
        };
        if secret { Json::from(SECRET) } else { value }
    }

    /// The files that are the project's, or would be.
    fn candidates(&self) -> Vec<PathBuf> {
        candidates(&Sources { user: self.user.clone(), explicit: self.explicit, cwd: &self.cwd })
    }

    /// What a loaded extension has declared of an option.
    fn spec(&self, extension: &str, option: &str) -> Option<OptionSpec> {
        let all = self.kernel.upgrade()?.option().list();
        all.into_iter()
            .find(|found| found.extension == extension && found.spec.name == option)
            .map(|found| found.spec)
    }

    /// The file of a scope; a project without one gets it in its root, else where the program was started.
    fn file(&self, scope: ConfigScope) -> PathBuf {
        if scope == ConfigScope::User {
            return self.user.clone();
        }
        let candidates = self.candidates();
        let there = candidates.iter().find(|path| path.exists());
        let root = || candidates.iter().find(|path| is_root(path));
        let file = there.or_else(root).or(candidates.first()).cloned();
        file.unwrap_or_else(|| self.cwd.join(".purlin").join("config.toml"))
    }

    /// Checks what an extension asks to be written.
    fn check(&self, path: &str, value: &Json, scope: ConfigScope) -> Result<Vec<String>, String> {
        let parts: Vec<String> = path.split('.').map(str::to_owned).collect();
        let Some(declared) = options::find(&parts) else {
            return Err(unknown(path, &parts));
        };
        if scope == ConfigScope::Project && !declared.project {
            return Err(format!("`{path}` may not be set for a project: only your own configuration may"));
        }
        if !value.is_null() {
            self.check_value(declared, path, &parts, value)?;
        }
        Ok(parts)
    }

    fn check_value(
        &self,
        declared: &Declared,
        path: &str,
        parts: &[String],
        value: &Json,
    ) -> Result<(), String> {
        declared.value_of(path, value)?;
        if let Some(text) = value.as_str() {
            usable(parts, text).map_err(|why| format!("`{path}`: {why}"))?;
        }
        if let ["keys", .., keys] = parts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            crate::keys::mappable(keys).map_err(|why| format!("`{path}`: {why}"))?;
        }
        if let [_, "options", extension, option] = parts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            self.check_option(extension, option, value)?;
        }
        Ok(())
    }

    /// Checks an option of an extension that is loaded; nothing is known of the others.
    fn check_option(&self, extension: &str, option: &str, value: &Json) -> Result<(), String> {
        let Some(kernel) = self.kernel.upgrade() else { return Ok(()) };
        let all = kernel.option().list();
        let own = || all.iter().filter(|found| found.extension == extension);
        if kernel.ext().find(extension).is_none() {
            return Ok(());
        }
        let Some(found) = own().find(|found| found.spec.name == option) else {
            let near = purlin_kernel::nearest(option, own().map(|found| found.spec.name.as_str()));
            let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(format!("extension `{extension}` has no option `{option}`{hint}"));
        };
        found.spec.check(value).map_err(|why| format!("option `{option}` of `{extension}`: {why}"))
    }
}

/// Whether a project's file lies in the root of its repository.
fn is_root(file: &Path) -> bool {
    file.parent().and_then(Path::parent).is_some_and(|root| root.join(".git").exists())
}

/// Checks what the next start would refuse or leave out.
fn usable(parts: &[String], text: &str) -> Result<(), String> {
    match parts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["model"] => text.parse::<ModelRef>().map(drop).map_err(|error| error.to_string()),
        ["ui", "leader"] => crate::keys::mappable(text),
        ["ui", "theme"] => {
            let paths = crate::start::paths(&variable).map_err(|report| report.message)?;
            crate::themes::find(text, &paths.config).map(drop)
        }
        _ => Ok(()),
    }
}

fn unknown(path: &str, parts: &[String]) -> String {
    if options::is_table(parts) {
        return format!("`{path}` is a table of settings; write one of those below it");
    }
    let near = options::nearest(parts).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    format!("there is no setting `{path}`{near}")
}

impl ConfigStore for Live {
    fn get(&self, path: &str) -> Result<Option<Json>, HandlerError> {
        let loaded = self.0.loaded.borrow();
        let mut values = loaded.values.clone();
        drop(loaded);
        if let Some(model) = &self.0.model {
            values.insert(vec!["model".to_owned()], Json::from(model.as_str()));
        }
        let below = format!("{path}.");
        let mut tree = Map::new();
        for (parts, value) in values {
            let joined = parts.join(".");
            if joined == path {
                return Ok(Some(self.0.shown(&parts, value)));
            }
            if joined.starts_with(&below) {
                let depth = path.split('.').count();
                let value = self.0.shown(&parts, value);
                insert(&mut tree, &parts[depth.min(parts.len() - 1)..], value);
            }
        }
        Ok((!tree.is_empty()).then_some(Json::Object(tree)))
    }

    fn set(&self, path: &str, value: Json, scope: ConfigScope) -> Result<(), HandlerError> {
        let parts = self.0.check(path, &value, scope)?;
        let before = self.get(path)?;
        let written = (!value.is_null()).then_some(&value);
        write::set(&self.0.file(scope), &parts, written, || self.reload())?;
        if let (Some(kernel), Some(wins)) = (self.0.kernel.upgrade(), self.overruled(&parts, &value, scope))
            && self.get(path)? == before
        {
            let text = format!("`{path}` was written, and {wins} still wins over it");
            let ext = kernel.guard().current().unwrap_or_default();
            kernel.guard().warn(ext, "config", text);
        }
        Ok(())
    }
}

impl Live {
    /// What wins over a setting that was just written; nothing if it is in force.
    fn overruled(&self, parts: &[String], value: &Json, scope: ConfigScope) -> Option<String> {
        let loaded = self.0.loaded.borrow();
        let now = loaded.values.get(parts);
        if parts == ["model"] && self.0.model.is_some() {
            return Some("`--model`".to_owned());
        }
        if now.is_none() && value.is_null() || now.is_some_and(|now| same(now, value)) {
            return None;
        }
        let variable_name = options::find(parts)?.variable();
        if let Some(name) = variable_name.filter(|name| variable(name).is_some()) {
            return Some(format!("the variable `{name}`"));
        }
        let other = match scope {
            ConfigScope::User => self.0.candidates().into_iter().find(|path| path.exists())?,
            ConfigScope::Project => self.0.user.clone(),
        };
        Some(format!("`{}`", other.display()))
    }
}

/// Whether two values are one; Lua's numbers are floating ones.
fn same(a: &Json, b: &Json) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

fn insert(tree: &mut Map<String, Json>, parts: &[String], value: Json) {
    let Some((first, rest)) = parts.split_first() else { return };
    if rest.is_empty() {
        tree.insert(first.clone(), value);
        return;
    }
    let inner = tree.entry(first.clone()).or_insert_with(|| Json::Object(Map::new()));
    if let Json::Object(inner) = inner {
        insert(inner, rest, value);
    }
}

impl Chosen for Live {
    fn variable(&self, name: &str) -> Option<String> {
        variable(name).and_then(|value| value.into_string().ok())
    }

    fn configured(&self, extension: &str, option: &str) -> Option<Json> {
        let place = (extension.to_owned(), option.to_owned());
        self.0.loaded.borrow().config.options.get(&place).cloned()
    }
}
