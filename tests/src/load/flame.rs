//! Where a process's time goes: recorded by `perf`, folded, and drawn as a flame graph. No other tool is needed.

use super::shop::Shop;
use crate::load::{say, wrong};
use crate::store_rig::RigError;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A recording that is under way.
pub(crate) struct Recording {
    perf: Child,
    data: PathBuf,
}

impl Recording {
    /// Records the shop's server for so long.
    pub(crate) fn start(shop: &Shop, time: Duration) -> Result<Self, RigError> {
        let data = shop.rig.dir().join("perf.data");
        // Stacks are taken from copies of the stack: our programs keep no frame pointers.
        let perf = Command::new("perf")
            .args(["record", "--quiet", "--freq", "397", "--call-graph", "dwarf,16384", "--pid"])
            .arg(shop.server_pid().to_string())
            .arg("--output")
            .arg(&data)
            .args(["--", "sleep", &time.as_secs().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| wrong(format!("perf cannot be started: {e}; it is in Debian's linux-perf")))?;
        Ok(Self { perf, data })
    }

    /// Writes the graph, and the stacks that it is made of beside it.
    pub(crate) fn write(mut self, file: &Path) -> Result<(), RigError> {
        self.perf.wait().map_err(wrong)?;
        say("reading the stacks that perf has recorded");
        let output = Command::new("perf")
            .args(["script", "--no-inline", "--fields", "comm,ip,sym", "--input"])
            .arg(&self.data)
            .stderr(Stdio::null())
            .output()
            .map_err(wrong)?;
        let stacks = fold(&String::from_utf8_lossy(&output.stdout));
        if stacks.is_empty() {
            return Err(wrong("perf recorded nothing: it may need more rights"));
        }
        let mut folded = String::new();
        for (stack, samples) in &stacks {
            let _ = writeln!(folded, "{stack} {samples}");
        }
        fs::write(file.with_extension("folded"), folded).map_err(wrong)?;
        fs::write(file, draw(&stacks)).map_err(wrong)?;
        say(format_args!("{} and its .folded are written", file.display()));
        Ok(())
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let _ = self.perf.kill();
        let _ = self.perf.wait();
    }
}

/// One line for each different stack, outermost first, with how often it was seen.
fn fold(script: &str) -> BTreeMap<String, u64> {
    let mut stacks = BTreeMap::new();
    for sample in script.split("\n\n") {
        let mut lines = sample.lines().filter(|line| !line.trim().is_empty());
        let Some(thread) = lines.next() else { continue };
        let mut frames: Vec<String> =
            lines.filter_map(|l| l.trim().split_once(' ')).map(|(_, s)| name(s)).collect();
        frames.push(thread.trim().to_owned());
        frames.reverse();
        *stacks.entry(frames.join(";")).or_insert(0) += 1;
    }
    stacks
}

/// A function's name without its hash and without what would not fit the format.
fn name(symbol: &str) -> String {
    let symbol = symbol.trim();
    let plain = match symbol.rsplit_once("::h") {
        Some((start, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => start,
        _ => symbol,
    };
    plain.replace(';', ":")
}

#[derive(Default)]
struct Frame {
    samples: u64,
    children: BTreeMap<String, Frame>,
}

const WIDTH: f64 = 1600.0;
const HEIGHT: f64 = 16.0;
/// What is narrower is not drawn: nobody could see it, and the file would be three times as large.
const NARROWEST: f64 = 3.0;

fn draw(stacks: &BTreeMap<String, u64>) -> String {
    let mut root = Frame::default();
    for (stack, samples) in stacks {
        root.samples += samples;
        let mut frame = &mut root;
        for name in stack.split(';') {
            frame = frame.children.entry(name.to_owned()).or_default();
            frame.samples += samples;
        }
    }
    let mut body = String::new();
    let depth = boxes(&root, 0, 0.0, WIDTH / as_f64(root.samples.max(1)), root.samples, &mut body);
    let height = (as_f64(depth) + 1.0) * HEIGHT;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"monospace\" font-size=\"11\">\n{body}</svg>\n"
    )
}

/// Draws what is below a frame, outermost at the top; the answer is how deep it goes.
fn boxes(frame: &Frame, depth: u64, left: f64, scale: f64, all: u64, out: &mut String) -> u64 {
    let mut left = left;
    let mut deepest = depth;
    for (name, child) in &frame.children {
        let width = as_f64(child.samples) * scale;
        if width >= NARROWEST {
            let top = as_f64(depth) * HEIGHT;
            let share = 100.0 * as_f64(child.samples) / as_f64(all.max(1));
            let shade = 100 + name.bytes().map(u32::from).sum::<u32>() % 110;
            let title = escaped(name);
            let fits: String = name.chars().take(fitting(width)).collect();
            let _ = writeln!(
                out,
                "<g><title>{title} ({share:.1} %)</title><rect x=\"{left:.1}\" y=\"{top}\" width=\"{width:.1}\" \
                 height=\"{HEIGHT}\" fill=\"rgb(235,{shade},60)\" stroke=\"white\" stroke-width=\"0.5\"/>\
                 <text x=\"{:.1}\" y=\"{}\">{}</text></g>",
                left + 2.0,
                top + 12.0,
                escaped(&fits)
            );
            deepest = deepest.max(boxes(child, depth + 1, left, scale, all, out));
        }
        left += width;
    }
    deepest
}

/// How many letters fit into a box.
fn fitting(width: f64) -> usize {
    (3..200_u32)
        .take_while(|letters| f64::from(*letters) * 6.7 + 4.0 < width)
        .last()
        .map_or(0, |n| n as usize)
}

fn as_f64(n: u64) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_counted_outermost_first_and_without_hashes() {
        let script = "tokio-worker\n\t 55 ring::sign::h0123456789abcdef\n\t 56 main\n\n\
                      tokio-worker\n\t 55 ring::sign::h0123456789abcdef\n\t 56 main\n\n";
        let stacks = fold(script);
        assert_eq!(stacks.get("tokio-worker;main;ring::sign"), Some(&2), "{stacks:?}");
        assert!(draw(&stacks).contains("ring::sign (100.0 %)"));
    }
}
