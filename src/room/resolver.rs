//! `getaddrinfo` on threads of its own, because it blocks; answers come back by mail.
//!
//! The threads are started as questions need them and never joined: a loop that ends does not
//! wait for a name server. They are a few, so that a slow name does not hold up the others; one
//! that is being asked for holds its thread also when nobody waits for the answer any more.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use dns_lookup::{AddrInfoHints, LookupError, SockType, getaddrinfo};

use super::host_name;
use super::mailbox::{Mailbox, Sender};
use super::reactor::Reactor;
use crate::rules::address::is_ipv6;

/// What is asked: `host` is the name in ASCII, `family` is 0, 4 or 6, `hints` are getaddrinfo's
/// `ai_flags`.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    ticket: u64,
    host: String,
    family: u8,
    hints: i32,
}

impl Question {
    /// # Errors
    /// For a name that nobody can be asked for.
    pub(crate) fn new(
        ticket: u64,
        host: &str,
        family: u8,
        hints: i32,
    ) -> Result<Question, Unresolved> {
        let host = host_name::to_ask_for(host)?;
        Ok(Question {
            ticket,
            host,
            family,
            hints,
        })
    }
}

/// The addresses in getaddrinfo's order, with their zones and the port 0, or why there are none.
pub(crate) type Answer = Result<Vec<SocketAddr>, Unresolved>;

/// Why a name has no address.
#[derive(Debug)]
pub(crate) enum Unresolved {
    /// The resolver says it: Node's word for it, and libuv's number.
    Code(&'static str, i32),
    /// The kernel did not let the resolver ask (`EAI_SYSTEM`), or the name is none.
    System(io::Error),
    /// The name is not ASCII, and the tables for its ASCII form were left out.
    #[cfg(not(feature = "idna"))]
    NotAscii,
}

impl Unresolved {
    pub(crate) const NOT_FOUND: Unresolved = Unresolved::Code("ENOTFOUND", -3008);

    /// The name is none.
    pub(crate) fn invalid() -> Unresolved {
        Unresolved::System(io::Error::from_raw_os_error(libc::EINVAL))
    }
}

/// How many questions are asked at once: the size of libuv's thread pool.
const THREADS_MAX: usize = 4;

#[derive(Debug)]
pub(crate) struct Resolver {
    answers: Mailbox<(u64, Answer)>,
    /// What one more thread begins with.
    desk: Desk,
    threads: usize,
    /// How many questions have no answer yet.
    asked: usize,
}

/// What the threads share.
#[derive(Clone, Debug)]
struct Desk {
    tray: Arc<(Mutex<Tray>, Condvar)>,
    answers: Sender<(u64, Answer)>,
}

#[derive(Debug, Default)]
struct Tray {
    questions: VecDeque<Question>,
    /// How many have been taken and not been answered.
    in_work: usize,
    /// There is nobody to be answered any more.
    is_closed: bool,
}

impl Resolver {
    pub(crate) fn start<T>(reactor: &mut Reactor<T>) -> io::Result<Resolver> {
        let answers = Mailbox::new(reactor)?;
        let desk = Desk {
            tray: Arc::default(),
            answers: answers.sender(),
        };
        let mut resolver = Resolver {
            answers,
            desk,
            threads: 0,
            asked: 0,
        };
        resolver.hire()?;
        Ok(resolver)
    }

    fn hire(&mut self) -> io::Result<()> {
        let desk = self.desk.clone();
        thread::Builder::new()
            .name("netloop-resolver".into())
            .spawn(move || desk.work())?;
        self.threads += 1;
        Ok(())
    }

    /// Puts a question to the next thread that is free, or to one more.
    pub(crate) fn ask(&mut self, question: Question) {
        let mut tray = self.desk.tray();
        tray.questions.push_back(question);
        self.asked += 1;
        let wanted = tray.questions.len() + tray.in_work;
        drop(tray);
        if wanted > self.threads
            && self.threads < THREADS_MAX
            && let Err(error) = self.hire()
        {
            log::debug!(target: "netloop::resolver", "no more than {}: {error}", self.threads);
        }
        self.desk.tray.1.notify_one();
    }

