//! The `[alipay]` section of the server's configuration, and what can be wrong with it.

use super::keys::{AppKey, KeyProblem, Trust, WalletKey};
use super::wire::Merchant;
use crate::channel::adapter::over;
use crate::channel::files::Files;
use crate::channel::line::{LineError, Tls};
use evertill_shared::payment::Policy;
use evertill_shared::secret::SecretText;
use serde::{Deserialize, Deserializer, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// When to ask about a payment of this wallet, and when to take it back: it advises to ask every 3 to 6 seconds for
/// about a minute, and to cancel straight after the last question; it takes a trade back within a day.
pub const TIMING: Policy = Policy {
    query_every_ms: 5_000,
    give_up_after_ms: 60_000,
    reverse_not_before_ms: 0,
    reverse_within_ms: 24 * 60 * 60 * 1_000,
    reverse_retry_max_ms: 60_000,
    no_order_after_ms: 120_000,
    show_for_ms: 90_000,
    shown_grace_ms: 30_000,
    look_again_after_ms: 300_000,
};

/// The merchant's app at Alipay, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlipaySettings {
    /// Addresses of the gateway, the main one first: `https://openapi.alipay.com`.
    #[serde(default = "AlipaySettings::public_endpoints")]
    pub endpoints: Vec<String>,
    /// The app.
    pub app_id: String,
    /// A file with the app's private key.
    pub app_private_key: PathBuf,
    /// Key mode: a file with the wallet's public key.
    #[serde(default)]
    pub alipay_public_key: Option<PathBuf>,
    /// Certificate mode: our certificate and the wallet's.
    #[serde(default)]
    pub certificates: Option<CertificateSettings>,
    /// The only roots to trust for TLS; the machine's own, if absent.
    #[serde(default)]
    pub ca_certificate: Option<PathBuf>,
    /// The contract under which codes are charged.
    #[serde(default = "AlipaySettings::default_product_code")]
    pub product_code: String,
    /// Where the wallet tells that a shown code was paid: the public address of
    /// `/v1/notifications/alipay`. Without it the wallet is only asked.
    #[serde(default)]
    pub notify_url: Option<String>,
    /// A service provider's app: a file with what the shop has given it to act by (`app_auth_token`). App and keys are the
    /// provider's then, and `seller_id` is the shop's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_auth_token: Option<PathBuf>,
    /// The merchant's own number at the wallet (`2088…`): notifications for another are refused.
    #[serde(default)]
    pub seller_id: Option<String>,
    /// The longest wait for one connection, in milliseconds.
    #[serde(default = "AlipaySettings::default_connect_ms")]
    pub connect_timeout_ms: u64,
    /// How long a connection may have rested before what moves money goes over it again, in milliseconds; with 0 it
    /// goes over a new one each time. Write less than the wallet lets a connection rest.
    #[serde(default = "AlipaySettings::default_keep_alive_ms")]
    pub keep_alive_ms: u64,
    /// The longest wait for a pay call, in milliseconds.
    #[serde(default = "AlipaySettings::default_call_ms")]
    pub pay_timeout_ms: u64,
    /// The longest wait for any other call, in milliseconds.
    #[serde(default = "AlipaySettings::default_call_ms")]
    pub call_timeout_ms: u64,
    /// When to ask, and when to take back; what is not named is as in [`TIMING`].
    #[serde(default = "AlipaySettings::timing", deserialize_with = "over_timing")]
    pub policy: Policy,
}

/// The files of certificate mode, as the wallet's page offers them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateSettings {
    /// `appCertPublicKey_….crt`.
    pub app: PathBuf,
    /// `alipayRootCert.crt`.
    pub root: PathBuf,
    /// `alipayCertPublicKey_RSA2.crt`; the new one beside the old one while they change.
    pub alipay: Vec<PathBuf>,
}

/// Why the channel cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum AlipayError {
    /// A file of the merchant's cannot be read.
    #[error("cannot read {}: {source}; check the [alipay] section", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file of the merchant's is not what it should be.
    #[error("{} {problem}", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: KeyProblem,
    },
    /// What should let a service provider act for a shop does not.
    #[error("{} does not hold an app_auth_token", .0.display())]
    Token(PathBuf),
    /// Neither or both ways of knowing the wallet's answers.
    #[error("[alipay] needs either alipay_public_key (key mode) or certificates (certificate mode)")]
    Mode,
    /// No line to the wallet.
    #[error(transparent)]
    Line(#[from] LineError),
}

