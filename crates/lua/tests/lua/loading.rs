//! Files, folders, manifests, errors at load, unloading.

use purlin_kernel::Extension;
use purlin_lua::{LuaExtension, PathError};

use crate::world::World;

#[test]
fn a_syntax_error_is_one_message_with_file_and_line_and_nothing_stays() {
    let world = World::new();
    let error = world
        .try_load("broken", "purlin.command.create('x', function() end)\n\nlocal = 3")
        .expect_err("an error");
    assert!(error.source.file.as_deref().is_some_and(|file| file.ends_with("/broken.lua")), "{error:?}");
    assert_eq!(error.source.line, Some(3));
    assert!(error.source.message.contains("Expected identifier"), "{error}");
    assert!(world.kernel.command().get("x").is_none());
}

#[test]
fn what_a_failed_load_had_registered_is_gone() {
    let world = World::new();
    let source = "purlin.command.create('x', function() end)\npurlin.on('key', function() print('key') end)\nerror('no')";
    let error = world.try_load("broken", source).expect_err("an error");
    assert_eq!((error.source.message.as_str(), error.source.line), ("no", Some(3)));
    assert!(world.kernel.command().get("x").is_none());
    world.press("k");
    assert_eq!(world.printed(), [""; 0]);
    assert_eq!(world.composer(), "k");
}

#[test]
fn an_endless_load_is_interrupted() {
    let world = World::new();
    let error = world.try_load("endless", "while true do end").expect_err("an error");
    assert!(error.source.message.contains("interrupted"), "{error}");
}

#[test]
fn an_entry_that_answers_a_function_is_set_up_with_the_module() {
    let world = World::new();
    world.load(
        "a",
        "return function(p) p.command.create('x', function() return tostring(p == purlin) end) end",
    );
    assert_eq!(world.command("x", "").expect("no error").as_deref(), Some("true"));
}

#[test]
fn a_folder_with_an_entry_requires_its_own_modules() {
    let world = World::new();
    world.file(
        "one/init.lua",
        "local text = require('text') print(text.name, require('sub.deep'), require('purlin') == purlin)",
    );
    world.file("one/text.lua", "return { name = 'one' }");
    world.file("one/sub/deep.lua", "return ...");
    world.file("two/init.lua", "print(require('text').name)");
    world.file("two/lua/text.lua", "return { name = 'two' }");
    let mut names = Vec::new();
    for extension in LuaExtension::all_from_path(world.folder()).expect("two extensions") {
        names.push(extension.name().to_owned());
        world.kernel.ext().load(Box::new(extension)).expect("loads");
    }
    assert_eq!(names, ["one", "two"]);
    assert_eq!(world.printed(), ["one\tsub.deep\ttrue", "two"]);
}

#[test]
fn a_missing_module_lists_where_it_was_looked_for() {
    let world = World::new();
    let error = world.try_load("a", "local x = 1\nrequire('not.there')").expect_err("an error");
    assert!(error.source.message.contains("module 'not.there' not found"), "{error}");
    assert!(error.source.message.contains("not/there.lua"), "{error}");
    assert_eq!(error.source.line, Some(2));
}

#[test]
fn what_is_no_source_is_refused() {
    let world = World::new();
    for (name, code) in [("a", "dofile('/dev/zero')"), ("b", "dofile('/tmp')")] {
        let error = world.try_load(name, code).expect_err("an error");
        assert!(error.source.message.contains("it is not a file"), "{error}");
    }
}

#[test]
fn manifests_name_the_entry() {
    let world = World::new();
    world.file(
        "toml/purlin.toml",
        "name = 'nice'\nversion = '1.2.0'\ndescription = 'Does it.'\nentry = 'src/main.lua'",
    );
    world.file("toml/src/main.lua", "print('toml')");
    world.file("table/init.lua", "return { name = 'x', entry = 'main.lua' }");
    world.file("table/main.lua", "return function(p) print('table', p ~= nil) end");
    let one = LuaExtension::from_path(world.folder().join("toml")).expect("an extension");
    assert_eq!((one.name(), one.version(), one.description()), ("nice", "1.2.0", "Does it."));
    world.kernel.ext().load(Box::new(one)).expect("loads");
    let two = LuaExtension::from_path(world.folder().join("table")).expect("an extension");
    world.kernel.ext().load(Box::new(two)).expect("loads");
    assert_eq!(world.printed(), ["toml", "table\ttrue"]);
}

