//! Dates as the wire writes them: ISO-8601 in UTC with milliseconds, from and to Unix milliseconds.
//!
//! The notebook has no clock; it only converts.

use std::borrow::Cow;

const DAY_MS: i64 = 86_400_000;
/// The form that tables hold, by an example.
const FORM: &str = "2026-11-21T09:55:02.123Z";

/// Writes Unix milliseconds as `2026-11-21T09:55:02.123Z`.
pub fn iso(unix_ms: i64) -> String {
    let (days, ms) = (unix_ms.div_euclid(DAY_MS), unix_ms.rem_euclid(DAY_MS));
    let (year, month, day) = civil(days);
    let (hour, minute, second, milli) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Reads an ISO-8601 date with a time and `Z` or an offset; a date alone is midnight in UTC.
///
/// Returns Unix milliseconds, or `None` for anything else. Digits below a millisecond are dropped.
pub fn parse_iso(text: &str) -> Option<i64> {
    let mut cursor = Cursor { bytes: text.as_bytes(), at: 0 };
    let (year, month, day) = (cursor.digits(4)?, cursor.after(b'-', 2)?, cursor.after(b'-', 2)?);
    if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    let midnight = days(year, month, day) * DAY_MS;
    if cursor.done() {
        return Some(midnight);
    }
    let (hour, minute) = (cursor.after(b'T', 2)?, cursor.after(b':', 2)?);
    let second = if cursor.peek() == Some(b':') { cursor.after(b':', 2)? } else { 0 };
    let milli = cursor.fraction()?;
    let offset = cursor.offset()?;
    if hour > 23 || minute > 59 || second > 59 || !cursor.done() {
        return None;
    }
    Some(midnight + ((hour * 60 + minute - offset) * 60 + second) * 1000 + milli)
}

/// Rewrites a date in the one form that tables hold; text that is no date is left alone.
pub(crate) fn normal(text: &str) -> Cow<'_, str> {
    match parse_iso(text) {
        // It has that form already, which is what everybody writes.
        Some(_) if text.len() == FORM.len() && text.ends_with('Z') && text.as_bytes()[19] == b'.' => {
            text.into()
        }
        Some(ms) => iso(ms).into(),
        None => text.into(),
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn done(&self) -> bool {
        self.at == self.bytes.len()
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let digits = self.bytes.get(self.at..self.at + count)?;
        self.at += count;
        digits.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
    }

    fn after(&mut self, mark: u8, count: usize) -> Option<i64> {
        (self.peek()? == mark).then_some(())?;
        self.at += 1;
        self.digits(count)
    }

    fn fraction(&mut self) -> Option<i64> {
        if self.peek() != Some(b'.') {
            return Some(0);
        }
        self.at += 1;
        let (start, mut milli, mut scale) = (self.at, 0, 100);
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            milli += i64::from(digit - b'0') * scale;
            scale /= 10;
            self.at += 1;
        }
        (self.at > start).then_some(milli)
    }

    /// Returns minutes east of UTC.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.peek()? {
            b'Z' => {
                self.at += 1;
                return Some(0);
            }
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.at += 1;
        let (hours, minutes) = (self.digits(2)?, self.after(b':', 2)?);
        (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar. Years begin in March here, so that the leap day is last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * of_era + of_era / 4 - of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let civil_month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + of_era + i64::from(civil_month <= 2);
    (year, civil_month, of_year - (153 * month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_there_and_back() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_827_696_789, "2000-02-29T12:34:56.789Z"),
            (1_795_254_902_123, "2026-11-21T09:55:02.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(iso(ms), text);
            assert_eq!(parse_iso(text), Some(ms));
        }
        for day in (-200_000..200_000).step_by(13) {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, month, date), day);
        }
    }

    #[test]
    fn other_forms_are_read_or_refused() {
        assert_eq!(parse_iso("1970-01-01"), Some(0));
        assert_eq!(parse_iso("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(parse_iso("1970-01-01T00:00Z"), Some(0));
        assert_eq!(parse_iso("1970-01-01T00:00:00.0019Z"), Some(1));
        for bad in [
            "",
            "soon",
            "1970-13-01",
            "1970-02-29",
            "1970-01-01T00:00:00",
            "1970-01-01T25:00:00Z",
            "1970-01-01T00:00:00Zx",
        ] {
            assert_eq!(parse_iso(bad), None, "{bad}");
        }
    }
}
