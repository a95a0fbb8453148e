//! ESC/POS: documents to bytes, bytes to status. Pure.

pub mod encode;
pub mod letters;
pub mod logo;
pub mod picture;
pub mod profile;
pub mod qr;
pub mod status;

pub use evertill_shared::paper::{barcode, characters, code_pages, document, layout};
