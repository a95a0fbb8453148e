//! The till as a cashier has it: the real program in its own process, with a scanner and a printer at its cables,
//! against a real server and the wallet simulator. What breaks here is what breaks in a shop: plugs, cables, paper,
//! disks, clocks and fingers. Each story holds the till's journal, the server's books and the wallet's own books
//! against each other in the end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at what it does not expect, and so do its helpers"
)]

#[path = "tills/blocked.rs"]
mod blocked;
#[path = "tills/cashiers.rs"]
mod cashiers;
#[path = "tills/crash.rs"]
mod crash;
#[path = "tills/customer.rs"]
mod customer;
#[path = "tills/desk.rs"]
mod desk;
#[path = "tills/devices.rs"]
mod devices;
#[path = "tills/disk.rs"]
mod disk;
#[path = "tills/goods.rs"]
mod goods;
#[path = "tills/journal.rs"]
mod journal;
#[path = "tills/kiosk.rs"]
mod kiosk;
#[path = "tills/line.rs"]
mod line;
#[path = "tills/relay.rs"]
mod relay;
#[path = "tills/showing.rs"]
mod showing;
#[path = "tills/shown.rs"]
mod shown;
#[path = "tills/touches.rs"]
mod touches;
#[path = "tills/training.rs"]
mod training;
#[path = "tills/twice.rs"]
mod twice;
