//! How receipts look: `receipt.template` in the till's directory, or else what the server has given as the shop's.

use crate::config::replace;
use evertill_shared::protocol::receipts::ShopTemplate;
use evertill_shared::receipt::template::{LONGEST, Template};
use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The file's name.
pub const NAME: &str = "receipt.template";
/// The shop's template, as the server gave it.
const SHOPS: &str = "receipt.template.shop";

/// Why a file is no template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateFileError {
    /// It cannot be read just now.
    #[error("{0}: {1}")]
    Unreadable(PathBuf, io::Error),
    /// It is no template: what is wrong, and where.
    #[error("{0}: {1}")]
    Wrong(PathBuf, String),
}

/// Reads a template.
/// # Errors
/// The file cannot be read, or is no template.
pub fn read(path: &Path) -> Result<Template, TemplateFileError> {
    let unreadable = |error| TemplateFileError::Unreadable(path.to_owned(), error);
    let wrong = |why: String| TemplateFileError::Wrong(path.to_owned(), why);
    // One byte more than may be: what is too long is refused without being read to its end.
    let longest = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(unreadable)?.take(longest).read_to_end(&mut bytes).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))?;
    Template::parse(&text).map_err(|error| wrong(error.to_string()))
}

/// Whether the shop's own template can be used, if it has one.
/// # Errors
/// The file is there and cannot be used.
pub fn check(data: &Path) -> Result<(), TemplateFileError> {
    let path = data.join(NAME);
    if path.exists() { read(&path).map(drop) } else { Ok(()) }
}

/// The template of this till's receipts: its own file, else the shop's, else the one that comes with the till.
/// # Errors
/// The file that counts cannot be used.
pub fn in_use(data: &Path) -> Result<Template, TemplateFileError> {
    let found = [NAME, SHOPS].map(|name| data.join(name)).into_iter().find(|path| path.exists());
    found.map_or_else(|| Ok(Template::default()), |path| read(&path))
}

/// Keeps the shop's template, as the server gave it, or forgets it.
/// # Errors
/// The disk does not take it; then the one before stays.
pub fn keep_shops(data: &Path, text: Option<&str>) -> io::Result<()> {
    let path = data.join(SHOPS);
    match text {
        Some(text) => replace(data, &path, text.as_bytes()),
        None => match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    }
}

/// What the shop's template is known by that is kept here; empty if none is, or it cannot be read: then it is asked for.
#[must_use]
pub fn shops_name(data: &Path) -> String {
    let text = fs::read_to_string(data.join(SHOPS)).ok().filter(|text| Template::parse(text).is_ok());
    ShopTemplate { text }.name()
}

/// The template in use: the till's own file counts before the shop's. Both are looked at before each receipt, so that a new
/// one counts at once; one that is wrong stops no receipt: the last that was right stays until the till ends, and the log says
/// what is wrong.
#[derive(Debug)]
pub struct TemplateFile {
    own: Kept,
    shops: Kept,
    usual: Template,
}

impl TemplateFile {
    /// The template of a till.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        let kept = |name| Kept { path: data.join(name), seen: None, template: None };
        Self { own: kept(NAME), shops: kept(SHOPS), usual: Template::default() }
    }

    /// The template as it is now.
    pub fn now(&mut self) -> &Template {
        self.own.look();
        self.shops.look();
        self.own.template.as_ref().or(self.shops.template.as_ref()).unwrap_or(&self.usual)
    }
}

/// A file, and what was last right in it.
#[derive(Debug)]
struct Kept {
    path: PathBuf,
    seen: Option<Seen>,
    template: Option<Template>,
}

/// By what a file is known again.
type Seen = (u64, io::Result<std::time::SystemTime>);

impl Kept {
    fn look(&mut self) {
        match fs::metadata(&self.path) {
            Ok(found) => self.read_anew(&found),
            // A file that was taken away leaves none.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (self.seen, self.template) = (None, None);
            }
            Err(error) => tracing::error!(%error, "the receipts' template cannot be read"),
        }
    }

    fn read_anew(&mut self, found: &Metadata) {
        let new: Seen = (found.len(), found.modified());
        let same = self.seen.as_ref().is_some_and(|(length, at)| {
            *length == new.0 && matches!((at, &new.1), (Ok(before), Ok(now)) if before == now)
        });
        if same {
            return;
        }
        match read(&self.path) {
            Ok(template) => self.template = Some(template),
            Err(error) => {
                tracing::error!(%error, "the receipts' template is wrong; the last right one stays until the till ends");
                // What could not be read may be read the next time.
                if matches!(error, TemplateFileError::Unreadable(..)) {
                    return;
                }
            }
        }
        self.seen = Some(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::receipt::template::DEFAULT;

    #[test]
    fn a_new_template_counts_at_once_and_a_wrong_one_stops_no_receipt() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(NAME);
        let mut file = TemplateFile::new(dir.path());
        assert_eq!(*file.now(), Template::default());
        assert!(check(dir.path()).is_ok());
        let own = DEFAULT.replace("feed 1\nqr", "feed 2\nqr 4\ntext \"Thank you\"");
        fs::write(&path, &own).unwrap();
        let mine = Template::parse(&own).unwrap();
        assert_ne!(mine, Template::default());
        assert_eq!(*file.now(), mine);
        fs::write(&path, own.replace("\ntenders\n", "\n")).unwrap();
        assert_eq!(*file.now(), mine, "the last that was right");
        let told = check(dir.path()).unwrap_err().to_string();
        assert!(told.contains("receipt.template: line") && told.contains("lacks tenders"), "{told}");
        fs::remove_file(&path).unwrap();
        assert_eq!(*file.now(), Template::default());
        fs::write(&path, vec![b'#'; LONGEST + 10]).unwrap();
        assert!(check(dir.path()).unwrap_err().to_string().contains("longer than"));
    }

    #[test]
    fn the_shops_template_counts_where_a_till_has_none_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = TemplateFile::new(dir.path());
        assert_eq!(shops_name(dir.path()), "");
        let [shops, own] = ["feed 2\nqr 4", "feed 3\nqr 5"].map(|tail| DEFAULT.replace("feed 1\nqr", tail));
        keep_shops(dir.path(), Some(&shops)).unwrap();
        assert_eq!(*file.now(), Template::parse(&shops).unwrap());
        assert_eq!(shops_name(dir.path()), ShopTemplate { text: Some(shops.clone()) }.name());
        fs::write(dir.path().join(NAME), &own).unwrap();
        assert_eq!(*file.now(), Template::parse(&own).unwrap());
        assert_eq!(in_use(dir.path()).unwrap(), *file.now());
        fs::remove_file(dir.path().join(NAME)).unwrap();
        assert_eq!(*file.now(), Template::parse(&shops).unwrap());
        for _ in 0..2 {
            keep_shops(dir.path(), None).unwrap();
            assert_eq!(*file.now(), Template::default());
        }
        // Written by a later program, or damaged: asked for once more.
        fs::write(dir.path().join(SHOPS), "evertill-receipt 9").unwrap();
        assert_eq!((file.now(), shops_name(dir.path())), (&Template::default(), String::new()));
    }
}
