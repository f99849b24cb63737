//! The inline limit: of a long output head and tail stay in the log, the whole becomes an artifact.

use std::fmt::Write as _;
use std::rc::Rc;

use crate::artifacts::{ArtifactWriter, Artifacts};
use crate::text::{ceil_boundary, floor_boundary, visible_nul};

/// How many bytes of one output stay in the log at most.
pub const INLINE_LIMIT: usize = 64 * 1024;
/// How many bytes are shown from the beginning when something was left out.
pub const HEAD_LIMIT: usize = 48 * 1024;
/// How many bytes are shown from the end when something was left out.
pub const TAIL_LIMIT: usize = 15 * 1024;

/// How far a line's beginning is looked for when a text is cut in front.
const LINE_SEARCH: usize = 1024;

/// Everything an output had, as it came: in memory as long as it is short, then in an artifact that is being written.
pub(crate) struct Whole {
    artifacts: Rc<dyn Artifacts>,
    total: u64,
    place: Place,
}

enum Place {
    Memory(Vec<u8>),
    Spool { writer: Box<dyn ArtifactWriter>, written: u64 },
    Lost(String),
}

impl Whole {
    pub(crate) fn new(artifacts: Rc<dyn Artifacts>) -> Self {
        Self { artifacts, total: 0, place: Place::Memory(Vec::new()) }
    }

    /// Forgets what came so far.
    pub(crate) fn restart(&mut self) {
        *self = Self::new(self.artifacts.clone());
    }

    pub(crate) fn keep(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        if let Place::Memory(memory) = &mut self.place {
            if memory.len() + bytes.len() <= INLINE_LIMIT {
                memory.extend_from_slice(bytes);
                return;
            }
            let memory = std::mem::take(memory);
            self.place = match self.artifacts.writer() {
                Ok(writer) => Place::Spool { writer, written: 0 },
                Err(why) => Place::Lost(why),
            };
            self.spool(&memory);
        }
        self.spool(bytes);
    }

    fn spool(&mut self, bytes: &[u8]) {
        if let Place::Spool { writer, written } = &mut self.place {
            let room = self.artifacts.limit().saturating_sub(*written);
            let take = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
            match writer.write(&bytes[..take]) {
                Ok(()) => *written += take as u64,
                Err(why) => self.place = Place::Lost(why),
            }
        }
    }

    /// Makes the artifact.
    pub(crate) fn store(&mut self) -> Stored {
        let total = self.total;
        let (reference, kept) = match std::mem::replace(&mut self.place, Place::Memory(Vec::new())) {
            Place::Memory(bytes) => (self.artifacts.put(&bytes), bytes.len() as u64),
            Place::Spool { writer, written } => (writer.finish(), written),
            Place::Lost(why) => (Err(why), 0),
        };
        Stored { reference, kept, total }
    }
}

/// Where the whole of an output is.
pub(crate) struct Stored {
    reference: Result<String, String>,
    kept: u64,
    total: u64,
}

impl Stored {
    /// Says what was left out of a text, and where it is.
    pub(crate) fn left_out(&self, bytes: u64) -> String {
        let mut text = format!("\n[{} left out here. ", size(bytes));
        let Self { reference, kept, total } = self;
        // Writing to a string cannot fail.
        let _ = match reference {
            Ok(reference) if kept < total => {
                // What is kept ends there, which it does not say itself.
                write!(
                    text,
                    "The first {} are kept as `{reference}`, and the {} after them are not: it is cut at the limit.",
                    size(*kept),
                    size(*total - *kept)
                )
            }
            Ok(reference) => write!(text, "All {} are kept as `{reference}`.", size(*total)),
            Err(why) => write!(text, "They could not be kept: {why}"),
        };
        text.push_str("]\n");
        text
    }

    /// Says where bytes are that were no text.
    pub(crate) fn no_text(&self) -> String {
        match &self.reference {
            Ok(reference) => {
                format!("\n[Some bytes were not UTF-8 text. As they came they are kept as `{reference}`.]\n")
            }
            Err(_) => String::new(),
        }
    }
}

/// Says what is left out of a text that still grows.
pub(crate) fn left_out_so_far(bytes: u64) -> String {
    format!("\n[{} left out here so far.]\n", size(bytes))
}

