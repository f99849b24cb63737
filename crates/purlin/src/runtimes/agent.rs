//! `purlin runtime agent`: the assistant in a process of its own, with the extensions of the same configuration.
//!
//! Kernel, extensions and handler share the thread; there is no screen that would have to stay free.

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use purlin_agent::model::ModelRef;
use purlin_agent::{AiHandler, Session, SessionOptions, SharedSettings, ToolCatalog, Tools};
use purlin_kernel::Kernel;
use purlin_notebook::Store;
use purlin_runtime_core::{ExecutionContext, ExecutionError, Handler, Outcome};
use purlin_runtime_native::serve::Place;
use purlin_runtime_native::{KernelHost, NativeHost};

use super::heed;
use crate::args::{Options, Which};
use crate::loading::{self, Serving};
use crate::session::Client;
use crate::start;
use crate::{models, say};

/// Makes the handler of prompts from the configuration, as the terminal would in the session's directory.
pub(super) async fn make(place: Place) -> Result<Rc<dyn Handler>, String> {
    let options = options(&place);
    let start = start::gather(&options).map_err(|report| report.to_string())?;
    for notice in &start.notices {
        place.console.say(notice);
    }
    heed(&place, &start.config);
    let store: Rc<dyn Store> = Rc::new(place.notebook.store().map_err(|error| error.to_string())?);
    let settings = start.settings.clone();
    let chosen = options.model.is_some().then(|| settings.model.clone());
    if let Some(model) = &chosen {
        can_answer(model, &settings)?;
    }
    let loaded = loading::headless(&start, say::warning, |state| state.attach(Rc::clone(&store)));
    let kernel = loaded.as_ref().map(|loaded| loaded.kernel.clone());
    let catalog = ToolCatalog::new();
    let serving = kernel.as_ref().map(|kernel| Serving::begin(kernel, &catalog));
    let session = Session::new(
        Rc::new(Client(place.notebook.client())),
        store,
        kernel.clone(),
        SessionOptions {
            by: place.settings.client_id.clone(),
            cwd: place.cwd.clone(),
            model: chosen.clone(),
            host: Rc::new(NativeHost::new()),
        },
    );
    if let Some(loaded) = &loaded {
        loaded.open(&session);
    }
    if let Some(model) = chosen {
        session.set_model(model, "cli").await.map_err(|error| error.to_string())?;
    }
    let model = session.model().unwrap_or_else(|| settings.model.clone());
    if let Err(problem) = can_answer(&model, &settings) {
        if let Some(kernel) = &kernel {
            kernel.shutdown("user");
        }
        return Err(problem);
    }
    loading::publish(kernel.as_ref(), &session, &settings.model);
    session.announce("resume", None);
    let port = kernel.as_ref().map(Kernel::port);
    let tools = Tools::standard(catalog);
    let ai = AiHandler::new(SharedSettings::new(settings), tools, port, Rc::new(KernelHost::new()));
    Ok(Rc::new(Assistant { ai, session, kernel, _serving: serving }))
}

/// Refuses a model that cannot answer, before the lane is taken from somebody who could.
fn can_answer(model: &ModelRef, settings: &purlin_agent::settings::Settings) -> Result<(), String> {
    match models::problem(model, settings) {
        Some(problem) => {
            Err(format!("the model `{model}` cannot answer: {problem}; `--model` names another"))
        }
        None => Ok(()),
    }
}

fn options(place: &Place) -> Options {
    let settings = &place.settings;
    // Files are named from where the person is, which need not be the session's directory.
    let absolute = |path: &str| std::path::absolute(path).unwrap_or_else(|_| path.into());
    Options {
        session: Which::Id(place.notebook.replica().store_id.as_str().to_owned()),
        model: settings.value("model").map(str::to_owned),
        extensions: settings.values("extension").iter().map(|path| absolute(path)).collect(),
        no_extensions: settings.has("no-extensions"),
        cwd: Some(place.cwd.clone()),
        config: settings.value("config").map(absolute),
    }
}

/// The handler with all that lives as long as it does.
struct Assistant {
    ai: AiHandler,
    session: Session,
    kernel: Option<Kernel>,
    _serving: Option<Serving>,
}

impl Handler for Assistant {
    fn execute(&self, cx: ExecutionContext) -> LocalBoxFuture<'static, Result<Outcome, ExecutionError>> {
        self.ai.execute(cx)
    }
}

impl Drop for Assistant {
    fn drop(&mut self) {
        self.session.close("user");
        if let Some(kernel) = &self.kernel {
            kernel.shutdown("user");
        }
    }
}
