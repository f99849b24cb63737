---@meta purlin

-- Made by `cargo xtask reference` from the declarations in the source. Nothing here runs: editors read it.

---The second argument of handlers, commands and tools; always current.
---@class purlin.Context
---@field session_id? string The session, if one is open.
---@field cwd string The working directory.
---@field model? string The model in use.
---@field interactive boolean Whether a person is at a terminal.
---@field has_ui boolean Whether dialogs can be shown.
---@field extension string The extension whose code runs.

---What a function that creates something answers. When its thing is gone, or its extension was unloaded, its verbs answer `nil, 'stale'` and raise nothing.
---@class purlin.Handle
---@field name? string What the thing is called, where that was made up, as by `win.open`.
local Handle = {}

---Takes the thing away; `delete`, `stop` and `close` are the same.
---@return true?
---@return string?
function Handle:del() end

---Tells whether the thing is gone.
---@return boolean
function Handle:is_stale() end

---A piece of text in one style. Where spans are taken, a string is one as well, and so is a pair `{ text, group }`.
---@class purlin.Span
---@field text string What is shown. SGR sequences become styles; other control characters are shown as `^X`, line breaks as well.
---@field hl? string The highlight group that the other fields lie on; it has the look it has now.
---@field fg? string Colour of the glyphs: a theme token, a highlight group or `#rrggbb`.
---@field bg? string Colour behind them.
---@field bold? boolean Heavier strokes.
---@field italic? boolean Slanted.
---@field underline? boolean A line below.
---@field reverse? boolean Foreground and background exchanged.
---@field strike? boolean A line through.
---@field dim? boolean Lower intensity.
---@field url? string Where a click leads.

---A mark as it stands.
---@class purlin.Mark
---@field id integer Its number.
---@field pos integer Where it begins, from 0, in code points.
---@field end_pos? integer Where it ends, not included; a point has none.
---@field priority integer Higher is drawn over lower.
---@field hl? string The highlight group of its text.
---@field virt_text? purlin.Span[] Text of its own.
---@field virt_text_pos? string `eol`, `inline`, `overlay` or `right_align`.
---@field virt_lines? purlin.Span[][] Lines of their own below its line.
---@field sign? purlin.Span[] What stands at the left edge of its line.
---@field url? string Where a click on its text leads.
---@field ephemeral? boolean Whether it goes away with the next frame.

---A process that `purlin.job.spawn` started. Once it has ended, its verbs answer `nil, 'stale'`.
---@class purlin.Job
local Job = {}

---Writes to its input, in the order of the calls.
---@param text string
---@return true?
---@return string?
function Job:write(text) end

---Ends its input.
---@return true?
---@return string?
function Job:close() end

---Ends it with its group; `del` and `stop` are the same.
---@return true?
---@return string?
function Job:kill() end

---Waits for its end and answers its exit code, or nil and the signal, and whether it was killed after `timeout_ms`.
---@return integer?
---@return integer?
---@return boolean
function Job:wait() end

---Tells whether it runs.
---@return boolean
function Job:is_running() end

---A coroutine that `purlin.spawn` started.
---@class purlin.Task
local Task = {}

---Ends the task where it waits.
---@return true?
---@return string?
function Task:cancel() end

---Waits for its end and answers what the function returned, or `nil` and why it failed.
---@return any
function Task:wait() end

---Tells whether it runs.
---@return boolean
function Task:is_running() end

---A window as it stands; its fields are read when they are asked for.
---@class purlin.Window
---@field name string Its name.
---@field role string What it is for.
---@field buffer string The buffer it shows.
---@field renderer string `default` or `extension`.
---@field x integer Columns from the left of the screen.
---@field y integer Rows from the top of the screen.
---@field width integer Columns.
---@field height integer Rows.
---@field cursor_row? integer The row of its cursor in the window.
---@field cursor_col? integer The column of its cursor in the window.
---@field scroll integer Rows it is scrolled.
---@field visible boolean Whether it is shown.
---@field focusable boolean Whether it can have the focus.
---@field zindex integer Higher is drawn over lower.
---@field float boolean Whether it floats over the layout.
---@field border string `none`, `single`, `rounded`, `double` or `heavy`.
---@field title purlin.Span[] What stands on the upper side of its border.
---@field metadata table Anything that extensions attached to it.

---What every handler gets as its first argument.
---@class purlin.Event
---@field name string The hook's name.
---@field payload table All fields in one table; `data` is the same.
---@field data table
---@field consumed boolean Whether the default action is suppressed already.
---@field source string? Who emitted an event of an extension's own.
---@field working boolean Whether the agent works.
---@field focus { kind: string, window: string?, buffer: string?, role: string? } Where keys go.
---@field context purlin.Context What is true now.
local Event = {}

---Ends the phase.
function Event.stop() end

---Suppresses the default action.
function Event.consume() end

---Copies the event, to keep it beyond the handler.
---@return table
function Event:copy() end

---Fires once, before the first frame is drawn.
---@class purlin.StartupEvent : purlin.Event

---Fires once, before the process ends.
---@class purlin.ShutdownEvent : purlin.Event
---@field reason "user"|"signal"|"error" Who or what ends it: `user`, `signal` or `error`.

---Fires when a timer is due or something animates.
---@class purlin.TickEvent : purlin.Event
---@field now integer Milliseconds of the monotonic clock.

---Fires after the terminal's size has settled, and once at start.
---@class purlin.ResizeEvent : purlin.Event
---@field width integer Columns.
---@field height integer Rows.

---Fires on every key press; consuming it suppresses keymaps and editing.
---@class purlin.KeyEvent : purlin.Event
---@field key string The printable character as typed, else the key's name.
---@field text string What it would insert.
---@field ctrl boolean Whether control is held.
---@field alt boolean Whether alt is held.
---@field shift boolean Whether shift is held.
---@field meta boolean Whether meta is held.

---@class purlin.KeyAnswer
---@field consume? boolean
---@field consumed? boolean
---@field handled? boolean

---Fires on a bracketed paste; consuming it suppresses the insertion.
---@class purlin.PasteEvent : purlin.Event
---@field text string What was pasted.

---@class purlin.PasteAnswer
---@field consume? boolean
---@field handled? boolean
---@field text? string

---Fires on a press, release, drag or wheel; consuming it suppresses selection, scroll and focus.
---@class purlin.MouseEvent : purlin.Event
---@field kind "press"|"release"|"drag"|"move"|"wheel" What the mouse did: `press`, `release`, `drag`, `move` or `wheel`.
---@field button "left"|"middle"|"right"|"up"|"down"|"" The button, or where the wheel turned: `left`, `middle`, `right`, `up`, `down` or empty.
---@field row integer Row on the screen.
---@field col integer Column on the screen.
---@field window string The window below it, if any.

---@class purlin.MouseAnswer
---@field consume? boolean
---@field handled? boolean

---Fires when the focused window changes, or the terminal gains or loses the focus.
---@class purlin.FocusChangeEvent : purlin.Event
---@field from string The window that had it; `terminal` when the terminal regains it.
---@field to string The window that has it; empty when the terminal lost it.

---Fires on each drawn frame.
---@class purlin.RenderEvent : purlin.Event
---@field width integer Columns.
---@field height integer Rows.
---@field frame integer The frame's number.

---Fires when the composer is submitted, before anything is queued or sent; consuming it suppresses sending.
---@class purlin.PromptSubmitEvent : purlin.Event
---@field text string The composer's text.
---@field key string The key that submitted it, if one did.
---@field delivery "prompt"|"steer"|"follow_up" How it is sent: `prompt`, `steer` or `follow_up`.
---@field attachments any[] What goes with it.

---@class purlin.PromptSubmitAnswer
---@field consume? boolean
---@field consumed? boolean
---@field handled? boolean

---Fires when a block of the transcript is laid out; the answer is kept until the block, the width or the theme changes.
---@class purlin.TranscriptRenderEvent : purlin.Event
---@field block table `id`, `kind`, `role`, `text`, `streaming` and `meta` of the block.
---@field width integer Columns to fill.
---@field lines any[] What a handler before answered, if one did.
---@field text string The same where it answered a text.

---@class purlin.TranscriptRenderAnswer
---@field lines? any[]
---@field text? string

---Fires when a session is opened.
---@class purlin.SessionStartEvent : purlin.Event
---@field session_id string The session.
---@field reason "new"|"resume"|"fork"|"switch" How it came to be open: `new`, `resume`, `fork` or `switch`.
---@field previous_id string The session that was open before, if one was.

---Fires when a session's stored content has been read.
---@class purlin.SessionLoadEvent : purlin.Event
---@field session_id string The session.
---@field cwd string Its directory.
---@field name string Its name, empty if it has none.
---@field created_at integer Milliseconds since 1970.
---@field updated_at integer Milliseconds since 1970.
---@field cells integer How many cells it has.

---Fires when commits became durable, at most once a second.
---@class purlin.SessionSaveEvent : purlin.Event
---@field session_id string The session.
---@field seq integer The last entry of the log.

---Fires when a session is closed.
---@class purlin.SessionShutdownEvent : purlin.Event
---@field session_id string The session.
---@field reason string Why it is closed.

