//! The letters of the screens and of receipts as files.

/// The screens' font, and that of receipts as files.
pub const FONT: &[u8] = include_bytes!("../../ui/fonts/NotoSansSC-Regular.otf");
