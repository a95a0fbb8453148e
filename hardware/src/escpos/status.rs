//! What a printer sends back: several kinds of answers mixed in one stream, told apart by their fixed bits.

use std::collections::VecDeque;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The answer to a real-time status request (DLE EOT); it does not say to which.
    RealTime(u8),
    /// A status that the printer sent by itself (automatic status back).
    Automatic([u8; 4]),
    /// The answer to GS r or GS I: one byte.
    Short(u8),
    /// The number of a finished job, echoed (GS ( H function 48).
    Finished([u8; 4]),
    /// Another block, such as a model's name: its header and content.
    Block(u8, Vec<u8>),
}

/// The longest block that is kept; longer ones are thrown away as noise.
const LONGEST_BLOCK: usize = 256;

/// Takes a printer's stream apart.
#[derive(Debug, Default)]
pub struct ReplyParser {
    state: State,
    out: VecDeque<Reply>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Between,
    Automatic(Vec<u8>),
    Block(u8, Vec<u8>),
}

impl ReplyParser {
    /// Takes bytes as they come. Replies are fetched by [`ReplyParser::poll_reply`].
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.handle_byte(byte);
        }
    }

    /// The next reply, oldest first.
    pub fn poll_reply(&mut self) -> Option<Reply> {
        self.out.pop_front()
    }

    fn handle_byte(&mut self, byte: u8) {
        match std::mem::take(&mut self.state) {
            State::Between => self.begin(byte),
            State::Automatic(mut got) => {
                if is_flow_control(byte) {
                    self.state = State::Automatic(got);
                } else if byte & 0x90 != 0 {
                    // Not a part of that status: it was cut short, and this begins something else.
                    self.begin(byte);
                } else {
                    got.push(byte);
                    match <[u8; 4]>::try_from(got.as_slice()) {
                        Ok(whole) => self.out.push_back(Reply::Automatic(whole)),
                        Err(_) => self.state = State::Automatic(got),
                    }
                }
            }
            State::Block(header, content) if byte == 0 => self.end_block(header, content),
            State::Block(header, mut content) => {
                if content.len() < LONGEST_BLOCK {
                    content.push(byte);
                    self.state = State::Block(header, content);
                }
            }
        }
    }

    fn begin(&mut self, byte: u8) {
        if is_flow_control(byte) {
        } else if byte & 0x93 == 0x12 {
            self.out.push_back(Reply::RealTime(byte));
        } else if byte & 0x93 == 0x10 {
            self.state = State::Automatic(vec![byte]);
        } else if byte & 0x90 == 0 {
            self.out.push_back(Reply::Short(byte));
        } else if matches!(byte, 0x35 | 0x37 | 0x3B | 0x3D | 0x5F) {
            self.state = State::Block(byte, Vec::new());
        }
    }

    fn end_block(&mut self, header: u8, content: Vec<u8>) {
        self.out.push_back(match (header, content.as_slice()) {
            (0x37, [0x22, a, b, c, d]) => Reply::Finished([*a, *b, *c, *d]),
            _ => Reply::Block(header, content),
        });
    }
}

fn is_flow_control(byte: u8) -> bool {
    matches!(byte, 0x11 | 0x13)
}

/// What is wrong with a printer that reports an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The knife is stuck: open the cover, remove paper shreds, switch off and on.
    Cutter,
    /// The mechanism is stuck.
    Mechanical,
    /// The head is too hot; it goes on by itself.
    Overheated,
    /// It needs service.
    Unrecoverable,
    /// It did not say.
    Unspecified,
}

/// A printer's state, put together from its answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Takes no print data.
    pub offline: bool,
    /// The cover is open.
    pub cover_open: bool,
    /// There is no paper.
    pub paper_out: bool,
    /// There is little paper.
    pub paper_near_end: bool,
    /// An error, and which.
    pub fault: Option<Fault>,
    /// The level of the drawer's switch. Which level means open differs from drawer to drawer.
    pub drawer_switch_high: bool,
}

/// The questions of real-time status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Online, and the drawer.
    Printer = 1,
    /// Why it is offline.
    Offline = 2,
    /// Which error.
    Error = 3,
    /// The paper.
    Paper = 4,
}

impl Question {
    /// All, in the order in which to ask.
    pub const ALL: [Self; 4] = [Self::Printer, Self::Offline, Self::Error, Self::Paper];

    /// DLE EOT n.
    #[must_use]
    pub fn command(self) -> [u8; 3] {
        [0x10, 0x04, self as u8]
    }
}

impl Flags {
    /// Adds the answer to a question.
    pub fn add_answer(&mut self, question: Question, byte: u8) {
        let bit = |n: u8| byte & (1 << n) != 0;
        match question {
            Question::Printer => {
                self.drawer_switch_high = bit(2);
                self.offline = bit(3);
            }
            Question::Offline => {
                self.cover_open |= bit(2);
                self.paper_out |= bit(5);
                if bit(6) {
                    self.fault = self.fault.or(Some(Fault::Unspecified));
                }
            }
            Question::Error => self.add_faults(byte),
            Question::Paper => {
                // Either of a pair: some makers use one of them only.
                self.paper_near_end |= bit(2) || bit(3);
                self.paper_out |= bit(5) || bit(6);
            }
        }
    }

