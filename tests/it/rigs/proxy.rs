//! The line does what it says: it delays, drips, loses, cuts, and is good again.

use evertill_shared::clock::{Clock, SystemClock};
use evertill_tests::process::wait_until;
use evertill_tests::rig::proxy::{Line, Proxy, Way};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

/// A server that says everything back, and how many bytes came to it.
fn echo() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let came = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&came);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let counted = Arc::clone(&counted);
            std::thread::spawn(move || say_back(stream, &counted));
        }
    });
    (address, came)
}

fn say_back(mut stream: TcpStream, came: &AtomicUsize) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        came.fetch_add(count, Ordering::SeqCst);
        if stream.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}

fn client(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn said_back(stream: &mut TcpStream, text: &[u8]) -> std::io::Result<()> {
    stream.write_all(text)?;
    let mut answer = vec![0; text.len()];
    stream.read_exact(&mut answer)?;
    assert_eq!(answer, text);
    Ok(())
}

fn hears_nothing(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let silent = stream.read(&mut [0; 16]).unwrap_err().kind();
    assert!(matches!(silent, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{silent:?}");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
}

fn is_reset(stream: &mut TcpStream) {
    let error = stream.read(&mut [0; 16]).unwrap_err().kind();
    assert_eq!(error, ErrorKind::ConnectionReset);
}

#[test]
fn a_good_line_carries_all_bytes_and_the_end() {
    let (address, _) = echo();
    let proxy = Proxy::start(address).unwrap();
    let mut stream = client(&proxy);
    let sent: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let mut writer = stream.try_clone().unwrap();
    let all = sent.clone();
    let writing = std::thread::spawn(move || {
        writer.write_all(&all).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    writing.join().unwrap();
    assert!(back == sent, "{} of {} bytes came back the same", back.len(), sent.len());
    assert!(wait_until(PATIENCE, || proxy.open_connections() == 0), "the connection is counted to its end");
}

#[test]
fn a_delay_is_kept_each_way_and_costs_no_throughput() {
    let (address, _) = echo();
    let proxy = Proxy::start(address).unwrap();
    let mut stream = client(&proxy);
    let by = Duration::from_millis(150);
    proxy.delay(by);
    let start = SystemClock.monotonic();
    said_back(&mut stream, b"there and back").unwrap();
    let took = SystemClock.monotonic() - start;
    assert!(took >= 2 * by, "{took:?}");
    // Twenty messages a little apart, all under way at once: not twenty times the delay.
    let start = SystemClock.monotonic();
    for n in 0..20_u8 {
        stream.write_all(&[n]).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut back = [0; 20];
    stream.read_exact(&mut back).unwrap();
    let took = SystemClock.monotonic() - start;
    println!("20 messages over a line of 2 x {} ms: {} ms", by.as_millis(), took.as_millis());
    assert_eq!(back, std::array::from_fn::<u8, 20, _>(|n| u8::try_from(n).unwrap()), "in their order");
    proxy.pass();
    said_back(&mut stream, b"at once").unwrap();
}

#[test]
fn a_narrow_line_carries_no_more_than_its_width() {
    let (address, came) = echo();
    let proxy = Proxy::start(address).unwrap();
    let mut stream = client(&proxy);
    proxy.set_way(Way::ToServer, Line::Limit(40_000));
    let start = SystemClock.monotonic();
    said_back(&mut stream, &[7; 20_000]).unwrap();
    let took = SystemClock.monotonic() - start;
    println!("20,000 bytes at 40,000 a second: {} ms", took.as_millis());
    assert!(took >= Duration::from_millis(490), "{took:?}");
    assert_eq!(came.load(Ordering::SeqCst), 20_000);
}

#[test]
fn what_falls_into_the_black_hole_never_arrives() {
    let (address, came) = echo();
    let proxy = Proxy::start(address).unwrap();
    let mut old = client(&proxy);
    let mut idle = client(&proxy);
    said_back(&mut old, b"before").unwrap();
    said_back(&mut idle, b"before").unwrap();
    proxy.black_hole();
    old.write_all(b"lost").unwrap();
    let mut new = client(&proxy);
    new.write_all(b"lost too").unwrap();
    hears_nothing(&mut old);
    hears_nothing(&mut new);
    assert_eq!((came.load(Ordering::SeqCst), proxy.lost_bytes()), (12, 12));
    proxy.pass();
    is_reset(&mut old);
    is_reset(&mut new);
    said_back(&mut idle, b"after").unwrap();
    said_back(&mut client(&proxy), b"and anew").unwrap();
    assert_eq!(came.load(Ordering::SeqCst), 12 + 5 + 8, "what was lost did not come later");
}

#[test]
fn answers_can_be_lost_while_requests_arrive() {
    let (address, came) = echo();
    let proxy = Proxy::start(address).unwrap();
    let mut stream = client(&proxy);
    said_back(&mut stream, b"before").unwrap();
    proxy.set_way(Way::ToClient, Line::BlackHole);
    stream.write_all(b"request").unwrap();
    assert!(wait_until(PATIENCE, || came.load(Ordering::SeqCst) == 13), "the request arrives");
    hears_nothing(&mut stream);
    assert!(wait_until(PATIENCE, || proxy.lost_bytes() == 7));
    proxy.pass();
    is_reset(&mut stream);
}

#[test]
fn words_that_are_sent_make_the_line_a_black_hole_and_none_before_or_after_them() {
    let (address, came) = echo();
    let proxy = Proxy::start(address).unwrap();
    // To the client: the words arrive, and the answer to them does not.
    proxy.black_hole_at(b"COMMIT", Way::ToClient);
    let mut stream = client(&proxy);
    said_back(&mut stream, b"BEGIN").unwrap();
    assert!(!proxy.has_sprung());
    stream.write_all(b"and COMMIT;").unwrap();
    assert!(wait_until(PATIENCE, || came.load(Ordering::SeqCst) == 5 + 11), "the words arrive");
    hears_nothing(&mut stream);
    assert!(proxy.has_sprung());
    proxy.pass();
    is_reset(&mut stream);
    assert!(!proxy.has_sprung());
    said_back(&mut client(&proxy), b"COMMIT").unwrap();
    // To the server: the words do not arrive.
    proxy.black_hole_at(b"COMMIT", Way::ToServer);
    let mut stream = client(&proxy);
    stream.write_all(b"and COMMIT;").unwrap();
    assert!(wait_until(PATIENCE, || proxy.has_sprung()));
    hears_nothing(&mut stream);
    assert_eq!(came.load(Ordering::SeqCst), 5 + 11 + 6);
    proxy.pass();
    is_reset(&mut stream);
}

#[test]
fn a_reset_takes_the_open_connections_and_a_cut_the_new_ones() {
    let (address, _) = echo();
    let proxy = Proxy::start(address).unwrap();
    let mut first = client(&proxy);
    said_back(&mut first, b"first").unwrap();
    proxy.reset_all();
    is_reset(&mut first);
    let mut second = client(&proxy);
    said_back(&mut second, b"second").unwrap();
    proxy.cut_new();
    // A connection may be reset while it is made, or at its first word.
    let cut = TcpStream::connect(proxy.address()).and_then(|mut third| said_back(&mut third, b"third"));
    assert!(cut.is_err(), "a new connection was served");
    assert_eq!(proxy.cut_connections(), 1);
    said_back(&mut second, b"still there").unwrap();
    proxy.pass();
    said_back(&mut client(&proxy), b"fourth").unwrap();
}

#[test]
fn a_server_that_is_not_there_refuses_and_another_can_take_its_place() {
    let (gone, _) = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        (listener.local_addr().unwrap(), ())
    };
    let proxy = Proxy::start(gone).unwrap();
    is_reset(&mut client(&proxy));
    let (address, _) = echo();
    proxy.lead_to(address);
    said_back(&mut client(&proxy), b"here").unwrap();
}

#[tokio::test]
async fn a_line_can_be_opened_and_closed_in_async_code() {
    let (address, _) = echo();
    let proxy = Proxy::start(address).unwrap();
    let port = proxy.address();
    let served = tokio::task::spawn_blocking(move || said_back(&mut TcpStream::connect(port).unwrap(), b"x"));
    served.await.unwrap().unwrap();
    drop(proxy);
    let closed = || TcpStream::connect(port).is_err();
    assert!(wait_until(PATIENCE, closed), "the line is gone with its owner");
}