#[test]
fn paths_that_are_no_extension_say_why() {
    let world = World::new();
    let text = world.file("notes.txt", "");
    let folder = world.folder().to_owned();
    assert!(matches!(LuaExtension::from_path(folder.join("none.lua")), Err(PathError::Missing(_))));
    assert!(matches!(LuaExtension::from_path(text), Err(PathError::WrongSuffix(_))));
    assert!(matches!(LuaExtension::from_path(&folder), Err(PathError::Empty(_))));
    world.file("b.lua", "");
    world.file("a.lua", "");
    world.file("a_test.lua", "");
    world.file("a_spec.lua", "");
    assert!(matches!(LuaExtension::from_path(&folder), Err(PathError::Several(_, 2))));
    let all = LuaExtension::all_from_path(&folder).expect("two");
    assert_eq!(all.iter().map(|one| one.name().to_owned()).collect::<Vec<_>>(), ["a", "b"]);
    world.file("bad/purlin.toml", "name = \n");
    let error = LuaExtension::from_path(folder.join("bad")).err().expect("an error").to_string();
    assert!(error.contains("purlin.toml") && error.contains("line 1"), "{error}");
    world.file("future/purlin.toml", "api_version = 99");
    let error = LuaExtension::from_path(folder.join("future")).err().expect("an error").to_string();
    assert!(error.contains("API level 99"), "{error}");
    world.file("newer/init.lua", "return { name = 'newer', api_version = 99, entry = 'main.lua' }");
    let error = LuaExtension::from_path(folder.join("newer")).err().expect("an error").to_string();
    assert!(error.contains("API level 99"), "{error}");
    let each = LuaExtension::each_from_path(&folder).expect("those that can be used, and the others");
    let loadable: Vec<bool> = each.iter().map(|(_, found)| found.is_ok()).collect();
    assert_eq!(loadable, [true, true, false, false, false]);
}

#[test]
fn names_that_would_share_state_or_leave_a_folder_are_refused() {
    let world = World::new();
    world.file("it/init.lua", "");
    for name in ["../../x", ".hidden", "", "two words", "lua", "configuration", "a\nb"] {
        let manifest = format!("name = {}", serde_json::Value::from(name));
        world.file("it/purlin.toml", &manifest);
        let error = LuaExtension::from_path(world.folder().join("it")).err().expect(name).to_string();
        assert!(error.contains("purlin.toml") || error.contains("init.lua"), "{error}");
        assert!(error.contains("no name of an extension") || error.contains("uses the name"), "{error}");
    }
    world.file("it/purlin.toml", "name = 'my.own_name-2'");
    LuaExtension::from_path(world.folder().join("it")).expect("a good name");
    let file = world.file("lua.lua", "");
    assert!(LuaExtension::from_path(file).is_err());
}

#[test]
fn unloading_takes_everything_away_and_ends_what_waits() {
    let world = World::new();
    let ext = world.load(
        "a",
        r#"
        purlin.command.create("x", function() end)
        purlin.on("key", function() print("key") end)
        purlin.keymap.set("global", "f5", function() print("f5") end)
        purlin.timer.interval(10, function() print("tick") end)
        purlin.spawn(function() purlin.sleep(50) print("slept") end)
        purlin.spawn(function() print(purlin.ui.confirm("Still there?")) end)
        "#,
    );
    world.settle();
    assert!(world.kernel.ui().has_dialog());
    world.kernel.ext().unload(ext);
    world.settle();
    assert!(!world.kernel.ui().has_dialog());
    world.press("f5 k");
    world.advance(100);
    assert_eq!(world.printed(), ["nil\tunload"]);
    assert!(world.kernel.command().get("x").is_none());
}