---Fires when an entry became part of the session.
---@class purlin.MessageAppendEvent : purlin.Event
---@field entry_id string The entry: a cell's or output's id.
---@field parent_id string The cell it belongs to or follows.
---@field role "user"|"assistant"|"tool" Whose it is: `user`, `assistant` or `tool`.
---@field kind string What the entry is, for instance `prompt` or `tool_result`.
---@field text string Its text.
---@field model_facing boolean Whether models see it.
---@field display boolean Whether people see it.
---@field tokens integer An estimate of its size in tokens.

---Fires on user input of any origin, before templates and skills.
---@class purlin.InputEvent : purlin.Event
---@field text string What was sent.
---@field source "interactive"|"cli"|"script"|"queue"|"rpc"|"remote"|"extension" Where it came from: `interactive`, `cli`, `script`, `queue`, `rpc`, `remote` or `extension`.
---@field attachments any[] Artifacts that go with it.

---@class purlin.InputAnswer
---@field action? string
---@field text? string

---Fires after templates and skills were expanded.
---@class purlin.PromptPrepareEvent : purlin.Event
---@field text string The expanded text.
---@field attachments any[] Artifacts that go with it.
---@field session_id string The session.

---@class purlin.PromptPrepareAnswer
---@field text? string
---@field attachments? any[]

---Fires when the user's entry is stored.
---@class purlin.PromptUserEntryEvent : purlin.Event
---@field entry_id string The prompt's cell.
---@field session_id string The session.

---Fires on `!command` and `!!command`, before the command runs.
---@class purlin.UserShellEvent : purlin.Event
---@field command string The command line.
---@field hidden boolean Whether models do not see it (`!!`).
---@field cwd string Where it runs.

---@class purlin.UserShellAnswer
---@field block? boolean
---@field reason? string
---@field command? string
---@field result? table

---Fires when another model was chosen.
---@class purlin.ModelSelectEvent : purlin.Event
---@field new string The model from now on.
---@field previous string The model before.
---@field source string Who chose it.

---Fires when another level of thinking was chosen.
---@class purlin.ThinkingLevelChangeEvent : purlin.Event
---@field new string The level from now on.
---@field previous string The level before.
---@field source string Who chose it.

---Fires before another session is opened in place of this one.
---@class purlin.SessionBeforeSwitchEvent : purlin.Event
---@field reason "new"|"resume"|"switch" What was asked for: `new`, `resume` or `switch`.
---@field target string The session to open, empty for a new one.

---@class purlin.SessionBeforeSwitchAnswer
---@field cancel? boolean
---@field reason? string

---Fires after another session was opened.
---@class purlin.SessionSwitchEvent : purlin.Event
---@field session_id string The session.
---@field previous_id string The session that was open before.

---Fires before the loop of one prompt.
---@class purlin.BeforeAgentStartEvent : purlin.Event
---@field prompt string The prompt.
---@field system_prompt string The system prompt as earlier handlers left it.

---@class purlin.BeforeAgentStartAnswer
---@field inject_text? string
---@field system_prompt? string

---Fires when the loop of one prompt begins.
---@class purlin.AgentStartEvent : purlin.Event
---@field prompt string The prompt.

---Fires when the loop of one prompt has ended, in any way.
---@class purlin.AgentEndEvent : purlin.Event
---@field prompt string The prompt.
---@field response string The last text of the model.
---@field stop_reason "completed"|"cancelled"|"error" How it ended: `completed`, `cancelled` or `error`.
---@field turns integer How many model requests it took.
---@field tool_calls integer How many tools were called.
---@field usage table `{input, output, cache_read, cache_write}` in tokens.
---@field cost number Dollars, where prices are known.
---@field duration_ms integer How long it took.
---@field error string What went wrong, if something did.

---Fires before one model request and its tools.
---@class purlin.TurnStartEvent : purlin.Event
---@field turn integer Counted from 1 in each prompt.

---Fires after one model request and its tools.
---@class purlin.TurnEndEvent : purlin.Event
---@field turn integer Counted from 1 in each prompt.
---@field tool_results any[] `{tool_call_id, tool_name, content, is_error}` of each tool.

---Fires when nothing runs and nothing is queued.
---@class purlin.SettledEvent : purlin.Event
---@field session_id string The session.

---Fires when a prompt has ended, in any way.
---@class purlin.PromptDoneEvent : purlin.Event
---@field session_id string The session.
---@field user_entry_id string The prompt's cell.
---@field assistant_entry_id string The last output of the model, empty if there is none.
---@field text string The last text of the model.
---@field stop_reason "completed"|"cancelled"|"error" How it ended: `completed`, `cancelled` or `error`.

---Fires while the context of a request is assembled.
---@class purlin.ContextBuildEvent : purlin.Event
---@field breakdown table Estimated tokens: `{system, skills, history, extensions}`.
---@field limit integer The model's context in tokens.

---@class purlin.ContextBuildAnswer
---@field contributions? any[]

---Fires before each model request; what it changes is never stored.
---@class purlin.ContextEvent : purlin.Event
---@field messages any[] The history: `{id, role, kind, text, …}` each.
---@field turn integer Counted from 1 in each prompt.

---@class purlin.ContextAnswer
---@field messages? any[]

---Fires right before a request is sent.
---@class purlin.ModelRequestEvent : purlin.Event
---@field provider string Name of the provider.
---@field api string Name of the wire.
---@field model string Name of the model there.
---@field attempt integer Counted from 1 for each request.
---@field payload table The body.
---@field headers table Headers; secrets are not among them and cannot be set.

---@class purlin.ModelRequestAnswer
---@field payload? table
---@field headers? table
---@field response? any

---Fires after an attempt that gave an answer.
---@class purlin.AfterProviderResponseEvent : purlin.Event
---@field provider string Name of the provider.
---@field model string Name of the model there.
---@field attempt integer Counted from 1 for each request.
---@field status integer HTTP status.
---@field usage table Tokens of the request.
---@field finish_reason string Why the model stopped.

---Fires after an attempt that failed.
---@class purlin.ProviderErrorEvent : purlin.Event
---@field provider string Name of the provider.
---@field model string Name of the model there.
---@field attempt integer Counted from 1 for each request.
---@field status integer HTTP status, 0 if there was none.
---@field error string What went wrong.

---Fires before the wait that precedes another attempt.
---@class purlin.RetryStartEvent : purlin.Event
---@field attempt integer The attempt that will follow.
---@field max_attempts integer Attempts in all.
---@field delay_ms integer How long the wait is.
---@field error string What went wrong.

---Fires after the wait, right before the next attempt.
---@class purlin.RetryEndEvent : purlin.Event
---@field attempt integer The attempt that follows.
---@field max_attempts integer Attempts in all.
---@field delay_ms integer How long the wait was.
---@field error string What had gone wrong.

---Fires when an assistant message begins.
---@class purlin.MessageStartEvent : purlin.Event
---@field message_id string The assistant message.

---Fires on streamed text, coalesced.
---@class purlin.MessageUpdateEvent : purlin.Event
---@field chunk string What came since the last time.
---@field text string The same as `chunk`.
---@field message_id string The assistant message.

---Fires when an assistant message is complete.
---@class purlin.MessageEndEvent : purlin.Event
---@field message_id string The assistant message.
---@field content string Its whole text.

---Fires on streamed reasoning, coalesced.
---@class purlin.ThinkingDeltaEvent : purlin.Event
---@field chunk string What came since the last time.
---@field text string The same as `chunk`.
---@field message_id string The assistant message.

---Fires when a piece of an answer is about to become part of an output.
---@class purlin.OutputAppendEvent : purlin.Event
---@field text string The piece.
---@field role "text"|"thinking" What it is a piece of: `text` or `thinking`.
---@field message_id string The assistant message.

---@class purlin.OutputAppendAnswer
---@field text? string
---@field role? string

---Fires once for each model request.
---@class purlin.LlmUsageEvent : purlin.Event
---@field tokens table `{input, output, cache_read, cache_write}`.
---@field cost number Dollars, where prices are known.
---@field model string Name of the model there.
---@field provider string Name of the provider.
---@field finish_reason string Why the model stopped.

---Fires before a tool runs, after its start was decided.
---@class purlin.ToolCallEvent : purlin.Event
---@field tool_name string Name of the tool.
---@field name string The same as `tool_name`.
---@field tool_call_id string Id of the call.
---@field call_id string The same as `tool_call_id`.
---@field args table The arguments.
---@field input string The arguments as JSON text.
---@field kind "read"|"edit"|"execute"|"network"|"other" What the tool does: `read`, `edit`, `execute`, `network` or `other`.
---@field source "llm"|"user"|"extension" Who called it: `llm`, `user` or `extension`.

---@class purlin.ToolCallAnswer
---@field block? boolean
---@field reason? string
---@field args? table

---Fires when a tool is about to run.
---@class purlin.ToolExecutionStartEvent : purlin.Event
---@field tool_name string Name of the tool.
---@field tool_call_id string Id of the call.
---@field args table The arguments.

---Fires on partial output of a tool, coalesced.
---@class purlin.ToolDeltaEvent : purlin.Event
---@field tool_name string Name of the tool.
---@field tool_call_id string Id of the call.
---@field chunk string What came since the last time.
---@field stream "stdout"|"stderr" Where the tool wrote it: `stdout` or `stderr`.

