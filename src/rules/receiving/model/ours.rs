//! The rules, driven as `net` drives them.

use std::collections::VecDeque;

use super::program::{Op, Program, Told};
use crate::rules::receiving::{Action, Facts, Kept, Receiving, Then, Tick};

pub(super) enum OurTick {
    Receiving(Tick),
    End,
}

/// The rules, driven as `net` drives them.
#[derive(Default)]
pub(super) struct Ours {
    pub(super) program: Program,
    pub(super) ticks: VecDeque<OurTick>,
    pub(super) receiving: Receiving,
    pub(super) kept: Kept,
    pub(super) is_connected: bool,
    pub(super) has_ended: bool,
    pub(super) end_scheduled: bool,
    pub(super) end_emitted: bool,
}

impl Ours {
    pub(super) fn facts(&self) -> Facts {
        Facts {
            is_connected: self.is_connected && !self.has_ended,
            has_ended: self.has_ended,
            is_destroyed: false,
            is_broken: false,
        }
    }

    pub(super) fn follow(&mut self, then: Then) {
        for action in then.actions() {
            match action {
                Action::Start => assert!(self.is_connected),
                Action::Stop => {}
                Action::Queue(tick) => self.ticks.push_back(OurTick::Receiving(tick)),
                Action::Delivered => {
                    assert!(self.has_ended);
                    let is_new = !self.end_emitted && !self.end_scheduled;
                    if is_new && self.kept.is_empty() {
                        self.end_scheduled = true;
                        self.ticks.push_back(OurTick::End);
                    }
                }
            }
        }
    }

    pub(super) fn run(&mut self, ops: &[Op]) {
        for op in ops {
            let facts = self.facts();
            let (receiving, kept) = (&mut self.receiving, &mut self.kept);
            let then = match *op {
                Op::Pause => receiving.pause(kept, facts),
                Op::Resume => receiving.resume(kept, facts),
                Op::AddData => {
                    self.program.hearers += 1;
                    receiving.data_added(self.program.readers > 0, kept, facts)
                }
                Op::RemoveData => {
                    self.program.hearers = self.program.hearers.saturating_sub(1);
                    Then::default()
                }
                Op::AddReadable => {
                    self.program.readers += 1;
                    match self.end_emitted {
                        true => Then::default(),
                        false => receiving.readable_added(kept),
                    }
                }
                Op::RemoveReadable => {
                    self.program.readers = self.program.readers.saturating_sub(1);
                    Action::Queue(Tick::CountReaders).into()
                }
                Op::Read(size) => {
                    let read = self.read(size);
                    self.program.told.push(Told::Read(read));
                    continue;
                }
                Op::Unshift(_) if self.end_emitted => Then::default(),
                Op::Unshift(count) => receiving.unshift(vec![b'u'; count], kept),
            };
            self.follow(then);
        }
    }

    pub(super) fn emit(&mut self, told: Told) {
        let ops = self.program.tell(told);
        self.run(&ops);
    }

    pub(super) fn connect(&mut self) {
        self.is_connected = true;
        let then = self.receiving.connected(self.facts());
        self.follow(then);
        if !self.receiving.flow().is_paused() {
            self.read(Some(0));
        }
    }

    pub(super) fn read(&mut self, size: Option<usize>) -> Option<Vec<u8>> {
        let facts = self.facts();
        let (read, then) = self.receiving.read(size, &mut self.kept, facts);
        self.follow(then);
        read
    }

    pub(super) fn chunk(&mut self, chunk: Vec<u8>) {
        if self.kept.lets_chunks_pass() && self.receiving.begin_passing() {
            self.emit(Told::Data(chunk));
            if self.kept.is_empty() && self.receiving.end_passing() {
                return;
            }
        } else {
            self.receiving.chunk_came();
            let is_heard = self.program.hearers > 0;
            if self.receiving.passes_on(is_heard, &self.kept) {
                self.emit(Told::Data(chunk));
            } else {
                let then = self.receiving.keep(chunk, &mut self.kept);
                self.follow(then);
            }
        }
        let then = self.receiving.chunk_is_done(&self.kept);
        self.follow(then);
    }

    pub(super) fn eof(&mut self) {
        let then = self.receiving.ended(&mut self.kept);
        self.has_ended = true;
        self.follow(then);
        self.emit_readable();
        self.read(Some(0));
    }

    pub(super) fn emit_readable(&mut self) {
        if self.receiving.emits_readable(&self.kept, self.facts()) {
            self.emit(Told::Readable);
            self.receiving.note_readable();
        }
        self.receiving.after_readable(&self.kept, self.facts());
        self.flow();
    }

    pub(super) fn flow(&mut self) {
        while self.receiving.is_flowing()
            && let Some(chunk) = self.read(None)
        {
            self.emit(Told::Data(chunk));
        }
    }

    pub(super) fn drain(&mut self) {
        while let Some(tick) = self.ticks.pop_front() {
            let facts = self.facts();
            let (receiving, kept) = (&mut self.receiving, &mut self.kept);
            let then = match tick {
                OurTick::End => {
                    self.end_scheduled = false;
                    if !self.end_emitted && self.kept.is_empty() {
                        self.end_emitted = true;
                        self.emit(Told::End);
                    }
                    continue;
                }
                OurTick::Receiving(tick) => match tick {
                    Tick::Pause => {
                        self.program.pauses += 1;
                        continue;
                    }
                    Tick::Resume => {
                        let then = receiving.resume_is_due(kept, facts);
                        self.follow(then);
                        self.emit(Told::Resume);
                        self.flow();
                        let facts = self.facts();
                        match self.receiving.is_flowing() {
                            true => self.receiving.read_unless_asked(&mut self.kept, facts),
                            false => continue,
                        }
                    }
                    Tick::Unshifted => {
                        receiving.emission_is_due();
                        self.flow();
                        continue;
                    }
                    Tick::Readable => {
                        self.emit_readable();
                        continue;
                    }
                    Tick::CountReaders => {
                        let (readers, hearers) = (self.program.readers, self.program.hearers);
                        receiving.count_readers(readers > 0, hearers > 0, kept, facts)
                    }
                    Tick::ReadNothing => receiving.read(Some(0), kept, facts).1,
                    Tick::Ask => receiving.ask_is_due(kept, facts),
                },
            };
            self.follow(then);
        }
    }
}
