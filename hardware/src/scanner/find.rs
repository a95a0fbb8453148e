//! Which scanners are plugged in, as the system's own lists say (`/sys`): nothing is opened for it.

use super::hid_pos::Layout;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A maker's and a product's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsbId {
    /// The maker's.
    pub vendor: u16,
    /// The product's.
    pub product: u16,
}

impl fmt::Display for UsbId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:04x}", self.vendor, self.product)
    }
}

/// Where a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// A device file. Prefer one of `/dev/input/by-id/…`: numbers change when devices are replugged.
    Path(PathBuf),
    /// The first device of this maker and product, wherever it is plugged in. Name one of several more closely.
    Usb(UsbId),
    /// The one of this maker and product that has this number of its own.
    Numbered(UsbId, String),
    /// The one of this maker and product in this socket, as the system calls it.
    Socket(UsbId, String),
}

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Usb(id) => id.fmt(f),
            Self::Numbered(id, number) => write!(f, "{id}#{number}"),
            Self::Socket(id, socket) => write!(f, "{id}@{socket}"),
        }
    }
}

/// The text names no device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write a device file such as /dev/input/by-id/… or a maker and product such as 0c2e:0901, for one of several with its \
     number (0c2e:0901#17023B) or its socket (0c2e:0901@usb-0000:00:14.0-2/input0)"
)]
pub struct BadWhere;

impl FromStr for Where {
    type Err = BadWhere;

    fn from_str(text: &str) -> Result<Self, BadWhere> {
        if text.starts_with('/') {
            return Ok(Self::Path(text.into()));
        }
        let (id, which) = text.find(['#', '@']).map_or((text, None), |end| {
            let (id, which) = text.split_at(end);
            (id, Some(which))
        });
        let (vendor, product) = id.split_once(':').ok_or(BadWhere)?;
        let number = |text: &str| {
            let digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            u16::from_str_radix(text, 16).ok().filter(|_| digits).ok_or(BadWhere)
        };
        let id = UsbId { vendor: number(vendor)?, product: number(product)? };
        match which.map(|which| which.split_at(1)) {
            None => Ok(Self::Usb(id)),
            Some((_, "")) => Err(BadWhere),
            Some(("#", number)) => Ok(Self::Numbered(id, number.into())),
            Some((_, socket)) => Ok(Self::Socket(id, socket.into())),
        }
    }
}

/// How a device speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FoundKind {
    /// A scanner by its own word: reports of the page for scanners.
    HidPos,
    /// Something on a serial line over USB, or a serial port of the machine.
    Serial,
    /// A keyboard, or a scanner that behaves as one.
    Keyboard,
}

/// A device that is plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// How it speaks.
    pub kind: FoundKind,
    /// What it calls itself.
    pub name: String,
    /// Its device file.
    pub path: PathBuf,
    /// Other names of that file: first by the device's own number, then by the socket that it is plugged into.
    pub links: Links,
    /// Whose it is, if it says so.
    pub id: Option<UsbId>,
}

/// Other names of a device file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// By maker, product and number. Of devices without numbers of their own only one has it, now this one, now that.
    pub by_id: Option<PathBuf>,
    /// By the socket, which no two devices share.
    pub by_socket: Option<PathBuf>,
    /// The file that a link leads to, where the device is known by the link.
    pub target: Option<PathBuf>,
    /// The device's own number, where the system makes no link of it.
    pub number: Option<String>,
    /// The socket in the system's words, where it makes no link of it.
    pub socket: Option<String>,
}

impl Found {
    /// How to find it again among all that are plugged in, after it was replugged: by maker and product, unless there is
    /// another of the same.
    #[must_use]
    pub fn place(&self, all: &[Self]) -> Where {
        let alike = || all.iter().filter(|other| other.kind == self.kind && other.id == self.id);
        match self.id {
            Some(id) if alike().count() <= 1 => Where::Usb(id),
            Some(id) if self.links.number.is_some() && alike().all(|one| !one.shares_number(all)) => {
                Where::Numbered(id, self.links.number.clone().unwrap_or_default())
            }
            Some(id) if self.links.socket.is_some() => {
                Where::Socket(id, self.links.socket.clone().unwrap_or_default())
            }
            _ => {
                let each_has_its_own = alike().all(|one| one.links.by_id.is_some());
                let by_id = self.links.by_id.as_ref().filter(|_| each_has_its_own);
                Where::Path(by_id.or(self.links.by_socket.as_ref()).unwrap_or(&self.path).clone())
            }
        }
    }

