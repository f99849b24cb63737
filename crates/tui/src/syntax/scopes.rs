//! What the scopes of a grammar mean in the theme's tokens.

use std::collections::HashMap;

use purlin_kernel::text::Token;
use syntect::parsing::{Scope, ScopeStack};

/// What a scope says about the text in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// It has this colour.
    Token(Token),
    /// It has none, whatever is around it.
    Plain,
    /// What is around it decides.
    Open,
}

/// Beginnings of scopes and what they mean; of several the longest counts.
const MEANINGS: &[(&str, Meaning)] = &[
    ("comment", Meaning::Token(Token::SyntaxComment)),
    ("string", Meaning::Token(Token::SyntaxString)),
    ("constant", Meaning::Token(Token::SyntaxNumber)),
    ("keyword", Meaning::Token(Token::SyntaxKeyword)),
    ("keyword.operator", Meaning::Plain),
    ("keyword.operator.word", Meaning::Token(Token::SyntaxKeyword)),
    ("keyword.operator.logical.python", Meaning::Token(Token::SyntaxKeyword)),
    ("storage", Meaning::Token(Token::SyntaxKeyword)),
    ("variable.language", Meaning::Token(Token::SyntaxKeyword)),
    ("variable.function", Meaning::Token(Token::SyntaxFunction)),
    ("variable.annotation", Meaning::Token(Token::SyntaxMeta)),
    ("entity.name.function", Meaning::Token(Token::SyntaxFunction)),
    ("entity.name.type", Meaning::Token(Token::SyntaxType)),
    ("entity.name.class", Meaning::Token(Token::SyntaxType)),
    ("entity.name.struct", Meaning::Token(Token::SyntaxType)),
    ("entity.name.enum", Meaning::Token(Token::SyntaxType)),
    ("entity.name.trait", Meaning::Token(Token::SyntaxType)),
    ("entity.name.impl", Meaning::Token(Token::SyntaxType)),
    ("entity.name.interface", Meaning::Token(Token::SyntaxType)),
    ("entity.name.tag", Meaning::Token(Token::SyntaxType)),
    ("entity.name.macro", Meaning::Token(Token::SyntaxMeta)),
    ("entity.name.section", Meaning::Token(Token::Heading)),
    ("entity.other.inherited-class", Meaning::Token(Token::SyntaxType)),
    ("entity.other.attribute-name", Meaning::Token(Token::SyntaxMeta)),
    ("support.function", Meaning::Token(Token::SyntaxFunction)),
    ("support.type", Meaning::Token(Token::SyntaxType)),
    ("support.class", Meaning::Token(Token::SyntaxType)),
    ("support.constant", Meaning::Token(Token::SyntaxNumber)),
    ("support.macro", Meaning::Token(Token::SyntaxMeta)),
    ("meta.annotation", Meaning::Token(Token::SyntaxMeta)),
    ("meta.attribute", Meaning::Token(Token::SyntaxMeta)),
    ("meta.preprocessor", Meaning::Token(Token::SyntaxMeta)),
    ("meta.interpolation", Meaning::Plain),
    ("meta.diff.header", Meaning::Token(Token::Dim)),
    ("meta.diff.range", Meaning::Token(Token::SyntaxMeta)),
    ("markup.inserted", Meaning::Token(Token::DiffAdd)),
    ("markup.deleted", Meaning::Token(Token::DiffDelete)),
    ("markup.heading", Meaning::Token(Token::Heading)),
    ("markup.raw", Meaning::Token(Token::SyntaxString)),
    ("markup.underline.link", Meaning::Token(Token::SyntaxFunction)),
];

/// Answers tokens for scopes, each looked up once.
pub(super) struct Scopes {
    known: Vec<(Scope, Meaning)>,
    /// Keys of a mapping are strings that are none.
    key: Option<Scope>,
    found: HashMap<Scope, Meaning>,
}

impl Scopes {
    pub(super) fn new() -> Scopes {
        let read = |(name, meaning): &(&str, Meaning)| Some((Scope::new(name).ok()?, *meaning));
        let mut known: Vec<_> = MEANINGS.iter().filter_map(read).collect();
        known.sort_by_key(|(scope, _)| std::cmp::Reverse(scope.len()));
        Scopes { known, key: Scope::new("meta.mapping.key").ok(), found: HashMap::new() }
    }

    /// Answers the colour of text in a stack of scopes: the innermost that says something.
    pub(super) fn token(&mut self, stack: &ScopeStack) -> Option<Token> {
        for scope in stack.scopes.iter().rev() {
            if self.key.is_some_and(|key| key.is_prefix_of(*scope)) {
                return Some(Token::SyntaxMeta);
            }
            match self.meaning(*scope) {
                Meaning::Token(Token::SyntaxString) if self.is_key(stack) => return Some(Token::SyntaxMeta),
                Meaning::Token(token) => return Some(token),
                Meaning::Plain => return None,
                Meaning::Open => {}
            }
        }
        None
    }

    fn is_key(&self, stack: &ScopeStack) -> bool {
        self.key.is_some_and(|key| stack.scopes.iter().any(|scope| key.is_prefix_of(*scope)))
    }

    fn meaning(&mut self, scope: Scope) -> Meaning {
        let known = &self.known;
        *self.found.entry(scope).or_insert_with(|| {
            let fits = known.iter().find(|(beginning, _)| beginning.is_prefix_of(scope));
            fits.map_or(Meaning::Open, |(_, meaning)| *meaning)
        })
    }
}
