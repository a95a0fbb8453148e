//! What brings a store and its tills into being, and lets them talk.
//!
//! * [`pki`]: the store's root certificate, the server's certificate and response key, a store's first files.
//! * [`keystore`]: the till's own key, sealed on its disk.
//! * [`client`]: signed requests from a till, answers believed only if they are signed and bound to the request;
//!   and the staff's own client.
//! * [`enrolment`]: the till's side of registering and waiting to be activated.
//!
//! The program `evertill-admin` is what IT runs; its commands are in `command/`, a file each.

pub mod client;
pub mod enrolment;
pub mod keystore;
pub mod password;
pub mod pki;

mod files;
mod key_format;
mod sealed;

pub use files::{FileError, read_secret_text};
