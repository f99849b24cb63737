//! A kernel with a virtual clock, a folder for sources, and extensions loaded from them.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::LocalBoxStream;
use purlin_kernel::host::{FileChange, FileEvent, FileStat, HttpRequest, HttpResponse};
use purlin_kernel::{
    AnswerField, DeadlineClass, DirEntry, ExtId, Extension, Field, HookDecl, Host, HostError, Input, Kernel,
    Key, LBF, LoadError, Outcome, Process, ProcessEvent, ProcessSpec, TaskHandle, Ty, Window,
};
use purlin_lua::LuaExtension;
use serde_json::{Map, Value};

/// What the screen raises when it lays a block out.
static TRANSCRIPT_RENDER: HookDecl = HookDecl::sync("transcript_render", DeadlineClass::Render)
    .payload(&[Field::new("block", Ty::Map, ""), Field::new("width", Ty::Int, "")])
    .answer(&[AnswerField::replace("lines", Ty::List), AnswerField::replace("text", Ty::Str)]);

type Task = Rc<RefCell<Option<LBF<()>>>>;

/// Tasks and time of a test.
#[derive(Default)]
pub struct TestHost {
    now: Cell<u64>,
    /// Where real time began, for whoever measures.
    began: Cell<Option<std::time::Instant>>,
    tasks: RefCell<Vec<Task>>,
    sleepers: RefCell<Vec<(u64, Waker)>>,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

struct Aborts(Task);

impl TaskHandle for Aborts {
    fn abort(&self) {
        if let Ok(mut task) = self.0.try_borrow_mut() {
            task.take();
        }
    }
}

impl Drop for Aborts {
    fn drop(&mut self) {
        self.abort();
    }
}

/// The host lives behind an `Rc`, so that futures can hold it.
pub struct SharedHost(pub Rc<TestHost>);

impl Host for SharedHost {
    fn now_mono(&self) -> u64 {
        self.0.now.get()
    }

    fn now_micros(&self) -> u64 {
        match self.0.began.get() {
            Some(began) => began.elapsed().as_micros() as u64,
            None => self.now_mono() * 1000,
        }
    }

    fn sleep(&self, duration: Duration) -> LBF<()> {
        let host = Rc::clone(&self.0);
        let until = host.now.get() + duration.as_millis() as u64;
        Box::pin(std::future::poll_fn(move |cx| {
            if host.now.get() >= until {
                return Poll::Ready(());
            }
            host.sleepers.borrow_mut().push((until, cx.waker().clone()));
            Poll::Pending
        }))
    }

    fn spawn(&self, task: LBF<()>) -> Box<dyn TaskHandle> {
        let task = Rc::new(RefCell::new(Some(task)));
        self.0.tasks.borrow_mut().push(Rc::clone(&task));
        Box::new(Aborts(task))
    }

    /// Whatever has a limit runs out of time, once it has ended.
    fn spawn_process(&self, spec: ProcessSpec) -> Result<Process, HostError> {
        let ran = std::process::Command::new(&spec.program)
            .args(&spec.args)
            .output()
            .map_err(|error| HostError::io("run", Path::new(&spec.program), error))?;
        let events = [
            ProcessEvent::Stdout(ran.stdout),
            ProcessEvent::Stderr(ran.stderr),
            ProcessEvent::Exit { code: ran.status.code(), signal: None, timed_out: spec.timeout.is_some() },
        ];
        Ok(Process {
            output: Box::pin(futures_util::stream::iter(events)),
            kill: Rc::new(|| {}),
            input: None,
        })
    }

    fn fs_read(&self, path: PathBuf) -> LBF<Result<Vec<u8>, HostError>> {
        Box::pin(async move { std::fs::read(&path).map_err(|error| HostError::io("read", &path, error)) })
    }

    fn fs_write(&self, path: PathBuf, bytes: Vec<u8>) -> LBF<Result<(), HostError>> {
        Box::pin(
            async move { std::fs::write(&path, bytes).map_err(|error| HostError::io("write", &path, error)) },
        )
    }

    fn fs_list(&self, path: PathBuf) -> LBF<Result<Vec<DirEntry>, HostError>> {
        Box::pin(async move {
            let failed = |error: std::io::Error| HostError::io("list", &path, error);
            let mut entries = Vec::new();
            for entry in std::fs::read_dir(&path).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let name = entry.file_name().to_string_lossy().into_owned();
                entries.push(DirEntry { name, is_dir: entry.path().is_dir() });
            }
            entries.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(entries)
        })
    }

