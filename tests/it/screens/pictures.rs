//! Pictures of the screens: written for people to look at, and compared with small ones that somebody has looked at.

use evertill_tests::headless::Picture;
use std::path::{Path, PathBuf};

/// The stored pictures are this many times smaller: small in the repository, blind to one pixel more or less.
const REDUCED: u32 = 4;
/// Mean difference of a channel, of 255, up to which two reduced pictures count as equal.
const TOLERANCE: f64 = 1.5;
/// Up to which the one that is stored is kept when pictures are drawn anew: nobody would see what changed.
const THE_SAME: f64 = 0.3;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// Writes the picture to `target/screens`.
pub fn write(name: &str, picture: &Picture) -> Result<PathBuf, String> {
    let written = root().join("../target/screens");
    std::fs::create_dir_all(&written).map_err(|e| e.to_string())?;
    let full = written.join(format!("{name}.png"));
    save(&full, picture)?;
    Ok(full)
}

/// Writes the picture to `target/screens` and compares it with the stored one.
pub fn compare(name: &str, picture: &Picture) -> Result<(), String> {
    let full = write(name, picture)?;
    let stored = root().join("pictures").join(format!("{name}.png"));
    compare_with(&stored, &reduce(picture, REDUCED))
        .map_err(|why| format!("{why}; look at {}", full.display()))
}

/// Whether pictures are to become the new reference.
pub fn accepting() -> bool {
    std::env::var_os("EVERTILL_ACCEPT_PICTURES").is_some()
}

/// Compares the picture with the one in this file, or puts it there.
pub fn compare_with(stored: &Path, picture: &Picture) -> Result<(), String> {
    if accepting() {
        if load(stored).is_ok_and(|kept| difference(&kept, picture).is_some_and(|by| by <= THE_SAME)) {
            return Ok(());
        }
        let folder = stored.parent().unwrap_or(stored);
        std::fs::create_dir_all(folder).map_err(|e| e.to_string())?;
        return save(stored, picture);
    }
    let reference = load(stored)?;
    match difference(&reference, picture) {
        Some(by) if by <= TOLERANCE => Ok(()),
        Some(by) => Err(format!("differs by {by:.2} from {}", stored.display())),
        None => Err(format!("another size than {}", stored.display())),
    }
}

fn save(path: &Path, picture: &Picture) -> Result<(), String> {
    let bytes = picture.png().map_err(|e| e.to_string())?;
    std::fs::write(path, bytes).map_err(|e| format!("{}: {e}", path.display()))
}

fn load(path: &Path) -> Result<Picture, String> {
    let named = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let file = std::fs::File::open(path).map_err(|e| named(&e))?;
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().map_err(|e| named(&e))?;
    let mut rgb = vec![0; reader.output_buffer_size().unwrap_or_default()];
    let info = reader.next_frame(&mut rgb).map_err(|e| named(&e))?;
    Ok(Picture { width: info.width, height: info.height, rgb })
}

/// So many times smaller: the mean of each square of pixels.
pub fn reduce(picture: &Picture, times: u32) -> Picture {
    let (width, height) = (picture.width / times, picture.height / times);
    let mut rgb = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                rgb.push(mean(picture, x, y, channel, times));
            }
        }
    }
    Picture { width, height, rgb }
}

fn mean(picture: &Picture, x: u32, y: u32, channel: u32, times: u32) -> u8 {
    let mut sum = 0_u32;
    for dy in 0..times {
        for dx in 0..times {
            let pixel = (y * times + dy) * picture.width + x * times + dx;
            sum += u32::from(picture.rgb[(pixel * 3 + channel) as usize]);
        }
    }
    u8::try_from(sum / (times * times)).unwrap_or(u8::MAX)
}

/// The mean difference of a channel, of 255; none between pictures of different sizes.
fn difference(a: &Picture, b: &Picture) -> Option<f64> {
    if (a.width, a.height) != (b.width, b.height) {
        return None;
    }
    let sum: u64 = a.rgb.iter().zip(&b.rgb).map(|(x, y)| u64::from(x.abs_diff(*y))).sum();
    Some(sum as f64 / a.rgb.len().max(1) as f64)
}

/// So many pictures in a row, with a narrow gap between them; all of one size.
pub fn side_by_side(all: &[Picture], columns: usize) -> Picture {
    const GAP: usize = 6;
    let (width, height) = (all[0].width as usize, all[0].height as usize);
    let rows = all.len().div_ceil(columns);
    let whole = (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP);
    let mut rgb = vec![128; whole.0 * whole.1 * 3];
    for (at, picture) in all.iter().enumerate() {
        let (left, top) = (at % columns * (width + GAP), at / columns * (height + GAP));
        for (y, row) in picture.rgb.chunks_exact(width * 3).enumerate() {
            let start = ((top + y) * whole.0 + left) * 3;
            rgb[start..start + row.len()].copy_from_slice(row);
        }
    }
    let pixels = |size: usize| u32::try_from(size).unwrap();
    Picture { width: pixels(whole.0), height: pixels(whole.1), rgb }
}