    /// Takes back a question that nobody has begun to answer.
    pub(crate) fn withdraw(&mut self, ticket: u64) {
        let mut tray = self.desk.tray();
        let before = tray.questions.len();
        tray.questions.retain(|question| question.ticket != ticket);
        self.asked -= before - tray.questions.len();
    }

    pub(crate) fn next_answer(&mut self) -> Option<(u64, Answer)> {
        let answer = self.answers.next()?;
        self.asked -= 1;
        Some(answer)
    }

    /// Whether an answer is to come.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked > 0
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.desk.tray().is_closed = true;
        self.desk.tray.1.notify_all();
    }
}

impl Desk {
    fn tray(&self) -> MutexGuard<'_, Tray> {
        self.tray.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers question after question, until the resolver is gone.
    fn work(&self) {
        while let Some(question) = self.next_question() {
            let answer = resolve(&question);
            self.tray().in_work -= 1;
            if self.answers.send((question.ticket, answer)).is_err() {
                return;
            }
        }
    }

    fn next_question(&self) -> Option<Question> {
        let is_idle = |tray: &mut Tray| tray.questions.is_empty() && !tray.is_closed;
        let tray = self.tray.1.wait_while(self.tray(), is_idle);
        let mut tray = tray.unwrap_or_else(PoisonError::into_inner);
        if tray.is_closed {
            return None;
        }
        tray.in_work += 1;
        tray.questions.pop_front()
    }
}

/// The address that a text is, be it with a zone; the port is 0. No name server is asked.
pub(crate) fn literal(host: &str) -> Option<SocketAddr> {
    let Some((address, _)) = host.split_once('%').filter(|_| is_ipv6(host)) else {
        return Some(SocketAddr::new(host.parse().ok()?, 0));
    };
    let hints = AddrInfoHints {
        socktype: SockType::Stream.into(),
        flags: libc::AI_NUMERICHOST,
        ..AddrInfoHints::default()
    };
    let found = getaddrinfo(Some(host), None, Some(hints)).ok();
    let found = found.and_then(|mut found| found.next()?.ok());
    // A zone that the kernel does not know is none, as in Node.
    let unzoned = || Some(SocketAddr::new(address.parse().ok()?, 0));
    found.map(|found| found.sockaddr).or_else(unzoned)
}

/// The address in the text that [`literal`] reads.
pub(crate) fn in_words(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
        _ => address.ip().to_string(),
    }
}

fn resolve(question: &Question) -> Answer {
    let hints = AddrInfoHints {
        socktype: SockType::Stream.into(),
        address: match question.family {
            4 => libc::AF_INET,
            6 => libc::AF_INET6,
            _ => 0,
        },
        flags: question.hints,
        ..AddrInfoHints::default()
    };
    let found = getaddrinfo(Some(&question.host), None, Some(hints)).map_err(unresolved)?;
    Ok(found.flatten().map(|found| found.sockaddr).collect())
}

/// Of netdb.h; the crate libc does not have these.
const EAI_NODATA: i32 = -5;
const EAI_ADDRFAMILY: i32 = -9;

/// Node calls a name without an address `ENOTFOUND`, and anything else by its name in netdb.h. The
/// numbers are libuv's.
fn unresolved(error: LookupError) -> Unresolved {
    let (name, number) = match error.error_num() {
        libc::EAI_SYSTEM => return Unresolved::System(error.into()),
        EAI_ADDRFAMILY => ("EAI_ADDRFAMILY", -3000),
        libc::EAI_AGAIN => ("EAI_AGAIN", -3001),
        libc::EAI_BADFLAGS => ("EAI_BADFLAGS", -3002),
        libc::EAI_FAIL => ("EAI_FAIL", -3004),
        libc::EAI_FAMILY => ("EAI_FAMILY", -3005),
        libc::EAI_MEMORY => ("EAI_MEMORY", -3006),
        EAI_NODATA => ("ENOTFOUND", -3007),
        libc::EAI_OVERFLOW => ("EAI_OVERFLOW", -3009),
        libc::EAI_SERVICE => ("EAI_SERVICE", -3010),
        libc::EAI_SOCKTYPE => ("EAI_SOCKTYPE", -3011),
        _ => return Unresolved::NOT_FOUND,
    };
    Unresolved::Code(name, number)
}
