//! Stubs as a Luau definition file, which luau-lsp reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use purlin_kernel::Ty as FieldTy;
use purlin_lua::{ApiFn, Need, SHAPES};

use crate::types::{self, Type, luau_key, optional};
use crate::{Pages, class_of, hooks, params_of};

/// What every event has, unless its hook has a field of that name.
const EVENT: [(&str, &str); 10] = [
    ("name", "string"),
    ("payload", "any"),
    ("data", "any"),
    ("consumed", "boolean"),
    ("working", "boolean"),
    ("focus", "{ kind: string, window: string?, buffer: string?, role: string? }"),
    ("context", "Context"),
    ("stop", "() -> ()"),
    ("consume", "() -> ()"),
    ("copy", "(self: any) -> any"),
];

/// Writes the definitions.
pub fn write(pages: &mut Pages) {
    let mut stub = String::from(
        "-- Made by `cargo xtask reference` from the declarations in the source. Nothing here runs: editors read it.\n",
    );
    shapes(&mut stub);
    events(&mut stub);
    let mut namespaces: BTreeMap<&str, Vec<&ApiFn>> = BTreeMap::new();
    for function in purlin_lua::functions() {
        namespaces.entry(function.namespace()).or_default().push(function);
    }
    stub.push_str("\nexport type Purlin = {\n\tnull: any,\n\tversion: string,\n\tapi_level: number,\n\targs: { string },\n");
    for declared in namespaces.remove("").into_iter().flatten() {
        let _ = writeln!(stub, "\t{}: {},", luau_key(declared.name), function(declared));
    }
    for (namespace, functions) in namespaces.iter().filter(|(namespace, _)| !namespace.contains('.')) {
        let _ = writeln!(stub, "\t{}: {{", luau_key(namespace));
        members(functions, "\t\t", &mut stub);
        let inner = namespaces
            .iter()
            .filter_map(|(name, members)| Some((name.strip_prefix(namespace)?.strip_prefix('.')?, members)));
        for (name, functions) in inner {
            let _ = writeln!(stub, "\t\t{}: {{", luau_key(name));
            members(functions, "\t\t\t", &mut stub);
            stub.push_str("\t\t},\n");
        }
        stub.push_str("\t},\n");
    }
    stub.push_str("}\n\ndeclare purlin: Purlin\ndeclare librecode: Purlin\n");
    pages.insert("stubs/purlin.d.luau".into(), stub);
}

fn members(functions: &[&ApiFn], indent: &str, stub: &mut String) {
    for declared in functions {
        let _ = writeln!(stub, "{indent}{}: {},", luau_key(declared.short_name()), function(declared));
    }
}

fn shapes(stub: &mut String) {
    for shape in SHAPES {
        let _ = writeln!(stub, "\nexport type {} = {{", shape.name);
        for field in shape.fields {
            let ty =
                types::one(field.ty).unwrap_or_else(|error| panic!("{}.{}: {error}", shape.name, field.name));
            let _ = writeln!(stub, "\t{}: {},", luau_key(field.name), ty.luau());
        }
        for method in shape.methods {
            let mut params = vec![format!("self: {}", shape.name)];
            params.extend(params_of(method.params).iter().map(|(name, ty)| format!("{name}: {}", ty.luau())));
            let answer = returns(method.returns);
            let _ = writeln!(stub, "\t{}: ({}) -> {answer},", luau_key(method.name), params.join(", "));
        }
        stub.push_str("}\n");
    }
}

fn events(stub: &mut String) {
    for hook in hooks() {
        let class = class_of(hook.name);
        let _ = writeln!(stub, "\nexport type {class}Event = {{");
        for (name, ty) in
            EVENT.iter().filter(|(name, _)| hook.payload.iter().all(|field| field.name != *name))
        {
            let _ = writeln!(stub, "\t{name}: {ty},");
        }
        for field in hook.payload {
            let _ = writeln!(
                stub,
                "\t{}: {},",
                luau_key(field.name),
                types::values_or(field, " | ", field_type(field.ty))
            );
        }
        stub.push_str("}\n");
        if !hook.answer.is_empty() {
            let _ = writeln!(stub, "export type {class}Answer = {{");
            for field in hook.answer {
                let ty = field_type(field.ty);
                let ty = if ty == "any" { ty.to_owned() } else { format!("{ty}?") };
                let _ = writeln!(stub, "\t{}: {ty},", luau_key(field.name));
            }
            stub.push_str("}\n");
        }
    }
}

fn field_type(ty: FieldTy) -> &'static str {
    match ty {
        FieldTy::Bool => "boolean",
        FieldTy::Str => "string",
        FieldTy::Int | FieldTy::Num => "number",
        FieldTy::List => "{ any }",
        FieldTy::Map => "{ [any]: any }",
        FieldTy::Any => "any",
    }
}

fn function(declared: &ApiFn) -> String {
    if declared.name == "on" {
        return on();
    }
    let params: Vec<String> = declared
        .params
        .iter()
        .map(|param| {
            let ty = types::of(&param.ty);
            match param.need {
                Need::Rest => "...any".to_owned(),
                Need::Required => format!("{}: {}", luau_name(param.name), ty.luau()),
                // What may be left out from the middle moves the rest up, which Luau's types cannot say.
                Need::Skippable => format!("{}: any", luau_name(param.name)),
                Need::Optional => format!("{}: {}", luau_name(param.name), optional(ty).luau()),
            }
        })
        .collect();
    format!("({}) -> {}", params.join(", "), returns(declared.returns))
}

/// `on` is one function type for each hook, and one for the names that extensions make up.
fn on() -> String {
    let mut types = Vec::new();
    for hook in hooks() {
        let class = class_of(hook.name);
        let answer =
            if hook.answer.is_empty() { "...any".into() } else { format!("({class}Answer | boolean)?") };
        let handler = format!("(ev: {class}Event, ctx: Context) -> {answer}");
        for name in std::iter::once(&hook.name).chain(hook.aliases) {
            types.push(format!("((name: \"{name}\", fn: {handler}) -> Handle)"));
            types.push(format!("((name: \"{name}\", opts: {{ [string]: any }}, fn: {handler}) -> Handle)"));
        }
    }
    types.push("((name: string, ...any) -> Handle)".into());
    format!("\n\t\t& {}", types.join("\n\t\t& "))
}

fn returns(expression: &str) -> String {
    let types = types::returns(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    match types.as_slice() {
        [] => "()".into(),
        [one] => parenthesised(one),
        many => format!("({})", many.iter().map(Type::luau).collect::<Vec<_>>().join(", ")),
    }
}

fn parenthesised(ty: &Type) -> String {
    match ty {
        Type::Union(_) | Type::Function | Type::Async => format!("({})", ty.luau()),
        ty => ty.luau(),
    }
}

fn luau_name(name: &str) -> String {
    if ["end", "function", "repeat"].contains(&name) { format!("{name}_") } else { name.to_owned() }
}
