//! The file handle of `io`: reading by format, writing, seeking.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::rc::Rc;
use std::time::Duration;

use mlua::{Function, Lua, MultiValue, UserData, UserDataMethods, Value};

use super::shell;
use crate::env::Env;
use crate::fault;

/// Work is cut into pieces of this size, and the deadline is looked at between two.
const PIECE: usize = 64 * 1024;
const POLL: Duration = Duration::from_millis(2);
/// The memory limit of a state bounds what can be read into one string anyway.
const MAX_READ: usize = 64 * 1024 * 1024;

/// Where the bytes of a handle come from or go to.
pub(super) enum Body {
    /// A file on disk.
    Disk(File),
    /// What a command wrote (`io.popen(cmd, "r")`).
    Output,
    /// What a command will read (`io.popen(cmd, "w")`); it runs at `close`.
    Command { command: String, input: Vec<u8> },
    /// `io.stdout` and `io.stderr`: written lines go to the extension's log.
    Log { level: &'static str, line: Vec<u8> },
}

/// A handle of `io`, closed when `body` is gone.
pub(super) struct LuaFile {
    env: Rc<Env>,
    path: String,
    open: RefCell<Option<Open>>,
}

struct Open {
    body: Body,
    /// Bytes read ahead.
    ahead: Vec<u8>,
    start: usize,
    /// Bytes not yet written to disk.
    behind: Vec<u8>,
    exit_code: Option<i64>,
}

impl LuaFile {
    pub(super) fn new(env: &Rc<Env>, path: &str, body: Body) -> Self {
        Self {
            env: Rc::clone(env),
            path: path.to_owned(),
            open: RefCell::new(Some(Open {
                body,
                ahead: Vec::new(),
                start: 0,
                behind: Vec::new(),
                exit_code: None,
            })),
        }
    }

    /// A handle that reads what a command wrote.
    pub(super) fn of_output(env: &Rc<Env>, command: &str, done: shell::Done) -> Self {
        let file = Self::new(env, command, Body::Output);
        if let Some(open) = file.open.borrow_mut().as_mut() {
            open.ahead = done.stdout;
            open.exit_code = Some(done.code);
        }
        file
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.borrow().is_some()
    }

    fn with<T>(
        &self,
        lua: &Lua,
        run: impl FnOnce(&mut Open) -> io::Result<T>,
    ) -> mlua::Result<Result<T, io::Error>> {
        let mut open = self.open.borrow_mut();
        let open = open.as_mut().ok_or_else(|| fault::raise(lua, "attempt to use a closed file"))?;
        Ok(run(open))
    }

    /// `file:read(...)`.
    pub(super) fn read(&self, lua: &Lua, formats: &MultiValue) -> mlua::Result<MultiValue> {
        let line = [Format::Line];
        let formats = if formats.is_empty() { line.to_vec() } else { parse_formats(lua, formats)? };
        let mut results = MultiValue::new();
        for format in formats {
            match self.with(lua, |open| open.read(&self.env, format))? {
                Ok(Some(Piece::Bytes(bytes))) => results.push_back(Value::String(lua.create_string(bytes)?)),
                Ok(Some(Piece::Number(number))) => results.push_back(Value::Number(number)),
                Ok(None) => {
                    results.push_back(Value::Nil);
                    return Ok(results);
                }
                Err(error) => return io_failure(lua, &self.path, &error),
            }
        }
        Ok(results)
    }

    fn write(&self, lua: &Lua, values: &MultiValue) -> mlua::Result<Result<(), io::Error>> {
        for (index, value) in values.iter().enumerate() {
            let written = match value {
                Value::String(text) => self.with(lua, |open| open.write(&self.env, &text.as_bytes()))?,
                Value::Integer(number) => {
                    self.with(lua, |open| open.write(&self.env, number.to_string().as_bytes()))?
                }
                Value::Number(number) => {
                    self.with(lua, |open| open.write(&self.env, number.to_string().as_bytes()))?
                }
                other => {
                    let kind = other.type_name();
                    return Err(fault::raise(
                        lua,
                        &format!("bad argument #{} to 'write' (string expected, got {kind})", index + 1),
                    ));
                }
            };
            if written.is_err() {
                return Ok(written);
            }
        }
        Ok(Ok(()))
    }

