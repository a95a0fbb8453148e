//! A second server of the store, which is stopped in the middle of its work and wakes with the old map.

use super::{FROM, TO, files, wrong};
use crate::drill::DrillError;
use crate::process::Process;
use crate::store_rig::StoreRig;
use crate::workspace;
use evertill_provisioning::client::ClientConfig;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

/// How long payments are given to reach the server's line before it is stopped. A writer waits longer for a lock.
const ON_THEIR_WAY: Duration = Duration::from_millis(600);
const STOP: i32 = 19;
const GO_ON: i32 = 18;

/// A second server over the same files.
pub(super) struct Sleeper {
    process: Process,
    url: String,
    figures: SocketAddr,
}

impl Sleeper {
    pub fn start(rig: &StoreRig) -> Result<Self, DrillError> {
        let folder = rig.store_dir().join("server");
        let text = std::fs::read_to_string(folder.join("server.toml")).map_err(wrong)?;
        let mut settings: toml::Table = text.parse().map_err(wrong)?;
        let figures = SocketAddr::from(([127, 0, 0, 1], crate::rig::ports::free().map_err(wrong)?));
        settings.insert("listen".into(), "127.0.0.1:0".into());
        settings.insert("metrics_listen".into(), figures.to_string().into());
        let file = folder.join("server-2.toml");
        std::fs::write(&file, settings.to_string()).map_err(wrong)?;
        let mut command = Command::new(workspace::program("evertill-server"));
        command.arg("--config").arg(file).current_dir(rig.dir());
        let log = rig.dir().join("logs/server-2.log");
        let mut process = Process::spawn("second server", &mut command, &log).map_err(wrong)?;
        let ready = process.ready_line().map_err(wrong)?;
        let listen = ready["listen"].as_str().ok_or_else(|| wrong("the second server does not listen"))?;
        Ok(Self { process, url: format!("https://{listen}"), figures })
    }

    pub fn config(&self, rig: &StoreRig) -> ClientConfig {
        ClientConfig::new(vec![self.url.clone()], rig.trust().clone())
    }

    /// Stops it while payments, sent by `send`, wait in it for the old database: they have been let in, and sent the
    /// old way. It is stopped between two writes into the other files: else nobody could write there afterwards.
    pub async fn fall_asleep<T>(
        &self,
        rig: &StoreRig,
        send: impl Future<Output = T>,
    ) -> Result<T, DrillError> {
        let others = [rig.data_dir().join("base.db"), rig.group_file(1), rig.group_file(TO)];
        let held = files::hold(&rig.group_file(FROM))?;
        let sent = send.await;
        tokio::time::sleep(ON_THEIR_WAY).await;
        for _ in 0..200 {
            self.process.signal(STOP);
            tokio::time::sleep(Duration::from_millis(5)).await;
            if others.iter().all(|file| files::can_be_written(file)) {
                drop(held);
                return Ok(sent);
            }
            self.process.signal(GO_ON);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(wrong("the second server could not be stopped between two writes"))
    }

    pub fn wake(&self) {
        self.process.signal(GO_ON);
    }

    /// How many of its writes a database has refused because it does not serve their orders any more.
    pub fn fenced(&self) -> Result<u64, DrillError> {
        let mut line = TcpStream::connect(self.figures).map_err(wrong)?;
        line.set_read_timeout(Some(Duration::from_secs(10))).map_err(wrong)?;
        line.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .map_err(wrong)?;
        let mut text = String::new();
        line.read_to_string(&mut text).map_err(wrong)?;
        let figures = text.lines().filter(|line| line.starts_with("evertill_fenced_total"));
        Ok(figures.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
    }
}
