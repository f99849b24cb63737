use super::*;

/// A small generator, so that the tests need none from outside.
struct Seed(u64);

impl Seed {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }
}

fn inside(a: &str, b: &str, key: &str) {
    assert!(a < key && key < b, "{a:?} < {key:?} < {b:?}");
    assert!(key.bytes().all(|b| DIGITS.contains(&b)), "{key:?}");
}

#[test]
fn row_086_a_million_random_pairs_have_a_key_inside_or_no_room() {
    let mut seed = Seed(1);
    let mut refused = 0;
    for _ in 0..1_000_000 {
        let mut key = || -> String {
            let length = 1 + seed.next() % 5;
            (0..length).map(|_| char::from(DIGITS[(seed.next() % 36) as usize])).collect()
        };
        let (a, b) = (key(), key());
        let (a, b) = if a < b { (a, b) } else { (b, a) };
        if let Ok(key) = between(Some(&a), Some(&b), &mut || seed.next()) {
            inside(&a, &b, &key);
        } else {
            assert!(a == b || b == format!("{a}0"), "{a:?} {b:?} have keys between them");
            refused += 1;
        }
    }
    assert!(refused > 0, "pairs without room are among them");
}

#[test]
fn there_is_no_room_where_no_key_exists() {
    for (a, b) in [(Some("m"), Some("m0")), (None, Some("0")), (Some("b"), Some("a")), (Some("M"), None)] {
        assert!(between(a, b, &mut || 0).is_err(), "{a:?} {b:?}");
    }
    assert!(between(None, Some("000"), &mut || 0).is_ok_and(|key| key.as_str() < "000"));
    assert_eq!(between(Some("m"), Some("m00"), &mut || 0).as_deref(), Ok("m0"));
}

#[test]
fn a_hundred_appends_stay_short_and_ten_thousand_too() {
    let mut seed = Seed(7);
    let mut last = between(None, None, &mut || seed.next()).unwrap();
    for n in 1..10_000 {
        let key = between(Some(&last), None, &mut || seed.next()).unwrap();
        assert!(last < key && !key.ends_with('0'));
        assert!(key.len() < if n < 100 { 4 } else { 8 }, "{key}");
        last = key;
    }
}

#[test]
fn inserting_at_one_place_keeps_room() {
    let mut seed = Seed(3);
    for at_the_front in [true, false] {
        let (mut a, mut b) = ("a".to_owned(), "b".to_owned());
        for _ in 0..300 {
            let key = between(Some(&a), Some(&b), &mut || seed.next()).unwrap();
            inside(&a, &b, &key);
            if at_the_front { b = key } else { a = key }
        }
    }
    let mut first = "m".to_owned();
    for _ in 0..300 {
        let key = between(None, Some(&first), &mut || seed.next()).unwrap();
        assert!(key < first);
        first = key;
    }
}

#[test]
fn equal_seeds_make_equal_keys() {
    let keys = |seed: u64| {
        let mut seed = Seed(seed);
        let mut jitter = || seed.next();
        (0..50).map(|_| between(Some("a"), Some("z"), &mut jitter).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(keys(5), keys(5));
    assert_ne!(keys(5), keys(6));
}

#[test]
fn spread_keys_are_in_order() {
    for count in [0, 1, 2, 35, 36, 1000, 50_000] {
        let keys = spread(count);
        assert_eq!(keys.len(), count);
        assert!(keys.is_sorted_by(|a, b| a < b));
        assert!(keys.iter().all(|key| !key.ends_with('0')));
    }
}

#[test]
fn positions_keep_their_order() {
    let keys: Vec<String> = (-3000..3000).map(|n| of_position(f64::from(n))).collect();
    assert!(keys.is_sorted_by(|a, b| a < b));
    assert_eq!(of_position(0.0), "a0");
    assert_eq!(of_position(35.9), "az");
    assert_eq!(of_position(36.0), "b10");
}
