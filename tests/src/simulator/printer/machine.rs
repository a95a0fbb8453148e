//! The printer's works: a buffer, a head, a roll of paper. No line, no thread, no clock.

use super::command::{self, Command};
use super::pages;
use super::paper::{Bars, Cell, QrModules, Receipt, Strip};
use super::{Paper, PrinterConfig, Pulse};
use std::collections::BTreeMap;

/// How many problems are kept.
const MOST_PROBLEMS: usize = 200;

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing to do, or stopped.
    Idle,
    /// A command that takes no time.
    Done,
    /// Paper moved.
    Printed,
}

/// What the commands have set; lost at init and with the power.
#[derive(Clone, Debug)]
struct Settings {
    align: u8,
    bold: bool,
    width: u8,
    height: u8,
    chinese: bool,
    /// The code page.
    page: Option<&'static str>,
    line_dots: u32,
    qr_module: u8,
    qr_level: u8,
    qr_data: Option<Vec<u8>>,
    bar_height: u8,
    bar_module: u8,
    automatic: u8,
}

impl Settings {
    fn of(config: &PrinterConfig) -> Self {
        Self {
            align: 0,
            bold: false,
            width: 1,
            height: 1,
            // Models for China are switched on in Chinese mode.
            chinese: config.chinese,
            page: config.code_pages.first().map(|(_, page)| *page),
            line_dots: 34,
            qr_module: 3,
            qr_level: 0,
            qr_data: None,
            bar_height: 162,
            bar_module: 3,
            automatic: 0,
        }
    }
}

#[derive(Debug)]
pub(super) struct Machine {
    config: PrinterConfig,
    settings: Settings,
    input: Vec<u8>,
    /// The last bytes that arrived, in which real-time commands are recognised wherever they stand.
    recent: Vec<u8>,
    line: Vec<Cell>,
    /// Pictures by their keys: width in bytes, and dots. They outlive the power.
    pub(super) graphics: BTreeMap<[u8; 2], (usize, Vec<u8>)>,
    pub(super) graphics_stored: usize,
    current: Receipt,
    pub(super) receipts: Vec<Receipt>,
    pub(super) pulses: Vec<Pulse>,
    pub(super) problems: Vec<String>,
    pub(super) received: u64,
    pub(super) replies: Vec<u8>,
    pub(super) paper: Paper,
    pub(super) cover_open: bool,
    pub(super) knife_stuck: bool,
    pub(super) drawer_open: bool,
    pub(super) mute: bool,
    /// The paper ends after so many more lines.
    pub(super) paper_lines_left: Option<u32>,
    /// The power goes after so many more lines.
    pub(super) power_lines_left: Option<u32>,
    /// The stream of bytes was broken off after so many: until the next initialisation what follows may make no sense,
    /// and that is not the program's fault.
    pub(super) torn_at: Option<u64>,
}

impl Machine {
    pub(super) fn new(config: PrinterConfig) -> Self {
        let current = Receipt { dots: config.dots, ..Receipt::default() };
        let settings = Settings { automatic: config.automatic_status, ..Settings::of(&config) };
        Self {
            config,
            settings,
            input: Vec::new(),
            recent: Vec::new(),
            line: Vec::new(),
            graphics: BTreeMap::new(),
            graphics_stored: 0,
            current,
            receipts: Vec::new(),
            pulses: Vec::new(),
            problems: Vec::new(),
            received: 0,
            replies: Vec::new(),
            paper: Paper::Plenty,
            cover_open: false,
            knife_stuck: false,
            drawer_open: false,
            mute: false,
            paper_lines_left: None,
            power_lines_left: None,
            torn_at: None,
        }
    }

    /// How many bytes the buffer still takes.
    pub(super) fn room(&self) -> usize {
        let takes = command::stored_length(&self.input).unwrap_or(0).max(self.config.buffer_bytes);
        takes.saturating_sub(self.input.len())
    }

    pub(super) fn unfinished(&self) -> Receipt {
        self.current.clone()
    }

    /// The power goes: what was not printed is lost, what was printed hangs out of the printer.
    pub(super) fn lose_power(&mut self) {
        self.input.clear();
        self.recent.clear();
        self.line.clear();
        self.replies.clear();
        self.settings = Settings { automatic: self.config.automatic_status, ..Settings::of(&self.config) };
        self.power_lines_left = None;
    }

