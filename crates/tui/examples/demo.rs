//! The stock screen on a transcript that answers by itself: `cargo run -p purlin-tui --example demo [--fill BLOCKS]`.
//!
//! Enter anything and an answer streams. `ask` opens a dialog, `pick` a list, `name` an input; `tool` runs a tool call.

use std::{
    cell::{Cell, RefCell},
    ops::Range,
    path::PathBuf,
    rc::Rc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt as _, StreamExt as _};
use purlin_kernel::{
    Block, BlockSource, CommandSpec, ConfirmOptions, ExtId, Host, HostError, InputOptions, Kernel, LBF,
    Level, Process, ProcessSpec, SelectOptions, TaskHandle,
    text::{Span, Style, Token},
};
use purlin_tui::{App, AppEvent, AppOptions, Screen, ScreenOptions, Segment};
use serde_json::json;

struct DemoHost(Instant);

struct Task(tokio::task::AbortHandle);

impl TaskHandle for Task {
    fn abort(&self) {
        self.0.abort();
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Host for DemoHost {
    fn now_mono(&self) -> u64 {
        self.0.elapsed().as_millis() as u64
    }

    fn sleep(&self, duration: Duration) -> LBF<()> {
        tokio::time::sleep(duration).boxed_local()
    }

    fn spawn(&self, task: LBF<()>) -> Box<dyn TaskHandle> {
        Box::new(Task(tokio::task::spawn_local(task).abort_handle()))
    }

    fn spawn_process(&self, _: ProcessSpec) -> Result<Process, HostError> {
        Err(HostError::Unsupported("processes"))
    }

    fn fs_read(&self, _: PathBuf) -> LBF<Result<Vec<u8>, HostError>> {
        std::future::ready(Err(HostError::Unsupported("files"))).boxed_local()
    }

    fn fs_write(&self, _: PathBuf, _: Vec<u8>) -> LBF<Result<(), HostError>> {
        std::future::ready(Err(HostError::Unsupported("files"))).boxed_local()
    }

    fn fs_list(&self, _: PathBuf) -> LBF<Result<Vec<purlin_kernel::DirEntry>, HostError>> {
        std::future::ready(Err(HostError::Unsupported("files"))).boxed_local()
    }
}

#[derive(Default)]
struct Talk {
    blocks: RefCell<Vec<Rc<Block>>>,
    revision: Cell<u64>,
    panics: Cell<bool>,
}

impl Talk {
    fn add(&self, kind: &str, text: &str, meta: &serde_json::Value) -> usize {
        let mut blocks = self.blocks.borrow_mut();
        let id = format!("b{}", blocks.len());
        let meta = meta.as_object().cloned().unwrap_or_default();
        blocks.push(Rc::new(Block { id, kind: kind.into(), text: text.into(), meta, ..Block::default() }));
        self.revision.set(self.revision.get() + 1);
        blocks.len() - 1
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut Block)) {
        let mut blocks = self.blocks.borrow_mut();
        let block = Rc::make_mut(&mut blocks[index]);
        change(block);
        block.revision += 1;
        self.revision.set(self.revision.get() + 1);
    }
}

impl BlockSource for Talk {
    fn len(&self) -> usize {
        self.blocks.borrow().len()
    }

    fn range(&self, range: Range<usize>) -> Vec<Rc<Block>> {
        let blocks = self.blocks.borrow();
        blocks[range.start.min(blocks.len())..range.end.min(blocks.len())].to_vec()
    }

