//! Files that hold secrets: written once, durably, for the owner's eyes only; and read only if that is so.

use evertill_shared::secret::SecretText;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, Zeroizing};

/// For files that only their owner may read.
pub(crate) const PRIVATE: u32 = 0o600;
/// For files that anyone may read.
pub(crate) const PUBLIC: u32 = 0o644;
/// The largest file that is read whole. Ours are a few kilobytes; a catalogue may be some megabytes.
const MAX_FILE: u64 = 32 << 20;

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read a file that holds a secret.
    #[error(
        "{path} holds a secret, but others may read it (mode {mode:03o}). Run: chmod 600 {path}\n\
         If anyone else has had access to this machine, treat the secret as known and make a new one.",
        path = path.display()
    )]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Larger than anything that belongs there.
    #[error("{} is too large to be what it should be", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Not UTF-8.
    #[error("{} is not a text file (UTF-8)", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
}

impl FileError {
    /// Whether the file is simply not there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    pub(crate) fn already_exists(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists)
    }
}

pub(crate) fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> FileError + 'a {
    move |source| FileError::Io { action, path: path.to_owned(), source }
}

/// Writes a file that must not exist yet, to the disk and not only to its cache.
pub(crate) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    let mut options = OpenOptions::new();
    let mut file =
        options.write(true).create_new(true).mode(mode).open(path).map_err(failed("create", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed("write", path))
}

/// As [`write_new`], but whole or not at all, whatever happens in between: for a file whose half would be in the
/// way for ever, since it is never overwritten.
pub(crate) fn create_whole(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    let fresh = write_beside(path, bytes, mode)?;
    // A link, and not a rename, because a link does not replace what is there.
    let linked = fs::hard_link(&fresh, path).map_err(failed("create", path));
    fs::remove_file(&fresh).map_err(failed("remove", &fresh))?;
    linked?;
    sync_parent(path)
}

/// Puts files (path, bytes, mode) in the place of others, each in one step: whoever reads sees the old one or the
/// new one. All are written out before the first is put in place, so that a full disk changes none of them.
pub(crate) fn replace_all(files: &[(PathBuf, &[u8], u32)]) -> Result<(), FileError> {
    let mut staged = Vec::with_capacity(files.len());
    for (path, bytes, mode) in files {
        match write_beside(path, bytes, *mode) {
            Ok(fresh) => staged.push((fresh, path)),
            Err(error) => {
                for (fresh, _) in staged {
                    let _ = fs::remove_file(fresh); // the error that led here is the one to show
                }
                return Err(error);
            }
        }
    }
    for (fresh, path) in staged {
        fs::rename(&fresh, path).map_err(failed("replace", path))?;
        sync_parent(path)?;
    }
    Ok(())
}

/// Writes `NAME.new` beside `NAME`, over what an interrupted attempt may have left.
fn write_beside(path: &Path, bytes: &[u8], mode: u32) -> Result<PathBuf, FileError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    if let Err(error) = fs::remove_file(&fresh)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(failed("remove", &fresh)(error));
    }
    write_new(&fresh, bytes, mode)?;
    Ok(fresh)
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => {
            removed.map_err(failed("remove", path))?;
            sync_parent(path)
        }
    }
}

/// Makes the names in the directory of `path` durable.
pub(crate) fn sync_parent(path: &Path) -> Result<(), FileError> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    sync_dir(parent)
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), FileError> {
    File::open(dir).and_then(|open| open.sync_all()).map_err(failed("write", dir))
}

/// Makes a directory that only its owner may enter.
pub(crate) fn make_private_dir(path: &Path) -> Result<(), FileError> {
    fs::DirBuilder::new().mode(0o700).create(path).map_err(failed("make the directory", path))
}

/// Reads a file whole.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let file = File::open(path).map_err(failed("read", path))?;
    read_open(file, path)
}

/// Reads a text file whole.
pub(crate) fn read_text(path: &Path) -> Result<String, FileError> {
    String::from_utf8(read(path)?).map_err(|_| FileError::NotText { path: path.to_owned() })
}

/// Reads a file that holds a secret, unless others may read it too.
pub(crate) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let file = File::open(path).map_err(failed("read", path))?;
    let mode = file.metadata().map_err(failed("read", path))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(FileError::NotPrivate { path: path.to_owned(), mode });
    }
    read_open(file, path).map(Zeroizing::new)
}

fn read_open(file: File, path: &Path) -> Result<Vec<u8>, FileError> {
    let size = file.metadata().map_err(failed("read", path))?.len();
    if size > MAX_FILE {
        return Err(FileError::TooLarge { path: path.to_owned() });
    }
    // Room for all of it from the start, so that no shorter copy of a secret stays behind in freed memory.
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(failed("read", path))?;
    Ok(bytes)
}

/// Reads a password or passphrase from a file that only its owner may read. One line ending at the end is not
/// part of it.
///
/// # Errors
/// [`FileError`].
pub fn read_secret_text(path: &Path) -> Result<SecretText, FileError> {
    let mut bytes = read_private(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| FileError::NotText { path: path.to_owned() })?;
    let line = text.strip_suffix('\n').map_or(text, |rest| rest.strip_suffix('\r').unwrap_or(rest));
    let secret = SecretText::new(line.to_owned());
    bytes.zeroize();
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_that_others_may_read_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        write_new(&path, b"hunter22\r\n", PRIVATE).unwrap();
        assert_eq!(read_secret_text(&path).unwrap().expose(), "hunter22");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = read_secret_text(&path).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }

    #[test]
    fn replacing_keeps_the_mode_and_survives_a_leftover() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write_new(&path, b"old", PUBLIC).unwrap();
        write_new(&dir.path().join("file.new"), b"leftover", PUBLIC).unwrap();
        replace_all(&[(path.clone(), b"new", PRIVATE)]).unwrap();
        assert_eq!(read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, PRIVATE);
        assert!(write_new(&path, b"again", PRIVATE).unwrap_err().already_exists());
    }

    #[test]
    fn a_file_is_created_whole_over_a_leftover_but_never_over_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(dir.path().join("file.new"), "half of an earlier att").unwrap();
        create_whole(&path, b"whole", PRIVATE).unwrap();
        assert!(create_whole(&path, b"another", PRIVATE).unwrap_err().already_exists());
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, PRIVATE);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left");
    }
}