    /// What an automatic status says.
    #[must_use]
    pub fn from_automatic(status: [u8; 4]) -> Self {
        let bit = |byte: u8, n: u8| byte & (1 << n) != 0;
        let [first, second, third, _] = status;
        let mut flags = Self {
            offline: bit(first, 3),
            cover_open: bit(first, 5),
            paper_near_end: bit(third, 0) || bit(third, 1),
            paper_out: bit(third, 2) || bit(third, 3),
            fault: None,
            drawer_switch_high: bit(first, 2),
        };
        flags.add_faults(second);
        flags
    }

    /// The error bits stand at the same places in both kinds of status.
    fn add_faults(&mut self, byte: u8) {
        let table =
            [(5, Fault::Unrecoverable), (3, Fault::Cutter), (2, Fault::Mechanical), (6, Fault::Overheated)];
        if let Some((_, fault)) = table.iter().find(|(n, _)| byte & (1 << n) != 0) {
            self.fault = Some(*fault);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(bytes: &[u8]) -> Vec<Reply> {
        let mut parser = ReplyParser::default();
        parser.handle_bytes(bytes);
        std::iter::from_fn(|| parser.poll_reply()).collect()
    }

    #[test]
    fn all_kinds_of_answers_are_told_apart_in_one_stream() {
        assert_eq!(
            parse(b"\x12\x18\x00\x0C\x00\x37\x22ab~ \x00\x03\x5FTM-T88\x00\x72"),
            [
                Reply::RealTime(0x12),
                Reply::Automatic([0x18, 0x00, 0x0C, 0x00]),
                Reply::Finished(*b"ab~ "),
                Reply::Short(0x03),
                Reply::Block(0x5F, b"TM-T88".to_vec()),
                Reply::RealTime(0x72),
            ]
        );
    }

    #[test]
    fn flow_control_inside_a_status_is_skipped() {
        assert_eq!(parse(b"\x11\x14\x13\x00\x11\x00\x00"), [Reply::Automatic([0x14, 0, 0, 0])]);
    }

    #[test]
    fn a_status_cut_short_does_not_swallow_the_next_answer() {
        assert_eq!(parse(b"\x10\x00\x12"), [Reply::RealTime(0x12)]);
    }

    #[test]
    fn paper_and_cover_are_read_from_either_bit_of_a_pair() {
        for (question, byte, want) in [
            (Question::Paper, 0x12 | 1 << 2, Flags { paper_near_end: true, ..Flags::default() }),
            (Question::Paper, 0x12 | 1 << 3, Flags { paper_near_end: true, ..Flags::default() }),
            (Question::Paper, 0x12 | 1 << 5, Flags { paper_out: true, ..Flags::default() }),
            (Question::Paper, 0x12 | 1 << 6, Flags { paper_out: true, ..Flags::default() }),
            (Question::Offline, 0x12 | 1 << 2, Flags { cover_open: true, ..Flags::default() }),
            (Question::Printer, 0x12 | 1 << 3, Flags { offline: true, ..Flags::default() }),
            (Question::Error, 0x12 | 1 << 3, Flags { fault: Some(Fault::Cutter), ..Flags::default() }),
        ] {
            let mut flags = Flags::default();
            flags.add_answer(question, byte);
            assert_eq!(flags, want, "{question:?} {byte:02X}");
        }
    }

    #[test]
    fn a_named_fault_wins_over_an_unspecified_one() {
        let mut flags = Flags::default();
        flags.add_answer(Question::Offline, 0x12 | 1 << 6);
        assert_eq!(flags.fault, Some(Fault::Unspecified));
        flags.add_answer(Question::Error, 0x12 | 1 << 5);
        assert_eq!(flags.fault, Some(Fault::Unrecoverable));
    }

    proptest! {
        #[test]
        fn splits_do_not_change_what_was_answered(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..200) {
            let cut = cut.min(bytes.len());
            let mut parser = ReplyParser::default();
            parser.handle_bytes(&bytes[..cut]);
            parser.handle_bytes(&bytes[cut..]);
            let split: Vec<_> = std::iter::from_fn(|| parser.poll_reply()).collect();
            prop_assert_eq!(split, parse(&bytes));
        }

        #[test]
        fn an_echo_is_found_after_any_whole_answers(
            before in prop::collection::vec(
                prop_oneof![Just(vec![0x12_u8]), Just(vec![0x18, 0, 0x0C, 0]), Just(vec![0x03]), Just(vec![0x13])], 0..10),
            id in prop::array::uniform4(0x20_u8..0x7F),
        ) {
            let mut bytes: Vec<u8> = before.concat();
            bytes.extend_from_slice(&[0x37, 0x22]);
            bytes.extend_from_slice(&id);
            bytes.push(0);
            prop_assert_eq!(parse(&bytes).pop(), Some(Reply::Finished(id)));
        }
    }
}
