//! `purlin.http`: requests over the network.

use std::time::Duration;

use futures_util::StreamExt;
use mlua::{MultiValue, Table, Value};
use purlin_kernel::{HttpRequest, HttpResponse};

use super::call::{Call, Options};
use super::declare::{ApiFn, Opt, Run, Ty, Waiting, key, must, req};

/// A larger body is refused; `on_chunk` takes any.
const MAX_BODY: usize = 16 * 1024 * 1024;

const REQUEST: &[Opt] = &[
    must("url", Ty::String, "Where to, beginning with `http://` or `https://`."),
    key("method", Ty::String, "`GET` without it."),
    key("headers", Ty::Table, "Names and values."),
    key("body", Ty::Text, "What is sent."),
    key("timeout_ms", Ty::Integer, "How long the server may be silent; 30,000 without it."),
    key("on_chunk", Ty::Function, "`fn(text)`, called with each piece of the body, which is then not kept."),
];

pub(super) const FNS: &[ApiFn] = &[ApiFn {
    name: "http.request",
    params: &[req("request", Ty::Options(REQUEST), "")],
    returns: "{ status: integer, headers: { [string]: string }, body: string } | nil, string",
    errors: &["The place cannot wait."],
    doc: "Sends a request and answers what came back, whatever its status; names of headers are in lower case. `nil` and the reason if there was no answer.",
    example: "purlin.spawn(function()\n  local answer, why = purlin.http.request{ url = 'http://127.0.0.1:1/', timeout_ms = 500 }\n  if not answer then purlin.log(why) end\nend)",
    run: Run::Wait(request),
}];

fn request(call: Call) -> Waiting {
    Box::pin(async move {
        let options = call.options(0);
        let on_chunk = options.function("on_chunk");
        let request = request_of(&call, &options)?;
        let sending = call.kernel()?.host().http(request);
        let mut response = match sending.await {
            Ok(response) => response,
            Err(error) => return call.nothing(&error.to_string()),
        };
        let mut body = Vec::new();
        while let Some(piece) = response.body.next().await {
            let piece = match piece {
                Ok(piece) => piece,
                Err(error) => return call.nothing(&error.to_string()),
            };
            if let Some(on_chunk) = &on_chunk {
                on_chunk.call_async::<()>(call.lua.create_string(&piece)?).await?;
                continue;
            }
            body.extend_from_slice(&piece);
            if body.len() > MAX_BODY {
                return call.nothing(&format!(
                    "the body is larger than {} MiB; take it in pieces with `on_chunk`",
                    MAX_BODY / 1024 / 1024
                ));
            }
        }
        answer(&call, &response, &body)
    })
}

fn answer(call: &Call, response: &HttpResponse, body: &[u8]) -> mlua::Result<MultiValue> {
    let headers = call.lua.create_table()?;
    for (name, value) in &response.headers {
        let joined = match headers.raw_get::<Option<String>>(name.as_str())? {
            Some(before) => format!("{before}, {value}"),
            None => value.clone(),
        };
        headers.raw_set(name.as_str(), joined)?;
    }
    let table = call.lua.create_table()?;
    table.raw_set("status", response.status)?;
    table.raw_set("headers", headers)?;
    table.raw_set("body", call.lua.create_string(body)?)?;
    call.one(table)
}

fn request_of(call: &Call, options: &Options<'_>) -> mlua::Result<HttpRequest> {
    let url = options.string("url").unwrap_or_default();
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(call.refuse(0, "field 'url': an address with http:// or https:// expected"));
    }
    let body = match options.value("body") {
        Value::String(text) => text.as_bytes().to_vec(),
        _ => options.string("body").unwrap_or_default().into_bytes(),
    };
    Ok(HttpRequest {
        url,
        method: options.string("method").unwrap_or_else(|| "GET".into()).to_ascii_uppercase(),
        headers: match options.table("headers") {
            Some(table) => headers_of(call, &table)?,
            None => Vec::new(),
        },
        body,
        timeout: Some(Duration::from_millis(options.count("timeout_ms")?.unwrap_or(30_000))),
    })
}

/// Headers by name, so that their order is defined.
fn headers_of(call: &Call, table: &Table) -> mlua::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    let mut wrong = None;
    table.for_each::<Value, Value>(|name, value| {
        match (&name, &value) {
            (Value::String(name), Value::String(text)) => {
                headers.push((name.to_string_lossy(), text.to_string_lossy()));
            }
            (Value::String(name), Value::Integer(_) | Value::Number(_)) => {
                headers.push((name.to_string_lossy(), value.to_string()?));
            }
            (Value::String(name), other) => {
                let (name, kind) = (name.to_string_lossy(), other.type_name());
                wrong.get_or_insert(format!("field 'headers': '{name}': string expected, got {kind}"));
            }
            _ => {
                wrong.get_or_insert("field 'headers': a table with named fields expected".to_owned());
            }
        }
        Ok(())
    })?;
    if let Some(wrong) = wrong {
        return Err(call.refuse(0, wrong));
    }
    headers.sort();
    Ok(headers)
}
