//! `purlin.job`: processes. Each leads a group of its own, which ends with the extension.

pub(super) mod spawn;

use std::path::PathBuf;
use std::time::Duration;

use mlua::Value;
use purlin_kernel::ProcessSpec;

use super::call::{Call, Options};
use super::declare::{ApiFn, Opt, Run, Ty, Waiting, key, must, req};
use super::fs;

/// What `job.run` keeps of each stream at most.
const MAX_OUTPUT: usize = 16 * 1024 * 1024;

const CMD: Opt = must(
    "cmd",
    Ty::Either(&[Ty::String, Ty::List]),
    "A program for `args`; without `args` a line for the shell; or a list: program and arguments.",
);
const ARGS: Opt = key("args", Ty::List, "The program's arguments.");
const CWD: Opt = key("cwd", Ty::String, "Where it runs; the session's directory without it.");
const ENV: Opt = key("env", Ty::Table, "Variables added to its environment.");
const TIMEOUT: Opt = key("timeout_ms", Ty::Integer, "After how many milliseconds its group is killed.");

const RUN: &[Opt] = &[CMD, ARGS, CWD, ENV, key("stdin", Ty::Text, "What it reads."), TIMEOUT];

pub(super) const FNS: &[ApiFn] = &[ApiFn {
    name: "job.run",
    params: &[req("job", Ty::Options(RUN), "")],
    returns: "{ code: integer?, signal: integer?, timed_out: boolean, stdout: string, stderr: string } | nil, string",
    errors: &["The place cannot wait."],
    doc: "Runs a process to its end and answers what it wrote, at most 16 MiB of each stream; `nil` and the reason if it cannot be started. `timed_out` tells that it was killed after `timeout_ms`; what it wrote until then is there.",
    example: "purlin.spawn(function()\n  local done = purlin.job.run{ cmd = 'echo', args = { 'hello' } }\n  assert(done.code == 0 and done.stdout == 'hello\\n')\nend)",
    run: Run::Wait(run),
}];

fn run(call: Call) -> Waiting {
    Box::pin(async move {
        let options = call.options(0);
        let mut spec = spec(&call, &options)?;
        spec.stdin = match options.value("stdin") {
            Value::String(text) => Some(text.as_bytes().to_vec()),
            _ => options.string("stdin").map(String::into_bytes),
        };
        let running = call.kernel()?.job().run(call.env.ext, spec, MAX_OUTPUT);
        match running.await {
            Ok(ended) => {
                let table = call.lua.create_table_with_capacity(0, 5)?;
                table.raw_set("code", ended.code)?;
                table.raw_set("signal", ended.signal)?;
                table.raw_set("timed_out", ended.timed_out)?;
                table.raw_set("stdout", call.lua.create_string(&ended.stdout)?)?;
                table.raw_set("stderr", call.lua.create_string(&ended.stderr)?)?;
                call.one(table)
            }
            Err(error) => call.nothing(&error.message),
        }
    })
}

fn spec(call: &Call, options: &Options<'_>) -> mlua::Result<ProcessSpec> {
    let (program, args) = match options.value("cmd") {
        Value::Table(_) => {
            let mut words = options.strings("cmd")?;
            if words.is_empty() {
                return Err(call.refuse(0, "field 'cmd': a program expected, got an empty list"));
            }
            let program = words.remove(0);
            words.extend(options.strings("args")?);
            (program, words)
        }
        _ if options.value("args").is_nil() => {
            ("sh".to_owned(), vec!["-c".to_owned(), options.string("cmd").unwrap_or_default()])
        }
        _ => (options.string("cmd").unwrap_or_default(), options.strings("args")?),
    };
    let mut env = Vec::new();
    for (name, value) in options.map("env")? {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(call.refuse(0, format!("field 'env': `{name}` cannot be a variable")));
        }
        env.push((name, value));
    }
    let cwd: PathBuf = fs::absolute(call, &options.string("cwd").unwrap_or_else(|| ".".into()))?;
    Ok(ProcessSpec {
        program,
        args,
        cwd: Some(cwd),
        env,
        group: true,
        timeout: options.count("timeout_ms")?.map(Duration::from_millis),
        ..ProcessSpec::default()
    })
}
