//! Node's own code, in Rust.

use std::collections::VecDeque;

use super::program::{Op, Program, Told};

pub(super) enum NodeTick {
    MaybeReadMore,
    EmitReadable,
    Resume,
    UpdateReadableListening,
    ReadNothing,
    End,
    /// Not Node's: what Node emits inside `unshift`, we emit from a tick.
    Flow,
}

/// Node 26: `lib/internal/streams/readable.js`, the bits of its state as fields of the same names, and
/// the `_read` of `lib/net.js`.
#[derive(Default)]
pub(super) struct Node {
    pub(super) program: Program,
    pub(super) ticks: VecDeque<NodeTick>,
    pub(super) buffer: VecDeque<Vec<u8>>,
    pub(super) high_water_mark: usize,
    pub(super) has_flowing: bool,
    pub(super) flowing: bool,
    pub(super) has_paused: bool,
    pub(super) paused: bool,
    pub(super) need_readable: bool,
    pub(super) emitted_readable: bool,
    pub(super) readable_listening: bool,
    pub(super) reading: bool,
    pub(super) reading_more: bool,
    pub(super) resume_scheduled: bool,
    pub(super) ended: bool,
    pub(super) end_scheduled: bool,
    pub(super) end_emitted: bool,
    pub(super) is_connected: bool,
    pub(super) waits_for_connect: bool,
    pub(super) handle_reading: bool,
    /// Not Node's: what was put back while the data flows, heard or not, is emitted from a tick.
    pub(super) flow_is_due: bool,
}

impl Node {
    pub(super) fn length(&self) -> usize {
        self.buffer.iter().map(Vec::len).sum()
    }

    pub(super) fn run(&mut self, ops: &[Op]) {
        for op in ops {
            match *op {
                Op::Pause => self.pause(),
                Op::Resume => self.resume(),
                Op::AddData => {
                    self.program.hearers += 1;
                    self.readable_listening |= self.program.readers > 0;
                    if !self.has_flowing || self.flowing {
                        self.resume();
                    }
                }
                Op::RemoveData => self.program.hearers = self.program.hearers.saturating_sub(1),
                Op::AddReadable => self.on_readable(),
                Op::RemoveReadable => {
                    self.program.readers = self.program.readers.saturating_sub(1);
                    self.ticks.push_back(NodeTick::UpdateReadableListening);
                }
                Op::Read(size) => {
                    let read = self.read(size);
                    self.program.told.push(Told::Read(read));
                }
                Op::Unshift(count) => self.unshift(count),
            }
        }
    }

    pub(super) fn emit(&mut self, told: Told) {
        let ops = self.program.tell(told);
        self.run(&ops);
    }

    pub(super) fn connect(&mut self) {
        self.is_connected = true;
        if self.waits_for_connect {
            self.handle_reading = true;
        }
        if !self.is_paused() {
            self.read(Some(0));
        }
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused || self.has_flowing && !self.flowing
    }

    pub(super) fn pause(&mut self) {
        if !self.has_flowing || self.flowing {
            (self.has_flowing, self.flowing) = (true, false);
            self.program.pauses += 1;
        }
        (self.has_paused, self.paused) = (true, true);
    }

    pub(super) fn resume(&mut self) {
        if !self.flowing {
            self.has_flowing = true;
            self.flowing = !self.readable_listening;
            if !self.resume_scheduled {
                self.resume_scheduled = true;
                self.ticks.push_back(NodeTick::Resume);
            }
        }
        (self.has_paused, self.paused) = (true, false);
    }

    pub(super) fn on_readable(&mut self) {
        self.program.readers += 1;
        if self.end_emitted || self.readable_listening {
            return;
        }
        (
            self.readable_listening,
            self.need_readable,
            self.has_flowing,
        ) = (true, true, true);
        (self.flowing, self.emitted_readable) = (false, false);
        if self.length() > 0 {
            self.emit_readable();
        } else if !self.reading {
            self.ticks.push_back(NodeTick::ReadNothing);
        }
    }

    pub(super) fn update_readable_listening(&mut self) {
        self.readable_listening = self.program.readers > 0;
        if self.has_paused && self.resume_scheduled && !self.paused {
            (self.has_flowing, self.flowing) = (true, true);
        } else if self.program.hearers > 0 {
            self.resume();
        } else if !self.readable_listening {
            (self.has_flowing, self.flowing) = (false, false);
        }
    }

    pub(super) fn unshift(&mut self, count: usize) {
        if self.end_emitted {
            return;
        }
        let flows = self.flowing;
        let bytes = vec![b'u'; count];
        if flows && self.buffer.is_empty() {
            self.buffer.push_front(bytes);
            self.flow_is_due = true;
            self.ticks.push_back(NodeTick::Flow);
        } else if flows && self.flow_is_due {
            self.buffer.push_back(bytes);
        } else {
            self.buffer.push_front(bytes);
            if self.need_readable {
                self.emit_readable();
            }
        }
        self.maybe_read_more();
    }

    /// `onStreamRead`, `push` and `addChunk`.
    pub(super) fn chunk(&mut self, chunk: Vec<u8>) {
        self.reading = false;
        if self.flowing && self.program.hearers > 0 && self.buffer.is_empty() {
            self.emit(Told::Data(chunk));
        } else {
            self.buffer.push_back(chunk);
            if self.need_readable {
                self.emit_readable();
            }
        }
        self.maybe_read_more();
        let length = self.length();
        let is_full = length >= self.high_water_mark && length > 0 && !self.flow_is_due;
        if self.ended || is_full {
            self.handle_reading = false;
        }
    }

