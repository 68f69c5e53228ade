//! Addresses and ports: which listener takes a connection, and which ports are free.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use libc::{EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, ENETUNREACH};

use super::faults::Fault;
use super::network::Network;
use super::socket::{Backlog, Binding, Domain, Key, Socket, State, failed};
use crate::kernel::listener::BindOptions;

/// An IPv4-mapped address as IPv4.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The broadcast address of the network between the hosts.
const BROADCAST: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 255, 255, 255));
/// The broadcast address of loopback.
const LOOPBACK_BROADCAST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 255, 255, 255));

/// Whether an address is a multicast or a broadcast address. A socket can be bound to one of IPv4, but none can be
/// connected to.
fn is_group(ip: IpAddr) -> bool {
    let is_broadcast = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
    ip.is_multicast() || is_broadcast || [BROADCAST, LOOPBACK_BROADCAST].contains(&ip)
}

/// Whether an address needs an interface.
fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// The error of a route to an address from a bound one, if there is none.
fn misrouted(to: IpAddr, bound: Option<IpAddr>, is_ipv6: bool) -> Option<i32> {
    let is_from_group = bound.is_some_and(is_group);
    let is_mapped = is_ipv6 && (to.is_ipv4() || to.is_unspecified());
    if is_mapped && is_from_group {
        let has_network = [Some(BROADCAST), Some(LOOPBACK_BROADCAST)].contains(&bound);
        return Some(if has_network { ENETUNREACH } else { EINVAL });
    }
    let is_martian = to == BROADCAST
        && !is_from_group
        && bound.is_some_and(|ip| ip.is_ipv4() && ip.is_loopback());
    match is_martian || is_link_local(to) {
        true => Some(EINVAL),
        false => is_group(to).then_some(ENETUNREACH),
    }
}

/// The address that a connect reaches, and the one that it comes from if the socket is bound to one. An unspecified
/// address stands for the host itself. Both must be of one family, once unmapped.
pub(super) fn reached(
    to: SocketAddr,
    bound: Option<IpAddr>,
) -> io::Result<(SocketAddr, Option<IpAddr>)> {
    let is_ipv6 = to.is_ipv6();
    let bound = bound.filter(|ip| !ip.is_unspecified());
    let mut to = plain(to);
    if let Some(errno) = misrouted(to.ip(), bound, is_ipv6) {
        return Err(failed(errno));
    }
    let from = bound.filter(|ip| !is_group(*ip));
    if to.ip().is_unspecified() {
        to.set_ip(match bound {
            Some(IpAddr::V4(_)) if is_ipv6 => Ipv4Addr::LOCALHOST.into(),
            None if is_ipv6 => Ipv6Addr::LOCALHOST.into(),
            _ => from.unwrap_or(Ipv4Addr::LOCALHOST.into()),
        });
    }
    match bound {
        Some(IpAddr::V6(_)) if to.is_ipv4() => Err(failed(ENETUNREACH)),
        Some(IpAddr::V4(_)) if to.is_ipv6() => Err(failed(EAFNOSUPPORT)),
        _ => Ok((to, from)),
    }
}

/// Whether a listener on one address takes connections to another. `::` also takes those to IPv4 addresses.
fn takes(local: IpAddr, only_v6: bool, ip: IpAddr) -> bool {
    let is_any = local.is_unspecified();
    local == ip || is_any && (local.is_ipv4() == ip.is_ipv4() || local.is_ipv6() && !only_v6)
}

/// Whether a socket's address and this one overlap.
fn meets(socket: &Socket, ip: IpAddr, options: &BindOptions) -> bool {
    let only_v6 = match &socket.state {
        State::Listening(backlog) => backlog.only_v6,
        _ => false,
    };
    let local = socket.local.map(|local| local.ip());
    local.is_some_and(|local| takes(local, only_v6, ip) || takes(ip, options.ipv6_only, local))
}

impl Network {
    fn is_local(&self, host: usize, ip: IpAddr) -> bool {
        ip.is_loopback() || ip.is_unspecified() || self.hosts[host].has(ip)
    }

