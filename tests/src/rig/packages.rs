//! The programs that tests need from Debian's packages: installed if missing, and never as running services.

use super::place::as_root;
use super::{Failure, display, server};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Debian's Python.
pub const PYTHON: &str = "/usr/bin/python3";

/// Debian's Node.
pub const NODE: &str = "/usr/bin/node";

/// Debian's tool for Node's packages.
pub const NPM: &str = "/usr/bin/npm";

/// A program from Debian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package {
    /// The browser and its driver, for the console's pages.
    Chromium,
    /// The database server with its tools.
    Postgresql,
    /// The balancer in front of servers.
    Haproxy,
    /// The manager of a group of database servers, with what it needs to talk to etcd.
    Patroni,
    /// Patroni's store.
    Etcd,
    /// Records what a program writes and when it is synced.
    Strace,
    /// Python with folders of its own for packages: for the judges.
    Python,
    /// Node and its package manager: for the judges.
    Node,
    /// Reads bar codes and QR codes from pictures.
    Zbar,
    /// Reads the text and the fonts of PDF files.
    Poppler,
    /// A display without a monitor, its window manager, and what the till's own window needs.
    Display,
}

impl Package {
    /// All that the whole suite needs.
    pub const ALL: [Self; 11] = [
        Self::Chromium,
        Self::Postgresql,
        Self::Haproxy,
        Self::Patroni,
        Self::Etcd,
        Self::Strace,
        Self::Python,
        Self::Node,
        Self::Zbar,
        Self::Poppler,
        Self::Display,
    ];

    /// The names of the packages.
    #[must_use]
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Chromium => &["chromium", "chromium-driver"],
            Self::Postgresql => &["postgresql"],
            Self::Haproxy => &["haproxy"],
            Self::Patroni => &["patroni", "python3-etcd"],
            Self::Etcd => &["etcd-server"],
            Self::Strace => &["strace"],
            Self::Python => &["python3-venv"],
            Self::Node => &["nodejs", "npm"],
            Self::Zbar => &["zbar-tools"],
            Self::Poppler => &["poppler-utils"],
            Self::Display => {
                &["xvfb", "openbox", "libx11-xcb1", "libxcursor1", "libxi6", "libxkbcommon-x11-0"]
            }
        }
    }

    /// The system services that the packages bring and that we do not want.
    fn services(self) -> &'static [&'static str] {
        match self {
            Self::Chromium
            | Self::Strace
            | Self::Python
            | Self::Node
            | Self::Zbar
            | Self::Poppler
            | Self::Display => &[],
            Self::Postgresql => &["postgresql"],
            Self::Haproxy => &["haproxy"],
            Self::Patroni => &["patroni"],
            Self::Etcd => &["etcd"],
        }
    }

    fn is_installed(self) -> bool {
        let exist = |programs: &[&str]| programs.iter().all(|program| Path::new(program).exists());
        match self {
            Self::Chromium => exist(&["/usr/bin/chromium", "/usr/bin/chromedriver"]),
            Self::Postgresql => postgres_programs().is_ok(),
            Self::Haproxy => exist(&["/usr/sbin/haproxy"]),
            Self::Patroni => exist(&["/usr/bin/patroni", "/usr/lib/python3/dist-packages/etcd/__init__.py"]),
            Self::Etcd => exist(&["/usr/bin/etcd"]),
            Self::Strace => exist(&["/usr/bin/strace"]),
            Self::Zbar => exist(&["/usr/bin/zbarimg"]),
            Self::Poppler => exist(&["/usr/bin/pdftotext", "/usr/bin/pdffonts", "/usr/bin/pdftoppm"]),
            Self::Python => {
                let asked = Command::new(PYTHON).args(["-c", "import ensurepip, venv"]).output();
                asked.is_ok_and(|asked| asked.status.success())
            }
            Self::Node => exist(&[NODE, NPM]),
            Self::Display => display::is_installed(),
        }
    }
}

/// The folder of PostgreSQL's programs: of the newest version that is installed.
/// # Errors
/// None is installed.
pub fn postgres_programs() -> Result<PathBuf, Failure> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let programs = entry.path().join("bin");
            let version = entry.file_name().to_str()?.parse().ok()?;
            programs.join("postgres").exists().then_some((version, programs))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, programs)| programs).ok_or_else(|| {
        Failure::Machine("PostgreSQL is not installed; as root, type: apt-get install postgresql".into())
    })
}

/// Installs what is missing with `apt-get`, as root or by `sudo`, and says so. No service is started by it, nor at
/// the machine's next start.
/// # Errors
/// It cannot be installed; the error says what to type.
pub fn ensure(packages: &[Package]) -> Result<(), Failure> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let missing: Vec<Package> = packages.iter().copied().filter(|package| !package.is_installed()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().flat_map(|package| package.names()).copied().collect();
    eprintln!("installing {} from Debian's packages", names.join(" "));
    let help = format!(
        "missing and not installed: {0}; as root, type: apt-get update && apt-get install -y --no-install-recommends {0}",
        names.join(" ")
    );
    let hold = NoServices::begin()?;
    let lock = "DPkg::Lock::Timeout=600";
    server::run(&help, as_root("apt-get").args(["update", "-q", "-o", lock]))?;
    let mut install = as_root("env");
    install.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-q", "-y"]);
    install.args(["--no-install-recommends", "-o", lock, "-o", "Dpkg::Options::=--force-confold"]);
    server::run(&help, install.args(&names))?;
    drop(hold);
    for service in missing.iter().flat_map(|package| package.services()) {
        // Where no service manager runs there is nothing to switch off.
        let _ = server::run("switching off a service", as_root("systemctl").args(["disable", service]));
    }
    match missing.iter().find(|package| !package.is_installed()) {
        Some(package) => {
            Err(Failure::Machine(format!("{package:?} was installed and is not where it must be")))
        }
        None => Ok(()),
    }
}

/// While this lives, no package's script starts a service: Debian's scripts ask `policy-rc.d` before they do.
struct NoServices {
    made: bool,
}

impl NoServices {
    const POLICY: &str = "/usr/sbin/policy-rc.d";

    fn begin() -> Result<Self, Failure> {
        if Path::new(Self::POLICY).exists() {
            return Ok(Self { made: false });
        }
        let script = format!("printf '#!/bin/sh\\nexit 101\\n' > {0} && chmod 755 {0}", Self::POLICY);
        server::run("packages can be installed by root only", as_root("sh").args(["-c", &script]))?;
        Ok(Self { made: true })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.made {
            let _ = server::run("removing the policy", as_root("rm").args(["-f", Self::POLICY]));
        }
    }
}
