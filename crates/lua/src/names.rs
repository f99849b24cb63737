//! Names that Lua code uses again and again: buffers, windows, variables.
//!
//! The interpreter keeps each text once, so a text that is held has an address of its own. Found by that, a name needs
//! neither a copy nor a look at its bytes.

use std::cell::RefCell;
use std::rc::Rc;

use mlua::LuaString;

/// How many are remembered; a newcomer takes the place of whoever has the same remainder.
const PLACES: usize = 64;
/// A longer text is no name.
const LONGEST: usize = 128;

/// The names used latest.
pub(crate) struct Names(RefCell<Vec<Option<Known>>>);

struct Known {
    /// Where the interpreter keeps it; `held` keeps it there.
    address: usize,
    _held: LuaString,
    name: Rc<str>,
}

impl Default for Names {
    fn default() -> Self {
        Self(RefCell::new((0..PLACES).map(|_| None).collect()))
    }
}

impl Names {
    /// The text of a string; nothing if it is not UTF-8.
    pub(crate) fn get(&self, text: &LuaString) -> Option<Rc<str>> {
        let address = text.to_pointer() as usize;
        let place = (address >> 4) % PLACES;
        if let Some(known) = &self.0.borrow()[place]
            && known.address == address
        {
            return Some(Rc::clone(&known.name));
        }
        let name: Rc<str> = Rc::from(&*text.to_str().ok()?);
        if name.len() <= LONGEST {
            let known = Known { address, _held: text.clone(), name: Rc::clone(&name) };
            let before = self.0.borrow_mut()[place].replace(known);
            drop(before);
        }
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlua::Lua;

    #[test]
    fn a_name_is_itself_however_often_and_after_whatever() {
        let (lua, names) = (Lua::new(), Names::default());
        for round in 0..3 {
            for number in 0..1_000 {
                let text = format!("name {}", number % 200);
                let given = lua.create_string(&text).expect("a string");
                assert_eq!(names.get(&given).as_deref(), Some(text.as_str()), "round {round}");
            }
            lua.gc_collect().expect("nothing objects");
        }
        assert_eq!(names.get(&lua.create_string(b"\xff").expect("a string")), None);
        let long = "x".repeat(1_000);
        assert_eq!(names.get(&lua.create_string(&long).expect("a string")).as_deref(), Some(long.as_str()));
    }
}