    fn revision(&self) -> u64 {
        self.revision.get()
    }
}

const ANSWER: &str = "# What is here\n\nA *short* tour of **what the screen shows**, with `inline code`, a [link](https://example.org/a) and ~~nothing else~~.\n\n1. one item that is long enough to be wrapped on a terminal of eighty columns, and then some\n2. two\n   - nested, 日本語 too\n   - again\n\n> A quotation, which is quieter than the rest.\n\n```rust\nfn main() {\n    println!(\"hello\");\n}\n```\n\n| name | what it does | size |\n|---|---|--:|\n| kernel | buffers, windows, hooks | 12 |\n| tui | this screen | 7 |\n\nDone.\n";

async fn answer(kernel: Kernel, talk: Rc<Talk>, changed: Rc<dyn Fn()>, prompt: String) {
    talk.add("prompt", &prompt, &json!({}));
    changed();
    match prompt.trim() {
        "ask" => {
            let options = ConfirmOptions {
                message: "Run `rm -rf build`?\nIt was asked for by the tool `bash`.".into(),
                ..ConfirmOptions::default()
            };
            let said = kernel.ui().confirm(ExtId::CORE, options).await;
            talk.add("note", &format!("answered {said:?}"), &json!({}));
        }
        "pick" => {
            let items = (1..=30).map(|n| format!("item number {n}").into()).collect();
            let said = kernel
                .ui()
                .select(
                    ExtId::CORE,
                    SelectOptions { prompt: "Which one?".into(), items, ..SelectOptions::default() },
                )
                .await;
            talk.add("note", &format!("answered {said:?}"), &json!({}));
        }
        "name" => {
            let options = InputOptions {
                prompt: "What is it called?".into(),
                placeholder: "a name".into(),
                ..InputOptions::default()
            };
            let said = kernel.ui().input(ExtId::CORE, options).await;
            talk.add("note", &format!("answered {said:?}"), &json!({}));
        }
        "tool" => tools(&talk),
        "panic" => talk.panics.set(true),
        "error" => {
            talk.add(
                "error",
                "The provider answered 401: the key is not valid.",
                &json!({"hint": "Set `ANTHROPIC_API_KEY` or write the key into `auth.toml`."}),
            );
        }
        _ => stream(&talk, &changed).await,
    }
    changed();
}

fn tools(talk: &Talk) {
    let out = (1..=40).map(|n| format!("test case_{n} ... ok")).collect::<Vec<_>>().join("\n");
    talk.add(
        "tool",
        "    1 use std::io;\n",
        &json!({"name": "read", "args": {"path": "src/main.rs", "limit": 40}, "status": "ok"}),
    );
    talk.add("tool", &out, &json!({"name": "bash", "args": {"command": "cargo test -p purlin-tui\necho done", "timeout": 60}, "status": "ok", "duration_ms": 4213}));
    talk.add(
        "tool",
        "no such file",
        &json!({"name": "read", "args": {"path": "/does/not/exist"}, "status": "error"}),
    );
    talk.add("tool", "", &json!({"name": "edit", "args": {"path": "src/lib.rs", "old_text": "let a = 1;\nlet b = 2;", "new_text": "let (a, b) = (1, 2);"}, "status": "ok"}));
    talk.add(
        "tool",
        "blocked by extension",
        &json!({"name": "bash", "args": {"command": "rm -rf /"}, "status": "blocked"}),
    );
    talk.add("tool", "", &json!({"name": "bash", "args": {"command": "sleep 100"}, "status": "pending"}));
    talk.add(
        "shell",
        "one\ntwo\n\u{1b}[31mred\u{1b}[0m\n",
        &json!({"command": "ls -la", "status": "error", "exit_code": 2, "duration_ms": 900}),
    );
}

async fn stream(talk: &Talk, changed: &Rc<dyn Fn()>) {
    let thought = talk.add("thinking", "", &json!({}));
    for word in "The person wants to see the screen. I shall show a heading, a list, a quotation, some code and a table, and keep it short. That should be enough to judge the look of it, on a wide terminal as on a narrow one, and in both themes.".split_inclusive(' ') {
        talk.change(thought, |block| {
            block.streaming = true;
            block.text.push_str(word);
        });
        changed();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    talk.change(thought, |block| block.streaming = false);
    let text = talk.add("text", "", &json!({}));
    let mut rest = ANSWER;
    while !rest.is_empty() {
        let cut = rest.char_indices().nth(8).map_or(rest.len(), |(at, _)| at);
        talk.change(text, |block| {
            block.streaming = true;
            block.text.push_str(&rest[..cut]);
        });
        rest = &rest[cut..];
        changed();
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    talk.change(text, |block| block.streaming = false);
}

async fn demo() -> Result<(), Box<dyn std::error::Error>> {
    let kernel = Kernel::new(Rc::new(DemoHost(Instant::now())));
    let welcome = vec![
        vec![
            Span::new("purlin", Style::fg(Token::Accent).with(purlin_kernel::text::Attrs::BOLD)),
            Span::new("  a demonstration of the screen", Style::fg(Token::Dim)),
        ],
        vec![],
        vec![Span::new("Enter a prompt, or one of: tool, ask, pick, name, error.", Style::fg(Token::Dim))],
    ];
    let screen = Screen::install(
        &kernel,
        ScreenOptions {
            welcome,
            placeholder: "Ask anything, ! for a command, / for more".into(),
            ..ScreenOptions::default()
        },
    )?;
    let talk = Rc::new(Talk::default());
    let fill = std::env::args()
        .skip_while(|arg| arg != "--fill")
        .nth(1)
        .and_then(|count| count.parse().ok())
        .unwrap_or(0);
    for index in 0..fill {
        talk.add("prompt", &format!("prompt number {index}"), &json!({}));
        talk.add("text", ANSWER, &json!({}));
    }
    let source: Rc<dyn BlockSource> = talk.clone();
    kernel.buf().set_source("transcript", Some(source));
    let (sender, events) = futures_channel::mpsc::unbounded();
    // The loop outlives every answer.
    let changed: Rc<dyn Fn()> = Rc::new(move || drop(sender.unbounded_send(AppEvent::Changed)));
    let (for_send, weak) = (Rc::clone(&talk), kernel.downgrade());
    kernel.command().create(
        ExtId::CORE,
        CommandSpec::action("send", "Answers a prompt.", move |call| {
            let Some(kernel) = weak.upgrade() else { return Ok(None) };
            tokio::task::spawn_local(answer(
                kernel,
                Rc::clone(&for_send),
                Rc::clone(&changed),
                call.args.clone(),
            ));
            Ok(None)
        }),
    );
    let weak = kernel.downgrade();
    kernel.command().create(
        ExtId::CORE,
        CommandSpec {
            args: "[TOPIC]".into(),
            ..CommandSpec::new("help", "Shows what can be done.", move |_| {
                if let Some(kernel) = weak.upgrade() {
                    kernel.ui().notify(ExtId::CORE, "Type something and press enter.", Level::Info);
                }
                std::future::ready(Ok(None)).boxed_local()
            })
        },
    );
    kernel.command().create(
        ExtId::CORE,
        CommandSpec::new("hello", "Greets.", |_| std::future::ready(Ok(Some("Hello.".into()))).boxed_local()),
    );
    for (key, text, priority, right) in [
        ("model", "echo", 50, false),
        ("cwd", "~/src/purlin", 40, false),
        ("branch", "main", 30, false),
        ("tokens", "12.4k", 20, true),
        ("state", "ready", 60, true),
    ] {
        screen.set_segment(key, &Segment { text: text.into(), priority, right, ..Segment::default() });
    }
    let (repaint, panics) = (screen.clone(), Rc::clone(&talk));
    let options = AppOptions {
        refresh: Box::new(move || {
            assert!(!panics.panics.get(), "a panic as the demonstration was asked for");
            repaint.refresh();
        }),
        ..AppOptions::default()
    };
    App::run(&screen, options, events.boxed_local()).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, demo())
}