    /// Another of the same has the same number, or it has none: makers print one number on all of them.
    fn shares_number(&self, all: &[Self]) -> bool {
        let same = |other: &&Self| {
            (other.kind, other.id, &other.links.number) == (self.kind, self.id, &self.links.number)
        };
        self.links.number.is_none() || all.iter().filter(same).count() > 1
    }

    fn has_name(&self, name: &Path) -> bool {
        let Links { by_id, by_socket, target, .. } = &self.links;
        self.path == name || [by_id, by_socket, target].into_iter().any(|link| link.as_deref() == Some(name))
    }
}

/// The device that is meant among those that are plugged in.
#[must_use]
pub fn meant<'a>(place: &Where, kind: FoundKind, all: &'a [Found]) -> Option<&'a Found> {
    all.iter().filter(|found| found.kind == kind).find(|found| match place {
        Where::Path(path) => found.has_name(path),
        Where::Usb(id) => found.id == Some(*id),
        Where::Numbered(id, number) => found.id == Some(*id) && found.links.number.as_deref() == Some(number),
        Where::Socket(id, socket) => found.id == Some(*id) && found.links.socket.as_deref() == Some(socket),
    })
}

/// Where the system keeps its lists; others than `/sys` and `/dev` only in a sandbox or a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Instead of `/sys`.
    pub sys: PathBuf,
    /// Instead of `/dev`.
    pub dev: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self { sys: "/sys".into(), dev: "/dev".into() }
    }
}

impl Places {
    /// All devices that are or may be scanners: those by their own word first, then serial lines, then keyboards.
    #[must_use]
    pub fn scanners(&self) -> Vec<Found> {
        let mut found: Vec<Found> = self.hid_pos();
        found.extend(self.serial_lines());
        found.extend(self.keyboards());
        found
    }

    /// The device file of a keyboard.
    pub(super) fn keyboard(&self, place: &Where) -> io::Result<PathBuf> {
        the_one(place, FoundKind::Keyboard, || self.keyboards())
    }

    /// The device file of a scanner by its own word.
    pub(super) fn hid(&self, place: &Where) -> io::Result<PathBuf> {
        the_one(place, FoundKind::HidPos, || self.hid_pos())
    }

    /// Where a code stands in the reports of this device file, as the device itself describes them.
    pub(super) fn layout(&self, path: &Path) -> Option<Layout> {
        let path = fs::canonicalize(path).ok()?;
        let name = path.file_name()?;
        let descriptor = self.sys.join("class/hidraw").join(name).join("device/report_descriptor");
        Layout::of_descriptor(&fs::read(descriptor).ok()?)
    }

    fn hid_pos(&self) -> Vec<Found> {
        let listed = entries(&self.sys.join("class/hidraw"));
        let scanner = |name: String| {
            let path = self.dev.join(&name);
            let device = self.sys.join("class/hidraw").join(&name).join("device");
            Layout::of_descriptor(&fs::read(device.join("report_descriptor")).ok()?)?;
            let about = fs::read_to_string(device.join("uevent")).unwrap_or_default();
            let field = |key: &str| about.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
            let own = |key: &str| field(key).filter(|value| !value.is_empty()).map(str::to_owned);
            Some(Found {
                kind: FoundKind::HidPos,
                name: field("HID_NAME=").unwrap_or(&name).to_owned(),
                path,
                links: Links { number: own("HID_UNIQ="), socket: own("HID_PHYS="), ..Links::default() },
                id: field("HID_ID=").and_then(hid_id),
            })
        };
        listed.into_iter().filter_map(scanner).collect()
    }

    fn serial_lines(&self) -> Vec<Found> {
        let folder = self.dev.join("serial/by-id");
        let line = |name: String| {
            let path = folder.join(&name);
            let links = Links { target: fs::canonicalize(&path).ok(), ..Links::default() };
            Found { kind: FoundKind::Serial, path, links, name, id: None }
        };
        entries(&folder).into_iter().map(line).chain(self.built_in_lines()).collect()
    }

    /// The serial ports of the machine itself. Linux keeps names for more than there are: those have no type. One that is the
    /// machine's console is nobody's scanner.
    fn built_in_lines(&self) -> Vec<Found> {
        let listed = self.sys.join("class/tty");
        let line = |name: String| {
            let says = |what: &str| fs::read_to_string(listed.join(&name).join(what)).ok();
            let is_there = says("type")?.trim().parse::<u32>().is_ok_and(|kind| kind != 0);
            let is_console = says("console").is_some_and(|word| word.trim() == "Y");
            let path = self.dev.join(&name);
            if !is_there || is_console || !path.exists() {
                return None;
            }
            // People know the first one as COM1: so it stands beside the plug.
            let number = name.strip_prefix("ttyS").and_then(|number| number.parse::<u32>().ok());
            let shown = number.map(|number| format!("COM{} ({name})", number.saturating_add(1)));
            let links = Links::default();
            Some(Found { kind: FoundKind::Serial, path, links, name: shown.unwrap_or(name), id: None })
        };
        entries(&listed).into_iter().filter_map(line).collect()
    }

