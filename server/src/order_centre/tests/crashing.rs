use super::wallet::{Line, Standing};
use super::*;
use crate::order_group::testing::{ManualClock, Till, open};
use evertill_shared::order::OrderState;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// What outlives a server process: its disk, its wallet, the tills, time.
struct World {
    folder: Arc<TempDir>,
    clock: Arc<ManualClock>,
    wechat: Arc<ScriptedWallet>,
}

/// A server process. Dropping it is a crash: nothing that is under way is finished.
struct Process {
    runtime: Option<Runtime>,
    shop: Shop,
}

impl World {
    fn new() -> Self {
        Self {
            folder: Arc::new(tempfile::tempdir().unwrap()),
            clock: ManualClock::new(),
            wechat: ScriptedWallet::new(Wallet::WeChatPay),
        }
    }

    fn start(&self) -> Process {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let groups = open(&self.folder, 1, &self.clock);
        let rig = Rig {
            folder: Arc::clone(&self.folder),
            clock: Arc::clone(&self.clock),
            groups,
            till: Till::new(1),
        };
        let centre = centre(rig.groups.clone(), &[&self.wechat], &rig);
        let wechat = Arc::clone(&self.wechat);
        Process { runtime: Some(runtime), shop: Shop { rig, wechat, centre } }
    }
}

