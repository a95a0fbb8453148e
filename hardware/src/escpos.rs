//! ESC/POS: documents to bytes, bytes to status. Pure.

pub mod characters;
pub mod document;
pub mod encode;
pub mod layout;
pub mod profile;
pub mod qr;
pub mod status;
