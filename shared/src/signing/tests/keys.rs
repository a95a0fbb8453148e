//! Keys: what they show and what they take.

use super::*;

#[test]
fn a_private_key_does_not_print_itself() {
    let printed = format!("{:?} {:#?}", key(1), Some(key(1)));
    assert_eq!(printed, "SigningKey(\"T0001/1\", …) Some(\n    SigningKey(\"T0001/1\", …),\n)");
}

#[test]
fn a_fingerprint_is_eight_groups_of_four_and_differs_by_key() {
    let fingerprint = key(1).public().fingerprint();
    let groups: Vec<&str> = fingerprint.split(' ').collect();
    assert_eq!(groups.len(), 8);
    assert!(groups.iter().all(|g| g.len() == 4 && g.bytes().all(|b| b"0123456789ABCDEF".contains(&b))));
    assert_ne!(fingerprint, key(2).public().fingerprint());
    // SHA-256 of 32 zero bytes, from another program.
    assert_eq!(VerifyingKey([0; 32]).fingerprint(), "6668 7AAD F862 BD77 6C8F C18B 8E9F 8E20");
}

#[test]
fn a_public_key_travels_as_base64() {
    let public = key(1).public();
    let json = serde_json::to_string(&public).unwrap();
    assert_eq!(json, format!("\"{public}\""));
    assert_eq!(serde_json::from_str::<VerifyingKey>(&json).unwrap(), public);
    for bad in ["", "AAAA", "not base64", &STANDARD.encode([0; 33])] {
        assert_eq!(bad.parse::<VerifyingKey>(), Err(KeyError::Unreadable), "{bad:?}");
    }
}

#[test]
fn only_the_right_key_and_message_verify() {
    let signature = key(1).sign(b"message");
    assert_eq!(key(1).public().verify(b"message", &signature), Ok(()));
    assert!(key(1).public().verify(b"messagf", &signature).is_err());
    assert!(key(2).public().verify(b"message", &signature).is_err());
    assert!(key(1).public().verify(b"message", &signature[..63]).is_err());
    assert!(key(1).public().verify(b"message", b"").is_err());
}

#[test]
fn unusable_keys_and_names_are_refused() {
    assert_eq!(SigningKey::from_pkcs8(b"nonsense", "k".into()).err(), Some(KeyError::Unreadable));
    for name in ["", "two\nlines", "Kasse-Ä", &"k".repeat(101)] {
        assert_eq!(SigningKey::from_seed(&[1; 32], name.into()).err(), Some(KeyError::BadKeyId), "{name:?}");
    }
}
