//! The keys and certificates of both sides, as the wallet holds them.

use crate::simulator::alipay::message::{PublicKey, SigningKey};
use crate::simulator::wallet::{KitError, random_hex};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evertill_shared::secret::SecretText;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;

pub(in crate::simulator::wechat) const MERCHANT: &str =
    include_str!("../../../../data/wechat/merchant.key.pem");
const PLATFORM: &str = include_str!("../../../../data/wechat/platform.key.pem");
const NEXT: &str = include_str!("../../../../data/wechat/next.key.pem");
pub(in crate::simulator::wechat) const PUBLIC: &str = include_str!("../../../../data/wechat/public.key.pem");

/// The serial numbers of the wallet's certificates.
const SERIALS: [&str; 2] =
    ["5157F09EFDC096DE15EBE81A47057A7232F1B8E2", "6A41C0277BB2CAC1F7E5A37CBF3A0D96F1A2C4E8"];

/// Which of its keys the wallet signs with, unless the merchant names its public key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignsBy {
    /// The certificate in force.
    #[default]
    Certificate,
    /// The one that follows it.
    NextCertificate,
    /// The public key.
    PublicKey,
}

/// What the wallet knows of a merchant, and its own keys.
pub(in crate::simulator::wechat) struct Papers {
    pub app_id: String,
    pub merchant_id: String,
    /// The serial number of the merchant's certificate, and its key.
    pub merchant_serial: String,
    pub merchant_key: PublicKey,
    pub api_v3_key: SecretText,
    pub api_v3_key_file: PathBuf,
    pub public_key_file: PathBuf,
    pub public_key_id: String,
    /// The wallet's keys: two certificates', and the public one.
    keys: [SigningKey; 3],
    /// The certificates, PEM.
    certificates: [String; 2],
    /// A key that is not the wallet's: for forgeries.
    pub stranger: SigningKey,
}

/// What the kit tells of version 3: app, merchant, serial number of the merchant's certificate; API v3 key and its file;
/// name of the public key and its file.
pub(in crate::simulator::wechat) struct FromKit {
    pub merchant: [String; 3],
    pub api_v3_key: (SecretText, PathBuf),
    pub public_key: (String, PathBuf),
}

impl Papers {
    /// # Errors
    /// The certificates cannot be made.
    pub fn new(kit: FromKit) -> Result<Self, KitError> {
        let signing = |pem| SigningKey::from_pem(pem).ok_or(KitError::Random);
        let [app_id, merchant_id, merchant_serial] = kit.merchant;
        let merchant_pair = pair(MERCHANT)?;
        Ok(Self {
            app_id,
            merchant_id,
            merchant_serial,
            merchant_key: PublicKey::new(merchant_pair.public_key_raw()),
            api_v3_key: kit.api_v3_key.0,
            api_v3_key_file: kit.api_v3_key.1,
            public_key_file: kit.public_key.1,
            public_key_id: kit.public_key.0,
            keys: [signing(PLATFORM)?, signing(NEXT)?, signing(PUBLIC)?],
            certificates: [certificate(PLATFORM, SERIALS[0])?, certificate(NEXT, SERIALS[1])?],
            stranger: signing(MERCHANT)?,
        })
    }

    /// The key to sign with, and its name.
    pub fn signer(&self, wanted: Option<&str>, signs_by: SignsBy) -> (&str, &SigningKey) {
        if wanted == Some(&self.public_key_id) {
            return (&self.public_key_id, &self.keys[2]);
        }
        match signs_by {
            SignsBy::Certificate => (SERIALS[0], &self.keys[0]),
            SignsBy::NextCertificate => (SERIALS[1], &self.keys[1]),
            SignsBy::PublicKey => (&self.public_key_id, &self.keys[2]),
        }
    }

    /// The certificates that are handed out, each sealed.
    pub fn certificate_list(&self, live: &[SignsBy]) -> Value {
        let entries = SERIALS.iter().zip(&self.certificates).enumerate().filter(|(n, _)| {
            live.contains(if *n == 0 { &SignsBy::Certificate } else { &SignsBy::NextCertificate })
        });
        let entries = entries.map(|(_, (serial, pem))| {
            json!({
                "serial_no": serial,
                "effective_time": "2020-01-01T08:00:00+08:00",
                "expire_time": "2040-01-01T08:00:00+08:00",
                "encrypt_certificate": self.sealed(pem, "certificate"),
            })
        });
        json!({ "data": entries.collect::<Vec<Value>>() })
    }

    /// A text, sealed for the merchant.
    pub fn sealed(&self, text: &str, associated: &str) -> Value {
        let nonce = random_hex(6).unwrap_or_default();
        let sealed = seal(self.api_v3_key.expose(), &nonce, associated, text).unwrap_or_default();
        json!({
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": nonce,
            "associated_data": associated,
            "ciphertext": STANDARD.encode(sealed),
        })
    }
}

fn seal(key: &str, nonce: &str, associated: &str, text: &str) -> Option<Vec<u8>> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_bytes()).ok()?);
    let nonce = Nonce::try_assume_unique_for_key(nonce.as_bytes()).ok()?;
    let mut bytes = text.as_bytes().to_vec();
    key.seal_in_place_append_tag(nonce, Aad::from(associated.as_bytes()), &mut bytes).ok()?;
    Some(bytes)
}

/// An RSA key of the simulator's.
pub(in crate::simulator::wechat) fn pair(pem: &str) -> Result<KeyPair, KitError> {
    Ok(KeyPair::from_pkcs8_pem_and_sign_algo(pem, &PKCS_RSA_SHA256)?)
}

fn certificate(pem: &str, serial: &str) -> Result<String, KitError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(rcgen::DnType::CommonName, "Evertill simulated WeChat Pay");
    params.serial_number = Some(hex::decode(serial).map_err(|_| KitError::Random)?.into());
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2040, 1, 1);
    Ok(params.self_signed(&pair(pem)?)?.pem())
}
