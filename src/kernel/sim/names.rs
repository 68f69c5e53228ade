//! Name lookups: a name leads to the host that was added under it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use super::host::Host;
use super::kernel::Kernel;
use super::network::{Happening, Network};
use crate::kernel::host_name::Unresolved;
use crate::kernel::resolver::{Answer, Question};

/// How long a lookup takes.
pub(super) const TAKES: Range<Duration> = Duration::from_micros(100)..Duration::from_millis(5);

#[derive(Debug)]
pub(crate) struct Resolver {
    kernel: Kernel,
    /// The number of questions without an answer.
    asked: usize,
}

impl Kernel {
    pub(crate) fn resolver(&self) -> Resolver {
        let kernel = self.clone();
        Resolver { kernel, asked: 0 }
    }
}

impl Resolver {
    pub(crate) fn ask(&mut self, question: Question) {
        let host = self.kernel.host;
        self.kernel.network().look_up(host, &question);
        self.asked += 1;
    }

    pub(crate) fn withdraw(&mut self, ticket: u64) {
        let host = self.kernel.host;
        self.asked -= self.kernel.network().withdraw(host, ticket);
    }

    pub(crate) fn next_answer(&mut self) -> Option<(u64, Answer)> {
        let answer = self.kernel.network().next_answer(self.kernel.host)?;
        self.asked -= 1;
        Some(answer)
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.asked > 0
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        let host = self.kernel.host;
        self.kernel.network().forget_questions(host);
    }
}

impl Network {
    fn look_up(&mut self, host: usize, question: &Question) {
        let found: Vec<IpAddr> = match question.host.as_str() {
            "localhost" => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            name => {
                let named = self.hosts.iter().filter(|host| host.name == name);
                let address = |host: &Host| match question.family {
                    6 => host.ipv6_address().into(),
                    _ => host.address.into(),
                };
                named.map(address).collect()
            }
        };
        let is_wanted = |ip: &IpAddr| match question.family {
            4 => ip.is_ipv4(),
            6 => ip.is_ipv6(),
            _ => true,
        };
        let found = found.into_iter().filter(is_wanted);
        let found: Vec<SocketAddr> = found.map(|ip| SocketAddr::new(ip, 0)).collect();
        let answer = match found.is_empty() {
            true => Err(Unresolved::NOT_FOUND),
            false => Ok(found),
        };
        let (answer, after) = self.inject_lookup(host, answer);
        self.schedule(after, Happening::Answer(host, question.ticket, answer));
    }

    fn next_answer(&mut self, host: usize) -> Option<(u64, Answer)> {
        self.hosts[host].answers.pop_front()
    }
}
