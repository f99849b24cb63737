//! Options: what an extension lets people choose, declared with type, default and words.
//!
//! A value comes from the first of: what was set at run time, the variable `PURLIN_OPT_<EXT>_<NAME>`, the configuration,
//! the default. Values that do not fit the declaration are never answered. A secret one is answered to its extension
//! and shown to nobody.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use crate::buffer::json_bytes;
use crate::{ExtId, Handle, HandlerError, Kernel};

/// What an option's value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionType {
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// A number without a fraction.
    Integer,
    /// A number.
    Number,
    /// A list.
    List,
    /// A table with names.
    Table,
}

impl OptionType {
    /// Every type with the word that extensions write.
    pub const NAMES: [(&'static str, Self); 6] = [
        ("string", Self::String),
        ("boolean", Self::Boolean),
        ("integer", Self::Integer),
        ("number", Self::Number),
        ("list", Self::List),
        ("table", Self::Table),
    ];

    /// Finds a type by its word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(word, _)| *word == name).map(|(_, ty)| *ty)
    }

    /// The word that extensions write.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, ty)| *ty == self).map_or("", |(word, _)| word)
    }

    fn accepts(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Boolean => value.is_boolean(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::List => value.is_array(),
            Self::Table => value.is_object(),
        }
    }

    /// Reads the text of a variable.
    fn read(self, text: &str) -> Option<Value> {
        match self {
            Self::String => Some(Value::String(text.to_owned())),
            Self::Boolean => match text.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => Some(Value::Bool(true)),
                "0" | "false" | "no" | "off" => Some(Value::Bool(false)),
                _ => None,
            },
            _ => serde_json::from_str(text).ok().filter(|value| self.accepts(value)),
        }
    }
}

/// What an extension declares.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionSpec {
    /// Its name inside the extension.
    pub name: String,
    /// What its value may be.
    pub ty: OptionType,
    /// The value nobody chose; null = none.
    pub default: Value,
    /// The only values there are; empty = any of the type.
    pub choices: Vec<Value>,
    /// Whether its value is shown to nobody.
    pub secret: bool,
    /// What it is for.
    pub desc: String,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionSource {
    /// It was set while the program runs.
    Runtime,
    /// A variable of the environment.
    Environment,
    /// The configuration.
    Configuration,
    /// The declaration.
    Default,
}

impl OptionSource {
    /// The word people see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Runtime => "runtime",
            Self::Environment => "environment",
            Self::Configuration => "configuration",
            Self::Default => "default",
        }
    }
}

/// What people chose before the program began.
pub trait Chosen {
    /// Answers a variable of the environment.
    fn variable(&self, name: &str) -> Option<String>;

    /// Answers what the configuration says of an extension's option.
    fn configured(&self, extension: &str, option: &str) -> Option<Value>;
}

/// One line of the list of options.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionListing {
    /// Whose it is.
    pub extension: String,
    /// What was declared; of a secret one the default is null.
    pub spec: OptionSpec,
    /// The value in force; nothing if it is secret.
    pub value: Option<Value>,
    /// Where it comes from.
    pub source: OptionSource,
}

#[derive(Default)]
pub(crate) struct OptionTable {
    declared: RefCell<BTreeMap<(ExtId, String), Rc<OptionSpec>>>,
    /// By the extension's name, so that a reload keeps them.
    set: RefCell<BTreeMap<(String, String), Value>>,
    chosen: RefCell<Option<Rc<dyn Chosen>>>,
}

/// The largest value that is set at run time, in bytes.
const LONGEST_VALUE: usize = 64 << 10;

/// Declares, reads and sets options; made by [`Kernel::option`].
#[derive(Clone, Copy, Debug)]
pub struct Options<'k>(&'k Kernel);

