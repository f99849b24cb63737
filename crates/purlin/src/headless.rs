//! The headless run (`-p`).

pub mod answer;
