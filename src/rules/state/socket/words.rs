//! The names of a socket's states, as the tables, the log and the trace print them.

use std::fmt;

use super::states::{Readable, Standing, State, Writable};

impl fmt::Display for Standing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Standing {
            life,
            receiving,
            sending,
        } = self;
        write!(out, "{life}")?;
        match (receiving, sending) {
            _ if life.is_destroyed() => Ok(()),
            (Readable::Open, Writable::Open) => Ok(()),
            (_, Writable::Open) => write!(out, " (read {receiving})"),
            (Readable::Open, _) => write!(out, " (write {sending})"),
            (_, _) => write!(out, " (read {receiving}, write {sending})"),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            State::Idle => "idle",
            State::Opening => "opening",
            State::Open => "open",
            State::Destroyed => "destroyed",
            State::Closed => "closed",
        })
    }
}

impl fmt::Display for Readable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Readable::Open => "open",
            Readable::Eof => "eof",
            Readable::Due => "due",
            Readable::Ended => "ended",
        })
    }
}

impl fmt::Display for Writable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Writable::Open => "open",
            Writable::Ending => "ending",
            Writable::Shutting => "shutting",
            Writable::Sent => "sent",
            Writable::Due => "due",
            Writable::Finished => "finished",
            Writable::Broken => "broken",
        })
    }
}
