//! ESC/POS: documents to bytes, bytes to status. Pure.

pub mod barcode;
pub mod characters;
pub mod code_pages;
pub mod document;
pub mod encode;
pub mod layout;
pub mod letters;
pub mod logo;
pub mod picture;
pub mod profile;
pub mod qr;
pub mod status;
