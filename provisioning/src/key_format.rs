//! Private keys as bytes: made, written as PEM, and read back, with every copy of ours wiped.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evertill_shared::random;
pub(crate) use evertill_shared::random::NoRandomness;
use ring::rand::SystemRandom;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use zeroize::{Zeroize, Zeroizing};

/// PKCS #8 version 1 of an Ed25519 key (RFC 8410, section 7), up to the 32 bytes of the seed.
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// Fills an array with random bytes of the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    random::draw(&SystemRandom::new())
}

/// A new key under which servers seal the secrets of accounts at wallets: a line of 64 hexadecimal digits.
pub(crate) fn new_sealing_key() -> Result<Zeroizing<String>, NoRandomness> {
    let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(random()?);
    let mut line = Zeroizing::new(hex::encode(bytes.as_slice()));
    line.push('\n');
    Ok(line)
}

/// A new Ed25519 key, PKCS #8. Written by hand because the library's own document does not wipe itself.
pub(crate) fn new_ed25519() -> Result<Zeroizing<Vec<u8>>, NoRandomness> {
    let mut seed: [u8; 32] = random()?;
    let mut der = Zeroizing::new(Vec::with_capacity(PKCS8_PREFIX.len() + seed.len()));
    der.extend_from_slice(&PKCS8_PREFIX);
    der.extend_from_slice(&seed);
    seed.zeroize();
    Ok(der)
}

/// The key as PEM, `PRIVATE KEY`.
pub(crate) fn to_pem(pkcs8: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(pkcs8));
    let mut pem = Zeroizing::new(String::with_capacity(body.len() * 2 + 64));
    pem.push_str("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = tail;
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem
}

/// Reads a PKCS #8 key from PEM; `None` if there is none.
#[cfg(test)]
pub(crate) fn from_pem(pem: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = PrivatePkcs8KeyDer::from_pem_slice(pem).ok()?;
    Some(Zeroizing::new(key.secret_pkcs8_der().to_vec()))
}

/// Reads all PKCS #8 keys of a PEM text, in their order. Anything else in it makes the list end there.
pub(crate) fn all_from_pem(pem: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let keys = PrivatePkcs8KeyDer::pem_slice_iter(pem).map_while(Result::ok);
    keys.map(|key| Zeroizing::new(key.secret_pkcs8_der().to_vec())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::signing::SigningKey;

    #[test]
    fn a_new_key_is_one_that_signs_and_reads_back_from_pem() {
        let der = new_ed25519().unwrap();
        let read = from_pem(to_pem(&der).as_bytes()).unwrap();
        assert_eq!(*der, *read);
        let key = SigningKey::from_pkcs8(&der, "k".into()).unwrap();
        key.public().verify(b"hello", &key.sign(b"hello")).unwrap();
        assert_ne!(*der, *new_ed25519().unwrap());
        assert!(from_pem(b"nonsense").is_none());
        let other = new_ed25519().unwrap();
        let both = [to_pem(&der).as_bytes(), to_pem(&other).as_bytes()].concat();
        assert_eq!(all_from_pem(&both), [der, other]);
    }
}