    fn keyboards(&self) -> Vec<Found> {
        let listed = entries(&self.sys.join("class/input"));
        let by_id = links_in(&self.dev.join("input/by-id"));
        let by_socket = links_in(&self.dev.join("input/by-path"));
        let keyboard = |name: String| {
            let number = name.strip_prefix("event")?;
            number.parse::<u32>().ok()?;
            let device = self.sys.join("class/input").join(&name).join("device");
            let read = |what: &str| fs::read_to_string(device.join(what)).ok();
            has_digits_and_enter(&read("capabilities/key")?).then_some(())?;
            let number = |what: &str| u16::from_str_radix(read(what)?.trim(), 16).ok();
            let id = number("id/vendor").zip(number("id/product"));
            let path = self.dev.join("input").join(&name);
            let links = Links {
                by_id: link_to(&path, &by_id),
                by_socket: link_to(&path, &by_socket),
                ..Links::default()
            };
            Some(Found {
                kind: FoundKind::Keyboard,
                name: read("name").map_or_else(|| name.clone(), |name| name.trim().to_owned()),
                path,
                links,
                id: id.map(|(vendor, product)| UsbId { vendor, product }).filter(|id| id.vendor != 0),
            })
        };
        listed.into_iter().filter_map(keyboard).collect()
    }
}

fn the_one(place: &Where, kind: FoundKind, found: impl Fn() -> Vec<Found>) -> io::Result<PathBuf> {
    if let Where::Path(path) = place {
        return Ok(path.clone());
    }
    let missing = || io::Error::new(io::ErrorKind::NotFound, format!("no scanner {place} is plugged in"));
    meant(place, kind, &found()).map(|one| one.path.clone()).ok_or_else(missing)
}

/// The links in a folder, and the files that they lead to.
fn links_in(folder: &Path) -> Vec<(PathBuf, PathBuf)> {
    let link = |name: String| {
        let link = folder.join(name);
        let file = fs::canonicalize(&link).ok()?;
        Some((link, file))
    };
    entries(folder).into_iter().filter_map(link).collect()
}

fn link_to(path: &Path, links: &[(PathBuf, PathBuf)]) -> Option<PathBuf> {
    let path = fs::canonicalize(path).ok()?;
    links.iter().find(|(_, file)| *file == path).map(|(link, _)| link.clone())
}

/// The names in a folder, by their numbers; none if there is no such folder.
fn entries(folder: &Path) -> Vec<String> {
    let listed = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> =
        listed.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    names
}

/// `0003:00000C2E:00000B61`.
fn hid_id(text: &str) -> Option<UsbId> {
    let mut parts = text.split(':').skip(1).map(|part| u16::from_str_radix(part.get(4..)?, 16).ok());
    Some(UsbId { vendor: parts.next()??, product: parts.next()?? })
}

