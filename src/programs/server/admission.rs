//! Admission: the allowed and denied addresses, and the limit of connections per peer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};

use netloop::{BlockList, Loop, Socket};

use super::reason::Reason;

/// What the command line says of addresses.
#[derive(Default)]
pub(crate) struct Admission {
    /// If present, only these addresses are served.
    pub(crate) allowed: Option<BlockList>,
    pub(crate) denied: Option<BlockList>,
    pub(crate) per_peer: Option<usize>,
}

/// How many connections each peer has: kept by the loop.
#[derive(Default)]
pub(super) struct Peers(HashMap<IpAddr, usize>);

impl Admission {
    /// Whether admission depends on the address. If not, the address is not asked for: a socket would keep it,
    /// in some hundred bytes.
    pub(super) fn has_rules(&self) -> bool {
        self.denied.is_some() || self.allowed.is_some() || self.per_peer.is_some()
    }

    /// Admits the connection of a client at this address, and counts it until it closes.
    ///
    /// # Errors
    /// The client is not served, for this reason.
    pub(super) fn admit(&self, socket: &mut Socket<'_>, client: IpAddr) -> Result<(), Reason> {
        let client = client.to_canonical();
        let is_in = |list: &BlockList| list.check(client);
        if self.denied.as_ref().is_some_and(is_in) {
            return Err(Reason::Denied);
        }
        if !self.allowed.as_ref().is_none_or(is_in) {
            return Err(Reason::NotAllowed);
        }
        let Some(limit) = self.per_peer else {
            return Ok(());
        };
        let peer = peer_of(client);
        let Some(Peers(peers)) = socket.event_loop().data_mut() else {
            return Ok(());
        };
        let count = peers.entry(peer).or_default();
        *count += 1;
        let is_beyond = *count > limit;
        socket.on_close(move |socket, _| leave(socket.event_loop(), peer));
        match is_beyond {
            true => Err(Reason::PerPeer),
            false => Ok(()),
        }
    }
}

fn leave(event_loop: &mut Loop, peer: IpAddr) {
    let Some(Peers(peers)) = event_loop.data_mut() else {
        return;
    };
    if let Entry::Occupied(mut count) = peers.entry(peer) {
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }
}

/// The key under which a peer is counted: its IPv4 address, or the 64-bit network of its IPv6 address, since
/// one host can take any address of that network.
fn peer_of(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_an_address_or_a_network_of_64_bits() {
        let is_one = |a: &str, b: &str| peer_of(a.parse().unwrap()) == peer_of(b.parse().unwrap());
        assert!(is_one("2001:db8::1", "2001:db8::2:3:4:5"));
        assert!(!is_one("2001:db8::1", "2001:db8:0:1::1"));
        assert!(!is_one("192.0.2.1", "192.0.2.2"));
    }
}
