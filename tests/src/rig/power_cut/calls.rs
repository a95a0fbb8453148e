//! Reading the log of `strace`: one call a line, strings in hexadecimal, a call that was interrupted on two lines.

use super::is_tracked;
use crate::rig::Failure;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// One thing that was done, in the order in which the kernel saw it.
#[derive(Debug)]
pub(super) struct Event {
    /// Microseconds since 1970.
    pub at_us: i64,
    pub what: What,
}

/// Paths are below the recorded folder; its own is empty.
#[derive(Debug)]
pub(super) enum What {
    /// The file came to be, or was emptied.
    Opened {
        path: PathBuf,
        emptied: bool,
    },
    Written {
        path: PathBuf,
        offset: usize,
        bytes: Vec<u8>,
    },
    Cut {
        path: PathBuf,
        length: usize,
    },
    /// What was written before this is on the disk once the sync with this number has ended.
    SyncBegan {
        path: PathBuf,
        number: usize,
    },
    Synced {
        number: usize,
    },
    Removed {
        path: PathBuf,
    },
}

/// The log's line, taken apart.
struct Line<'a> {
    thread: &'a str,
    at_us: i64,
    rest: &'a str,
}

struct Reader<'a> {
    folder: &'a Path,
    events: Vec<Event>,
    /// Calls that have begun and not ended, by thread: what was said at their beginning.
    open: BTreeMap<String, (String, Begun)>,
    syncs: usize,
    /// Calls that the program did not live to see the end of, and perhaps not the beginning.
    in_flight: BTreeSet<PathBuf>,
    undone: BTreeSet<usize>,
}

/// What a call has done by beginning.
#[derive(Clone, Copy)]
enum Begun {
    Nothing,
    /// The event with this index.
    Write(usize),
    /// The sync with this number.
    Sync(usize),
}

/// All that was done, and the files that had a call in flight when the program was killed: whether that one
/// was done is not known, and it is left out.
pub(super) fn read(folder: &Path, log: &Path) -> Result<(Vec<Event>, BTreeSet<PathBuf>), Failure> {
    let file = File::open(log).map_err(Failure::file(log))?;
    let mut reader = Reader {
        folder,
        events: Vec::new(),
        open: BTreeMap::new(),
        syncs: 0,
        in_flight: BTreeSet::new(),
        undone: BTreeSet::new(),
    };
    for line in BufReader::new(file).lines() {
        let line = line.map_err(Failure::file(log))?;
        reader.line(&line).map_err(|what| {
            // The bytes are in the middle, and there may be many.
            let (first, last) = (line.get(..60).unwrap_or(&line), line.get(line.len().max(160) - 160..));
            Failure::Machine(format!("{}: {what}: {first}…{}", log.display(), last.unwrap_or_default()))
        })?;
    }
    for (call, begun) in std::mem::take(&mut reader.open).into_values() {
        reader.never_ended(&call, begun);
    }
    let Reader { events, undone, in_flight, .. } = reader;
    let done = events.into_iter().enumerate().filter(|(index, _)| !undone.contains(index));
    Ok((done.map(|(_, event)| event).collect(), in_flight))
}

