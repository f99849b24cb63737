//! The inline limit: of a long output head and tail stay in the log, the whole becomes an artifact.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::rc::Rc;

use crate::artifacts::{ArtifactWriter, Artifacts};
use crate::text::{Utf8Decoder, ceil_boundary, floor_boundary, visible_nul};

/// How many bytes of one output stay in the log at most.
pub const INLINE_LIMIT: usize = 64 * 1024;
/// How many bytes are shown at once, from the beginning; what follows is kept back until the output ends.
pub const HEAD_LIMIT: usize = 48 * 1024;
/// How many bytes are shown from the end when something was left out.
pub const TAIL_LIMIT: usize = 15 * 1024;

/// Cuts one output down to head and tail while it arrives, in bounded memory.
///
/// The head is answered by [`push`](Self::push) as it arrives; the rest is kept back and answered by
/// [`finish`](Self::finish), with a notice in the place of what was left out.
pub struct Excerpt {
    artifacts: Rc<dyn Artifacts>,
    decoder: Utf8Decoder,
    shown: usize,
    total: u64,
    kept_back: String,
    dropped: u64,
    whole: Whole,
}

/// What remains to be shown of an output when it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// What was kept back, with a notice in front if something was left out.
    pub text: String,
    /// How many bytes the output had.
    pub total: u64,
    /// How many bytes of it are not shown.
    pub left_out: u64,
    /// Where the whole is, if it is anywhere.
    pub artifact: Option<String>,
}

enum Whole {
    Memory(Vec<u8>),
    Spool { writer: Box<dyn ArtifactWriter>, written: u64 },
    Lost(String),
}

impl Excerpt {
    /// Makes an excerpt of an output that has not begun.
    pub fn new(artifacts: Rc<dyn Artifacts>) -> Self {
        Self {
            artifacts,
            decoder: Utf8Decoder::new(),
            shown: 0,
            total: 0,
            kept_back: String::new(),
            dropped: 0,
            whole: Whole::Memory(Vec::new()),
        }
    }

    /// Takes the next text and answers what of it is to be shown now.
    pub fn push<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        self.keep(text.as_bytes());
        self.place(visible_nul(text))
    }

    /// Takes the next bytes of a process and answers what of them is to be shown now.
    pub fn push_bytes<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, str> {
        self.keep(bytes);
        let text = self.decoder.decode(bytes);
        self.place(text)
    }

    /// Counts the bytes so far.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Ends the output.
    pub fn finish(&mut self) -> Ending {
        let rest = self.decoder.finish();
        self.kept_back.push_str(rest);
        let total = self.total;
        let mut tail = std::mem::take(&mut self.kept_back);
        let left_out = self.trim(&mut tail);
        if left_out == 0 && !self.decoder.saw_invalid() {
            return Ending { text: tail, total, left_out, artifact: None };
        }
        let (artifact, kept) = self.store_whole();
        let text = if left_out > 0 {
            notice(left_out, &artifact, kept, total) + &tail
        } else {
            tail + &invalid_notice(&artifact)
        };
        Ending { text, total, left_out, artifact: artifact.ok() }
    }

    fn place<'a>(&mut self, text: Cow<'a, str>) -> Cow<'a, str> {
        let room = HEAD_LIMIT - self.shown;
        if text.len() <= room && self.kept_back.is_empty() {
            self.shown += text.len();
            return text;
        }
        let at = if self.kept_back.is_empty() { floor_boundary(&text, room) } else { 0 };
        self.shown += at;
        // Nothing may be shown any more once something is kept back, or the order would be lost.
        if at < text.len() {
            self.keep_back(&text[at..]);
        }
        match text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[..at]),
            Cow::Owned(mut text) => {
                text.truncate(at);
                Cow::Owned(text)
            }
        }
    }

    /// Keeps at least the last `INLINE_LIMIT - HEAD_LIMIT` bytes; trims only at twice that, so the cost is constant.
    fn keep_back(&mut self, text: &str) {
        const KEEP: usize = INLINE_LIMIT - HEAD_LIMIT;
        if text.len() > 2 * KEEP {
            let at = ceil_boundary(text, text.len() - KEEP);
            self.dropped += (self.kept_back.len() + at) as u64;
            self.kept_back.clear();
            self.kept_back.push_str(&text[at..]);
            return;
        }
        self.kept_back.push_str(text);
        if self.kept_back.len() > 2 * KEEP {
            let at = ceil_boundary(&self.kept_back, self.kept_back.len() - KEEP);
            self.dropped += at as u64;
            self.kept_back.drain(..at);
        }
    }

    /// Cuts the kept-back text to the tail if the whole is over the limit, at a line's beginning if one is near.
    fn trim(&self, tail: &mut String) -> u64 {
        if self.dropped == 0 && self.shown + tail.len() <= INLINE_LIMIT {
            return 0;
        }
        let mut at = ceil_boundary(tail, tail.len().saturating_sub(TAIL_LIMIT));
        if let Some(line) = tail[at..].find('\n').filter(|line| *line < 1024) {
            at += line + 1;
        }
        tail.drain(..at);
        self.dropped + at as u64
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        if let Whole::Memory(memory) = &mut self.whole {
            if memory.len() + bytes.len() <= INLINE_LIMIT {
                memory.extend_from_slice(bytes);
                return;
            }
            let memory = std::mem::take(memory);
            self.whole = match self.artifacts.writer() {
                Ok(writer) => Whole::Spool { writer, written: 0 },
                Err(why) => Whole::Lost(why),
            };
            self.spool(&memory);
        }
        self.spool(bytes);
    }

    fn spool(&mut self, bytes: &[u8]) {
        if let Whole::Spool { writer, written } = &mut self.whole {
            let room = self.artifacts.limit().saturating_sub(*written);
            let take = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
            match writer.write(&bytes[..take]) {
                Ok(()) => *written += take as u64,
                Err(why) => self.whole = Whole::Lost(why),
            }
        }
    }

    /// Answers where the whole is and how many bytes of it are there.
    fn store_whole(&mut self) -> (Result<String, String>, u64) {
        match std::mem::replace(&mut self.whole, Whole::Memory(Vec::new())) {
            Whole::Memory(bytes) => (self.artifacts.put(&bytes), bytes.len() as u64),
            Whole::Spool { writer, written } => (writer.finish(), written),
            Whole::Lost(why) => (Err(why), 0),
        }
    }
}

