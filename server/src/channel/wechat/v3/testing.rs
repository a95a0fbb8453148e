//! A merchant and a wallet with real keys, for the tests of this folder.

use super::certificates;
use super::judge::Us;
use super::seal::ApiV3Key;
use super::sign::{KnownKey, SCHEME, Signer, Trust, answer_text};
use super::wire::{self, Merchant, Reply, Unusable};
use super::{Inside, WechatV3};
use crate::channel::line::Line;
use crate::channel::rsa::{AppKey, WalletKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evertill_shared::clock::{SystemClock, Timestamp};
use evertill_shared::id::{ChannelNumber, SaleKey, StoreId, TerminalId};
use evertill_shared::money::{Amount, Currency};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::SystemRandom;
use serde_json::{Value, json};
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::sync::Mutex;

macro_rules! key {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/wechat/", $name, ".key.pem"))
    };
}

pub const MERCHANT: &str = key!("merchant");
pub const PLATFORM: &str = key!("platform");
pub const NEXT: &str = key!("next");
pub const PUBLIC: &str = key!("public");
pub const PUBLIC_ID: &str = "PUB_KEY_ID_0119000001092025010100191700001234";
pub const API_KEY: &str = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb";
pub const NOW: Timestamp = Timestamp(1_763_700_000_000);
pub const US: Us<'static> = Us { app_id: "wxd678efh567hg6787", merchant_id: "1900000109", shop: None };

pub type Headers = Vec<(String, String)>;

pub fn signing_key(pem: &str) -> AppKey {
    AppKey::read(pem.as_bytes()).unwrap()
}

/// A certificate of the wallet's, PEM, in force from a year before to a year after `NOW`.
pub fn certificate(pem: &str, serial: u8) -> String {
    let pair = KeyPair::from_pkcs8_pem_and_sign_algo(pem, &PKCS_RSA_SHA256).unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.serial_number = Some(vec![0x5A, 0x01, serial].into());
    params.not_before = rcgen::date_time_ymd(2024, 11, 21);
    params.not_after = rcgen::date_time_ymd(2026, 11, 21);
    params.self_signed(&pair).unwrap().pem()
}

pub fn known(pem: &str, serial: u8) -> KnownKey {
    certificates::read(certificate(pem, serial).as_bytes()).unwrap()
}

pub fn public() -> KnownKey {
    let pair = KeyPair::from_pkcs8_pem_and_sign_algo(PUBLIC, &PKCS_RSA_SHA256).unwrap();
    let key =
        WalletKey::read(STANDARD.encode(rcgen::PublicKeyData::subject_public_key_info(&pair)).as_bytes());
    KnownKey { id: PUBLIC_ID.into(), key: key.unwrap(), valid: None }
}

/// Both ways of knowing the wallet at once, as while it changes from one to the other.
pub fn trust() -> Trust {
    Trust(vec![public(), known(PLATFORM, 1)])
}

/// The five headers over these bytes.
pub fn headers(pem: &str, id: &str, body: &[u8], at: Timestamp) -> Headers {
    let seconds = at.unix_seconds().to_string();
    let text = answer_text(&seconds, "c5ac7061fccab6bf3e254dcf98995b8c", body);
    let signature = signing_key(pem).sign(std::str::from_utf8(&text).unwrap()).unwrap();
    [
        ("wechatpay-timestamp", seconds.as_str()),
        ("wechatpay-nonce", "c5ac7061fccab6bf3e254dcf98995b8c"),
        ("wechatpay-serial", id),
        ("wechatpay-signature", &signature),
        ("wechatpay-signature-type", SCHEME),
        ("request-id", "08F78BB5AF0610D302"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// An authentic reply, opened.
pub fn reply(status: u16, body: &Value) -> Result<Reply, Unusable> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let headers = headers(PUBLIC, PUBLIC_ID, &body, NOW);
    wire::open(status, &headers, &body, NOW, &trust())
}

pub fn merchant() -> Merchant {
    Merchant {
        app_id: US.app_id.into(),
        shop: None,
        signer: Signer {
            merchant_id: US.merchant_id.into(),
            serial: "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB".into(),
            key: signing_key(MERCHANT),
        },
        notify_url: "https://pay.example.com/notify".into(),
    }
}

/// Version 3 over that line, which waits only for a moment.
pub fn over(line: Arc<Line>, codepay: bool) -> WechatV3 {
    WechatV3(Arc::new(Inside {
        merchant: merchant(),
        key: api_key(),
        public_key_id: None,
        codepay,
        trust: RwLock::new(Arc::new(trust())),
        fetched: Mutex::new(None),
        mismatches: Arc::default(),
        line,
        random: Arc::new(SystemRandom::new()),
        clock: Arc::new(SystemClock),
        pay_limit: Duration::from_millis(50),
        call_limit: Duration::from_millis(50),
    }))
}

pub fn api_key() -> ApiV3Key {
    ApiV3Key::new(API_KEY).unwrap()
}

/// Seals a text as the wallet does.
pub fn sealed(text: &str, associated: &str) -> Value {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, API_KEY.as_bytes()).unwrap());
    let mut bytes = text.as_bytes().to_vec();
    let nonce = Nonce::try_assume_unique_for_key(b"fdasflkja484").unwrap();
    key.seal_in_place_append_tag(nonce, Aad::from(associated.as_bytes()), &mut bytes).unwrap();
    json!({
        "algorithm": "AEAD_AES_256_GCM",
        "nonce": "fdasflkja484",
        "associated_data": associated,
        "ciphertext": STANDARD.encode(bytes),
    })
}

pub fn number(sequence: u64) -> ChannelNumber {
    let sale = SaleKey { terminal: TerminalId::try_from(1).unwrap(), epoch: 1, sequence };
    ChannelNumber::new(StoreId::try_from(1).unwrap(), sale, 1)
}

pub fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}
