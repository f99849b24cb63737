//! The named tables and objects that functions take and answer; the reference and the editor stubs are made from these.

/// A table or object with a name in type expressions, such as `Handle` or `Window`.
#[derive(Debug)]
pub struct Shape {
    /// Its name.
    pub name: &'static str,
    /// What it is, in one or a few sentences.
    pub doc: &'static str,
    /// What is read from it.
    pub fields: &'static [ShapeField],
    /// What is called on it, with a colon.
    pub methods: &'static [Method],
}

/// One field of a shape.
#[derive(Debug)]
pub struct ShapeField {
    /// Its name.
    pub name: &'static str,
    /// A type expression; `?` at its end says that the field may be absent.
    pub ty: &'static str,
    /// What it says, with units and ranges.
    pub doc: &'static str,
}

/// One method of a shape.
#[derive(Debug)]
pub struct Method {
    /// Its name.
    pub name: &'static str,
    /// Its parameters, each `name: type`, separated by commas; empty for none.
    pub params: &'static str,
    /// What it answers, as for a function.
    pub returns: &'static str,
    /// What it does, one sentence.
    pub doc: &'static str,
}

/// Declares a field.
const fn field(name: &'static str, ty: &'static str, doc: &'static str) -> ShapeField {
    ShapeField { name, ty, doc }
}

/// Declares a method.
const fn method(
    name: &'static str,
    params: &'static str,
    returns: &'static str,
    doc: &'static str,
) -> Method {
    Method { name, params, returns, doc }
}

/// Every shape, in the order of the reference.
pub const SHAPES: &[Shape] = &[
    Shape {
        name: "Context",
        doc: "The second argument of handlers, commands and tools; always current.",
        fields: &[
            field("session_id", "string?", "The session, if one is open."),
            field("cwd", "string", "The working directory."),
            field("model", "string?", "The model in use."),
            field("interactive", "boolean", "Whether a person is at a terminal."),
            field("has_ui", "boolean", "Whether dialogs can be shown."),
            field("extension", "string", "The extension whose code runs."),
        ],
        methods: &[],
    },
    Shape {
        name: "Handle",
        doc: "What a function that creates something answers. When its thing is gone, or its extension was unloaded, its verbs answer `nil, 'stale'` and raise nothing.",
        fields: &[field(
            "name",
            "string?",
            "What the thing is called, where that was made up, as by `win.open`.",
        )],
        methods: &[
            method(
                "del",
                "",
                "true | nil, string",
                "Takes the thing away; `delete`, `stop` and `close` are the same.",
            ),
            method("is_stale", "", "boolean", "Tells whether the thing is gone."),
        ],
    },
    Shape {
        name: "Span",
        doc: "A piece of text in one style. Where spans are taken, a string is one as well, and so is a pair `{ text, group }`.",
        fields: &[
            field(
                "text",
                "string",
                "What is shown. SGR sequences become styles; other control characters are shown as `^X`, line breaks as well.",
            ),
            field(
                "hl",
                "string?",
                "The highlight group that the other fields lie on; it has the look it has now.",
            ),
            field("fg", "string?", "Colour of the glyphs: a theme token, a highlight group or `#rrggbb`."),
            field("bg", "string?", "Colour behind them."),
            field("bold", "boolean?", "Heavier strokes."),
            field("italic", "boolean?", "Slanted."),
            field("underline", "boolean?", "A line below."),
            field("reverse", "boolean?", "Foreground and background exchanged."),
            field("strike", "boolean?", "A line through."),
            field("dim", "boolean?", "Lower intensity."),
            field("url", "string?", "Where a click leads."),
        ],
        methods: &[],
    },
    Shape {
        name: "Mark",
        doc: "A mark as it stands.",
        fields: &[
            field("id", "integer", "Its number."),
            field("pos", "integer", "Where it begins, from 0, in code points."),
            field("end_pos", "integer?", "Where it ends, not included; a point has none."),
            field("priority", "integer", "Higher is drawn over lower."),
            field("hl", "string?", "The highlight group of its text."),
            field("virt_text", "Span[]?", "Text of its own."),
            field("virt_text_pos", "string?", "`eol`, `inline`, `overlay` or `right_align`."),
            field("virt_lines", "Span[][]?", "Lines of their own below its line."),
            field("sign", "Span[]?", "What stands at the left edge of its line."),
            field("url", "string?", "Where a click on its text leads."),
            field("ephemeral", "boolean?", "Whether it goes away with the next frame."),
        ],
        methods: &[],
    },
    Shape {
        name: "Job",
        doc: "A process that `purlin.job.spawn` started. Once it has ended, its verbs answer `nil, 'stale'`.",
        fields: &[],
        methods: &[
            method(
                "write",
                "text: string",
                "true | nil, string",
                "Writes to its input, in the order of the calls.",
            ),
            method("close", "", "true | nil, string", "Ends its input."),
            method(
                "kill",
                "",
                "true | nil, string",
                "Ends it with its group; `del` and `stop` are the same.",
            ),
            method(
                "wait",
                "",
                "integer?, integer?, boolean",
                "Waits for its end and answers its exit code, or nil and the signal, and whether it was killed after `timeout_ms`.",
            ),
            method("is_running", "", "boolean", "Tells whether it runs."),
        ],
    },
    Shape {
        name: "Task",
        doc: "A coroutine that `purlin.spawn` started.",
        fields: &[],
        methods: &[
            method("cancel", "", "true | nil, string", "Ends the task where it waits."),
            method(
                "wait",
                "",
                "any",
                "Waits for its end and answers what the function returned, or `nil` and why it failed.",
            ),
            method("is_running", "", "boolean", "Tells whether it runs."),
        ],
    },
    Shape {
        name: "Window",
        doc: "A window as it stands; its fields are read when they are asked for.",
        fields: &[
            field("name", "string", "Its name."),
            field("role", "string", "What it is for."),
            field("buffer", "string", "The buffer it shows."),
            field("renderer", "string", "`default` or `extension`."),
            field("x", "integer", "Columns from the left of the screen."),
            field("y", "integer", "Rows from the top of the screen."),
            field("width", "integer", "Columns."),
            field("height", "integer", "Rows."),
            field("cursor_row", "integer?", "The row of its cursor in the window."),
            field("cursor_col", "integer?", "The column of its cursor in the window."),
            field("scroll", "integer", "Rows it is scrolled."),
            field("visible", "boolean", "Whether it is shown."),
            field("focusable", "boolean", "Whether it can have the focus."),
            field("zindex", "integer", "Higher is drawn over lower."),
            field("float", "boolean", "Whether it floats over the layout."),
            field("border", "string", "`none`, `single`, `rounded`, `double` or `heavy`."),
            field("title", "Span[]", "What stands on the upper side of its border."),
            field("metadata", "table", "Anything that extensions attached to it."),
        ],
        methods: &[],
    },
];
