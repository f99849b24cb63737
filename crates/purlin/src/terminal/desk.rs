//! The desk: the session that is open behind the screen, and how it is replaced by another.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::{Rc, Weak};

use futures_channel::mpsc::UnboundedSender;
use futures_util::future::{LocalBoxFuture, Shared};
use futures_util::{FutureExt, StreamExt};
use purlin_agent::projection::Transcript;
use purlin_agent::tools::serve_tools;
use purlin_agent::{ModelRef, Session, SessionError, SessionOptions, SharedSettings, Source, ToolCatalog};
use purlin_kernel::{ExtId, Kernel, Level};
use purlin_notebook::{Store, Tables};
use purlin_runtime_native::{NativeHost, Paths, SqliteNotebook};
use purlin_tui::{AppEvent, Screen, composer::COMPOSER, transcript::TRANSCRIPT};
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::draft::Keeper;
use super::{approvals, lanes, queued, status};
use crate::agent_thread::{AgentThread, Parts};
use crate::args::{Options, Which};
use crate::config::Live;
use crate::drafts::Drafts;
use crate::journal::Journal;
use crate::keep::SessionState;
use crate::loading::Shelf;
use crate::models;
use crate::notes::Notes;
use crate::report::{Kind, Report};
use crate::session::{self, Client, Opened, sentence};
use crate::start::Start;

/// The open session behind one screen. Clones are the same desk.
#[derive(Clone)]
pub struct Desk(Rc<Inner>);

/// A desk that does not keep the session open.
pub struct WeakDesk(Weak<Inner>);

impl WeakDesk {
    /// The desk, if it is still there.
    pub fn upgrade(&self) -> Option<Desk> {
        self.0.upgrade().map(Desk)
    }
}

struct Inner {
    kernel: Kernel,
    screen: Screen,
    paths: Paths,
    cwd: PathBuf,
    settings: SharedSettings,
    /// The model that the next session goes on with.
    kept_model: RefCell<Option<ModelRef>>,
    full_durability: bool,
    max_artifact_bytes: u64,
    catalog: ToolCatalog,
    host: Rc<NativeHost>,
    events: UnboundedSender<AppEvent>,
    open: RefCell<Option<Rc<Open>>>,
    opened: Notify,
    /// The end of the session before, while it takes its time.
    ending: RefCell<Option<Shared<LocalBoxFuture<'static, ()>>>>,
    around: Around,
    journal: RefCell<Journal>,
    writes: bool,
    /// What the command line asks for, which wins over every configuration.
    options: Options,
    /// The watch of the extensions' files.
    watching: RefCell<Option<JoinHandle<()>>>,
    fatal: RefCell<Option<Report>>,
}

/// What extensions have to do with beside the kernel.
pub struct Around {
    /// Where the state of the session is kept.
    pub state: SessionState,
    /// The configuration while the program runs.
    pub live: Live,
    /// Where notes go.
    pub notes: Notes,
    /// The extensions.
    pub shelf: Shelf,
}

/// A notebook that was opened and is not behind the screen yet.
struct Ready {
    opened: Opened,
    store: Rc<dyn Store>,
    transcript: Rc<Transcript>,
}

/// One open session.
pub struct Open {
    /// The session.
    pub session: Session,
    /// Its notebook.
    pub notebook: SqliteNotebook,
    transcript: Rc<Transcript>,
    agent: RefCell<Option<AgentThread>>,
    draft: Option<Keeper>,
    tasks: RefCell<Vec<JoinHandle<()>>>,
}

impl Desk {
    /// Makes a desk without a session.
    pub fn new(
        kernel: Kernel,
        screen: Screen,
        start: Start,
        options: &Options,
        events: UnboundedSender<AppEvent>,
        around: Around,
    ) -> Self {
        let catalog = ToolCatalog::new();
        // The tools are served as long as the kernel lives.
        let _ = serve_tools(&kernel, &catalog);
        let desk = Self(Rc::new(Inner {
            kernel,
            screen,
            paths: start.paths,
            cwd: start.cwd,
            settings: SharedSettings::new(start.settings),
            kept_model: RefCell::default(),
            full_durability: start.config.full_durability,
            max_artifact_bytes: start.config.max_artifact_bytes,
            catalog,
            host: Rc::new(NativeHost::new()),
            events,
            open: RefCell::default(),
            opened: Notify::new(),
            ending: RefCell::default(),
            around,
            journal: RefCell::default(),
            options: options.clone(),
            watching: RefCell::default(),
            writes: start.writes,
            fatal: RefCell::default(),
        }));
        status::begin(&desk);
        queued::begin(&desk);
        desk
    }

