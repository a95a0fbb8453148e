use super::*;
use evertill_shared::clock::SystemClock;

type Says = [fn() -> Posting; 2];

const DEAD: fn() -> Posting = dead;
const BROKEN: fn() -> Posting = broken;
const HANGS: fn() -> Posting = hangs;
const WELL: fn() -> Posting = well;

/// What either address says to what is asked and to races, and what came to which.
struct Scripted {
    says: Says,
    races: Says,
    seen: Mutex<Vec<(String, Vec<u8>, Over)>>,
}

impl Wire for Scripted {
    fn send(&self, request: Request) -> Posting {
        let at = usize::from(request.url.starts_with("https://b"));
        if request.method == Method::Get {
            assert!(request.url.ends_with('/') && request.body.is_empty(), "a race is harmless");
            return self.races[at]();
        }
        self.seen.lock().unwrap().push((request.url, request.body, request.over));
        self.says[at]()
    }
}

fn say(exchange: Exchange) -> Posting {
    Box::pin(async move { exchange })
}

fn dead() -> Posting {
    say(Exchange::NotSent("refused".into()))
}

fn broken() -> Posting {
    say(Exchange::NoAnswer("reset".into()))
}

fn hangs() -> Posting {
    Box::pin(std::future::pending())
}

fn well() -> Posting {
    say(Exchange::Answered(Reply { status: 200, headers: Vec::new(), body: b"yes".to_vec() }))
}

struct Rig {
    wire: Arc<Scripted>,
    line: Line,
}

fn rig(says: Says, races: Says) -> Rig {
    let wire = Arc::new(Scripted { says, races, seen: Mutex::default() });
    let addresses = ["https://a/", "https://b", "https://a"].map(str::to_owned);
    let line = Line::new(&addresses, Arc::clone(&wire) as Arc<dyn Wire>, Arc::new(SystemClock)).unwrap();
    Rig { wire, line }
}

impl Rig {
    /// What comes of it, and how often each address was called for it.
    async fn send(&self, sending: Sending) -> (Exchange, [usize; 2]) {
        let exchange = self.line.send("/pay", sending, Duration::from_millis(400)).await;
        let seen = std::mem::take(&mut *self.wire.seen.lock().unwrap());
        assert!(seen.iter().all(|(_, body, _)| body == &seen[0].1), "the same bytes to each");
        let count = |url| seen.iter().filter(|(seen, ..)| seen == url).count();
        (exchange, [count("https://a/pay"), count("https://b/pay")])
    }

    async fn first(&self) -> String {
        // A race runs in tasks of its own.
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.line.health("open").into_iter().find(|domain| domain.is_first).unwrap().domain
    }
}

fn pay() -> Sending {
    Sending::post("text/xml", "pay")
}

fn ask() -> Sending {
    Sending::post("text/xml", "ask").harmless()
}

#[tokio::test]
async fn what_moves_money_goes_to_the_other_address_only_if_surely_nothing_was_sent() {
    let races: Says = [WELL, WELL];
    let (exchange, calls) = rig([DEAD, WELL], races).send(pay()).await;
    assert!(matches!(exchange, Exchange::Answered(reply) if reply.body == b"yes"));
    assert_eq!(calls, [1, 1]);
    assert!(matches!(rig([BROKEN, WELL], races).send(pay()).await, (Exchange::NoAnswer(_), [1, 0])));
    assert!(matches!(rig([HANGS, WELL], races).send(pay()).await, (Exchange::NoAnswer(_), [1, 0])));
    assert!(matches!(rig([DEAD, DEAD], races).send(pay()).await, (Exchange::NotSent(_), [1, 1])));
    assert!(matches!(rig([DEAD, BROKEN], races).send(pay()).await, (Exchange::NoAnswer(_), [1, 1])));
}

#[tokio::test]
async fn a_question_goes_to_the_other_address_whatever_happened_while_there_is_time() {
    let races: Says = [WELL, WELL];
    assert!(matches!(rig([BROKEN, WELL], races).send(ask()).await, (Exchange::Answered(_), [1, 1])));
    assert!(matches!(rig([HANGS, WELL], races).send(ask()).await, (Exchange::Answered(_), [1, 1])));
    assert!(matches!(rig([BROKEN, DEAD], races).send(ask()).await, (Exchange::NoAnswer(_), [1, 1])));
    assert!(matches!(rig([DEAD, BROKEN], races).send(ask()).await, (Exchange::NoAnswer(_), [1, 1])));
    assert!(matches!(rig([DEAD, DEAD], races).send(ask()).await, (Exchange::NotSent(_), [1, 1])));
}

