//! Cell order: fractional keys over `0-9a-z`, compared as bytes, tie by cell id.
//!
//! A key stands strictly between its neighbours, so that moving a cell changes that cell alone. Keys that we make never
//! end in `0`, which keeps room below each of them; keys of other applications may, and then [`between`] can answer
//! [`NoRoom`]. Whoever makes or moves a cell asks [`Places`] (or, with a store at hand,
//! [`StoreExt::place_cell`](crate::StoreExt::place_cell) and [`StoreExt::move_cell`](crate::StoreExt::move_cell)),
//! which then writes new keys for all cells.

mod place;

pub use place::{Placed, Places, Spot};

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const BASE: u32 = 36;

/// There is no key between the two, or they are no pair of keys in order; new keys for all cells make room.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no room for a cell between `{after}` and `{before}`")]
pub struct NoRoom {
    /// The key after which one was wanted; empty for the beginning.
    pub after: String,
    /// The key before which one was wanted; empty for the end.
    pub before: String,
}

/// Makes a key strictly between two others; `None` is the beginning or the end.
///
/// `jitter` gives random numbers, from which the choice among several free keys is made, so that two people who insert
/// at one place seldom make the same key. Equal numbers make equal keys.
pub fn between(a: Option<&str>, b: Option<&str>, jitter: &mut dyn FnMut() -> u32) -> Result<String, NoRoom> {
    let no_room =
        || NoRoom { after: a.unwrap_or_default().to_owned(), before: b.unwrap_or_default().to_owned() };
    let low = digits(a.unwrap_or_default()).ok_or_else(no_room)?;
    let high = b.map(digits).transpose_or(no_room)?;
    let key = match &high {
        None if a.is_none() => vec![22 - (jitter() % 3) as u8],
        None => after(&low, jitter),
        Some(high) => inside(&low, high, jitter).ok_or_else(no_room)?,
    };
    Ok(key.iter().map(|digit| char::from(DIGITS[usize::from(*digit)])).collect())
}

/// Makes `count` keys in order, evenly spread, with room before the first, between all, and after the last.
pub fn spread(count: usize) -> Vec<String> {
    let mut width = 2;
    while 36_u128.pow(width) < (count as u128 + 1) * 36 {
        width += 1;
    }
    let step = 36_u128.pow(width) / (count as u128 + 1);
    (1..=count as u128).map(|n| fixed(n * step, width)).collect()
}

/// Gives v1 positions a key in their own order. Fractions count as the whole number below.
///
/// The base applications write `a` and the number in base 36, which puts 36 between 1 and 2. Here the number's length
/// comes first, so that bytes and numbers agree: `a0`…`az`, `b10`…`bzz`, `c100`… and negative numbers below.
pub fn of_position(position: f64) -> String {
    let whole = position.floor();
    let mut rest = whole.abs().min(1e14) as u64;
    let mut number = Vec::new();
    loop {
        number.push((rest % 36) as u8);
        rest /= 36;
        if rest == 0 {
            break;
        }
    }
    number.reverse();
    let length = number.len() as u8;
    let head = if whole < 0.0 { 9 - length.min(9) } else { 9 + length };
    if whole < 0.0 {
        // The larger the number below zero, the smaller its key.
        for digit in &mut number {
            *digit = 35 - *digit;
        }
    }
    std::iter::once(head).chain(number).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

fn digits(key: &str) -> Option<Vec<u8>> {
    let mut digits = Vec::with_capacity(key.len());
    for byte in key.bytes() {
        digits.push(match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'z' => byte - b'a' + 10,
            _ => return None,
        });
    }
    Some(digits)
}

/// `Option<Option<T>>` to `Result<Option<T>, E>`: a key that is there must be readable.
trait TransposeOr<T> {
    fn transpose_or<E>(self, error: impl Fn() -> E) -> Result<Option<T>, E>;
}

impl<T> TransposeOr<T> for Option<Option<T>> {
    fn transpose_or<E>(self, error: impl Fn() -> E) -> Result<Option<T>, E> {
        match self {
            None => Ok(None),
            Some(Some(value)) => Ok(Some(value)),
            Some(None) => Err(error()),
        }
    }
}

/// A key after all others.
///
/// Leading `z`s say how wide the number behind them is: none one digit, one two digits, two four, and so on. The number
/// grows by a little; where it would run over, one more `z` opens a wider one. So the length of a key grows with the
/// logarithm of how many were appended.
fn after(low: &[u8], jitter: &mut dyn FnMut() -> u32) -> Vec<u8> {
    let zs = low.iter().take_while(|digit| **digit == 35).count();
    let width = 1_u32 << zs.min(4);
    let number = (0..width as usize)
        .fold(0_u128, |n, place| n * 36 + u128::from(low.get(zs + place).copied().unwrap_or(0)));
    let mut next = number + 1 + if width == 1 { 0 } else { u128::from(jitter() % 3) };
    if next % 36 == 0 {
        next += 1;
    }
    if next >= 35 * 36_u128.pow(width - 1) {
        let mut key = vec![35; zs + 1];
        key.resize(zs + 1 + (1_usize << (zs + 1).min(4)) - 1, 0);
        key.push(1);
        return key;
    }
    let mut key = vec![35; zs];
    key.extend((0..width).rev().map(|place| (next / 36_u128.pow(place) % 36) as u8));
    key
}

/// A key strictly inside, or nothing.
fn inside(low: &[u8], high: &[u8], jitter: &mut dyn FnMut() -> u32) -> Option<Vec<u8>> {
    if low >= high {
        return None;
    }
    if high.starts_with(low) && high[low.len()..].iter().all(|digit| *digit == 0) {
        // `m` and `m0`, `m00`: only keys that end in `0` are between, and there may be none.
        let zeros = high.len() - low.len();
        return (zeros > 1).then(|| [low, &vec![0; zeros / 2]].concat());
    }
    let at = |key: &[u8], place: usize| key.get(place).copied();
    let mut key = Vec::new();
    let mut place = 0;
    // Below the first difference the upper bound is gone and only the lower one counts.
    loop {
        let floor = at(low, place).map_or(0, u32::from);
        let ceiling = at(high, place).map(u32::from)?;
        if ceiling > floor + 1 {
            key.push(middle(floor, ceiling, jitter));
            return Some(key);
        }
        key.push(floor as u8);
        place += 1;
        if ceiling == floor + 1 {
            break;
        }
    }
    loop {
        let floor = at(low, place).map_or(0, u32::from);
        if floor < 35 {
            key.push(middle(floor, BASE, jitter));
            return Some(key);
        }
        key.push(35);
        place += 1;
    }
}

/// A digit above `floor` and below `ceiling`, about half way.
fn middle(floor: u32, ceiling: u32, jitter: &mut dyn FnMut() -> u32) -> u8 {
    let room = ceiling - floor - 1;
    let half = floor + 1 + (room - 1) / 2;
    let sway = (room / 6).min(3);
    let moved = if sway == 0 { half } else { half - sway + jitter() % (2 * sway + 1) };
    moved as u8
}

fn fixed(mut number: u128, width: u32) -> String {
    let mut key = Vec::new();
    for _ in 0..width {
        key.push(DIGITS[(number % 36) as usize]);
        number /= 36;
    }
    key.reverse();
    while key.len() > 1 && key.last() == Some(&b'0') {
        key.pop();
    }
    key.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests;