    pub(super) fn stopped(&self) -> bool {
        self.paper == Paper::Out || self.cover_open || self.knife_stuck
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.received += bytes.len() as u64;
        for &byte in bytes {
            self.input.push(byte);
            self.recent.push(byte);
            if self.recent.len() > 5 {
                self.recent.remove(0);
            }
            self.real_time();
        }
    }

    /// Executes a real-time command as soon as its last byte is in, even when stopped.
    fn real_time(&mut self) {
        let recent = std::mem::take(&mut self.recent);
        match recent.as_slice() {
            [.., 0x10, 0x04, n @ 1..=4] => {
                let answer = self.real_time_status(*n);
                self.reply(&[answer]);
            }
            [.., 0x10, 0x05, 2] => {
                self.input.clear();
                self.line.clear();
            }
            [0x10, 0x14, 0x01, pin @ 0..=1, t @ 1..=8] => {
                let ms = u16::from(*t) * 100;
                self.pulses.push(Pulse { pin: *pin, on_ms: ms, off_ms: ms });
                self.drawer_open = true;
            }
            _ => {
                self.recent = recent;
            }
        }
    }

    fn real_time_status(&self, n: u8) -> u8 {
        let bit = |n: u8, set: bool| u8::from(set) << n;
        let out = self.paper == Paper::Out;
        let near = self.paper != Paper::Plenty;
        0x12 | match n {
            1 => bit(2, self.drawer_open) | bit(3, self.stopped()),
            2 => bit(2, self.cover_open) | bit(5, out) | bit(6, self.knife_stuck),
            3 => bit(3, self.knife_stuck),
            _ => bit(2, near) | bit(3, near) | bit(5, out) | bit(6, out),
        }
    }

    /// Tells the state unasked, if asked to; called whenever it may have changed.
    pub(super) fn state_changed(&mut self) {
        if self.settings.automatic == 0 {
            return;
        }
        let bit = |n: u8, set: bool| u8::from(set) << n;
        let (out, near) = (self.paper == Paper::Out, self.paper != Paper::Plenty);
        let first = 0x10 | bit(2, self.drawer_open) | bit(3, self.stopped()) | bit(5, self.cover_open);
        let third = bit(0, near) | bit(1, near) | bit(2, out) | bit(3, out);
        self.reply(&[first, bit(3, self.knife_stuck), third, 0]);
    }

    fn reply(&mut self, bytes: &[u8]) {
        if !self.mute {
            self.replies.extend_from_slice(bytes);
        }
    }

    /// Executes the next command in the buffer.
    pub(super) fn step(&mut self) -> Step {
        if self.stopped() {
            return Step::Idle;
        }
        let Some((command, length)) = command::next(&self.input, self.settings.chinese) else {
            if self.room() > 0 {
                return Step::Idle;
            }
            self.problem("a command longer than the buffer");
            self.input.clear();
            return Step::Done;
        };
        self.input.drain(..length.min(self.input.len()));
        self.execute(command)
    }

