//! The contract of the API, name by name: what it lists is there, takes what it says and answers what it says.

use purlin_lua::{ApiFn, Need, Opt, SHAPES, Ty, find, functions};

use crate::world::World;

/// Every function of the contract with its arguments: `?` may be left out, `{…}` are keys of a table.
///
/// `session`, `model`, `agent`, `runtime`, `store` and `kit` are not here; they come with the extension system.
const FUNCTIONS: &str = "
on(name, opts?{priority phase once timeout_ms desc filter}, fn)
emit(name, payload?)
spawn(fn, args?)
sleep(ms)
schedule(fn)
defer(fn, ms)
debounce(fn, ms)
throttle(fn, ms)
log(level?, message)
notify(message, level?)
inspect(value)
has(feature)
json.encode(value)
json.decode(text)
buf.list()
buf.get(name)
buf.create(name, value?{text chars cursor label metadata blocks})
buf.set(name, value{text chars cursor label metadata blocks})
buf.delete(name)
buf.get_text(name)
buf.set_text(name, text)
buf.get_cursor(name)
buf.set_cursor(name, pos)
buf.get_lines(name, start?, end?)
buf.set_lines(name, start, end, lines)
buf.insert(name, pos, text)
buf.delete_range(name, a, b)
buf.replace(name, a, b, text)
buf.append(name, what)
buf.clear(name)
buf.get_blocks(name, start?, end?)
buf.set_blocks(name, start?, end?, blocks)
buf.delete_blocks(name, start?, end?)
buf.get_var(name, key)
buf.set_var(name, key, value?)
buf.line_count(name)
buf.attach(name, opts{on_change})
buf.tick(name)
buf.undo(name)
buf.redo(name)
mark.namespace(name)
mark.set(buf, ns, pos, opts?{end_pos hl virt_text virt_text_pos virt_lines sign url priority ephemeral id})
mark.get(buf, ns, a?, b?)
mark.del(buf, ns, id)
mark.clear(buf, ns, a?, b?)
hl.set(group, style{fg bg bold italic underline reverse strike dim url})
hl.get(group)
hl.list()
win.list()
win.get(name)
win.find(by{name role buffer})
win.get_buf(name)
win.set_buf(name, buffer)
win.set_renderer(name, renderer)
win.get_var(name, key)
win.set_var(name, key, value?)
win.create(name, value?{role buffer renderer x y width height cursor_row cursor_col scroll visible focusable zindex metadata})
win.set(name, fields{role buffer renderer x y width height cursor_row cursor_col scroll visible focusable zindex metadata})
win.delete(name)
win.reset(name)
win.open(window{buffer split of size float float.anchor float.row float.col float.width float.height float.border float.title enter zindex dock priority exclusive})
win.focus(name)
win.focused()
win.scroll(name, how{to by})
win.cursor(name, row?, col?)
win.render(name, fn, opts?{wrap})
layout.get()
layout.set(rects)
layout.tree(tree)
layout.reset()
ui.measure(text)
ui.truncate(text, width)
ui.pad_right(text, width)
ui.wrap(text, width)
ui.viewport(lines, height, offset?)
ui.virtual_list(items, height, offset?)
ui.theme_tokens()
ui.markdown(text, width)
ui.highlight(code, lang)
ui.diff(a, b)
ui.clear_window(win)
ui.clear_region(win, row, col, height, width, style?{fg bg bold italic underline reverse strike dim url})
ui.draw_text(win, row, col, text, style?{fg bg bold italic underline reverse strike dim url})
ui.draw_lines(win, row, col, lines, style?{fg bg bold italic underline reverse strike dim url})
ui.draw_spans(win, row, col, spans)
ui.draw_box(win, style?{fg bg bold italic underline reverse strike dim url})
ui.draw_batch(ops)
ui.set_cursor(win, row, col)
ui.redraw(win?)
ui.select(items, opts?{prompt format multi filter timeout_ms})
ui.confirm(message, opts?{default timeout_ms})
ui.input(opts?{prompt placeholder default secret multiline complete timeout_ms})
ui.overlay(overlay{title text markdown style.border_color style.background width max_height anchor actions})
ui.picker(picker)
ui.provide(kind, fn)
ui.status.set(key, what, priority?)
ui.status.del(key)
ui.animate(fps, fn)
keymap.set(target, lhs, rhs, opts?{priority desc mode nowait when})
keymap.del(target, lhs)
keymap.list(target?)
keymap.feed(keys)
command.create(name, run{callback desc args complete aliases})
command.run(name, args?)
command.list()
action.run(name)
tool.register(tool{name description schema execute kind timeout_ms render prompt_hint override})
tool.run(name, args?)
tool.list()
tool.set_active(names?)
tool.renderer(name, look{display_name border background markdown header body})
timer.defer(ms, fn)
timer.interval(ms, fn)
timer.stop(handle)
job.spawn(job{cmd args cwd env stdin pty on_stdout on_stderr on_exit timeout_ms})
job.run(job{cmd args cwd env stdin timeout_ms})
http.request(request{url method headers body timeout_ms on_chunk})
fs.read(path)
fs.write(path, text)
fs.list(path)
fs.stat(path)
fs.watch(path, fn)
fs.glob(pattern)
config.get(path)
config.set(path, value?, scope?)
hook.list()
hook.has_handlers(name)
state.get(key, scope?)
state.set(key, value?, scope?)
state.delete(key, scope?)
state.keys(scope?)
option.define(option{name type default choices secret desc})
option.get(name)
option.set(name, value?)
register_command(name, desc, fn)
register_tool(name, desc, fn, schema?)
api.create_namespace(name)
api.create_autocmd(events, handler{callback})
api.create_user_command(name, run{callback})
event.consume()
event.stop()
";

