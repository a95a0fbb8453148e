//! A network line between a client and a server that can be made bad while it is in use: slow, narrow, silent, cut.

mod line;

use super::Failure;
use super::ports;
use line::Counts;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// One of the two ways of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// What happens to what is sent one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// It arrives.
    Pass,
    /// It arrives that much later; as much arrives in a second as before.
    Delay(Duration),
    /// Each connection carries this many bytes a second and no more.
    Limit(u32),
    /// It is lost without a word. A connection that has lost something never carries anything again: it hangs, and is
    /// reset when the line changes, since a stream with a hole in it is what no network delivers.
    BlackHole,
}

/// How the line is at the moment.
#[derive(Clone, Copy, Debug)]
struct State {
    target: SocketAddr,
    to_server: Line,
    to_client: Line,
    takes_new: bool,
    /// Counts up: a connection born under a smaller number is reset.
    resets: u64,
    /// As soon as these words are sent to the server, on any connection, that way is a black hole.
    trap: Option<(&'static [u8], Way)>,
}

impl State {
    fn line(&self, way: Way) -> Line {
        match way {
            Way::ToServer => self.to_server,
            Way::ToClient => self.to_client,
        }
    }
}

/// A line in front of an address. Dropping it ends all its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    counts: Arc<Counts>,
    runtime: Option<Runtime>,
}

impl Proxy {
    /// Opens a line to `target` on a free port of loopback. It runs on a thread of its own.
    /// # Errors
    /// There is no port or no thread to have.
    pub fn start(target: SocketAddr) -> Result<Self, Failure> {
        let no = |error: std::io::Error| Failure::Machine(format!("a proxy cannot be started: {error}"));
        let address = ports::loopback(ports::free()?);
        let listener = std::net::TcpListener::bind(address).map_err(no)?;
        listener.set_nonblocking(true).map_err(no)?;
        let first = State {
            target,
            to_server: Line::Pass,
            to_client: Line::Pass,
            takes_new: true,
            resets: 0,
            trap: None,
        };
        let state = watch::Sender::new(first);
        let counts = Arc::<Counts>::default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("proxy")
            .enable_all()
            .build()
            .map_err(no)?;
        let inside = runtime.enter();
        let listener = TcpListener::from_std(listener).map_err(no)?;
        drop(inside);
        runtime.spawn(line::accept(listener, state.clone(), Arc::clone(&counts)));
        Ok(Self { address, state, counts, runtime: Some(runtime) })
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A good line again, both ways, for old connections and new ones; no words change it any more.
    pub fn pass(&self) {
        self.change(|state| {
            state.to_server = Line::Pass;
            state.to_client = Line::Pass;
            state.takes_new = true;
            state.trap = None;
        });
    }

    /// As soon as these words are sent to the server in one piece, on any connection, everything that goes that way is
    /// lost: to the server, the words themselves and all after them; to the client, the answer to them.
    pub fn black_hole_at(&self, words: &'static [u8], way: Way) {
        self.change(|state| state.trap = Some((words, way)));
    }

    /// Whether such words were sent.
    #[must_use]
    pub fn has_sprung(&self) -> bool {
        let state = self.state.borrow();
        state.trap.is_none() && [state.to_server, state.to_client].contains(&Line::BlackHole)
    }

    /// Makes both ways alike.
    pub fn set(&self, line: Line) {
        self.change(|state| {
            state.to_server = line;
            state.to_client = line;
        });
    }

    /// Makes one way so: for example, requests arrive and answers are lost.
    pub fn set_way(&self, way: Way, line: Line) {
        self.change(|state| match way {
            Way::ToServer => state.to_server = line,
            Way::ToClient => state.to_client = line,
        });
    }

    /// Everything comes this much later, each way.
    pub fn delay(&self, by: Duration) {
        self.set(Line::Delay(by));
    }

    /// Everything is lost without a word.
    pub fn black_hole(&self) {
        self.set(Line::BlackHole);
    }

    /// Resets all connections that are open. New ones are as before.
    pub fn reset_all(&self) {
        self.change(|state| state.resets += 1);
    }

    /// Resets each new connection, and leaves the open ones alone, until [`Proxy::pass`].
    pub fn cut_new(&self) {
        self.change(|state| state.takes_new = false);
    }

    /// New connections go to another server.
    pub fn lead_to(&self, target: SocketAddr) {
        self.change(|state| state.target = target);
    }

    fn change(&self, how: impl FnOnce(&mut State)) {
        self.state.send_modify(how);
    }

    /// How many connections are open.
    #[must_use]
    pub fn open_connections(&self) -> u64 {
        self.counts.open.load(Ordering::SeqCst)
    }

    /// How many connections were cut as they came.
    #[must_use]
    pub fn cut_connections(&self) -> u64 {
        self.counts.cut.load(Ordering::SeqCst)
    }

    /// How many bytes were lost.
    #[must_use]
    pub fn lost_bytes(&self) -> u64 {
        self.counts.lost.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // In the background, so that a proxy may be dropped in async code too.
            runtime.shutdown_background();
        }
    }
}
