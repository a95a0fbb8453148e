//! What a wallet's folder says of itself, beyond the calls of its [`Channel`]: everything about it that the rest of the
//! server needs. Which wallets there are stands in [`super::registered`].

use super::Channel;
use super::files::Files;
use crate::config::Problem;
use evertill_shared::business_day::StoreZone;
use evertill_shared::clock::Clock;
use evertill_shared::money::Currency;
use evertill_shared::payment::Policy;
use evertill_shared::wallet::{Name, Wallet};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Secrets by name.
pub type Secrets = BTreeMap<String, Zeroizing<Vec<u8>>>;
/// A question to the wallet whether all fits together.
pub type Check = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
/// A channel, and that question.
pub type Opened = (Arc<dyn Channel>, Check);

/// A wallet, as its folder describes it.
pub trait Adapter: Sync {
    /// Which.
    fn wallet(&self) -> Wallet;
    /// When to ask about a payment, when to take it back and until when, as the wallet advises.
    fn timing(&self) -> Policy;
    /// By whose clock the wallet's days begin and end: its bills are of such days.
    fn days(&self) -> StoreZone;
    /// Whether an account there can take that currency.
    fn takes(&self, currency: Currency) -> bool;
    /// What people must say of an account there.
    fn form(&self) -> &'static Form;
    /// An account's settings from what people said, over what stood there: what the form does not show stays.
    fn settings(&self, said: &Said, before: &Value) -> Value;
    /// Reads an account's settings as they rest: JSON.
    ///
    /// # Errors
    /// In words: what is wrong with them.
    fn read(&self, text: &str) -> Result<Box<dyn AccountSettings>, String>;
}

/// An account's settings. Where they name files, they name sealed secrets instead in the base store.
pub trait AccountSettings: Send + Sync + Debug {
    /// At which wallet.
    fn wallet(&self) -> Wallet;
    /// The account's name at the wallet; of a service provider's, with the shop's that it acts for behind it.
    fn merchant(&self) -> String;
    /// As they rest: JSON. When payments are asked about is the wallet's affair, not the account's.
    ///
    /// # Errors
    /// They cannot be written, in words.
    fn text(&self) -> Result<String, String>;
    /// Whether codes can be shown by it.
    ///
    /// # Errors
    /// They cannot, and what it takes, in words for IT.
    fn can_show(&self) -> Result<(), &'static str>;
    /// When its payments are asked about.
    fn policy(&self) -> Policy;
    /// What is wrong with them, named as in the settings file.
    ///
    /// # Errors
    /// Something is.
    fn check(&self) -> Result<(), Problem>;
    /// What they name in the place of files, one after the other.
    fn paths(&self) -> Vec<&PathBuf>;
    /// The way to the wallet, and a question that tells whether all fits together. Calls nobody yet.
    ///
    /// # Errors
    /// In words: an address, a key or a certificate is wrong.
    fn open(&self, files: &Files, clock: &Arc<dyn Clock>) -> Result<Opened, String>;
    /// The same settings with names of secrets in the place of files, which are read into `taken`.
    ///
    /// # Errors
    /// In words: a file cannot be read.
    fn imported(&self, taken: &mut Taken) -> Result<Box<dyn AccountSettings>, String>;
}

/// What files held that became secrets.
#[derive(Default)]
pub struct Taken(pub Secrets);

impl Taken {
    /// Reads a file, and gives the name that stands in its place.
    ///
    /// # Errors
    /// It cannot be read, in words.
    pub fn file(&mut self, name: &str, file: &Path) -> Result<PathBuf, String> {
        let bytes =
            std::fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        self.0.insert(name.to_owned(), Zeroizing::new(bytes));
        Ok(name.into())
    }

    /// The same of one that need not be there.
    ///
    /// # Errors
    /// It is named and cannot be read, in words.
    pub fn optional(&mut self, name: &str, file: Option<&PathBuf>) -> Result<Option<PathBuf>, String> {
        file.map(|file| self.file(name, file)).transpose()
    }
}

/// A word in both languages.
pub const fn word(english: &'static str, chinese: &'static str) -> Name {
    Name { english, chinese }
}