impl Options<'_> {
    /// Says where to look up what people chose.
    pub fn choose_from(self, chosen: Rc<dyn Chosen>) {
        *self.0.0.options.chosen.borrow_mut() = Some(chosen);
    }

    /// Declares an option of `owner`; one of the same name is replaced. The default must fit the type and the choices.
    pub fn define(self, owner: ExtId, spec: OptionSpec) -> Result<Handle, HandlerError> {
        if spec.name.is_empty() || !spec.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let text = format!("a name of letters, digits and `_` expected, got `{}`", spec.name);
            return Err(HandlerError::new(text));
        }
        if !spec.default.is_null() {
            spec.check(&spec.default).map_err(|why| HandlerError::new(format!("the default: {why}")))?;
        }
        let id = self.0.next_reg();
        let (label, place) = (spec.name.clone(), (owner, spec.name.clone()));
        let (spec, gone) = (Rc::new(spec), place.clone());
        let choices: usize = spec.choices.iter().map(json_bytes).sum();
        let texts = spec.desc.len() + json_bytes(&spec.default) + choices;
        Ok(self.0.register_sized(
            id,
            owner,
            "option",
            label,
            texts,
            move |kernel| {
                kernel.0.options.declared.borrow_mut().insert(place.clone(), spec.clone());
            },
            move |kernel| {
                kernel.0.options.declared.borrow_mut().remove(&gone);
            },
        ))
    }

    fn spec(self, owner: ExtId, name: &str) -> Result<Rc<OptionSpec>, HandlerError> {
        let declared = self.0.0.options.declared.borrow();
        if let Some(spec) = declared.get(&(owner, name.to_owned())) {
            return Ok(spec.clone());
        }
        let own = declared.keys().filter(|(ext, _)| *ext == owner).map(|(_, name)| name.as_str());
        let near = crate::nearest(name, own);
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        Err(HandlerError::new(format!("no option `{name}` is defined{hint}")))
    }

    /// Answers the value in force, null if there is none.
    ///
    /// A chosen value that does not fit is passed over with a warning, which is said once.
    pub fn get(self, owner: ExtId, name: &str) -> Result<Value, HandlerError> {
        let spec = self.spec(owner, name)?;
        Ok(self.resolve(owner, &spec).0)
    }

    fn resolve(self, owner: ExtId, spec: &OptionSpec) -> (Value, OptionSource) {
        let table = &self.0.0.options;
        let extension = self.0.ext().name(owner);
        let set = table.set.borrow().get(&(extension.clone(), spec.name.clone())).cloned();
        // A reload may have declared another type under the same name.
        if let Some(value) = set.filter(|value| spec.check(value).is_ok()) {
            return (value, OptionSource::Runtime);
        }
        let chosen = table.chosen.borrow().clone();
        if let Some(chosen) = chosen {
            let variable = variable(&extension, &spec.name);
            if let Some(text) = chosen.variable(&variable) {
                match spec.ty.read(&text).filter(|value| spec.check(value).is_ok()) {
                    Some(value) => return (value, OptionSource::Environment),
                    None => self.pass_over(owner, spec, &format!("the variable `{variable}`")),
                }
            }
            if let Some(value) = chosen.configured(&extension, &spec.name) {
                match spec.check(&value) {
                    Ok(()) => return (value, OptionSource::Configuration),
                    Err(_) => self.pass_over(owner, spec, "the configuration"),
                }
            }
        }
        (spec.default.clone(), OptionSource::Default)
    }

    fn pass_over(self, owner: ExtId, spec: &OptionSpec, whence: &str) {
        let what = if spec.choices.is_empty() || spec.secret {
            format!("a {}", spec.ty.name())
        } else {
            let words: Vec<String> = spec.choices.iter().map(ToString::to_string).collect();
            format!("one of {}", words.join(", "))
        };
        let text = format!("option `{}`: {whence} is passed over, {what} expected", spec.name);
        self.0.hook().complain_once(owner, "option", &text);
    }

    /// Sets the value at run time; null returns to what people chose.
    pub fn set(self, owner: ExtId, name: &str, value: Value) -> Result<(), HandlerError> {
        let spec = self.spec(owner, name)?;
        if json_bytes(&value) > LONGEST_VALUE {
            return Err(HandlerError::new(format!("option `{name}`: a value of at most 64 KiB expected")));
        }
        let place = (self.0.ext().name(owner), name.to_owned());
        let before = if value.is_null() {
            self.0.0.options.set.borrow_mut().remove(&place)
        } else {
            spec.check(&value).map_err(|why| HandlerError::new(format!("option `{name}`: {why}")))?;
            self.0.0.options.set.borrow_mut().insert(place.clone(), value)
        };
        self.0.on_rollback(move |kernel| {
            let mut set = kernel.0.options.set.borrow_mut();
            match before {
                Some(before) => drop(set.insert(place, before)),
                None => drop(set.remove(&place)),
            }
        });
        Ok(())
    }

    /// Lists every option by extension, in load order, then by name; what is secret is left out.
    pub fn list(self) -> Vec<OptionListing> {
        let declared: Vec<(ExtId, Rc<OptionSpec>)> =
            self.0.0.options.declared.borrow().iter().map(|((ext, _), spec)| (*ext, spec.clone())).collect();
        let listed = declared.into_iter().map(|(ext, spec)| {
            let (value, source) = self.resolve(ext, &spec);
            let shown = if spec.secret {
                OptionSpec { default: Value::Null, choices: Vec::new(), ..(*spec).clone() }
            } else {
                (*spec).clone()
            };
            let value = (!spec.secret).then_some(value);
            OptionListing { extension: self.0.ext().name(ext), spec: shown, value, source }
        });
        listed.collect()
    }
}

/// The variable that sets an option.
fn variable(extension: &str, option: &str) -> String {
    let word = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
    };
    format!("PURLIN_OPT_{}_{}", word(extension), word(option))
}

impl OptionSpec {
    /// Says why a value does not fit; the value itself is not in the text.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        if !self.ty.accepts(value) {
            return Err(format!("a {} expected", self.ty.name()));
        }
        if self.choices.is_empty() || self.choices.contains(value) {
            return Ok(());
        }
        let words: Vec<String> = self.choices.iter().map(ToString::to_string).collect();
        Err(format!("one of {} expected", words.join(", ")))
    }
}

impl Kernel {
    /// Declares, reads and sets options of extensions.
    pub fn option(&self) -> Options<'_> {
        Options(self)
    }
}
