//! The agent's behaviours on a memory store, a virtual clock and scripted models.

mod providers;
mod recovery;
mod session;
mod tools;
mod transcript;
mod turns;
mod wires;
mod world;
