use evertill_hardware::display::{CommandSet, DisplayProfile, PoleDisplay, TwoLines, begin, encode, line};
use evertill_hardware::escpos::profile::TextEncoding;
use evertill_hardware::serial_line::SerialLine;
use evertill_tests::simulator::pole::{Glass, PoleEmulator};

const ALL: [CommandSet; 2] = [CommandSet::Cd5220, CommandSet::Epson];

fn lines(upper: &str, lower: &str) -> TwoLines {
    TwoLines { upper: upper.into(), lower: lower.into() }
}

fn start(commands: CommandSet) -> (PoleEmulator, PoleDisplay) {
    let pole = PoleEmulator::new(commands).unwrap();
    let profile = DisplayProfile { commands, encoding: TextEncoding::Gb18030 };
    let display = PoleDisplay::spawn(SerialLine::new(pole.path(), 9600), profile).unwrap();
    (pole, display)
}

#[test]
fn what_is_told_stands_on_the_glass_and_nothing_of_what_stood_there_before() {
    for commands in ALL {
        let (mut pole, display) = start(commands);
        display.show(lines(
            &line("Green tea of the first spring", "4.50", TextEncoding::Ascii),
            "Total          1,234",
        ));
        assert!(pole.comes_to_show(["Green tea of th 4.50", "Total          1,234"]), "{:?}", pole.glass);
        display.show(lines("绿茶", ""));
        assert!(pole.comes_to_show(["绿茶", ""]), "{:?}", pole.glass);
        assert!(!pole.glass.cursor_shown());
        assert_eq!(pole.glass.problems, Vec::<String>::new());
    }
}

#[test]
fn of_many_lines_the_newest_comes_to_stand() {
    let (mut pole, display) = start(CommandSet::Cd5220);
    for number in 0..500 {
        display.show(lines("Goods", &number.to_string()));
    }
    assert!(pole.comes_to_show(["Goods", "499"]), "{:?}", pole.glass);
    assert_eq!(pole.glass.problems, Vec::<String>::new());
}

#[test]
fn a_display_pulled_out_and_put_back_shows_all_anew() {
    let (mut pole, display) = start(CommandSet::Epson);
    display.show(lines("Welcome", ""));
    assert!(pole.comes_to_show(["Welcome", ""]));
    pole.unplug();
    display.show(lines("Total", "9.00"));
    std::thread::sleep(std::time::Duration::from_millis(400));
    pole.plug().unwrap();
    assert!(pole.comes_to_show(["Total", "9.00"]), "{:?}", pole.glass);
    drop(display);
    assert!(pole.comes_to_show(["", ""]), "nothing stays on it when the till ends");
}

#[test]
fn a_display_understands_its_bytes_however_they_are_parted_and_only_its_own() {
    for commands in ALL {
        let profile = DisplayProfile { commands, encoding: TextEncoding::Gb18030 };
        let bytes = [begin(commands), encode(&lines("找零", "Change 12.00"), profile)].concat();
        let mut glass = Glass::new(commands);
        bytes.iter().for_each(|byte| glass.take(&[*byte]));
        assert_eq!(glass.lines(), ["找零", "Change 12.00"]);
        assert_eq!(glass.problems, Vec::<String>::new());
        let other = if commands == CommandSet::Epson { CommandSet::Cd5220 } else { CommandSet::Epson };
        let mut foreign = Glass::new(other);
        foreign.take(&bytes);
        foreign.take(b"\r\r\r\r");
        assert!(!foreign.problems.is_empty(), "a display of the other kind would show rubbish");
    }
}
