//! The buffer that a loop reads into, and how much it reads from one socket.

/// Node's size of a read.
pub(crate) const READ_BUFFER: usize = 64 * 1024;

/// The size of a page, or of several.
const PAGE: usize = 4096;

/// A buffer that begins at a page boundary.
///
/// An allocator places a large block just behind a page boundary, after its own header. From there
/// some processors copy the kernel's pages several times more slowly: on an AMD EPYC an echo of
/// 16 KiB cost 1.7 times as much.
#[derive(Default)]
pub(crate) struct ReadBuffer {
    memory: Box<[u8]>,
    start: usize,
    length: usize,
}

impl ReadBuffer {
    pub(crate) fn new(length: usize) -> ReadBuffer {
        let memory = vec![0; length + PAGE].into_boxed_slice();
        let start = memory.as_ptr().align_offset(PAGE).min(PAGE);
        ReadBuffer {
            memory,
            start,
            length,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length]
    }
}

/// The most that Node reads from one socket in a turn: 32 reads.
const BURST: usize = 32 * READ_BUFFER;

/// How much one turn reads from a socket, and when the next turn serves a socket that has more.
pub(crate) struct Burst {
    pub(crate) bytes: usize,
    /// Whether it is served after the sockets that are newly ready, and not before them.
    pub(crate) goes_last: bool,
}

impl Default for Burst {
    /// Node's: level-triggered epoll reports sockets with more data first.
    fn default() -> Burst {
        Burst {
            bytes: BURST,
            goes_last: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_as_long_as_asked_and_begins_at_a_page() {
        for length in [1, 4096, 65_536, 262_144] {
            let mut buffer = ReadBuffer::new(length);
            assert_eq!((buffer.len(), buffer.bytes().len()), (length, length));
            assert_eq!(buffer.bytes().as_ptr().addr() % PAGE, 0);
        }
        assert!(ReadBuffer::default().bytes().is_empty());
    }
}