/// What the console asks about an account at a wallet. What every wallet's has (a name, the store, amounts) is not in it.
#[derive(Debug)]
pub struct Form {
    /// Who it is at the wallet. The first is the account's own number there, which stays.
    pub who: &'static [Field],
    /// How the wallet is reached.
    pub how: &'static [Field],
    /// Its keys and certificates.
    pub secrets: &'static [Secret],
    /// Whether a new account shows codes unless people say otherwise.
    pub shows: bool,
}

impl Form {
    /// All fields, in their order.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.who.iter().chain(self.how)
    }
}

/// One field of the form.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in the form.
    pub name: &'static str,
    /// Where the settings have it: a JSON pointer.
    pub place: &'static str,
    /// What people read beside it.
    pub word: Name,
    /// And below that.
    pub hint: Option<Name>,
    /// What can be written there.
    pub kind: Kind,
}

/// What can be written into a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A line of at most so many characters, which may be empty.
    Line(u16),
    /// The same, and not empty.
    Needed(u16),
    /// The same as a line, and it stays once the account is there: payments rest on it.
    Stays(u16),
    /// On or off.
    Choice,
    /// Any number of words, one a line.
    List,
}

/// A key or a certificate.
#[derive(Clone, Copy, Debug)]
pub struct Secret {
    /// What it is called where it is sealed.
    pub name: &'static str,
    /// What people read beside it.
    pub word: Name,
}

/// What people said of an account.
pub struct Said<'a> {
    /// What stands in that field of the form; `on` or nothing for a choice.
    pub field: &'a dyn Fn(&str) -> String,
    /// Whether there is that secret, now or from before.
    pub has: &'a dyn Fn(&str) -> bool,
}

impl Said<'_> {
    /// What stands in a field.
    #[must_use]
    pub fn text(&self, field: &str) -> String {
        (self.field)(field)
    }

    /// What stands in a field; nothing if it is empty.
    #[must_use]
    pub fn optional(&self, field: &str) -> Option<String> {
        Some(self.text(field)).filter(|text| !text.is_empty())
    }

    /// Whether a choice is on.
    #[must_use]
    pub fn is_on(&self, field: &str) -> bool {
        self.text(field) == "on"
    }

    /// The words of a list; nothing if there are none.
    #[must_use]
    pub fn list(&self, field: &str) -> Option<Vec<String>> {
        let words: Vec<String> = self.text(field).split_whitespace().map(str::to_owned).collect();
        (!words.is_empty()).then_some(words)
    }

    /// That secret's name, in the place of a file's, if there is one.
    #[must_use]
    pub fn secret(&self, name: &'static str) -> Option<&'static str> {
        (self.has)(name).then_some(name)
    }
}

/// An account's settings as they were written down, of whichever wallet they are.
///
/// # Errors
/// In words, what cannot be read.
pub fn read_as<T: serde::de::DeserializeOwned + AccountSettings + 'static>(
    text: &str,
) -> Result<Box<dyn AccountSettings>, String> {
    let read: Result<T, _> = serde_json::from_str(text);
    read.map(|own| Box::new(own) as Box<dyn AccountSettings>)
        .map_err(|error| format!("the account's settings cannot be read: {error}"))
}

/// Writes into settings what is given; nothing stays as it was.
pub fn put(settings: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(value), Some(fields)) = (value, settings.as_object_mut()) {
        fields.insert(name.to_owned(), value);
    }
}

/// A policy of which the settings file names a part: the rest is this wallet's, not another's.
pub fn over<'de, D: serde::Deserializer<'de>>(timing: Policy, deserializer: D) -> Result<Policy, D::Error> {
    use serde::Deserialize;
    use serde::de::Error;
    let named: serde_json::Map<String, Value> = Deserialize::deserialize(deserializer)?;
    let mut whole = serde_json::to_value(timing).map_err(D::Error::custom)?;
    whole.as_object_mut().into_iter().for_each(|fields| fields.extend(named.clone()));
    serde_json::from_value(whole).map_err(D::Error::custom)
}
