//! Server-sent events, decoded from bytes that may be cut anywhere.

/// Largest event that is accepted, in bytes.
pub const MAX_EVENT: usize = 16 * 1024 * 1024;

/// One complete event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SseEvent {
    /// The `event:` field; empty when absent.
    pub event: String,
    /// The `data:` lines, joined by line feeds.
    pub data: String,
}

/// Incremental parser; feed it bytes, take events.
#[derive(Debug, Default)]
pub struct SseDecoder {
    line: Vec<u8>,
    after_cr: bool,
    event: SseEvent,
    has_data: bool,
    seen_field: bool,
    head: Vec<u8>,
    overflow: bool,
}

impl SseDecoder {
    /// Makes an empty decoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes and answers the events they complete.
    pub fn push(&mut self, mut bytes: &[u8]) -> Vec<SseEvent> {
        let mut events = Vec::new();
        if !self.seen_field && self.head.len() < 256 {
            let take = bytes.len().min(256 - self.head.len());
            self.head.extend_from_slice(&bytes[..take]);
        }
        while !bytes.is_empty() && !self.overflow {
            if self.after_cr {
                self.after_cr = false;
                if bytes[0] == b'\n' {
                    bytes = &bytes[1..];
                    continue;
                }
            }
            let Some(end) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
                self.take(bytes);
                break;
            };
            self.take(&bytes[..end]);
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if let Some(event) = self.end_line() {
                events.push(event);
            }
        }
        events
    }

    /// Ends the input: an event whose blank line never came is still answered if its last line was complete JSON.
    pub fn finish(&mut self) -> Option<SseEvent> {
        if !self.line.is_empty() {
            // A last line without its line end: keep it only when it is a whole JSON value or a bare word.
            let line = String::from_utf8_lossy(&self.line);
            let whole = line.strip_prefix("data:").is_some_and(|data| {
                let data = data.trim();
                data == "[DONE]"
                    || (data.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(data).is_ok())
            });
            if whole {
                self.end_line();
            }
            self.line.clear();
        }
        self.end_event()
    }

    /// Whether an event grew beyond [`MAX_EVENT`]; nothing more is decoded then.
    pub fn overflowed(&self) -> bool {
        self.overflow
    }

    /// The first bytes of an input in which no field was ever seen: it is no event stream.
    pub fn foreign(&self) -> Option<&[u8]> {
        (!self.seen_field && !self.head.is_empty()).then_some(&self.head[..])
    }

    fn take(&mut self, bytes: &[u8]) {
        if self.line.len() + bytes.len() + self.event.data.len() > MAX_EVENT {
            self.overflow = true;
            return;
        }
        self.line.extend_from_slice(bytes);
    }

    fn end_line(&mut self) -> Option<SseEvent> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return self.end_event();
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
                self.seen_field = true;
            }
            "event" => {
                value.clone_into(&mut self.event.event);
                self.seen_field = true;
            }
            "" | "id" | "retry" => self.seen_field = true,
            _ => {}
        }
        None
    }

    fn end_event(&mut self) -> Option<SseEvent> {
        let event = std::mem::take(&mut self.event);
        std::mem::take(&mut self.has_data).then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(chunks: &[&[u8]]) -> Vec<SseEvent> {
        let mut decoder = SseDecoder::new();
        let mut events: Vec<_> = chunks.iter().flat_map(|chunk| decoder.push(chunk)).collect();
        events.extend(decoder.finish());
        events
    }

    fn event(name: &str, data: &str) -> SseEvent {
        SseEvent { event: name.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn line_ends_comments_and_joined_data_lines() {
        let expected = vec![event("a", "1\n2"), event("", "3")];
        assert_eq!(all(&[b": hi\r\nevent: a\r\ndata: 1\r\ndata:2\r\n\r\ndata: 3\r\n\r\n"]), expected);
        assert_eq!(all(&[b"event: a\rdata: 1\rdata: 2\r\rdata: 3\r\r"]), expected);
        assert_eq!(all(&[b"event: a\r", b"\ndata: 1\r", b"\ndata: 2\r\n\r", b"\ndata: 3\n\n"]), expected);
    }

    #[test]
    fn a_last_event_without_its_blank_line_counts_only_when_whole() {
        assert_eq!(all(&[b"data: {\"a\":1}"]), vec![event("", "{\"a\":1}")]);
        assert_eq!(all(&[b"data: {\"a\":"]), vec![]);
    }

    #[test]
    fn foreign_input_is_told_apart() {
        let mut decoder = SseDecoder::new();
        assert!(decoder.push(b"<html>no</html>").is_empty());
        assert_eq!(decoder.foreign(), Some(&b"<html>no</html>"[..]));
        decoder.push(b"\ndata: x\n\n");
        assert_eq!(decoder.foreign(), None);
    }
}