    /// A handle that does not keep the session open.
    pub fn downgrade(&self) -> WeakDesk {
        WeakDesk(Rc::downgrade(&self.0))
    }

    /// The kernel.
    pub fn kernel(&self) -> &Kernel {
        &self.0.kernel
    }

    /// The screen.
    pub fn screen(&self) -> &Screen {
        &self.0.screen
    }

    /// The directories of this installation.
    pub fn paths(&self) -> &Paths {
        &self.0.paths
    }

    /// The agent's settings.
    pub fn settings(&self) -> &SharedSettings {
        &self.0.settings
    }

    /// The directory purlin was started in.
    pub fn cwd(&self) -> PathBuf {
        self.0.cwd.clone()
    }

    /// The open session, if one is open already.
    pub fn peek(&self) -> Option<Rc<Open>> {
        self.0.open.borrow().clone()
    }

    /// The open session; waits for it while it is being opened.
    pub async fn open_session(&self) -> Rc<Open> {
        loop {
            let opened = self.0.opened.notified();
            if let Some(open) = self.peek() {
                return open;
            }
            opened.await;
        }
    }

    /// Says something to the person.
    pub fn say(&self, text: impl Into<String>, level: Level) {
        self.0.kernel.ui().notify(ExtId::CORE, text, level);
    }

    /// The extensions.
    pub fn shelf(&self) -> &Shelf {
        &self.0.around.shelf
    }

    /// The configuration while the program runs.
    pub fn live(&self) -> &Live {
        &self.0.around.live
    }

    /// What was said and logged so far.
    pub fn journal(&self) -> Journal {
        self.0.journal.borrow().clone()
    }

    /// Takes over what is said and logged from now on.
    pub fn keep_journal(&self, journal: Journal) {
        self.0.journal.replace(journal);
    }

    /// Whether anything may be written to disk.
    pub fn writes(&self) -> bool {
        self.0.writes
    }

    /// What the command line asks for.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// Keeps the watch of the extensions' files; the one before ends.
    pub fn keep_watching(&self, watching: Option<JoinHandle<()>>) {
        let before = self.0.watching.replace(watching);
        if let Some(before) = before {
            before.abort();
        }
    }

    /// Opens a session that is there already before extensions are loaded, for what it keeps for them; nothing for a new
    /// one, and where that fails, which is then told when it is opened.
    pub fn open_early(&self, which: &Which) -> Option<Opened> {
        if !matches!(which, Which::Id(_) | Which::Latest) {
            return None;
        }
        let opened = session::open(&self.0.paths, &self.0.cwd, which, &*self.0.host).ok()?;
        self.0.around.state.attach(Rc::new(opened.notebook.store().ok()?));
        Some(opened)
    }

    /// What ended the terminal, if something did.
    pub fn take_failure(&self) -> Option<Report> {
        self.0.fatal.borrow_mut().take()
    }

    /// Opens the session that was asked for. One that cannot be kept is opened in memory, and that is said. What is submitted
    /// before it is open, from now on, waits for it.
    pub fn open(self, which: Which, early: Option<Opened>) -> impl Future<Output = ()> {
        let hold = self.0.screen.hold();
        async move {
            let _hold = hold;
            let open = || session::open(&self.0.paths, &self.0.cwd, &which, &*self.0.host);
            let opened = early.map_or_else(open, Ok).or_else(|report| {
                if matches!(which, Which::Id(_)) {
                    return Err(report);
                }
                let text = format!("{} This session will not be kept.", report.message);
                self.say(text, Level::Error);
                session::ephemeral(&*self.0.host)
            });
            match opened.and_then(ready) {
                Ok(ready) => self.seat(ready).await,
                Err(report) => {
                    self.0.fatal.replace(Some(report));
                    self.0.kernel.quit();
                }
            }
        }
    }

