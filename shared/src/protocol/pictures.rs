//! Small pictures of goods, for the tiles that are tapped: what may be one, told by its first bytes, and how tills get them.

use crate::order::line::ProductId;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The largest picture, in bytes.
pub const LARGEST: usize = 64 << 10;
/// The longest side, in pixels.
pub const LONGEST_SIDE: u32 = 512;
/// The most pictures that a shop keeps: more than there are tiles.
pub const MOST: usize = 500;

/// How a picture is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
}

/// What a picture says of itself before it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// How it is written.
    pub format: Format,
    /// Its width in pixels.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

/// Why something is no picture of goods.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPicture {
    /// Too many bytes.
    #[error("it has {0} bytes; the most is {LARGEST}: save it smaller")]
    TooLarge(usize),
    /// Not PNG and not JPEG, or cut off before its size.
    #[error("it is neither a PNG nor a JPEG picture, or is cut off")]
    Unknown,
    /// Too many pixels, or none.
    #[error("it is {0} × {1} pixels; 1 to {LONGEST_SIDE} each way may be")]
    Size(u32, u32),
}

/// Looks at a picture without decoding it: its length, its kind and the size that it says it has. What follows may still be
/// broken, so whoever decodes it must expect that.
///
/// # Errors
/// [`NoPicture`].
pub fn look(bytes: &[u8]) -> Result<Said, NoPicture> {
    if bytes.len() > LARGEST {
        return Err(NoPicture::TooLarge(bytes.len()));
    }
    let said = png(bytes).or_else(|| jpeg(bytes)).ok_or(NoPicture::Unknown)?;
    let fits = |side: u32| (1..=LONGEST_SIDE).contains(&side);
    if fits(said.width) && fits(said.height) {
        Ok(said)
    } else {
        Err(NoPicture::Size(said.width, said.height))
    }
}

fn number(bytes: &[u8], at: usize, long: usize) -> Option<u32> {
    let digits = bytes.get(at..at.checked_add(long)?)?;
    Some(digits.iter().fold(0, |sum, byte| (sum << 8) | u32::from(*byte)))
}

fn png(bytes: &[u8]) -> Option<Said> {
    let begins = bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.get(12..16)? == b"IHDR";
    let (width, height) = (number(bytes, 16, 4)?, number(bytes, 20, 4)?);
    begins.then_some(Said { format: Format::Png, width, height })
}

/// Goes from one marker to the next until the one that begins a frame.
fn jpeg(bytes: &[u8]) -> Option<Said> {
    if !bytes.starts_with(&[0xFF, 0xD8]) {
        return None;
    }
    let mut at = 2;
    loop {
        if *bytes.get(at)? != 0xFF {
            return None;
        }
        let marker = *bytes.get(at + 1)?;
        match marker {
            // Filling before a marker.
            0xFF => at += 1,
            // Frames of all kinds; but not the tables whose numbers lie among theirs.
            0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                let (height, width) = (number(bytes, at + 5, 2)?, number(bytes, at + 7, 2)?);
                return Some(Said { format: Format::Jpeg, width, height });
            }
            // The picture begins, or ends, without one.
            0xD8..=0xDA => return None,
            0x01 | 0xD0..=0xD7 => at += 2,
            _ => at += 2 + usize::try_from(number(bytes, at + 2, 2)?.max(2)).ok()?,
        }
    }
}

/// What a picture is known by: the SHA-256 of its bytes, in hex.
#[must_use]
pub fn name_of(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes).as_ref())
}

/// Which goods have which picture: the answer to `GET /v1/pictures`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pictures {
    /// Goods, and the name of their picture.
    pub of: BTreeMap<ProductId, String>,
}

impl Pictures {
    /// What this list is known by; empty if there are no pictures.
    #[must_use]
    pub fn name(&self) -> String {
        if self.of.is_empty() {
            return String::new();
        }
        let line = |(product, name): (&ProductId, &String)| format!("{name} {} {product}\n", product.len());
        let text: String = self.of.iter().map(line).collect();
        name_of(text.as_bytes())
    }
}