---Fires when a tool has returned.
---@class purlin.ToolExecutionEndEvent : purlin.Event
---@field tool_name string Name of the tool.
---@field tool_call_id string Id of the call.
---@field args table The arguments.
---@field is_error boolean Whether the tool failed.
---@field duration_ms integer How long it ran.

---Fires before the model sees a tool's result.
---@class purlin.ToolResultEvent : purlin.Event
---@field tool_name string Name of the tool.
---@field tool_call_id string Id of the call.
---@field args table The arguments.
---@field input string The arguments as JSON text.
---@field content string What the model will read.
---@field details any Facts for renderers and extensions.
---@field is_error boolean Whether the tool failed.

---@class purlin.ToolResultAnswer
---@field content? string
---@field details? any
---@field is_error? boolean

---Fires after `tool_result` if the result is still an error.
---@class purlin.ToolErrorEvent : purlin.Event
---@field tool_name string Name of the tool.
---@field tool_call_id string Id of the call.
---@field args table The arguments.
---@field input string The arguments as JSON text.
---@field content string What the model will read.
---@field details any Facts for renderers and extensions.
---@field is_error boolean Whether the tool failed.

---Fires when a value of the configuration has changed: written by an extension, or edited by hand.
---@class purlin.ConfigChangeEvent : purlin.Event
---@field path string The setting, as a dotted path.
---@field new any Its value now; nil if nobody sets it any more.
---@field previous any Its value before; nil if nobody had set it.

---Fires when an extension was loaded, or runs again after it was suspended.
---@class purlin.ExtensionLoadEvent : purlin.Event
---@field extension string Its name.
---@field reason "start"|"reload"|"resume" Why: `start`, `reload` or `resume`.

---Fires when an extension was unloaded or suspended; it is told to the others.
---@class purlin.ExtensionUnloadEvent : purlin.Event
---@field extension string Its name.
---@field reason "reload"|"suspend"|"remove" Why: `reload`, `suspend` or `remove`.

---The module of extensions.
---@class purlin
---@field null any JSON null.
---@field version string The version of Purlin.
---@field api_level integer The level of this API.
---@field args string[] What stood behind `--` on the command line of `purlin --bare`.
local purlin = {}
---@class purlin.action
purlin.action = {}
---@class purlin.api
purlin.api = {}
---@class purlin.buf
purlin.buf = {}
---@class purlin.command
purlin.command = {}
---@class purlin.config
purlin.config = {}
---@class purlin.event
purlin.event = {}
---@class purlin.fs
purlin.fs = {}
---@class purlin.hl
purlin.hl = {}
---@class purlin.hook
purlin.hook = {}
---@class purlin.http
purlin.http = {}
---@class purlin.job
purlin.job = {}
---@class purlin.json
purlin.json = {}
---@class purlin.keymap
purlin.keymap = {}
---@class purlin.layout
purlin.layout = {}
---@class purlin.mark
purlin.mark = {}
---@class purlin.option
purlin.option = {}
---@class purlin.state
purlin.state = {}
---@class purlin.timer
purlin.timer = {}
---@class purlin.tool
purlin.tool = {}
---@class purlin.ui
purlin.ui = {}
---@class purlin.ui.status
purlin.ui.status = {}
---@class purlin.win
purlin.win = {}

---Writes a line to the extension's log, which `/messages` shows.
---@param level? "debug"|"info"|"warn"|"error" `debug`, `info` (the default), `warn` or `error`.
---@param message any What to write; anything but text is written as `inspect` shows it.
---@overload fun(message?: any)
function purlin.log(level, message) end

---Shows a notice for a few seconds.
---@param message string|number What to say.
---@param level? "debug"|"info"|"warn"|"error" How serious it is; `info` without it.
function purlin.notify(message, level) end

---Shows a notice for a few seconds; the same as `purlin.notify`.
---@param message string|number What to say.
---@param level? "debug"|"info"|"warn"|"error" How serious it is; `info` without it.
function purlin.ui.notify(message, level) end

---Shows a value as Lua source would have it, with sorted keys; what it contains twice by way of itself is shown as `<cycle>`.
---@param value any Any value.
---@return string
function purlin.inspect(value) end

---Ends the program when the running code has returned; handlers of `shutdown` still run. A run without a screen ends by itself.
---@param code? integer The exit code, from 0 to 255; 0 without it.
---@param text? string|number What is written to standard output once the screen has been left.
function purlin.quit(code, text) end

---Tells whether this version has a feature.
---@param feature string A function (`buf.insert`), a namespace (`ui.status`), a hook or a field of one (`tool_call.args`), or a key of a function's options (`win.open.float.anchor`; the namespace may be left away: `overlay.anchor`).
---@return boolean
function purlin.has(feature) end

---Starts a coroutine of the runtime in the next turn of the loop. The task has `:cancel()` and `:wait()`, which answers what the function returned; a task that waits for itself, also by way of others, is an error.
---@param fn (async fun(...: any): any, any) What to run; it may wait.
---@param ... any What it is called with.
---@return purlin.Task
function purlin.spawn(fn, ...) end

---Waits. Answers `nil, 'user'` when what the handler works for was cancelled meanwhile.
---
---Waits: only where a coroutine can.
---@async
---@param ms integer Milliseconds from 0.
---@return true?
---@return string?
function purlin.sleep(ms) end

---Runs a function in the next turn of the loop.
---@param fn (async fun(...: any): any, any) What to run; it may wait.
function purlin.schedule(fn) end

---Runs a function once, later. `purlin.timer.defer` takes the arguments the other way round.
---@param fn (async fun(...: any): any, any) What to run; it may wait.
---@param ms integer Milliseconds from 0.
---@return purlin.Handle
function purlin.defer(fn, ms) end

---Answers a function that runs `fn` once it has not been called for `ms`, with the latest arguments.
---@param fn (async fun(...: any): any, any) What to run; it may wait.
---@param ms integer Milliseconds from 0.
---@return function
function purlin.debounce(fn, ms) end

---Answers a function that runs `fn` at most once in `ms`; what is called in between runs at the end of it, with the latest arguments.
---@param fn (async fun(...: any): any, any) What to run; it may wait.
---@param ms integer Milliseconds from 0.
---@return function
function purlin.throttle(fn, ms) end