    /// `file:close()`; a command that reads its input runs now.
    pub(super) fn close(&self, lua: &Lua) -> mlua::Result<MultiValue> {
        let Some(mut open) = self.open.borrow_mut().take() else {
            return Err(fault::raise(lua, "attempt to use a closed file"));
        };
        if let Err(error) = open.flush(&self.env) {
            return io_failure(lua, &self.path, &error);
        }
        if let Body::Command { command, input } = &open.body {
            let done = shell::run_until_deadline(&self.env, command, input)
                .map_err(|why| fault::raise(lua, &why))?;
            self.env.log_output(&done);
            open.exit_code = Some(done.code);
        }
        match open.exit_code {
            Some(code) if code != 0 => lua.pack_multi((Value::Nil, "exit", code)),
            Some(code) => lua.pack_multi((true, "exit", code)),
            None => lua.pack_multi(true),
        }
    }
}

impl Drop for LuaFile {
    fn drop(&mut self) {
        if let Some(open) = self.open.borrow_mut().as_mut() {
            // A collected handle has nobody left to tell of an error.
            let _ = open.flush(&self.env);
        }
    }
}

#[derive(Clone, Copy)]
enum Format {
    Line,
    LineWithEnd,
    All,
    Number,
    Count(usize),
}

enum Piece {
    Bytes(Vec<u8>),
    Number(f64),
}

fn parse_formats(lua: &Lua, formats: &MultiValue) -> mlua::Result<Vec<Format>> {
    let mut parsed = Vec::with_capacity(formats.len());
    for (index, value) in formats.iter().enumerate() {
        let format = match value {
            Value::Integer(count) => usize::try_from(*count).ok().map(Format::Count),
            Value::String(word) => match word.to_string_lossy().trim_start_matches('*').chars().next() {
                Some('l') => Some(Format::Line),
                Some('L') => Some(Format::LineWithEnd),
                Some('a') => Some(Format::All),
                Some('n') => Some(Format::Number),
                _ => None,
            },
            _ => None,
        };
        parsed.push(format.ok_or_else(|| {
            fault::raise(lua, &format!("bad argument #{} to 'read' (invalid format)", index + 1))
        })?);
    }
    Ok(parsed)
}

impl Open {
    fn ahead(&self) -> &[u8] {
        &self.ahead[self.start..]
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let taken = self.ahead()[..count].to_vec();
        self.start += count;
        if self.start == self.ahead.len() {
            self.ahead.clear();
            self.start = 0;
        }
        taken
    }

    /// Reads one more piece ahead; false at the end of the file.
    fn fill(&mut self, env: &Env) -> io::Result<bool> {
        let Body::Disk(file) = &mut self.body else { return Ok(false) };
        if self.ahead.len() - self.start > MAX_READ {
            return Err(io::Error::other("more than 64 MiB in one read"));
        }
        if !self.behind.is_empty() {
            file.write_all(&self.behind)?;
            self.behind.clear();
        }
        let length = self.ahead.len();
        self.ahead.resize(length + PIECE, 0);
        loop {
            if env.is_overdue() {
                self.ahead.truncate(length);
                return Err(io::Error::new(ErrorKind::TimedOut, "interrupted at the deadline"));
            }
            match file.read(&mut self.ahead[length..]) {
                Ok(read) => {
                    self.ahead.truncate(length + read);
                    return Ok(read > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Files are opened so that a pipe without a writer does not freeze the program.
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(POLL),
                Err(error) => {
                    self.ahead.truncate(length);
                    return Err(error);
                }
            }
        }
    }

    fn read(&mut self, env: &Env, format: Format) -> io::Result<Option<Piece>> {
        Ok(match format {
            Format::Line => self.read_line(env)?.map(|mut line| {
                if line.last() == Some(&b'\n') {
                    line.pop();
                }
                Piece::Bytes(line)
            }),
            Format::LineWithEnd => self.read_line(env)?.map(Piece::Bytes),
            Format::All => {
                while self.fill(env)? {}
                let count = self.ahead().len();
                Some(Piece::Bytes(self.take(count)))
            }
            Format::Number => self.read_number(env)?.map(Piece::Number),
            Format::Count(count) => {
                while self.ahead().len() < count.max(1) && self.fill(env)? {}
                let available = self.ahead().len();
                if available == 0 {
                    return Ok(None);
                }
                Some(Piece::Bytes(self.take(count.min(available))))
            }
        })
    }

    fn read_line(&mut self, env: &Env) -> io::Result<Option<Vec<u8>>> {
        let mut seen = 0;
        loop {
            if let Some(at) = self.ahead()[seen..].iter().position(|byte| *byte == b'\n') {
                return Ok(Some(self.take(seen + at + 1)));
            }
            seen = self.ahead().len();
            if !self.fill(env)? {
                return Ok((seen > 0).then(|| self.take(seen)));
            }
        }
    }

    fn read_number(&mut self, env: &Env) -> io::Result<Option<f64>> {
        while self.ahead().len() < 256 && self.fill(env)? {}
        let window = &self.ahead()[..self.ahead().len().min(256)];
        let blank = window.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let length = window[blank..]
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit() || b"+-.xX".contains(byte))
            .count();
        let text = String::from_utf8_lossy(&window[blank..blank + length]).into_owned();
        let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => i64::from_str_radix(digits, 16).ok().map(|number| number as f64),
            None => text.parse().ok(),
        };
        if number.is_some() {
            self.take(blank + length);
        }
        Ok(number)
    }

