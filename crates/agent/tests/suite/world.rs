//! A whole session without files, network or time: store, runtime agent, kernel, scripted model.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use purlin_agent::{
    AiHandler, ModelRef, Session, SessionOptions, Settings, SharedSettings, Source, Submitted, ToolCatalog,
    Tools, hooks,
};
use purlin_kernel::{
    ExtId, HandlerError, HandlerFn, HookEvent, Host as KernelHost, HostError, Kernel, LBF, OnOptions,
    Process, ProcessEvent, ProcessSpec, TaskHandle,
};
use purlin_notebook::{
    Capabilities, CellId, CellKind, Event, MemoryStore, NotebookId, Output, Role, Store, StoreExt,
};
use purlin_runtime_core::virtual_host::VirtualHost;
use purlin_runtime_core::{Handlers, Host, Options, RuntimeAgent};
use serde_json::Value;

/// Everything of one test.
pub struct World {
    pub host: VirtualHost,
    pub store: Rc<dyn Store>,
    pub kernel: Kernel,
    pub session: Session,
    pub settings: SharedSettings,
    pub processes: Rc<Processes>,
    pub dir: TempDir,
    pub catalog: ToolCatalog,
    pub seen: Rc<RefCell<Vec<String>>>,
    pub agent: Option<Rc<RuntimeAgent>>,
}

impl World {
    /// A session whose model plays a script, with an agent that serves it.
    pub fn playing(script: &str) -> Self {
        let mut world = Self::new(script);
        world.start_agent();
        world
    }

    /// The same before any agent serves it.
    pub fn new(script: &str) -> Self {
        let host = VirtualHost::new();
        let clock = host.clone();
        let store: Rc<dyn Store> =
            Rc::new(MemoryStore::new(NotebookId::from("n"), Rc::new(move || Host::now(&clock))));
        let dir = TempDir::new();
        std::fs::write(dir.path().join("script.toml"), script).expect("writes");
        let processes =
            Rc::new(Processes { host: host.clone(), killed: Rc::default(), started: RefCell::default() });
        let kernel = Kernel::new(processes.clone());
        hooks::declare_all(&kernel);
        host.spawn_detached(kernel.serve_port());
        let mut settings = Settings::new(dir.path().to_owned());
        settings.model = ModelRef { provider: "script".into(), model: "script.toml".into() };
        let options = SessionOptions {
            by: "local".into(),
            cwd: dir.path().to_owned(),
            model: None,
            host: Rc::new(host.clone()),
        };
        let session = Session::new(Rc::new(store.clone()), store.clone(), Some(kernel.clone()), options);
        Self {
            host,
            store,
            kernel,
            session,
            settings: settings.into(),
            processes,
            dir,
            catalog: ToolCatalog::new(),
            seen: Rc::default(),
            agent: None,
        }
    }

    /// The same session as another surface opens it.
    pub fn another_session(&self) -> Session {
        let options = SessionOptions {
            by: "local".into(),
            cwd: self.dir.path().to_owned(),
            model: None,
            host: Rc::new(self.host.clone()),
        };
        Session::new(Rc::new(self.store.clone()), self.store.clone(), None, options)
    }

    /// Starts a runtime agent with the lane `ai`.
    pub fn start_agent(&mut self) {
        let handler = AiHandler::new(
            self.settings.clone(),
            Tools::standard(self.catalog.clone()),
            Some(self.kernel.port()),
            self.processes.clone(),
        );
        let handlers = Handlers::new().with(CellKind::Ai, Rc::new(handler));
        let capabilities = Capabilities { can_execute_ai: true, ..Capabilities::default() };
        let options = Options::new("agent", "local", [CellKind::Ai]);
        let host: Rc<dyn Host> = Rc::new(self.host.clone());
        let agent = Rc::new(RuntimeAgent::new(self.store.clone(), host, capabilities, handlers, options));
        self.host.run(agent.start()).expect("starts");
        let running = agent.clone();
        self.host.spawn_detached(async move {
            running.run().await.expect("runs");
        });
        self.agent = Some(agent);
    }

    /// Sends a prompt and waits until everything is done.
    pub fn ask(&self, text: &str) -> CellId {
        let cell = self.send(text);
        self.host.run(self.session.settled());
        self.host.settle();
        cell
    }

    /// Sends a prompt.
    pub fn send(&self, text: &str) -> CellId {
        match self.host.run(self.session.submit(text, Source::Interactive, Vec::new())).expect("submits") {
            Submitted::Prompt { cell, .. } => cell,
            other => panic!("{other:?}"),
        }
    }

    /// Registers a handler that answers with a value made from the event.
    pub fn on(&self, hook: &str, answer: impl Fn(&HookEvent) -> Value + 'static) {
        let run = HandlerFn::Sync(Rc::new(move |event| Ok::<_, HandlerError>(answer(event))));
        self.kernel.hook().on(ExtId::CORE, hook, OnOptions::default(), run).expect("known hook");
    }

