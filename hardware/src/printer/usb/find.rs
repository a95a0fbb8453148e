//! Which printers of the USB printer class are plugged in, as the system's own lists say: their files are numbered anew
//! whenever one is replugged, so a file's number is no address of a printer.

use crate::scanner::{Places, UsbId, Where};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A printer that is plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plugged {
    path: PathBuf,
    id: UsbId,
    /// Its own number, if it has one.
    number: Option<String>,
    /// The socket, as the system calls it: `1-2`, or `1-2.4` behind a hub.
    socket: Option<String>,
}

impl Plugged {
    fn is(&self, place: &Where) -> bool {
        match place {
            Where::Path(path) => self.path == *path,
            Where::Usb(id) => self.id == *id,
            Where::Numbered(id, number) => self.id == *id && self.number.as_deref() == Some(number),
            Where::Socket(id, socket) => self.id == *id && self.socket.as_deref() == Some(socket),
        }
    }

    /// How it is written in settings so that no other one of those that are plugged in is meant.
    fn place(&self, all: &[Self]) -> Where {
        let number = self.number.clone().map(|number| Where::Numbered(self.id, number));
        let socket = self.socket.clone().map(|socket| Where::Socket(self.id, socket));
        let only_this = |place: &Where| all.iter().filter(|other| other.is(place)).count() == 1;
        let by_usb = [Some(Where::Usb(self.id)), number, socket];
        by_usb.into_iter().flatten().find(only_this).unwrap_or_else(|| Where::Path(self.path.clone()))
    }
}

/// The device file of the printer that is meant.
///
/// # Errors
/// It is not plugged in, or several are that might be meant: a receipt on another printer than the drawer's is worse
/// than none.
pub(super) fn file_of(place: &Where, places: &Places) -> io::Result<PathBuf> {
    if let Where::Path(path) = place {
        return Ok(path.clone());
    }
    let all = plugged(places);
    let mut fitting = all.iter().filter(|printer| printer.is(place));
    match (fitting.next(), fitting.next()) {
        (Some(printer), None) => Ok(printer.path.clone()),
        (Some(_), Some(_)) => {
            let named: Vec<String> =
                all.iter().filter(|one| one.is(place)).map(|one| one.place(&all).to_string()).collect();
            let why = format!("{place} is more than one printer here; name one: {}", named.join(", "));
            Err(io::Error::new(io::ErrorKind::InvalidInput, why))
        }
        _ => {
            let others: Vec<String> = all.iter().map(|one| one.place(&all).to_string()).collect();
            let others = if others.is_empty() { "no other is".into() } else { others.join(", ") };
            let why = format!("no printer {place} is plugged in; {others}");
            Err(io::Error::new(io::ErrorKind::NotFound, why))
        }
    }
}

fn plugged(places: &Places) -> Vec<Plugged> {
    let class = places.sys.join("class/usbmisc");
    let listed = fs::read_dir(&class).into_iter().flatten().flatten();
    let mut numbers: Vec<u32> =
        listed.filter_map(|entry| entry.file_name().to_str()?.strip_prefix("lp")?.parse().ok()).collect();
    numbers.sort_unstable();
    let printer = |number: u32| {
        let name = format!("lp{number}");
        let path = places.dev.join("usb").join(&name);
        about(path, &class.join(name).join("device"))
    };
    numbers.into_iter().filter_map(printer).collect()
}

