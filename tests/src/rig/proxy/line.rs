//! The connections of a proxy: each carries two ways, each way through a queue of pieces with the time they are due.

use super::{Line, State, Way};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// How much is read at once, in bytes.
const PIECE: usize = 16 * 1024;
/// How many pieces may be under way one way: what a line with delay holds.
const UNDER_WAY: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) open: AtomicU64,
    pub(super) cut: AtomicU64,
    pub(super) lost: AtomicU64,
}

/// The connection cannot go on and is reset.
struct Broken;

struct Piece {
    due: Instant,
    bytes: Vec<u8>,
}

/// One way of one connection.
struct Carrier {
    way: Way,
    state: watch::Sender<State>,
    counts: Arc<Counts>,
}

/// Counts a connection as open for as long as it lives.
struct Open(Arc<Counts>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(super) async fn accept(listener: TcpListener, state: watch::Sender<State>, counts: Arc<Counts>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        if state.borrow().takes_new {
            counts.open.fetch_add(1, Ordering::SeqCst);
            let open = Open(Arc::clone(&counts));
            tokio::spawn(serve(client, state.clone(), open));
        } else {
            counts.cut.fetch_add(1, Ordering::SeqCst);
            let _ = client.set_zero_linger();
        }
    }
}

async fn serve(mut client: TcpStream, state: watch::Sender<State>, open: Open) {
    let born = state.borrow().resets;
    let counts = &open.0;
    let outcome = tokio::select! {
        outcome = connect_and_carry(&mut client, &state, counts) => outcome,
        () = reset_asked(state.subscribe(), born) => Err(Broken),
    };
    if outcome.is_err() {
        let _ = client.set_zero_linger();
    }
}

async fn connect_and_carry(
    client: &mut TcpStream,
    state: &watch::Sender<State>,
    counts: &Arc<Counts>,
) -> Result<(), Broken> {
    let _ = client.set_nodelay(true);
    let now = *state.borrow();
    let carrier = |way| Carrier { way, state: state.clone(), counts: Arc::clone(counts) };
    let lost = [Way::ToServer, Way::ToClient].into_iter().find(|way| now.line(*way) == Line::BlackHole);
    if let Some(way) = lost {
        // Its first packet, or the answer to it, would have been lost: it never came to the server.
        return carrier(way).lose(&mut client.split().0).await;
    }
    let mut server = TcpStream::connect(now.target).await.map_err(|_| Broken)?;
    let _ = server.set_nodelay(true);
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let up = carrier(Way::ToServer);
    let down = carrier(Way::ToClient);
    let outcome = tokio::try_join!(up.carry(from_client, to_server), down.carry(from_server, to_client));
    if outcome.is_err() {
        let _ = server.set_zero_linger();
    }
    outcome.map(drop)
}

async fn reset_asked(mut state: watch::Receiver<State>, born: u64) {
    if state.wait_for(|state| state.resets > born).await.is_err() {
        std::future::pending::<()>().await;
    }
}

impl Carrier {
    fn line(&self) -> Line {
        self.state.borrow().line(self.way)
    }

    /// Changes the line if these are the words that do; before they are carried on, so that no answer is quicker.
    fn spring(&self, sent: &[u8]) {
        let springs = |state: &State| {
            state.trap.filter(|(words, _)| sent.windows(words.len().max(1)).any(|part| part == *words))
        };
        if self.way == Way::ToClient || springs(&self.state.borrow()).is_none() {
            return;
        }
        self.state.send_if_modified(|state| {
            let Some((_, way)) = springs(state) else { return false };
            match way {
                Way::ToServer => state.to_server = Line::BlackHole,
                Way::ToClient => state.to_client = Line::BlackHole,
            }
            state.trap = None;
            true
        });
    }

    async fn carry(self, from: ReadHalf<'_>, to: WriteHalf<'_>) -> Result<(), Broken> {
        let (queue, under_way) = mpsc::channel(UNDER_WAY);
        tokio::try_join!(self.take(from, queue), self.deliver(under_way, to)).map(drop)
    }

    async fn take(&self, mut from: ReadHalf<'_>, queue: mpsc::Sender<Piece>) -> Result<(), Broken> {
        let mut buffer = vec![0; PIECE];
        loop {
            let room = match self.line() {
                // Small pieces, so that a narrow line drips rather than gushes.
                Line::Limit(rate) => usize::try_from(rate / 20).unwrap_or(PIECE).clamp(1, PIECE),
                _ => PIECE,
            };
            let count = from.read(&mut buffer[..room]).await.map_err(|_| Broken)?;
            self.spring(&buffer[..count]);
            let line = self.line();
            if line == Line::BlackHole {
                self.count_lost(count);
                return self.lose(&mut from).await;
            }
            if count == 0 {
                return Ok(());
            }
            let due = match line {
                Line::Delay(by) => Instant::now() + by,
                Line::Limit(rate) => {
                    let until = Instant::now() + time_of(count, rate);
                    sleep_until(until).await;
                    until
                }
                Line::Pass | Line::BlackHole => Instant::now(),
            };
            queue.send(Piece { due, bytes: buffer[..count].to_vec() }).await.map_err(|_| Broken)?;
        }
    }

    async fn deliver(
        &self,
        mut under_way: mpsc::Receiver<Piece>,
        mut to: WriteHalf<'_>,
    ) -> Result<(), Broken> {
        while let Some(piece) = under_way.recv().await {
            sleep_until(piece.due).await;
            if self.line() == Line::BlackHole {
                self.count_lost(piece.bytes.len());
                return self.hang().await;
            }
            to.write_all(&piece.bytes).await.map_err(|_| Broken)?;
        }
        to.shutdown().await.map_err(|_| Broken)
    }

    /// Loses all that comes until the line changes; then the connection is of no use any more.
    async fn lose(&self, from: &mut ReadHalf<'_>) -> Result<(), Broken> {
        let mut buffer = vec![0; PIECE];
        let swallow = async {
            while let Ok(count @ 1..) = from.read(&mut buffer).await {
                self.count_lost(count);
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = swallow => Err(Broken),
            outcome = self.hang() => outcome,
        }
    }

    async fn hang(&self) -> Result<(), Broken> {
        let mut state = self.state.subscribe();
        let _ = state.wait_for(|state| state.line(self.way) != Line::BlackHole).await;
        Err(Broken)
    }

    fn count_lost(&self, bytes: usize) {
        self.counts.lost.fetch_add(bytes as u64, Ordering::SeqCst);
    }
}

fn time_of(bytes: usize, bytes_per_second: u32) -> Duration {
    let micros = (bytes as u64).saturating_mul(1_000_000) / u64::from(bytes_per_second.max(1));
    Duration::from_micros(micros)
}
