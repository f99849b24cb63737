//! The contract of the hooks, name by name: what it lists is declared, with these fields and these rules.

use purlin_kernel::{Combine, HookDecl, HookMode};

use crate::hooks;

/// A hook a line: `sync` or `waits`, `closed` where an error refuses the action, its name, the fields of its event, and its answers with
/// how several become one. Those of forks, compaction, the tree of a session and child agents come with these.
const HOOKS: &str = "
sync startup()
sync shutdown(reason)
sync tick(now)
sync resize(width height)
sync key(key text ctrl alt shift meta) -> consume:mark handled:mark
sync paste(text) -> consume:mark handled:mark text:replace
sync mouse(kind button row col window) -> consume:mark handled:mark
sync focus_change(from to)
sync render(width height frame)
sync prompt_submit(text key delivery attachments) -> consume:mark handled:mark
sync transcript_render(block width) -> lines:replace text:replace
waits session_start(session_id reason previous_id)
waits session_load(session_id cwd name created_at updated_at cells)
waits session_save(session_id seq)
waits session_shutdown(session_id reason)
waits closed session_before_switch(reason target) -> cancel:stop reason:detail
waits session_switch(session_id previous_id)
waits message_append(entry_id parent_id role kind text model_facing display tokens)
waits input(text source attachments) -> action:stop text:replace
waits prompt_prepare(text attachments session_id) -> text:replace attachments:replace
waits prompt_user_entry(entry_id session_id)
waits before_agent_start(prompt system_prompt) -> inject_text:append system_prompt:replace
waits agent_start(prompt)
waits agent_end(prompt response stop_reason turns tool_calls usage cost duration_ms error)
waits turn_start(turn)
waits turn_end(turn tool_results)
waits settled(session_id)
waits context_build(breakdown limit) -> contributions:append
waits context(messages turn) -> messages:replace
waits model_request(provider api model attempt payload headers) -> payload:replace headers:replace response:stop
waits before_provider_request(payload) -> payload:replace
waits after_provider_response(provider model attempt status usage finish_reason)
waits provider_error(provider model attempt error)
waits retry_start(attempt max_attempts delay_ms error)
waits retry_end(attempt max_attempts error)
waits message_start(message_id)
waits message_end(message_id content)
waits message_update(chunk text message_id)
waits model_delta(chunk)
waits thinking_delta(chunk text message_id)
waits output_append(text role message_id) -> text:replace role:replace
waits closed tool_call(tool_name name tool_call_id call_id args input kind source) -> block:stop reason:detail args:replace
waits tool_execution_start(tool_name tool_call_id args)
waits tool_start(tool_name)
waits tool_delta(tool_name tool_call_id chunk stream)
waits tool_execution_update(chunk)
waits tool_execution_end(tool_name tool_call_id is_error duration_ms)
waits tool_end(tool_name)
waits tool_result(tool_name tool_call_id args input content details is_error) -> content:patch details:patch is_error:patch
waits tool_error(tool_name tool_call_id args content is_error)
waits closed user_shell(command hidden cwd) -> block:stop reason:detail command:replace result:stop
waits model_select(new previous source)
waits thinking_level_change(new previous source)
waits llm_usage(tokens cost model provider finish_reason)
waits prompt_done(session_id user_entry_id assistant_entry_id text stop_reason)
";

fn rule(combine: Combine) -> &'static str {
    match combine {
        Combine::Stop => "stop",
        Combine::Mark => "mark",
        Combine::Replace => "replace",
        Combine::Patch => "patch",
        Combine::Append => "append",
        Combine::Detail => "detail",
    }
}

/// What of a line the declaration does not hold.
fn missing(line: &str) -> Vec<String> {
    let (head, answers) = line.split_once(" -> ").unwrap_or((line, ""));
    let (head, fields) =
        head.strip_suffix(')').and_then(|head| head.split_once('(')).expect("fields in parentheses");
    let words: Vec<&str> = head.split(' ').collect();
    let name = *words.last().expect("a name");
    let Some(decl) = hooks().find(|decl| decl.name == name || decl.aliases.contains(&name)) else {
        return vec![format!("{name} is not declared")];
    };
    let mut missing = Vec::new();
    let mode = if words[0] == "sync" { HookMode::Sync } else { HookMode::Async };
    if decl.mode != mode || decl.closed != words.contains(&"closed") {
        missing.push(format!("{name} is no hook of that kind"));
    }
    let lacks = |field: &&str| !decl.payload.iter().any(|found| found.name == *field);
    missing
        .extend(fields.split_whitespace().filter(lacks).map(|field| format!("{name} has no field {field}")));
    missing.extend(
        answers
            .split_whitespace()
            .filter(|answer| !answers_with(decl, answer))
            .map(|answer| format!("{name} takes no {answer}")),
    );
    missing
}

fn answers_with(decl: &HookDecl, answer: &str) -> bool {
    let (name, wanted) = answer.split_once(':').expect("a rule");
    decl.answer.iter().any(|field| field.name == name && rule(field.combine) == wanted)
}

#[test]
fn every_hook_of_the_contract_is_declared_with_its_fields_and_rules() {
    let lines: Vec<&str> = HOOKS.lines().filter(|line| !line.is_empty()).collect();
    let lacking: Vec<String> = lines.iter().flat_map(|line| missing(line)).collect();
    assert!(lines.len() > 50, "only {} were looked at", lines.len());
    assert_eq!(lacking, [""; 0]);
}
