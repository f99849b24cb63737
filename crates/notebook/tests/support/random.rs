//! Random events over a few ids, so that they meet. Shared by the tests of every store.

use purlin_notebook::{
    ActorType, ApprovalStatus, Capabilities, CellKind, CellRun, CellType, CompactionSource, CompletionStatus,
    Event, Media, OutputId, OutputMeta, Representations, Role, RuntimeStatus, StreamName, TerminationReason,
    ToolCallStatus, time,
};
use serde_json::json;

/// Makes the event that four bytes stand for.
#[allow(clippy::many_single_char_names, reason = "four bytes and what they are reduced to")]
pub fn event([kind, a, b, c]: [u8; 4]) -> Event {
    let (x, y, z) = (a % 4, b % 4, c % 4);
    let id = |prefix: &str, n: u8| format!("{prefix}{n}");
    let cell = || id("c", x).into();
    let queue = || id("q", y).into();
    let session = || id("s", z).into();
    // Of one's own making, or that of a delta of any output: this one's, or another's.
    let delta_id = || match c % 16 {
        n @ 0..8 => id("delta", n),
        n => OutputId::from(id("o", n % 4)).delta(i64::from(n % 8)),
    };
    let date = || time::iso(1_700_000_000_000 + i64::from(b) * 977);
    match kind % 61 {
        0 => Event::Debug { id: id("d", x) },
        1 => Event::FileUploaded {
            artifact_id: id("a", y),
            mime_type: "text/plain".into(),
            file_name: id("f", x),
            created_at: date(),
            created_by: id("u", z),
            file_url: (c > 128).then(|| "https://example.org/f".into()),
        },
        2 => Event::FileDeleted { file_name: id("f", x) },
        3 => Event::FileDeleted2 { file_name: id("f", x), deleted_at: date() },
        4 => Event::NotebookInitialized { id: id("d", x), title: id("t", y), owner_id: id("u", z) },
        5 => Event::NotebookTitleChanged { title: id("t", y) },
        6 => Event::NotebookMetadataSet { key: id("k", x), value: id("v", b) },
        7 => Event::CellCreated {
            id: cell(),
            cell_type: CellType::ALL[usize::from(b) % 5],
            position: f64::from(c) - 20.0,
            created_by: id("u", y),
            actor_id: (c > 128).then(|| id("u", z)),
        },
        8..=11 => Event::CellCreated2 {
            id: cell(),
            fractional_index: id("m", y),
            cell_type: CellType::ALL[usize::from(c) % 5],
            created_by: id("u", z),
        },
        12 => Event::CellSourceChanged {
            id: cell(),
            source: format!("source {b} \u{2400} é"),
            modified_by: id("u", z),
        },
        13 => Event::CellTypeChanged {
            id: cell(),
            cell_type: CellType::Markdown,
            actor_id: (c > 99).then(|| id("u", y)),
        },
        14 => Event::CellDeleted { id: cell(), actor_id: (c > 99).then(|| id("u", y)) },
        15 => Event::CellMoved { id: cell(), new_position: f64::from(b), actor_id: None },
        16 => Event::CellMoved2 { id: cell(), fractional_index: id("n", y), actor_id: None },
        17 => Event::CellSourceVisibilityToggled { id: cell(), source_visible: b > 128, actor_id: None },
        18 => Event::CellOutputVisibilityToggled {
            id: cell(),
            output_visible: b > 128,
            actor_id: Some(id("u", z)),
        },
        19 => {
            Event::CellAiContextVisibilityToggled { id: cell(), ai_context_visible: b > 128, actor_id: None }
        }
        20 => Event::PresenceSet { user_id: id("u", y), cell_id: (c > 99).then(cell) },
        21 | 22 => Event::RuntimeSessionStarted {
            session_id: session(),
            runtime_id: id("r", x),
            runtime_type: "echo".into(),
            capabilities: Capabilities {
                can_execute_code: b > 128,
                can_execute_sql: false,
                can_execute_ai: c > 128,
                available_ai_models: (a > 128).then(|| json!([{"name": "m", "provider": "p"}])),
            },
        },
        23 => Event::RuntimeSessionStatusChanged {
            session_id: session(),
            status: [RuntimeStatus::Ready, RuntimeStatus::Busy, RuntimeStatus::Restarting]
                [usize::from(b) % 3],
        },
        24 => Event::RuntimeSessionTerminated {
            session_id: session(),
            reason: TerminationReason::ALL[usize::from(b) % 5],
        },
        25 => {
            Event::RuntimeSessionRenewal { session_id: session(), renewed_at: date(), valid_for_ms: 30_000 }
        }
        26..=28 => Event::ExecutionRequested {
            queue_id: queue(),
            cell_id: cell(),
            execution_count: i64::from(b),
            requested_by: id("u", z),
            actor_id: None,
        },
        29 => Event::MultipleExecutionRequested {
            requested_by: id("u", z),
            cells_info: vec![
                CellRun { id: cell(), execution_count: 1, queue_id: queue() },
                CellRun { id: id("c", y).into(), execution_count: 2, queue_id: id("q", z).into() },
            ],
        },
        30 | 31 => Event::ExecutionAssigned { queue_id: queue(), runtime_session_id: session() },
        32 | 33 => Event::ExecutionStarted {
            queue_id: queue(),
            cell_id: cell(),
            runtime_session_id: session(),
            started_at: date(),
        },
        34 => Event::ExecutionCompleted {
            queue_id: queue(),
            cell_id: cell(),
            status: CompletionStatus::ALL[usize::from(c) % 3],
            error: None,
            completed_at: date(),
            execution_duration_ms: i64::from(c),
        },
        35 => Event::ExecutionCancelled {
            queue_id: queue(),
            cell_id: cell(),
            cancelled_by: id("u", z),
            actor_id: None,
            reason: "user".into(),
        },
        36 if b > 200 => Event::AllExecutionsCancelled {},
        36..=38 => Event::MultimediaDisplayOutputAdded {
            id: id("o", y).into(),
            cell_id: cell(),
            position: f64::from(c % 7),
            representations: representations(b, c),
            display_id: (a > 99).then(|| id("display", z)),
        },
        39 => Event::MultimediaDisplayOutputUpdated {
            display_id: id("display", z),
            representations: representations(c, b),
        },
        40 => Event::MultimediaResultOutputAdded {
            id: id("o", y).into(),
            cell_id: cell(),
            position: 1.5,
            representations: representations(c, a),
            execution_count: 3,
        },
        41 | 42 => Event::TerminalOutputAdded {
            id: id("o", y).into(),
            cell_id: cell(),
            position: 2.0,
            content: content(b, c),
            stream_name: StreamName::ALL[usize::from(c) % 2],
        },
        43 => Event::TerminalOutputAppended { output_id: id("o", y).into(), content: content(a, b) },
        44 | 45 => Event::TerminalOutputAppended2 {
            id: delta_id(),
            output_id: id("o", y).into(),
            delta: format!("+{a}"),
            sequence_number: i64::from(b % 8),
        },
        46 => Event::MarkdownOutputAdded {
            id: id("o", y).into(),
            cell_id: cell(),
            position: -1.0,
            content: content(c, b),
        },
        47 => Event::MarkdownOutputAppended { output_id: id("o", y).into(), content: content(b, a) },
        48 => Event::MarkdownOutputAppended2 {
            id: delta_id(),
            output_id: id("o", y).into(),
            delta: format!("*{a}*"),
            sequence_number: i64::from(b % 8),
        },
        49 => Event::ErrorOutputAdded {
            id: id("o", y).into(),
            cell_id: cell(),
            position: 9.0,
            content: Media::json(json!({"ename": "E", "evalue": c, "traceback": []})),
        },
        50 => Event::CellOutputsCleared {
            cell_id: cell(),
            wait: b > 99,
            cleared_by: if c > 99 { id("u", z) } else { String::new() },
        },
        51 if b > 220 => Event::AllOutputsCleared { cleared_by: id("u", z) },
        51 => Event::AiSettingsChanged {
            cell_id: cell(),
            provider: "p".into(),
            model: "m".into(),
            settings: json!({"temperature": 0.5, "maxTokens": b}),
        },
        52 => approval(a, b, c),
        53 => annotation(a, b, c),
        54 => tool(a, b, c),
        55 => steer(a, b, c),
        56 => record(a, b, c),
        57 => Event::ActorProfileSet {
            id: id("u", x),
            actor_type: ActorType::ALL[usize::from(b) % 2],
            display_name: id("name", y),
            avatar: (c > 99).then(|| id("face", z)),
        },
        58 => Event::SqlConnectionChanged {
            cell_id: cell(),
            connection_id: (c > 99).then(|| id("db", y)),
            changed_by: id("u", z),
        },
        59 => Event::SqlResultVariableChanged {
            cell_id: cell(),
            result_variable: (c > 99).then(|| id("df", y)),
            changed_by: id("u", z),
        },
        _ => Event::Unknown { name: "v9.Later".into(), args: json!({"n": a}) },
    }
}