/// The verbs of the objects that functions answer.
const VERBS: &[(&str, &[&str])] =
    &[("Handle", &["del"]), ("Task", &["cancel", "wait"]), ("Job", &["write", "kill", "wait"])];

/// What can be read of the tables that functions answer.
const FIELDS: &[(&str, &[&str])] = &[
    ("Context", &["session_id", "cwd", "model", "interactive", "has_ui", "extension"]),
    (
        "Window",
        &[
            "name",
            "role",
            "buffer",
            "renderer",
            "x",
            "y",
            "width",
            "height",
            "cursor_row",
            "cursor_col",
            "scroll",
            "visible",
            "focusable",
            "zindex",
            "metadata",
        ],
    ),
    ("Span", &["text", "fg", "bg", "bold", "italic", "underline", "reverse", "strike", "dim", "url"]),
];

/// The theme tokens that must exist: an earlier host's, then ours.
const TOKENS: &str = "accent bashMode border borderAccent borderMuted codeBg codeText customMessageBg diffAdd diffDelete dim
    error muted selectedBg success text thinkingText toolErrorBg toolPendingBg toolSuccessBg userMessageBg warning
    link search selection heading quote cursorLine";

/// One argument of a line of [`FUNCTIONS`].
struct Wanted<'a> {
    name: &'a str,
    optional: bool,
    keys: Vec<&'a str>,
}

fn parse(line: &str) -> (&str, Vec<Wanted<'_>>) {
    let (name, rest) = line.split_once('(').expect("a name and arguments");
    let args = rest.strip_suffix(')').expect("a closing parenthesis");
    let wanted = args.split(", ").filter(|arg| !arg.is_empty()).map(|arg| {
        let (head, keys) = arg.split_once('{').unwrap_or((arg, ""));
        Wanted {
            name: head.trim_end_matches('?'),
            optional: head.ends_with('?'),
            keys: keys.trim_end_matches('}').split_whitespace().collect(),
        }
    });
    (name, wanted.collect())
}

fn options_of(ty: &Ty) -> &'static [Opt] {
    match ty {
        Ty::Options(options) => options,
        Ty::Either(types) => types.iter().map(options_of).find(|options| !options.is_empty()).unwrap_or(&[]),
        _ => &[],
    }
}

/// Whether a table of these options takes a key, which may be a path into a table inside of it.
fn takes(options: &[Opt], key: &str) -> bool {
    let (first, rest) = key.split_once('.').unwrap_or((key, ""));
    let found = options.iter().find(|option| option.name == first);
    found.is_some_and(|option| rest.is_empty() || takes(options_of(&option.ty), rest))
}

