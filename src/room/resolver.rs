//! `getaddrinfo` on a thread of its own, because it blocks; answers come back through the waker.
//!
//! The thread is started with the first question and never joined: a loop that ends does not
//! wait for a name server.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use super::reactor::Reactor;
use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType, getaddrinfo};

/// What is asked: `family` is 0, 4 or 6, `hints` are getaddrinfo's `ai_flags`.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) ticket: u64,
    pub(crate) host: String,
    pub(crate) family: u8,
    pub(crate) hints: i32,
}

/// The addresses in getaddrinfo's order, or Node's code for its error.
pub(crate) type Answer = Result<Vec<IpAddr>, &'static str>;

#[derive(Debug)]
pub(crate) struct Resolver {
    questions: Sender<Question>,
    answers: Receiver<(u64, Answer)>,
}

impl Resolver {
    pub(crate) fn start<T>(reactor: &Reactor<T>) -> io::Result<Resolver> {
        let waker = reactor.waker()?;
        let (questions, asked) = mpsc::channel::<Question>();
        let (answer, answers) = mpsc::channel();
        let waker = Arc::new(waker);
        thread::Builder::new()
            .name("netloop-resolver".into())
            .spawn(move || {
                for question in asked {
                    let answered = answer.send((question.ticket, resolve(&question)));
                    if answered.is_err() || waker.wake().is_err() {
                        return;
                    }
                }
            })?;
        Ok(Resolver { questions, answers })
    }

    pub(crate) fn ask(&self, question: Question) {
        // The thread ends only when this resolver is gone.
        let _ = self.questions.send(question);
    }

    pub(crate) fn next_answer(&self) -> Option<(u64, Answer)> {
        self.answers.try_recv().ok()
    }
}

// The numbers of Linux (netdb.h, sys/socket.h).
const AF_INET: i32 = 2;
const AF_INET6: i32 = 10;
const EAI_FAIL: i32 = -4;
const EAI_MEMORY: i32 = -10;

fn resolve(question: &Question) -> Answer {
    let hints = AddrInfoHints {
        socktype: SockType::Stream.into(),
        address: match question.family {
            4 => AF_INET,
            6 => AF_INET6,
            _ => 0,
        },
        flags: question.hints,
        ..AddrInfoHints::default()
    };
    let found = getaddrinfo(Some(&question.host), None, Some(hints)).map_err(|error| {
        match (error.kind(), error.error_num()) {
            (LookupErrorKind::Again, _) => "EAI_AGAIN",
            (_, EAI_FAIL) => "EAI_FAIL",
            (_, EAI_MEMORY) => "EAI_MEMORY",
            _ => "ENOTFOUND",
        }
    })?;
    let mut addresses = Vec::new();
    for address in found.flatten() {
        let ip = address.sockaddr.ip();
        if !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    if addresses.is_empty() {
        return Err("ENOTFOUND");
    }
    Ok(addresses)
}