/// The kernel's list of a device's keys: words of 64 bits, the last ones first.
fn has_digits_and_enter(keys: &str) -> bool {
    const DIGITS: u64 = 0b11_1111_1111 << 2;
    const ENTER: u64 = 1 << 28;
    let lowest = keys.split_whitespace().last().and_then(|word| u64::from_str_radix(word, 16).ok());
    lowest.is_some_and(|keys| keys & (DIGITS | ENTER) == DIGITS | ENTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, path: &str, bytes: &[u8]) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn a_device_is_named_by_file_or_by_maker_and_product() {
        assert_eq!("0c2e:0901".parse(), Ok(Where::Usb(UsbId { vendor: 0x0C2E, product: 0x0901 })));
        assert_eq!("/dev/hidraw0".parse(), Ok(Where::Path("/dev/hidraw0".into())));
        for text in ["0c2e:0901#17023B#", "0c2e:0901@usb-0000:00:14.0-2/input0"] {
            assert_eq!(text.parse::<Where>().unwrap().to_string(), text);
        }
        for wrong in
            ["", "0c2e", "c2e:901", "0c2e:09x1", "hidraw0", "0c2e:+901", "0c2e:0901#", "#7", "0c2e@x"]
        {
            assert_eq!(wrong.parse::<Where>(), Err(BadWhere), "{wrong}");
        }
    }

    #[test]
    fn scanners_and_keyboards_are_found_and_mice_are_not() {
        let root = tempfile::tempdir().unwrap();
        let places = Places { sys: root.path().join("sys"), dev: root.path().join("dev") };
        let input = "sys/class/input";
        put(root.path(), &format!("{input}/event10/device/name"), b"Wedge Scanner\n");
        put(root.path(), &format!("{input}/event10/device/id/vendor"), b"0c2e\n");
        put(root.path(), &format!("{input}/event10/device/id/product"), b"0901\n");
        let keys = b"1000000000007 ff980000000007ff febeffdfffefffff fffffffffffffffe\n";
        put(root.path(), &format!("{input}/event10/device/capabilities/key"), keys);
        put(root.path(), &format!("{input}/event2/device/capabilities/key"), keys);
        put(root.path(), &format!("{input}/event3/device/name"), b"Mouse");
        put(root.path(), &format!("{input}/event3/device/capabilities/key"), b"1f0000 0 0 0 0");
        put(root.path(), &format!("{input}/mouse0/device/capabilities/key"), keys);
        let raw = "sys/class/hidraw/hidraw1/device";
        put(
            root.path(),
            &format!("{raw}/uevent"),
            b"DRIVER=hid-generic\nHID_ID=0003:00000C2E:00000B61\nHID_NAME=Xenon\n",
        );
        put(
            root.path(),
            &format!("{raw}/report_descriptor"),
            crate::scanner::hid_pos::DESCRIPTOR_OF_A_SCANNER,
        );
        put(root.path(), "sys/class/hidraw/hidraw0/device/report_descriptor", &[0x05, 0x01, 0x09, 0x06]);
        put(root.path(), "dev/serial/by-id/usb-Datalogic-if00", b"");
        let found = places.scanners();
        let names: Vec<_> = found.iter().map(|found| (found.kind, found.name.as_str())).collect();
        use FoundKind::{HidPos, Keyboard, Serial};
        let want = [
            (HidPos, "Xenon"),
            (Serial, "usb-Datalogic-if00"),
            (Keyboard, "event2"),
            (Keyboard, "Wedge Scanner"),
        ];
        assert_eq!(names, want);
        assert_eq!(found[0].place(&found).to_string(), "0c2e:0b61");
        assert_eq!(found[2].place(&found), Where::Path(root.path().join("dev/input/event2")));
        let wedge: Where = "0c2e:0901".parse().unwrap();
        assert_eq!(places.keyboard(&wedge).unwrap(), root.path().join("dev/input/event10"));
        assert_eq!(places.hid(&wedge).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    /// Keyboards of one maker and product at these numbers, linked under these names.
    fn alike(root: &Path, devices: &[(u32, &[&str])]) -> Vec<Found> {
        for (number, links) in devices {
            let about = format!("sys/class/input/event{number}/device");
            put(root, &format!("{about}/id/vendor"), b"0c2e\n");
            put(root, &format!("{about}/id/product"), b"0901\n");
            put(root, &format!("{about}/capabilities/key"), b"fffffffffffffffe\n");
            put(root, &format!("dev/input/event{number}"), b"");
            for link in *links {
                let link = root.join("dev/input").join(link);
                fs::create_dir_all(link.parent().unwrap()).unwrap();
                std::os::unix::fs::symlink(format!("../event{number}"), link).unwrap();
            }
        }
        Places { sys: root.join("sys"), dev: root.join("dev") }.scanners()
    }

    #[test]
    fn of_two_devices_of_one_kind_the_one_that_was_chosen_is_meant() {
        let devices: [[&[&str]; 2]; 4] = [
            [&["by-id/usb-A1-kbd", "by-path/usb-1-kbd"], &["by-id/usb-A2-kbd", "by-path/usb-2-kbd"]],
            // Without numbers of their own they share one name, which leads now to one, now to the other.
            [&["by-path/usb-1-kbd"], &["by-id/usb-A-kbd", "by-path/usb-2-kbd"]],
            [&[], &[]],
            [&[], &["by-id/usb-A-kbd"]],
        ];
        let second = ["by-id/usb-A2-kbd", "by-path/usb-2-kbd", "event6", "event6"];
        for (links, second) in devices.into_iter().zip(second) {
            let root = tempfile::tempdir().unwrap();
            let found = alike(root.path(), &[(5, links[0]), (6, links[1])]);
            let places: Vec<_> = found.iter().map(|one| one.place(&found)).collect();
            assert_eq!(places[1], Where::Path(root.path().join("dev/input").join(second)));
            for (one, place) in found.iter().zip(&places) {
                assert_eq!(meant(place, FoundKind::Keyboard, &found), Some(one));
                assert_eq!(meant(&Where::Path(one.path.clone()), FoundKind::Keyboard, &found), Some(one));
            }
        }
        let root = tempfile::tempdir().unwrap();
        let found = alike(root.path(), &[(5, &["by-id/usb-A-kbd"])]);
        assert_eq!(found[0].place(&found).to_string(), "0c2e:0901", "alone it is found in any socket");
        assert_eq!(meant(&found[0].place(&found), FoundKind::HidPos, &found), None);
    }

    /// Scanners of one maker and product, with these numbers of their own, each in its socket.
    fn alike_by_reports(numbers: &[&str], order: &[usize]) -> Vec<Found> {
        let root = tempfile::tempdir().unwrap();
        for (nth, which) in order.iter().enumerate() {
            let device = format!("sys/class/hidraw/hidraw{nth}/device");
            let about = format!(
                "HID_ID=0003:00000C2E:00000B61\nHID_NAME=Xenon\nHID_PHYS=usb-1-{which}/input0\nHID_UNIQ={}\n",
                numbers[*which]
            );
            put(root.path(), &format!("{device}/uevent"), about.as_bytes());
            let descriptor = crate::scanner::hid_pos::DESCRIPTOR_OF_A_SCANNER;
            put(root.path(), &format!("{device}/report_descriptor"), descriptor);
        }
        Places { sys: root.path().join("sys"), dev: "/dev".into() }.scanners()
    }

    #[test]
    fn scanners_by_reports_that_are_alike_are_told_apart_however_the_system_counts_them() {
        for (numbers, names) in [
            (["A1", "A2"], ["0c2e:0b61#A1", "0c2e:0b61#A2"]),
            // The maker prints one number on all of them, or none.
            (["A", "A"], ["0c2e:0b61@usb-1-0/input0", "0c2e:0b61@usb-1-1/input0"]),
            (["", "A2"], ["0c2e:0b61@usb-1-0/input0", "0c2e:0b61@usb-1-1/input0"]),
        ] {
            let found = alike_by_reports(&numbers, &[0, 1]);
            let places: Vec<Where> = found.iter().map(|one| one.place(&found)).collect();
            assert_eq!(places.iter().map(Where::to_string).collect::<Vec<_>>(), names);
            // The next morning the system counts them otherwise.
            let found = alike_by_reports(&numbers, &[1, 0]);
            for (place, path) in places.iter().zip(["/dev/hidraw1", "/dev/hidraw0"]) {
                let it = meant(&place.to_string().parse().unwrap(), FoundKind::HidPos, &found).unwrap();
                assert_eq!(it.path, Path::new(path), "{place}");
            }
        }
    }

    #[test]
    fn of_the_machines_own_serial_ports_those_are_found_that_there_are() {
        let root = tempfile::tempdir().unwrap();
        let places = Places { sys: root.path().join("sys"), dev: root.path().join("dev") };
        // Type 4 is a 16550A; 0 is a name without a port; a USB adapter has none, and is found by its own name.
        let ports =
            [("ttyS0", Some("4\n")), ("ttyS1", Some("0\n")), ("ttyS10", Some("4\n")), ("ttyUSB0", None)];
        for (name, kind) in
            ports.into_iter().chain([("ttyAMA0", Some("32")), ("ttyS3", Some("4")), ("tty1", None)])
        {
            put(root.path(), &format!("dev/{name}"), b"");
            put(root.path(), &format!("sys/class/tty/{name}/dev"), b"4:64\n");
            if let Some(kind) = kind {
                put(root.path(), &format!("sys/class/tty/{name}/type"), kind.as_bytes());
                put(root.path(), &format!("sys/class/tty/{name}/console"), b"N\n");
            }
        }
        put(root.path(), "sys/class/tty/ttyS3/console", b"Y\n");
        put(root.path(), "sys/class/tty/ttyS4/type", b"4\n");
        let found = places.scanners();
        let names: Vec<&str> = found.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(
            names,
            ["COM1 (ttyS0)", "COM11 (ttyS10)", "ttyAMA0"],
            "no console, and none without a device"
        );
        assert!(found.iter().all(|found| found.kind == FoundKind::Serial));
        let place = found[0].place(&found);
        assert_eq!(place, Where::Path(root.path().join("dev/ttyS0")));
        assert_eq!(meant(&place, FoundKind::Serial, &found), Some(&found[0]));
    }

    #[test]
    fn where_nothing_is_listed_nothing_is_found() {
        let root = tempfile::tempdir().unwrap();
        let places = Places { sys: root.path().join("sys"), dev: root.path().join("dev") };
        assert_eq!(places.scanners(), []);
    }
}