impl AlipaySettings {
    fn public_endpoints() -> Vec<String> {
        vec!["https://openapi.alipay.com".to_owned()]
    }

    fn default_product_code() -> String {
        "FACE_TO_FACE_PAYMENT".into()
    }

    fn default_connect_ms() -> u64 {
        3_000
    }

    fn default_keep_alive_ms() -> u64 {
        4_000
    }

    fn default_call_ms() -> u64 {
        8_000
    }

    fn timing() -> Policy {
        TIMING
    }

    /// Takes relative paths as relative to `folder`, where the configuration file lies.
    pub fn resolve(&mut self, folder: &Path) {
        let mut paths = vec![&mut self.app_private_key];
        paths.extend(self.alipay_public_key.as_mut());
        paths.extend(self.ca_certificate.as_mut());
        paths.extend(self.app_auth_token.as_mut());
        if let Some(certificates) = &mut self.certificates {
            paths.extend([&mut certificates.app, &mut certificates.root]);
            paths.extend(&mut certificates.alipay);
        }
        for path in paths {
            *path = folder.join(&*path);
        }
    }

    /// What the account is called: the app's number, and behind it the shop's that it acts for.
    #[must_use]
    pub fn account(&self) -> String {
        match (&self.app_auth_token, &self.seller_id) {
            (Some(_), Some(shop)) => format!("{}/{shop}", self.app_id),
            _ => self.app_id.clone(),
        }
    }

    /// Whether exactly one way of knowing the wallet's answers is named, and whole.
    #[must_use]
    pub fn names_one_mode(&self) -> bool {
        match (&self.alipay_public_key, &self.certificates) {
            (Some(_), None) => true,
            (None, Some(certificates)) => !certificates.alipay.is_empty(),
            (Some(_), Some(_)) | (None, None) => false,
        }
    }

    /// The merchant, with keys and certificates read from their files.
    /// # Errors
    /// A file cannot be read or holds something else.
    pub(super) fn merchant(&self, files: &Files) -> Result<Merchant, AlipayError> {
        let text = read(files, &self.app_private_key)?;
        let key = AppKey::read(&text).map_err(|problem| wrong(&self.app_private_key, problem))?;
        let trust = self.trust(files)?;
        let token = self.app_auth_token.as_ref().map(|path| {
            let bytes = read(files, path)?;
            let token = std::str::from_utf8(&bytes).unwrap_or_default().trim();
            let plain =
                !token.is_empty() && token.len() <= 128 && token.bytes().all(|b| b.is_ascii_graphic());
            match plain {
                true => Ok(SecretText::new(token.to_owned())),
                false => Err(AlipayError::Token(path.clone())),
            }
        });
        Ok(Merchant {
            shops_token: token.transpose()?,
            app_id: self.app_id.clone(),
            product_code: self.product_code.clone(),
            notify_url: self.notify_url.clone(),
            seller_id: self.seller_id.clone(),
            key,
            trust,
        })
    }

    fn trust(&self, files: &Files) -> Result<Trust, AlipayError> {
        match (&self.alipay_public_key, &self.certificates) {
            (Some(path), None) => {
                WalletKey::read(&read(files, path)?).map(Trust::Key).map_err(|problem| wrong(path, problem))
            }
            (None, Some(own)) if self.names_one_mode() => {
                let wallet = own.alipay.iter().map(|path| Ok(read(files, path)?.to_vec()));
                let wallet = wallet.collect::<Result<Vec<_>, AlipayError>>()?;
                Trust::by_certificates(&read(files, &own.app)?, &read(files, &own.root)?, &wallet).map_err(
                    |(file, problem)| match file {
                        0 => wrong(&own.app, problem),
                        1 => wrong(&own.root, problem),
                        n => wrong(own.alipay.get(n - 2).unwrap_or(&own.root), problem),
                    },
                )
            }
            _ => Err(AlipayError::Mode),
        }
    }

