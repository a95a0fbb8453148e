//! Two domains, and connections that are used again: what goes where, and what is certain.

use super::peer::{Bad, Front, Peer, bad, front, tls_front};
use super::*;
use axum::http::Version;
use evertill_server::channel::line::DomainHealth;

impl Rig {
    /// Pays sale `sequence`.
    async fn pay_nth(&self, sequence: u64) -> PayOutcome {
        let code = self.wallet.issue_code(Behaviour::Pays).unwrap();
        self.channel.pay(&charge_with(code, sequence)).await
    }

    /// What was charged under each number.
    fn charged(&self) -> Vec<(String, i64)> {
        let orders = self.wallet.orders().unwrap();
        orders.into_iter().map(|order| (order.number, order.charged_minor)).collect()
    }
}

fn first(domains: &[DomainHealth]) -> &DomainHealth {
    domains.iter().find(|domain| domain.is_first).unwrap()
}

/// A shop whose main address is this one, and whose spare one is the wallet.
async fn shop_with(main: &Peer) -> Rig {
    rig_with(Mode::Key, |settings| settings.endpoints.insert(0, main.url.clone())).await
}

/// A shop with nothing but this in front of the wallet.
async fn shop_behind(how: Front, keep_alive_ms: u64) -> (Rig, Peer) {
    let mut rig = rig_with(Mode::Key, |_| ()).await;
    let peer = front(how, rig.wallet.addresses().gateway).await;
    let mut settings = settings(&rig.wallet, Mode::Key);
    (settings.endpoints, settings.keep_alive_ms) = (vec![peer.url.clone()], keep_alive_ms);
    rig.channel = channel(&settings);
    (rig, peer)
}

#[tokio::test]
async fn a_bad_main_domain_costs_one_payment_at_most_and_none_is_ever_sent_twice() {
    for how in Bad::ALL {
        let main = bad(how).await;
        let rig = shop_with(&main).await;
        let outcome = rig.pay_nth(1).await;
        if how.is_never_reached() {
            assert!(is_success(&outcome), "{how:?}: surely not sent there, so the other one takes it");
        } else {
            assert_eq!(outcome, PayOutcome::Unknown, "{how:?}");
            assert_eq!(rig.charged(), [], "{how:?}: not sent to the other one");
            assert_eq!(rig.query().await, QueryOutcome::NoSuchOrder, "{how:?}: questions find their way");
        }
        assert!(is_success(&rig.pay_nth(2).await), "{how:?}: the race has shown who is alive");
        let query = rig.channel.query(&number(2), cny(1234)).await;
        assert!(is_paid(&query), "{how:?}: {query:?}");
        assert!(main.pays() <= 1, "{how:?}");
        assert!(rig.charged().iter().all(|(_, charged)| *charged == 1234), "{how:?}");
        let domains = rig.channel.domains();
        assert!(domains[0].trouble.is_some() && !domains[0].is_first, "{how:?}: {domains:?}");
        assert!(first(&domains).delay.is_some(), "{how:?}: {domains:?}");
    }
}

#[tokio::test]
async fn when_both_domains_are_dead_nothing_is_sent_and_their_return_is_noticed() {
    let (main, spare) = (bad(Bad::Dead).await, bad(Bad::Dead).await);
    let mut rig = rig_with(Mode::Key, |settings| {
        settings.endpoints = vec![main.url.clone(), spare.url.clone()];
    })
    .await;
    for sequence in 1..=20 {
        let unreachable = PayOutcome::Refused(DeclineReason::ChannelUnreachable);
        assert_eq!(rig.pay_nth(sequence).await, unreachable);
    }
    assert!(rig.channel.domains().iter().all(|domain| !domain.is_healthy && domain.trouble.is_some()));
    // The wallet moves to where the spare address leads; nothing is started anew at our side.
    let listen = spare.url.strip_prefix("http://").unwrap().parse().unwrap();
    let (folder, config) =
        (rig.folder.path().to_owned(), SimulatorConfig { listen, ..SimulatorConfig::default() });
    rig.wallet = Simulator::start(&folder, config).await.unwrap();
    assert!(is_success(&rig.pay_nth(21).await));
    assert_eq!(rig.charged(), [(number(21).as_str().to_owned(), 1234)]);
}

