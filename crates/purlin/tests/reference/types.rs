//! Type expressions of the declarations: read once, written as Markdown, `LuaCATS` or Luau.
//!
//! ```text
//! returns = tuple { " | " tuple }     tuple = type { ", " type }     type = base [ "[]" ] [ "?" ]
//! base    = a name | "{ name: type, … }" | "{ name, … }" | "{ [string]: type }"
//! ```

use purlin_kernel::{Field, Values};
use purlin_lua::{SHAPES, Ty};

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Name(String),
    List(Box<Type>),
    Optional(Box<Type>),
    Map(Box<Type>),
    Record(Vec<(String, Type)>),
    Union(Vec<Type>),
    /// A literal string.
    Word(String),
    /// A function of which nothing more is said.
    Function,
    /// A function that may wait.
    Async,
}

const NAMES: [&str; 9] = ["nil", "boolean", "true", "false", "integer", "number", "string", "table", "any"];

/// Reads what a function answers: each position's type, or why the expression is not one.
pub fn returns(expression: &str) -> Result<Vec<Type>, String> {
    let mut reader = Reader { rest: expression };
    reader.space();
    if reader.rest.is_empty() {
        return Ok(Vec::new());
    }
    let mut alternatives = vec![reader.tuple()?];
    while reader.take("|") {
        alternatives.push(reader.tuple()?);
    }
    if !reader.rest.is_empty() {
        return Err(format!("`{expression}` is not a type from `{}` on", reader.rest));
    }
    let width = alternatives.iter().map(Vec::len).max().unwrap_or(0);
    let nil = || Type::Name("nil".into());
    let column = |at: usize| alternatives.iter().map(move |tuple| tuple.get(at).cloned().unwrap_or_else(nil));
    Ok((0..width).map(|at| union(column(at).collect())).collect())
}

/// Reads one type.
pub fn one(expression: &str) -> Result<Type, String> {
    match returns(expression)?.as_slice() {
        [only] => Ok(only.clone()),
        _ => Err(format!("`{expression}` is not one type")),
    }
}

fn union(types: Vec<Type>) -> Type {
    let mut distinct: Vec<Type> = Vec::new();
    for ty in types {
        if !distinct.contains(&ty) {
            distinct.push(ty);
        }
    }
    let (any, nil) = (Type::Name("any".into()), Type::Name("nil".into()));
    if distinct.contains(&any) {
        return any;
    }
    if distinct.len() > 1 && distinct.contains(&nil) {
        distinct.retain(|ty| *ty != nil);
        return optional(union(distinct));
    }
    match distinct.as_slice() {
        [only] => only.clone(),
        _ => Type::Union(distinct),
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.space();
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest;
        self.space();
        true
    }

    fn need(&mut self, token: &str) -> Result<(), String> {
        if self.take(token) { Ok(()) } else { Err(format!("`{token}` is missing before `{}`", self.rest)) }
    }

    fn tuple(&mut self) -> Result<Vec<Type>, String> {
        let mut types = vec![self.ty()?];
        while self.take(",") {
            types.push(self.ty()?);
        }
        Ok(types)
    }

    fn ty(&mut self) -> Result<Type, String> {
        let mut ty = if self.take("{") { self.table()? } else { named(&self.word()?)? };
        while self.take("[]") {
            ty = Type::List(Box::new(ty));
        }
        if self.take("?") {
            ty = Type::Optional(Box::new(ty));
        }
        Ok(ty)
    }

    fn table(&mut self) -> Result<Type, String> {
        if self.take("[string]:") {
            let value = self.ty()?;
            self.need("}")?;
            return Ok(Type::Map(Box::new(value)));
        }
        let mut fields = Vec::new();
        loop {
            let name = self.word()?;
            let optional = self.take("?");
            let ty = if self.take(":") { self.ty()? } else { Type::Name("any".into()) };
            fields.push((name, if optional { Type::Optional(Box::new(ty)) } else { ty }));
            if !self.take(",") {
                self.need("}")?;
                return Ok(Type::Record(fields));
            }
        }
    }

    fn word(&mut self) -> Result<String, String> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() {
            return Err(format!("a name is missing before `{}`", self.rest));
        }
        self.rest = rest;
        self.space();
        Ok(word.to_owned())
    }
}

fn named(word: &str) -> Result<Type, String> {
    if word == "function" {
        return Ok(Type::Function);
    }
    if NAMES.contains(&word) || SHAPES.iter().any(|shape| shape.name == word) {
        return Ok(Type::Name(word.to_owned()));
    }
    Err(format!("`{word}` is neither a type nor a declared shape"))
}

/// The type of an argument or an option.
pub fn of(ty: &Ty) -> Type {
    match ty {
        Ty::Any => Type::Optional(Box::new(Type::Name("any".into()))),
        Ty::Value => Type::Name("any".into()),
        Ty::Boolean => Type::Name("boolean".into()),
        Ty::Integer => Type::Name("integer".into()),
        Ty::Number => Type::Name("number".into()),
        Ty::String => Type::Name("string".into()),
        Ty::Text => Type::Union(vec![Type::Name("string".into()), Type::Name("number".into())]),
        Ty::Function => Type::Function,
        Ty::AsyncFunction => Type::Async,
        Ty::Table => Type::Name("table".into()),
        Ty::List => Type::List(Box::new(Type::Name("any".into()))),
        Ty::Options(options) => Type::Record(
            options
                .iter()
                .map(|option| {
                    let ty = of(&option.ty);
                    let ty = if option.required { ty } else { optional(ty) };
                    (option.name.to_owned(), ty)
                })
                .collect(),
        ),
        Ty::Choice(words) => Type::Union(words.iter().map(|word| Type::Word((*word).to_owned())).collect()),
        Ty::Either(types) => union(types.iter().map(of).collect()),
    }
}

