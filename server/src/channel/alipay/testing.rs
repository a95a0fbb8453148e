//! A merchant and a wallet with real keys, for the tests of this folder.

use super::keys::{AppKey, Trust, WalletKey};
use super::wire::{Call, Merchant, Reply, Unusable};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, PKCS_RSA_SHA256};
use ring::signature::RsaKeyPair;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;

pub const MERCHANT: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/alipay/merchant.key.pem"));
pub const WALLET: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/alipay/wallet.key.pem"));
pub const ROOT: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/alipay/root.key.pem"));

/// The public half of a key, bare, as the wallet's page shows it.
pub fn public(pem: &str) -> String {
    let pair = KeyPair::from_pkcs8_pem_and_sign_algo(pem, &PKCS_RSA_SHA256).unwrap();
    STANDARD.encode(rcgen::PublicKeyData::subject_public_key_info(&pair))
}

pub fn merchant() -> Merchant {
    with(Trust::Key(WalletKey::read(public(WALLET).as_bytes()).unwrap()))
}

pub fn with(trust: Trust) -> Merchant {
    Merchant {
        app_id: "2021000000000001".into(),
        shops_token: None,
        product_code: "FACE_TO_FACE_PAYMENT".into(),
        notify_url: Some("https://shop.example/v1/notifications/alipay".into()),
        seller_id: Some("2088000000000001".into()),
        key: AppKey::read(MERCHANT.as_bytes()).unwrap(),
        trust,
    }
}

/// A signature over these bytes.
pub fn signed_by(pem: &str, bytes: &str) -> String {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let mut signature = vec![0; pair.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    pair.sign(&ring::signature::RSA_PKCS1_SHA256, &random, bytes.as_bytes(), &mut signature).unwrap();
    STANDARD.encode(signature)
}

/// An answer as it comes over the wire, signed with that key.
pub fn answer(call: Call, node: &str, pem: &str) -> Vec<u8> {
    format!("{{\"{}\":{node},\"sign\":\"{}\"}}", call.node(), signed_by(pem, node)).into_bytes()
}

/// An authentic answer, opened.
pub fn reply(call: Call, node: &serde_json::Value) -> Result<Reply, Unusable> {
    merchant().open(call, &answer(call, &node.to_string(), WALLET))
}

/// Certificates of the merchant and of the wallet by one root, and the root: PEM.
pub fn certificates() -> [String; 3] {
    let key = |pem| KeyPair::from_pkcs8_pem_and_sign_algo(pem, &PKCS_RSA_SHA256).unwrap();
    let named = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CountryName, "CN");
        params.distinguished_name.push(DnType::OrganizationName, "Evertill tests");
        params.distinguished_name.push(DnType::CommonName, name);
        params
    };
    let mut root = named("Root of the tests");
    root.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root_pem = root.self_signed(&key(ROOT)).unwrap().pem();
    let issuer = Issuer::new(root, key(ROOT));
    let signed = |name, pem| {
        let mut params = named(name);
        params.serial_number = Some(vec![0x01, 0x00, 0x02].into());
        params.signed_by(&key(pem), &issuer).unwrap().pem()
    };
    [signed("App", MERCHANT), signed("Wallet", WALLET), root_pem]
}