/// What of a line the declaration does not hold.
fn missing(declared: &ApiFn, wanted: &[Wanted<'_>]) -> Vec<String> {
    let mut missing = Vec::new();
    for (at, arg) in wanted.iter().enumerate() {
        let Some(param) = declared.params.get(at) else {
            missing.push(format!("{} takes no argument {}, `{}`", declared.name, at + 1, arg.name));
            continue;
        };
        if arg.optional != (param.need != Need::Required) && !arg.optional {
            missing.push(format!("{}: `{}` must be there", declared.name, param.name));
        } else if arg.optional && param.need == Need::Required {
            missing.push(format!("{}: `{}` may be left out", declared.name, param.name));
        }
        let options = options_of(&param.ty);
        let lacking = arg.keys.iter().filter(|key| !takes(options, key));
        missing.extend(lacking.map(|key| format!("{}: `{}` takes no `{key}`", declared.name, param.name)));
    }
    missing
}

#[test]
fn every_function_of_the_contract_is_declared_with_its_arguments() {
    let mut lacking = Vec::new();
    let mut count = 0;
    for line in FUNCTIONS.lines().filter(|line| !line.is_empty()) {
        let (name, wanted) = parse(line);
        match find(name) {
            Some(declared) => lacking.extend(missing(declared, &wanted)),
            None => lacking.push(format!("{name} is not there")),
        }
        count += 1;
    }
    assert!(count > 130, "only {count} were looked at");
    assert_eq!(lacking, [""; 0]);
}

#[test]
fn every_function_of_the_contract_is_a_feature_that_can_be_asked_for() {
    let names: Vec<&str> =
        FUNCTIONS.lines().filter(|line| !line.is_empty()).map(|line| parse(line).0).collect();
    World::new().load(
        "names",
        &format!(
            r#"for name in ("{}"):gmatch("%S+") do
              local found = purlin
              for part in name:gmatch("[^.]+") do found = found[part] end
              assert(type(found) == "function", name)
              assert(purlin.has(name), name)
            end"#,
            names.join(" ")
        ),
    );
}

#[test]
fn objects_have_the_fields_and_verbs_of_the_contract() {
    let shape = |name: &str| SHAPES.iter().find(|shape| shape.name == name).expect("a shape");
    for (name, verbs) in VERBS {
        for verb in *verbs {
            assert!(shape(name).methods.iter().any(|method| method.name == *verb), "{name}:{verb}");
        }
    }
    for (name, fields) in FIELDS {
        for field in *fields {
            assert!(shape(name).fields.iter().any(|found| found.name == *field), "{name}.{field}");
        }
    }
}

#[test]
fn what_is_answered_has_every_field_that_is_declared() {
    let world = World::new();
    world.kernel.set_context("session_id", "s1".into());
    world.kernel.set_context("cwd", "/tmp".into());
    world.kernel.set_context("model", "echo".into());
    world.screen(40, 10);
    world.load(
        "fields",
        r#"
        local function has(what, table, names)
          for name in names:gmatch("%S+") do assert(table[name] ~= nil, what .. "." .. name) end
        end
        purlin.buf.set("b", { text = "t", label = "l", metadata = { m = 1 }, blocks = { { kind = "k" } } })
        has("buf", purlin.buf.get("b"), "name text chars cursor label metadata blocks")
        has("block", purlin.buf.get_blocks("b")[1], "id kind role text streaming created_at meta")
        purlin.win.cursor("transcript", 1, 1)
        has("win", purlin.win.get("transcript"),
          "name role buffer renderer x y width height cursor_row cursor_col scroll visible focusable zindex metadata")
        has("layout", purlin.layout.get(), "width height windows tree")
        has("viewport", purlin.ui.viewport({ "a" }, 1), "lines start end offset max_offset total")
        local list = purlin.ui.virtual_list({ { height = 1 } }, 1)
        has("virtual_list", list, "items start end offset max_offset total")
        has("virtual_list item", list.items[1], "index lua_index row_offset height")
        has("diff", purlin.ui.diff("a", "b")[1], "old_start old_count new_start new_count lines")
        has("version", purlin, "version api_level null")
        purlin.on("key", function(ev, ctx)
          has("ctx", ctx, "session_id cwd model interactive has_ui extension")
          has("ev", ev, "name key text ctrl alt shift meta payload data focus context composer buffers windows layout")
          has("focus", ev.focus, "kind window buffer role")
          assert(ev.working == false and ev.context.cwd == "/tmp" and ctx.extension == "fields" and ctx.interactive)
          assert(ev.payload == ev.data)
        end)
        "#,
    );
    world.press("x");
    assert_eq!(world.problems(), [""; 0]);
}

#[test]
fn the_context_is_always_current() {
    let world = World::new();
    world.kernel.set_context("model", "first".into());
    world.load(
        "now",
        r#"
        local kept
        purlin.on("key", function(_, ctx) kept = kept or ctx print(kept.model, kept.session_id, kept.has_ui) end)
        "#,
    );
    world.press("x");
    world.kernel.set_context("model", "second".into());
    world.kernel.set_context("session_id", "s2".into());
    world.kernel.ui().set_interactive(false);
    world.press("x");
    assert_eq!(world.printed(), ["first\tnil\ttrue", "second\ts2\tfalse"]);
}

#[test]
fn the_theme_tokens_of_the_contract_are_there() {
    World::new().load(
        "tokens",
        &format!(
            r#"local all = purlin.ui.theme_tokens()
            for token in ("{}"):gmatch("%S+") do
              assert(table.find(all, token), token)
              assert(purlin.hl.set("Mine", {{ fg = token, bg = token }}), token)
            end"#,
            TOKENS.split_whitespace().collect::<Vec<_>>().join(" ")
        ),
    );
}

#[test]
fn features_are_asked_for_by_name() {
    World::new().load(
        "features",
        r#"
        local there = "buf buf.insert ui.status ui.status.set overlay.anchor ui.overlay.anchor ui.overlay.style.border_color " ..
          "win.open.float.anchor open.float.anchor on.filter keymap.set.when tool_call tool_call.args tool_call.block " ..
          "before_provider_request null version api_level autocmd.create buf.delete_text win.get_buffer librecode"
        for name in there:gmatch("%S+") do assert(purlin.has(name), name) end
        local absent = "overlay.anker buf.fly ui.overlay.anchor.x tool_call.blok nothing overlay. .anchor . ui.status.set.key"
        for name in absent:gmatch("%S+") do assert(not purlin.has(name), name) end
        assert(not purlin.has(""))
        "#,
    );
}

#[test]
fn keys_and_targets_are_written_as_the_contract_says() {
    let world = World::new();
    world.load(
        "keys",
        r#"
        local same = {
          { "escape", "esc" }, { "enter", "cr", "return", "Return" }, { "backspace", "bs" }, { "ctrl+j", "c-j", "<c-j>", "control+j" },
          { "alt+x", "a-x", "m-x", "option+x" }, { "meta+k", "cmd+k", "super+k" }, { "pgup", "PageUp" }, { "?", "shift+/" },
          { "shift+ctrl+s", "ctrl+shift+s" }, { "g g" }, { "<leader>f" }, { "G" }, { "f24" }, { "space" }, { "insert" },
          { "delete" }, { "home" }, { "end" }, { "pgdn" }, { "tab" }, { "shift+tab" }, { "left" }, { "*" },
        }
        for _, spellings in ipairs(same) do
          local first
          for _, spelling in ipairs(spellings) do
            local map = purlin.keymap.set("global", spelling, function() end)
            local lhs = purlin.keymap.list("global")[1].lhs
            first = first or lhs
            assert(lhs == first, spelling .. " is " .. lhs .. " and not " .. first)
            map:del()
          end
        end
        for _, target in ipairs{ "global", { focus = "composer" }, { buffer = "composer" }, { window = "composer" },
          { role = "composer" }, { scope = "window", name = "composer" }, { "global", { role = "x" } }, "composer" } do
          purlin.keymap.set(target, "f5", function() end):del()
        end
        local ok, why = pcall(purlin.keymap.set, "global", "ctrl+c", function() end)
        assert(not ok and why:find("ctrl+c", 1, true), why)
        "#,
    );
}

/// A declared answer that is a handle must be among those whose handles are tried.
#[test]
fn every_function_that_answers_a_handle_is_tried() {
    for declared in functions().filter(|declared| declared.returns.starts_with("Handle")) {
        let call = format!("purlin.{}", declared.name);
        let tried = crate::conventions::CREATES
            .iter()
            .any(|create| create.strip_prefix(&*call).is_some_and(|rest| rest.starts_with(['(', '{'])));
        assert!(tried, "{} is in `CREATES`", declared.name);
    }
}