impl Reader<'_> {
    fn line(&mut self, text: &str) -> Result<(), String> {
        let Some(line) = split(text) else { return Err("not a line of strace".into()) };
        if line.rest.starts_with("+++") || line.rest.starts_with("---") {
            return Ok(());
        }
        // Cut off by another thread's call, or by the program's end.
        let cut_off = ["<unfinished ...>", "<detached ...>"];
        if let Some(call) = cut_off.iter().find_map(|mark| line.rest.strip_suffix(mark)) {
            let call = call.trim_end();
            let begun = self.begin(call, line.at_us)?;
            self.open.insert(line.thread.to_owned(), (call.to_owned(), begun));
            return Ok(());
        }
        if line.rest.starts_with("<...") {
            let (call, begun) = self.open.remove(line.thread).ok_or("it ends and never began")?;
            let tail = line.rest.split_once("resumed>").map(|(_, tail)| tail).ok_or("resumed, but what?")?;
            return self.end(&format!("{call}{tail}"), begun, line.at_us);
        }
        let begun = self.begin(line.rest, line.at_us)?;
        self.end(line.rest, begun, line.at_us)
    }

    /// What a call may do from its beginning on: a write may be on the disk before the call is back, and a sync
    /// covers what was written before it began.
    fn begin(&mut self, call: &str, at_us: i64) -> Result<Begun, String> {
        let (name, arguments) = call.split_once('(').ok_or("no call")?;
        match name {
            "pwrite64" => {
                let Some(path) = self.of_descriptor(arguments) else { return Ok(Begun::Nothing) };
                let bytes = quoted(arguments).ok_or("no bytes")?;
                let (count, offset) = count_and_offset(arguments).ok_or("no length, or no offset")?;
                if bytes.len() != count {
                    return Err("the log does not hold all that was written".into());
                }
                self.events.push(Event { at_us, what: What::Written { path, offset, bytes } });
                Ok(Begun::Write(self.events.len() - 1))
            }
            "fsync" | "fdatasync" => {
                let Some(path) = self.of_descriptor_or_folder(arguments) else { return Ok(Begun::Nothing) };
                self.syncs += 1;
                let number = self.syncs;
                self.events.push(Event { at_us, what: What::SyncBegan { path, number } });
                Ok(Begun::Sync(number))
            }
            _ => Ok(Begun::Nothing),
        }
    }

    fn end(&mut self, call: &str, begun: Begun, at_us: i64) -> Result<(), String> {
        let (name, arguments) = call.split_once('(').ok_or("no call")?;
        // Short calls may be padded: of one that a kill came before, all there is to read is "???()           = ?".
        let parted = call.rsplit_once(" = ").filter(|(call, _)| call.trim_end().ends_with(')'));
        let Some((_, result)) = parted else { return Err("no result".into()) };
        // Of a program that was killed inside a call the result is not known, or is none that the system has: its
        // errors have names ("-1 ENOSPC (No space left on device)").
        if result.starts_with('?') || result.starts_with("-1 (errno ") {
            self.never_ended(call, begun);
            return Ok(());
        }
        let has_failed = result.starts_with('-');
        let what = match name {
            "pwrite64" => {
                let is_ours = self.of_descriptor(arguments).is_some();
                let whole = count_and_offset(arguments).is_some_and(|(n, _)| result.trim() == n.to_string());
                if is_ours && !whole {
                    return Err("a write that was not whole: this model is not for full disks".into());
                }
                return Ok(());
            }
            "fsync" | "fdatasync" => match begun {
                Begun::Sync(number) if !has_failed => What::Synced { number },
                _ => return Ok(()),
            },
            _ if has_failed => return Ok(()),
            "openat" => {
                let Some(path) = self.of_descriptor(result) else { return Ok(()) };
                let emptied = arguments.contains("O_TRUNC");
                if !arguments.contains("O_CREAT") && !emptied {
                    return Ok(());
                }
                What::Opened { path, emptied }
            }
            "ftruncate" => {
                let Some(path) = self.of_descriptor(arguments) else { return Ok(()) };
                let length = arguments.rsplit_once(", ").and_then(|(_, tail)| tail.split(')').next());
                What::Cut { path, length: length.and_then(|n| n.parse().ok()).ok_or("no length")? }
            }
            "unlink" | "unlinkat" => match quoted(arguments).and_then(|path| self.below(path)) {
                Some(path) => What::Removed { path },
                None => return Ok(()),
            },
            _ => return self.refuse(name, arguments),
        };
        self.events.push(Event { at_us, what });
        Ok(())
    }

    fn never_ended(&mut self, call: &str, begun: Begun) {
        if let Begun::Write(index) = begun {
            self.undone.insert(index);
        }
        let arguments = call.split_once('(').map(|(_, arguments)| arguments).unwrap_or_default();
        let named = || quoted(arguments).and_then(|path| self.below(path));
        self.in_flight.extend(self.of_descriptor(arguments).or_else(named));
    }

    /// A call that the model does not know must not touch our files.
    fn refuse(&self, name: &str, arguments: &str) -> Result<(), String> {
        let is_write = name.contains("write");
        let named = || quoted(arguments).and_then(|path| self.below(path)).is_some();
        if self.of_descriptor(arguments).is_some() || (!is_write && named()) {
            return Err(format!("{name} changes a database file, and the model does not know it"));
        }
        Ok(())
    }

    fn below(&self, path: Vec<u8>) -> Option<PathBuf> {
        let path = PathBuf::from(String::from_utf8(path).ok()?);
        let below = path.strip_prefix(self.folder).ok()?.to_path_buf();
        is_tracked(&below).then_some(below)
    }

    fn of_descriptor(&self, text: &str) -> Option<PathBuf> {
        self.below(in_brackets(text)?)
    }

    fn of_descriptor_or_folder(&self, text: &str) -> Option<PathBuf> {
        let path = PathBuf::from(String::from_utf8(in_brackets(text)?).ok()?);
        let below = path.strip_prefix(self.folder).ok()?.to_path_buf();
        (is_tracked(&below) || path.is_dir()).then_some(below)
    }
}

fn split(text: &str) -> Option<Line<'_>> {
    let (thread, rest) = text.split_once(' ')?;
    let (time, rest) = rest.trim_start().split_once(' ')?;
    let (seconds, micros) = time.split_once('.')?;
    let at_us = seconds.parse::<i64>().ok()? * 1_000_000 + micros.parse::<i64>().ok()?;
    Some(Line { thread, at_us, rest })
}

/// The path that strace writes behind the first descriptor: `5<\x2f…>`.
fn in_brackets(text: &str) -> Option<Vec<u8>> {
    let (number, rest) = text.split_once('<')?;
    number.trim().parse::<u32>().ok()?;
    unhex(rest.split_once('>')?.0)
}

/// The first string: `"\x2f…"`.
fn quoted(text: &str) -> Option<Vec<u8>> {
    unhex(text.split('"').nth(1)?)
}

/// The two numbers behind a call's bytes.
fn count_and_offset(arguments: &str) -> Option<(usize, usize)> {
    let (_, tail) = arguments.rsplit_once('"')?;
    let mut numbers = tail.trim_start_matches("...").split([',', ')']).map(str::trim).skip(1);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = Vec::with_capacity(text.len() / 4);
    for four in text.as_bytes().chunks(4) {
        let [b'\\', b'x', high, low] = *four else { return None };
        bytes.push(digit(high)? << 4 | digit(low)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events_of(lines: &str) -> Result<usize, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("calls");
        std::fs::write(&log, lines).unwrap();
        read(folder.path(), &log).map(|(events, _)| events.len())
    }

    #[test]
    fn a_call_that_a_kill_came_before_did_nothing() {
        let killed = "18298 1795420142.058444 ???()           = ?\n18298 1795420142.058500 +++ killed by SIGKILL +++\n";
        assert_eq!(events_of(killed).unwrap(), 0);
    }

    #[test]
    fn a_call_without_a_result_is_refused() {
        for broken in ["18298 1795420142.058444 close(3\n", "18298 1795420142.058444 close(3 = 0\n"] {
            assert!(events_of(broken).unwrap_err().to_string().contains("no result"), "{broken}");
        }
    }
}