    fn write(&mut self, env: &Env, bytes: &[u8]) -> io::Result<()> {
        match &mut self.body {
            Body::Disk(file) => {
                if self.start < self.ahead.len() {
                    // Writing goes on where reading stopped, not where it read ahead to.
                    file.seek(SeekFrom::Current(-((self.ahead.len() - self.start) as i64)))?;
                }
                self.ahead.clear();
                self.start = 0;
                self.behind.extend_from_slice(bytes);
                if self.behind.len() >= PIECE {
                    self.flush(env)?;
                }
                Ok(())
            }
            Body::Command { input, .. } => {
                input.extend_from_slice(bytes);
                Ok(())
            }
            Body::Log { line, .. } => {
                line.extend_from_slice(bytes);
                if line.contains(&b'\n') {
                    self.flush(env)?;
                }
                Ok(())
            }
            Body::Output => Err(io::Error::from(ErrorKind::PermissionDenied)),
        }
    }

    fn flush(&mut self, env: &Env) -> io::Result<()> {
        match &mut self.body {
            Body::Disk(file) => {
                for piece in self.behind.chunks(PIECE) {
                    file.write_all(piece)?;
                    if env.is_overdue() {
                        self.behind.clear();
                        return Err(io::Error::new(ErrorKind::TimedOut, "interrupted at the deadline"));
                    }
                }
                self.behind.clear();
            }
            Body::Log { level, line } => {
                for text in String::from_utf8_lossy(&std::mem::take(line)).lines() {
                    env.log(level, text);
                }
            }
            Body::Command { .. } | Body::Output => {}
        }
        Ok(())
    }

    fn seek(&mut self, env: &Env, whence: &str, offset: i64) -> io::Result<u64> {
        self.flush(env)?;
        let ahead = (self.ahead.len() - self.start) as i64;
        let Body::Disk(file) = &mut self.body else {
            return Err(io::Error::from(ErrorKind::NotSeekable));
        };
        self.ahead.clear();
        self.start = 0;
        file.seek(match whence {
            "set" => SeekFrom::Start(offset.max(0) as u64),
            "end" => SeekFrom::End(offset),
            _ => SeekFrom::Current(offset - ahead),
        })
    }
}

impl UserData for LuaFile {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("read", |lua, file, formats: MultiValue| file.read(lua, &formats));
        methods.add_method("close", |lua, file, ()| file.close(lua));
        methods.add_function("write", |lua, (this, values): (mlua::AnyUserData, MultiValue)| {
            let file = this.borrow::<Self>()?;
            match file.write(lua, &values)? {
                Ok(()) => lua.pack_multi(&this),
                Err(error) => io_failure(lua, &file.path, &error),
            }
        });
        methods.add_method("flush", |lua, file, ()| match file.with(lua, |open| open.flush(&file.env))? {
            Ok(()) => lua.pack_multi(true),
            Err(error) => io_failure(lua, &file.path, &error),
        });
        methods.add_method("setvbuf", |_, _, _: MultiValue| Ok(true));
        methods.add_method("seek", |lua, file, (whence, offset): (Option<String>, Option<i64>)| {
            let whence = whence.as_deref().unwrap_or("cur");
            match file.with(lua, |open| open.seek(&file.env, whence, offset.unwrap_or(0)))? {
                Ok(at) => lua.pack_multi(at),
                Err(error) => io_failure(lua, &file.path, &error),
            }
        });
        methods.add_function("lines", |lua, (this, formats): (mlua::AnyUserData, MultiValue)| {
            lines(lua, this, formats, false)
        });
        methods.add_meta_method("__tostring", |_, file, ()| {
            let state = if file.is_open() { file.path.as_str() } else { "closed" };
            Ok(format!("file ({state})"))
        });
    }
}

/// The iterator of `file:lines()` and `io.lines()`, which closes its file at the end.
pub(super) fn lines(
    lua: &Lua,
    file: mlua::AnyUserData,
    formats: MultiValue,
    closes: bool,
) -> mlua::Result<Function> {
    lua.create_function(move |lua, _: MultiValue| {
        let handle = file.borrow::<LuaFile>()?;
        let read = handle.read(lua, &formats)?;
        if closes && read.front().is_none_or(Value::is_nil) && handle.is_open() {
            handle.close(lua)?;
        }
        Ok(read)
    })
}

/// `nil, "path: reason", errno`, as Lua's own library answers.
pub(super) fn io_failure(lua: &Lua, path: &str, error: &io::Error) -> mlua::Result<MultiValue> {
    if error.kind() == ErrorKind::TimedOut {
        return Err(fault::raise(lua, &format!("{path}: {error}")));
    }
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or(&text);
    lua.pack_multi((Value::Nil, format!("{path}: {reason}"), error.raw_os_error().unwrap_or(0)))
}
