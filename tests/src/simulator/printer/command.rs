//! The printer's ear: bytes to commands. Written from the printers' manuals, not from our encoder.

/// What a printer is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Init,
    /// A zero between commands.
    Nothing,
    /// One character of one column.
    Half(u8),
    /// Two bytes, one Chinese character.
    Pair([u8; 2]),
    LineFeed,
    CarriageReturn,
    Align(u8),
    Bold(bool),
    Size {
        width: u8,
        height: u8,
    },
    Chinese(bool),
    /// ESC t.
    Page(u8),
    LineSpacing(Option<u8>),
    FeedLines(u8),
    FeedDots(u8),
    Cut {
        feed_dots: u8,
    },
    Pulse {
        pin: u8,
        on_ms: u16,
        off_ms: u16,
    },
    QrModule(u8),
    QrLevel(u8),
    QrStore(Vec<u8>),
    QrPrint,
    BarHeight(u8),
    BarModule(u8),
    /// GS k 73, with what follows the length.
    Bars(Vec<u8>),
    AutomaticStatus(u8),
    /// GS r.
    AskStatus(u8),
    /// GS I.
    AskModel(u8),
    /// GS ( H function 48.
    AskFinished([u8; 4]),
    Raster {
        /// 0, or 1 to 3 for dots twice as wide, twice as high, or both.
        mode: u8,
        width_bytes: usize,
        data: Vec<u8>,
    },
    /// GS ( L function 67, or GS 8 L.
    StoreGraphics {
        key: [u8; 2],
        width_bytes: usize,
        data: Vec<u8>,
    },
    /// GS ( L function 69.
    PrintGraphics([u8; 2]),
    /// GS ( L function 66.
    DeleteGraphics([u8; 2]),
    /// FS p: the picture of this number in its memory.
    PrintNumber(u8),
    /// Understood, and without effect on the paper as it is shown here.
    Ignored,
    /// Executed when it arrived; nothing is left to do when its turn comes.
    RealTime,
    Unknown(Vec<u8>),
}

/// The command at the start of `bytes` and its length; `None` if more bytes are needed to tell.
pub(super) fn next(bytes: &[u8], chinese: bool) -> Option<(Command, usize)> {
    match *bytes.first()? {
        0 => Some((Command::Nothing, 1)),
        b'\n' => Some((Command::LineFeed, 1)),
        b'\r' => Some((Command::CarriageReturn, 1)),
        0x10 => real_time(bytes),
        0x1B => escape(bytes),
        0x1C => field(bytes),
        0x1D => group(bytes),
        // In Chinese mode two bytes are always eaten.
        lead @ 0x81..=0xFE if chinese => Some((Command::Pair([lead, *bytes.get(1)?]), 2)),
        byte @ (0x20..=0x7E | 0x80..) => Some((Command::Half(byte), 1)),
        byte => Some((Command::Unknown(vec![byte]), 1)),
    }
}

fn real_time(bytes: &[u8]) -> Option<(Command, usize)> {
    match bytes.get(1)? {
        0x04 => bytes.get(2).map(|n| real_time_or_unknown(matches!(n, 1..=4), bytes, 3)),
        0x05 => bytes.get(2).map(|n| real_time_or_unknown(matches!(n, 1..=2), bytes, 3)),
        0x14 => bytes.get(4).map(|t| real_time_or_unknown(matches!(t, 1..=8), bytes, 5)),
        _ => Some(unknown(bytes, 2)),
    }
}

fn real_time_or_unknown(known: bool, bytes: &[u8], length: usize) -> (Command, usize) {
    if known { (Command::RealTime, length) } else { unknown(bytes, length) }
}

fn escape(bytes: &[u8]) -> Option<(Command, usize)> {
    let argument = || bytes.get(2).copied();
    match bytes.get(1)? {
        b'@' => Some((Command::Init, 2)),
        b'2' => Some((Command::LineSpacing(None), 2)),
        b'3' => Some((Command::LineSpacing(Some(argument()?)), 3)),
        b'a' => Some((Command::Align(argument()? & 0x0F), 3)),
        b'E' => Some((Command::Bold(argument()? & 1 == 1), 3)),
        b'd' => Some((Command::FeedLines(argument()?), 3)),
        b'J' => Some((Command::FeedDots(argument()?), 3)),
        b't' => Some((Command::Page(argument()?), 3)),
        b'-' | b'M' | b'R' | b'=' => argument().map(|_| (Command::Ignored, 3)),
        b'p' => {
            let (pin, on, off) = (argument()? & 0x0F, *bytes.get(3)?, *bytes.get(4)?);
            // A pause shorter than the pulse is made as long as it.
            let (on_ms, off_ms) = (u16::from(on) * 2, u16::from(off.max(on)) * 2);
            Some((Command::Pulse { pin, on_ms, off_ms }, 5))
        }
        b' ' | b'{' | b'V' | b'G' | b'!' | b'D' => argument().map(|_| unknown(bytes, 3)),
        b'$' | b'\\' | b'c' => bytes.get(3).map(|_| unknown(bytes, 4)),
        _ => Some(unknown(bytes, 2)),
    }
}