    fn execute(&mut self, command: Command) -> Step {
        match command {
            Command::Init => {
                self.line.clear();
                self.settings = Settings::of(&self.config);
                let begun_at = self.received.saturating_sub(self.input.len() as u64 + 2);
                self.torn_at = self.torn_at.filter(|torn| *torn > begun_at);
            }
            // Filling, which printers pass over.
            Command::Nothing => {}
            Command::Half(byte) => self.put_half(byte),
            Command::Pair(pair) => self.put_pair(pair),
            Command::LineFeed => return self.print_line(),
            Command::CarriageReturn | Command::Ignored | Command::RealTime => {}
            Command::Align(align) if self.line.is_empty() => self.settings.align = align,
            Command::Align(_) => self.problem("alignment changed in the middle of a line"),
            Command::Bold(bold) => self.settings.bold = bold,
            Command::Size { width, height } => {
                (self.settings.width, self.settings.height) = (width, height);
            }
            Command::Chinese(on) if self.config.chinese => self.settings.chinese = on,
            Command::Chinese(_) => self.problem("this model knows no Chinese mode"),
            Command::Page(number) => self.choose_page(number),
            Command::LineSpacing(dots) => self.settings.line_dots = dots.map_or(34, u32::from),
            Command::FeedLines(lines) => {
                self.finish_line();
                return self.blank(u32::from(lines) * self.settings.line_dots);
            }
            Command::FeedDots(dots) => {
                self.finish_line();
                return self.blank(dots.into());
            }
            Command::Cut { feed_dots } => return self.cut(feed_dots),
            Command::Pulse { pin, on_ms, off_ms } => {
                self.pulses.push(Pulse { pin, on_ms, off_ms });
                self.drawer_open = true;
                self.state_changed();
            }
            Command::QrModule(dots) => self.settings.qr_module = dots,
            Command::QrLevel(level) => self.settings.qr_level = level,
            Command::QrStore(data) => self.settings.qr_data = Some(data),
            Command::QrPrint => return self.print_qr(),
            Command::BarHeight(dots) => self.settings.bar_height = dots,
            Command::BarModule(dots) => self.settings.bar_module = dots,
            Command::Bars(content) => return self.print_bars(&content),
            Command::AutomaticStatus(what) => {
                self.settings.automatic = what;
                self.state_changed();
            }
            Command::AskStatus(n) => self.answer_status(n),
            Command::AskModel(n @ 65..=69) => {
                let mut block = vec![0x5F];
                block.extend_from_slice(if n == 66 { b"EVERTILL" } else { b"EMULATED" });
                block.push(0);
                self.reply(&block);
            }
            Command::AskModel(_) => self.reply(&[0x20]),
            Command::AskFinished(id) if self.config.process_id => {
                let [a, b, c, d] = id;
                self.reply(&[0x37, 0x22, a, b, c, d, 0]);
            }
            Command::AskFinished(_) => self.problem("this model does not know GS ( H"),
            Command::Raster { mode, width_bytes, data } => return self.print_raster(mode, width_bytes, data),
            Command::StoreGraphics { key, width_bytes, data } => self.store_graphics(key, width_bytes, data),
            Command::PrintGraphics(key) => return self.print_graphics(key),
            Command::DeleteGraphics(key) => drop(self.graphics.remove(&key)),
            Command::PrintNumber(number) => {
                self.problem(&format!("no picture has the number {number} here"));
            }
            Command::Unknown(bytes) => {
                let start = &bytes[..bytes.len().min(8)];
                self.problem(&format!("a command that is not known or not shown here: {start:02X?}"));
            }
        }
        Step::Done
    }

    /// Real ones print a picture only where a line begins, and lose what does not fit the paper.
    fn print_raster(&mut self, mode: u8, width_bytes: usize, data: Vec<u8>) -> Step {
        let what = if !self.config.raster {
            "this model does not know GS v 0"
        } else if !self.line.is_empty() {
            "a picture in the middle of a line"
        } else if width_bytes * 8 > usize::try_from(self.config.dots).unwrap_or(0) || data.is_empty() {
            "a picture wider than the paper, or empty"
        } else if mode != 0 {
            "a picture of larger dots is not shown here"
        } else {
            let align = self.settings.align;
            self.current.strips.push(Strip::Picture { width_bytes, data, align });
            return Step::Printed;
        };
        self.problem(what);
        Step::Done
    }

    fn store_graphics(&mut self, key: [u8; 2], width_bytes: usize, data: Vec<u8>) {
        if !self.line.is_empty() {
            return self.problem("a picture is stored in the middle of a line");
        }
        self.graphics.remove(&key);
        let kept: usize = self.graphics.values().map(|(_, data)| data.len()).sum();
        if kept + data.len() > self.config.graphics_bytes {
            return self.problem("no room for the picture");
        }
        self.graphics.insert(key, (width_bytes, data));
        self.graphics_stored += 1;
    }

    fn print_graphics(&mut self, key: [u8; 2]) -> Step {
        let (Some((width_bytes, data)), true) = (self.graphics.get(&key).cloned(), self.line.is_empty())
        else {
            // Nothing is printed, and nobody is told.
            self.problem("a picture that is not there, or in the middle of a line, is not printed");
            return Step::Done;
        };
        let align = self.settings.align;
        self.current.strips.push(Strip::Picture { width_bytes, data, align });
        Step::Printed
    }

    fn problem(&mut self, what: &str) {
        // Enough to see what is wrong; a stream that is not ESC/POS at all would fill the memory.
        if self.problems.len() < MOST_PROBLEMS && self.torn_at.is_none() {
            self.problems.push(what.to_owned());
        }
    }

    fn choose_page(&mut self, number: u8) {
        let found = self.config.code_pages.iter().find(|(other, _)| *other == number).copied();
        match found {
            Some((_, page)) => self.settings.page = Some(page),
            // What none was given for is a model whose pages nobody looks at.
            None if self.config.code_pages.is_empty() => {}
            // A real one would print some other letters.
            None => self.problem(&format!("this model has no code page {number}")),
        }
    }

