//! `cargo load -- growth`: what an order costs in a group that holds few and in one that holds many, and what a day's
//! total costs in the merchant view, where the console gets it. It asks group and view themselves, without the line and
//! the signatures in front of them, which would hide what grows.

use super::cores::Cores;
use super::figures::{count, percentile, rounded, us};
use super::fill::{Filling, fill, fill_view};
use super::sales::{Seller, Sold};
use super::shop::folder;
use crate::load::{say, wrong};
use crate::store_rig::RigError;
use clap::Args;
use evertill_server::merchant_view::{MerchantView, ViewPlace};
use evertill_server::order_group::{
    Expected, GroupPlace, GroupSet, GroupSettings, KeptEntry, Limits, OrderDetail, Place, SaleOfTill,
};
use evertill_shared::business_day::business_day_of;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::id::{StoreId, TerminalId};
use evertill_shared::money::Currency;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::protocol::store::StoreInfo;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How many orders are created at the same time to see what one costs when they share their commits.
const TOGETHER: usize = 64;

/// What is measured.
#[derive(Clone, Debug, Args)]
pub struct GrowthOptions {
    /// A group of ten million orders too: many minutes, and 25 GB of disk.
    #[arg(long)]
    pub long: bool,
    /// How many orders a group gets each day: a fuller group is an older one.
    #[arg(long, default_value_t = 2_000)]
    pub a_day: usize,
    /// How often each thing is measured.
    #[arg(long, default_value_t = 600)]
    pub rounds: usize,
}

/// Runs it; the answer is the report.
/// # Errors
/// A group does not do what it is asked.
pub async fn run(options: &GrowthOptions, cores: Cores) -> Result<Value, RigError> {
    let dir = folder()?;
    let mut sizes = vec![10_000, 100_000, 1_000_000];
    if options.long {
        sizes.push(10_000_000);
    }
    let mut groups = Vec::new();
    for size in sizes {
        say(format_args!("filling a group with {size} orders"));
        groups.push(Filled::new(&dir.path().join(format!("{size}.db")), size, options.a_day).await?);
    }
    say("measuring them in turn");
    let warm_up = (options.rounds / 10).max(20);
    for round in 0..warm_up + options.rounds {
        // In turn, so that whatever else goes on here meets all of them alike.
        for group in &mut groups {
            group.measure(round, round >= warm_up).await?;
        }
    }
    let report = report(options, cores, &mut groups);
    for group in groups {
        // While somebody has a database open, its folder does not go away for good.
        group.groups.close().await;
        group.view.close().await;
    }
    Ok(report)
}

fn report(options: &GrowthOptions, cores: Cores, groups: &mut [Filled]) -> Value {
    type Pick = fn(&mut Times) -> &mut Vec<Duration>;
    let kinds: [(&str, Pick); 4] = [
        ("create_p50_us", |t| &mut t.create),
        ("create_shared_p50_us", |t| &mut t.create_shared),
        ("read_p50_us", |t| &mut t.read),
        ("day_total_p50_us", |t| &mut t.day_total),
    ];
    let mut report = Map::new();
    let mut ratios = Map::new();
    let mut worst = 0.0_f64;
    for (name, pick) in kinds {
        let figures: Vec<(usize, f64)> =
            groups.iter_mut().map(|g| (g.size, us(percentile(pick(&mut g.times), 0.5)))).collect();
        let first = figures.first().map_or(0.0, |(_, figure)| *figure);
        let last = figures.last().map_or(0.0, |(_, figure)| *figure);
        let ratio = last / first.max(0.001);
        worst = worst.max(ratio);
        ratios.insert(name.into(), json!(rounded(ratio, 3)));
        report.insert(name.into(), figures.iter().map(|(size, f)| (size.to_string(), json!(f))).collect());
    }
    report.insert("ratio".into(), json!(rounded(worst, 3)));
    report.insert("ratios".into(), Value::Object(ratios));
    report.insert("orders_a_day".into(), json!(options.a_day));
    report.insert("file_mb".into(), groups.iter().map(|g| (g.size.to_string(), json!(g.mib))).collect());
    report.insert("core".into(), json!(cores.tills));
    Value::Object(report)
}

#[derive(Default)]
struct Times {
    create: Vec<Duration>,
    create_shared: Vec<Duration>,
    read: Vec<Duration>,
    day_total: Vec<Duration>,
}

/// A group that holds so many orders.
struct Filled {
    size: usize,
    groups: GroupSet,
    view: MerchantView,
    seller: Seller,
    some: Vec<OrderNumber>,
    times: Times,
    mib: f64,
}