    fn domain(&self, key: Key) -> Option<Domain> {
        Some(self.sockets.get(&key)?.domain)
    }

    /// The listeners of a port, each with its address.
    fn listeners(&self, host: usize, port: u16) -> impl Iterator<Item = (Key, IpAddr, &Backlog)> {
        self.sockets.iter().filter_map(move |(key, socket)| {
            let (State::Listening(backlog), Some(local)) = (&socket.state, socket.local) else {
                return None;
            };
            let is_it = socket.host == host && local.port() == port;
            is_it.then_some((*key, local.ip(), backlog))
        })
    }

    /// The listener that takes a connection: one on this very address before one on all addresses, then one
    /// of IPv4 before one of IPv6. Among several that share the port, the choice is random.
    pub(super) fn listener_for(&mut self, host: usize, to: SocketAddr) -> Option<Key> {
        let rank = |key: &Key, ip: IpAddr| (ip == to.ip(), self.domain(*key) == Some(Domain::Ipv4));
        let found: Vec<(Key, (bool, bool))> = self
            .listeners(host, to.port())
            .filter(|(_, ip, backlog)| takes(*ip, backlog.only_v6, to.ip()))
            .map(|(key, ip, _)| (key, rank(&key, ip)))
            .collect();
        let first = found.iter().map(|(_, rank)| *rank).max();
        let best: Vec<Key> = found
            .iter()
            .filter(|(_, rank)| Some(*rank) == first)
            .map(|(key, _)| *key)
            .collect();
        match best.len() {
            0 | 1 => best.first().copied(),
            several => best.get(self.dice.below(several)).copied(),
        }
    }

    /// Whether the port is taken by a socket with an overlapping address: a listener, or a connection from an
    /// ephemeral port.
    fn is_taken(&self, host: usize, local: SocketAddr, options: &BindOptions) -> bool {
        let is_in_the_way = |it: &Socket| {
            meets(it, local.ip(), options)
                && match &it.state {
                    State::Listening(backlog) => !(options.reuse_port && backlog.reuses_port),
                    _ => it.binding == Binding::Given,
                }
        };
        let here = |it: &&Socket| it.host == host && it.port() == Some(local.port());
        self.sockets.values().filter(here).any(is_in_the_way)
    }

    /// Whether there is a connection between two addresses.
    pub(super) fn is_connection(&self, host: usize, local: SocketAddr, remote: SocketAddr) -> bool {
        self.sockets.values().any(|socket| {
            let ends = (socket.host, socket.local, socket.remote);
            ends == (host, Some(local), Some(remote)) && !matches!(socket.state, State::Closed)
        })
    }

    /// Allocates the next ephemeral port that no socket blocks.
    fn free_port(&mut self, host: usize, is_in_the_way: impl Fn(&Socket) -> bool) -> Option<u16> {
        let here = |it: &&Socket| it.host == host;
        let sockets = self.sockets.values().filter(here);
        let found = sockets.filter(|it| is_in_the_way(it));
        let taken: BTreeSet<u16> = found.filter_map(Socket::port).collect();
        let (first, end) = (*self.settings.ports.start(), *self.settings.ports.end());
        let next = self.hosts[host].last_port.saturating_add(1).max(first);
        let mut all = (next..=end).chain(first..next.min(end));
        let port = all.find(|port| !taken.contains(port))?;
        self.hosts[host].last_port = port;
        Some(port)
    }

    /// A port for a connect. Connections to different addresses share a port; a bound socket shares it with
    /// none.
    pub(super) fn port_to_connect(
        &mut self,
        host: usize,
        ip: IpAddr,
        to: SocketAddr,
    ) -> io::Result<u16> {
        self.check_port_shortage(host, EADDRNOTAVAIL)?;
        let is_in_the_way = |it: &Socket| match it.binding {
            Binding::Given => it.remote == Some(to) && it.local.map(|local| local.ip()) == Some(ip),
            _ => true,
        };
        let mut port = self.free_port(host, is_in_the_way);
        if SocketAddr::new(ip, port.unwrap_or_default()) == to {
            // Linux chooses its ports at random, and almost never connects a socket to itself.
            port = self.free_port(host, is_in_the_way);
        }
        port.ok_or_else(|| failed(EADDRNOTAVAIL))
    }

