//! Events out of the bytes of a damaged file, where the database finds no way to them.
//!
//! A table is a tree of pages. Where an inner page is lost, as when a file is cut in half, the rows below it are out of
//! the database's reach although they are there. They lie in leaf pages, which say of themselves what they are: every
//! page of the file is looked at, and rows that have the form of the log's are taken. No other table of ours has rows
//! of that form, and a row of the log is never changed, so a page that is not in use any more can only repeat it.
//!
//! The form of pages and records is that of <https://www.sqlite.org/fileformat2.html>, sections 1.5, 1.6 and 2.1.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use rusqlite::types::Value;

use super::salvage::COLUMNS;

/// The first byte of a leaf page of a table.
const LEAF: u8 = 0x0d;
/// The first byte of an inner page of a table.
const INNER: u8 = 0x05;
/// What a page may have where the file does not say: as we make them, and as we made them before.
const OURS: usize = 2048;
const EARLIER: usize = 4096;
/// Content beyond this is not read: no commit writes so much in one event.
const LARGEST: usize = 256 << 20;

/// The bytes of a database's file, page by page.
pub(super) struct Pages<'f> {
    file: &'f File,
    /// The size of a page, and how much of it is used.
    size: usize,
    usable: usize,
    count: u32,
}

impl<'f> Pages<'f> {
    /// Looks at a file. One whose head is damaged is taken to have pages of the size at which events are found.
    pub(super) fn of(file: &'f File) -> io::Result<Self> {
        let mut head = [0; 100];
        let length = file.metadata()?.len();
        let has_head = file.read_exact_at(&mut head, 0).is_ok() && head.starts_with(b"SQLite format 3\0");
        let (size, reserved) = match usize::from(u16::from_be_bytes([head[16], head[17]])) {
            _ if !has_head => return Ok(Self::without_head(file, length)),
            1 => (65_536, usize::from(head[20])),
            size if size.is_power_of_two() && size >= 512 => (size, usize::from(head[20])),
            _ => return Ok(Self::without_head(file, length)),
        };
        Ok(Self::sized(file, length, size, reserved))
    }

    fn sized(file: &'f File, length: u64, size: usize, reserved: usize) -> Self {
        let count = u32::try_from(length / size as u64).unwrap_or(u32::MAX);
        Self { file, size, usable: size - reserved.min(size - 480), count }
    }

    /// Of pages that are half as large, every second one begins in the middle of a larger one, where no page with events
    /// would begin.
    fn without_head(file: &'f File, length: u64) -> Self {
        let ours = Self::sized(file, length, OURS, 0);
        let begins = |number: u32| {
            ours.page(number).is_some_and(|page| page[0] == LEAF && ours.rows(&page).next().is_some())
        };
        if (2..=ours.count).step_by(2).any(begins) { ours } else { Self::sized(file, length, EARLIER, 0) }
    }

    /// The rows of a leaf page that have the form of an event.
    fn rows<'p>(&'p self, page: &'p [u8]) -> impl Iterator<Item = (i64, Vec<Value>)> + 'p {
        let cells = usize::from(u16::from_be_bytes([page[3], page[4]]));
        page[8..]
            .chunks_exact(2)
            .take(cells)
            .filter_map(|place| self.row(page, usize::from(u16::from_be_bytes([place[0], place[1]]))))
    }

    /// Hands every row over that has the form of an event: its place and its columns.
    ///
    /// # Errors
    /// Those of `take`; what cannot be read of the file is passed over.
    pub(super) fn events<E>(&self, mut take: impl FnMut(i64, Vec<Value>) -> Result<(), E>) -> Result<(), E> {
        for number in 2..=self.count {
            let Some(page) = self.page(number) else { continue };
            if page[0] == INNER {
                self.leftovers(&page, &mut take)?;
            }
            if page[0] == LEAF {
                for (rowid, columns) in self.rows(&page) {
                    take(rowid, columns)?;
                }
            }
        }
        Ok(())
    }

