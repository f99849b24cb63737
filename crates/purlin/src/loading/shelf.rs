//! The extensions that were asked for: where each comes from, how its loading went, loading it anew.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use purlin_kernel::{ExtId, Kernel, WeakKernel};
use purlin_lua::{LuaExtension, PathError};

use crate::hooks;

/// One extension that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name: its own, or that of its file while it could not be read.
    pub name: String,
    /// The file or folder it is loaded from.
    pub path: PathBuf,
    /// The path that was asked for: the same, or a folder of extensions.
    asked: PathBuf,
    /// The version in its manifest; empty without one.
    pub version: String,
    /// What its manifest says it is for.
    pub description: String,
    /// Its number in the kernel, while it is loaded.
    pub ext: Option<ExtId>,
    /// Why it was not loaded, or not loaded anew.
    pub failure: Option<String>,
}

/// The extensions of one kernel that came from files. Clones are the same shelf.
#[derive(Clone)]
pub struct Shelf(Rc<Inner>);

struct Inner {
    kernel: WeakKernel,
    kept: RefCell<Vec<Kept>>,
}

/// What became of an attempt to load an extension anew, as a sentence.
pub type Reloaded = Result<String, String>;

const ENDING: &str = "The program is about to end.";

impl Shelf {
    /// An empty shelf.
    pub fn new(kernel: &Kernel) -> Self {
        Self(Rc::new(Inner { kernel: kernel.downgrade(), kept: RefCell::default() }))
    }

    /// Loads the extensions in order; what cannot be loaded is said and stops nothing.
    pub fn load(&self, paths: &[PathBuf], mut say: impl FnMut(&str)) {
        for asked in paths {
            let each = LuaExtension::each_from_path(asked);
            for (path, found) in each.unwrap_or_else(|error| vec![(asked.clone(), Err(error))]) {
                let kept = match found {
                    Ok(extension) => self.load_one(extension),
                    Err(error) => Some(unusable(&path, &error)),
                };
                let Some(kept) = kept else { return };
                let kept = Kept { asked: asked.clone(), ..kept };
                if let Some(failure) = &kept.failure {
                    say(failure);
                }
                self.0.kept.borrow_mut().push(kept);
            }
        }
    }

    fn load_one(&self, extension: LuaExtension) -> Option<Kept> {
        let kernel = self.0.kernel.upgrade()?;
        let mut kept = describe(&extension);
        if let Some(taken) = self.taken(&kept, None) {
            kept.failure = Some(format!("Extension `{}` was not loaded: {taken}.", kept.name));
            return Some(kept);
        }
        match kernel.ext().load(Box::new(extension)) {
            Ok(ext) => {
                kept.ext = Some(ext);
                hooks::loaded(&kernel, &kept.name, "start");
            }
            Err(error) => kept.failure = Some(format!("The {error}.")),
        }
        Some(kept)
    }

    /// Why a name cannot be had: another is loaded under it, whose state and options these would be. `own` is the place of
    /// the extension in the list, if it has one.
    fn taken(&self, new: &Kept, own: Option<usize>) -> Option<String> {
        let kept = self.0.kept.borrow();
        let mut others = kept.iter().enumerate().filter(|(at, _)| Some(*at) != own).map(|(_, other)| other);
        let other = others.find(|other| other.name == new.name && other.ext.is_some())?;
        let (here, there) = (new.path.display(), other.path.display());
        Some(format!("`{there}` has that name already; give `{here}` another, or load one of them only"))
    }

    /// The extensions, in the order in which they were asked for.
    pub fn list(&self) -> Vec<Kept> {
        self.0.kept.borrow().clone()
    }

    /// Has exactly the extensions of these paths: those of others are unloaded, those of new ones loaded. Answers what was done,
    /// a sentence each; what cannot be loaded goes to `say`.
    pub fn arrange(&self, paths: &[PathBuf], say: impl FnMut(&str)) -> Vec<String> {
        let Some(kernel) = self.0.kernel.upgrade() else { return Vec::new() };
        let gone: Vec<Kept> =
            self.0.kept.borrow_mut().extract_if(.., |kept| !paths.contains(&kept.asked)).collect();
        let mut done = Vec::new();
        for kept in gone {
            let Some(ext) = kept.ext.filter(|ext| kernel.ext().is_loaded(*ext)) else { continue };
            kernel.ext().unload(ext);
            hooks::unloaded(&kernel, &kept.name, "remove");
            done.push(format!("Extension `{}` was unloaded.", kept.name));
        }
        let asked = |path: &PathBuf| self.0.kept.borrow().iter().any(|kept| kept.asked == *path);
        let fresh: Vec<PathBuf> = paths.iter().filter(|path| !asked(path)).cloned().collect();
        let before = self.0.kept.borrow().len();
        self.load(&fresh, say);
        let kept = self.0.kept.borrow();
        let loaded = kept.iter().skip(before).filter(|kept| kept.ext.is_some());
        done.extend(loaded.map(|kept| format!("Extension `{}` was loaded.", kept.name)));
        done
    }

