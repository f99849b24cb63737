//! What the kernel asks of a desktop: files and what changes in them, requests, terminals for processes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use purlin_kernel::host::{FileChange, Host, HostError, HttpRequest};
use purlin_kernel::{ProcessEvent, ProcessSpec};
use purlin_runtime_native::KernelHost;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test)
}

/// A folder of its own.
fn folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("purlin-kernel-host-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_file_is_described_and_a_missing_one_is_no_error() {
    run(async {
        let folder = folder();
        std::fs::write(folder.join("a"), "12345").unwrap();
        let host = KernelHost::new();
        let found = host.fs_stat(folder.join("a")).await.unwrap().unwrap();
        assert_eq!((found.is_dir, found.size), (false, 5));
        assert!(found.modified_ms > 1_600_000_000_000);
        assert!(host.fs_stat(folder.clone()).await.unwrap().unwrap().is_dir);
        assert_eq!(host.fs_stat(folder.join("b")).await, Ok(None));
        assert_eq!(host.fs_stat(folder.join("a/b")).await, Ok(None));
        std::fs::remove_dir_all(folder).unwrap();
    });
}

#[test]
fn a_pattern_finds_files_in_order_and_stops_at_its_limit() {
    run(async {
        let folder = folder();
        for path in ["a.rs", "b.rs", "c.txt", "src/d.rs", "src/deep/e.rs", ".git/f.rs"] {
            std::fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
            std::fs::write(folder.join(path), "").unwrap();
        }
        std::os::unix::fs::symlink(&folder, folder.join("circle")).unwrap();
        let host = KernelHost::new();
        let glob = async |pattern: &str, most| {
            let found = host.fs_glob(folder.clone(), pattern.to_owned(), most).await?;
            Ok::<_, HostError>(
                found.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" "),
            )
        };
        assert_eq!(glob("*.rs", 9).await.unwrap(), "a.rs b.rs");
        assert_eq!(glob("**/*.rs", 9).await.unwrap(), "a.rs b.rs src/d.rs src/deep/e.rs");
        assert_eq!(glob("**/*.rs", 3).await.unwrap(), "a.rs b.rs src/d.rs");
        assert_eq!(glob(".git/*", 9).await.unwrap(), ".git/f.rs");
        assert_eq!(glob("{a,c}.*", 9).await.unwrap(), "a.rs c.txt");
        assert!(glob("[", 9).await.unwrap_err().to_string().contains("not closed"));
        let missing = host.fs_glob(folder.join("none"), "*".to_owned(), 9).await.unwrap_err();
        assert!(missing.to_string().contains("cannot search"), "{missing}");
        std::fs::remove_dir_all(folder).unwrap();
    });
}

#[test]
fn a_watch_hears_of_its_file_only_also_when_it_is_replaced() {
    run(async {
        let folder = folder();
        let (file, other) = (folder.join("config"), folder.join("other"));
        std::fs::write(&file, "1").unwrap();
        let host = KernelHost::new();
        let mut watch = host.fs_watch(file.clone()).unwrap();
        std::fs::write(&other, "x").unwrap();
        std::fs::write(&file, "2").unwrap();
        let event = watch.next().await.unwrap();
        assert_eq!((event.path, event.change), (file.clone(), FileChange::Modified));
        std::fs::rename(&other, &file).unwrap();
        let event = watch.next().await.unwrap();
        assert_eq!((event.path, event.change), (file.clone(), FileChange::Created));
        std::fs::remove_file(&file).unwrap();
        let event = watch.next().await.unwrap();
        assert_eq!((event.path, event.change), (file.clone(), FileChange::Removed));
        drop(watch);

        let mut watch = host.fs_watch(folder.clone()).unwrap();
        std::fs::write(folder.join("new"), "").unwrap();
        assert_eq!(watch.next().await.unwrap().path, folder.join("new"));
        std::fs::remove_dir_all(&folder).unwrap();
        let rest: Vec<_> = watch.collect().await;
        assert_eq!(rest.last().unwrap().change, FileChange::Removed, "{rest:?}");
        assert!(host.fs_watch(folder.join("none/file")).is_err());
    });
}

