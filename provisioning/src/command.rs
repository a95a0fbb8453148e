//! The commands, a file each, and what they share.

pub mod catalogue_import;
pub mod catalogue_pictures;
pub mod group_add;
pub mod group_change;
pub mod group_list;
pub mod group_move;
pub mod order_accept;
pub mod server_add;
pub mod staff_add;
pub mod staff_card;
pub mod staff_leave;
pub mod staff_list;
pub mod staff_pin;
pub mod status;
pub mod store_create;
pub mod store_renew;
pub mod terminal_activate;
pub mod terminal_block;
pub mod terminal_code;
pub mod terminal_list;
pub mod terminal_retire;

mod ask;
mod connection;
mod product_csv;
mod table;

/// What a command has to say: to people, to programs, and as exit status.
pub struct Report {
    /// For people.
    pub text: String,
    /// For programs: one JSON object.
    pub data: serde_json::Value,
    /// Whether all is well.
    pub good: bool,
}

impl Report {
    /// All is well.
    pub fn good(text: String, mut data: serde_json::Value) -> Self {
        data["ok"] = true.into();
        Self { text, data, good: true }
    }
}

/// How a command ends.
pub type Outcome = Result<Report, Box<dyn std::error::Error>>;
