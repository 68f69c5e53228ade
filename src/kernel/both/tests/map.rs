//! The places of a program, and its random calls there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{self, UnixListener};
use std::path::PathBuf;

use super::place::Place;
use super::town::Call;
use crate::kernel::listener::BindOptions;
use crate::kernel::sim::Dice;

/// Where a program may listen: two ports below the ephemeral ones, and names that no other program has.
pub(super) struct Map {
    own: Ipv4Addr,
    ports: [u16; 2],
    /// Keep other test processes from these ports.
    _claims: [UnixListener; 2],
    /// All listeners share their ports.
    shares: bool,
    paths: [PathBuf; 3],
}

/// Claims a port without a listener, by an abstract name that another test process would bind, too.
fn claim(port: u16) -> Option<UnixListener> {
    let name = net::SocketAddr::from_abstract_name(format!("netloop-port-{port}")).ok()?;
    let claim = UnixListener::bind_addr(&name).ok()?;
    TcpListener::bind(("::", port)).ok().map(|_| claim)
}

impl Map {
    pub(super) fn of(seed: u64) -> Map {
        let process = u64::from(std::process::id());
        let mut dice = Dice::new(process << 32 ^ seed);
        let mut byte = || 1 + dice.below(250) as u8;
        let own = Ipv4Addr::new(127, byte(), byte(), byte());
        let mut port = || {
            let mut all = std::iter::repeat_with(|| 10_000 + dice.below(22_000) as u16);
            let claimed = all.find_map(|port| Some((port, claim(port)?)));
            claimed.expect("a free port")
        };
        let [(first, first_claim), (second, second_claim)] = [port(), port()];
        let path =
            |name: &str| std::env::temp_dir().join(format!("netloop-{process}-{seed}-{name}"));
        Map {
            own,
            shares: seed.is_multiple_of(4),
            ports: [first, second],
            _claims: [first_claim, second_claim],
            paths: [
                path("a"),
                path("b"),
                PathBuf::from(format!("\0netloop-{process}-{seed}")),
            ],
        }
    }

    fn ip(&self, dice: &mut Dice) -> IpAddr {
        // Multicast and broadcast addresses.
        let groups = [[224, 0, 0, 1], [255; 4], [127, 255, 255, 255]];
        let group = Ipv4Addr::from(groups[dice.below(3)]);
        let kinds = if dice.one_in(4) { 9 } else { 6 };
        match dice.below(kinds) {
            6 => Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1).into(),
            7 => group.to_ipv6_mapped().into(),
            8 => group.into(),
            0 => Ipv4Addr::UNSPECIFIED.into(),
            1 => Ipv6Addr::UNSPECIFIED.into(),
            2 => Ipv6Addr::LOCALHOST.into(),
            3 => self.own.to_ipv6_mapped().into(),
            4 => Ipv4Addr::LOCALHOST.into(),
            _ => self.own.into(),
        }
    }

    fn address(&self, dice: &mut Dice) -> SocketAddr {
        (self.ip(dice), self.ports[dice.below(2)]).into()
    }

    fn place(&self, dice: &mut Dice) -> Place {
        match dice.one_in(3) {
            true => Place::Path(self.paths[dice.below(3)].clone()),
            false => Place::Port(self.address(dice)),
        }
    }

    pub(super) fn next_call(&self, dice: &mut Dice, listeners: usize, connections: usize) -> Call {
        match dice.below(40) {
            0..=11 => {
                let place = self.place(dice);
                let is_on_all =
                    matches!(&place, Place::Port(to) if to.ip() == Ipv6Addr::UNSPECIFIED);
                let reuse_port = self.shares || !is_on_all && dice.one_in(2);
                let options = BindOptions {
                    backlog: 10,
                    ipv6_only: !reuse_port && dice.one_in(2),
                    reuse_port,
                    only_own_file: dice.one_in(2),
                };
                Call::Listen(place, options)
            }
            12..=15 if listeners > 0 => Call::CloseListener(dice.below(listeners)),
            16 | 17 if connections > 0 => Call::Reset(dice.below(connections)),
            18 | 19 => Call::Unlink(self.paths[dice.below(2)].clone()),
            20 if dice.one_in(2) => Call::Kill,
            _ => {
                let to = self.place(dice);
                let from = dice.one_in(2).then(|| self.from(dice, &to));
                let from = from.flatten();
                Call::Connect { to, from }
            }
        }
    }

    /// An address to bind before a connect. It differs from the target, because a socket may connect to itself.
    fn from(&self, dice: &mut Dice, to: &Place) -> Option<SocketAddr> {
        let Place::Port(to) = to else { return None };
        let port = match self.ports.iter().position(|port| *port == to.port()) {
            _ if dice.one_in(3) => 0,
            Some(0) => self.ports[1],
            _ => self.ports[0],
        };
        let elsewhere = Ipv4Addr::new(192, 0, 2, 1);
        let ip = match dice.one_in(8) {
            true => elsewhere.into(),
            false => self.ip(dice),
        };
        Some((ip, port).into())
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        for path in &self.paths {
            let _ = std::fs::remove_file(path);
        }
    }
}
