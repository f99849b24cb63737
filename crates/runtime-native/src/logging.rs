//! The log of a runtime on its console: lines on standard error.

use std::io::Write as _;
use std::rc::Rc;

use purlin_runtime_core::{Logger, Record};

use crate::host::wall;

/// What takes the lines of a log.
pub type LogSink = Rc<dyn Fn(&Record<'_>)>;

/// Makes what [`NativeHost::with_log`](crate::NativeHost::with_log) takes: records that the logger wants become lines
/// on standard error.
pub fn console_log(logger: Logger) -> LogSink {
    Rc::new(move |record| {
        if let Some(line) = logger.line(record, wall()) {
            // Where standard error is closed nobody is left to be told.
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    })
}
