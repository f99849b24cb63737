//! The server itself, asked with a bare socket.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up should say so at once")]

use std::io::{Read, Write};
use std::net::TcpStream;

use purlin_testkit::{ModelServer, Script};

fn ask(server: &ModelServer, path: &str, headers: &str) -> String {
    let body = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#;
    let address = server.url().replace("http://", "");
    let mut stream = TcpStream::connect(&address).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

const SCRIPT: &str = "
[[turn]]
thinking = 'hm'
text = 'Hello, world.'
chunk = 6
[[turn.tool]]
name = 'read'
args = { path = 'a.txt' }
[[turn]]
error = { status = 429, message = 'slow down', retry_after = 7 }
[[turn]]
text = 'never seen'
cut_after = 10
[[turn]]
garbage = 'not a stream'
";

#[test]
fn both_wires_come_from_one_script() {
    for (path, piece, end) in [
        ("/v1/messages", r#"{"type":"text_delta","text":"Hello,"}"#, "event: message_stop"),
        ("/v1/chat/completions", r#""delta":{"content":"Hello,"}"#, "data: [DONE]"),
    ] {
        let server = ModelServer::start(Script::parse(SCRIPT).unwrap()).unwrap();
        let answer = ask(&server, path, "");
        assert!(answer.contains(piece), "{answer}");
        assert!(answer.contains(end) && answer.ends_with("0\r\n\r\n"), "{answer}");
        assert!(answer.contains(r#""name":"read""#), "{answer}");
        let answer = ask(&server, path, "");
        assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("Retry-After: 7"), "{answer}");
        assert!(answer.contains("slow down"), "{answer}");
        let answer = ask(&server, path, "");
        assert!(!answer.contains("never") && !answer.ends_with("0\r\n\r\n"), "{answer}");
        assert!(ask(&server, path, "").contains("not a stream"));
        assert_eq!(server.received().len(), 4);
        assert_eq!(server.received()[0].body["model"], "m");
    }
}

#[test]
fn a_key_is_asked_for_where_the_script_names_one() {
    let script = "key = 'secret'\n[[turn]]\ntext = 'in'";
    let server = ModelServer::start(Script::parse(script).unwrap()).unwrap();
    assert!(ask(&server, "/v1/messages", "x-api-key: wrong\r\n").starts_with("HTTP/1.1 401"));
    assert!(ask(&server, "/v1/messages", "x-api-key: secret\r\n").contains("in"));
    assert!(ask(&server, "/v1/chat/completions", "authorization: Bearer secret\r\n").contains("in"));
}