#[tokio::test]
async fn payments_share_a_connection_that_served_a_moment_ago() {
    for (keep_alive_ms, connections) in [(4_000, 1), (0, 10)] {
        let (rig, peer) = shop_behind(Front::Good, keep_alive_ms).await;
        for sequence in 1..=10 {
            assert!(is_success(&rig.pay_nth(sequence).await));
        }
        assert_eq!((peer.connections(), peer.pays()), (connections, 10), "{keep_alive_ms} ms");
    }
}

#[tokio::test]
async fn a_connection_that_rested_for_too_long_carries_no_payment() {
    let (rig, peer) = shop_behind(Front::Good, 50).await;
    for sequence in 1..=3 {
        assert!(is_success(&rig.pay_nth(sequence).await));
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
    assert_eq!(peer.connections(), 3);
}

#[tokio::test]
async fn a_peer_that_ends_connections_after_each_answer_costs_no_payment() {
    let (rig, peer) = shop_behind(Front::EndsAfterAnswer, 4_000).await;
    for sequence in 1..=20 {
        assert!(is_success(&rig.pay_nth(sequence).await), "{sequence}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((peer.connections(), peer.pays()), (20, 20));
}

#[tokio::test]
async fn a_payment_lost_with_its_connection_is_unknown_never_repeated_and_the_last_one_to_be_lost_so() {
    let (rig, peer) = shop_behind(Front::BreaksOnSecond, 4_000).await;
    assert!(is_success(&rig.pay_nth(1).await));
    assert_eq!(rig.pay_nth(2).await, PayOutcome::Unknown);
    assert_eq!((peer.connections(), peer.pays()), (1, 2), "nothing was sent again");
    for sequence in 3..=6 {
        assert!(is_success(&rig.pay_nth(sequence).await), "over a connection of its own");
    }
    assert_eq!((peer.connections(), peer.pays()), (5, 6));
    // Each question but the first finds its connection used up, and is asked again over a new one.
    for _ in 0..3 {
        assert!(is_paid(&rig.channel.query(&number(3), cny(1234)).await));
    }
    assert_eq!(rig.charged().len(), 5);
}

#[tokio::test]
async fn questions_share_a_connection_of_http_2_and_payments_have_theirs_to_themselves() {
    let mut rig = rig_with(Mode::Key, |_| ()).await;
    let front = tls_front(rig.wallet.addresses().gateway, rig.folder.path()).await;
    let mut settings = settings(&rig.wallet, Mode::Key);
    (settings.endpoints, settings.ca_certificate) =
        (vec![front.url.clone()], Some(front.certificate.clone()));
    rig.channel = channel(&settings);
    assert!(is_success(&rig.pay_nth(1).await));
    assert!(is_paid(&rig.query().await));
    assert_eq!(rig.reverse().await, ReverseOutcome::Reversed);
    let seen = front.seen.lock().unwrap();
    let by = |version| seen.iter().filter(move |(by, _)| *by == version).map(|(_, method)| method.as_str());
    assert!(by(Version::HTTP_2).all(|method| method == "alipay.trade.query"));
    assert!(by(Version::HTTP_2).count() > 0);
    assert!(by(Version::HTTP_11).all(|method| ["alipay.trade.pay", "alipay.trade.cancel"].contains(&method)));
}

/// Prints what a kept connection saves a payment over TLS: a figure, not a proof.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_kept_connection_saves() {
    const PAYMENTS: u64 = 60;
    let mut rig = rig_with(Mode::Key, |_| ()).await;
    let front = tls_front(rig.wallet.addresses().gateway, rig.folder.path()).await;
    let mut sequence = 0;
    for (word, keep_alive_ms) in [("new", 0), ("kept", 4_000)] {
        let mut settings = settings(&rig.wallet, Mode::Key);
        (settings.endpoints, settings.ca_certificate) =
            (vec![front.url.clone()], Some(front.certificate.clone()));
        settings.keep_alive_ms = keep_alive_ms;
        rig.channel = channel(&settings);
        let mut times = Vec::new();
        for _ in 0..PAYMENTS {
            sequence += 1;
            let start = SystemClock.monotonic();
            assert!(is_success(&rig.pay_nth(sequence).await));
            times.push(SystemClock.monotonic().saturating_sub(start));
        }
        times.sort();
        let (p50, p90) = (times[times.len() / 2], times[times.len() * 9 / 10]);
        println!("a payment over TLS, {word} connections: p50 {p50:?}, p90 {p90:?}");
    }
}
