//! A cable between till and server that can be made bad: bytes go through, or only in one direction, or not at all.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Default)]
struct State {
    swallows_answers: AtomicBool,
    ended: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

/// The cable.
pub struct Relay {
    address: SocketAddr,
    state: Arc<State>,
}

impl Relay {
    /// A good cable to this port.
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for till in listener.incoming().map_while(Result::ok) {
                if shared.ended.load(Ordering::Acquire) {
                    return;
                }
                connect(till, port, &shared);
            }
        });
        Self { address, state }
    }

    /// As a till has it in its settings.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// From now on what the till sends arrives, and nothing comes back.
    pub fn swallow_answers(&self) {
        self.state.swallows_answers.store(true, Ordering::Release);
    }

    /// The cable is good again; what was connected is cut.
    pub fn mend(&self) {
        self.state.swallows_answers.store(false, Ordering::Release);
        for stream in self.state.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::Release);
        self.mend();
        let _ = TcpStream::connect(self.address);
    }
}

fn connect(till: TcpStream, port: u16, state: &Arc<State>) {
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return };
    let both = |stream: &TcpStream| (stream.try_clone().unwrap(), stream.try_clone().unwrap());
    let ((till_in, till_out), (server_in, server_out)) = (both(&till), both(&server));
    state.open.lock().unwrap().extend([till, server]);
    thread::spawn(move || carry(till_in, server_out, || false));
    let state = Arc::clone(state);
    thread::spawn(move || carry(server_in, till_out, || state.swallows_answers.load(Ordering::Acquire)));
}

fn carry(mut from: TcpStream, mut to: TcpStream, swallow: impl Fn() -> bool) {
    let mut buffer = [0; 16_384];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !swallow() && to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