/// One picture: the answer to `GET /v1/pictures/{name}`, and what staff send.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Its bytes, in base64.
    data: String,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({} letters)", self.data.len())
    }
}

impl Picture {
    /// To be sent.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self { data: STANDARD.encode(bytes) }
    }

    /// Its bytes.
    ///
    /// # Errors
    /// [`NoPicture`]: they are not even looked at when there are too many.
    pub fn bytes(&self) -> Result<Vec<u8>, NoPicture> {
        let most = LARGEST.div_ceil(3) * 4;
        if self.data.len() > most {
            return Err(NoPicture::TooLarge(self.data.len() / 4 * 3));
        }
        STANDARD.decode(&self.data).map_err(|_| NoPicture::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn a_png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes
    }

    /// With a comment and filling before the frame, as cameras write them.
    fn a_jpeg(width: u16, height: u16) -> Vec<u8> {
        let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xFE, 0, 6, 0xFF, 0xC0, 1, 2, 0xFF, 0xFF, 0xC2, 0, 17, 8];
        bytes.extend(height.to_be_bytes());
        bytes.extend(width.to_be_bytes());
        bytes
    }

    #[test]
    fn a_picture_is_known_by_its_first_bytes_and_its_size_is_limited() {
        assert_eq!(look(&a_png(512, 1)), Ok(Said { format: Format::Png, width: 512, height: 1 }));
        assert_eq!(look(&a_jpeg(300, 200)), Ok(Said { format: Format::Jpeg, width: 300, height: 200 }));
        assert_eq!(look(&a_png(513, 1)), Err(NoPicture::Size(513, 1)));
        assert_eq!(look(&a_png(0, 9)), Err(NoPicture::Size(0, 9)));
        assert_eq!(look(&a_jpeg(9, 60_000)), Err(NoPicture::Size(9, 60_000)));
        let mut long = a_png(8, 8);
        long.resize(LARGEST, 0);
        assert!(look(&long).is_ok());
        long.push(0);
        assert_eq!(look(&long), Err(NoPicture::TooLarge(LARGEST + 1)));
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".as_slice();
        for other in [svg, b"", b"GIF89a", &[0xFF, 0xD8, 0xFF, 0xDA, 0, 2], &[0xFF, 0xD8, 0xFF]] {
            assert_eq!(look(other), Err(NoPicture::Unknown));
        }
    }

    #[test]
    fn a_picture_that_is_cut_off_before_its_size_is_none() {
        for whole in [a_png(8, 8), a_jpeg(8, 8)] {
            for cut in 0..whole.len() {
                assert_eq!(look(&whole[..cut]), Err(NoPicture::Unknown), "{cut}");
            }
        }
    }

    #[test]
    fn a_list_is_known_by_what_is_in_it_and_pictures_arrive_as_they_were_sent() {
        let of = |pairs: &[(&str, &str)]| {
            let of = pairs.iter().map(|(product, name)| ((*product).into(), (*name).to_owned())).collect();
            Pictures { of }.name()
        };
        assert_eq!(of(&[]), "");
        assert_eq!(of(&[("a", "1"), ("b", "2")]), of(&[("b", "2"), ("a", "1")]));
        assert_ne!(of(&[("a", "1"), ("b", "2")]), of(&[("a", "2"), ("b", "1")]));
        let bytes = a_jpeg(8, 8);
        assert_eq!(Picture::new(&bytes).bytes(), Ok(bytes));
        assert_eq!(Picture::new(&vec![7; LARGEST]).bytes().map(|bytes| bytes.len()), Ok(LARGEST));
        assert!(matches!(Picture::new(&vec![7; LARGEST + 9]).bytes(), Err(NoPicture::TooLarge(_))));
        assert_eq!(Picture { data: "?".into() }.bytes(), Err(NoPicture::Unknown));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_looked_at_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0..3) {
            let begin: &[u8] = match kind { 0 => b"\x89PNG\r\n\x1a\n", 1 => &[0xFF, 0xD8, 0xFF], _ => b"" };
            if let Ok(said) = look(&[begin, &bytes].concat()) {
                prop_assert!(said.width <= LONGEST_SIDE && said.height <= LONGEST_SIDE);
            }
        }
    }
}