impl std::fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Excerpt")
            .field("total", &self.total)
            .field("shown", &self.shown)
            .finish_non_exhaustive()
    }
}

fn notice(left_out: u64, artifact: &Result<String, String>, kept: u64, total: u64) -> String {
    let mut text = format!("\n[{} left out here. ", size(left_out));
    // Writing to a string cannot fail.
    let _ = match artifact {
        Ok(reference) if kept < total => {
            write!(text, "Of {} in all the first {} are kept as `{reference}`.", size(total), size(kept))
        }
        Ok(reference) => write!(text, "All {} are kept as `{reference}`.", size(total)),
        Err(why) => write!(text, "They could not be kept: {why}"),
    };
    text.push_str("]\n");
    text
}

fn invalid_notice(artifact: &Result<String, String>) -> String {
    match artifact {
        Ok(reference) => {
            format!("\n[Some bytes were not UTF-8 text. As they came they are kept as `{reference}`.]\n")
        }
        Err(_) => String::new(),
    }
}

/// Writes a number of bytes for people.
fn size(bytes: u64) -> String {
    const KIB: u64 = 1024;
    match bytes {
        0..KIB => format!("{bytes} bytes"),
        KIB..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::{Excerpt, HEAD_LIMIT, INLINE_LIMIT};
    use crate::artifacts::{Artifacts, MemoryArtifacts, NoArtifacts};

    fn excerpt(pieces: &[&[u8]], artifacts: Rc<dyn Artifacts>) -> (String, super::Ending) {
        let mut excerpt = Excerpt::new(artifacts);
        let mut text = String::new();
        for piece in pieces {
            text.push_str(&excerpt.push_bytes(piece));
        }
        let ending = excerpt.finish();
        text.push_str(&ending.text);
        (text, ending)
    }

    #[test]
    fn a_text_of_exactly_the_limit_is_whole() {
        let text = "x".repeat(INLINE_LIMIT);
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(1000).collect();
        let (shown, ending) = excerpt(&pieces, Rc::new(NoArtifacts));
        assert_eq!((shown.len(), ending.left_out), (INLINE_LIMIT, 0));
    }

    #[test]
    fn one_byte_more_leaves_head_tail_notice_and_an_artifact() {
        let place = MemoryArtifacts::new();
        let lines: Vec<String> = (0..=INLINE_LIMIT / 8).map(|n| format!("{n:07}\n")).collect();
        let text = lines.concat();
        let (shown, ending) = excerpt(&[text.as_bytes()], Rc::new(place.clone()));
        assert!(shown.len() <= INLINE_LIMIT, "{}", shown.len());
        assert!(shown.starts_with(&text[..HEAD_LIMIT]));
        assert!(shown.ends_with(&text[text.len() - 8 * 1024..]));
        assert!(
            shown.contains("left out here. All 64.0 KiB are kept as `artifact:0`."),
            "{}",
            &shown[HEAD_LIMIT..HEAD_LIMIT + 200]
        );
        assert_eq!(place.get("artifact:0").unwrap(), text.as_bytes());
        assert_eq!(ending.total, text.len() as u64);
    }

    #[test]
    fn an_endless_text_is_bounded_and_the_artifact_capped() {
        let place = MemoryArtifacts::new();
        let piece = vec![b'y'; 1 << 20];
        let pieces: Vec<&[u8]> = std::iter::repeat_n(piece.as_slice(), 80).collect();
        let (shown, ending) = excerpt(&pieces, Rc::new(place.clone()));
        assert!(shown.len() <= INLINE_LIMIT);
        assert!(shown.contains("Of 80.0 MiB in all the first 64.0 MiB are kept as `artifact:0`."));
        assert_eq!(place.get("artifact:0").unwrap().len(), 64 << 20);
        assert_eq!(ending.total, 80 << 20);
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_as_they_came() {
        let place = MemoryArtifacts::new();
        let (shown, _) = excerpt(&[b"a\xff\xfeb"], Rc::new(place.clone()));
        assert!(shown.starts_with("a\u{FFFD}\u{FFFD}b\n[Some bytes were not UTF-8"), "{shown}");
        assert_eq!(place.get("artifact:0").unwrap(), b"a\xff\xfeb");
    }

    #[cfg(not(target_family = "wasm"))]
    proptest::proptest! {
        #[test]
        fn any_split_shows_the_same(len in 0usize..200_000, cut in 1usize..70_000) {
            let text: String = "aé€😀\n".chars().cycle().take(len / 2).collect();
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(cut).collect();
            let whole = excerpt(&[text.as_bytes()], Rc::new(MemoryArtifacts::new()));
            proptest::prop_assert_eq!(excerpt(&pieces, Rc::new(MemoryArtifacts::new())), whole);
        }
    }
}