    /// What TLS needs.
    /// # Errors
    /// A file cannot be read.
    pub(super) fn tls(&self, files: &Files) -> Result<Tls, AlipayError> {
        let roots = self.ca_certificate.as_ref().map(|path| read(files, path)).transpose()?;
        let roots = roots.map(|roots| roots.to_vec());
        Ok(Tls { roots, identity: None })
    }

    /// How long a connection may have rested before it is used again.
    pub(super) fn keep_alive(&self) -> Duration {
        Duration::from_millis(self.keep_alive_ms)
    }

    /// The longest wait for one connection.
    pub(super) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }
}

fn over_timing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Policy, D::Error> {
    over(TIMING, deserializer)
}

fn wrong(path: &Path, problem: KeyProblem) -> AlipayError {
    AlipayError::Key { path: path.to_owned(), problem }
}

fn read(files: &Files, path: &Path) -> Result<Zeroizing<Vec<u8>>, AlipayError> {
    files.read(path).map_err(|source| AlipayError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::clock::Timestamp;
    use evertill_shared::id::{ChannelNumber, SaleKey, StoreId, TerminalId};
    use evertill_shared::money::{Amount, Currency};
    use evertill_shared::payment::{
        Action, Event, PayOutcome, Payment, PaymentState, QueryOutcome, ReverseOutcome,
    };
    use evertill_shared::wallet::Wallet;

    /// A payment of which the wallet says that it waits, until our own rules take it back.
    fn until_taken_back(answer: &QueryOutcome) -> (Payment, Vec<i64>, i64) {
        let sale = SaleKey { terminal: TerminalId::try_from(1).unwrap(), epoch: 1, sequence: 1 };
        let number = ChannelNumber::new(StoreId::try_from(1).unwrap(), sale, 1);
        let amount = Amount::new(100, Currency::CNY);
        let mut payment = Payment::intent(1, Wallet::Alipay, number, amount, Timestamp(0), &TIMING);
        payment.on(Event::Pay(PayOutcome::Waiting), Timestamp(300), &TIMING);
        let mut asked = Vec::new();
        for at in (0..200_000).step_by(100) {
            match payment.due(Timestamp(at), &TIMING) {
                Some(Action::Query) => {
                    asked.push(at);
                    payment.on(Event::Query(answer.clone()), Timestamp(at), &TIMING);
                }
                Some(Action::Reverse) => return (payment, asked, at),
                None | Some(Action::Show | Action::LookAgain) => {}
            }
        }
        panic!("never taken back");
    }

    #[test]
    fn it_is_asked_every_few_seconds_for_a_minute_and_cancelled_straight_after_the_last_question() {
        for answer in [QueryOutcome::Waiting, QueryOutcome::Unknown, QueryOutcome::NoSuchOrder] {
            let (_, asked, cancelled) = until_taken_back(&answer);
            assert!(asked.windows(2).all(|two| (3_000..=6_000).contains(&(two[1] - two[0]))), "{asked:?}");
            let last = *asked.last().unwrap();
            assert!((55_000..=65_000).contains(&last), "{asked:?}");
            assert!(cancelled - last <= 100, "no gap: asked at {last}, cancelled at {cancelled}");
        }
    }

    #[test]
    fn a_cancellation_of_nothing_is_believed_only_when_no_request_can_be_on_its_way() {
        let (mut payment, _, mut now) = until_taken_back(&QueryOutcome::Unknown);
        while payment.state == PaymentState::Reversing {
            match payment.due(Timestamp(now), &TIMING) {
                // The wallet says yes to cancelling what it does not know, and knows of no such trade when asked.
                Some(Action::Reverse) => {
                    payment.on(Event::Reverse(ReverseOutcome::Reversed), Timestamp(now), &TIMING);
                }
                Some(Action::Query) => {
                    payment.on(Event::Query(QueryOutcome::NoSuchOrder), Timestamp(now), &TIMING);
                }
                None | Some(Action::Show | Action::LookAgain) => now += 100,
            }
        }
        assert_eq!(payment.state, PaymentState::Reversed);
        assert!((120_000..130_000).contains(&now), "believed at {now}");
    }
}