    /// A port for a bind: one that no socket with an overlapping address has.
    fn port_to_bind(&mut self, host: usize, ip: IpAddr, options: &BindOptions) -> io::Result<u16> {
        self.check_port_shortage(host, EADDRINUSE)?;
        let port = self.free_port(host, |it| meets(it, ip, options));
        port.ok_or_else(|| failed(EADDRINUSE))
    }

    /// bind(2), for a listen(2) or a connect(2).
    pub(super) fn bind(
        &mut self,
        key: Key,
        local: SocketAddr,
        options: &BindOptions,
    ) -> io::Result<()> {
        let Some(host) = self.sockets.get(&key).map(|socket| socket.host) else {
            return Ok(());
        };
        self.inject_on(key, Fault::Bind)?;
        if options.ipv6_only && local.is_ipv6() && plain(local).is_ipv4() {
            return Err(failed(EINVAL));
        }
        let mut local = plain(local);
        if is_link_local(local.ip()) || local.is_ipv6() && local.ip().is_multicast() {
            return Err(failed(EINVAL));
        }
        if !is_group(local.ip()) && !self.is_local(host, local.ip()) {
            return Err(failed(EADDRNOTAVAIL));
        }
        if local.port() == 0 {
            local.set_port(self.port_to_bind(host, local.ip(), options)?);
        } else if self.is_taken(host, local, options) {
            return Err(failed(EADDRINUSE));
        }
        self.with(key, |socket| {
            (socket.local, socket.binding) = (Some(local), Binding::Bound);
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    const SHARED: [u16; 4] = [32_768, 32_769, 32_770, 32_771];

    /// A host with four ephemeral ports.
    fn network() -> Network {
        let mut network = Network::new(1, false);
        network.settings.ports = SHARED[0]..=SHARED[3];
        network.add_host("host");
        network
    }

    fn at(ip: &str, port: u16) -> SocketAddr {
        SocketAddr::new(ip.parse().expect("an address"), port)
    }

    fn listen(network: &mut Network, to: SocketAddr) -> Result<(Key, u16), i32> {
        let mut listen = || {
            let key = network.open(0, Domain::of(to))?;
            let options = BindOptions {
                backlog: 100,
                ..BindOptions::default()
            };
            network.bind(key, to, &options)?;
            network.listen(key, &options, None)?;
            Ok((key, network.sockets[&key].local.expect("a port").port()))
        };
        listen().map_err(|error: io::Error| error.raw_os_error().expect("an errno"))
    }

    fn connect(
        network: &mut Network,
        to: SocketAddr,
        from: Option<SocketAddr>,
    ) -> Result<(Key, u16), i32> {
        let mut connect = || {
            let key = network.open(0, Domain::of(to))?;
            if let Some(from) = from {
                network.bind(key, from, &BindOptions::default())?;
            }
            _ = network.connect(key, to)?;
            Ok((key, network.sockets[&key].local.expect("a port").port()))
        };
        connect().map_err(|error: io::Error| error.raw_os_error().expect("an errno"))
    }

    /// Calls until no port is left, and checks that each was allocated once.
    fn all(
        network: &mut Network,
        call: impl Fn(&mut Network) -> Result<(Key, u16), i32>,
    ) -> (Vec<Key>, i32) {
        let mut given = Vec::new();
        let errno = loop {
            match call(network) {
                Ok(one) => given.push(one),
                Err(errno) => break errno,
            }
            assert!(given.len() <= SHARED.len());
        };
        let mut ports: Vec<u16> = given.iter().map(|(_, port)| *port).collect();
        ports.sort_unstable();
        assert_eq!(ports, SHARED);
        (given.into_iter().map(|(key, _)| key).collect(), errno)
    }

    // The results are those of Linux 6.18 with four ephemeral ports.

    #[test]
    fn a_bind_without_a_free_port_fails_and_addresses_that_do_not_meet_share_ports() {
        let mut network = network();
        listen(&mut network, at("127.0.0.1", 8000)).expect("a listener");
        let (first, errno) = all(&mut network, |it| listen(it, at("127.0.0.1", 0)));
        assert_eq!(errno, EADDRINUSE);
        all(&mut network, |it| listen(it, at("127.0.0.2", 0)));
        for any in ["0.0.0.0", "::"] {
            assert_eq!(listen(&mut network, at(any, 0)), Err(EADDRINUSE), "{any}");
        }
        assert!(listen(&mut network, at("::1", 0)).is_ok());
        let to = at("127.0.0.1", 8000);
        assert_eq!(connect(&mut network, to, None), Err(EADDRNOTAVAIL));
        let from = Some(at("127.0.0.1", 0));
        assert_eq!(connect(&mut network, to, from), Err(EADDRINUSE));
        // A port that is free again is found.
        let port = network.sockets[&first[2]].port();
        network.close(first[2]);
        let (_, found) = listen(&mut network, at("127.0.0.1", 0)).expect("a port");
        assert_eq!(Some(found), port);
    }

    #[test]
    fn a_connect_shares_its_port_with_those_to_other_places_only() {
        let mut network = network();
        for port in [8000, 8001] {
            listen(&mut network, at("127.0.0.1", port)).expect("a listener");
        }
        let places = [at("127.0.0.1", 8000), at("127.0.0.1", 8001)];
        for to in places {
            let (_, errno) = all(&mut network, |it| connect(it, to, None));
            assert_eq!(errno, EADDRNOTAVAIL);
        }
        let from = Some(at("127.0.0.1", 0));
        assert_eq!(connect(&mut network, places[1], from), Err(EADDRINUSE));
        assert_eq!(listen(&mut network, at("127.0.0.1", 0)), Err(EADDRINUSE));
        assert!(listen(&mut network, at("127.0.0.2", 0)).is_ok());
        let from = Some(at("127.0.0.3", 0));
        let (_, errno) = all(&mut network, |it| connect(it, places[0], from));
        assert_eq!(errno, EADDRINUSE);
    }

    #[test]
    fn the_connections_of_a_listener_keep_its_port_when_it_is_closed() {
        let mut network = network();
        listen(&mut network, at("127.0.0.1", 8000)).expect("a listener");
        let (listeners, _) = all(&mut network, |it| listen(it, at("127.0.0.1", 0)));
        for (listener, port) in listeners.iter().zip(9000..) {
            let to = network.sockets[listener].local.expect("an address");
            let from = Some(at("127.0.0.1", port));
            connect(&mut network, to, from).expect("a connection");
            network.accept(*listener).expect("accepted");
            network.close(*listener);
        }
        assert_eq!(listen(&mut network, at("127.0.0.1", 0)), Err(EADDRINUSE));
        assert!(listen(&mut network, at("127.0.0.2", 0)).is_ok());
        let to = at("127.0.0.1", 8000);
        assert_eq!(connect(&mut network, to, None), Err(EADDRNOTAVAIL));
    }

    #[test]
    fn the_port_of_a_connection_can_be_listened_on_elsewhere_and_is_free_when_it_has_failed() {
        let mut network = network();
        let place = at("127.0.0.1", 8000);
        let (refused, port) = connect(&mut network, place, None).expect("begun");
        assert_eq!(network.sockets[&refused].port(), None, "it was refused");
        listen(&mut network, place).expect("a listener");
        listen(&mut network, at("127.0.0.1", port)).expect("a free port");
        let (_, port) = connect(&mut network, place, None).expect("a connection");
        let there = at("127.0.0.1", port);
        assert_eq!(listen(&mut network, there), Err(EADDRINUSE));
        assert!(listen(&mut network, at("127.0.0.2", port)).is_ok());
    }
}