impl Process {
    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.as_ref().unwrap().block_on(work)
    }

    fn crash(mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

#[test]
fn a_crash_between_the_wallets_success_and_our_record_ends_in_paid() {
    let world = World::new();
    world.wechat.books().pay = Line::Hangs; // charged, and the answer never reaches us
    let first = world.start();
    let sold = first.run(first.shop.order(900));
    let view = first.run(first.shop.pay(&sold, 1, "code-1")).unwrap();
    assert_eq!(view.state, PaymentState::Sent);
    first.crash();
    let second = world.start();
    second.run(second.shop.pass(seconds(60)));
    assert_eq!(second.run(second.shop.state(&sold, 1)), PaymentState::Paid);
    let order = second.run(second.shop.rig.groups.order(sold.number)).unwrap();
    assert_eq!((order.summary.state, world.wechat.books().net()), (OrderState::Paid, 900));
    assert_eq!(world.wechat.books().pay_calls.len(), 1);
}

#[test]
fn a_crash_between_the_intent_and_the_call_ends_in_reversed_and_no_charge() {
    let world = World::new();
    let first = world.start();
    let sold = first.run(first.shop.order(900));
    // The intent alone, as if the process had died before it called.
    let request = first.shop.request(&sold, 1, "code-1");
    let intent =
        first.shop.centre.intent(1, Wallet::WeChatPay, request.channel_number.clone(), request.amount);
    let payment = NewPayment {
        adoption: request.adoption.clone(),
        requested: request.requested.clone(),
        cash_part: None,
        intent,
        lease: first.shop.centre.lease(),
        guard: guard(),
    };
    assert!(first.run(first.shop.rig.groups.start_payment(payment)).unwrap().fresh);
    first.crash();
    let second = world.start();
    // The till asks the same again, with the code that it still holds: it is only looked at.
    let again = NewCharge { guard: guard(), ..request };
    assert_eq!(second.run(second.shop.centre.start(again)).unwrap().state, PaymentState::Sent);
    second.run(second.shop.pass(seconds(200)));
    assert_eq!(second.run(second.shop.state(&sold, 1)), PaymentState::Reversed);
    assert!(world.wechat.books().pay_calls.is_empty());
    // Attempt 2 may start now, and is charged once.
    second.shop.rig.till.put_back_to(100);
    let view = second.run(second.shop.pay(&sold, 2, "code-2")).unwrap();
    assert_eq!((view.state, world.wechat.books().net()), (PaymentState::Paid, 900));
}

#[test]
fn a_crash_before_the_intent_leaves_nothing_and_after_the_record_changes_nothing() {
    let world = World::new();
    let first = world.start();
    let sold = first.run(first.shop.order(900));
    first.crash();
    let second = world.start();
    assert!(second.run(second.shop.rig.groups.payment(sold.number, 1)).is_err());
    second.shop.rig.till.put_back_to(100);
    assert_eq!(second.run(second.shop.pay(&sold, 1, "code-1")).unwrap().state, PaymentState::Paid);
    second.crash();
    let third = world.start();
    third.run(third.shop.pass(seconds(60)));
    assert_eq!(third.run(third.shop.state(&sold, 1)), PaymentState::Paid);
    let books = world.wechat.books();
    assert_eq!((books.pay_calls.len(), books.queries), (1, 0));
}

#[test]
fn a_crash_while_a_refund_is_under_way_gives_the_money_back_once() {
    let world = World::new();
    let first = world.start();
    let sold = first.run(first.shop.order(900));
    first.run(first.shop.pay(&sold, 1, "code-1")).unwrap();
    let asked = first.run(first.shop.asked(&sold, 300, "request-1"));
    world.wechat.books().refund = Line::Hangs; // done there, and the answer never comes
    first.run(super::refunding::carry_out(&first.shop, &asked)).unwrap();
    first.crash();
    world.wechat.books().refund = Line::Good;
    let second = world.start();
    second.run(second.shop.pass(seconds(60)));
    let order = second.run(second.shop.rig.groups.order(sold.number)).unwrap();
    assert_eq!(order.summary.refunds[0].state, evertill_shared::refund::RefundState::Done);
    let books = world.wechat.books();
    assert_eq!((books.net(), books.refund_calls), (600, 1));
}

#[test]
fn two_servers_do_not_ask_about_one_payment_at_the_same_time() {
    let world = World::new();
    let (first, second) = (world.start(), world.start());
    let sold = first.run(first.shop.order(900));
    world.wechat.books().pay = Line::LosesAnswer;
    first.run(first.shop.pay(&sold, 1, "code-1")).unwrap();
    world.wechat.books().query = Line::Hangs;
    world.clock.advance(seconds(6));
    let sweep = |process: &Process| {
        process.run(async {
            drop(process.shop.centre.sweep(tag(0)).await.unwrap());
            tokio::time::sleep(Duration::from_millis(150)).await;
        });
    };
    sweep(&first);
    sweep(&second);
    sweep(&first);
    assert_eq!(world.wechat.books().queries, 1, "the other one's lease lives");
    first.crash();
    world.wechat.books().query = Line::Good;
    world.clock.advance(seconds(11));
    sweep(&second);
    assert_eq!(second.run(second.shop.state(&sold, 1)), PaymentState::Paid);
}

#[test]
fn an_answer_that_cannot_be_written_down_at_once_is_not_lost() {
    let world = World::new();
    let process = world.start();
    let sold = process.run(process.shop.order(900));
    world.wechat.books().query = Line::LosesRequest; // asking again would not help
    let file = process.shop.rig.file(0);
    let holder: Arc<std::sync::Mutex<Option<rusqlite::Connection>>> = Arc::default();
    let hold = Arc::clone(&holder);
    world.wechat.look(move |_| {
        // Another process takes the file just when the wallet is called.
        let connection = rusqlite::Connection::open(&file).unwrap();
        connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
        *hold.lock().unwrap() = Some(connection);
    });
    let view = process.run(process.shop.pay(&sold, 1, "code-1")).unwrap();
    assert_eq!(view.state, PaymentState::Sent);
    std::thread::sleep(Duration::from_millis(1_200));
    drop(holder.lock().unwrap().take());
    let paid = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        process.run(process.shop.state(&sold, 1)) == PaymentState::Paid
    });
    assert!(paid, "the wallet's word was dropped");
    assert!(world.wechat.books().payments.values().all(|(standing, _)| *standing == Standing::Paid));
}

#[tokio::test]
async fn a_server_that_stops_waits_for_the_money_that_is_under_way() {
    let shop = Shop::new();
    let sold = shop.order(700).await;
    shop.wechat.books().pay = Line::OnItsWay;
    let (centre, request) = (shop.centre.clone(), shop.request(&sold, 1, "code-1"));
    // The till has hung up: nobody waits for the charge any more.
    tokio::time::timeout(Duration::from_millis(100), centre.start(request)).await.ok();
    let stopping = tokio::spawn(async move { centre.finished(seconds(30)).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!stopping.is_finished());
    shop.wechat.through.notify_one();
    stopping.await.unwrap();
    assert_eq!(
        shop.state(&sold, 1).await,
        PaymentState::Paid,
        "it is written down when the groups are closed"
    );
    // One that hangs is waited for no longer than that.
    let next = shop.order(700).await;
    shop.wechat.books().pay = Line::Hangs;
    shop.pay(&next, 1, "code-2").await.unwrap();
    shop.centre.finished(Duration::from_millis(50)).await;
}