    /// Replaces the session by a new one. Where none can be had, the old one stays.
    pub async fn begin_anew(&self) -> Result<(), Report> {
        let ephemeral = self.open_session().await.notebook.path().is_none();
        let which = if ephemeral { Which::Ephemeral } else { Which::New };
        let ready = ready(session::open(&self.0.paths, &self.0.cwd, &which, &*self.0.host)?)?;
        let previous = self.peek().map(|old| old.session.id());
        if let Some(old) = self.0.open.take() {
            // Whoever chose a model chose it for what follows too.
            self.0.kept_model.replace(old.session.model());
            // What extensions keep in their last words belongs to the session that ends.
            old.session.close("switch");
            // One turn for those who were told.
            tokio::task::yield_now().await;
            self.0.around.state.close();
            self.0.around.notes.close();
            if let Some(draft) = &old.draft {
                draft.end();
            }
            self.end(old).await;
        }
        self.seat(ready).await;
        if let (Some(open), Some(previous)) = (self.peek(), previous) {
            open.session.switched(previous.as_str());
        }
        Ok(())
    }

    /// Ends a session that is no longer behind the screen; whoever closes the desk meanwhile waits for that, too.
    async fn end(&self, old: Rc<Open>) {
        let paths = self.0.paths.clone();
        let ending = async move { old.end(&paths).await }.boxed_local().shared();
        self.0.ending.replace(Some(ending.clone()));
        ending.await;
        self.0.ending.take();
    }

    /// Puts an open notebook behind the screen.
    async fn seat(&self, ready: Ready) {
        let Ready { opened: Opened { notebook, resumed, notice }, store, transcript } = ready;
        if let Some(notice) = notice {
            self.say(&notice, Level::Info);
        }
        let settings = self.0.settings.get();
        let chosen = self.0.options.model.is_some().then(|| settings.model.clone());
        let chosen = self.0.kept_model.take().or(chosen);
        let session = Session::new(
            Rc::new(Client(notebook.client())),
            Rc::clone(&store),
            Some(self.0.kernel.clone()),
            SessionOptions {
                by: "local".into(),
                cwd: self.0.cwd.clone(),
                model: chosen.clone(),
                host: Rc::clone(&self.0.host) as _,
            },
        );
        self.0.around.state.open(&session);
        let kernel = &self.0.kernel;
        kernel.buf().set_source(TRANSCRIPT, Some(Rc::clone(&transcript) as _));
        kernel.set_context("session_id", json!(session.id().as_str()));
        let draft = notebook.path().is_some().then(|| {
            let drafts = Drafts::new(self.0.paths.drafts());
            Keeper::begin(self, drafts, session.id().as_str().to_owned())
        });
        if let Some(why) = notebook.read_only() {
            self.say(sentence(why), Level::Warn);
        }
        let open = Rc::new(Open {
            session: session.clone(),
            notebook,
            transcript,
            agent: RefCell::default(),
            draft,
            tasks: RefCell::default(),
        });
        self.follow(&open, &*store);
        self.0.open.replace(Some(Rc::clone(&open)));
        self.0.around.notes.open(&session);
        self.0.opened.notify_waiters();
        self.0.screen.refresh();
        status::elsewhere(self, "");
        status::update(self);
        let model = session.model().or(chosen.clone()).unwrap_or_else(|| settings.model.clone());
        if let Some(problem) = models::problem(&model, &settings) {
            self.say(
                format!("The model `{model}` cannot answer: {problem}. Choose one with `/model`."),
                Level::Warn,
            );
        }
        if resumed {
            session.announce("resume", None);
            if let Some(model) = chosen
                && let Err(error) = session.set_model(model, "cli").await
            {
                self.say(sentence(&error.to_string()), Level::Error);
            }
            // What a killed process left open is settled, what waited is run.
            self.begin_agent(&open);
        }
    }

