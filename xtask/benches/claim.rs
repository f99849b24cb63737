//! How long a request waits for its handler: in one process, and from one process to another.
//!
//! From before the request is committed until the handler is called; the claim, the start and their flush are inside.
//! Prints `in_process_p50=… in_process_p99=… across_p50=… across_p99=…`, in milliseconds, for `cargo xtask bench`.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::{
    error::Error,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    rc::Rc,
    sync::mpsc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use purlin_notebook::{Capabilities, CellId, CellKind, CellType, Event, NotebookId, QueueId, Store};
use purlin_runtime_core::{AgentHandle, Handlers, Options, Outcome, RuntimeAgent, handler_fn};
use purlin_runtime_native::{NativeHost, OpenMode, Paths, SqliteNotebook, lock::Locks};

/// Says to the child process where the notebook is.
const FOLDER: &str = "PURLIN_BENCH_CLAIM";
const WARM_UP: usize = 50;
const REQUESTS: usize = 500;
/// Between two requests, so that every thread sleeps when the next one comes.
const PAUSE: Duration = Duration::from_millis(4);
const PATIENCE: Duration = Duration::from_secs(20);

type Answer<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Answer<()> {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return child(Path::new(&folder));
    }
    let folder = std::env::temp_dir().join(format!("purlin-bench-claim-{}", std::process::id()));
    let measured = in_process(&folder.join("one")).and_then(|one| Ok((one, across(&folder.join("two"))?)));
    std::fs::remove_dir_all(&folder)?;
    let (one, two) = measured?;
    println!(
        "in_process_p50={:.3} in_process_p99={:.3} across_p50={:.3} across_p99={:.3}",
        percentile(&one, 50),
        percentile(&one, 99),
        percentile(&two, 50),
        percentile(&two, 99)
    );
    Ok(())
}

fn open(folder: &Path) -> Answer<(Paths, SqliteNotebook)> {
    std::fs::create_dir_all(folder)?;
    let paths = Paths::below(folder);
    let notebook = SqliteNotebook::open(&paths, NotebookId::from("claim"), OpenMode::Create)?;
    Ok((paths, notebook))
}

/// Runs an agent on this thread until it is shut down; its handler tells when it was called.
fn serve(
    notebook: &SqliteNotebook,
    paths: &Paths,
    ready: impl FnOnce(AgentHandle),
    called: impl Fn(&QueueId, f64) + 'static,
) -> Answer<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let handler = handler_fn(move |cx| {
        called(&cx.queue_id, now_ms());
        async { Ok(Outcome::done()) }
    });
    let mut options = Options::new("echo", "local", [CellKind::Echo]);
    options.liveness = Rc::new(Locks::new(paths));
    let capabilities = Capabilities { can_execute_code: true, ..Capabilities::default() };
    let handlers = Handlers::new().with(CellKind::Echo, handler);
    let store = Rc::new(notebook.store()?);
    let agent = RuntimeAgent::new(store, Rc::new(NativeHost::new()), capabilities, handlers, options);
    tokio::task::LocalSet::new().block_on(&runtime, async {
        agent.start().await?;
        ready(agent.handle());
        agent.run().await?;
        Ok(())
    })
}

fn in_process(folder: &Path) -> Answer<Vec<f64>> {
    let (paths, notebook) = open(folder)?;
    let (send_handle, handle) = mpsc::channel();
    let (send, called) = mpsc::channel();
    let theirs = notebook.clone();
    let agent = thread::spawn(move || {
        let tell = move |queue: &QueueId, at: f64| {
            // Whoever measures may have given up, which is no error of the agent's.
            let _ = send.send((queue.clone(), at));
        };
        // As above.
        let ready = move |handle| drop(send_handle.send(handle));
        serve(&theirs, &paths, ready, tell)
    });
    let handle = handle.recv_timeout(PATIENCE)?;
    let times = ask(&notebook, &called)?;
    drop(handle.shutdown());
    agent.join().map_err(|_| "the agent's thread panicked")??;
    Ok(times)
}

/// A child process that is killed when nobody needs it any more.
struct Runtime(Child);

impl Drop for Runtime {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn across(folder: &Path) -> Answer<Vec<f64>> {
    let (_, notebook) = open(folder)?;
    let program: PathBuf = std::env::current_exe()?;
    let mut child = Command::new(program).env(FOLDER, folder).stdout(Stdio::piped()).spawn()?;
    let out = child.stdout.take().ok_or("the child has no output")?;
    let _killed_at_the_end = Runtime(child);
    let (send, called) = mpsc::channel();
    let (say_ready, ready) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let heard = match line.split_once(' ') {
                Some((queue, at)) => at.parse().is_ok_and(|at| send.send((QueueId::from(queue), at)).is_ok()),
                None => say_ready.send(()).is_ok(),
            };
            if !heard {
                break;
            }
        }
    });
    ready.recv_timeout(PATIENCE)?;
    ask(&notebook, &called)
}

fn child(folder: &Path) -> Answer<()> {
    let (paths, notebook) = open(folder)?;
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        // Without a parent that reads there is nothing left to do.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    };
    serve(&notebook, &paths, |_| say("ready".to_owned()), move |queue, at| say(format!("{queue} {at}")))
}

/// Commits one request after the other and answers how many milliseconds each waited for its handler.
fn ask(notebook: &SqliteNotebook, called: &mpsc::Receiver<(QueueId, f64)>) -> Answer<Vec<f64>> {
    let store = notebook.store()?;
    let cell = CellId::from("cell");
    store.commit(&[
        Event::CellCreated2 {
            id: cell.clone(),
            fractional_index: "m".to_owned(),
            cell_type: CellType::Code,
            created_by: "local".to_owned(),
        },
        Event::CellAnnotated {
            cell_id: cell.clone(),
            kind: CellKind::Echo,
            hidden: None,
            parent_id: None,
            after_output: None,
            extension: None,
            attachments: Vec::new(),
            prepared: None,
            prepared_text: None,
            data: None,
        },
    ])?;
    let mut times = Vec::with_capacity(REQUESTS);
    for number in 0..WARM_UP + REQUESTS {
        thread::sleep(PAUSE);
        let queue = QueueId::from(format!("q{number}"));
        let asked = now_ms();
        store.commit(&[Event::ExecutionRequested {
            queue_id: queue.clone(),
            cell_id: cell.clone(),
            execution_count: 1,
            requested_by: "local".to_owned(),
            actor_id: None,
        }])?;
        let (which, at) = called.recv_timeout(PATIENCE)?;
        if which != queue {
            return Err(format!("`{which}` was executed in place of `{queue}`").into());
        }
        if number >= WARM_UP {
            times.push(at - asked);
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// Milliseconds since the Unix epoch: a clock that two processes share.
fn now_ms() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs_f64() * 1_000.0
}

fn percentile(sorted: &[f64], share: usize) -> f64 {
    let at = (sorted.len() * share).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or(f64::NAN)
}
