//! Where log-ins come from: nobody has shown yet who he is, so all there is to tell them apart by is the address. However many one
//! address sends, it holds half of the places of logging in at most, and waits for none of the others. Behind a balancer all
//! come from one address; half of the places still keep the processors busy that look at passwords, two at a time.

use super::LOG_IN_PLACES;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many log-ins of one address are in at a time.
const MOST_OF_ONE: usize = LOG_IN_PLACES / 2;

/// How many are in, by where they come from.
#[derive(Clone, Debug, Default)]
pub struct Sources(Arc<Mutex<BTreeMap<IpAddr, usize>>>);

/// One log-in that is in; it counts until this is dropped.
#[derive(Debug)]
pub struct OfSource {
    sources: Sources,
    from: IpAddr,
}

impl Sources {
    /// Takes one in, if its address has not too many in already.
    #[must_use]
    pub fn enter(&self, from: IpAddr) -> Option<OfSource> {
        let from = whose(from);
        let mut inside = self.inside();
        let count = inside.entry(from).or_default();
        if *count >= MOST_OF_ONE {
            return None;
        }
        *count += 1;
        Some(OfSource { sources: self.clone(), from })
    }

    fn inside(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OfSource {
    fn drop(&mut self) {
        let mut inside = self.sources.inside();
        if let Some(count) = inside.get_mut(&self.from) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                inside.remove(&self.from);
            }
        }
    }
}

/// One machine may have as many addresses of the newer kind as it likes, within its network's first 64 bits.
fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_takes_half_of_the_places_and_others_find_theirs() {
        let sources = Sources::default();
        let flood: Vec<_> = (0..200).filter_map(|_| sources.enter(at("192.0.2.1"))).collect();
        assert_eq!(flood.len(), LOG_IN_PLACES / 2);
        let honest: Vec<_> = (2..=9).filter_map(|n| sources.enter(at(&format!("192.0.2.{n}")))).collect();
        assert_eq!(honest.len(), LOG_IN_PLACES / 2, "each of them is in");
    }

    #[test]
    fn whoever_is_gone_counts_no_more_and_nothing_is_kept_of_them() {
        let sources = Sources::default();
        for _ in 0..3 {
            let inside: Vec<_> = (0..20).filter_map(|_| sources.enter(at("192.0.2.1"))).collect();
            assert_eq!(inside.len(), MOST_OF_ONE);
        }
        assert!(sources.inside().is_empty());
    }

    #[test]
    fn a_machine_with_many_addresses_is_one_and_two_ways_to_write_one_are_one() {
        let sources = Sources::default();
        let many = |n: u32| at(&format!("2001:db8:1:2:{:x}::{n:x}", n % 7));
        assert_eq!((0..100).filter_map(|n| sources.enter(many(n))).count(), 100, "dropped at once");
        let inside: Vec<_> = (0..100).filter_map(|n| sources.enter(many(n))).collect();
        assert_eq!(inside.len(), MOST_OF_ONE);
        assert!(sources.enter(at("2001:db8:1:3::1")).is_some());
        let inside: Vec<_> = (0..20)
            .filter_map(|n| sources.enter(at(if n % 2 == 0 { "192.0.2.1" } else { "::ffff:192.0.2.1" })))
            .collect();
        assert_eq!(inside.len(), MOST_OF_ONE);
    }
}