    fn fs_stat(&self, path: PathBuf) -> LBF<Result<Option<FileStat>, HostError>> {
        let found = std::fs::metadata(&path).ok();
        let stat =
            found.map(|found| FileStat { is_dir: found.is_dir(), size: found.len(), modified_ms: 1_000 });
        Box::pin(std::future::ready(Ok(stat)))
    }

    /// Every pattern matches `a.lua` and `b.lua`.
    fn fs_glob(&self, _: PathBuf, _: String, most: usize) -> LBF<Result<Vec<PathBuf>, HostError>> {
        let found = ["a.lua", "b.lua"].iter().take(most).map(PathBuf::from).collect();
        Box::pin(std::future::ready(Ok(found)))
    }

    /// One change, and then silence.
    fn fs_watch(&self, path: PathBuf) -> Result<LocalBoxStream<'static, FileEvent>, HostError> {
        let event = FileEvent { path: path.join("new"), change: FileChange::Created };
        let events = futures_util::stream::iter([event]);
        Ok(Box::pin(events.chain(futures_util::stream::pending())))
    }

    /// A server that answers what it was asked, in two pieces; the address `http://127.0.0.1:1/` is not there.
    fn http(&self, request: HttpRequest) -> LBF<Result<HttpResponse, HostError>> {
        Box::pin(async move {
            if request.url.starts_with("http://127.0.0.1:1/") {
                return Err(HostError::Http("nobody listens at `127.0.0.1:1`".into()));
            }
            let told = format!("{} {} {:?} ", request.method, request.url, request.headers);
            let pieces = [Ok(told.into_bytes()), Ok(request.body)];
            let headers = vec![("x-a".to_owned(), "1".to_owned()), ("x-a".to_owned(), "2".to_owned())];
            let body = Box::pin(futures_util::stream::iter(pieces));
            Ok(HttpResponse { status: 418, headers, body })
        })
    }
}

/// A kernel, its host and a folder of sources.
pub struct World {
    pub kernel: Kernel,
    host: Rc<TestHost>,
    folder: PathBuf,
}

