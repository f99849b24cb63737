//! Identifiers: one newtype per kind of thing, so that a queue id is never passed for a cell id.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Returns the id as it is written on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Gives up the text of the id.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A notebook, which is also a store and a session as people see it.
    NotebookId,
    /// A cell.
    CellId,
    /// One output of a cell.
    OutputId,
    /// An entry of the execution queue, which is also the execution's id.
    QueueId,
    /// One run of a runtime agent.
    RuntimeSessionId,
}

impl NotebookId {
    /// Tells whether the id may name a store: letters, digits, `_` and `-`, 1 to 128 characters.
    ///
    /// The id becomes a file name and a part of addresses, so nothing else is let in.
    pub fn is_valid(&self) -> bool {
        (1..=128).contains(&self.0.len())
            && self.0.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    }
}

impl OutputId {
    /// Makes the id of a delta of this output: the last 17 characters of the output's id, which are the random half of
    /// an id of ours, and the delta's number. The store keeps no entry for such an id (see `output_deltas`).
    pub fn delta(&self, number: i64) -> String {
        format!("{}.{number}", half(&self.0))
    }

    /// Tells whether an id is the one that [`delta`](Self::delta) makes, without making it.
    pub(crate) fn is_delta(output: &str, number: i64, id: &str) -> bool {
        let rest = id.strip_prefix(half(output)).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|rest| rest == number.to_string())
    }
}

fn half(output: &str) -> &str {
    let start = output.char_indices().rev().nth(16).map_or(0, |(start, _)| start);
    &output[start..]
}