fn field(bytes: &[u8]) -> Option<(Command, usize)> {
    match bytes.get(1)? {
        b'&' => Some((Command::Chinese(true), 2)),
        b'.' => Some((Command::Chinese(false), 2)),
        b'!' | b'C' => bytes.get(2).map(|_| (Command::Ignored, 3)),
        b'-' | b'W' => bytes.get(2).map(|_| unknown(bytes, 3)),
        b'S' => bytes.get(3).map(|_| unknown(bytes, 4)),
        b'p' => bytes.get(3).map(|mode| match mode {
            0 | b'0' => (Command::PrintNumber(bytes[2]), 4),
            _ => unknown(bytes, 4),
        }),
        b'(' => with_length(bytes, 3, 2),
        _ => Some(unknown(bytes, 2)),
    }
}

fn group(bytes: &[u8]) -> Option<(Command, usize)> {
    let argument = || bytes.get(2).copied();
    match bytes.get(1)? {
        b'!' => {
            let n = argument()?;
            Some((Command::Size { width: (n >> 4 & 7) + 1, height: (n & 7) + 1 }, 3))
        }
        b'V' => match argument()? {
            0 | 1 | b'0' | b'1' => Some((Command::Cut { feed_dots: 0 }, 3)),
            b'A' | b'B' => Some((Command::Cut { feed_dots: *bytes.get(3)? }, 4)),
            _ => Some(unknown(bytes, 3)),
        },
        b'a' => Some((Command::AutomaticStatus(argument()?), 3)),
        b'r' => Some((Command::AskStatus(argument()?), 3)),
        b'h' => Some((Command::BarHeight(argument()?), 3)),
        b'w' => match argument()? {
            module @ 2..=6 => Some((Command::BarModule(module), 3)),
            _ => Some(unknown(bytes, 3)),
        },
        // Digits below a bar code are not shown here.
        b'H' if argument()? & 3 != 0 => Some(unknown(bytes, 3)),
        b'H' | b'f' => argument().map(|_| (Command::Ignored, 3)),
        b'I' => Some((Command::AskModel(argument()?), 3)),
        b'B' | b'b' => argument().map(|_| unknown(bytes, 3)),
        b'L' | b'W' | b'P' | b'\\' | b'$' => bytes.get(3).map(|_| unknown(bytes, 4)),
        b'8' if *bytes.get(2)? == b'L' => {
            let length = usize::try_from(u32::from_le_bytes(bytes.get(3..7)?.try_into().ok()?)).ok()?;
            let content = bytes.get(7..7 + length)?;
            Some((graphics(content).unwrap_or_else(|| unknown(bytes, 7 + length).0), 7 + length))
        }
        b'8' => with_length(bytes, 3, 4),
        b'k' => barcode(bytes),
        b'(' => parenthesis(bytes),
        b'v' => raster(bytes),
        _ => Some(unknown(bytes, 2)),
    }
}

/// GS ( and a letter: these carry their length.
fn parenthesis(bytes: &[u8]) -> Option<(Command, usize)> {
    let letter = *bytes.get(2)?;
    let length = usize::from(u16::from_le_bytes([*bytes.get(3)?, *bytes.get(4)?]));
    let content = bytes.get(5..5 + length)?;
    let command = match (letter, content) {
        (b'k', [b'1', b'A', b'1' | b'2', 0]) => Command::Ignored,
        (b'k', [b'1', b'C', n @ 1..=16]) => Command::QrModule(*n),
        (b'k', [b'1', b'E', n @ b'0'..=b'3']) => Command::QrLevel(*n - b'0'),
        (b'k', [b'1', b'P', b'0', data @ ..]) if !data.is_empty() => Command::QrStore(data.to_vec()),
        (b'k', [b'1', b'Q', b'0']) => Command::QrPrint,
        (b'L', content) => graphics(content).unwrap_or_else(|| unknown(bytes, 5 + length).0),
        (b'H', [b'0', b'0', id @ ..]) if id.len() == 4 => match <[u8; 4]>::try_from(id) {
            Ok(id) if id.iter().all(|byte| (0x20..=0x7E).contains(byte)) => Command::AskFinished(id),
            _ => unknown(bytes, 5 + length).0,
        },
        _ => unknown(bytes, 5 + length).0,
    };
    Some((command, 5 + length))
}

