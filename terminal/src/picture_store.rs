//! The goods' small pictures on this till's disk: which goods have which, and each picture as small as a tile shows it.
//!
//! A picture is decoded once, when it comes, away from the sale; what is kept are the pixels of a tile. So the screen decodes
//! nothing, and a picture that is broken has no file, and its goods a letter in its place.

use crate::config::replace;
use crate::controller::PictureShelf;
use evertill_shared::protocol::pictures::{Format, NoPicture, Pictures, look, name_of};
use image::imageops::overlay;
use image::{DynamicImage, ImageFormat, ImageReader, Limits, Rgba, RgbaImage};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Cursor};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// The longest side of what is kept, in pixels: what a tile shows on a large screen.
pub const SIDE: u8 = 96;
/// What decoding may take, in bytes.
const MOST_MEMORY: u64 = 16 << 20;
const LIST: &str = "list.json";

/// Why a picture is not kept.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It is not the one that was asked for.
    #[error("it is another picture than the one asked for")]
    Another,
    /// It cannot be one.
    #[error(transparent)]
    None(#[from] NoPicture),
    /// It cannot be decoded.
    #[error("it cannot be decoded: {0}")]
    Broken(String),
    /// The disk does not take it.
    #[error("the disk does not take it: {0}")]
    Disk(#[from] io::Error),
}

/// A picture as a tile shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumb {
    /// Pixels in a row.
    pub width: u8,
    /// Rows.
    pub height: u8,
    /// Red, green and blue of each pixel.
    pub rgb: Vec<u8>,
}

/// The pictures in a till's directory.
#[derive(Clone, Debug)]
pub struct PictureStore {
    data: PathBuf,
}

