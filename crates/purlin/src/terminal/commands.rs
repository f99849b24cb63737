//! The commands of the terminal that need a session: what the stock screen calls, and the slash commands.

use std::future::Future;
use std::rc::Rc;

use purlin_agent::{ModelRef, SessionError};
use purlin_kernel::{
    CommandCall, CommandKind, CommandResult, CommandSpec, ConfirmOptions, ExtId, HandlerError, Level,
    SelectOptions,
};

use super::desk::Desk;
use super::{diagnostics, lists, queued, settle, status};
use crate::session::sentence;
use crate::themes;

/// Registers them with the kernel.
pub fn register(desk: &Desk) {
    action(desk, "send", "Sends its text to the agent.", send);
    action(desk, "queue", "Sends its text as a prompt that waits for the running one to end.", queue);
    action(desk, "dequeue", "Takes the messages back that wait for the agent.", dequeue);
    action(desk, "interrupt", "Stops what is running.", interrupt);
    slash(desk, "help", "", "Lists commands and keys.", &[], |desk, _| async move {
        lists::help(&desk).await.map(|()| None)
    });
    slash(desk, "new", "", "Begins a new session.", &["clear"], begin_anew);
    models(desk);
    of_extensions(desk);
    themed(desk);
    slash(
        desk,
        "keys",
        "",
        "Lists the keys with what they run and whose they are.",
        &[],
        |desk, _| async move { diagnostics::keys(&desk).await },
    );
    slash(desk, "messages", "", "Shows what was said, logged and what failed.", &[], |desk, _| async move {
        diagnostics::messages(&desk).await
    });
    slash(desk, "lua", "EXPRESSION", "Evaluates Lua and shows the value.", &[], evaluate);
    slash(desk, "quit", "", "Leaves.", &["exit", "q"], |desk, _| async move {
        desk.kernel().quit();
        Ok(None)
    });
}