    /// Loads one anew, from where it was; the version before goes on if that fails.
    pub fn reload(&self, name: &str) -> Reloaded {
        let at = self.0.kept.borrow().iter().position(|kept| kept.name == name);
        at.map_or_else(|| Err(self.unknown(name)), |at| self.reload_at(at))
    }

    /// Does the same for the one of this path; nothing where it is gone.
    pub fn reload_path(&self, path: &Path) -> Option<Reloaded> {
        let at = self.0.kept.borrow().iter().position(|kept| kept.path == path)?;
        Some(self.reload_at(at))
    }

    fn reload_at(&self, at: usize) -> Reloaded {
        let kernel = self.0.kernel.upgrade().ok_or(ENDING)?;
        let before = self.0.kept.borrow().get(at).cloned().ok_or(ENDING)?;
        let running = before.ext.filter(|ext| kernel.ext().is_loaded(*ext));
        let anew = self.load_anew(&kernel, at, &before, running);
        match anew {
            Ok(after) => {
                if running.is_some() {
                    hooks::unloaded(&kernel, &before.name, "reload");
                }
                hooks::loaded(&kernel, &after.name, "reload");
                let done = if running.is_some() { "reloaded" } else { "loaded" };
                let sentence = format!("Extension `{}` was {done}.", after.name);
                self.put(at, after);
                Ok(sentence)
            }
            Err(why) => {
                let sentence = match running {
                    Some(_) => {
                        format!("Extension `{}` was not reloaded, it goes on as it was: {why}.", before.name)
                    }
                    None => format!("Extension `{}` was not loaded: {why}.", before.name),
                };
                self.put(at, Kept { failure: Some(sentence.clone()), ..before });
                Err(sentence)
            }
        }
    }

    /// Loads the extension that is at the path now, in the place of the one that runs.
    fn load_anew(
        &self,
        kernel: &Kernel,
        at: usize,
        before: &Kept,
        running: Option<ExtId>,
    ) -> Result<Kept, String> {
        let extension = LuaExtension::from_path(&before.path).map_err(|error| error.to_string())?;
        let after = describe(&extension);
        if let Some(taken) = self.taken(&after, Some(at)) {
            return Err(taken);
        }
        let loaded = match running {
            Some(old) => kernel.ext().replace(old, Box::new(extension)),
            None => kernel.ext().load(Box::new(extension)),
        };
        let ext = loaded.map_err(|error| error.source.to_string())?;
        Ok(Kept { ext: Some(ext), asked: before.asked.clone(), ..after })
    }

    fn put(&self, at: usize, kept: Kept) {
        if let Some(place) = self.0.kept.borrow_mut().get_mut(at) {
            *place = kept;
        }
    }

    /// Lets a suspended extension run again.
    pub fn resume(&self, name: &str) -> Reloaded {
        let kernel = self.0.kernel.upgrade().ok_or(ENDING)?;
        // What is not from a file, such as what was typed, can be suspended as well.
        let ext = kernel.ext().find(name).ok_or_else(|| self.unknown(name))?;
        if !kernel.guard().is_suspended(ext) {
            return Ok(format!("`{name}` is not suspended."));
        }
        kernel.guard().resume(ext);
        hooks::loaded(&kernel, name, "resume");
        Ok(format!("`{name}` runs again."))
    }

    fn unknown(&self, name: &str) -> String {
        let kept = self.0.kept.borrow();
        let near = purlin_kernel::nearest(name, kept.iter().map(|kept| kept.name.as_str()));
        let near = near.map_or_else(|| ".".to_owned(), |near| format!("; did you mean `{near}`?"));
        format!("No extension is called `{name}`{near}")
    }
}

/// One of which not even the name can be read.
fn unusable(path: &Path, error: &PathError) -> Kept {
    Kept {
        name: path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        path: path.to_owned(),
        asked: path.to_owned(),
        version: String::new(),
        description: String::new(),
        ext: None,
        failure: Some(format!("An extension was not loaded: {error}.")),
    }
}

fn describe(extension: &LuaExtension) -> Kept {
    Kept {
        name: purlin_kernel::Extension::name(extension).to_owned(),
        path: extension.path().to_owned(),
        asked: extension.path().to_owned(),
        version: extension.version().to_owned(),
        description: extension.description().to_owned(),
        ext: None,
        failure: None,
    }
}
