//! `catalogue pictures`.

use super::connection::Connection;
use super::{Outcome, Report};
use evertill_shared::protocol::pictures::{LARGEST, Picture, look};
use evertill_shared::protocol::staff::SetPicture;
use std::error::Error;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Which files.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  evertill-admin catalogue pictures pictures/ --server https://localhost:8443 --trust corner/trust.json --login mei\n\n\
    A file is named after the id of its goods: apple.png, 00084.jpg. PNG or JPEG, at most 64 KiB and 512 pixels each way.\n\
    Tills show them on the tiles of goods that are favourites. All files are looked at before the first is sent; goods that\n\
    are not named keep what they have."
)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// Pictures, or folders of them.
    #[arg(required_unless_present = "remove")]
    files: Vec<PathBuf>,
    /// Goods whose picture is taken away, by their id; may be said more than once.
    #[arg(long, value_name = "ID")]
    remove: Vec<String>,
}

/// Reads, checks and sends them.
pub async fn run(args: &Args) -> Outcome {
    let mut changes = args.files.iter().map(|path| all_of(path)).collect::<Result<Vec<_>, _>>()?.concat();
    changes.extend(args.remove.iter().map(|product| SetPicture { product: product.clone(), picture: None }));
    if changes.is_empty() {
        return Err("there is no picture: files end in .png, .jpg or .jpeg".into());
    }
    let client = args.connection.open().await?;
    for change in &changes {
        client.set_picture(change).await?;
    }
    let sent = changes.len() - args.remove.len();
    let text = format!(
        "{sent} pictures are set, {} taken away. Tills fetch them within minutes.",
        args.remove.len()
    );
    Ok(Report::good(text, serde_json::json!({ "set": sent, "removed": args.remove.len() })))
}

/// Whether a file is meant to be a picture, by its name.
fn is_picture(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    matches!(ending.as_deref(), Some("png" | "jpg" | "jpeg"))
}

fn all_of(path: &Path) -> Result<Vec<SetPicture>, Box<dyn Error>> {
    if !path.is_dir() {
        return Ok(vec![read(path)?]);
    }
    let named = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(named)? {
        files.push(entry.map_err(named)?.path());
    }
    files.retain(|file| file.is_file() && is_picture(file));
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

fn read(path: &Path) -> Result<SetPicture, Box<dyn Error>> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let product =
        path.file_stem().and_then(|name| name.to_str()).ok_or_else(|| named(&"it has no name to go by"))?;
    let mut bytes = Vec::new();
    // One byte more than may be: what is too large is not read to its end.
    let most = u64::try_from(LARGEST).unwrap_or(u64::MAX).saturating_add(1);
    let file = std::fs::File::open(path).map_err(|error| named(&error))?;
    file.take(most).read_to_end(&mut bytes).map_err(|error| named(&error))?;
    look(&bytes).map_err(|error| named(&error))?;
    Ok(SetPicture { product: product.to_owned(), picture: Some(Picture::new(&bytes)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folders_pictures_are_named_after_their_goods_and_one_that_is_none_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        png.extend([9_u32.to_be_bytes(), 9_u32.to_be_bytes()].concat());
        for name in ["tea.png", "00084.PNG", "readme.txt"] {
            std::fs::write(dir.path().join(name), &png).unwrap();
        }
        let found = all_of(dir.path()).unwrap();
        let ids: Vec<&str> = found.iter().map(|change| change.product.as_str()).collect();
        assert_eq!(ids, ["00084", "tea"]);
        assert_eq!(found[0].picture.as_ref().unwrap().bytes(), Ok(png));
        std::fs::write(dir.path().join("egg.jpg"), "no picture").unwrap();
        assert!(all_of(dir.path()).unwrap_err().to_string().contains("egg.jpg"));
        std::fs::write(dir.path().join("egg.jpg"), vec![0; LARGEST + 9]).unwrap();
        assert!(all_of(dir.path()).unwrap_err().to_string().contains("save it smaller"));
    }
}
