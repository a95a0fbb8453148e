//! What a merchant gets from the wallet: an app, its keys, and certificates for both sides. Made once, then kept.

use super::message::{PublicKey, SigningKey};
use crate::simulator::wallet::{KitError, named, random_hex, read, write};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_RSA_SHA256, PublicKeyData,
};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

const MERCHANT: &str = include_str!("../../../data/alipay/merchant.key.pem");
const WALLET: &str = include_str!("../../../data/alipay/wallet.key.pem");
const ROOT: &str = include_str!("../../../data/alipay/root.key.pem");

/// The merchant's papers, as `kit.json` lists them; paths are relative to that file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kit {
    /// The app.
    pub app_id: String,
    /// The app's private key, PEM.
    pub app_private_key: PathBuf,
    /// The wallet's public key, bare, as its page shows it: for key mode.
    pub alipay_public_key: PathBuf,
    /// The app's certificate.
    pub app_certificate: PathBuf,
    /// The wallet's certificate.
    pub alipay_certificate: PathBuf,
    /// The roots that issued both, and one that does not count.
    pub root_certificate: PathBuf,
    /// How the wallet names the app's certificate, its roots, and its own certificate.
    pub serials: [String; 3],
}

/// Both sides of the gateway, as the wallet knows them.
pub(super) struct Parties {
    pub app_id: String,
    pub app_key: PublicKey,
    pub own_key: SigningKey,
    /// A key that is not the wallet's: for forgeries.
    pub other_key: SigningKey,
    pub serials: [String; 3],
}

impl Kit {
    /// Reads the kit in `folder`, or makes one.
    /// # Errors
    /// It cannot be read or made.
    pub fn open_or_make(folder: &Path) -> Result<Self, KitError> {
        let path = folder.join("kit.json");
        if path.exists() {
            return Ok(serde_json::from_slice(&read(&path)?)?);
        }
        fs::create_dir_all(folder).map_err(|source| KitError::File { path: folder.to_owned(), source })?;
        let digits = u64::from_str_radix(&random_hex(6)?, 16).unwrap_or_default() % 1_000_000_000_000;
        let mut kit = Self {
            app_id: format!("2021{digits:012}"),
            app_private_key: "app_private_key.pem".into(),
            alipay_public_key: "alipay_public_key.txt".into(),
            app_certificate: "appCertPublicKey.crt".into(),
            alipay_certificate: "alipayCertPublicKey_RSA2.crt".into(),
            root_certificate: "alipayRootCert.crt".into(),
            serials: Default::default(),
        };
        kit.serials = kit.make_certificates(folder)?;
        write(&folder.join(&kit.app_private_key), MERCHANT)?;
        let public = STANDARD.encode(pair(WALLET)?.subject_public_key_info());
        write(&folder.join(&kit.alipay_public_key), &public)?;
        // Last: a kit without this file is incomplete, and made anew.
        write(&path, &serde_json::to_string_pretty(&kit)?)?;
        Ok(kit)
    }

    /// Certificates as the wallet issues them; and their names: the hash of the issuer, last part first, and of the
    /// number in decimal.
    fn make_certificates(&self, folder: &Path) -> Result<[String; 3], KitError> {
        let mut root = party("Evertill simulated Alipay root", 1)?;
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // A root of another kind stands beside it, as the wallet's file holds SM2 roots: it must not count.
        let other = party("Evertill simulated Alipay SM2 root", 2)?.self_signed(&KeyPair::generate()?)?;
        let roots = format!("{}{}", other.pem(), root.self_signed(&pair(ROOT)?)?.pem());
        write(&folder.join(&self.root_certificate), &roots)?;
        let issuer = Issuer::new(root, pair(ROOT)?);
        let app = party(&self.app_id, 515)?.signed_by(&pair(MERCHANT)?, &issuer)?;
        write(&folder.join(&self.app_certificate), &app.pem())?;
        let wallet = party("Evertill simulated Alipay", 516)?.signed_by(&pair(WALLET)?, &issuer)?;
        write(&folder.join(&self.alipay_certificate), &wallet.pem())?;
        Ok([515, 1, 516].map(|serial| {
            let text = format!("CN=Evertill simulated Alipay root,OU=Simulators,O=Evertill,C=CN{serial}");
            super::message::md5(&text)
        }))
    }

    /// Both sides of the gateway.
    /// # Errors
    /// A file cannot be read.
    pub(super) fn parties(&self, folder: &Path) -> Result<Parties, KitError> {
        let app_key = pair(&String::from_utf8_lossy(&read(&folder.join(&self.app_private_key))?))?;
        Ok(Parties {
            app_id: self.app_id.clone(),
            app_key: PublicKey::new(app_key.der_bytes()),
            own_key: SigningKey::from_pem(WALLET).ok_or(KitError::Random)?,
            other_key: SigningKey::from_pem(ROOT).ok_or(KitError::Random)?,
            serials: self.serials.clone(),
        })
    }
}

fn party(name: &str, serial: u64) -> Result<CertificateParams, KitError> {
    let mut params = named(name, Vec::new())?;
    let mut subject = rcgen::DistinguishedName::new();
    subject.push(DnType::CountryName, "CN");
    subject.push(DnType::OrganizationName, "Evertill");
    subject.push(DnType::OrganizationalUnitName, "Simulators");
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    params.serial_number = Some(serial.into());
    Ok(params)
}

fn pair(pem: &str) -> Result<KeyPair, KitError> {
    Ok(KeyPair::from_pkcs8_pem_and_sign_algo(pem, &PKCS_RSA_SHA256)?)
}
