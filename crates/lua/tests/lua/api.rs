//! The registry: every function is used by its example, and refuses each wrong argument.

use purlin_lua::{ApiFn, Need, Opt, Ty, functions};

use crate::world::World;

/// A value of a type, as source.
fn sample(ty: &Ty) -> String {
    match ty {
        Ty::Any | Ty::Value | Ty::Boolean => "true".into(),
        Ty::Integer | Ty::Number => "1".into(),
        Ty::String | Ty::Text => "'x'".into(),
        Ty::Function | Ty::AsyncFunction => "print".into(),
        Ty::Table => "{}".into(),
        Ty::List => "{ 'x' }".into(),
        Ty::Options(options) => {
            let fields: Vec<String> = options
                .iter()
                .filter(|option| option.required)
                .map(|option| format!("{} = {}", option.name, sample(&option.ty)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Ty::Choice(words) => format!("'{}'", words[0]),
        Ty::Either(types) => sample(&types[0]),
    }
}

/// A value that a type refuses, as source; none for a type that takes anything.
fn wrong(ty: &Ty) -> Option<&'static str> {
    match ty {
        Ty::Any => None,
        Ty::Value => Some("nil"),
        Ty::Boolean | Ty::Integer | Ty::Number | Ty::Function | Ty::AsyncFunction => Some("'wrong'"),
        Ty::String | Ty::Text | Ty::Table | Ty::List | Ty::Options(_) | Ty::Choice(_) => Some("true"),
        Ty::Either(types) => ["true", "1", "'x'", "{}", "print"]
            .into_iter()
            .find(|value| types.iter().all(|ty| !accepts(ty, value))),
    }
}

fn accepts(ty: &Ty, value: &str) -> bool {
    match ty {
        Ty::Any | Ty::Value => true,
        Ty::Boolean => value == "true",
        Ty::Integer | Ty::Number => value == "1",
        Ty::String => value == "'x'",
        Ty::Text => value == "'x'" || value == "1",
        Ty::Function | Ty::AsyncFunction => value == "print",
        Ty::Table | Ty::List | Ty::Options(_) => value == "{}",
        Ty::Choice(_) => false,
        Ty::Either(types) => types.iter().any(|ty| accepts(ty, value)),
    }
}

fn call(declared: &ApiFn, wrong_at: usize, value: &str) -> String {
    let args: Vec<String> = declared
        .params
        .iter()
        .enumerate()
        .filter(|(_, param)| param.need != Need::Rest)
        .map(|(at, param)| if at == wrong_at { value.to_owned() } else { sample(&param.ty) })
        .collect();
    format!("purlin.{}({})", declared.name, args.join(", "))
}

#[test]
fn every_function_refuses_each_wrong_argument() {
    let world = World::new();
    let mut checked = 0;
    for (number, declared) in functions().enumerate() {
        for (at, param) in declared.params.iter().enumerate() {
            let Some(value) = wrong(&param.ty) else { continue };
            if param.need == Need::Skippable {
                continue;
            }
            let source = format!("\n{}", call(declared, at, value));
            let error = world
                .try_load(&format!("w{number}_{at}"), &source)
                .expect_err(&format!("{source} is refused"))
                .source;
            let expected = format!("bad argument #{} to '{}' (", at + 1, declared.name);
            assert!(error.message.starts_with(&expected), "{source}: {error}");
            assert_eq!(error.line, Some(2), "{source}: {error}");
            checked += 1;
        }
    }
    assert!(checked > 80, "only {checked} were checked");
}

#[test]
fn every_missing_argument_is_told() {
    let world = World::new();
    let mut checked = 0;
    for (number, declared) in functions().enumerate() {
        let needed = declared.params.iter().filter(|param| param.need != Need::Rest);
        for (at, param) in needed.enumerate() {
            // One that may be left out moves the ones after it up.
            let skips = declared.params[..at].iter().any(|param| param.need == Need::Skippable);
            if param.need != Need::Required || matches!(param.ty, Ty::Any) || skips {
                continue;
            }
            let before: Vec<String> = declared.params[..at].iter().map(|param| sample(&param.ty)).collect();
            let source = format!("purlin.{}({})", declared.name, before.join(", "));
            let error = world
                .try_load(&format!("m{number}_{at}"), &source)
                .expect_err(&format!("{source} is refused"))
                .source;
            let expected = format!(
                "bad argument #{} to '{}' ({} expected, got nil)",
                at + 1,
                declared.name,
                purlin_lua::describe(&param.ty)
            );
            assert_eq!(error.message, expected, "{source}");
            checked += 1;
        }
    }
    assert!(checked > 100, "only {checked} were checked");
}

/// The options of a type, also inside alternatives.
fn options_of(ty: &Ty) -> Option<&'static [Opt]> {
    match ty {
        Ty::Options(options) => Some(options),
        Ty::Either(types) => types.iter().find_map(options_of),
        _ => None,
    }
}

/// The required fields but one, as source that further fields can follow.
fn required(options: &[Opt], except: &str) -> String {
    let fields = options.iter().filter(|option| option.required && option.name != except);
    let fields: Vec<String> =
        fields.map(|option| format!("{} = {}, ", option.name, sample(&option.ty))).collect();
    fields.concat()
}

/// Every options table that can be written somewhere in a value of a type: its keys, and the value with `?` in the place
/// of further fields of that table.
fn tables(ty: &Ty) -> Vec<(&'static [Opt], String)> {
    let Some(options) = options_of(ty) else { return Vec::new() };
    let needed = |except: &str| required(options, except);
    let mut found = vec![(options, "{ ? }".to_owned())];
    for option in options {
        for (inner, place) in tables(&option.ty) {
            found.push((inner, format!("{{ {}{} = {place} }}", needed(option.name), option.name)));
        }
    }
    found
}

#[test]
fn every_option_is_checked_wherever_it_can_be_written() {
    let world = World::new();
    let mut checked = 0;
    for (number, declared) in functions().enumerate() {
        for (at, param) in declared.params.iter().enumerate() {
            for (options, place) in tables(&param.ty) {
                for (fields, expected) in wrong_tables(options) {
                    let source = call(declared, at, &place.replace('?', &fields));
                    let name = format!("o{number}_{checked}");
                    let error =
                        world.try_load(&name, &source).expect_err(&format!("{source} is refused")).source;
                    let begin = format!("bad argument #{} to '{}' (", at + 1, declared.name);
                    let fits = error.message.starts_with(&begin) && error.message.contains(&expected);
                    assert!(fits, "{source}\nexpected {expected}\nbut {error}");
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 200, "only {checked} were checked");
}

/// The fields of tables that are refused, each with a part of the message.
fn wrong_tables(options: &'static [Opt]) -> Vec<(String, String)> {
    let needed = |except: &str| required(options, except);
    let mut found = vec![(format!("{}[true] = 1", needed("")), "a table with named fields expected".into())];
    for option in options {
        if let Some(value) = wrong(&option.ty).filter(|value| *value != "nil") {
            let fields = format!("{}{} = {value}", needed(option.name), option.name);
            found.push((fields, format!("field '{}': ", option.name)));
        }
        if option.required {
            found.push((needed(option.name), format!("field '{}' is missing: ", option.name)));
        }
    }
    if let Some(first) = options.iter().find(|option| option.name.len() > 3) {
        let typo = format!("{0}x", first.name);
        let expected = format!("unknown field '{typo}', did you mean '{}'?", first.name);
        found.push((format!("{}{typo} = 1", needed("")), expected));
    }
    found
}

#[test]
fn every_example_runs() {
    for declared in functions() {
        let world = World::new();
        assert!(!declared.example.is_empty(), "{} has an example", declared.name);
        assert!(!declared.doc.is_empty(), "{} is documented", declared.name);
        if let Err(error) = world.try_load("example", declared.example) {
            panic!("{}: {error}\n{}", declared.name, declared.example);
        }
        world.settle();
        if declared.name != "log" {
            assert_eq!(world.problems(), [""; 0], "{}:\n{}", declared.name, declared.example);
        }
    }
}

#[test]
fn names_are_declared_once() {
    let mut names: Vec<&str> = functions().map(|declared| declared.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn buffers_are_read_and_written() {
    let world = World::new();
    world.load(
        "b",
        r#"
        local buf = purlin.buf
        buf.set_text("t", "hällo")
        assert(buf.get_cursor("t") == 5)
        buf.insert("t", 1, "X")
        assert(buf.get_text("t") == "hXällo" and buf.get_cursor("t") == 6)
        buf.delete_range("t", 0, 2)
        assert(buf.get_text("t") == "ällo")
        buf.replace("t", 0, 1, "ba")
        assert(buf.get_text("t") == "ballo")
        buf.append("t", " du")
        buf.set_cursor("t", 999)
        assert(buf.get_cursor("t") == 8)
        assert(buf.undo("t") and buf.get_text("t") == "ballo" and buf.redo("t") and buf.get_text("t") == "ballo du")
        buf.clear("t")
        assert(buf.get_text("t") == "" and buf.get_cursor("t") == 0)

        buf.set_text("l", "a\nb\nc")
        assert(buf.line_count("l") == 3)
        assert(table.concat(buf.get_lines("l"), ",") == "a,b,c")
        assert(table.concat(buf.get_lines("l", -2), ",") == "c")
        assert(table.concat(buf.get_lines("l", 0, 1), ",") == "a")
        buf.set_lines("l", 1, 2, { "x", "y" })
        assert(buf.get_text("l") == "a\nx\ny\nc")
        buf.set_lines("l", -2, -1, {})
        assert(buf.get_text("l") == "a\nx\ny")
        buf.set_lines("l", -1, -1, { "z" })
        assert(buf.get_text("l") == "a\nx\ny\nz")
        buf.set_lines("l", 0, 1, {})
        assert(buf.get_text("l") == "x\ny\nz")
        buf.set_lines("l", 0, -1, { "only" })
        assert(buf.get_text("l") == "only")

        buf.append("n", { kind = "note", text = "one", extra = 1 })
        buf.append("n", { role = "user", text = "two" })
        local blocks = buf.get_blocks("n")
        assert(#blocks == 2 and blocks[1].text == "one" and blocks[1].meta.extra == 1 and blocks[2].role == "user")
        assert(#buf.get_blocks("n", -1) == 1 and buf.block_count("n") == 2)
        assert(select(2, pcall(buf.append, "n", { text = "no block" })):find("a block has any of"))

        local b = buf.get("t")
        b.text = "from a view"
        b.label = "Title"
        buf.set("t", b)
        assert(buf.get("t").label == "Title" and buf.get_text("t") == "from a view")
        buf.set("t", { chars = { "h", "i" } })
        assert(buf.get_text("t") == "hi" and buf.get("t").label == "")
        assert(buf.get("nowhere").text == "" and not table.find(buf.list(), "nowhere"))

        buf.set_var("t", "mode", { "a" })
        assert(buf.get_var("t", "mode")[1] == "a")
        buf.set_var("t", "mode", nil)
        assert(buf.get_var("t", "mode") == nil)

        local seen
        buf.attach("t", { on_change = function(change) seen = change end })
        local before = buf.tick("t")
        buf.insert("t", 1, "ABC")
        assert(seen.start == 1 and seen.added == 3 and buf.tick("t") > before)
        "#,
    );
}

#[test]
fn windows_are_read() {
    let world = World::new();
    world.load(
        "w",
        r#"
        local win = purlin.win
        assert(win.focused() == "composer")
        local composer = win.get("composer")
        assert(composer.buffer == "composer" and composer.renderer == "default" and composer.visible)
        assert(win.get("nowhere") == nil and win.find{ role = "transcript" } == "transcript")
        assert(win.focus("transcript") and win.focused() == "transcript" and not win.focus("nowhere"))
        assert(win.set("transcript", { visible = false }) and not win.get("transcript").visible)
        assert(win.get_buffer("composer") == "composer" and win.set_buf("composer", "other") and win.get_buf("composer") == "other")
        win.set_var("composer", "v", 3)
        assert(win.get_var("composer", "v") == 3)
        "#,
    );
}

#[test]
fn a_list_stays_a_list_through_a_hook() {
    let world = World::new();
    world.load(
        "a",
        r#"purlin.on("demo:x", function(ev)
             print(purlin.json.encode(ev.empty), purlin.json.encode(ev.map), ev.none == purlin.null, ev.payload.none == purlin.null)
           end)
           purlin.emit("demo:x", { empty = purlin.json.decode("[]"), map = {}, none = purlin.null })"#,
    );
    assert_eq!(world.printed(), ["[]\t{}\ttrue\ttrue"]);
}
