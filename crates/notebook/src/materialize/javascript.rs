//! Values as JavaScript writes them, because the base applications store what `String(…)` answers.

use serde_json::{Number, Value};

/// Up to here every whole number is one of JavaScript's, which are floating-point numbers of 64 bits.
const EXACT: u64 = 1 << 53;

/// Writes a value as `String(value)` does.
pub(super) fn string(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(_) => "[object Object]".to_owned(),
        Value::Array(items) => {
            let items = items.iter().map(|item| if item.is_null() { String::new() } else { string(item) });
            items.collect::<Vec<_>>().join(",")
        }
        Value::Number(exact) => number(exact),
        other => other.to_string(),
    }
}

fn number(number: &Number) -> String {
    let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
    match (magnitude, number.as_f64()) {
        (None, Some(real)) => float(real),
        // JavaScript reads a larger one as the nearest that it has.
        (Some(magnitude), Some(real)) if magnitude > EXACT => float(real),
        _ => number.to_string(),
    }
}

/// Writes a finite number as `Number::toString` of ECMAScript (6.1.6.1.20): the fewest digits that are read back as the
/// same number, and an exponent from 1e21 on and below 1e-6.
fn float(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let sign = if number < 0.0 { "-" } else { "" };
    // Digits and exponent as in `1.25e-7`; they are the fewest, too.
    let shortest = format!("{:e}", number.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (count, point) = (digits.len() as i32, exponent + 1);
    let text = if count <= point && point <= 21 {
        format!("{digits}{}", "0".repeat((point - count) as usize))
    } else if 0 < point && point <= 21 {
        let (whole, fraction) = digits.split_at(point as usize);
        format!("{whole}.{fraction}")
    } else if -6 < point && point <= 0 {
        format!("0.{}{digits}", "0".repeat(-point as usize))
    } else {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        format!("{first}{dot}{rest}e{exponent:+}")
    };
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// JSON texts, and what `String(JSON.parse(text))` answers; recorded with Node 20.
    #[rustfmt::skip]
    const RECORDED: &[(&str, &str)] = &[
        ("0", "0"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("0.0", "0"),
        ("1", "1"),
        ("-1", "-1"),
        ("2.0", "2"),
        ("1.5", "1.5"),
        ("-1.5", "-1.5"),
        ("100", "100"),
        ("1e2", "100"),
        ("123456789", "123456789"),
        ("0.1", "0.1"),
        ("0.2", "0.2"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("1e20", "100000000000000000000"),
        ("1e21", "1e+21"),
        ("-1e21", "-1e+21"),
        ("1.5e21", "1.5e+21"),
        ("123456789012345680000", "123456789012345680000"),
        ("1234567890123456800000", "1.2345678901234568e+21"),
        ("999999999999999900000", "999999999999999900000"),
        ("1e-6", "0.000001"),
        ("1e-7", "1e-7"),
        ("1.5e-7", "1.5e-7"),
        ("-1.5e-7", "-1.5e-7"),
        ("0.000001234", "0.000001234"),
        ("0.0000001234", "1.234e-7"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("9007199254740991", "9007199254740991"),
        ("9007199254740992", "9007199254740992"),
        ("9007199254740993", "9007199254740992"),
        ("-9007199254740993", "-9007199254740992"),
        ("9223372036854775807", "9223372036854776000"),
        ("-9223372036854775808", "-9223372036854776000"),
        ("18446744073709551615", "18446744073709552000"),
        ("18446744073709551616", "18446744073709552000"),
        ("12345678901234567890123", "1.2345678901234568e+22"),
        ("1e100", "1e+100"),
        ("1.0000000000000002", "1.0000000000000002"),
        ("4.35", "4.35"),
        ("100000000000000000000.5", "100000000000000000000"),
        ("0.1e-6", "1e-7"),
        ("2e-7", "2e-7"),
        ("3.0e0", "3"),
        ("1e300", "1e+300"),
        ("-5e-324", "-5e-324"),
        ("[1,null,2.0,[-0,1e21],true,{\"a\":1},\"x\"]", "1,,2,0,1e+21,true,[object Object],x"),
        ("[]", ""),
        ("[null]", ""),
        ("{}", "[object Object]"),
        ("true", "true"),
        ("false", "false"),
        ("null", "null"),
        ("\"t\"", "t"),
    ];

    #[test]
    fn values_are_written_as_javascript_writes_them() {
        for (json, expected) in RECORDED {
            let value: Value = serde_json::from_str(json).unwrap();
            assert_eq!(string(&value), *expected, "{json}");
        }
    }

    #[test]
    fn a_number_is_read_back_as_itself() {
        let mut bits: u64 = 1;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = f64::from_bits(bits);
            if number.is_finite() {
                assert_eq!(float(number).parse::<f64>().unwrap().to_bits(), number.to_bits(), "{number:e}");
            }
        }
    }
}