    /// Watches the store for the screen and for the state of the session.
    fn follow(&self, open: &Rc<Open>, store: &dyn Store) {
        let events = self.0.events.clone();
        let mut changes = store.watch(Tables::LOG);
        let screen = tokio::task::spawn_local(async move {
            while changes.next().await.is_some() {
                // The loop may have ended, and the process with it.
                if events.unbounded_send(AppEvent::Changed).is_err() {
                    return;
                }
            }
        });
        let desk = Rc::downgrade(&self.0);
        let state = tokio::task::spawn_local(open.session.follow(move || {
            if let Some(inner) = desk.upgrade() {
                let desk = Self(inner);
                status::update(&desk);
                queued::update(&desk);
                desk.take_back();
            }
        }));
        let desk = self.downgrade();
        let mut changes = store.watch(queued::tables());
        let queued = tokio::task::spawn_local(async move {
            while changes.next().await.is_some() {
                let Some(desk) = desk.upgrade() else { return };
                queued::update(&desk);
            }
        });
        let approvals = approvals::follow(self.downgrade(), Rc::downgrade(open), store);
        open.tasks.borrow_mut().extend([screen, state, queued, approvals]);
    }

    /// Puts what was sent to a prompt that was interrupted or lost back into the composer, before what is typed there.
    fn take_back(&self) {
        let Some(open) = self.peek() else { return };
        if open.session.waiting_steers().is_empty() {
            return;
        }
        let desk = self.clone();
        tokio::task::spawn_local(async move {
            let texts = open.session.take_back().await.unwrap_or_default();
            if texts.is_empty() {
                return;
            }
            queued::update(&desk);
            desk.give_back(texts);
        });
    }

    /// Puts texts back into the composer, before what is typed there.
    pub fn give_back(&self, mut texts: Vec<String>) {
        if texts.is_empty() {
            return;
        }
        let typed = self.0.kernel.buf().text(COMPOSER);
        if !typed.is_empty() {
            texts.push(typed);
        }
        self.0.kernel.buf().set_text(COMPOSER, &texts.join("\n"));
    }

    /// Starts the agent of a session unless it runs already, or another session is open by now.
    pub fn begin_agent(&self, open: &Rc<Open>) {
        let is_open = self.peek().is_some_and(|now| Rc::ptr_eq(&now, open));
        if !is_open || open.agent.borrow().is_some() || open.notebook.read_only().is_some() {
            return;
        }
        let parts = Parts {
            notebook: open.notebook.clone(),
            paths: self.0.paths.clone(),
            cwd: open.session.cwd(),
            settings: self.0.settings.clone(),
            port: Some(self.0.kernel.port()),
            catalog: self.0.catalog.clone(),
            full_durability: self.0.full_durability,
            max_artifact_bytes: self.0.max_artifact_bytes,
        };
        let mut agent = match AgentThread::spawn(parts) {
            Ok(agent) => agent,
            Err(error) => {
                return self.say(format!("The agent's thread could not be started: {error}."), Level::Error);
            }
        };
        agent.begin();
        let (desk, failed, failure) = (self.downgrade(), Rc::downgrade(open), agent.failure());
        open.tasks.borrow_mut().push(tokio::task::spawn_local(async move {
            let message = failure.await;
            let weak = desk;
            if let Some(desk) = weak.upgrade() {
                desk.say(message, Level::Error);
            }
            // The next prompt starts another one; what failed may have been mended by then.
            if let Some(open) = failed.upgrade() {
                // It could not end in the store what it executed.
                open.session.abandon();
                open.agent.take();
                if let Some(desk) = weak.upgrade() {
                    status::update(&desk);
                }
            }
        }));
        let told = lanes::follow(self.downgrade(), Rc::downgrade(open), agent.words());
        open.tasks.borrow_mut().push(told);
        open.agent.replace(Some(agent));
    }

    /// Sends what was typed: a prompt, a steering message while the agent works, or a shell command after `!`.
    pub async fn send(&self, text: &str) -> Result<(), SessionError> {
        let open = self.open_session().await;
        let session = &open.session;
        let typed = text.trim();
        if let Some(command) = typed.strip_prefix("!!") {
            session.shell(command, true).await?;
        } else if let Some(command) = typed.strip_prefix('!') {
            session.shell(command, false).await?;
        } else {
            // Without a running prompt this is a prompt.
            session.steer(text, Source::Interactive).await?;
        }
        self.begin_agent(&open);
        Ok(())
    }

