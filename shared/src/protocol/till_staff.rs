//! Who may log in at tills.

use crate::cashier::Cashier;
use crate::protocol::staff::Role;
use crate::secret::SecretText;
use crate::staff_card::CardMark;
use serde::{Deserialize, Deserializer, Serialize};

/// At the end of the question for the list: this till knows of staff cards. Others are told of none.
pub const KNOWS_CARDS: &str = "&knows=cards";

/// Somebody with a PIN, with a card, or with both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TillPerson {
    /// The name that they log in with.
    pub login: String,
    /// The name that others see.
    pub name: String,
    /// What they may do. A role of a newer server is read as a cashier's: nobody holds fewer rights.
    #[serde(deserialize_with = "role_or_cashier")]
    pub role: Role,
    /// What their PIN is checked against, if they have one: argon2id, PHC string. So few digits are found by trying all of
    /// them, so it is kept like a secret; and whoever has found them can say a name at this store's tills, and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verifier: Option<SecretText>,
    /// What their card is known by, if they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardMark>,
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

    /// A PIN of theirs can be typed. Without one they approve nothing: a card says only who is there.
    #[must_use]
    pub fn has_pin(&self) -> bool {
        self.verifier.is_some()
    }
}

/// The answer to `GET /v1/staff?since=N`, with [`KNOWS_CARDS`] at its end from a till that knows of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TillStaff {
    /// The version of what follows.
    pub version: u64,
    /// All who may log in and have not left, by login; or nothing where `since` is this version already. Nobody: then
    /// tills work without a lock.
    pub people: Option<Vec<TillPerson>>,
}

impl TillStaff {
    /// For a till that knows of no cards: those with a PIN, each without the card. A till of before would read no list with
    /// somebody on it who has none.
    #[must_use]
    pub fn without_cards(self) -> Self {
        let with_pin = |person: TillPerson| person.has_pin().then_some(TillPerson { card: None, ..person });
        let people = self.people.map(|people| people.into_iter().filter_map(with_pin).collect());
        Self { people, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::staff_card::CardCode;
    use serde_json::{from_value, json, to_value};

    fn person(login: &str, pin: bool, card: bool) -> TillPerson {
        TillPerson {
            login: login.into(),
            name: login.into(),
            role: Role::Cashier,
            verifier: pin.then(|| SecretText::new("$argon2id$".into())),
            card: card.then(|| CardCode::of([3; 19]).mark()),
        }
    }

    #[test]
    fn a_list_from_before_cards_reads_and_tills_from_before_read_theirs() {
        let old = json!({
            "version": 2, "people": [{ "login": "li", "name": "li", "role": "cashier", "verifier": "$argon2id$" }],
        });
        let read: TillStaff = from_value(old.clone()).unwrap();
        assert_eq!(read.people.as_deref(), Some(&[person("li", true, false)][..]));
        let both = vec![person("bo", false, true), person("li", true, true)];
        let staff = TillStaff { version: 2, people: Some(both) };
        assert_eq!(to_value(staff.clone().without_cards()).unwrap(), old, "as it always was, to the letter");
        let back: TillStaff = from_value(to_value(&staff).unwrap()).unwrap();
        assert_eq!(back, staff);
        let nothing_new = TillStaff { version: 2, people: None };
        assert_eq!(nothing_new.clone().without_cards(), nothing_new);
    }
}