    fn put_half(&mut self, byte: u8) {
        let character = match byte {
            0x80.. => self.settings.page.and_then(|page| pages::character(page, byte)),
            _ => Some(char::from(byte)),
        };
        if character.is_none() {
            self.problem(&format!("no such character on its code page: {byte:02X}"));
        }
        self.put(character.unwrap_or('\u{25A1}'), false);
    }

    fn put_pair(&mut self, pair: [u8; 2]) {
        let (text, _, broken) = encoding_rs::GB18030.decode(&pair);
        match (text.chars().next(), broken) {
            (Some(character), false) => self.put(character, true),
            _ => {
                self.problem(&format!("no such Chinese character: {pair:02X?}"));
                self.put('\u{25A1}', true);
            }
        }
    }

    fn put(&mut self, character: char, full: bool) {
        let Settings { bold, width, height, .. } = self.settings;
        let cell = Cell { character, full, bold, width, height };
        let used: u32 = self.line.iter().map(Cell::dots).sum();
        if used + cell.dots() > self.config.dots {
            self.problem("a line is wider than the paper");
            self.print_line();
        }
        self.line.push(cell);
    }

    fn finish_line(&mut self) {
        if !self.line.is_empty() {
            self.print_line();
        }
    }

    fn print_line(&mut self) -> Step {
        let cells = std::mem::take(&mut self.line);
        let height = cells.iter().map(|cell| u32::from(cell.height)).max().unwrap_or(1);
        let height_dots = self.settings.line_dots.max(height * 24 + 10);
        self.current.strips.push(Strip::Text { cells, align: self.settings.align, height_dots });
        self.use_paper();
        Step::Printed
    }

    fn use_paper(&mut self) {
        if let Some(left) = &mut self.paper_lines_left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.paper_lines_left = None;
                self.paper = Paper::Out;
                self.state_changed();
            }
        }
        if let Some(left) = &mut self.power_lines_left {
            *left = left.saturating_sub(1);
        }
    }

    fn blank(&mut self, dots: u32) -> Step {
        if dots > 0 {
            self.current.strips.push(Strip::Blank { dots });
        }
        Step::Printed
    }

    fn cut(&mut self, feed_dots: u8) -> Step {
        self.finish_line();
        if !self.config.cutter {
            self.problem("this model has no knife");
            return Step::Done;
        }
        self.blank(feed_dots.into());
        self.tear_off();
        Step::Printed
    }

    pub(super) fn tear_off(&mut self) {
        let fresh = Receipt { dots: self.config.dots, ..Receipt::default() };
        self.receipts.push(std::mem::replace(&mut self.current, fresh));
    }

    fn print_qr(&mut self) -> Step {
        if !self.line.is_empty() {
            self.problem("a QR code in the middle of a line is not printed");
            return Step::Done;
        }
        let Some(data) = self.settings.qr_data.clone() else {
            self.problem("no QR data stored");
            return Step::Done;
        };
        let (level, module) = (self.settings.qr_level, self.settings.qr_module);
        match QrModules::new(&data, level, module) {
            Some(modules) if modules.dots() <= self.config.dots => {
                let data = String::from_utf8_lossy(&data).into_owned();
                self.current.strips.push(Strip::Qr { data, modules, align: self.settings.align });
                self.use_paper();
                Step::Printed
            }
            _ => {
                self.problem("a QR code wider than the paper is not printed");
                Step::Done
            }
        }
    }

    fn print_bars(&mut self, content: &[u8]) -> Step {
        if !self.line.is_empty() {
            self.problem("a bar code in the middle of a line is not printed");
            return Step::Done;
        }
        let Settings { bar_module, bar_height, align, .. } = self.settings;
        match Bars::code128(content, bar_module, bar_height) {
            Some(bars) if bars.dots() <= self.config.dots => {
                self.current.strips.push(Strip::Bars { bars, align });
                self.use_paper();
                Step::Printed
            }
            _ => {
                self.problem("a bar code that is none, or wider than the paper, is not printed");
                Step::Done
            }
        }
    }

    /// GS r: answered when its turn comes, so never while stopped.
    fn answer_status(&mut self, n: u8) {
        let (near, out) = (self.paper != Paper::Plenty, self.paper == Paper::Out);
        match n {
            1 | b'1' => self.reply(&[(u8::from(near) * 0x03) | (u8::from(out) * 0x0C)]),
            2 | b'2' => self.reply(&[u8::from(self.drawer_open)]),
            _ => self.problem(&format!("GS r {n} is not known")),
        }
    }
}