    /// Takes rows out of an inner page that was a leaf before: when a table outgrows its first page, the rows go to pages
    /// of their own, and their bytes stay behind. In a small file cut in half they may be all that is left. Only what was
    /// committed is ever written into a page, so these are rows of the log, too.
    fn leftovers<E>(
        &self,
        page: &[u8],
        take: &mut impl FnMut(i64, Vec<Value>) -> Result<(), E>,
    ) -> Result<(), E> {
        for at in 12..page.len() {
            let Some((rowid, columns)) = self.row(page, at) else { continue };
            // Any byte may begin a cell; a batch begins at one of its own rows.
            if matches!(columns[1], Value::Integer(batch) if (1..=rowid).contains(&batch)) {
                take(rowid, columns)?;
            }
        }
        Ok(())
    }

    /// Reads a page; pages are numbered from 1.
    fn page(&self, number: u32) -> Option<Vec<u8>> {
        if number == 0 || number > self.count {
            return None;
        }
        let mut page = vec![0; self.size];
        self.file.read_exact_at(&mut page, u64::from(number - 1) * self.size as u64).ok()?;
        page.truncate(self.usable);
        Some(page)
    }

    fn row(&self, page: &[u8], at: usize) -> Option<(i64, Vec<Value>)> {
        let mut cell = page.get(at..)?;
        let length = usize::try_from(varint(&mut cell)?).ok().filter(|length| *length <= LARGEST)?;
        let rowid = varint(&mut cell).filter(|rowid| *rowid > 0)?;
        let payload = self.payload(cell, length)?;
        Some((rowid, columns(&payload)?))
    }

    /// Reads the content of a cell, the part of it included that lies in pages of its own.
    fn payload(&self, cell: &[u8], length: usize) -> Option<Vec<u8>> {
        let most = self.usable - 35;
        if length <= most {
            return Some(cell.get(..length)?.to_vec());
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let here = least + (length - least) % (self.usable - 4);
        let here = if here <= most { here } else { least };
        let mut payload = cell.get(..here)?.to_vec();
        let mut next = number(cell.get(here..here + 4)?);
        while payload.len() < length {
            let page = self.page(next)?;
            let take = (length - payload.len()).min(self.usable - 4);
            payload.extend_from_slice(page.get(4..4 + take)?);
            next = number(&page);
        }
        Some(payload)
    }
}

/// The columns of a record, if they are those of an event.
fn columns(record: &[u8]) -> Option<Vec<Value>> {
    let mut rest = record;
    let head = usize::try_from(varint(&mut rest)?).ok()?;
    let (mut kinds, mut values) = (record.get(record.len() - rest.len()..head)?, record.get(head..)?);
    let mut columns = Vec::with_capacity(COLUMNS);
    while !kinds.is_empty() {
        columns.push(value(varint(&mut kinds)?, &mut values)?);
        if columns.len() > COLUMNS {
            return None;
        }
    }
    use Value::{Integer, Null, Text};
    // The first column is the place, which stands in the cell and not in the record.
    let is_event = matches!(
        &columns[..],
        [Null, Integer(_), Integer(_) | Null, Text(_), Text(_), Text(_), Text(_), Integer(_)]
    );
    (is_event && values.is_empty()).then_some(columns)
}

fn value(kind: i64, values: &mut &[u8]) -> Option<Value> {
    let length = match kind {
        0 | 8 | 9 => 0,
        1..=4 => usize::try_from(kind).ok()?,
        5 => 6,
        6 => 8,
        // No event has a fraction or bytes among its columns.
        13.. if kind % 2 == 1 => usize::try_from((kind - 13) / 2).ok()?,
        _ => return None,
    };
    let bytes = values.split_off(..length)?;
    Some(match kind {
        0 => Value::Null,
        8 | 9 => Value::Integer(kind - 8),
        1..=6 => {
            let sign = if bytes[0] < 0x80 { 0 } else { -1 };
            Value::Integer(bytes.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte)))
        }
        _ => Value::Text(String::from_utf8(bytes.to_vec()).ok()?),
    })
}

/// Reads a number of one to nine bytes, the highest bits first.
fn varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut number: i64 = 0;
    for count in 1..=9 {
        let byte = *bytes.split_off_first()?;
        if count == 9 {
            return Some(number << 8 | i64::from(byte));
        }
        number = number << 7 | i64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// The number of a page.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}