/// Names become names of files: nothing else may be one.
#[must_use]
pub fn is_name(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl PictureStore {
    /// The pictures of the till in this directory.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self { data: data.to_owned() }
    }

    fn folder(&self) -> PathBuf {
        self.data.join("pictures")
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        is_name(name).then(|| self.folder().join(name))
    }

    /// What is there. What cannot be read is not there: it is asked for again.
    #[must_use]
    pub fn shelf(&self) -> PictureShelf {
        let text = fs::read_to_string(self.folder().join(LIST)).unwrap_or_default();
        let list: Pictures = serde_json::from_str(&text).unwrap_or_default();
        let kept = list.of.values().filter(|name| self.thumb(name).is_some()).cloned().collect();
        PictureShelf::new(list, kept)
    }

    /// Keeps which goods have which picture, and no picture that none of them has.
    /// # Errors
    /// The disk does not take it: it is asked for at the next start.
    pub fn keep_list(&self, list: &Pictures) -> io::Result<()> {
        fs::create_dir_all(self.folder())?;
        let text = serde_json::to_vec(list).map_err(io::Error::other)?;
        replace(&self.folder(), &self.folder().join(LIST), &text)?;
        let named: BTreeSet<&str> = list.of.values().map(String::as_str).collect();
        for entry in fs::read_dir(self.folder())? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_str().is_some_and(|name| is_name(name) && !named.contains(name)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Decodes a picture and keeps it as a tile shows it.
    /// # Errors
    /// [`PictureError`]; nothing is kept.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), PictureError> {
        let file = self.file(name).filter(|_| name_of(bytes) == name).ok_or(PictureError::Another)?;
        // Whatever a decoder does with what somebody has uploaded, the till goes on.
        let thumb = catch_unwind(|| thumb_of(bytes))
            .map_err(|_| PictureError::Broken("the decoder gave up".into()))??;
        let mut kept = vec![thumb.width, thumb.height];
        kept.extend(thumb.rgb);
        fs::create_dir_all(self.folder())?;
        replace(&self.folder(), &file, &kept)?;
        Ok(())
    }

    /// A picture as it is kept; nothing if it is not there, or not whole.
    #[must_use]
    pub fn thumb(&self, name: &str) -> Option<Thumb> {
        let file = self.file(name)?;
        // No file is larger than this, or it is none of these.
        let most = 2 + 3 * u64::from(SIDE) * u64::from(SIDE);
        if fs::metadata(&file).ok()?.len() > most {
            return None;
        }
        let bytes = fs::read(file).ok()?;
        let (&[width, height], rgb) = bytes.split_first_chunk::<2>()?;
        let whole = rgb.len() == 3 * usize::from(width) * usize::from(height) && !rgb.is_empty();
        (whole && width <= SIDE && height <= SIDE).then(|| Thumb { width, height, rgb: rgb.to_vec() })
    }
}

/// A picture as a tile shows it: small, and on white where it has no colour of its own.
fn thumb_of(bytes: &[u8]) -> Result<Thumb, PictureError> {
    let format = match look(bytes)?.format {
        Format::Png => ImageFormat::Png,
        Format::Jpeg => ImageFormat::Jpeg,
    };
    let broken = |error: image::ImageError| PictureError::Broken(error.to_string());
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let decoded = reader.decode().map_err(broken)?;
    let side = u32::from(SIDE);
    let small = if decoded.width() > side || decoded.height() > side {
        decoded.thumbnail(side, side)
    } else {
        decoded
    };
    let mut ground = RgbaImage::from_pixel(small.width(), small.height(), Rgba([255; 4]));
    overlay(&mut ground, &small.to_rgba8(), 0, 0);
    let size = |pixels: u32| u8::try_from(pixels).map_err(|_| PictureError::Broken("its size".into()));
    let (width, height) = (size(ground.width())?, size(ground.height())?);
    Ok(Thumb { width, height, rgb: DynamicImage::ImageRgba8(ground).to_rgb8().into_raw() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        let pixels = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([200, x as u8, y as u8]));
        DynamicImage::ImageRgb8(pixels).write_to(&mut out, format).unwrap();
        out.into_inner()
    }

    fn store() -> (tempfile::TempDir, PictureStore) {
        let dir = tempfile::tempdir().unwrap();
        let store = PictureStore::new(dir.path());
        (dir, store)
    }

    #[test]
    fn a_picture_is_kept_as_small_as_a_tile_shows_it_and_is_there_after_a_restart() {
        let (dir, store) = store();
        for (width, height, format, size) in [
            (400, 200, ImageFormat::Png, (96, 48)),
            (512, 512, ImageFormat::Jpeg, (96, 96)),
            (20, 30, ImageFormat::Png, (20, 30)),
            (512, 1, ImageFormat::Png, (96, 1)),
        ] {
            let bytes = picture(width, height, format);
            let name = name_of(&bytes);
            store.keep(&name, &bytes).unwrap();
            let thumb = store.thumb(&name).unwrap();
            assert_eq!((thumb.width, thumb.height), size);
            assert!(thumb.rgb[0].abs_diff(200) < 12, "{:?}", &thumb.rgb[..3]);
            let of = [("tea".to_owned(), name.clone()), ("egg".to_owned(), "0".repeat(64))].into();
            store.keep_list(&Pictures { of }).unwrap();
            let shelf = PictureStore::new(dir.path()).shelf();
            assert_eq!((shelf.shown("tea"), shelf.shown("egg")), (Some(name.as_str()), None));
        }
        assert_eq!(
            fs::read_dir(dir.path().join("pictures")).unwrap().count(),
            2,
            "the last one, and the list"
        );
        store.keep_list(&Pictures::default()).unwrap();
        assert_eq!(fs::read_dir(dir.path().join("pictures")).unwrap().count(), 1);
    }

    #[test]
    fn what_has_no_colour_of_its_own_is_white() {
        let (_dir, store) = store();
        let mut out = Cursor::new(Vec::new());
        RgbaImage::from_pixel(2, 2, Rgba([9, 9, 9, 0])).write_to(&mut out, ImageFormat::Png).unwrap();
        let bytes = out.into_inner();
        store.keep(&name_of(&bytes), &bytes).unwrap();
        assert_eq!(store.thumb(&name_of(&bytes)).unwrap().rgb, [255; 12]);
    }

    #[test]
    fn a_picture_that_is_broken_or_another_leaves_nothing_behind() {
        let (dir, store) = store();
        let bytes = picture(100, 100, ImageFormat::Png);
        let refused = store.keep(&"0".repeat(64), &bytes);
        assert!(matches!(refused, Err(PictureError::Another)), "{refused:?}");
        let refused = store.keep("../../till.toml", &bytes);
        assert!(matches!(refused, Err(PictureError::Another)), "{refused:?}");
        let cut = &bytes[..bytes.len() / 2];
        let refused = store.keep(&name_of(cut), cut);
        assert!(matches!(refused, Err(PictureError::Broken(_))), "{refused:?}");
        let large = picture(513, 4, ImageFormat::Png);
        let refused = store.keep(&name_of(&large), &large);
        assert!(matches!(refused, Err(PictureError::None(NoPicture::Size(513, 4)))), "{refused:?}");
        assert!(!dir.path().join("pictures").exists());
        assert_eq!(store.shelf().shown("tea"), None, "no list, no pictures, no trouble");
    }

    #[test]
    fn a_file_that_was_cut_or_is_another_is_no_picture() {
        let (dir, store) = store();
        let bytes = picture(40, 40, ImageFormat::Png);
        let name = name_of(&bytes);
        store.keep(&name, &bytes).unwrap();
        let file = dir.path().join("pictures").join(&name);
        let whole = fs::read(&file).unwrap();
        for wrong in [&whole[..whole.len() - 1], &[], &[0, 0], &[255; 40_000], &[1]] {
            fs::write(&file, wrong).unwrap();
            assert_eq!(store.thumb(&name), None);
        }
        fs::write(dir.path().join("pictures").join(LIST), "{").unwrap();
        assert_eq!(store.shelf().shown("tea"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_damage_to_a_picture_harms_the_till(at in 24_usize..600, byte: u8, jpeg: bool) {
            let (_dir, store) = store();
            let mut bytes = picture(30, 30, if jpeg { ImageFormat::Jpeg } else { ImageFormat::Png });
            let at = at % bytes.len();
            bytes[at] = byte;
            let name = name_of(&bytes);
            let kept = store.keep(&name, &bytes);
            prop_assert_eq!(kept.is_ok(), store.thumb(&name).is_some());
        }
    }
}
