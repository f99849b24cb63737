//! Text that may be endless, kept to its head and tail.

/// Bytes of one output that stay inside the log.
pub const INLINE_LIMIT: usize = 64 * 1024;

/// Collects text of any length in bounded memory: the first and the last part stay.
#[derive(Clone, Debug)]
pub struct Clip {
    limit: usize,
    head: String,
    tail: String,
    total: usize,
}

impl Clip {
    /// Keeps `limit` bytes, half of them from the start and half from the end.
    pub fn new(limit: usize) -> Self {
        Self { limit, head: String::new(), tail: String::new(), total: 0 }
    }

    /// Adds text.
    pub fn push(&mut self, text: &str) {
        self.total += text.len();
        let room = (self.limit / 2).saturating_sub(self.head.len());
        // Once something has gone to the tail, the head is closed.
        let split = if self.tail.is_empty() { floor(text, room) } else { 0 };
        self.head.push_str(&text[..split]);
        let rest = &text[split..];
        let keep = self.limit / 2;
        if rest.len() >= keep {
            self.tail.clear();
            self.tail.push_str(&rest[ceil(rest, rest.len() - keep)..]);
            return;
        }
        self.tail.push_str(rest);
        // Trimmed only when it has doubled, so that each byte is moved once or twice in all.
        if self.tail.len() > 2 * keep {
            self.trim_tail();
        }
    }

    fn trim_tail(&mut self) {
        let keep = self.limit / 2;
        if self.tail.len() > keep {
            let cut = ceil(&self.tail, self.tail.len() - keep);
            self.tail.drain(..cut);
        }
    }

    /// Bytes that were pushed.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Whether anything was left out.
    pub fn clipped(&self) -> bool {
        self.total > self.limit
    }

    /// The text, with a notice where something was left out; `whole` says where all of it is.
    pub fn finish(mut self, whole: Option<&str>) -> String {
        if !self.clipped() {
            self.head.push_str(&self.tail);
            return self.head;
        }
        self.trim_tail();
        let left_out = self.total - self.head.len() - self.tail.len();
        let whole = whole.map_or(String::new(), |place| format!("; the whole is in {place}"));
        let notice = format!("\n[… {left_out} of {} bytes left out{whole} …]\n", self.total);
        self.head + &notice + &self.tail
    }
}

/// Clips a text that is at hand.
pub(crate) fn clip(text: &str, limit: usize, whole: Option<&str>) -> String {
    let mut clip = Clip::new(limit);
    clip.push(text);
    clip.finish(whole)
}

/// The largest boundary of a character at or below `at`.
pub(crate) fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_text_stays_and_long_text_keeps_both_ends() {
        assert_eq!(clip("abcdefgh", 8, None), "abcdefgh");
        assert_eq!(clip("abcdefghi", 8, None), "abcd\n[… 1 of 9 bytes left out …]\nfghi");
        let mut pieces = Clip::new(8);
        for c in "abcdefghijklmnopqrstuvwxyz".chars() {
            pieces.push(&c.to_string());
        }
        let text = pieces.finish(Some("artifact:1"));
        assert_eq!(text, "abcd\n[… 18 of 26 bytes left out; the whole is in artifact:1 …]\nwxyz");
    }

    #[test]
    fn a_gigabyte_stays_bounded() {
        let mut clip = Clip::new(1_024);
        let piece = "x".repeat(65_536);
        for _ in 0..16_384 {
            clip.push(&piece);
        }
        assert!(clip.head.capacity() + clip.tail.capacity() < 16_384);
        assert_eq!(clip.total(), 1 << 30);
    }

    #[test]
    fn characters_are_never_cut() {
        for limit in 2..20 {
            clip("äöü€😀äöü€😀", limit, None);
        }
    }
}
