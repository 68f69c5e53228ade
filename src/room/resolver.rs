//! `getaddrinfo` on threads of its own, because it blocks; answers come back through the waker.
//!
//! The threads are started with the first questions and never joined: a loop that ends does not
//! wait for a name server. They are a few, so that a slow name does not hold up the others.

use std::io;
use std::net::IpAddr;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use dns_lookup::{AddrInfoHints, LookupError, SockType, getaddrinfo};
use mio::Waker;

use super::reactor::Reactor;

/// What is asked: `family` is 0, 4 or 6, `hints` are getaddrinfo's `ai_flags`.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) ticket: u64,
    pub(crate) host: String,
    pub(crate) family: u8,
    pub(crate) hints: i32,
}

/// The addresses in getaddrinfo's order, or why there are none.
pub(crate) type Answer = Result<Vec<IpAddr>, Unresolved>;

/// Why a name has no address.
#[derive(Debug)]
pub(crate) enum Unresolved {
    /// The resolver says it, in Node's word for it.
    Code(&'static str),
    /// The kernel did not let the resolver ask (`EAI_SYSTEM`).
    System(io::Error),
}

/// How many questions are asked at once: the size of libuv's thread pool.
const THREADS_MAX: usize = 4;

#[derive(Debug)]
pub(crate) struct Resolver {
    questions: Sender<Question>,
    answers: Receiver<(u64, Answer)>,
    /// What one more thread begins with.
    desk: Desk,
    threads: usize,
}

/// What the threads share.
#[derive(Clone, Debug)]
struct Desk {
    asked: Arc<Mutex<Receiver<Question>>>,
    answer: Sender<(u64, Answer)>,
    waker: Arc<Waker>,
}

impl Resolver {
    pub(crate) fn start<T>(reactor: &Reactor<T>) -> io::Result<Resolver> {
        let (questions, asked) = mpsc::channel();
        let (answer, answers) = mpsc::channel();
        let desk = Desk {
            asked: Arc::new(Mutex::new(asked)),
            answer,
            waker: Arc::new(reactor.waker()?),
        };
        let mut resolver = Resolver {
            questions,
            answers,
            desk,
            threads: 0,
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

    /// Puts a question to the next thread that is free; `is_busy` tells that others wait already.
    pub(crate) fn ask(&mut self, question: Question, is_busy: bool) {
        if is_busy
            && self.threads < THREADS_MAX
            && let Err(error) = self.hire()
        {
            log::debug!(target: "netloop::resolver", "no more than {}: {error}", self.threads);
        }
        // The desk keeps the other end.
        let _ = self.questions.send(question);
    }

    pub(crate) fn next_answer(&self) -> Option<(u64, Answer)> {
        self.answers.try_recv().ok()
    }
}

impl Desk {
    /// Answers question after question, until the resolver is gone.
    fn work(&self) {
        loop {
            let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let Ok(question) = asked.recv() else { return };
            drop(asked);
            let answered = self.answer.send((question.ticket, resolve(&question)));
            if answered.is_err() || self.waker.wake().is_err() {
                return;
            }
        }
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
    let mut addresses = Vec::new();
    for address in found.flatten() {
        let ip = address.sockaddr.ip();
        if !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    if addresses.is_empty() {
        return Err(Unresolved::Code("ENOTFOUND"));
    }
    Ok(addresses)
}

/// Node calls a name without an address `ENOTFOUND`, and anything else by its name in netdb.h.
fn unresolved(error: LookupError) -> Unresolved {
    Unresolved::Code(match error.error_num() {
        libc::EAI_SYSTEM => return Unresolved::System(error.into()),
        libc::EAI_AGAIN => "EAI_AGAIN",
        libc::EAI_BADFLAGS => "EAI_BADFLAGS",
        libc::EAI_FAIL => "EAI_FAIL",
        libc::EAI_FAMILY => "EAI_FAMILY",
        libc::EAI_MEMORY => "EAI_MEMORY",
        libc::EAI_OVERFLOW => "EAI_OVERFLOW",
        libc::EAI_SERVICE => "EAI_SERVICE",
        libc::EAI_SOCKTYPE => "EAI_SOCKTYPE",
        _ => "ENOTFOUND",
    })
}