/// What is known of the device that an interface belongs to: its folder is the one around the interface's.
fn about(path: PathBuf, interface: &Path) -> Option<Plugged> {
    let device = fs::canonicalize(interface).ok()?.parent()?.to_owned();
    let read = |what: &str| fs::read_to_string(device.join(what)).ok().map(|text| text.trim().to_owned());
    let hex = |what: &str| u16::from_str_radix(&read(what)?, 16).ok();
    Some(Plugged {
        path,
        id: UsbId { vendor: hex("idVendor")?, product: hex("idProduct")? },
        number: read("serial").filter(|number| !number.is_empty()),
        socket: device.file_name().and_then(|name| Some(name.to_str()?.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// Printers in the order in which the system numbers them: maker and product, their own number, their socket.
    fn system(printers: &[(&str, &str, &str)]) -> (tempfile::TempDir, Places) {
        let root = tempfile::tempdir().unwrap();
        let places = Places { sys: root.path().join("sys"), dev: root.path().join("dev") };
        let class = places.sys.join("class/usbmisc");
        fs::create_dir_all(&class).unwrap();
        fs::create_dir_all(class.join("hiddev0")).unwrap();
        for (nth, (id, number, socket)) in printers.iter().enumerate() {
            let device = places.sys.join("devices/pci0000:00/usb1").join(socket);
            let interface = device.join(format!("{socket}:1.0"));
            fs::create_dir_all(interface.join(format!("usbmisc/lp{nth}"))).unwrap();
            let (vendor, product) = id.split_once(':').unwrap();
            for (what, is) in [("idVendor", vendor), ("idProduct", product), ("serial", number)] {
                if !is.is_empty() {
                    fs::write(device.join(what), format!("{is}\n")).unwrap();
                }
            }
            fs::create_dir_all(class.join(format!("lp{nth}"))).unwrap();
            symlink(&interface, class.join(format!("lp{nth}/device"))).unwrap();
        }
        (root, places)
    }

    fn found(printers: &[(&str, &str, &str)], place: &str) -> Result<String, String> {
        let (_root, places) = system(printers);
        let path = file_of(&place.parse().unwrap(), &places).map_err(|error| error.to_string())?;
        Ok(path.strip_prefix(&places.dev).unwrap().display().to_string())
    }

    const COUNTER: (&str, &str, &str) = ("04b8:0202", "J6QK012345", "1-2");
    const KITCHEN: (&str, &str, &str) = ("04b8:0202", "J6QK099999", "1-3.1");
    const OTHER: (&str, &str, &str) = ("0416:5011", "", "1-4");

    #[test]
    fn a_printer_is_found_by_what_it_is_whatever_number_its_file_has_today() {
        let [counter, kitchen] = ["04b8:0202#J6QK012345", "04b8:0202#J6QK099999"];
        for (order, nth) in [([COUNTER, KITCHEN, OTHER], [0, 1, 2]), ([OTHER, KITCHEN, COUNTER], [2, 1, 0])] {
            let file = |nth: usize| Ok(format!("usb/lp{}", nth));
            assert_eq!(found(&order, counter), file(nth[0]));
            assert_eq!(found(&order, kitchen), file(nth[1]));
            assert_eq!(found(&order, "0416:5011"), file(nth[2]));
            assert_eq!(found(&order, "04b8:0202@1-3.1"), file(nth[1]));
        }
    }

    #[test]
    fn no_receipt_goes_to_a_printer_that_only_might_be_meant() {
        let why = found(&[COUNTER, KITCHEN], "04b8:0202").unwrap_err();
        assert!(why.contains("04b8:0202#J6QK012345, 04b8:0202#J6QK099999"), "{why}");
        // The maker prints one number on all of them: the sockets tell them apart.
        let twins = [("04b8:0202", "X", "1-2"), ("04b8:0202", "X", "1-3")];
        let why = found(&twins, "04b8:0202#X").unwrap_err();
        assert!(why.contains("04b8:0202@1-2, 04b8:0202@1-3"), "{why}");
        assert_eq!(found(&twins, "04b8:0202@1-3"), Ok("usb/lp1".into()));
    }

    #[test]
    fn a_printer_that_is_not_plugged_in_is_not_replaced_by_another() {
        let why = found(&[KITCHEN, OTHER], "04b8:0202#J6QK012345").unwrap_err();
        assert!(why.contains("no printer 04b8:0202#J6QK012345") && why.contains("0416:5011"), "{why}");
        assert!(found(&[], "04b8:0202").unwrap_err().contains("no other is"));
        let (_root, places) = system(&[COUNTER]);
        let path = Where::Path("/dev/usb/lp7".into());
        assert_eq!(file_of(&path, &places).unwrap(), Path::new("/dev/usb/lp7"), "a path is what it says");
        fs::remove_dir_all(places.sys.join("class")).unwrap();
        assert_eq!(plugged(&places), []);
    }
}