/// Cuts a text in front, so that so many bytes are left at most, from a line's beginning if one is near. Answers how
/// many bytes went.
pub(crate) fn keep_tail(text: &mut String, keep: usize) -> u64 {
    let at = tail_start(text, keep);
    text.drain(..at);
    at as u64
}

/// Finds where the tail of a text begins.
pub(crate) fn tail_start(text: &str, keep: usize) -> usize {
    let Some(at) = text.len().checked_sub(keep).filter(|at| *at > 0) else { return 0 };
    let at = ceil_boundary(text, at);
    text[at..].find('\n').filter(|line| *line < LINE_SEARCH).map_or(at, |line| at + line + 1)
}

/// Brings a text under the inline limit.
pub(crate) fn shorten(text: &str, artifacts: &Rc<dyn Artifacts>) -> String {
    if text.len() <= INLINE_LIMIT {
        return visible_nul(text).into_owned();
    }
    let mut whole = Whole::new(artifacts.clone());
    whole.keep(text.as_bytes());
    let head = floor_boundary(text, HEAD_LIMIT);
    let tail = head + tail_start(&text[head..], TAIL_LIMIT);
    let notice = whole.store().left_out((tail - head) as u64);
    visible_nul(&[&text[..head], &notice, &text[tail..]].concat()).into_owned()
}

/// Writes a number of bytes for people.
fn size(bytes: u64) -> String {
    const KIB: u64 = 1024;
    match bytes {
        0..KIB => format!("{bytes} bytes"),
        KIB..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::{HEAD_LIMIT, INLINE_LIMIT, Whole, keep_tail, shorten};
    use crate::artifacts::{Artifacts, MemoryArtifacts, NoArtifacts};

    fn artifacts(place: &MemoryArtifacts) -> Rc<dyn Artifacts> {
        Rc::new(place.clone())
    }

    #[test]
    fn a_text_of_exactly_the_limit_is_whole() {
        let text = "x".repeat(INLINE_LIMIT);
        let nowhere: Rc<dyn Artifacts> = Rc::new(NoArtifacts);
        assert_eq!(shorten(&text, &nowhere), text);
        assert!(
            shorten(&(text + "x"), &nowhere).contains("They could not be kept: This runtime has no place")
        );
    }

    #[test]
    fn one_byte_more_leaves_head_tail_notice_and_an_artifact() {
        let place = MemoryArtifacts::new();
        let lines: Vec<String> = (0..=INLINE_LIMIT / 8).map(|n| format!("{n:07}\n")).collect();
        let text = lines.concat();
        let shown = shorten(&text, &artifacts(&place));
        assert!(shown.len() <= INLINE_LIMIT, "{}", shown.len());
        assert!(shown.starts_with(&text[..HEAD_LIMIT]));
        assert!(shown.ends_with(&text[text.len() - 8 * 1024..]));
        let notice = &shown[HEAD_LIMIT..HEAD_LIMIT + 200];
        assert!(notice.contains("left out here. All 64.0 KiB are kept as `artifact:0`."), "{notice}");
        assert_eq!(place.get("artifact:0").unwrap(), text.as_bytes());
    }

    #[test]
    fn an_endless_text_is_bounded_and_the_artifact_capped() {
        let place = MemoryArtifacts::new();
        let piece = vec![b'y'; 1 << 20];
        let mut whole = Whole::new(artifacts(&place));
        (0..80).for_each(|_| whole.keep(&piece));
        let notice = whole.store().left_out(80 << 20);
        assert!(
            notice.contains(
                "The first 64.0 MiB are kept as `artifact:0`, and the 16.0 MiB after them are not: it is cut at the limit."
            ),
            "{notice}"
        );
        assert_eq!(place.get("artifact:0").unwrap().len(), 64 << 20);
    }

    #[test]
    fn a_tail_begins_with_a_line_if_one_is_near() {
        let mut text = "one\ntwo\nthree\n".to_owned();
        assert_eq!((keep_tail(&mut text, 8), text.as_str()), (8, "three\n"));
        let mut text = "é".repeat(10);
        assert_eq!((keep_tail(&mut text, 5), text.as_str()), (16, "éé"));
        let mut text = "short".to_owned();
        assert_eq!((keep_tail(&mut text, 5), text.as_str()), (0, "short"));
    }
}
