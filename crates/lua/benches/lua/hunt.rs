//! Hunts the host call that takes longest: every declared function, with each of its arguments in turn as large as an
//! author can make it, the others plain.

use std::time::{Duration, Instant};

use purlin_lua::{ApiFn, Opt, Run, Ty, functions};

use super::world::World;

/// What the calls are made with; too large to be made anew in each.
const VALUES: &str = r"
local nothing = function() end
local numbers = table.create(1e6, 1)
local texts = table.create(1e5, 'a word')
local spans = {}
for i = 1, 3e4 do spans[i] = { text = 'a word', bold = true } end
local wide = {}
for i = 1, 1e5 do wide['key' .. i] = i end
local deep = {}
for i = 1, 1e5 do deep = { deep } end
local bush = { win = 'composer' }
for i = 1, 40 do bush = { bush, bush } end
local text = ('word '):rep(2e5)
local shared, rows = {}, {}
for i = 1, 1000 do
  shared[i] = text
  rows[i] = { text = text, label = text, buffer = text }
end
local sparse = { [1] = 1, [1e9] = 1 }
";

/// What the standard libraries can be made to do in one call.
const LIBRARIES: &[&str] = &[
    "return ('x'):rep(1e9)",
    "return text:rep(60):upper():lower():reverse()",
    "return table.concat(texts, text)",
    "return table.concat(numbers, ',')",
    "table.sort(numbers, function(a, b) return a > b end)",
    "table.sort(texts)",
    "table.move(numbers, 1, 1e6, 2)",
    "for i = 1, 1000 do table.insert(numbers, 1, i) end",
    "return table.clone(numbers)",
    "return table.find(numbers, 2)",
    "return table.create(1e9)",
    "return select('#', table.unpack(numbers))",
    "return text:gsub('.', '%0%0')",
    "return text:find(('a?'):rep(30) .. ('a'):rep(30))",
    "return ('a'):rep(1e5):find(('.-'):rep(20) .. 'b')",
    "return text:rep(8):find(text:sub(1, 1e5) .. '!', 1, true)",
    "return text:rep(8):split(text:sub(1, 1e5) .. '!')",
    "return utf8.len(text:rep(8))",
    "for _ in text:gmatch('%a+') do end",
    "return buffer.tostring(buffer.create(3e7))",
    "return load(text)",
    "return load(('('):rep(1e5))",
    "return load('return ' .. ('{'):rep(1e5))",
    "return load('x = ' .. ('1 + '):rep(2e5) .. '1')",
    "return require(text)",
    "return string.format('%99s', text)",
    "return bit.band(table.unpack(numbers, 1, 7000))",
    "print(text:rep(8))",
    "error(text:rep(8))",
    "io.write(text:rep(8))",
    "return io.open(text)",
    "return os.rename(text, text)",
    "local f = io.tmpfile() f:write(text:rep(8)) f:seek('set') return f:read('*a')",
    "local f = io.tmpfile() f:write(('a\\n'):rep(2e6)) f:seek('set') for _ in f:lines() do end",
    "return io.popen('cat /dev/zero'):read('*a')",
    "return os.execute('sleep 5')",
    "return coroutine.wrap(function() while true do end end)()",
    "local t = setmetatable({}, { __index = function(t, k) return t[k + 1] end }) return t[1]",
];

/// Texts: what they are, and how many bytes one repetition has.
const SHAPES: [(&str, usize); 7] =
    [("word ", 5), ("a", 1), ("a\\n", 2), ("* [a](b) `c`\\n", 13), ("[", 1), ("> ", 2), ("\\27[1m", 4)];
const SIZES: [usize; 2] = [8 << 20, 256 << 10];

/// Answers the longest calls, the longest first.
pub fn longest() -> Vec<(Duration, String)> {
    let mut found: Vec<(Duration, String)> = functions().flat_map(calls_of).collect();
    let libraries: Vec<String> = LIBRARIES.iter().map(|call| (*call).to_owned()).collect();
    found.extend(time(&libraries));
    found.sort();
    found.reverse();
    found
}

/// A value as Lua writes it, plain for its type.
fn plain(ty: &Ty) -> String {
    match ty {
        Ty::Any | Ty::Value | Ty::Integer | Ty::Number => "1".into(),
        Ty::Boolean => "true".into(),
        Ty::String | Ty::Text => "'transcript'".into(),
        Ty::Function | Ty::AsyncFunction => "nothing".into(),
        Ty::Table | Ty::List => "{}".into(),
        Ty::Options(options) => table(options, None),
        Ty::Choice(words) => format!("'{}'", words.first().unwrap_or(&"")),
        Ty::Either(types) => types.first().map_or_else(|| "nil".into(), plain),
    }
}