---Registers a handler.
---@param name string A hook, or an event of your own whose name contains `:`.
---@param opts? { priority?: integer, phase?: "early"|"normal"|"final", once?: boolean, timeout_ms?: integer, desc?: string, filter?: table } 
---@param fn function `fn(ev, ctx)`; what it returns is its answer.
---@return purlin.Handle
---@overload fun(name: "startup", fn: fun(ev: purlin.StartupEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "startup", opts: table, fn: fun(ev: purlin.StartupEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "shutdown", fn: fun(ev: purlin.ShutdownEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "shutdown", opts: table, fn: fun(ev: purlin.ShutdownEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "tick", fn: fun(ev: purlin.TickEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "tick", opts: table, fn: fun(ev: purlin.TickEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "resize", fn: fun(ev: purlin.ResizeEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "resize", opts: table, fn: fun(ev: purlin.ResizeEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "key", fn: fun(ev: purlin.KeyEvent, ctx: purlin.Context): purlin.KeyAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "key", opts: table, fn: fun(ev: purlin.KeyEvent, ctx: purlin.Context): purlin.KeyAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "paste", fn: fun(ev: purlin.PasteEvent, ctx: purlin.Context): purlin.PasteAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "paste", opts: table, fn: fun(ev: purlin.PasteEvent, ctx: purlin.Context): purlin.PasteAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "mouse", fn: fun(ev: purlin.MouseEvent, ctx: purlin.Context): purlin.MouseAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "mouse", opts: table, fn: fun(ev: purlin.MouseEvent, ctx: purlin.Context): purlin.MouseAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "focus_change", fn: fun(ev: purlin.FocusChangeEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "focus_change", opts: table, fn: fun(ev: purlin.FocusChangeEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "render", fn: fun(ev: purlin.RenderEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "render", opts: table, fn: fun(ev: purlin.RenderEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "prompt_submit", fn: fun(ev: purlin.PromptSubmitEvent, ctx: purlin.Context): purlin.PromptSubmitAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "prompt_submit", opts: table, fn: fun(ev: purlin.PromptSubmitEvent, ctx: purlin.Context): purlin.PromptSubmitAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "transcript_render", fn: fun(ev: purlin.TranscriptRenderEvent, ctx: purlin.Context): purlin.TranscriptRenderAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "transcript_render", opts: table, fn: fun(ev: purlin.TranscriptRenderEvent, ctx: purlin.Context): purlin.TranscriptRenderAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "session_start", fn: async fun(ev: purlin.SessionStartEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "session_start", opts: table, fn: async fun(ev: purlin.SessionStartEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "session_load", fn: async fun(ev: purlin.SessionLoadEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "session_load", opts: table, fn: async fun(ev: purlin.SessionLoadEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "session_save", fn: async fun(ev: purlin.SessionSaveEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "session_save", opts: table, fn: async fun(ev: purlin.SessionSaveEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "session_shutdown", fn: async fun(ev: purlin.SessionShutdownEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "session_shutdown", opts: table, fn: async fun(ev: purlin.SessionShutdownEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "message_append", fn: async fun(ev: purlin.MessageAppendEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "message_append", opts: table, fn: async fun(ev: purlin.MessageAppendEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "input", fn: async fun(ev: purlin.InputEvent, ctx: purlin.Context): purlin.InputAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "input", opts: table, fn: async fun(ev: purlin.InputEvent, ctx: purlin.Context): purlin.InputAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "prompt_prepare", fn: async fun(ev: purlin.PromptPrepareEvent, ctx: purlin.Context): purlin.PromptPrepareAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "prompt_prepare", opts: table, fn: async fun(ev: purlin.PromptPrepareEvent, ctx: purlin.Context): purlin.PromptPrepareAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "prompt_user_entry", fn: async fun(ev: purlin.PromptUserEntryEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "prompt_user_entry", opts: table, fn: async fun(ev: purlin.PromptUserEntryEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "user_shell", fn: async fun(ev: purlin.UserShellEvent, ctx: purlin.Context): purlin.UserShellAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "user_shell", opts: table, fn: async fun(ev: purlin.UserShellEvent, ctx: purlin.Context): purlin.UserShellAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "model_select", fn: async fun(ev: purlin.ModelSelectEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "model_select", opts: table, fn: async fun(ev: purlin.ModelSelectEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "thinking_level_change", fn: async fun(ev: purlin.ThinkingLevelChangeEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "thinking_level_change", opts: table, fn: async fun(ev: purlin.ThinkingLevelChangeEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "session_before_switch", fn: async fun(ev: purlin.SessionBeforeSwitchEvent, ctx: purlin.Context): purlin.SessionBeforeSwitchAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "session_before_switch", opts: table, fn: async fun(ev: purlin.SessionBeforeSwitchEvent, ctx: purlin.Context): purlin.SessionBeforeSwitchAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "session_switch", fn: async fun(ev: purlin.SessionSwitchEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "session_switch", opts: table, fn: async fun(ev: purlin.SessionSwitchEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "before_agent_start", fn: async fun(ev: purlin.BeforeAgentStartEvent, ctx: purlin.Context): purlin.BeforeAgentStartAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "before_agent_start", opts: table, fn: async fun(ev: purlin.BeforeAgentStartEvent, ctx: purlin.Context): purlin.BeforeAgentStartAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "agent_start", fn: async fun(ev: purlin.AgentStartEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "agent_start", opts: table, fn: async fun(ev: purlin.AgentStartEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "agent_end", fn: async fun(ev: purlin.AgentEndEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "agent_end", opts: table, fn: async fun(ev: purlin.AgentEndEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "turn_start", fn: async fun(ev: purlin.TurnStartEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "turn_start", opts: table, fn: async fun(ev: purlin.TurnStartEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "turn_end", fn: async fun(ev: purlin.TurnEndEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "turn_end", opts: table, fn: async fun(ev: purlin.TurnEndEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "settled", fn: async fun(ev: purlin.SettledEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "settled", opts: table, fn: async fun(ev: purlin.SettledEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "prompt_done", fn: async fun(ev: purlin.PromptDoneEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "prompt_done", opts: table, fn: async fun(ev: purlin.PromptDoneEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "context_build", fn: async fun(ev: purlin.ContextBuildEvent, ctx: purlin.Context): purlin.ContextBuildAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "context_build", opts: table, fn: async fun(ev: purlin.ContextBuildEvent, ctx: purlin.Context): purlin.ContextBuildAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "context", fn: async fun(ev: purlin.ContextEvent, ctx: purlin.Context): purlin.ContextAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "context", opts: table, fn: async fun(ev: purlin.ContextEvent, ctx: purlin.Context): purlin.ContextAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "model_request", fn: async fun(ev: purlin.ModelRequestEvent, ctx: purlin.Context): purlin.ModelRequestAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "model_request", opts: table, fn: async fun(ev: purlin.ModelRequestEvent, ctx: purlin.Context): purlin.ModelRequestAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "before_provider_request", fn: async fun(ev: purlin.ModelRequestEvent, ctx: purlin.Context): purlin.ModelRequestAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "before_provider_request", opts: table, fn: async fun(ev: purlin.ModelRequestEvent, ctx: purlin.Context): purlin.ModelRequestAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "after_provider_response", fn: async fun(ev: purlin.AfterProviderResponseEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "after_provider_response", opts: table, fn: async fun(ev: purlin.AfterProviderResponseEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "provider_error", fn: async fun(ev: purlin.ProviderErrorEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "provider_error", opts: table, fn: async fun(ev: purlin.ProviderErrorEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "retry_start", fn: async fun(ev: purlin.RetryStartEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "retry_start", opts: table, fn: async fun(ev: purlin.RetryStartEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "retry_end", fn: async fun(ev: purlin.RetryEndEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "retry_end", opts: table, fn: async fun(ev: purlin.RetryEndEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "message_start", fn: async fun(ev: purlin.MessageStartEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "message_start", opts: table, fn: async fun(ev: purlin.MessageStartEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "message_update", fn: async fun(ev: purlin.MessageUpdateEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "message_update", opts: table, fn: async fun(ev: purlin.MessageUpdateEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "model_delta", fn: async fun(ev: purlin.MessageUpdateEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "model_delta", opts: table, fn: async fun(ev: purlin.MessageUpdateEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "message_end", fn: async fun(ev: purlin.MessageEndEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "message_end", opts: table, fn: async fun(ev: purlin.MessageEndEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "thinking_delta", fn: async fun(ev: purlin.ThinkingDeltaEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "thinking_delta", opts: table, fn: async fun(ev: purlin.ThinkingDeltaEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "output_append", fn: async fun(ev: purlin.OutputAppendEvent, ctx: purlin.Context): purlin.OutputAppendAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "output_append", opts: table, fn: async fun(ev: purlin.OutputAppendEvent, ctx: purlin.Context): purlin.OutputAppendAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "llm_usage", fn: async fun(ev: purlin.LlmUsageEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "llm_usage", opts: table, fn: async fun(ev: purlin.LlmUsageEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "tool_call", fn: async fun(ev: purlin.ToolCallEvent, ctx: purlin.Context): purlin.ToolCallAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "tool_call", opts: table, fn: async fun(ev: purlin.ToolCallEvent, ctx: purlin.Context): purlin.ToolCallAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "tool_execution_start", fn: async fun(ev: purlin.ToolExecutionStartEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "tool_execution_start", opts: table, fn: async fun(ev: purlin.ToolExecutionStartEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "tool_start", fn: async fun(ev: purlin.ToolExecutionStartEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "tool_start", opts: table, fn: async fun(ev: purlin.ToolExecutionStartEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "tool_delta", fn: async fun(ev: purlin.ToolDeltaEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "tool_delta", opts: table, fn: async fun(ev: purlin.ToolDeltaEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "tool_execution_update", fn: async fun(ev: purlin.ToolDeltaEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "tool_execution_update", opts: table, fn: async fun(ev: purlin.ToolDeltaEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "tool_execution_end", fn: async fun(ev: purlin.ToolExecutionEndEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "tool_execution_end", opts: table, fn: async fun(ev: purlin.ToolExecutionEndEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "tool_end", fn: async fun(ev: purlin.ToolExecutionEndEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "tool_end", opts: table, fn: async fun(ev: purlin.ToolExecutionEndEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "tool_result", fn: async fun(ev: purlin.ToolResultEvent, ctx: purlin.Context): purlin.ToolResultAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "tool_result", opts: table, fn: async fun(ev: purlin.ToolResultEvent, ctx: purlin.Context): purlin.ToolResultAnswer|boolean|nil): purlin.Handle
---@overload fun(name: "tool_error", fn: async fun(ev: purlin.ToolErrorEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "tool_error", opts: table, fn: async fun(ev: purlin.ToolErrorEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "config_change", fn: async fun(ev: purlin.ConfigChangeEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "config_change", opts: table, fn: async fun(ev: purlin.ConfigChangeEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "extension_load", fn: async fun(ev: purlin.ExtensionLoadEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "extension_load", opts: table, fn: async fun(ev: purlin.ExtensionLoadEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "extension_unload", fn: async fun(ev: purlin.ExtensionUnloadEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: "extension_unload", opts: table, fn: async fun(ev: purlin.ExtensionUnloadEvent, ctx: purlin.Context)): purlin.Handle
---@overload fun(name: string, fn: fun(ev: table, ctx: purlin.Context)): purlin.Handle
function purlin.on(name, opts, fn) end

---Calls the handlers of an event of your own, in order, before it returns.
---@param name string The event's name; it contains `:`.
---@param payload? table The fields its handlers see.
function purlin.emit(name, payload) end

---Lists every hook by name.
---@return { name: any, handlers: any, mode: any, aliases: any, doc: any, fields: any, answer: any }[]
function purlin.hook.list() end

---Tells whether somebody handles a hook.
---@param name string A hook, or an event of your own.
---@return boolean
function purlin.hook.has_handlers(name) end

---Encodes a value as JSON.
---@param value any What to encode; named fields come out sorted.
---@param opts? { indent?: boolean } 
---@return string
function purlin.json.encode(value, opts) end

---Decodes JSON text; null becomes `purlin.null`.
---@param text string JSON text.
---@return any
function purlin.json.decode(text) end

---Lists the names of the buffers, sorted.
---@return string[]
function purlin.buf.list() end

---Answers a buffer; its fields are read when they are used. An unknown name gives an empty buffer and creates nothing.
---@param name string The buffer's name.
---@return { name: any, text: any, chars: any, cursor: any, label: any, metadata: any, blocks: any }
function purlin.buf.get(name) end

---Creates a buffer; one that exists keeps what `value` does not name. Deleting the handle deletes the buffer.
---@param name string The buffer's name.
---@param value? { name?: string, text?: string|number, chars?: any[], cursor?: integer, label?: string, metadata?: table, blocks?: any[] } What it holds at first.
---@return purlin.Handle
function purlin.buf.create(name, value) end

---Replaces all of a buffer.
---@param name string The buffer's name.
---@param value { name?: string, text?: string|number, chars?: any[], cursor?: integer, label?: string, metadata?: table, blocks?: any[] } Absent `label`, `metadata` and `blocks` become empty.
function purlin.buf.set(name, value) end

---Deletes a buffer and tells whether there was one; a built-in buffer is emptied instead.
---@param name string The buffer's name.
---@return boolean
function purlin.buf.delete(name) end

---Empties a buffer and shows the blocks of a projection as they are stored; false when there is none of that name.
---@param name string The buffer's name.
---@return boolean
function purlin.buf.reset(name) end

---Answers the text.
---@param name string The buffer's name.
---@return string
function purlin.buf.get_text(name) end

---Replaces the text and puts the cursor at its end.
---@param name string The buffer's name.
---@param text string|number The new text.
function purlin.buf.set_text(name, text) end

---Answers where the cursor is.
---@param name string The buffer's name.
---@return integer
function purlin.buf.get_cursor(name) end

---Puts the cursor somewhere.
---@param name string The buffer's name.
---@param pos integer A position; clamped to the text.
function purlin.buf.set_cursor(name, pos) end

---Inserts text; a cursor at or after the position moves along.
---@param name string The buffer's name.
---@param pos integer A position from 0; clamped to the text.
---@param text string|number 
function purlin.buf.insert(name, pos, text) end

---Removes the text between two positions.
---@param name string The buffer's name.
---@param a integer From here, from 0.
---@param b integer To here, not included.
function purlin.buf.delete_range(name, a, b) end

---Replaces the text between two positions.
---@param name string The buffer's name.
---@param a integer From here, from 0.
---@param b integer To here, not included.
---@param text string|number What comes there instead.
function purlin.buf.replace(name, a, b, text) end

---Adds text or a block at the end. What is appended to `transcript`, text or block, becomes a note of the session.
---@param name string The buffer's name.
---@param what (string|number)|table Text, or a block: a table with any of `kind, role, id, created_at, streaming`.
function purlin.buf.append(name, what) end

---Empties text and blocks, and puts the cursor at the start. Blocks of a projection such as `transcript` are shown as they are stored again.
---@param name string The buffer's name.
function purlin.buf.clear(name) end

---Answers a variable of a buffer; nil if it is not set.
---@param name string The buffer's name.
---@param key string The variable.
---@return any
function purlin.buf.get_var(name, key) end

---Sets a variable of a buffer.
---@param name string The buffer's name.
---@param key string The variable.
---@param value? any Anything JSON has; nil removes it.
function purlin.buf.set_var(name, key, value) end

---Answers the change counter, which rises with every change of text or blocks.
---@param name string The buffer's name.
---@return integer
function purlin.buf.tick(name) end

---Undoes the last group of edits; false when there is none.
---@param name string The buffer's name.
---@return boolean
function purlin.buf.undo(name) end

---Takes the last undo back; false when there is none.
---@param name string The buffer's name.
---@return boolean
function purlin.buf.redo(name) end

---Calls a function after each change of the buffer's text or blocks.
---@param name string The buffer's name.
---@param opts { on_change: function } 
---@return purlin.Handle
function purlin.buf.attach(name, opts) end

---Answers lines without their line ends.
---@param name string The buffer's name.
---@param start? integer The first line, from 0; a negative one counts from the end, -1 being behind the last line.
---@param end? integer The line after the last; negative as above, -1 without it.
---@return string[]
function purlin.buf.get_lines(name, start, end_) end

---Replaces lines.
---@param name string The buffer's name.
---@param start integer The first line, from 0; a negative one counts from the end, -1 being behind the last line.
---@param end integer The line after the last; negative as above, -1 without it.
---@param lines any[] What comes there instead.
function purlin.buf.set_lines(name, start, end_, lines) end

---Counts the lines; an empty text has one.
---@param name string The buffer's name.
---@return integer
function purlin.buf.line_count(name) end

---Answers blocks; only the range that is asked for is read.
---@param name string The buffer's name.
---@param start? integer The first block, from 0; a negative one counts from the end.
---@param end? integer The block after the last; the end without it.
---@return { id: any, kind: any, role: any, text: any, streaming: any, created_at: any, hidden: any, meta: any }[]
function purlin.buf.get_blocks(name, start, end_) end

---Counts the blocks.
---@param name string The buffer's name.
---@return integer
function purlin.buf.block_count(name) end

---Replaces blocks. Of a projection such as `transcript` it changes how they are shown, until `buf.clear`, never what is stored.
---@param name string The buffer's name.
---@param start? integer The first block that is replaced, from 0; negative from the end. All without it.
---@param end? integer The block after the last that is replaced.
---@param blocks any[] Tables with any of `kind, role, id, text, created_at, streaming, meta`.
---@overload fun(name: string, blocks: any[])
function purlin.buf.set_blocks(name, start, end_, blocks) end

---Deletes blocks. Of a projection such as `transcript` it hides them, until `buf.clear`.
---@param name string The buffer's name.
---@param start? integer The first block, from 0; a negative one counts from the end.
---@param end? integer The block after the last; the end without it.
function purlin.buf.delete_blocks(name, start, end_) end

---Lists the names of the windows in draw order.
---@return string[]
function purlin.win.list() end

---Answers a window as it stands; nil if there is none of that name.
---@param name string The window's name.
---@return purlin.Window?
function purlin.win.get(name) end

---Answers the name of the first window in draw order that has all the given properties.
---@param by { name?: string, role?: string, buffer?: string } What the window must have.
---@return string?
function purlin.win.find(by) end

---Creates a window. With a place it floats there; without one it is shown where `layout.tree` names it. One the extension already has is changed as `win.set` does.
---@param name string The window's name.
---@param value? { name?: string, role?: string, buffer?: string, renderer?: "default"|"extension", x?: integer, y?: integer, width?: integer, height?: integer, cursor_row?: integer, cursor_col?: integer, scroll?: integer, visible?: boolean, focusable?: boolean, zindex?: integer, border?: "none"|"single"|"rounded"|"double"|"heavy"|"line", title?: (string|number)|any[], float?: boolean, metadata?: table } Its fields.
---@return purlin.Handle
function purlin.win.create(name, value) end

---Changes a window; false when there is none of that name. A place given to a window of the layout fixes it there, until `layout.reset`.
---@param name string The window's name.
---@param fields { name?: string, role?: string, buffer?: string, renderer?: "default"|"extension", x?: integer, y?: integer, width?: integer, height?: integer, cursor_row?: integer, cursor_col?: integer, scroll?: integer, visible?: boolean, focusable?: boolean, zindex?: integer, border?: "none"|"single"|"rounded"|"double"|"heavy"|"line", title?: (string|number)|any[], float?: boolean, metadata?: table } Only what is named changes.
---@return boolean
function purlin.win.set(name, fields) end

---Deletes a window and tells whether there was one; a built-in window is hidden until `win.reset`.
---@param name string The window's name.
---@return boolean
function purlin.win.delete(name) end

---Gives a window back the fields it was created with; false when there is none of that name.
---@param name string The window's name.
---@return boolean
function purlin.win.reset(name) end

---Says who draws a window; its place is left alone.
---@param name string The window's name.
---@param renderer "default"|"extension" `extension`: the window shows what is drawn on it and nothing else; `default`: as without the extension.
function purlin.win.set_renderer(name, renderer) end

---Answers row and column of a window's cursor, nil when it shows none; with `row`, puts it there first.
---@param name string The window's name.
---@param row? integer The row to put the cursor at, from 0.
---@param col? integer The column, from 0; 0 without it.
---@return integer?
---@return integer?
function purlin.win.cursor(name, row, col) end

---Answers the buffer a window shows.
---@param name string The window's name.
---@return string?
function purlin.win.get_buf(name) end

---Shows another buffer in a window; false when there is no such window.
---@param name string The window's name.
---@param buffer string The buffer's name.
---@return boolean
function purlin.win.set_buf(name, buffer) end

---Answers a variable of a window; nil if it is not set.
---@param name string The window's name.
---@param key string The variable.
---@return any
function purlin.win.get_var(name, key) end

---Sets a variable of a window; false when there is no such window.
---@param name string The window's name.
---@param key string The variable.
---@param value? any Anything JSON has; nil removes it.
---@return boolean
function purlin.win.set_var(name, key, value) end

---Gives a window the focus; false when it cannot have it.
---@param name string The window's name.
---@return boolean
function purlin.win.focus(name) end

---Answers the name of the window with the focus.
---@return string?
function purlin.win.focused() end

---Scrolls a window; the offset counts rows from where it would be unscrolled.
---@param name string The window's name.
---@param how { to?: integer, by?: integer } `to` or `by`.
---@return boolean
function purlin.win.scroll(name, how) end

---Opens a window beside another, over the others, or at an edge. The handle has its `name`; deleting it closes the window.
---@param window { name?: string, buffer?: string, role?: string, split?: "above"|"below"|"left"|"right", of?: string, size?: integer|string, border?: "none"|"single"|"rounded"|"double"|"heavy"|"line", float?: { anchor?: string, of?: string, row?: integer, col?: integer, width?: integer|string, height?: integer|string, border?: "none"|"single"|"rounded"|"double"|"heavy"|"line", title?: (string|number)|any[] }, dock?: "header"|"above"|"below"|"footer", priority?: integer, exclusive?: boolean, max?: integer, enter?: boolean, focusable?: boolean, zindex?: integer, metadata?: table } One of `split`, `float` and `dock`.
---@return purlin.Handle
function purlin.win.open(window) end

---Lets a function draw a window whenever it is dirty, until the handle is deleted; the newest counts. One that fails is recorded, and the window looks as without it. The window may come later.
---@param name string The window's name.
---@param fn function `fn(win, prev)`, answering a text, a list of lines or of span lists; or nil after drawing with `purlin.ui`.
---@param opts? { wrap?: boolean } 
---@return purlin.Handle
function purlin.win.render(name, fn, opts) end

---Answers the size of the screen, the windows by name, and the tree in force.
---@return { width: integer, height: integer, windows: table<string, purlin.Window>, tree: table }
function purlin.layout.get() end

---Fixes the places of windows, in cells of the screen, until `layout.reset`. A field that is left out stays as the tree computes it, also after a resize.
---@param rects table Windows by name, each with any of `x, y, width, height`; or a table with them in `windows`.
function purlin.layout.set(rects) end

---Puts a tree of rows and columns in force. A window that is not in it is not shown, but for floats and docks.
---@param tree table `{ dir = 'col', { win = 'transcript', grow = 1 }, { win = 'composer', min = 3, max = 12 }, { dock = 'footer' } }`; a node takes `dir` (`row` or `col`) with nodes in it, or `win`, or `dock`, and any of `grow`, `min`, `max`, `size` (cells or `30%`).
function purlin.layout.tree(tree) end

---Returns to the built-in layout and lets go of fixed places.
function purlin.layout.reset() end

---Asks yes or no.
---
---Waits: only where a coroutine can.
---@async
---@param message string|number The question.
---@param opts? { default?: boolean, timeout_ms?: integer } Answers `nil, reason` when nobody answered: `user`, `no_ui`, `busy`, `timeout`, `unload` or `shutdown`.
---@return boolean?
---@return string?
function purlin.ui.confirm(message, opts) end

---Lets an item be chosen; answers the item and its one-based index.
---
---Waits: only where a coroutine can.
---@async
---@param items any[] Texts, or tables with `label` and `detail`, or anything with `format`.
---@param opts? { prompt?: string, format?: function, multi?: boolean, filter?: boolean, timeout_ms?: integer } Answers `nil, reason` when nobody answered: `user`, `no_ui`, `busy`, `timeout`, `unload` or `shutdown`.
---@return any
---@return integer|string
function purlin.ui.select(items, opts) end

---Asks for a text.
---
---Waits: only where a coroutine can.
---@async
---@param opts? string|{ prompt?: string, placeholder?: string, default?: string, secret?: boolean, multiline?: boolean, complete?: function, timeout_ms?: integer } The prompt, or options.
---@return string?
---@return string?
function purlin.ui.input(opts) end

---Answers the number of a family of marks.
---@param name string Any name; the same name is the same namespace for everyone.
---@return integer
function purlin.mark.namespace(name) end

---Sets a mark and answers its number. It moves with the text around it.
---@param buf string The buffer's name.
---@param ns integer What `mark.namespace` answered.
---@param pos integer A position from 0; one behind the text is its end.
---@param opts? { end_pos?: integer, hl?: string, virt_text?: (string|number)|any[], virt_text_pos?: "eol"|"inline"|"overlay"|"right_align", virt_lines?: (string|number)|any[], sign?: (string|number)|table, url?: string, priority?: integer, ephemeral?: boolean, id?: integer } 
---@return integer
function purlin.mark.set(buf, ns, pos, opts) end

---Answers the marks of a namespace that touch a range, by position.
---@param buf string The buffer's name.
---@param ns integer What `mark.namespace` answered.
---@param a? integer From here, from 0; the start without it.
---@param b? integer To here, not included; the end without it.
---@return purlin.Mark[]
function purlin.mark.get(buf, ns, a, b) end

---Takes a mark away; false if there is none of that number.
---@param buf string The buffer's name.
---@param ns integer What `mark.namespace` answered.
---@param id integer The mark's number.
---@return boolean
function purlin.mark.del(buf, ns, id) end

---Takes the marks of a namespace that begin in a range away, and answers how many.
---@param buf string The buffer's name.
---@param ns integer What `mark.namespace` answered.
---@param a? integer From here, from 0; the start without it.
---@param b? integer To here, not included; the end without it.
---@return integer
function purlin.mark.clear(buf, ns, a, b) end

---Gives a highlight group a look; the latest counts, and it ends with its handle or its extension. A theme token can be given another look as well. What was drawn with a group before has its new look at once: groups are looked up when the screen is painted.
---@param group string The group's name; theme tokens are groups as well.
---@param style { link?: string, fg?: string|integer, bg?: string|integer, bold?: boolean, italic?: boolean, underline?: boolean, reverse?: boolean, strike?: boolean, dim?: boolean, url?: string } How it looks.
---@return purlin.Handle
function purlin.hl.set(group, style) end

---Answers how a group was set, links not followed; nil if there is none of that name.
---@param group string The group's name; theme tokens are groups as well.
---@return { link?: string, fg?: string, bg?: string, bold?: boolean, italic?: boolean, underline?: boolean, reverse?: boolean, strike?: boolean, dim?: boolean, url?: string }?
function purlin.hl.get(group) end

---Lists the names of the groups, sorted.
---@return string[]
function purlin.hl.list() end

---Makes a window blank.
---@param win string The window's name.
function purlin.ui.clear_window(win) end

---Makes a region of a window blank, in a style.
---@param win string The window's name.
---@param row integer The row, from 0; may lie outside.
---@param col integer The column, from 0; may lie outside.
---@param height integer Rows.
---@param width integer Columns.
---@param style? string|{ fg?: string|integer, bg?: string|integer, bold?: boolean, italic?: boolean, underline?: boolean, reverse?: boolean, strike?: boolean, dim?: boolean, url?: string, hl?: string } A style, or the name of a group.
function purlin.ui.clear_region(win, row, col, height, width, style) end

---Draws a text and fills the rest of the row in its style.
---@param win string The window's name.
---@param row integer The row, from 0; may lie outside.
---@param col integer The column, from 0; may lie outside.
---@param text string|number One line; control characters are shown.
---@param style? string|{ fg?: string|integer, bg?: string|integer, bold?: boolean, italic?: boolean, underline?: boolean, reverse?: boolean, strike?: boolean, dim?: boolean, url?: string, hl?: string } A style, or the name of a group.
function purlin.ui.draw_text(win, row, col, text, style) end

---Draws lines below one another and fills the rest of each row.
---@param win string The window's name.
---@param row integer The row, from 0; may lie outside.
---@param col integer The column, from 0; may lie outside.
---@param lines (string|number)|any[] A text, lines, or span lists.
---@param style? string|{ fg?: string|integer, bg?: string|integer, bold?: boolean, italic?: boolean, underline?: boolean, reverse?: boolean, strike?: boolean, dim?: boolean, url?: string, hl?: string } A style, or the name of a group.
function purlin.ui.draw_lines(win, row, col, lines, style) end

---Draws spans and nothing behind them.
---@param win string The window's name.
---@param row integer The row, from 0; may lie outside.
---@param col integer The column, from 0; may lie outside.
---@param spans any[] Spans, one after another.
function purlin.ui.draw_spans(win, row, col, spans) end

---Draws a line along the window's edge; in the colour `border` without a style.
---@param win string The window's name.
---@param style? string|{ fg?: string|integer, bg?: string|integer, bold?: boolean, italic?: boolean, underline?: boolean, reverse?: boolean, strike?: boolean, dim?: boolean, url?: string, hl?: string } A style, or the name of a group.
function purlin.ui.draw_box(win, style) end

---Draws several things with one call, in order.
---@param ops any[] Operations, each a table with `op`, `window` and what that function takes.
function purlin.ui.draw_batch(ops) end

---Puts a window's cursor somewhere until the window is drawn anew; it shows while the window has the focus.
---@param win string The window's name.
---@param row integer The row, from 0.
---@param col integer The column, from 0.
function purlin.ui.set_cursor(win, row, col) end

---Has a window drawn anew by who draws it; what was drawn on it goes.
---@param win? string The window's name; all without it.
function purlin.ui.redraw(win) end

---Shows something over the screen, which goes on living behind it, until it is left. `index` is zero-based, -1 without a chosen action.
---
---Waits: only where a coroutine can.
---@async
---@param overlay { title?: string|number, text?: (string|number)|any[], markdown?: string|number, style?: { border_color?: string, background?: string }, width?: integer, max_height?: integer, anchor?: string, actions?: any[], timeout_ms?: integer } Answers `nil, reason` when nobody answered: `user`, `no_ui`, `busy`, `timeout`, `unload` or `shutdown`.
---@return { action: string, index: integer, cancelled: boolean }?
---@return string?
function purlin.ui.overlay(overlay) end

---Lets an item be picked from a list that may still grow; answers the item, with `multi` a list of items.
---
---Waits: only where a coroutine can.
---@async
---@param picker { prompt?: string|number, items?: any[], source?: (async fun(...: any): any, any), live?: boolean, format?: function, multi?: boolean, filter?: boolean, timeout_ms?: integer } Answers `nil, reason` when nobody answered: `user`, `no_ui`, `busy`, `timeout`, `unload` or `shutdown`.
---@return any
---@return string?
function purlin.ui.picker(picker) end

---Asks all questions of a kind, of everyone else, until the handle is deleted; the newest counts. `request` has `kind`, `extension` and what was asked. One that fails is recorded, and the built-in dialog asks.
---@param kind "select"|"input"|"confirm"|"picker" `select`, `input`, `confirm` or `picker`.
---@param fn (async fun(...: any): any, any) `fn(request)`, which may wait: answers a boolean for `confirm`, a text for `input`, the one-based index of an item or a list of such for the others; or nil and the reason.
---@return purlin.Handle
function purlin.ui.provide(kind, fn) end

---Shows a segment in the status line.
---@param key string Which segment of the extension; the same key replaces it in its place.
---@param what (string|number)|any[] A text or spans.
---@param priority? integer Higher stands first; 0 without it.
---@return purlin.Handle
function purlin.ui.status.set(key, what, priority) end

---Takes a segment of the extension out of the status line; false if there was none.
---@param key string The segment.
---@return boolean
function purlin.ui.status.del(key) end

---Lists the segments that extensions show, as they stand in the status line.
---@return { key: string, spans: purlin.Span[], priority: integer, extension: string }[]
function purlin.ui.status.list() end

---Runs a function again and again, on one clock for all that moves; nothing ticks while there is none.
---@param fps number How often a second, from 1 to 30.
---@param fn function What to run.
---@return purlin.Handle
function purlin.ui.animate(fps, fn) end

---Answers how many cells a text takes; graphemes count as a whole, tabs reach to the next stop of four.
---@param text string|number Any text.
---@return integer
function purlin.ui.measure(text) end

---Cuts a text to a width; what was cut ends in `…`. A width of 1 leaves `…`, one of 0 or less nothing.
---@param text string|number Any text.
---@param width integer Terminal cells.
---@return string
function purlin.ui.truncate(text, width) end

---Fills a text with spaces up to a width, or cuts it there without an ellipsis.
---@param text string|number Any text.
---@param width integer Terminal cells.
---@return string
function purlin.ui.pad_right(text, width) end

---Breaks a text into rows: after the last space or tab that fits; blanks at the end of a row and at the beginning of the next go; a grapheme that is too wide stands alone. A width of 0 or less gives one empty row.
---@param text string|number Any text.
---@param width integer Terminal cells.
---@return string[]
function purlin.ui.wrap(text, width) end

---Lists the names of the theme's colours, sorted.
---@return string[]
function purlin.ui.theme_tokens() end

---Lays Markdown out in lines of a width, each a list of spans. Code in it has its colours as far as they are ready; renderers are called again when they are.
---@param text string|number Any text.
---@param width integer Terminal cells.
---@return purlin.Span[][]
function purlin.ui.markdown(text, width) end

---Answers the part of a list that fits into a height, counted from its end. `start` is zero-based, `end` is not included.
---@param lines any[] Anything, one item a row.
---@param height integer Rows there is room for.
---@param offset? integer Rows from the bottom, clamped; 0 without it.
---@return { lines: any[], start: integer, end: integer, offset: integer, max_offset: integer, total: integer }
function purlin.ui.viewport(lines, height, offset) end

---Answers which items of different heights are at least partly visible, and where: `row_offset` is the row of the item's first line, negative when it begins above.
---@param items any[] Items with a `height` in rows, 1 without it; or the heights themselves.
---@param height integer Rows there is room for.
---@param offset? integer Rows from the bottom, clamped; 0 without it.
---@return { items: { index: integer, lua_index: integer, row_offset: integer, height: integer }[], start: integer, end: integer, offset: integer, max_offset: integer, total: integer }
function purlin.ui.virtual_list(items, height, offset) end

---Answers code as lines of spans, coloured where the screen knows the language. It waits 20 ms at most; what is not ready by then is plain, and renderers are called again when it is.
---@param code string|number Source code.
---@param lang string The language, such as `lua`, `rust` or `json`.
---@return purlin.Span[][]
function purlin.ui.highlight(code, lang) end

---Compares two texts by lines. Line numbers are zero-based; `kind` is `same`, `delete` or `insert`. What is still not compared after 30 ms is told as replaced.
---@param a string|number The text before.
---@param b string|number The text after.
---@return { old_start: integer, old_count: integer, new_start: integer, new_count: integer, lines: { kind: string, text: string }[] }[]
function purlin.ui.diff(a, b) end

---Maps keys. The function has dealt with the key unless it answers false, or `{ remap = key }`; with `*` it must answer true.
---@param target string|table `"global"`, `{focus=}`, `{buffer=}`, `{window=}`, `{role=}`, `{scope=, name=}`, a list of them; any other string is a role.
---@param lhs string A key or a sequence, such as `ctrl+j`, `g g`, `<leader>f`, or `*` for any key.
---@param rhs function|string `fn(ev)`, or a command with its arguments.
---@param opts? { priority?: integer, desc?: string, mode?: string|any[], nowait?: boolean, when?: function } 
---@return purlin.Handle
function purlin.keymap.set(target, lhs, rhs, opts) end

---Takes away the extension's own maps for these keys and this target; answers how many.
---@param target string|table `"global"`, `{focus=}`, `{buffer=}`, `{window=}`, `{role=}`, `{scope=, name=}`, a list of them; any other string is a role.
---@param lhs string The keys as they were mapped.
---@return integer
function purlin.keymap.del(target, lhs) end

---Lists the maps by sequence, then in the order in which they are tried.
---@param target? string|table `"global"`, `{focus=}`, `{buffer=}`, `{window=}`, `{role=}`, `{scope=, name=}`, a list of them; any other string is a role.
---@return { lhs: any, target: any, command: any, desc: any, layer: any, priority: any, extension: any }[]
function purlin.keymap.list(target) end

---Presses keys as if they had been typed.
---@param keys string A key or a sequence.
function purlin.keymap.feed(keys) end

---Adds a command. `args` is the text after the name and `ctx.words` its words; a returned string is shown. Of two with one name the built-in or the first keeps it.
---@param name string Its name, without the slash.
---@param run (async fun(...: any): any, any)|{ callback: (async fun(...: any): any, any), desc?: string, args?: string, complete?: function, aliases?: any[], action?: boolean } `fn(args, ctx)`, or a table with `callback`.
---@return purlin.Handle
function purlin.command.create(name, run) end

---Runs a command and answers its text, or nil and the error.
---
---Waits: only where a coroutine can.
---@async
---@param name string A command's name or alias.
---@param args? string|number The text after the name.
---@return string?
---@return string?
function purlin.command.run(name, args) end

---Lists the commands by name.
---@return { name: any, desc: any, args: any, aliases: any, kind: any, extension: any }[]
function purlin.command.list() end

---Runs an action or command at once as far as it goes without waiting; what it answers is shown.
---@param name string Such as `submit`, `history.prev`, `interrupt`, `prompt.cancel`.
---@param args? string|number The text after the name.
---@return true?
---@return string?
function purlin.action.run(name, args) end

---Offers a tool to the model from the next request on. Arguments are checked against the schema before the call; a raised error is an error result.
---@param tool { name: string, description: string, schema?: table, execute: (async fun(...: any): any, any), kind?: "read"|"edit"|"execute"|"network"|"other", timeout_ms?: integer, render?: { display_name?: string, border?: string, background?: string, markdown?: boolean, header?: function, body?: function }, prompt_hint?: string, override?: boolean } 
---@return purlin.Handle
function purlin.tool.register(tool) end

---Lists the tools on offer: the built-in ones, then those of extensions in the order of registration.
---@return { name: string, description: string, schema: table, kind: string, extension?: string }[]
function purlin.tool.list() end

---Runs a tool as the model would: arguments are checked, gates see it with `source = 'extension'`, and `tool_result` handlers may change what comes back. Nothing of it is stored. `nil` and the reason if there is no such tool.
---
---Waits: only where a coroutine can.
---@async
---@param name string The tool's name.
---@param args? table Its arguments; none without it.
---@return { content: string, details: any, is_error: boolean }?
---@return string?
function purlin.tool.run(name, args) end

---Restricts the tools on offer from the next model request on; a call of another is an error result. The latest restriction counts, and it ends with its extension.
---@param names? any[] The only tools on offer; nil offers all again.
function purlin.tool.set_active(names) end

---Says how the calls of a tool look in the transcript. The latest registration for a tool counts as a whole; what a function leaves open, and what fails, looks as usual.
---@param name string The tool's name.
---@param look { display_name?: string, border?: string, background?: string, markdown?: boolean, header?: function, body?: function } How its calls look.
---@return purlin.Handle
function purlin.tool.renderer(name, look) end

---Runs a function once, later.
---@param ms integer Milliseconds from 0.
---@param fn (async fun(...: any): any, any) What to run; it may wait.
---@return purlin.Handle
function purlin.timer.defer(ms, fn) end

---Runs a function again and again, first `ms` from now; not while its last run still waits.
---@param ms integer Milliseconds; less than 10 is 10.
---@param fn (async fun(...: any): any, any) What to run; it may wait.
---@return purlin.Handle
function purlin.timer.interval(ms, fn) end

---Stops a timer; one that is over answers `nil, 'stale'`.
---@param handle any What `defer` or `interval` answered.
---@return true?
---@return string?
function purlin.timer.stop(handle) end

---Starts a process that runs beside everything else. It is killed with its group when the extension is unloaded.
---@param job { cmd: string|any[], args?: any[], cwd?: string, env?: table, stdin?: boolean|(string|number), pty?: boolean|table, on_stdout?: (async fun(...: any): any, any), on_stderr?: (async fun(...: any): any, any), on_exit?: (async fun(...: any): any, any), timeout_ms?: integer } 
---@return purlin.Job
function purlin.job.spawn(job) end

---Runs a process to its end and answers what it wrote, at most 16 MiB of each stream; `nil` and the reason if it cannot be started. `timed_out` tells that it was killed after `timeout_ms`; what it wrote until then is there.
---
---Waits: only where a coroutine can.
---@async
---@param job { cmd: string|any[], args?: any[], cwd?: string, env?: table, stdin?: string|number, timeout_ms?: integer } 
---@return { code?: integer, signal?: integer, timed_out: boolean, stdout: string, stderr: string }?
---@return string?
function purlin.job.run(job) end

---Reads a whole file of at most 32 MiB; its bytes are not changed. What is no regular file is refused: `io.open` reads it in parts.
---
---Waits: only where a coroutine can.
---@async
---@param path string Absolute, below the home with `~`, or from the session's directory.
---@return string?
---@return string?
function purlin.fs.read(path) end

---Writes a whole file.
---
---Waits: only where a coroutine can.
---@async
---@param path string Absolute, below the home with `~`, or from the session's directory.
---@param text string|number What the file holds from now on.
---@return true?
---@return string?
function purlin.fs.write(path, text) end

---Lists a folder by name.
---
---Waits: only where a coroutine can.
---@async
---@param path string Absolute, below the home with `~`, or from the session's directory.
---@return { name: string, is_dir: boolean }[]?
---@return string?
function purlin.fs.list(path) end

---Tells what is known of a file or folder, links followed; `nil, 'missing'` if there is none. `modified_ms` counts milliseconds since 1970.
---
---Waits: only where a coroutine can.
---@async
---@param path string Absolute, below the home with `~`, or from the session's directory.
---@return { is_dir: boolean, size: integer, modified_ms: integer }?
---@return string?
function purlin.fs.stat(path) end

---Lists the files that match a pattern, sorted, as paths from the folder it starts from. A pattern that begins with `/`, `~/`, `./` or `../` starts there, and its paths begin as it does.
---
---Waits: only where a coroutine can.
---@async
---@param pattern string `*`, `?`, `[a-z]`, `{a,b}` within a name; `**` for any folders.
---@param opts? { cwd?: string, limit?: integer } 
---@return string[]?
---@return string?
function purlin.fs.glob(pattern, opts) end

---Calls a function when a file, or something directly in a folder, changes.
---@param path string Absolute, below the home with `~`, or from the session's directory.
---@param fn (async fun(...: any): any, any) `fn(path, change)`; `change` is `created`, `modified` or `removed`. It may wait.
---@return purlin.Handle
function purlin.fs.watch(path, fn) end

---Sends a request and answers what came back, whatever its status; names of headers are in lower case. `nil` and the reason if there was no answer.
---
---Waits: only where a coroutine can.
---@async
---@param request { url: string, method?: string, headers?: table, body?: string|number, timeout_ms?: integer, on_chunk?: function } 
---@return { status: integer, headers: table<string, string>, body: string }?
---@return string?
function purlin.http.request(request) end

---Answers a value the extension keeps; nil if it is not set. No extension sees another's.
---@param key string|number 1 to 256 bytes.
---@param scope? "session"|"project"|"user" `session` (the default; follows the session's forks), `project` or `user`.
---@return any
function purlin.state.get(key, scope) end

---Keeps a value. It is there after a reload, and for its scope after a restart; a handler that fails later does not take it back.
---@param key string|number 1 to 256 bytes.
---@param value? any Anything JSON has; nil deletes.
---@param scope? "session"|"project"|"user" `session` (the default; follows the session's forks), `project` or `user`.
function purlin.state.set(key, value, scope) end

---Forgets a value; false if there was none.
---@param key string|number 1 to 256 bytes.
---@param scope? "session"|"project"|"user" `session` (the default; follows the session's forks), `project` or `user`.
---@return boolean
function purlin.state.delete(key, scope) end

---Lists the keys the extension keeps in a scope, sorted.
---@param scope? "session"|"project"|"user" `session` (the default; follows the session's forks), `project` or `user`.
---@return string[]
function purlin.state.keys(scope) end

---Declares an option. Its value is what was set at run time, else the variable `PURLIN_OPT_<EXT>_<NAME>`, else `extensions.options.<ext>.<name>` of the configuration, else the default.
---@param option { name: string, type?: "string"|"boolean"|"integer"|"number"|"list"|"table", default?: any, choices?: any[], secret?: boolean, desc?: string } 
---@return purlin.Handle
function purlin.option.define(option) end

---Answers an option's value; a chosen value that does not fit is passed over with a warning.
---@param name string The option's name.
---@return any
function purlin.option.get(name) end

---Sets an option for the rest of the run.
---@param name string The option's name.
---@param value? any Nil returns to what people chose.
function purlin.option.set(name, value) end

---Lists the options of all extensions; `source` is `runtime`, `environment`, `configuration` or `default`. A secret one has no value here.
---@return { name: string, type: string, value: any, source: string, choices: any[], secret: boolean, desc: string, extension: string }[]
function purlin.option.list() end

---Answers a setting as it is in force; a table for a path above settings, nil where nobody set one.
---@param path string A dotted path, such as `ui.theme`.
---@return any
function purlin.config.get(path) end

---Writes a setting to the person's or the project's file; its comments stay. The hook `config_change` fires.
---@param path string A dotted path, such as `ui.theme`.
---@param value? any Nil takes the setting away.
---@param scope? "user"|"project" Whose file is written; `user` without it.
function purlin.config.set(path, value, scope) end

---Adds a command. Older name; see `command.create`.
---@param name string Its name, without the slash.
---@param desc string What it does.
---@param fn (async fun(...: any): any, any) `fn(args, ctx)`; it may wait.
---@return purlin.Handle
function purlin.register_command(name, desc, fn) end

---Offers a tool to the model. Older name; see `tool.register`.
---@param name string What the model calls it.
---@param desc string What it does, for the model.
---@param fn (async fun(...: any): any, any) `fn(args, ctx)`; it may wait.
---@param schema? table JSON Schema of the arguments.
---@return purlin.Handle
function purlin.register_tool(name, desc, fn, schema) end

---Answers the number of a family of marks. Older name; see `mark.namespace`.
---@param name string Any name.
---@return integer
function purlin.api.create_namespace(name) end

---Registers a handler for one or several hooks. Older name; see `on`.
---@param events string|any[] A hook, or several.
---@param handler function|{ callback: function, priority?: integer, once?: boolean, desc?: string, group?: any, pattern?: any } The function, or a table with `callback`.
---@return purlin.Handle
function purlin.api.create_autocmd(events, handler) end

---Adds a command. Older name; see `command.create`.
---@param name string Its name.
---@param run (async fun(...: any): any, any)|{ callback: (async fun(...: any): any, any), desc?: string, nargs?: any, complete?: any } The function, or a table with `callback`.
---@return purlin.Handle
function purlin.api.create_user_command(name, run) end

---Suppresses the default of the event being handled. Older name; a handler answers true instead.
function purlin.event.consume() end

---Suppresses the default of the event being handled and ends its phase. Older name; see `ev.stop`.
function purlin.event.stop() end

---The same module, for extensions of an earlier host.
librecode = purlin

---@generic T: table
---@param t T
---@return T
function table.clone(t) end

---@param t table
---@param value any
---@param init? integer
---@return integer?
function table.find(t, value, init) end

---@generic T: table
---@param t T
---@return T
function table.freeze(t) end

---@param t table
---@return boolean
function table.isfrozen(t) end

---@param t table
function table.clear(t) end

---@param count integer
---@param value? any
---@return any[]
function table.create(count, value) end

---@param text string
---@param separator? string
---@return string[]
function string.split(text, separator) end

---@param n number
---@param min number
---@param max number
---@return number
function math.clamp(n, min, max) end

---@param n number
---@return integer
function math.round(n) end

---@param n number
---@return integer
function math.sign(n) end

return purlin
