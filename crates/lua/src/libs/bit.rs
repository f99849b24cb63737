//! `bit`: 32-bit operations as `LuaJIT` has them, with signed results.

use mlua::{Lua, Table, Variadic};

/// Fills the global `bit`.
pub(super) fn fill(lua: &Lua, bit: &Table) -> mlua::Result<()> {
    one(lua, bit, "tobit", |x| x)?;
    one(lua, bit, "bnot", |x| !x)?;
    one(lua, bit, "bswap", u32::swap_bytes)?;
    fold(lua, bit, "band", |a, b| a & b)?;
    fold(lua, bit, "bor", |a, b| a | b)?;
    fold(lua, bit, "bxor", |a, b| a ^ b)?;
    shift(lua, bit, "lshift", |x, n| x << n)?;
    shift(lua, bit, "rshift", |x, n| x >> n)?;
    shift(lua, bit, "arshift", |x, n| ((x as i32) >> n) as u32)?;
    shift(lua, bit, "rol", u32::rotate_left)?;
    shift(lua, bit, "ror", u32::rotate_right)?;
    bit.raw_set(
        "tohex",
        lua.create_function(|_, (x, n): (f64, Option<i64>)| Ok(to_hex(wrap(x), n.unwrap_or(8))))?,
    )
}

/// The number modulo 2^32.
fn wrap(number: f64) -> u32 {
    if !number.is_finite() {
        return 0;
    }
    number.round_ties_even().rem_euclid(4_294_967_296.0) as u32
}

fn signed(bits: u32) -> i64 {
    i64::from(bits as i32)
}

fn one(lua: &Lua, bit: &Table, name: &str, run: fn(u32) -> u32) -> mlua::Result<()> {
    bit.raw_set(name, lua.create_function(move |_, x: f64| Ok(signed(run(wrap(x)))))?)
}

fn fold(lua: &Lua, bit: &Table, name: &str, run: fn(u32, u32) -> u32) -> mlua::Result<()> {
    let function = lua.create_function(move |_, (first, rest): (f64, Variadic<f64>)| {
        Ok(signed(rest.iter().fold(wrap(first), |bits, next| run(bits, wrap(*next)))))
    })?;
    bit.raw_set(name, function)
}

fn shift(lua: &Lua, bit: &Table, name: &str, run: fn(u32, u32) -> u32) -> mlua::Result<()> {
    let function =
        lua.create_function(move |_, (x, n): (f64, f64)| Ok(signed(run(wrap(x), wrap(n) & 31))))?;
    bit.raw_set(name, function)
}

fn to_hex(bits: u32, digits: i64) -> String {
    let count = digits.unsigned_abs().min(8) as usize;
    let text = if digits < 0 { format!("{bits:08X}") } else { format!("{bits:08x}") };
    text[8 - count..].to_owned()
}
