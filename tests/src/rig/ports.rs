//! Ports that stay free while a server is down: below the range that the kernel gives to outgoing connections, so that
//! a killed server finds its port again.

use super::Failure;
use ring::rand::{SecureRandom, SystemRandom};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Mutex;

const FIRST: u16 = 18_000;
const LAST: u16 = 31_999;

/// Given already in this process, so that two rigs never get the same.
static GIVEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());

/// A port on loopback that nobody uses and that this process gives to nobody else.
/// # Errors
/// None was found in many tries.
pub fn free() -> Result<u16, Failure> {
    let mut given = GIVEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for _ in 0..1000 {
        let mut random = [0_u8; 2];
        SystemRandom::new()
            .fill(&mut random)
            .map_err(|_| Failure::Machine("this machine has no random numbers".into()))?;
        let port = FIRST + u16::from_be_bytes(random) % (LAST - FIRST);
        if !given.contains(&port) && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            given.push(port);
            return Ok(port);
        }
    }
    Err(Failure::Machine(format!("no free port between {FIRST} and {LAST}")))
}

/// The address of a port on loopback.
#[must_use]
pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
