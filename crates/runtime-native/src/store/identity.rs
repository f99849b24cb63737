//! Who a replica is: the installation's id, and one for each run.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use purlin_notebook::{NotebookId, Replica};

use crate::{Paths, private};

/// Finds out who this replica is: the installation's id, kept beside the notebooks, and a new one for this run.
pub(super) fn replica(paths: &Paths, store_id: NotebookId) -> Replica {
    let file = paths.data.join("client-id");
    let kept = || fs::read_to_string(&file).ok().map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
    let client_id = kept().unwrap_or_else(|| {
        let id = random_id();
        let made =
            private::folder(&paths.data).and_then(|()| private::options().create_new(true).open(&file));
        match made.and_then(|mut file| file.write_all(id.as_bytes())) {
            Ok(()) => id,
            // Another process was faster; or nothing can be kept, and this run has an id of its own.
            Err(_) => kept().unwrap_or(id),
        }
    });
    Replica { store_id, client_id, session_id: random_id() }
}

/// Makes a random UUID.
pub(crate) fn random_id() -> String {
    let mut bytes = [0; 16];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    if read.is_err() {
        // Without a source of randomness, time and process are what tells two runs apart.
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        bytes = (nanos ^ (u128::from(std::process::id()) << 96)).to_be_bytes();
    }
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}
