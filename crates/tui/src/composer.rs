//! composer
pub mod rows;
pub mod view;