    /// Writes down each firing of these hooks.
    pub fn watch(&self, hooks: &[&'static str]) {
        for hook in hooks.iter().copied() {
            let seen = self.seen.clone();
            self.on(hook, move |_| {
                seen.borrow_mut().push(hook.to_owned());
                Value::Null
            });
        }
    }

    /// The outputs of a cell as `role: text` lines.
    pub fn outputs(&self, cell: &CellId) -> Vec<String> {
        let outputs = self.store.outputs_of(cell).expect("reads");
        outputs.iter().map(|output| self.show(output)).collect()
    }

    fn show(&self, output: &Output) -> String {
        let role = output.role().map_or("-", Role::as_str);
        let json = |mime: &str| {
            let media = output.representations.as_ref()?.get(mime)?;
            match media {
                purlin_notebook::Media::Inline { data, .. } => Some(data.clone()),
                purlin_notebook::Media::Artifact { .. } => None,
            }
        };
        if let Some(call) = json(purlin_notebook::TOOL_CALL_MIME) {
            return format!(
                "{role}: {} {}",
                call["tool_name"].as_str().unwrap_or_default(),
                call["arguments"]
            );
        }
        if let Some(result) = json(purlin_notebook::TOOL_RESULT_MIME) {
            let status = result["status"].as_str().unwrap_or_default();
            return format!("{role}: {status} {}", result["result"].as_str().unwrap_or_default());
        }
        format!("{role}: {}", self.store.text_of(output).expect("reads"))
    }

    /// Names of all events after a rowid.
    pub fn events(&self) -> Vec<Event> {
        self.store.log_since(0, 100_000).expect("reads").into_iter().map(|entry| entry.event).collect()
    }

    /// Status of a tool call.
    pub fn status(&self, call: &str) -> Option<String> {
        let call = self.store.tool_call(call).expect("reads")?;
        call.status.map(|status| status.as_str().to_owned())
    }

    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = (*self.settings.get()).clone();
        change(&mut settings);
        self.settings.set(settings);
    }
}

/// Processes of tests: `true`, `echo …`, `fail`, and `hang`, which ends only when it is killed.
pub struct Processes {
    host: VirtualHost,
    pub killed: Rc<RefCell<Vec<String>>>,
    pub started: RefCell<Vec<String>>,
}

struct Running(#[expect(dead_code, reason = "aborts on drop")] purlin_runtime_core::TaskHandle);

impl TaskHandle for Running {
    fn abort(&self) {}
}

/// Writes down that a process was killed when its output is dropped.
struct Killed(String, Rc<RefCell<Vec<String>>>);

impl Drop for Killed {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0.clone());
    }
}

impl KernelHost for Processes {
    fn now_mono(&self) -> u64 {
        self.host.mono()
    }

    fn sleep(&self, duration: Duration) -> LBF<()> {
        self.host.sleep(duration)
    }

    fn spawn(&self, task: LBF<()>) -> Box<dyn TaskHandle> {
        Box::new(Running(self.host.spawn(task)))
    }

    fn spawn_process(&self, spec: ProcessSpec) -> Result<Process, HostError> {
        use futures_util::stream::{StreamExt, iter, pending};
        let command = spec.args.last().cloned().unwrap_or_default();
        self.started.borrow_mut().push(command.clone());
        let exit = |code| ProcessEvent::Exit { code: Some(code), signal: None, timed_out: false };
        let output = match command.split_once(' ') {
            Some(("echo", text)) => {
                iter(vec![ProcessEvent::Stdout(format!("{text}\n").into_bytes()), exit(0)]).boxed_local()
            }
            Some(("flood", count)) => {
                let count: usize = count.parse().expect("a number");
                let piece = b"0123456789abcdef".repeat(4_096);
                iter((0..count).map(move |_| ProcessEvent::Stdout(piece.clone())))
                    .chain(iter([exit(0)]))
                    .boxed_local()
            }
            _ if command == "fail" => {
                iter(vec![ProcessEvent::Stderr(b"no\n".to_vec()), exit(3)]).boxed_local()
            }
            _ if command == "hang" => {
                let killed = Killed(command, self.killed.clone());
                iter(vec![ProcessEvent::Stdout(b"begun\n".to_vec())])
                    .chain(pending())
                    .map(move |event| {
                        let _alive = &killed;
                        event
                    })
                    .boxed_local()
            }
            _ => iter(vec![exit(0)]).boxed_local(),
        };
        Ok(Process { output, kill: Rc::new(|| {}), input: None })
    }

    fn fs_read(&self, path: PathBuf) -> LBF<Result<Vec<u8>, HostError>> {
        async move { std::fs::read(&path).map_err(|error| HostError::io("read", &path, error)) }.boxed_local()
    }

    fn fs_write(&self, _path: PathBuf, _bytes: Vec<u8>) -> LBF<Result<(), HostError>> {
        async { Err(HostError::Unsupported("writing")) }.boxed_local()
    }

    fn fs_list(&self, _path: PathBuf) -> LBF<Result<Vec<purlin_kernel::DirEntry>, HostError>> {
        async { Err(HostError::Unsupported("listing")) }.boxed_local()
    }
}

/// A directory that is removed with the test.
pub struct TempDir(PathBuf);

static NEXT: AtomicU32 = AtomicU32::new(0);

impl TempDir {
    pub fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("purlin-agent-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("makes a directory");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
