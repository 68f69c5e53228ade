//! Admission: the allowed and denied addresses, and the limit of connections per peer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

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
pub(super) struct Peers(HashMap<Peer, usize>);

/// What counts as one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Peer {
    V4(Ipv4Addr),
    /// The network of an IPv6 address, 64 bits long: one host can take any address of it.
    Network(u64),
    /// An address of a link, and the number of the link: all hosts of a link share its network.
    OnLink(Ipv6Addr, u32),
}

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
    pub(super) fn admit(&self, socket: &mut Socket<'_>, client: SocketAddr) -> Result<(), Reason> {
        let address = client.ip().to_canonical();
        let is_in = |list: &BlockList| list.check(address);
        if self.denied.as_ref().is_some_and(is_in) {
            return Err(Reason::Denied);
        }
        if !self.allowed.as_ref().is_none_or(is_in) {
            return Err(Reason::NotAllowed);
        }
        let Some(limit) = self.per_peer else {
            return Ok(());
        };
        let peer = Peer::of(client);
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

fn leave(event_loop: &mut Loop, peer: Peer) {
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

impl Peer {
    fn of(client: SocketAddr) -> Peer {
        match client {
            SocketAddr::V4(client) => Peer::V4(*client.ip()),
            SocketAddr::V6(client) => match (client.ip(), ipv4_within(*client.ip())) {
                (_, Some(address)) => Peer::V4(address),
                (address, _) if address.is_unicast_link_local() => {
                    Peer::OnLink(*address, client.scope_id())
                }
                (address, _) => Peer::Network((address.to_bits() >> 64) as u64),
            },
        }
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped by a kernel that listens for both, or translated
/// by NAT64, whose prefix is `64:ff9b::/96` (RFC 6052).
fn ipv4_within(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    let is_translated = bits >> 32 == 0x0064_ff9b << 64;
    match is_translated {
        true => Some(Ipv4Addr::from_bits(bits as u32)),
        false => address.to_ipv4_mapped(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether two clients count as one peer.
    fn is_one(one: &str, other: &str) -> bool {
        let [one, other] = [one, other].map(|client| Peer::of(client.parse().unwrap()));
        one == other
    }

    #[test]
    fn a_peer_is_an_ipv4_address_or_a_network_of_64_bits() {
        assert!(is_one("[2001:db8::1]:1", "[2001:db8::2:3:4:5]:2"));
        assert!(!is_one("[2001:db8::1]:1", "[2001:db8:0:1::1]:1"));
        assert!(is_one("192.0.2.1:1", "192.0.2.1:2"));
        assert!(!is_one("192.0.2.1:1", "192.0.2.2:1"));
    }

    #[test]
    fn an_address_that_stands_for_an_ipv4_address_counts_as_that() {
        assert!(is_one("[::ffff:192.0.2.1]:1", "192.0.2.1:2"));
        assert!(is_one("[64:ff9b::192.0.2.1]:1", "192.0.2.1:2"));
        assert!(!is_one("[64:ff9b::192.0.2.1]:1", "[64:ff9b::192.0.2.2]:1"));
        // No such prefix.
        assert!(is_one("[64:ff9b::1:0:0]:1", "[64:ff9b::1:0:1]:1"));
    }

    #[test]
    fn an_address_of_a_link_is_a_peer_of_its_own_on_each_link() {
        assert!(is_one("[fe80::1%2]:1", "[fe80::1%2]:2"));
        assert!(!is_one("[fe80::1%2]:1", "[fe80::2%2]:1"));
        assert!(!is_one("[fe80::1%2]:1", "[fe80::1%3]:1"));
    }
}
