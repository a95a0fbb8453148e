//! `staff card`.

use super::connection::Connection;
use super::{Outcome, Report};
use evertill_shared::protocol::staff::SetCard;
use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// So much of nothing stands around a code, in modules.
const QUIET: usize = 4;

/// Whose card.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  evertill-admin staff card anna --svg anna.svg \\\n    \
    --server https://localhost:8443 --trust corner/trust.json --login bo\n\n\
    Every scanner that reads a customer's phone reads it. A new card takes the place of the one before, which counts no more.\n\
    Whoever has the file has the card: print it, then delete it. A card logs in and approves nothing; for that a PIN is needed.")]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// The name that the person logs in with.
    #[arg(value_name = "LOGIN")]
    person: String,
    /// Write the card as a picture to print (SVG), readable by you only; the file must not exist yet. Otherwise its code is
    /// printed here, this once.
    #[arg(long, value_name = "FILE", conflicts_with = "remove")]
    svg: Option<PathBuf>,
    /// Take the card away: it was lost, or is not wanted any more.
    #[arg(long)]
    remove: bool,
}

/// Makes a card or takes it away.
pub async fn run(args: &Args) -> Outcome {
    // Before anything is asked: the card of until now counts no more afterwards.
    let file = args.svg.as_deref().map(|path| Ok::<_, io::Error>((path, new_file(path)?))).transpose()?;
    match make(args, file.as_ref().map(|(path, file)| (*path, file))).await {
        Ok(report) => Ok(report),
        Err(error) => {
            if let Some((path, _)) = file {
                let _ = std::fs::remove_file(path); // the error that led here is the one to show
            }
            Err(error)
        }
    }
}

fn new_file(path: &Path) -> Result<File, io::Error> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|error| io::Error::new(error.kind(), format!("cannot create {}: {error}", path.display())))
}

async fn make(args: &Args, file: Option<(&Path, &File)>) -> Outcome {
    let asked = SetCard { login: args.person.clone(), remove: args.remove };
    let set = args.connection.open().await?.set_card(&asked).await?;
    let person = &set.person;
    let who = format!("{} ({})", person.name, person.login);
    let mut data = serde_json::json!({ "login": person.login, "has_card": person.has_card });
    let Some(code) = &set.code else {
        return Ok(Report::good(format!("{who} has no card any more; tills know it within seconds."), data));
    };
    let made =
        format!("{who} has a new card; tills know it within seconds, and the one before counts no more.");
    let Some((path, mut file)) = file else {
        data["code"] = code.expose().into();
        let how = "Print it as a QR code. It is shown this once.";
        return Ok(Report::good(format!("{made}\n\n  {}\n\n{how}", code.expose()), data));
    };
    let picture = svg(code.expose(), &person.name)?;
    file.write_all(picture.as_bytes()).and_then(|()| file.sync_all())?;
    data["file"] = path.display().to_string().into();
    Ok(Report::good(format!("{made}\nPrint {}, then delete it.", path.display()), data))
}

/// A card of the size of a bank card's, with the person's name and the code as a QR code.
fn svg(code: &str, name: &str) -> Result<String, Box<dyn std::error::Error>> {
    let qr = QrCode::with_error_correction_level(code, EcLevel::M)?;
    let (width, mut path) = (qr.width(), String::new());
    for (at, color) in qr.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            write!(path, "M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET)?;
        }
    }
    let side = width + 2 * QUIET;
    let name = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"54mm\" height=\"85.6mm\" viewBox=\"0 0 54 85.6\">\n\
         <rect width=\"54\" height=\"85.6\" fill=\"#fff\"/>\n\
         <text x=\"27\" y=\"14\" font-size=\"5\" font-family=\"sans-serif\" text-anchor=\"middle\">{name}</text>\n\
         <svg x=\"5\" y=\"22\" width=\"44\" height=\"44\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <path d=\"{path}\"/></svg>\n\
         <text x=\"27\" y=\"76\" font-size=\"2.6\" font-family=\"monospace\" text-anchor=\"middle\">{code}</text>\n\
         </svg>\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_a_card_with_the_code_and_a_name_that_is_text() {
        let picture = svg("EVTC-ABCDE-FGH23-JKLMN-PQRST", "Anna <b> & Co").unwrap();
        assert!(picture.contains("Anna &lt;b&gt; &amp; Co") && picture.contains("EVTC-ABCDE-FGH23"));
        assert!(picture.contains("M4 4h1v1h-1z") && picture.contains("viewBox=\"0 0 33 33\""), "{picture}");
    }

    #[test]
    fn a_file_that_is_there_is_not_overwritten_and_a_new_one_is_the_owners() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("anna.svg");
        let file = new_file(&path).unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(new_file(&path).is_err());
    }
}