fn action<F>(desk: &Desk, name: &str, about: &str, run: impl Fn(Desk, CommandCall) -> F + 'static)
where
    F: Future<Output = CommandResult> + 'static,
{
    let mut spec = spec(desk, name, about, run);
    spec.kind = CommandKind::Action;
    desk.kernel().command().create(ExtId::CORE, spec);
}

fn slash<F>(
    desk: &Desk,
    name: &str,
    args: &str,
    about: &str,
    aliases: &[&str],
    run: impl Fn(Desk, CommandCall) -> F + 'static,
) where
    F: Future<Output = CommandResult> + 'static,
{
    let mut spec = spec(desk, name, about, run);
    args.clone_into(&mut spec.args);
    spec.aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
    desk.kernel().command().create(ExtId::CORE, spec);
}

fn spec<F>(
    desk: &Desk,
    name: &str,
    about: &str,
    run: impl Fn(Desk, CommandCall) -> F + 'static,
) -> CommandSpec
where
    F: Future<Output = CommandResult> + 'static,
{
    // The desk owns the kernel and the kernel the command: only the command's side may be weak.
    let weak = desk.downgrade();
    CommandSpec::new(name, about, move |call| match weak.upgrade() {
        Some(desk) => Box::pin(run(desk, call)),
        None => Box::pin(std::future::ready(Ok(None))),
    })
}

/// Registers `/model`, which completes the names it can know of.
fn models(desk: &Desk) {
    let mut spec = spec(desk, "model", "Shows or chooses the model.", model);
    "PROVIDER/MODEL".clone_into(&mut spec.args);
    let settings = desk.settings().clone();
    spec.complete = Some(Rc::new(move |typed| {
        let mut names = crate::models::known(&settings.get());
        names.retain(|name| name.starts_with(typed.trim_start()));
        Ok(names)
    }));
    desk.kernel().command().create(ExtId::CORE, spec);
}

/// Registers `/extensions` and `/reload`, which complete the names of extensions.
fn of_extensions(desk: &Desk) {
    let mut list = spec(desk, "extensions", "Lists the extensions with what they do and cost.", extensions);
    "[resume NAME]".clone_into(&mut list.args);
    let weak = desk.downgrade();
    list.complete = Some(Rc::new(move |typed| {
        let names = weak.upgrade().map(|desk| suspended(&desk)).unwrap_or_default();
        let lines = names.into_iter().map(|name| format!("resume {name}"));
        Ok(lines.filter(|line| line.starts_with(typed.trim_start())).collect())
    }));
    desk.kernel().command().create(ExtId::CORE, list);
    let mut reload =
        spec(desk, "reload", "Loads an extension anew, or all of them.", |desk, call| async move {
            let name = call.args.trim();
            settle::reload(&desk, (!name.is_empty()).then_some(name)).map(Some).map_err(HandlerError::new)
        });
    "[NAME]".clone_into(&mut reload.args);
    let weak = desk.downgrade();
    reload.complete = Some(Rc::new(move |typed| {
        let kept = weak.upgrade().map(|desk| desk.shelf().list()).unwrap_or_default();
        Ok(kept
            .into_iter()
            .map(|kept| kept.name)
            .filter(|name| name.starts_with(typed.trim_start()))
            .collect())
    }));
    desk.kernel().command().create(ExtId::CORE, reload);
}

/// The names of the extensions that wait to be resumed.
fn suspended(desk: &Desk) -> Vec<String> {
    let kernel = desk.kernel();
    let loaded = kernel.ext().list().into_iter().filter(|loaded| kernel.guard().is_suspended(loaded.id));
    loaded.map(|loaded| loaded.name).collect()
}

/// Registers `/theme`, which completes the names of themes.
fn themed(desk: &Desk) {
    let mut spec = spec(desk, "theme", "Shows the screen in another theme, for this run.", theme);
    "NAME".clone_into(&mut spec.args);
    let folder = desk.paths().config.clone();
    spec.complete = Some(Rc::new(move |typed| {
        Ok(themes::names(&folder).into_iter().filter(|name| name.starts_with(typed.trim_start())).collect())
    }));
    desk.kernel().command().create(ExtId::CORE, spec);
}

async fn theme(desk: Desk, call: CommandCall) -> CommandResult {
    let mut name = call.args.trim().to_owned();
    if name.is_empty() {
        let names = themes::names(&desk.paths().config);
        let prompt = format!("Theme (now `{}`)", desk.kernel().theme().name());
        let items = names.iter().map(|name| name.as_str().into()).collect();
        let options = SelectOptions { prompt, items, ..SelectOptions::default() };
        let answer = desk.kernel().ui().select(ExtId::CORE, options).await;
        // Closing the list is no error.
        let Some(chosen) = answer.ok().and_then(|answer| answer.index()) else { return Ok(None) };
        name.clone_from(&names[chosen]);
    }
    settle::choose_theme(&desk, &name).map_err(HandlerError::new)?;
    Ok(Some(format!("For this run; `theme = \"{name}\"` below `[ui]` of the configuration keeps it.")))
}

async fn evaluate(desk: Desk, call: CommandCall) -> CommandResult {
    let _hold = desk.screen().hold();
    if call.args.trim().is_empty() {
        return Err(HandlerError::new("write an expression or statements, such as `/lua purlin.version`"));
    }
    desk.evaluate(&call.args).await.map_err(|error| HandlerError::new(error.to_string()))?;
    Ok(None)
}

async fn send(desk: Desk, call: CommandCall) -> CommandResult {
    if let Err(error) = desk.send(&call.args).await {
        desk.say(sentence(&error.to_string()), Level::Error);
        // Nothing typed is lost: it goes back to where it came from, and what was meant to follow it with it.
        let mut texts = vec![call.args];
        texts.extend(desk.screen().take_waiting());
        desk.give_back(texts);
    }
    Ok(None)
}

async fn queue(desk: Desk, call: CommandCall) -> CommandResult {
    match desk.queue(&call.args).await {
        Ok(()) => Ok(None),
        Err(error) => Err(HandlerError::new(sentence(&error.to_string()))),
    }
}

async fn dequeue(desk: Desk, _: CommandCall) -> CommandResult {
    let mut texts = match desk.peek() {
        Some(open) => open.session.take_back_all().await,
        None => Ok(Vec::new()),
    }
    .map_err(|error| HandlerError::new(sentence(&error.to_string())))?;
    texts.extend(desk.screen().take_waiting());
    if texts.is_empty() {
        return Ok(Some("Nothing waits for the agent.".to_owned()));
    }
    queued::update(&desk);
    desk.give_back(texts);
    Ok(None)
}

async fn interrupt(desk: Desk, _: CommandCall) -> CommandResult {
    let Some(open) = desk.peek() else { return Ok(None) };
    if let Err(error) = open.session.interrupt("interrupted by the person").await {
        desk.say(sentence(&error.to_string()), Level::Error);
    }
    Ok(None)
}

/// Begins a new session; what is submitted behind it waits for that. If it comes to nothing, what waits goes back to the
/// composer: it was meant for the new session.
async fn begin_anew(desk: Desk, _: CommandCall) -> CommandResult {
    let _hold = desk.screen().hold();
    let done = leave(&desk).await;
    if !matches!(done, Ok(true)) {
        desk.give_back(desk.screen().take_waiting());
    }
    done.map(|_| None)
}

/// Leaves the session for a new one; false if the person does not want to.
async fn leave(desk: &Desk) -> Result<bool, HandlerError> {
    let open = desk.open_session().await;
    // The queue as it is now: a prompt that was just sent counts, and one that has just ended does not.
    open.session.refresh();
    if open.session.state().is_busy() {
        // Not within the key that submitted the command: what is typed behind it blindly does not answer this.
        tokio::task::yield_now().await;
        let message = "The agent is still working here. Stop it and begin a new session?".to_owned();
        let options = ConfirmOptions { message, default: false, timeout_ms: None };
        if !desk.kernel().ui().confirm(ExtId::CORE, options).await.unwrap_or(false) {
            return Ok(false);
        }
    }
    let refused = |error: SessionError| HandlerError::new(error.to_string());
    open.session.before_switch("new", "").await.map_err(refused)?;
    desk.begin_anew().await.map_err(|report| HandlerError::new(report.to_string()))?;
    Ok(true)
}

async fn model(desk: Desk, call: CommandCall) -> CommandResult {
    // What is submitted behind it is meant for the model that is chosen here.
    let _hold = desk.screen().hold();
    let open = desk.open_session().await;
    let settings = desk.settings().get();
    let asked = call.args.trim();
    if asked.is_empty() {
        let current = open.session.model().unwrap_or_else(|| settings.model.clone());
        let mut known = vec!["echo", "script"];
        known.extend(settings.providers.keys().map(String::as_str));
        return Ok(Some(format!("The model is `{current}`. Providers: {}.", known.join(", "))));
    }
    let model: ModelRef = asked.parse().map_err(|error| HandlerError::new(format!("{error}")))?;
    let known = matches!(model.provider.as_str(), "echo" | "script")
        || settings.providers.contains_key(&model.provider);
    if !known {
        let near = purlin_kernel::nearest(&model.provider, settings.providers.keys().map(String::as_str));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(HandlerError::new(format!("no provider is called `{}`{hint}", model.provider)));
    }
    let problem = crate::models::problem(&model, &settings);
    open.session
        .set_model(model.clone(), "command")
        .await
        .map_err(|error| HandlerError::new(error.to_string()))?;
    status::update(&desk);
    if let Some(problem) = problem {
        desk.say(format!("The model `{model}` cannot answer: {problem}."), Level::Warn);
    }
    Ok(None)
}

async fn extensions(desk: Desk, call: CommandCall) -> CommandResult {
    match call.words.split_first() {
        Some((verb, [name])) if verb == "resume" => {
            desk.shelf().resume(name).map(Some).map_err(HandlerError::new)
        }
        Some(_) => Err(HandlerError::new("write `/extensions` or `/extensions resume NAME`")),
        None => diagnostics::extensions(&desk).await,
    }
}