/// What GS ( L and GS 8 L say of pictures in the printer's memory; keys are printable.
fn graphics(content: &[u8]) -> Option<Command> {
    let key = |first: u8, second: u8| {
        let printable = (32..=126).contains(&first) && (32..=126).contains(&second);
        printable.then_some([first, second])
    };
    match *content {
        [48, 66, first, second] => Some(Command::DeleteGraphics(key(first, second)?)),
        [48, 69, first, second, 1 | 2, 1 | 2] => Some(Command::PrintGraphics(key(first, second)?)),
        [48, 67, 48, first, second, 1, x_low, x_high, y_low, y_high, 49, ref data @ ..] => {
            let width = usize::from(u16::from_le_bytes([x_low, x_high]));
            let height = usize::from(u16::from_le_bytes([y_low, y_high]));
            let fits = (1..=8192).contains(&width) && (1..=2304).contains(&height);
            let width_bytes = width.div_ceil(8);
            let data = Some(data.to_vec()).filter(|data| fits && data.len() == width_bytes * height)?;
            Some(Command::StoreGraphics { key: key(first, second)?, width_bytes, data })
        }
        _ => None,
    }
}

/// How long the command at the start of `bytes` is if it stores a picture: printers write it away as it comes, so it may be
/// longer than their buffer.
pub(super) fn stored_length(bytes: &[u8]) -> Option<usize> {
    let (head, length) = match *bytes {
        [0x1D, b'(', b'L', low, high, 48, 67, ..] => (5, usize::from(u16::from_le_bytes([low, high]))),
        [0x1D, b'8', b'L', a, b, c, d, 48, 67, ..] => {
            (7, usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?)
        }
        _ => return None,
    };
    Some(head + length)
}

/// GS v 0: a picture, dot by dot.
fn raster(bytes: &[u8]) -> Option<(Command, usize)> {
    let header = bytes.get(..8)?;
    let mode = match (header[2], header[3]) {
        (b'0', mode @ (0..=3 | b'0'..=b'3')) => mode & 3,
        _ => return Some(unknown(bytes, 4)),
    };
    let width_bytes = usize::from(u16::from_le_bytes([header[4], header[5]]));
    let height = usize::from(u16::from_le_bytes([header[6], header[7]]));
    let data = bytes.get(8..8 + width_bytes * height)?.to_vec();
    Some((Command::Raster { mode, width_bytes, data }, 8 + width_bytes * height))
}

/// A command that says how long it is, in `size` bytes at `place`. None of these is shown here, but what
/// follows them must not be misread.
fn with_length(bytes: &[u8], place: usize, size: usize) -> Option<(Command, usize)> {
    let field = bytes.get(place..place + size)?;
    let length = field.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
    let whole = place + size + length;
    (bytes.len() >= whole).then(|| unknown(bytes, whole))
}

/// GS k: up to type 6 ended by a zero, from type 65 with its length.
fn barcode(bytes: &[u8]) -> Option<(Command, usize)> {
    let kind = *bytes.get(2)?;
    if kind == 73 {
        let length = usize::from(*bytes.get(3)?);
        return bytes.get(4..4 + length).map(|content| (Command::Bars(content.to_vec()), 4 + length));
    }
    if kind >= 65 {
        return with_length(bytes, 3, 1);
    }
    let end = bytes.iter().skip(3).position(|byte| *byte == 0)?;
    Some(unknown(bytes, 3 + end + 1))
}

/// Not known, or known and not shown here: either way a receipt that needs it would be shown wrongly.
fn unknown(bytes: &[u8], length: usize) -> (Command, usize) {
    (Command::Unknown(bytes[..length.min(bytes.len())].to_vec()), length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_cut_short_waits_for_its_rest() {
        let whole = b"\x1D(k\x05\x001P042";
        for length in 0..whole.len() {
            assert_eq!(next(&whole[..length], true), None, "{length}");
        }
        assert_eq!(next(whole, true), Some((Command::QrStore(b"42".to_vec()), whole.len())));
    }

    #[test]
    fn chinese_mode_always_eats_two_bytes() {
        assert_eq!(next(b"\x81\x30\x84\x36", true), Some((Command::Pair([0x81, 0x30]), 2)));
        assert_eq!(next(b"\x81\x30", false), Some((Command::Half(0x81), 1)));
    }

    #[test]
    fn what_is_not_shown_here_is_skipped_in_its_full_length() {
        for whole in [
            &b"\x1D8L\x02\x00\x00\x00ab"[..],
            b"\x1D(L\x02\x0002",
            b"\x1Dk\x06A123\x00",
            b"\x1DkE\x03123",
            b"\x1C(A\x02\x000\x00",
            b"\x1B$\x10\x00",
        ] {
            assert_eq!(next(&whole[..whole.len() - 1], true), None);
            assert_eq!(next(whole, true), Some((Command::Unknown(whole.to_vec()), whole.len())));
        }
    }

    #[test]
    fn what_no_manual_knows_is_unknown() {
        assert_eq!(next(b"\x1BZ", true), Some((Command::Unknown(b"\x1BZ".to_vec()), 2)));
        assert_eq!(next(b"\x1D(k\x02\x001Z", true).map(|(_, length)| length), Some(7));
        assert_eq!(next(b"\x01", true), Some((Command::Unknown(vec![1]), 1)));
    }
}
