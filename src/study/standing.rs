//! How a socket or a server stands.

use super::entry::{Entry, Kind};
use super::names::Role;

/// How a socket or a server stands: its state, its addresses, its bytes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Standing {
    /// What it is.
    pub role: Role,
    /// Its state, as its machine calls it; empty if that was not told.
    pub state: String,
    /// Its descriptor, if it is known.
    pub descriptor: Option<String>,
    /// Its address and the peer's, if they are known.
    pub addresses: Option<[String; 2]>,
    /// How many bytes the program has written.
    pub written: u64,
    /// How many bytes the kernel has taken.
    pub sent: u64,
    /// How many bytes the kernel has given.
    pub received: u64,
    /// How many bytes `data` was called with.
    pub delivered: u64,
    /// Whether the program has paused it.
    pub is_paused: bool,
    /// Whether it holds the loop.
    pub is_held: bool,
}

impl Standing {
    pub(super) fn new(entry: &Entry) -> Standing {
        Standing {
            role: Role::told_by(entry),
            state: String::new(),
            descriptor: None,
            addresses: None,
            written: 0,
            sent: 0,
            received: 0,
            delivered: 0,
            is_paused: false,
            is_held: false,
        }
    }

    /// How many bytes wait for the kernel to take them.
    pub fn unsent(&self) -> u64 {
        self.written.saturating_sub(self.sent)
    }

    /// Why bytes wait, if any do.
    pub fn why_not_yet(&self) -> Option<String> {
        match self.unsent() {
            _ if self.state == "closed" => None,
            0 if self.is_paused => {
                Some("what comes waits in the kernel: the program has paused the socket".into())
            }
            0 => None,
            bytes if ["idle", "opening"].contains(&&*self.state) => Some(format!(
                "{bytes} bytes wait to be sent: until it has connected"
            )),
            bytes => Some(format!(
                "{bytes} bytes wait to be sent: until the kernel has room, as the peer reads"
            )),
        }
    }

    /// Follows an entry about it.
    pub(super) fn step(&mut self, entry: &Entry) {
        let bytes = entry.bytes.unwrap_or(0);
        let told = Role::told_by(entry);
        if self.role == Role::Socket {
            self.role = told;
        }
        match (&entry.kind, entry.words.as_str()) {
            (Kind::Step, _) => {
                self.state = entry.more.get(1).cloned().unwrap_or_default();
            }
            (Kind::Accepted | Kind::Connected, descriptor) => {
                self.descriptor = Some(descriptor.to_owned());
                if let [local, remote] = entry.more.as_slice() {
                    self.addresses = Some([local.clone(), remote.clone()]);
                }
                if self.state.is_empty() {
                    self.state = "open".into();
                }
            }
            (Kind::Call, "socket" | "socket_with") if self.state.is_empty() => {
                self.state = "idle".into()
            }
            (Kind::Call, "pause") => self.is_paused = true,
            (Kind::Call, "resume") => self.is_paused = false,
            (Kind::Call, _) => add(&mut self.written, bytes),
            (Kind::System, "send") => add(&mut self.sent, bytes),
            (Kind::System, "recv") => add(&mut self.received, bytes),
            (Kind::Callback, "data") => add(&mut self.delivered, bytes),
            (Kind::Holds, holds) if entry.by.is_none() => self.is_held = holds == "true",
            _ => {}
        }
    }
}

/// A recording may say anything.
fn add(sum: &mut u64, bytes: u64) {
    *sum = sum.saturating_add(bytes);
}