    /// `onStreamRead` and `onEofChunk`.
    pub(super) fn eof(&mut self) {
        self.handle_reading = false;
        self.reading = false;
        self.ended = true;
        self.need_readable = false;
        self.emitted_readable = true;
        self.emit_readable_();
        self.read(Some(0));
    }

    pub(super) fn how_much_to_read(&self, size: Option<usize>) -> usize {
        let length = self.length();
        match size {
            Some(0) => 0,
            _ if length == 0 => 0,
            None => self.buffer[0].len(),
            Some(size) if size <= length => size,
            Some(_) if self.ended => length,
            Some(_) => 0,
        }
    }

    pub(super) fn read(&mut self, size: Option<usize>) -> Option<Vec<u8>> {
        if let Some(size) = size
            && size > self.high_water_mark
        {
            self.high_water_mark = size.next_power_of_two();
        }
        if size != Some(0) {
            self.emitted_readable = false;
        }
        let length = self.length();
        let is_full = match self.high_water_mark {
            0 => length > 0,
            mark => length >= mark,
        };
        if size == Some(0) && self.need_readable && (is_full || self.ended) {
            if length == 0 && self.ended {
                self.end_readable();
            } else {
                self.emit_readable();
            }
            return None;
        }
        let count = self.how_much_to_read(size);
        if count == 0 && self.ended {
            if length == 0 {
                self.end_readable();
            }
            return None;
        }
        self.ask(length, count);
        let taken = self.take_from_list(count);
        self.need_readable |= count == 0 && length <= self.high_water_mark;
        if self.buffer.is_empty() {
            self.need_readable |= !self.ended;
            if self.ended && size != Some(count) {
                self.end_readable();
            }
        }
        (count > 0).then_some(taken)
    }

    /// The part of `read` that calls `_read`.
    fn ask(&mut self, length: usize, count: usize) {
        let asks = self.need_readable || length == 0 || length - count < self.high_water_mark;
        if asks && !self.reading && !self.ended {
            self.reading = true;
            self.need_readable |= length == 0;
            if self.is_connected {
                self.handle_reading = true;
            } else {
                self.waits_for_connect = true;
            }
        }
    }

    fn take_from_list(&mut self, count: usize) -> Vec<u8> {
        let mut taken = Vec::new();
        while taken.len() < count {
            let mut chunk = self.buffer.pop_front().expect("so much waits");
            let rest = chunk.split_off(chunk.len().min(count - taken.len()));
            taken.extend(chunk);
            if !rest.is_empty() {
                self.buffer.push_front(rest);
            }
        }
        taken
    }

    pub(super) fn end_readable(&mut self) {
        if !self.end_emitted && !self.end_scheduled {
            self.end_scheduled = true;
            self.ticks.push_back(NodeTick::End);
        }
    }

    pub(super) fn emit_readable(&mut self) {
        self.need_readable = false;
        if !self.emitted_readable {
            self.emitted_readable = true;
            self.ticks.push_back(NodeTick::EmitReadable);
        }
    }

    pub(super) fn emit_readable_(&mut self) {
        if !self.buffer.is_empty() || self.ended {
            self.emit(Told::Readable);
            self.emitted_readable = false;
        }
        let has_room = self.length() <= self.high_water_mark;
        self.need_readable |= !self.flowing && !self.ended && has_room;
        self.flow();
    }

    pub(super) fn maybe_read_more(&mut self) {
        if !self.reading_more && !self.reading {
            self.reading_more = true;
            self.ticks.push_back(NodeTick::MaybeReadMore);
        }
    }

    pub(super) fn maybe_read_more_(&mut self) {
        let (length, mark) = (self.length(), self.high_water_mark);
        if !self.reading && !self.ended && (length < mark || self.flowing && length == 0) {
            self.read(Some(0));
        }
        self.reading_more = false;
    }

    pub(super) fn flow(&mut self) {
        while self.flowing
            && let Some(chunk) = self.read(None)
        {
            self.emit(Told::Data(chunk));
        }
    }

    pub(super) fn drain(&mut self) {
        while let Some(tick) = self.ticks.pop_front() {
            match tick {
                NodeTick::MaybeReadMore => self.maybe_read_more_(),
                NodeTick::EmitReadable => self.emit_readable_(),
                NodeTick::Resume => {
                    if !self.reading {
                        self.read(Some(0));
                    }
                    self.resume_scheduled = false;
                    self.emit(Told::Resume);
                    self.flow();
                    if self.flowing && !self.reading {
                        self.read(Some(0));
                    }
                }
                NodeTick::UpdateReadableListening => self.update_readable_listening(),
                NodeTick::Flow => {
                    self.flow_is_due = false;
                    self.flow();
                }
                NodeTick::ReadNothing => _ = self.read(Some(0)),
                NodeTick::End => {
                    self.end_scheduled = false;
                    if !self.end_emitted && self.buffer.is_empty() {
                        self.end_emitted = true;
                        self.emit(Told::End);
                    }
                }
            }
        }
    }
}