impl World {
    /// Has the guard look at a real clock, as it does in the program.
    pub fn measured() -> Self {
        let world = Self::new();
        world.host.began.set(Some(std::time::Instant::now()));
        world
    }

    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("purlin-lua-test-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for sources");
        let host = Rc::new(TestHost::default());
        let kernel = Kernel::new(Rc::new(SharedHost(Rc::clone(&host))));
        purlin_agent::hooks::declare_all(&kernel);
        kernel.hook().declare(&TRANSCRIPT_RENDER);
        kernel.ui().set_interactive(true);
        for name in ["composer", "transcript"] {
            kernel.buf().create(ExtId::CORE, name);
            kernel.win().create(ExtId::CORE, Window::new(name, name, name)).expect("a window");
        }
        kernel.win().focus("composer");
        Self { kernel, host, folder }
    }

    /// Writes a source file and answers its path.
    pub fn file(&self, name: &str, source: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, source).expect("a file");
        path
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn try_load(&self, name: &str, source: &str) -> Result<ExtId, LoadError> {
        let path = self.file(&format!("{name}.lua"), source);
        let extension = LuaExtension::from_path(path).expect("an extension");
        assert_eq!(extension.name(), name);
        self.kernel.ext().load(Box::new(extension))
    }

    /// Loads an extension from its source.
    pub fn load(&self, name: &str, source: &str) -> ExtId {
        match self.try_load(name, source) {
            Ok(ext) => ext,
            Err(error) => panic!("{error}"),
        }
    }

    /// Polls everything until nothing moves.
    pub fn settle(&self) {
        loop {
            self.kernel.run_due();
            let flag = Arc::new(Flag(AtomicBool::new(false)));
            let waker = Waker::from(Arc::clone(&flag));
            let mut cx = Context::from_waker(&waker);
            let tasks: Vec<Task> = self.host.tasks.borrow().clone();
            let before = tasks.len();
            for task in &tasks {
                poll_task(task, &mut cx);
            }
            self.host.tasks.borrow_mut().retain(|task| task.try_borrow().is_ok_and(|task| task.is_some()));
            let is_new = self.host.tasks.borrow().len() > before;
            if !flag.0.load(Ordering::SeqCst) && !is_new {
                let unpolled = self
                    .host
                    .tasks
                    .borrow()
                    .iter()
                    .any(|task| !tasks.iter().any(|old| Rc::ptr_eq(old, task)));
                if !unpolled {
                    return;
                }
            }
        }
    }

    /// Lets time pass.
    pub fn advance(&self, ms: u64) {
        self.host.now.set(self.host.now.get() + ms);
        let due: Vec<Waker> = {
            let now = self.host.now.get();
            let mut sleepers = self.host.sleepers.borrow_mut();
            let (due, later) = sleepers.drain(..).partition(|(until, _)| *until <= now);
            *sleepers = later;
            let due: Vec<(u64, Waker)> = due;
            due.into_iter().map(|(_, waker)| waker).collect()
        };
        due.into_iter().for_each(Waker::wake);
        self.settle();
    }

    /// Presses keys, and lets what they start run.
    pub fn press(&self, keys: &str) {
        for key in Key::parse(keys).expect("keys") {
            self.kernel.input(Input::Key(key.into()));
        }
        self.settle();
    }

    /// Answers a dialog, after the quiet in which it takes nothing.
    pub fn answer(&self, keys: &str) {
        self.advance(600);
        self.press(keys);
    }

    /// Raises an async hook; `answer` is called whenever it waits, and answers dialogs.
    pub fn raise_with(&self, name: &str, payload: Value, mut answer: impl FnMut(&Self)) -> Outcome {
        let Value::Object(payload) = payload else { panic!("a payload is an object") };
        self.wait(self.kernel.hook().raise(name, payload), |world| answer(world))
    }

    /// Raises an async hook that waits for nobody.
    pub fn raise(&self, name: &str, payload: Value) -> Outcome {
        self.raise_with(name, payload, |_| panic!("nobody answers"))
    }

    /// Drives a future to its end; `stuck` is called whenever nothing moves.
    pub fn wait<T: 'static>(&self, future: LBF<T>, mut stuck: impl FnMut(&Self)) -> T {
        let slot = Rc::new(RefCell::new(None));
        let filled = Rc::clone(&slot);
        let task: LBF<()> = Box::pin(async move {
            let value = future.await;
            *filled.borrow_mut() = Some(value);
        });
        self.host.tasks.borrow_mut().push(Rc::new(RefCell::new(Some(task))));
        for _ in 0..100 {
            self.settle();
            if let Some(value) = slot.borrow_mut().take() {
                return value;
            }
            stuck(self);
        }
        panic!("it never ended");
    }

    /// Runs a command to its end.
    pub fn command(&self, name: &str, args: &str) -> Result<Option<String>, String> {
        self.wait(self.kernel.command().run(name, args), |world| world.advance(10))
            .map_err(|error| error.to_string())
    }

    pub fn composer(&self) -> String {
        self.kernel.buf().text("composer")
    }

    /// The rows of a frame, without trailing blanks.
    pub fn screen(&self, width: u16, height: u16) -> Vec<String> {
        let frame = self.kernel.frame(width, height);
        let lines = frame.grid.lines(&self.kernel.atlas());
        lines.iter().map(|line| purlin_kernel::text::line_plain(line)).collect()
    }

    /// What extensions printed, oldest first.
    pub fn printed(&self) -> Vec<String> {
        let messages = self.kernel.guard().messages();
        messages.into_iter().filter(|message| message.what == "log").map(|message| message.text).collect()
    }

    /// Errors and warnings, as `extension: what: file:line: text` with the file's name only.
    pub fn problems(&self) -> Vec<String> {
        let messages = self.kernel.guard().messages();
        messages
            .into_iter()
            .filter(|message| message.level >= purlin_kernel::Level::Warn)
            .map(|message| {
                let file = message.file.map(|file| file.rsplit('/').next().unwrap_or("").to_owned());
                let place = match (file, message.line) {
                    (Some(file), Some(line)) => format!("{file}:{line}: "),
                    _ => String::new(),
                };
                format!("{}: {}: {place}{}", message.extension, message.what, message.text)
            })
            .collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A folder that stays behind does not fail a test.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn poll_task(task: &Task, cx: &mut Context<'_>) {
    // Taken out while it runs, so that it may abort itself.
    let Some(mut future) = task.borrow_mut().take() else { return };
    if future.as_mut().poll(cx).is_pending() {
        *task.borrow_mut() = Some(future);
    }
}

/// An object from a list of fields.
pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("an object, not {other}"),
    }
}
