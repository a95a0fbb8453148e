//! A throw-away PostgreSQL from Debian's package: on loopback, in a temporary folder, gone with its handle.

use evertill_server::database::postgres::PostgresSettings;
use evertill_shared::secret::SecretText;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::time::Duration;
use tempfile::TempDir;
use tokio_postgres::NoTls;

pub const PASSWORD: &str = "not a secret: swordfish";
const USER: &str = "evertill";

/// A running server.
pub struct Server {
    folder: TempDir,
    bin: PathBuf,
    pub port: u16,
    running: Mutex<Option<Running>>,
}

struct Running {
    pid: u32,
    /// Dropped: the keeper kills the server and ends.
    end: mpsc::Sender<()>,
    keeper: std::thread::JoinHandle<()>,
}

impl Server {
    /// One that tests share as long as any of them runs.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// One of a test's own.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("evertill-postgres-").tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        if let Some((user, group)) = other_user() {
            chown(&data, Some(user), Some(group)).unwrap();
        }
        let port = free_port();
        let server = Self { folder, bin: bin(), port, running: Mutex::new(None) };
        let output = server
            .command("initdb")
            .args(["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--username", USER])
            .arg("--pwfile")
            .arg(&password)
            .arg(&data)
            .output()
            .unwrap();
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        server.run();
        server
    }

    fn command(&self, program: &str) -> Command {
        // It dies with the thread that keeps it, however that ends.
        let mut command = Command::new("setpriv");
        command.arg("--pdeathsig=KILL").current_dir("/");
        if other_user().is_some() {
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
        }
        command.arg(self.bin.join(program));
        command
    }

    /// Starts it on its folder, and waits until it takes connections.
    pub fn run(&self) {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.folder.path().join("data")).args(["-p", &self.port.to_string()]).args([
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
            "-c",
            "max_connections=60",
            "-c",
            "shared_buffers=64MB",
            "-c",
            "autovacuum=off",
        ]);
        command.stderr(Stdio::piped()).stdout(Stdio::null()).stdin(Stdio::null());
        let (end, ended) = mpsc::channel::<()>();
        let (ready, is_ready) = mpsc::channel();
        let keeper = std::thread::spawn(move || keep(command, &ready, &ended));
        let pid = is_ready.recv().expect("the server's thread ended").expect("the server starts");
        *self.running.lock().unwrap() = Some(Running { pid, end, keeper });
    }

    fn pid(&self) -> u32 {
        self.running.lock().unwrap().as_ref().expect("it runs").pid
    }

    /// Sends a signal to the server and all its processes.
    pub fn signal(&self, signal: &str) {
        let pid = self.pid();
        let mut pids = vec![pid.to_string()];
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        pids.extend(children.split_whitespace().map(str::to_owned));
        // Some may have ended meanwhile.
        let _ = Command::new("kill").arg(format!("-{signal}")).args(&pids).stderr(Stdio::null()).status();
    }

    /// As a power cut of its machine would, but for the disk.
    pub fn kill(&self) {
        self.signal("KILL");
        self.stop();
    }

    fn stop(&self) {
        if let Some(running) = self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
            drop(running.end);
            let _ = running.keeper.join();
        }
    }

    /// Runs statements as the administrator.
    pub async fn sql(&self, database: &str, statements: &str) -> Vec<Vec<String>> {
        let (client, connection) = self.client(database).await;
        let connection = tokio::spawn(connection);
        let answers = tokio::time::timeout(Duration::from_secs(30), client.simple_query(statements)).await;
        let answers = answers.expect("the database answers its administrator").unwrap();
        drop(client);
        let _ = connection.await;
        let rows = answers.iter().filter_map(|answer| match answer {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).unwrap_or_default().to_owned()).collect())
            }
            _ => None,
        });
        rows.collect()
    }

    /// A connection of somebody else.
    pub async fn client(
        &self,
        database: &str,
    ) -> (
        tokio_postgres::Client,
        tokio_postgres::Connection<tokio_postgres::Socket, tokio_postgres::tls::NoTlsStream>,
    ) {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port).user(USER).password(PASSWORD).dbname(database);
        config.connect(NoTls).await.unwrap()
    }

    /// Changes a setting of the whole server, or takes the change back, and waits until it holds.
    pub async fn set(&self, name: &str, value: Option<&str>) {
        let before = self.setting(name).await;
        self.sql(
            "postgres",
            &match value {
                Some(value) => format!("ALTER SYSTEM SET {name} = '{value}'"),
                None => format!("ALTER SYSTEM RESET {name}"),
            },
        )
        .await;
        self.sql("postgres", "SELECT pg_reload_conf()").await;
        let changes = async {
            while self.setting(name).await == before {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), changes).await.expect("the setting changes");
    }

    async fn setting(&self, name: &str) -> String {
        self.sql("postgres", &format!("SELECT current_setting('{name}')")).await[0][0].clone()
    }

    /// A new, empty database, and how to reach it.
    pub async fn database(&self) -> PostgresSettings {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}")).await;
        let hosts = vec![format!("127.0.0.1:{}", self.port)];
        let mut settings = PostgresSettings::new(hosts, &name, USER);
        settings.password = Some(SecretText::new(PASSWORD.into()));
        settings.name.clone_from(&name);
        // A machine that is busy with other tests is slow; a story about the limit sets its own.
        settings.call_ms = 10_000;
        settings
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The server's own thread: it starts it, tells when it is ready, and kills it in the end.
fn keep(mut command: Command, ready: &mpsc::Sender<Result<u32, String>>, ended: &mpsc::Receiver<()>) {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return drop(ready.send(Err(error.to_string()))),
    };
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = String::new();
    loop {
        match lines.next() {
            Some(Ok(line)) if line.contains("ready to accept connections") => break,
            Some(Ok(line)) => said.push_str(&line),
            _ => {
                let _ = child.wait();
                return drop(ready.send(Err(said)));
            }
        }
    }
    let _ = ready.send(Ok(child.id()));
    let log = std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    let _ = ended.recv();
    end(&mut child);
    let _ = log.join();
}

fn end(child: &mut Child) {
    let pid = child.id().to_string();
    // At once, and with all its processes; frozen ones must wake up to see it.
    for signal in ["-QUIT", "-CONT"] {
        let _ = Command::new("kill").args([signal, &pid]).stderr(Stdio::null()).status();
    }
    let _ = child.wait();
}

fn bin() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut bins: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    bins.retain(|bin| bin.join("postgres").exists());
    bins.sort();
    bins.pop().expect(
        "PostgreSQL is not installed; as root, type: apt-get install --no-install-recommends postgresql",
    )
}

/// PostgreSQL refuses to run as root: then its package's own user is taken.
fn other_user() -> Option<(u32, u32)> {
    if Path::new("/proc/self").metadata().unwrap().uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:")).expect("the package makes its user");
    let mut ids = line.split(':').skip(2).map(|id| id.parse().unwrap());
    Some((ids.next().unwrap(), ids.next().unwrap()))
}

/// A port below the kernel's own range: another test's connection could have one of those by the time that the server is
/// started, or started again.
fn free_port() -> u16 {
    let free = (0..1000_u64).find_map(|_| {
        let random = RandomState::new().hash_one(0_u8);
        let port = u16::try_from(18_000 + random % 14_000).unwrap();
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok().map(|_| port)
    });
    free.expect("no port between 18000 and 31999 is free")
}
