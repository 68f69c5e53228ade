//! Addresses and ports: where there are listeners, and which ports are free.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use libc::{EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, ENETUNREACH};

use super::faults::Fault;
use super::network::Network;
use super::socket::{Backlog, Domain, Key, Socket, State, failed};
use crate::kernel::listener::BindOptions;

/// Without the mapping of IPv4 into IPv6.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Where a connect leads from a bound address, if it is bound to one: an unspecified address stands for this
/// host. The families of both must be the same, as mapped as they may be.
pub(super) fn reached(to: SocketAddr, from: Option<IpAddr>) -> io::Result<SocketAddr> {
    let is_ipv6 = to.is_ipv6();
    let mut to = plain(to);
    if to.ip().is_unspecified() {
        to.set_ip(match from {
            Some(IpAddr::V4(_)) if is_ipv6 => Ipv4Addr::LOCALHOST.into(),
            Some(from) => from,
            None if is_ipv6 => Ipv6Addr::LOCALHOST.into(),
            None => Ipv4Addr::LOCALHOST.into(),
        });
    }
    match from {
        Some(IpAddr::V6(_)) if to.is_ipv4() => Err(failed(ENETUNREACH)),
        Some(IpAddr::V4(_)) if to.is_ipv6() => Err(failed(EAFNOSUPPORT)),
        _ => Ok(to),
    }
}

/// Whether a listener on one address takes connections to another. That on `::` takes those of IPv4, too.
fn takes(local: IpAddr, only_v6: bool, ip: IpAddr) -> bool {
    let is_any = local.is_unspecified();
    local == ip || is_any && (local.is_ipv4() == ip.is_ipv4() || local.is_ipv6() && !only_v6)
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

    /// The listener that takes a connection: one on this very address before one on all, and then a socket
    /// of IPv4 before one of IPv6. Of several that share a port, chance picks one.
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

    /// Whether the port is taken by a listener whose address meets this one.
    fn is_taken(&self, host: usize, local: SocketAddr, options: &BindOptions) -> bool {
        self.listeners(host, local.port()).any(|(_, ip, backlog)| {
            let meets =
                takes(ip, backlog.only_v6, local.ip()) || takes(local.ip(), options.ipv6_only, ip);
            meets && !(options.reuse_port && backlog.reuses_port)
        })
    }

    /// Whether there is a connection between two addresses.
    pub(super) fn is_connection(&self, host: usize, local: SocketAddr, remote: SocketAddr) -> bool {
        self.sockets.values().any(|socket| {
            let ends = (socket.host, socket.local, socket.remote);
            ends == (host, Some(local), Some(remote)) && !matches!(socket.state, State::Closed)
        })
    }

    pub(super) fn free_port(&mut self, host: usize) -> u16 {
        loop {
            let port = self.hosts[host].next_port();
            let is_used =
                |it: &Socket| it.host == host && it.local.is_some_and(|it| it.port() == port);
            if !self.sockets.values().any(is_used) {
                return port;
            }
        }
    }

    /// bind(2), as before listen(2) or connect(2).
    pub(super) fn bind(
        &mut self,
        key: Key,
        local: SocketAddr,
        options: &BindOptions,
    ) -> io::Result<()> {
        let Some(host) = self.sockets.get(&key).map(|socket| socket.host) else {
            return Ok(());
        };
        self.deal_on(key, Fault::Bind)?;
        if options.ipv6_only && local.is_ipv6() && plain(local).is_ipv4() {
            return Err(failed(EINVAL));
        }
        let mut local = plain(local);
        if !self.is_local(host, local.ip()) {
            return Err(failed(EADDRNOTAVAIL));
        }
        if local.port() == 0 {
            self.deal_port(host, EADDRINUSE)?;
            local.set_port(self.free_port(host));
        } else if self.is_taken(host, local, options) {
            return Err(failed(EADDRINUSE));
        }
        self.with(key, |socket| socket.local = Some(local));
        Ok(())
    }
}
