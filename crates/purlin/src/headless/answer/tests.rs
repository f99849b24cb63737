use purlin_notebook::OutputMeta;

use super::*;

fn log(events: Vec<Event>) -> Vec<LogEntry> {
    events
        .into_iter()
        .zip(1..)
        .map(|(event, rowid)| LogEntry {
            rowid,
            batch: rowid,
            seq: Some(rowid),
            event,
            client_id: "c".into(),
            session_id: "s".into(),
            at: 7,
        })
        .collect()
}

fn added(id: &str, cell: &str, role: Role, text: &str) -> Event {
    let meta = OutputMeta { role, call_id: None, extension: None, opaque: None };
    let content = Media::text(text).with_meta(&meta);
    Event::MarkdownOutputAdded { id: id.into(), cell_id: cell.into(), position: 0.0, content }
}

fn appended(output: &str, n: i64, delta: &str) -> Event {
    let id = format!("{output}-{n}");
    Event::MarkdownOutputAppended2 { id, output_id: output.into(), delta: delta.into(), sequence_number: n }
}

fn completed(queue: &str, status: CompletionStatus, error: Option<&str>) -> Event {
    Event::ExecutionCompleted {
        queue_id: queue.into(),
        cell_id: "cell".into(),
        status,
        error: error.map(str::to_owned),
        completed_at: String::new(),
        execution_duration_ms: 0,
    }
}

fn follow(json: bool, events: Vec<Event>) -> (String, Option<End>) {
    let mut answer = Answer::new(json, "cell".into(), "queue".into());
    answer.take(&log(events));
    let text = answer.printed() + answer.ending();
    (text, answer.end().cloned())
}

#[test]
fn only_the_answers_text_is_printed() {
    let (text, end) = follow(
        false,
        vec![
            added("t", "cell", Role::Thinking, "hm"),
            appended("t", 1, "hm"),
            added("a", "cell", Role::Text, "One"),
            appended("a", 1, " two."),
            added("x", "other", Role::Text, "not ours"),
            appended("x", 1, "not ours"),
            added("b", "cell", Role::Text, "Three."),
            completed("other", CompletionStatus::Error, None),
            completed("queue", CompletionStatus::Success, None),
        ],
    );
    assert_eq!((text.as_str(), end), ("One two.\n\nThree.\n", Some(End::Done)));
}

#[test]
fn an_error_is_the_end_and_not_part_of_the_answer() {
    let content = Media::Inline {
        data: json!({"ename": "ProviderError", "evalue": "no key", "traceback": []}),
        metadata: None,
    };
    let error = Event::ErrorOutputAdded { id: "e".into(), cell_id: "cell".into(), position: 0.0, content };
    let (text, end) = follow(false, vec![error, completed("queue", CompletionStatus::Error, Some("x"))]);
    assert_eq!((text.as_str(), end), ("", Some(End::Failed(Some("no key".into())))));
    let (_, end) = follow(false, vec![completed("queue", CompletionStatus::Error, Some("x"))]);
    assert_eq!(end, Some(End::Failed(Some("x".into()))));
    let (_, end) = follow(false, vec![completed("queue", CompletionStatus::Cancelled, None)]);
    assert_eq!(end, Some(End::Cancelled));
}

#[test]
fn json_is_one_line_an_event_with_its_wire_name() {
    let (text, _) = follow(true, vec![appended("a", 1, "x\ny"), Event::Debug { id: "d".into() }]);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["name"], "v2.MarkdownOutputAppended");
    assert_eq!(lines[0]["args"]["delta"], "x\ny");
    assert_eq!(
        lines[1],
        json!({"rowid": 2, "seq": 2, "name": "v1.Debug", "args": {"id": "d"},
        "clientId": "c", "sessionId": "s", "at": 7})
    );
}
