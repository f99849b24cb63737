//! How outputs are read: which of them are one text, and which of several representations comes first.

use crate::rows::Output;
use crate::values::{Media, OutputType, Representations};

/// Puts a cell's outputs, by position, into groups: consecutive terminal outputs of one stream, with one role and for
/// one tool call, read as one text; every other output is a group of its own.
///
/// ```
/// use purlin_notebook::{Output, stream_groups};
///
/// let outputs: Vec<Output> = Vec::new();
/// assert_eq!(stream_groups(&outputs).count(), 0);
/// ```
pub fn stream_groups(outputs: &[Output]) -> impl Iterator<Item = &[Output]> {
    outputs.chunk_by(|one, next| {
        let terminal = |output: &Output| output.output_type == OutputType::Terminal;
        let part = |output: &Output| output.meta().map(|meta| (meta.role, meta.call_id));
        terminal(one) && terminal(next) && one.stream_name == next.stream_name && part(one) == part(next)
    })
}

/// Finds the representation that comes first for an output of a kind, with its mime type: plots before data, data
/// before text for what is shown; for the value of a cell HTML and images come first.
///
/// The orders are those of the base schema; a mime type that is in neither is never first.
pub fn primary(representations: &Representations, kind: OutputType) -> Option<(&'static str, &Media)> {
    let order = if kind == OutputType::MultimediaResult { RESULT_ORDER } else { DISPLAY_ORDER };
    order.iter().find_map(|mime| Some((*mime, representations.get(*mime)?)))
}

const DISPLAY_ORDER: &[&str] = &[
    "application/vnd.plotly.v1+json",
    "application/vnd.vegalite.v6+json",
    "application/vnd.vegalite.v5+json",
    "application/vnd.vegalite.v4+json",
    "application/vnd.vegalite.v3+json",
    "application/vnd.vegalite.v2+json",
    "application/vnd.vega.v5+json",
    "application/vnd.vega.v4+json",
    "application/vnd.vega.v3+json",
    "application/vnd.jupyter.widget-view+json",
    "application/vnd.jupyter.widget-state+json",
    "application/vnd.dataresource+json",
    "application/vdom.v1+json",
    "application/geo+json",
    "application/json",
    "application/javascript",
    "text/html",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "image/gif",
    "text/latex",
    "text/markdown",
    "text/plain",
];
const RESULT_ORDER: &[&str] =
    &["text/html", "image/png", "image/jpeg", "image/svg+xml", "application/json", "text/plain"];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{primary, stream_groups};
    use crate::rows::Output;
    use crate::values::{Media, OutputMeta, OutputType, Role, StreamName};

    fn output(kind: OutputType, stream: Option<StreamName>, call: Option<&str>) -> Output {
        let metadata = call.and_then(|call| {
            let media = Media::text("").with_meta(&OutputMeta::new(Role::ToolOutput).with_call(call));
            media.metadata().cloned()
        });
        Output {
            id: "o".into(),
            cell_id: "c".into(),
            output_type: kind,
            position: 0.0,
            stream_name: stream,
            execution_count: None,
            display_id: None,
            data: None,
            artifact_id: None,
            mime_type: None,
            metadata,
            representations: None,
        }
    }

    #[test]
    fn row_052_one_stream_is_one_text_until_something_else_comes() {
        let text = |stream| output(OutputType::Terminal, Some(stream), None);
        let (out, err) = (|| text(StreamName::Stdout), || text(StreamName::Stderr));
        let call = |id| output(OutputType::Terminal, Some(StreamName::Stdout), Some(id));
        let display = || output(OutputType::MultimediaDisplay, None, None);
        let outputs = [
            out(),
            out(),
            err(),
            out(),
            display(),
            display(),
            out(),
            out(),
            out(),
            call("1"),
            call("1"),
            call("2"),
        ];
        let groups: Vec<usize> = stream_groups(&outputs).map(<[Output]>::len).collect();
        assert_eq!(groups, [2, 1, 1, 1, 1, 3, 2, 1]);
    }

    #[test]
    fn the_first_representation_is_that_of_the_base_schema() {
        let of = |mimes: &[&str], kind| {
            let all: BTreeMap<_, _> =
                mimes.iter().map(|mime| ((*mime).to_owned(), Media::text(*mime))).collect();
            primary(&all, kind).map(|(mime, _)| mime)
        };
        let (display, result) = (OutputType::MultimediaDisplay, OutputType::MultimediaResult);
        let both = ["text/plain", "application/json", "image/png", "text/html"];
        assert_eq!(of(&both, display), Some("application/json"));
        assert_eq!(of(&both, result), Some("text/html"));
        assert_eq!(of(&["text/markdown"], result), None);
        assert_eq!(of(&["text/markdown", "text/csv"], display), Some("text/markdown"));
        assert_eq!(of(&[], display), None);
    }
}