impl Filled {
    async fn new(file: &Path, size: usize, a_day: usize) -> Result<Self, RigError> {
        let terminal = TerminalId::try_from(900).map_err(wrong)?;
        let mut seller = Seller::without_server(terminal, store()?.id)?;
        let sold = seller.sell()?;
        let tag = GroupTag::try_from(0).map_err(wrong)?;
        // Opened once by itself, so that the tables are the server's own.
        let made = open(file, tag).await?;
        create(&made, seller.sell()?).await?;
        made.close().await;
        let zone = store()?.zone;
        let until = SystemClock.now();
        let filling = Filling { sold: &sold, tag, a_day, until, zone: &zone };
        let some = fill(file, size, &filling)?;
        let copies = file.with_extension("view.db");
        open_view(&copies).await?.close().await;
        fill_view(&copies, size, &filling)?;
        let mib = std::fs::metadata(file).map_or(0, |data| data.len() >> 20);
        let mib = count(usize::try_from(mib).unwrap_or(0));
        let (groups, view) = (open(file, tag).await?, open_view(&copies).await?);
        Ok(Self { size, groups, view, seller, some, times: Times::default(), mib })
    }

    async fn measure(&mut self, round: usize, counts: bool) -> Result<(), RigError> {
        let sold = self.seller.sell()?;
        let create_took = timed(create(&self.groups, sold)).await?;
        // Steps over all of time, in no order that a cache could guess.
        let at = round.wrapping_mul(2_654_435_761) % self.some.len().max(1);
        let number = *self.some.get(at).ok_or_else(|| wrong("the group is empty"))?;
        let read_took = timed(read(&self.groups, number)).await?;
        if counts {
            self.times.create.push(create_took);
            self.times.read.push(read_took);
        }
        if round.is_multiple_of(10) {
            let shared = self.create_together().await?;
            let yesterday = self.groups.business_day(SystemClock.now()).previous();
            let total = timed(async {
                let page = self.view.page(yesterday, None).await.map_err(wrong)?;
                let orders: u64 = page.totals.tenders.iter().map(|tender| tender.orders).sum();
                if orders == 0 { Err(wrong("yesterday has no orders")) } else { Ok(()) }
            });
            let day_total_took = total.await?;
            if counts {
                self.times.create_shared.push(shared);
                self.times.day_total.push(day_total_took);
            }
        }
        Ok(())
    }

    /// What one of many costs that are created at the same time.
    async fn create_together(&mut self) -> Result<Duration, RigError> {
        let mut sold = Vec::new();
        for _ in 0..TOGETHER {
            sold.push(self.seller.sell()?);
        }
        let all = timed(async {
            let mut tasks = JoinSet::new();
            for one in sold {
                let groups = self.groups.clone();
                tasks.spawn(async move { create(&groups, one).await });
            }
            while let Some(done) = tasks.join_next().await {
                done.map_err(wrong)??;
            }
            Ok(())
        });
        Ok(all.await? / u32::try_from(TOGETHER).map_err(wrong)?)
    }
}

async fn timed(work: impl Future<Output = Result<(), RigError>>) -> Result<Duration, RigError> {
    let start = SystemClock.monotonic();
    work.await?;
    Ok(SystemClock.monotonic().saturating_sub(start))
}

async fn create(groups: &GroupSet, sold: Sold) -> Result<(), RigError> {
    let hash = sold.entry.hash();
    let entry = KeptEntry { place: sold.key, signed: sold.entry, hash };
    let sale = SaleOfTill { key: sold.key, sale: sold.sale, entry };
    groups.create_draft(sale, "request").await.map(drop).map_err(wrong)
}

async fn read(groups: &GroupSet, number: OrderNumber) -> Result<(), RigError> {
    let order: OrderDetail = groups.order(number).await.map_err(wrong)?;
    if order.summary.number == number { Ok(()) } else { Err(wrong("another order was read")) }
}

fn store() -> Result<StoreInfo, RigError> {
    Ok(StoreInfo {
        id: StoreId::try_from(1).map_err(wrong)?,
        name: "Growth".into(),
        address: Vec::new(),
        currency: Currency::CNY,
        zone: "Asia/Shanghai".parse().map_err(wrong)?,
        cut_off_minutes: 0,
    })
}

async fn open_view(file: &Path) -> Result<MerchantView, RigError> {
    let view =
        MerchantView::start(ViewPlace::Sqlite(file.to_owned()), Arc::new(SystemClock)).map_err(wrong)?;
    let today = business_day_of(SystemClock.now(), &store()?.zone, 0);
    for _ in 0..1_000 {
        if view.page(today, None).await.is_ok() {
            return Ok(view);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(wrong(format!("{} is not opened", file.display())))
}

async fn open(file: &Path, tag: GroupTag) -> Result<GroupSet, RigError> {
    let expected = Expected { base: "load".into(), group: None };
    let settings = GroupSettings {
        groups: vec![GroupPlace { tag, place: Place::Sqlite(file.to_owned()), expected }],
        limits: Limits { call_ms: 30_000, ..Limits::default() },
        store: store()?,
        server: "load".into(),
    };
    let groups = GroupSet::open(settings, Arc::new(SystemClock)).map_err(wrong)?;
    for _ in 0..1_000 {
        if !groups.identities().is_empty() {
            return Ok(groups);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(wrong(format!("{} is not opened", file.display())))
}