    /// Evaluates Lua in a cell of its own.
    pub async fn evaluate(&self, source: &str) -> Result<(), SessionError> {
        let open = self.open_session().await;
        open.session.lua(source).await?;
        self.begin_agent(&open);
        Ok(())
    }

    /// Sends a prompt that is executed when the running one has ended.
    pub async fn queue(&self, text: &str) -> Result<(), SessionError> {
        let open = self.open_session().await;
        open.session.submit(text, Source::Queue, Vec::new()).await?;
        self.begin_agent(&open);
        Ok(())
    }

    /// Reads what was committed since the last frame.
    pub fn refresh(&self) {
        let Some(open) = self.peek() else { return };
        match open.transcript.refresh() {
            Ok(true) => self.0.screen.refresh(),
            Ok(false) => {}
            Err(error) => self.say(sentence(&error.to_string()), Level::Error),
        }
    }

    /// What stays on the terminal: the last answer, and how to go on.
    pub fn farewell(&self) -> String {
        let Some(open) = self.peek() else { return String::new() };
        let mut text =
            plain_end(&open.transcript.last_answer().unwrap_or_default(), self.0.kernel.layout().size().0);
        if open.session.exists() && open.notebook.path().is_some() {
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            text = format!("{text}purlin --resume {}", open.session.id());
        }
        text
    }

    /// Ends the session: what runs is cancelled and settled, the draft is saved.
    pub async fn close(&self) {
        self.keep_watching(None);
        let ending = self.0.ending.take();
        if let Some(ending) = ending {
            ending.await;
        }
        // What waited to be sent is not lost: it is in the composer next time.
        self.give_back(self.0.screen.take_waiting());
        if let Some(open) = self.0.open.take() {
            open.session.close("user");
            if let Some(draft) = &open.draft {
                draft.save_now(&self.0.kernel.buf().text(COMPOSER), self.0.kernel.buf().cursor(COMPOSER));
            }
            open.end(&self.0.paths).await;
        }
    }
}

/// Reads what a notebook needs to be put behind the screen.
fn ready(opened: Opened) -> Result<Ready, Report> {
    let failed = |error: String| Report::new(Kind::System, sentence(&error));
    let store: Rc<dyn Store> = Rc::new(opened.notebook.store().map_err(|error| failed(error.to_string()))?);
    let transcript = Transcript::new(Rc::clone(&store)).map_err(|error| failed(error.to_string()))?;
    Ok(Ready { opened, store, transcript: Rc::new(transcript) })
}

/// Rows of the last answer that stay on the terminal.
const FAREWELL_ROWS: usize = 20;

/// Renders the end of an answer as plain rows of at most `width` columns.
fn plain_end(answer: &str, width: u16) -> String {
    use purlin_kernel::text::{line_plain, markdown::markdown};
    let lines = markdown(answer.trim_end(), usize::from(width).clamp(20, 100));
    let hidden = lines.len().saturating_sub(FAREWELL_ROWS);
    let shown = lines.iter().skip(hidden).map(|line| line_plain(line).trim_end().to_owned());
    let above = (hidden > 0).then(|| format!("… {hidden} rows above"));
    above.into_iter().chain(shown).collect::<Vec<_>>().join("\n")
}

impl Open {
    async fn end(&self, paths: &Paths) {
        for task in self.tasks.take() {
            task.abort();
        }
        let agent = self.agent.take();
        if let Some(mut agent) = agent {
            agent.stop().await;
        }
        session::index(paths, &self.notebook);
        self.notebook.close();
    }
}

#[cfg(test)]
mod tests {
    use super::plain_end;

    #[test]
    fn the_farewell_is_plain_and_short() {
        assert_eq!(plain_end("a **bold** word", 40), "a bold word");
        let long = plain_end(&"- one item\n".repeat(50), 40);
        assert_eq!(long.lines().count(), 21);
        assert!(long.starts_with("… 30 rows above"), "{long}");
    }
}