#[test]
fn an_answer_arrives_in_pieces_and_a_failure_says_what_to_check() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::task::spawn_local(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let count = socket.read(&mut request).await.unwrap();
            assert!(request[..count].starts_with(b"GET /x HTTP/1.1\r\n"));
            let head = "HTTP/1.1 201 Created\r\nX-Two: 2\r\ncontent-length: 8\r\n\r\nfour";
            socket.write_all(head.as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
            socket.write_all(b"more").await.unwrap();
        });
        let host = KernelHost::new();
        let request = HttpRequest { url: format!("http://{address}/x"), ..HttpRequest::default() };
        let answer = host.http(request.clone()).await.unwrap();
        assert_eq!(answer.status, 201);
        assert!(answer.headers.contains(&("x-two".to_owned(), "2".to_owned())));
        let body: Vec<u8> = answer.body.map(Result::unwrap).concat().await;
        assert_eq!(body, b"fourmore");
        let refused = host.http(request).await.unwrap_err().to_string();
        assert!(refused.contains("cannot be reached") && refused.ends_with("or the address."), "{refused}");
    });
}

fn sh(script: &str) -> ProcessSpec {
    let args = vec!["-c".to_owned(), script.to_owned()];
    ProcessSpec { program: "sh".to_owned(), args, group: true, ..ProcessSpec::default() }
}

/// Reads until a text was printed, or to the end without one.
async fn until(process: &mut purlin_kernel::Process, text: &str) -> String {
    let mut printed = String::new();
    let reading = async {
        while let Some(event) = process.output.next().await {
            match event {
                ProcessEvent::Stdout(bytes) | ProcessEvent::Stderr(bytes) => {
                    printed.push_str(&String::from_utf8_lossy(&bytes));
                }
                ProcessEvent::Exit { code, .. } => {
                    printed.push_str(
                        &["[", &code.map_or("none".to_owned(), |code| code.to_string()), "]"].concat(),
                    );
                }
            }
            if !text.is_empty() && printed.contains(text) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading).await.expect("it prints");
    printed
}

#[test]
fn a_terminal_of_its_own_has_a_size_a_keyboard_and_an_end() {
    run(async {
        let host = KernelHost::new();
        let script = "tty >/dev/null && stty size; read line; echo \"<$line>\"; stty size; cat; echo over";
        let spec = ProcessSpec { pty: Some((70, 9)), keep_stdin: true, ..sh(script) };
        let mut process = host.spawn_process(spec).unwrap();
        let input = process.input.clone().unwrap();
        assert!(until(&mut process, "9 70").await.contains("9 70"));
        input.resize(71, 10);
        input.write(b"hello\n".to_vec()).await.unwrap();
        assert!(until(&mut process, "10 71").await.contains("<hello>"));
        input.close();
        let rest = until(&mut process, "").await;
        assert!(rest.contains("over") && rest.ends_with("[0]"), "{rest}");
    });
}

#[test]
fn ctrl_c_on_its_terminal_interrupts_a_process() {
    run(async {
        let spec = ProcessSpec { pty: Some((80, 24)), keep_stdin: true, ..sh("echo ready; exec sleep 1000") };
        let mut process = KernelHost::new().spawn_process(spec).unwrap();
        until(&mut process, "ready").await;
        process.input.clone().unwrap().write(vec![3]).await.unwrap();
        let mut last = None;
        while let Some(event) = process.output.next().await {
            last = Some(event);
        }
        assert_eq!(last, Some(ProcessEvent::Exit { code: None, signal: Some(2), timed_out: false }));
    });
}

#[test]
fn a_pipe_stays_open_for_what_comes_later() {
    run(async {
        let spec = ProcessSpec { stdin: Some(b"one\n".to_vec()), keep_stdin: true, ..sh("cat; echo over") };
        let mut process = KernelHost::new().spawn_process(spec).unwrap();
        let input = process.input.clone().unwrap();
        assert_eq!(until(&mut process, "one\n").await, "one\n");
        input.write(b"two\n".to_vec()).await.unwrap();
        assert_eq!(until(&mut process, "two\n").await, "two\n");
        input.close();
        assert_eq!(until(&mut process, "").await, "over\n[0]");
        let error = input.write(b"three".to_vec()).await.unwrap_err().to_string();
        assert!(error.contains("closed"), "{error}");
    });
}
