//! Who may log in at tills.

use crate::cashier::Cashier;
use crate::protocol::staff::Role;
use crate::secret::SecretText;
use serde::{Deserialize, Deserializer, Serialize};

/// Somebody with a PIN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TillPerson {
    /// The name that they log in with.
    pub login: String,
    /// The name that others see.
    pub name: String,
    /// What they may do. A role of a newer server is read as a cashier's: nobody holds fewer rights.
    #[serde(deserialize_with = "role_or_cashier")]
    pub role: Role,
    /// What their PIN is checked against: argon2id, PHC string. So few digits are found by trying all of them, so it
    /// is kept like a secret; and whoever has found them can say a name at this store's tills, and nothing else.
    pub verifier: SecretText,
}

fn role_or_cashier<'de, D: Deserializer<'de>>(from: D) -> Result<Role, D::Error> {
    let word = String::deserialize(from)?;
    Ok(Role::from_word(&word).unwrap_or(Role::Cashier))
}

impl TillPerson {
    /// As a sale names them.
    #[must_use]
    pub fn cashier(&self) -> Cashier {
        Cashier { login: self.login.clone(), name: self.name.clone() }
    }
}

/// The answer to `GET /v1/staff?since=N`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TillStaff {
    /// The version of what follows.
    pub version: u64,
    /// All who have a PIN and have not left, by login; or nothing where `since` is this version already. Nobody: then
    /// tills work without a lock.
    pub people: Option<Vec<TillPerson>>,
}