#[tokio::test]
async fn a_question_to_an_address_that_is_only_slow_is_answered_all_the_same() {
    fn slow() -> Posting {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            well().await
        })
    }
    const SLOW: fn() -> Posting = slow;
    for others in [HANGS, DEAD, BROKEN] {
        let answered = rig([SLOW, others], [WELL, DEAD]).send(ask()).await;
        assert!(matches!(answered, (Exchange::Answered(_), [1, 1])), "{answered:?}");
    }
}

#[tokio::test]
async fn an_address_that_loses_the_race_or_hangs_in_it_is_not_called_first() {
    for (races, first) in
        [([WELL, WELL], "a"), ([DEAD, WELL], "b"), ([HANGS, WELL], "b"), ([DEAD, DEAD], "a")]
    {
        let rig = rig([WELL, WELL], races);
        rig.send(ask()).await;
        assert_eq!(rig.first().await, first);
        let calls = if first == "a" { [1, 0] } else { [0, 1] };
        assert_eq!(rig.send(pay()).await.1, calls);
    }
}

#[tokio::test]
async fn after_a_payment_in_doubt_the_addresses_are_raced_again_and_the_next_one_goes_to_the_living() {
    let rig = rig([BROKEN, WELL], [DEAD, WELL]);
    // Until the race is over, the main one is called.
    assert!(matches!(rig.send(pay()).await, (Exchange::NoAnswer(_), [1, 0])));
    assert_eq!(rig.first().await, "b");
    assert!(matches!(rig.send(pay()).await, (Exchange::Answered(_), [0, 1])));
    let health = rig.line.health("open");
    assert_eq!(health.len(), 2, "an address that is written twice is one");
    assert!(health[0].trouble.is_some() && health[0].delay.is_none());
    assert!(health[1].trouble.is_none() && health[1].delay.is_some() && health[1].is_healthy);
}

#[tokio::test]
async fn after_a_connection_broke_money_goes_over_new_ones() {
    let rig = rig([BROKEN, DEAD], [WELL, DEAD]);
    let over = |rig: &Rig| rig.wire.seen.lock().unwrap().last().map(|(_, _, over)| *over);
    for expected in [Over::Recent, Over::New] {
        rig.line.send("/pay", pay(), Duration::from_millis(400)).await;
        assert_eq!(over(&rig), Some(expected));
    }
    let rig = self::rig([BROKEN, DEAD], [WELL, DEAD]);
    rig.line.send("/ask", ask(), Duration::from_millis(400)).await;
    rig.line.send("/pay", pay(), Duration::from_millis(400)).await;
    assert_eq!(over(&rig), Some(Over::Recent), "a question may have waited for too long on its own");
}

#[tokio::test]
async fn a_question_to_the_only_address_is_asked_once_more_over_a_new_connection() {
    let wire = Scripted { says: [BROKEN, DEAD], races: [DEAD, DEAD], seen: Mutex::default() };
    let wire = Arc::new(wire);
    let line =
        Line::new(&["https://a".to_owned()], Arc::clone(&wire) as Arc<dyn Wire>, Arc::new(SystemClock));
    let exchange = line.unwrap().send("/ask", ask(), Duration::from_millis(400)).await;
    assert!(matches!(exchange, Exchange::NoAnswer(_)));
    let over: Vec<Over> = wire.seen.lock().unwrap().iter().map(|(.., over)| *over).collect();
    assert_eq!(over, [Over::Kept, Over::New]);
}

#[tokio::test]
async fn whoever_knocks_hears_whether_any_address_can_be_had_and_why_not() {
    assert_eq!(rig([WELL, WELL], [WELL, WELL]).line.knock().await, Ok(()));
    assert_eq!(rig([WELL, WELL], [DEAD, WELL]).line.knock().await, Ok(()), "one is enough");
    let it = rig([WELL, WELL], [BROKEN, DEAD]);
    let why = it.line.knock().await.unwrap_err();
    assert!(why.contains("reset") || why.contains("refused"), "{why}");
    assert!(it.wire.seen.lock().unwrap().is_empty(), "nothing but what is harmless was sent");
    // It counts as a race: the one that answered is called first.
    let it = rig([WELL, WELL], [DEAD, WELL]);
    it.line.knock().await.unwrap();
    assert_eq!(it.first().await, "b");
    assert_eq!(it.line.health("open").iter().filter(|domain| domain.delay.is_some()).count(), 1);
}
