//! What a merchant gets from the wallet: numbers, an API key, a client certificate; and the certificates of
//! the simulator itself. Made once, then kept.

use super::v3::papers as v3;
use crate::simulator::wallet::{KitError, named, random_hex, read, write};
use evertill_shared::secret::SecretText;
use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// The merchant's papers, as `kit.json` lists them; paths are relative to that file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kit {
    /// The app.
    pub app_id: String,
    /// The merchant's number.
    pub merchant_id: String,
    /// A file with the API key.
    pub api_key_file: PathBuf,
    /// The merchant's client certificate.
    pub client_certificate: PathBuf,
    /// Its key.
    pub client_key: PathBuf,
    /// The root that issued the wallet's own certificate.
    pub ca_certificate: PathBuf,
    /// The serial number of the merchant's certificate.
    pub client_serial: String,
    /// A file with the API v3 key.
    pub api_v3_key_file: PathBuf,
    /// The wallet's public key.
    pub public_key: PathBuf,
    /// Its name.
    pub public_key_id: String,
}

const SERVER: &str = "wallet_server.pem";
const SERVER_KEY: &str = "wallet_server_key.pem";

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
        let kit = Self {
            app_id: format!("wx{}", random_hex(8)?),
            merchant_id: "1900000109".into(),
            api_key_file: "api_key.txt".into(),
            client_certificate: "apiclient_cert.pem".into(),
            client_key: "apiclient_key.pem".into(),
            ca_certificate: "ca.pem".into(),
            // Positive, and without a zero in front.
            client_serial: format!("4{}", &random_hex(20)?[1..]).to_uppercase(),
            api_v3_key_file: "api_v3_key.txt".into(),
            public_key: "pub_key.pem".into(),
            public_key_id: format!("PUB_KEY_ID_{}", random_hex(16)?.to_uppercase()),
        };
        kit.make_certificates(folder)?;
        write(&folder.join(&kit.api_key_file), &random_hex(16)?)?;
        write(&folder.join(&kit.api_v3_key_file), &random_hex(16)?)?;
        write(&folder.join(&kit.public_key), &v3::pair(v3::PUBLIC)?.public_key_pem())?;
        // Last: a kit without this file is incomplete, and made anew.
        write(&path, &serde_json::to_string_pretty(&kit)?)?;
        Ok(kit)
    }

    fn make_certificates(&self, folder: &Path) -> Result<(), KitError> {
        let root_key = KeyPair::generate()?;
        let mut root = named("Evertill wallet simulator root", Vec::new())?;
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        write(&folder.join(&self.ca_certificate), &root.self_signed(&root_key)?.pem())?;
        let issuer = Issuer::new(root, root_key);

        let server_key = KeyPair::generate()?;
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
        let mut server = named("Evertill wallet simulator", names)?;
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        write(&folder.join(SERVER), &server.signed_by(&server_key, &issuer)?.pem())?;
        write(&folder.join(SERVER_KEY), &server_key.serialize_pem())?;

        let client_key = v3::pair(v3::MERCHANT)?;
        let mut client = named(&self.merchant_id, Vec::new())?;
        client.serial_number = Some(hex::decode(&self.client_serial).map_err(|_| KitError::Random)?.into());
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        write(&folder.join(&self.client_certificate), &client.signed_by(&client_key, &issuer)?.pem())?;
        write(&folder.join(&self.client_key), v3::MERCHANT)
    }

    /// The API key.
    /// # Errors
    /// Its file cannot be read.
    pub fn api_key(&self, folder: &Path) -> Result<SecretText, KitError> {
        let bytes = read(&folder.join(&self.api_key_file))?;
        Ok(SecretText::new(String::from_utf8_lossy(&bytes).trim().to_owned()))
    }

    /// What version 3 of the interface knows of the merchant.
    /// # Errors
    /// A file cannot be read.
    pub(super) fn papers(&self, folder: &Path) -> Result<v3::Papers, KitError> {
        let key = read(&folder.join(&self.api_v3_key_file))?;
        let key = SecretText::new(String::from_utf8_lossy(&key).trim().to_owned());
        v3::Papers::new(v3::FromKit {
            merchant: [self.app_id.clone(), self.merchant_id.clone(), self.client_serial.clone()],
            api_v3_key: (key, self.api_v3_key_file.clone()),
            public_key: (self.public_key_id.clone(), self.public_key.clone()),
        })
    }

    /// PEM of the root, the server's certificate, and its key.
    /// # Errors
    /// A file cannot be read.
    pub(super) fn server_pems(&self, folder: &Path) -> Result<[Vec<u8>; 3], KitError> {
        Ok([
            read(&folder.join(&self.ca_certificate))?,
            read(&folder.join(SERVER))?,
            read(&folder.join(SERVER_KEY))?,
        ])
    }
}
