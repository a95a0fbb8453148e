//! Scanners, printers, cash drawers and customer displays.
//!
//! This crate knows nothing of orders, money or the server: bytes come in and labels go out, documents come
//! in and paper comes out. Of the other crates it knows what paper is as data, and nothing else. Framing, labels and ESC/POS are pure; the drivers around them block, and are meant
//! to be called from a thread of their own.

#![warn(missing_docs)]

pub mod display;
pub mod drawer;
pub mod escpos;
pub mod label;
pub mod monotonic;
pub mod printer;
mod retry;
pub mod scanner;
pub mod serial_line;

pub use drawer::DrawerKick;
pub use escpos::document::{Align, Document, Size, Style};
pub use escpos::profile::Profile;
pub use label::{Label, LabelKind};
pub use monotonic::Monotonic;
pub use printer::{JobId, NotStarted, PrintOutcome, Printer, PrinterStatus, UnknownReason};
pub use scanner::{ScanText, ScannerEvent};