/// An options table with what it must have, and one more field.
fn table(options: &[Opt], field: Option<(&str, &str)>) -> String {
    let needed = options.iter().filter(|option| option.required);
    let mut fields: Vec<String> = needed
        .filter(|option| field.is_none_or(|(name, _)| name != option.name))
        .map(|option| format!("{} = {}", option.name, plain(&option.ty)))
        .collect();
    fields.extend(field.map(|(name, value)| format!("{name} = {value}")));
    format!("{{ {} }}", fields.join(", "))
}

/// The same as large as it can be, in every way that the type allows.
fn large(ty: &'static Ty) -> Vec<String> {
    let texts = || {
        let sized =
            |(text, bytes): (&str, usize)| SIZES.map(|size| format!("('{text}'):rep({})", size / bytes));
        SHAPES.into_iter().flat_map(sized)
    };
    let tables =
        ["numbers", "texts", "spans", "wide", "deep", "bush", "shared", "rows", "sparse"].map(str::to_owned);
    match ty {
        Ty::Any | Ty::Value => texts().chain(tables).collect(),
        Ty::String | Ty::Text | Ty::Choice(_) => texts().collect(),
        Ty::Integer | Ty::Number => vec!["1e9".into(), "-1e9".into()],
        Ty::Table | Ty::List => tables.to_vec(),
        Ty::Options(options) => {
            fields_of(options).into_iter().chain(["wide".to_owned(), "numbers".to_owned()]).collect()
        }
        Ty::Either(types) => types.iter().flat_map(large).collect(),
        Ty::Boolean | Ty::Function | Ty::AsyncFunction => Vec::new(),
    }
}

/// A few of them, for the many fields of options.
fn large_field(ty: &'static Ty) -> Vec<String> {
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    match ty {
        Ty::Any | Ty::Value => owned(&["('word '):rep(16e5)", "numbers", "deep", "bush"]),
        Ty::String | Ty::Text | Ty::Choice(_) => owned(&["('word '):rep(16e5)", "('a\\n'):rep(131072)"]),
        Ty::Integer | Ty::Number => owned(&["1e9"]),
        Ty::Table | Ty::List => owned(&["numbers", "spans", "deep", "bush", "shared", "rows"]),
        Ty::Either(types) => types.iter().flat_map(large_field).collect(),
        Ty::Options(options) => fields_of(options),
        Ty::Boolean | Ty::Function | Ty::AsyncFunction => Vec::new(),
    }
}

/// Options tables, each with one large field.
fn fields_of(options: &'static [Opt]) -> Vec<String> {
    let large = options.iter().map(|option| (option.name, large_field(&option.ty)));
    large
        .flat_map(|(name, values)| values.into_iter().map(move |value| table(options, Some((name, &value)))))
        .collect()
}

fn calls_of(function: &'static ApiFn) -> Vec<(Duration, String)> {
    let plain: Vec<String> = function.params.iter().map(|param| plain(&param.ty)).collect();
    let mut calls: Vec<String> = Vec::new();
    for (at, param) in function.params.iter().enumerate() {
        for value in large(&param.ty) {
            let mut args = plain.clone();
            args[at] = value;
            let call = format!("purlin.{}({})", function.name, args.join(", "));
            // What waits is called where it can.
            let waits = matches!(function.run, Run::Wait(_));
            calls.push(if waits { format!("purlin.spawn(function() {call} end)") } else { call });
        }
    }
    let timed: Vec<(Duration, String)> = calls.chunks(150).flat_map(time).collect();
    if let Some((took, call)) =
        timed.iter().max().filter(|_| std::env::var_os("PURLIN_BENCH_VERBOSE").is_some())
    {
        println!("  {:.0} ms of {}: {call}", took.as_secs_f64() * 1e3, timed.len());
    }
    timed
}

/// Makes the calls one after another in key handlers of one world, and answers how long each held the screen up.
fn time(calls: &[String]) -> Vec<(Duration, String)> {
    let world = World::measured();
    world.screen(120, 40);
    world.kernel.buf().set_text("transcript", "some text");
    let listed: Vec<String> = calls.iter().map(|call| format!("function() {call} end")).collect();
    let source = format!(
        "{VALUES}\nlocal calls = {{ {} }}\nlocal at = 0\npurlin.on('key', function()\n  at = at + 1\n  calls[at]()\nend)",
        listed.join(",\n")
    );
    let ext = world.load("hunt", &source);
    let timed = calls.iter().map(|call| {
        if std::env::var_os("PURLIN_BENCH_TRACE").is_some() {
            println!("  {call}");
        }
        let start = Instant::now();
        world.press("x");
        // What is only noted down by a call costs when it is drawn.
        drop(world.kernel.frame(120, 40));
        // What waited goes on.
        world.advance(1);
        let took = start.elapsed();
        world.kernel.guard().resume(ext);
        (took, call.clone())
    });
    timed.collect()
}