/// The type or nil.
pub fn optional(ty: Type) -> Type {
    match ty {
        Type::Optional(_) => ty,
        ty => Type::Optional(Box::new(ty)),
    }
}

impl Type {
    /// As `LuaCATS` writes it.
    pub fn luacats(&self) -> String {
        match self {
            Self::Name(name) if is_shape(name) => format!("purlin.{name}"),
            Self::Name(name) => name.clone(),
            Self::List(of) => format!("{}[]", of.luacats_closed()),
            Self::Optional(of) => format!("{}?", of.luacats_closed()),
            Self::Map(of) => format!("table<string, {}>", of.luacats()),
            Self::Record(fields) => {
                let fields: Vec<String> = fields.iter().map(|(name, ty)| luacats_field(name, ty)).collect();
                format!("{{ {} }}", fields.join(", "))
            }
            Self::Union(types) => types.iter().map(Self::luacats_closed).collect::<Vec<_>>().join("|"),
            Self::Word(word) => format!("\"{word}\""),
            Self::Function => "function".into(),
            Self::Async => "(async fun(...: any): any, any)".into(),
        }
    }

    fn luacats_closed(&self) -> String {
        match self {
            Self::Union(_) => format!("({})", self.luacats()),
            _ => self.luacats(),
        }
    }

    /// As Luau writes it.
    pub fn luau(&self) -> String {
        match self {
            Self::Name(name) if name == "integer" => "number".into(),
            Self::Name(name) if name == "table" => "{ [any]: any }".into(),
            Self::Name(name) => name.clone(),
            Self::List(of) => format!("{{ {} }}", of.luau()),
            // `any` already holds nil.
            Self::Optional(of) if of.is_any() => "any".into(),
            Self::Optional(of) => format!("{}?", of.luau_closed()),
            Self::Map(of) => format!("{{ [string]: {} }}", of.luau()),
            Self::Record(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(name, ty)| format!("{}: {}", luau_key(name), ty.luau())).collect();
                format!("{{ {} }}", fields.join(", "))
            }
            Self::Union(types) => {
                let mut parts: Vec<String> = Vec::new();
                for part in types.iter().map(Self::luau_closed) {
                    if !parts.contains(&part) {
                        parts.push(part);
                    }
                }
                parts.join(" | ")
            }
            Self::Word(word) => format!("\"{word}\""),
            Self::Function | Self::Async => "(...any) -> ...any".into(),
        }
    }

    fn luau_closed(&self) -> String {
        match self {
            Self::Union(_) | Self::Function | Self::Async => format!("({})", self.luau()),
            _ => self.luau(),
        }
    }

    fn is_any(&self) -> bool {
        matches!(self, Self::Name(name) if name == "any")
    }
}

/// A field as `LuaCATS` writes it: what may be absent is marked at the name.
pub fn luacats_field(name: &str, ty: &Type) -> String {
    match ty {
        Type::Optional(ty) => format!("{name}?: {}", ty.luacats()),
        ty => format!("{name}: {}", ty.luacats()),
    }
}

/// A key of a table type as Luau writes it.
pub fn luau_key(name: &str) -> String {
    const WORDS: [&str; 6] = ["end", "function", "repeat", "for", "and", "or"];
    if WORDS.contains(&name) { format!("[\"{name}\"]") } else { name.to_owned() }
}

fn is_shape(name: &str) -> bool {
    SHAPES.iter().any(|shape| shape.name == name)
}

/// The type of a field of an event: its values where they are known, else what its type is called.
pub fn values_or(field: &Field, between: &str, otherwise: &str) -> String {
    let Values::Of(values) = field.values else { return otherwise.to_owned() };
    values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(between)
}

#[test]
fn type_expressions_are_read() {
    let read = |text: &str| {
        returns(text).map(|types| types.iter().map(Type::luacats).collect::<Vec<_>>().join(", "))
    };
    let table = [
        ("", ""),
        ("Handle", "purlin.Handle"),
        ("true | nil, string", "true?, string?"),
        ("any, integer | nil, string", "any, integer|string"),
        ("string | nil | boolean", "(string|boolean)?"),
        ("Window[]", "purlin.Window[]"),
        (
            "{ name: string, at?: integer, tags: string[] }[]",
            "{ name: string, at?: integer, tags: string[] }[]",
        ),
        ("{ [string]: integer }?", "table<string, integer>?"),
        ("{ a, b }", "{ a: any, b: any }"),
    ];
    for (text, wanted) in table {
        assert_eq!(read(text).as_deref(), Ok(wanted), "{text}");
    }
    for wrong in ["strin", "string,", "{ a: }", "string string", "{ a", "[]"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}
