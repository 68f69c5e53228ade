//! A program that uses a stream, and what it is told.

use std::collections::VecDeque;

/// What a program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Pause,
    Resume,
    AddData,
    RemoveData,
    AddReadable,
    RemoveReadable,
    Read(Option<usize>),
    Unshift(usize),
}

/// What a program is told, or has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Data(Vec<u8>),
    Readable,
    Resume,
    End,
    Read(Option<Vec<u8>>),
}

/// The program, the same on both sides: its listeners, and what they do when they are called.
#[derive(Default)]
pub(super) struct Program {
    pub(super) told: Vec<Told>,
    pub(super) pauses: usize,
    /// How many listeners `data` has, and `readable`.
    pub(super) hearers: usize,
    pub(super) readers: usize,
    /// What the listeners do in the events to come.
    pub(super) plans: VecDeque<Vec<Op>>,
}

impl Program {
    /// Emits an event. Returns what its listeners do.
    pub(super) fn tell(&mut self, told: Told) -> Vec<Op> {
        let is_heard = match told {
            Told::Data(_) => self.hearers > 0,
            Told::Readable => self.readers > 0,
            _ => true,
        };
        if !is_heard {
            return Vec::new();
        }
        self.told.push(told);
        self.plans.pop_front().unwrap_or_default()
    }
}
