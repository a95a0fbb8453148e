//! Staff passwords: what is accepted, and the form in which they are stored.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use evertill_shared::secret::SecretText;

/// The fewest characters in a password.
pub const MIN_CHARACTERS: usize = 8;
/// The most bytes: enough for any sentence, little enough to hash at once.
pub const MAX_BYTES: usize = 1024;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Under [`MIN_CHARACTERS`].
    #[error("a password needs at least {MIN_CHARACTERS} characters")]
    TooShort,
    /// Over [`MAX_BYTES`].
    #[error("a password may have at most {MAX_BYTES} bytes")]
    TooLong,
    /// The system has no memory or no random bytes for it.
    #[error("the password could not be hashed: is the machine out of memory?")]
    Failed,
}

/// Whether a password is long enough, and not too long.
///
/// # Errors
/// [`PasswordError`].
pub fn check(password: &SecretText) -> Result<(), PasswordError> {
    let text = password.expose();
    if text.chars().count() < MIN_CHARACTERS {
        Err(PasswordError::TooShort)
    } else if text.len() > MAX_BYTES {
        Err(PasswordError::TooLong)
    } else {
        Ok(())
    }
}

/// The argon2id hash in PHC form, with a fresh salt.
///
/// # Errors
/// [`PasswordError`].
pub fn hash(password: &SecretText) -> Result<String, PasswordError> {
    check(password)?;
    let hash: PasswordHash =
        Argon2::default().hash_password(password.expose().as_bytes()).map_err(|_| PasswordError::Failed)?;
    Ok(hash.to_string())
}

/// Whether this is the secret whose argon2id hash is in that PHC text. Takes a core and 19 MiB for a while: not for a
/// thread on which somebody waits.
#[must_use]
pub fn is_right(secret: &SecretText, hash: &SecretText) -> bool {
    let Ok(parsed) = PasswordHash::new(hash.expose()) else { return false };
    Argon2::default().verify_password(secret.expose().as_bytes(), &parsed).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_and_is_salted() {
        let secret = SecretText::new("correct horse".into());
        let (first, second) = (hash(&secret).unwrap(), hash(&secret).unwrap());
        assert!(first.starts_with("$argon2id$v=19$") && first != second);
        let parsed = PasswordHash::new(&first).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"wrong horse", &parsed).is_err());
    }

    #[test]
    fn what_is_no_hash_is_nobodys_secret() {
        let (secret, other) =
            (SecretText::new("correct horse".into()), SecretText::new("wrong horse".into()));
        let right = SecretText::new(hash(&secret).unwrap());
        assert!(is_right(&secret, &right) && !is_right(&other, &right));
        for nonsense in ["", "correct horse", "$argon2id$", "$argon2id$v=19$m=16,t=1,p=1$x$y"] {
            assert!(!is_right(&secret, &SecretText::new(nonsense.into())), "{nonsense}");
        }
    }

    #[test]
    fn short_passwords_are_refused_counting_characters_not_bytes() {
        assert_eq!(check(&SecretText::new("七个字的密码啊".into())), Err(PasswordError::TooShort));
        assert_eq!(check(&SecretText::new("八个字的密码也行".into())), Ok(()));
        assert_eq!(check(&SecretText::new("x".repeat(2000))), Err(PasswordError::TooLong));
    }
}
