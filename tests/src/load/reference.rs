//! The price of what cannot be left out, each alone, on the server's core: processor time, so that neighbours on the
//! machine do not count.

use super::echo::Kind;
use super::engine::RowCost;
use super::figures::{count, rounded, us, us_each};
use super::line::Dialler;
use super::phase::Lines;
use super::sales::Prepared;
use super::shop::{Shop, folder};
use super::usage::{Meter, cpu_of_this_thread};
use crate::load::{cores, say, wrong};
use crate::process::Process;
use crate::store_rig::RigError;
use evertill_shared::signing::SigningKey;
use serde_json::{Value, json};
use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// How large what is priced is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// What a signature covers.
    pub signed: usize,
    /// A whole answer.
    pub answer: usize,
    /// A row.
    pub row: usize,
}

/// The prices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    verify: Duration,
    sign: Duration,
    tls_us: f64,
    https_us: f64,
    row: RowCost,
}

impl Reference {
    /// Takes all prices. The store's server must be idle meanwhile.
    pub(crate) async fn take(shop: &Shop, work: &Arc<Vec<Prepared>>, sizes: Sizes) -> Result<Self, RigError> {
        say("the price of each part alone");
        let core = shop.cores.server;
        let (verify, sign, row) = std::thread::scope(|scope| {
            let alone = scope.spawn(|| {
                cores::pin(core).map_err(wrong)?;
                let (verify, sign) = signatures(sizes.signed)?;
                let folder = folder()?;
                Ok((verify, sign, shop.databases.row_cost(folder.path(), sizes.row)?))
            });
            alone.join().unwrap_or_else(|_| Err(wrong("taking the prices broke off")))
        })?;
        let tls_us = line_us(shop, Kind::Bare, work, sizes.answer).await?;
        let https_us = line_us(shop, Kind::Axum, work, sizes.answer).await?;
        Ok(Self { verify, sign, tls_us, https_us, row })
    }

    fn sum_us(&self, line_us: f64) -> f64 {
        us(self.verify) + us(self.sign) + line_us + us(self.row.cpu)
    }

    /// How many a second one core could do if there were nothing but the parts.
    pub(crate) fn per_second(&self) -> f64 {
        1e6 / self.sum_us(self.tls_us)
    }

    /// The parts, in microseconds.
    pub(crate) fn parts(&self) -> Value {
        json!({
            "verify_us": us(self.verify),
            "sign_us": us(self.sign),
            "tls_us": rounded(self.tls_us, 1),
            "row_us": us(self.row.cpu),
            "sum_us": rounded(self.sum_us(self.tls_us), 1),
            "row_wall_us": us(self.row.wall),
            "https_us": rounded(self.https_us, 1),
            "reference_with_https_per_s": rounded(1e6 / self.sum_us(self.https_us), 0),
        })
    }
}

fn signatures(size: usize) -> Result<(Duration, Duration), RigError> {
    const TIMES: u32 = 20_000;
    let key = SigningKey::from_seed(&[7; 32], "reference".into()).map_err(wrong)?;
    let message = vec![b'm'; size];
    let start = cpu_of_this_thread()?;
    for _ in 0..TIMES {
        black_box(key.sign(black_box(&message)));
    }
    let sign = cpu_of_this_thread()?.saturating_sub(start) / TIMES;
    let (public, signature) = (key.public(), key.sign(&message));
    let start = cpu_of_this_thread()?;
    for _ in 0..TIMES {
        public.verify(black_box(&message), black_box(&signature)).map_err(wrong)?;
    }
    Ok((cpu_of_this_thread()?.saturating_sub(start) / TIMES, sign))
}

/// The processor time of one request and answer of these sizes over TLS.
async fn line_us(shop: &Shop, kind: Kind, work: &Arc<Vec<Prepared>>, answer: usize) -> Result<f64, RigError> {
    let (certificate, key) = shop.certificate();
    let mut command = Command::new(std::env::current_exe().map_err(wrong)?);
    command.args(["echo", "--kind", if kind == Kind::Bare { "bare" } else { "axum" }]);
    command.arg("--certificate").arg(certificate).arg("--key").arg(key);
    command.args(["--answer", &answer.to_string()]);
    let log = shop.rig.dir().join("logs/echo.log");
    let started = cores::on(shop.cores.server, || Process::spawn("echo server", &mut command, &log));
    let mut process = started.map_err(wrong)??;
    let port = process.ready_line()?["port"].as_u64().and_then(|port| u16::try_from(port).ok());
    let dialler = Dialler::new(shop.rig.trust(), port.ok_or_else(|| wrong("the echo server has no port"))?)?;
    let mut lines = Lines::open(dialler, 64).await?;
    lines.closed(work, Duration::from_millis(500)).await?;
    let meter = Meter::start(|| vec![process.id()], shop.cores.server)?;
    let done = lines.closed(work, Duration::from_secs(4)).await?;
    let used = meter.read()?;
    let good = done.good();
    if good == 0 || good < done.records.len() {
        return Err(wrong(format!("the echo server answered {good} of {}", count(done.records.len()))));
    }
    let sizes: usize = done.records.iter().filter_map(|r| r.answer.as_ref()).map(|a| a.size()).sum();
    say(format_args!("{kind:?}: {good} answers of {} bytes", sizes / good));
    Ok(us_each(used.process, good))
}
