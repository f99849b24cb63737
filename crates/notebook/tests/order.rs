//! The order of cells: rows 86 to 90. That a million random pairs hold is a test beside the code.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support {
    pub mod making;
}

use purlin_notebook::order::{Places, Spot, between, of_position, spread};
use purlin_notebook::{CellId, CellType, Event, MemoryStore, Store, StoreExt};
use support::making::{cell, store};

/// Random numbers by a seed.
fn seeded(mut seed: u64) -> impl FnMut() -> u32 {
    move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as u32
    }
}

fn keyed(id: &str, key: &str) -> Event {
    Event::CellCreated2 {
        id: id.into(),
        fractional_index: key.into(),
        cell_type: CellType::Code,
        created_by: "u".into(),
    }
}

fn order(store: &MemoryStore) -> String {
    store.cells().unwrap().iter().map(|cell| cell.id.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn row_086_before_the_lowest_keys_there_is_a_smaller_one_or_no_room() {
    let before = |key| between(None, Some(key), &mut || 0);
    let error = before("0").unwrap_err();
    assert_eq!((error.after.as_str(), error.before.as_str()), ("", "0"));
    assert_eq!(before("00").unwrap(), "0");
    assert_eq!(before("000").unwrap(), "0");
    assert!(before("00000").unwrap().as_str() < "00000");
    assert!(before("01").unwrap().as_str() < "01");
    assert!(before("1").unwrap().as_str() < "1");
    // Whoever places a cell there gets a place all the same.
    let places = Places::new([("a".into(), Some("0".to_owned()))]);
    let found = places.insert(&Spot::First, &mut || 0);
    assert!(
        matches!(&found.moves[..], [Event::CellMoved2 { fractional_index, .. }] if *fractional_index > found.fractional_index)
    );
}

#[test]
fn row_087_where_there_is_no_room_all_cells_get_new_keys() {
    for (a, b) in [("m", "m0"), ("m", "m"), ("Z", "a"), ("n", "m"), ("b0", "az"), ("m0z", "m0a")] {
        assert!(between(Some(a), Some(b), &mut || 0).is_err(), "{a} {b}");
    }
    let store = store(&[keyed("a", "m"), keyed("b", "m0"), keyed("c", "x")]);
    let found = store.place_cell(&Spot::After("a".into()), &mut seeded(1)).unwrap();
    assert_eq!(found.moves.len(), 3);
    store.commit(&[found.moves, vec![keyed("new", &found.fractional_index)]].concat()).unwrap();
    assert_eq!(order(&store), "a new b c");
    // Afterwards there is room everywhere.
    for at in ["a", "new", "b", "c"] {
        let found = store.place_cell(&Spot::After(at.into()), &mut seeded(2)).unwrap();
        assert!(found.moves.is_empty());
    }
    assert!(store.place_cell(&Spot::First, &mut seeded(3)).unwrap().moves.is_empty());
}

#[test]
fn row_088_keys_come_from_the_seed_and_stay_short() {
    let append = |seed: u64| {
        let (mut jitter, mut keys) = (seeded(seed), Vec::<String>::new());
        for _ in 0..100 {
            keys.push(between(keys.last().map(String::as_str), None, &mut jitter).unwrap());
        }
        keys
    };
    assert_eq!(append(5), append(5));
    assert_ne!(append(5), append(6));
    let keys = append(7);
    assert!(keys.is_sorted_by(|a, b| a < b));
    assert!(
        keys.iter()
            .all(|key| key.len() < 20 && key.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()))
    );
    let store = store(&[]);
    for n in 0..100 {
        let key = store.place_cell(&Spot::Last, &mut seeded(n)).unwrap().fractional_index;
        assert!(key.len() < 20);
        store.commit(&[keyed(&format!("c{n}"), &key)]).unwrap();
    }
    assert_eq!(store.last_cell().unwrap().unwrap().id.as_str(), "c99");
}

#[test]
fn row_089_a_move_to_the_same_place_is_no_event() {
    let places = || Places::new(["a", "b", "c"].map(|id| (CellId::from(id), Some(format!("m{id}")))));
    let moves = |id: &str, spot: Spot| places().move_to(&id.into(), &spot, &mut seeded(1)).len();
    let (after, before) = (|id: &str| Spot::After(id.into()), |id: &str| Spot::Before(id.into()));
    for (id, spot) in [
        ("a", Spot::First),
        ("a", before("b")),
        ("b", after("a")),
        ("b", before("c")),
        ("b", after("b")),
        ("b", before("b")),
        ("c", Spot::Last),
        ("c", after("b")),
        ("nobody", Spot::First),
    ] {
        assert_eq!(moves(id, spot.clone()), 0, "{id} {spot:?}");
    }
    for (id, spot) in
        [("a", Spot::Last), ("a", after("b")), ("c", Spot::First), ("c", after("a")), ("b", Spot::Last)]
    {
        assert_eq!(moves(id, spot.clone()), 1, "{id} {spot:?}");
    }
    // A cell without a key is left alone, and one goes behind it all the same.
    let places = Places::new([("x".into(), None), ("y".into(), Some("m".to_owned()))]);
    assert!(places.move_to(&"x".into(), &Spot::Last, &mut seeded(1)).is_empty());
    let found = places.insert(&Spot::After("x".into()), &mut seeded(1));
    assert!(found.moves.is_empty() && found.fractional_index.as_str() < "m");
    let found = places.insert(&Spot::Before("x".into()), &mut seeded(1));
    assert_eq!(found.moves.len(), 2, "before it nothing fits, so that it gets a key too");
}

#[test]
fn row_089_moves_give_the_order_that_was_asked_for() {
    let store = store(&["a", "b", "c", "d"].map(cell));
    for (id, spot, expected) in [
        ("d", Spot::First, "d a b c"),
        ("a", Spot::Last, "d b c a"),
        ("c", Spot::After("d".into()), "d c b a"),
        ("a", Spot::Before("b".into()), "d c a b"),
        ("a", Spot::Before("b".into()), "d c a b"),
        ("b", Spot::After("nobody".into()), "d c a b"),
        ("b", Spot::Before("nobody".into()), "b d c a"),
    ] {
        let events = store.move_cell(&id.into(), &spot, &mut seeded(9)).unwrap();
        store.commit(&events).unwrap();
        assert_eq!(order(&store), expected);
    }
}

/// Whatever the keys were: the order stays, the new cell stands where it was wanted, and there is room everywhere.
#[test]
fn row_087_new_keys_keep_the_order_and_leave_room_everywhere() {
    let mut random = seeded(11);
    for _ in 0..300 {
        let count = (random() % 12) as usize;
        // Few digits, so that keys collide, end in zeros and leave no room.
        let mut keys: Vec<String> = (0..count)
            .map(|_| (0..=random() % 3).map(|_| ['0', '1', 'M'][(random() % 3) as usize]).collect())
            .collect();
        keys.sort();
        let ids: Vec<CellId> = (0..count).map(|n| CellId::from(format!("c{n:02}"))).collect();
        let places = Places::new(ids.iter().cloned().zip(keys.into_iter().map(Some)));
        let at = random() as usize % (count + 1);
        let spot = ids.get(at).map_or(Spot::Last, |id| Spot::Before(id.clone()));
        let found = places.insert(&spot, &mut random);
        if found.moves.is_empty() {
            continue;
        }
        let mut all = spread(count + 1);
        assert_eq!(found.fractional_index, all[at]);
        all.remove(at);
        let moved: Vec<(CellId, String)> = found
            .moves
            .into_iter()
            .map(|event| match event {
                Event::CellMoved2 { id, fractional_index, actor_id: None } => (id, fractional_index),
                other => panic!("{other}"),
            })
            .collect();
        assert!(moved.iter().all(|(id, key)| all[ids.iter().position(|known| known == id).unwrap()] == *key));
        for pair in spread(count + 1).windows(2) {
            assert!(between(Some(&pair[0]), Some(&pair[1]), &mut random).is_ok());
        }
    }
}

#[test]
fn row_090_positions_of_the_first_generation_keep_their_order() {
    let positions = [-1e9, -1296.0, -36.0, -1.0, 0.0, 0.5, 1.0, 2.0, 35.0, 36.0, 37.0, 1295.0, 1296.0, 1e9];
    let keys: Vec<String> = positions.iter().map(|position| of_position(*position)).collect();
    assert!(keys.is_sorted(), "{keys:?}");
    assert!(keys.iter().all(|key| key.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())));
    // A new cell fits between any two of them.
    for pair in keys.windows(2).filter(|pair| pair[0] != pair[1]) {
        assert!(between(Some(&pair[0]), Some(&pair[1]), &mut || 1).is_ok(), "{pair:?}");
    }
}

#[test]
fn row_090_cells_of_both_generations_have_one_order() {
    let v1 = |id: &str, position: f64| Event::CellCreated {
        id: id.into(),
        cell_type: CellType::Code,
        position,
        created_by: "u".into(),
        actor_id: None,
    };
    // Two of the second generation share a key, one stands between two of the first, and one has a key of theirs.
    let cells = [
        v1("p", 36.0),
        v1("q", 2.0),
        v1("r", 1.0),
        cell("z"),
        cell("a"),
        keyed("between", "a1i"),
        keyed("equal", "a2"),
    ];
    // In whatever order a replica has heard of them.
    let mut random = seeded(90);
    for _ in 0..200 {
        let mut heard = cells.to_vec();
        for last in (1..heard.len()).rev() {
            heard.swap(last, random() as usize % (last + 1));
        }
        let store = store(&heard);
        assert_eq!(order(&store), "r between equal q p a z");
        assert_eq!(store.last_cell().unwrap().unwrap().id.as_str(), "z");
    }
}
