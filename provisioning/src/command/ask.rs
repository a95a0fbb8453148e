//! Asking the person at the keyboard; secrets without echo.

use evertill_shared::secret::SecretText;
use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// The longest secret, or list of them, that is read from standard input.
const MAX_INPUT: u64 = 64 * 1024;

/// A secret from a file that only its owner may read, or from standard input for `-`.
pub fn secret_from(file: &Path) -> Result<SecretText, Box<dyn Error>> {
    if file != Path::new("-") {
        return Ok(evertill_provisioning::read_secret_text(file)?);
    }
    let mut text = Zeroizing::new(String::with_capacity(1024));
    io::stdin().lock().take(MAX_INPUT).read_to_string(&mut text)?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(SecretText::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

/// Asks for a secret without showing it. `instead` is the option that a script uses.
pub fn hidden(prompt: &str, instead: &str) -> Result<SecretText, Box<dyn Error>> {
    let terminal = open_terminal(instead)?;
    let quiet = Quiet::start(&terminal)?;
    let line = Zeroizing::new(read_line(&terminal, prompt)?);
    drop(quiet);
    writeln!(&terminal)?;
    Ok(SecretText::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Asks for a new secret twice, so that a slip of the finger locks no one out.
pub fn hidden_twice(prompt: &str, instead: &str) -> Result<SecretText, Box<dyn Error>> {
    let first = hidden(prompt, instead)?;
    let again = hidden("The same again: ", instead)?;
    if first == again {
        Ok(first)
    } else {
        Err("the two entries differ: nothing was done, run it again".into())
    }
}

/// Asks a question; `true` only if the answer is the word `yes`.
pub fn confirmed(question: &str, instead: &str) -> Result<bool, Box<dyn Error>> {
    let terminal = open_terminal(instead)?;
    Ok(read_line(&terminal, question)?.trim().eq_ignore_ascii_case("yes"))
}

fn open_terminal(instead: &str) -> Result<File, Box<dyn Error>> {
    let opened = OpenOptions::new().read(true).write(true).open("/dev/tty");
    opened.map_err(|_| format!("there is no terminal to ask on: give {instead}").into())
}

fn read_line(mut terminal: &File, prompt: &str) -> io::Result<String> {
    write!(terminal, "{prompt}")?;
    terminal.flush()?;
    let mut line = String::with_capacity(1024);
    BufReader::new(terminal.take(MAX_INPUT)).read_line(&mut line)?;
    Ok(line)
}

/// Echo is off while this lives.
struct Quiet<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn start(terminal: &'a File) -> io::Result<Self> {
        let before = termios::tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        termios::tcsetattr(terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // The terminal is gone if this fails; there is nothing to put right then.
        let _ = termios::tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}
