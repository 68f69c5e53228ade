//! The states in words, as the tables, the log and the trace show them.

use std::fmt;

use super::{Readable, State, Writable};

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            State::Idle(Writable::Open) => write!(out, "idle"),
            State::Idle(writable) => write!(out, "idle (write {writable})"),
            State::Opening(Writable::Open) => write!(out, "opening"),
            State::Opening(writable) => write!(out, "opening (write {writable})"),
            State::Open(Readable::Open, Writable::Open) => write!(out, "open"),
            State::Open(readable, Writable::Open) => write!(out, "open (read {readable})"),
            State::Open(Readable::Open, writable) => write!(out, "open (write {writable})"),
            State::Open(readable, writable) => {
                write!(out, "open (read {readable}, write {writable})")
            }
            State::Destroyed(_, _) => write!(out, "destroyed"),
            State::Closed(_, _) => write!(out, "closed"),
        }
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