fn representations(a: u8, b: u8) -> Representations {
    let mut all = Representations::new();
    for (bit, mime) in
        ["text/plain", "text/html", "application/json", "image/png", "application/x-own"].iter().enumerate()
    {
        if a & (1 << bit) != 0 {
            let media = match bit {
                2 => Media::json(json!({"n": b})),
                3 => Media::Artifact { artifact_id: format!("artifact:{b}"), metadata: None },
                _ => Media::text(format!("{b}")),
            };
            all.insert((*mime).to_owned(), media);
        }
    }
    if b > 128
        && let Some(media) = all.remove("text/plain")
    {
        let meta = OutputMeta {
            opaque: Some(json!({"signature": b})),
            ..OutputMeta::new(Role::ToolCall).with_call("call")
        };
        all.insert("text/plain".to_owned(), media.with_meta(&meta));
    }
    all
}

fn content(a: u8, b: u8) -> Media {
    let media = match a % 5 {
        0 => Media::Artifact { artifact_id: format!("artifact:{b}"), metadata: None },
        1 => Media::json(json!([1, null, 2.0, {"deep": true}])),
        2 => Media::json(json!(b)),
        _ => Media::text(format!("text {b}\n")),
    };
    if b > 128 { media.with_meta(&OutputMeta::new(Role::ALL[usize::from(a) % 8])) } else { media }
}

fn approval(a: u8, b: u8, c: u8) -> Event {
    let tool_call_id = format!("call{}", a % 3);
    if b > 128 {
        return Event::ToolApprovalResponded {
            tool_call_id,
            status: ApprovalStatus::ALL[usize::from(c) % 4],
            approved_by: "u1".into(),
            responded_at: time::iso(i64::from(c)),
        };
    }
    Event::ToolApprovalRequested {
        tool_call_id,
        cell_id: "c1".into(),
        tool_name: "bash".into(),
        arguments: json!({"command": "ls"}),
        requested_at: time::iso(i64::from(c)),
    }
}

fn annotation(a: u8, b: u8, c: u8) -> Event {
    match c % 5 {
        0 => Event::BranchSelected { leaf_id: (b > 99).then(|| format!("c{}", a % 5).into()) },
        1 => Event::CellLabelled {
            cell_id: format!("c{}", a % 4).into(),
            label: (b > 99).then(|| "here".into()),
        },
        _ => Event::CellAnnotated {
            cell_id: format!("c{}", a % 4).into(),
            kind: CellKind::ALL[usize::from(b) % 8],
            hidden: (b > 99).then_some(true),
            parent_id: (c > 60).then(|| format!("c{}", b % 4).into()),
            after_output: (b > 200).then(|| "o1".into()),
            extension: None,
            attachments: if b > 128 { vec!["artifact:1".into()] } else { vec![] },
            prepared: Some(c > 128),
            prepared_text: (c > 200).then(|| "prepared".into()),
            data: (a > 200)
                .then(|| [("z".to_owned(), json!(1)), ("a".to_owned(), json!({"y": 1, "b": 2}))].into()),
        },
    }
}

fn tool(a: u8, b: u8, c: u8) -> Event {
    let tool_call_id = format!("call{}", a % 3);
    if c > 128 {
        let status = ToolCallStatus::ALL[usize::from(b) % 5];
        return Event::ToolCallEnded { tool_call_id, status, duration_ms: i64::from(b) };
    }
    let arguments = json!({"z": b, "a": [c]});
    Event::ToolCallStarted {
        tool_call_id,
        cell_id: format!("c{}", b % 4).into(),
        output_id: "o1".into(),
        arguments,
    }
}

fn steer(a: u8, b: u8, c: u8) -> Event {
    let id = format!("steer{}", a % 3);
    if c > 128 {
        return Event::SteerTaken { id, output_id: format!("o{}", b % 4).into() };
    }
    Event::SteerSent {
        id,
        cell_id: "c1".into(),
        text: format!("do {b}"),
        attachments: vec![],
        by: "u1".into(),
    }
}

fn record(a: u8, b: u8, c: u8) -> Event {
    let queue_id = || format!("q{}", a % 4).into();
    match c % 7 {
        0 => Event::ModelUsed {
            id: format!("use{}", a % 3),
            cell_id: "c1".into(),
            queue_id: queue_id(),
            provider: "p".into(),
            model: "m".into(),
            input: i64::from(b),
            output: 2,
            cache_read: 3,
            cache_write: 4,
            cost_micros: (b > 128).then_some(5),
            finish_reason: None,
        },
        1 => Event::Compacted {
            id: format!("k{}", a % 3),
            leaf_id: "c1".into(),
            summary: "all of it".into(),
            first_kept_id: "c2".into(),
            tokens_before: i64::from(b),
            source: CompactionSource::Core,
            details: (b > 99).then(|| json!({"n": 1})),
        },
        2 => Event::ExecutionReleased {
            queue_id: queue_id(),
            runtime_session_id: format!("s{}", b % 4).into(),
            reason: "gone".into(),
        },
        3 => Event::ExecutionNoted {
            queue_id: queue_id(),
            source: "ls".into(),
            reason: None,
            error: (b > 9).then(|| "no".into()),
        },
        4 => Event::StateSet {
            extension: "x".into(),
            key: format!("k{}", a % 3),
            value: (b > 99).then(|| json!({"b": b, "a": null})),
        },
        5 => Event::LanesAnnounced {
            session_id: format!("s{}", a % 4).into(),
            lanes: vec![CellKind::Ai, CellKind::Shell],
        },
        _ => Event::ForkedFrom { notebook_id: "n0".into(), cell_id: "c1".into(), output_id: None },
    }
}
