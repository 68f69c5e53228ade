//! The buffer that a loop reads into, and how much of one socket it reads.

/// Node's size of a read.
pub(crate) const READ_BUFFER: usize = 64 * 1024;

/// The size of a page, or of several.
const PAGE: usize = 4096;

/// So many bytes, from the begin of a page on.
///
/// An allocator puts a large piece just behind the begin of a page, where its own header stands.
/// There some processors are several times slower at copying what the kernel keeps in pages: on an
/// AMD EPYC an echo of 16 KiB cost 1.7 times as much.
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

/// What one socket gives Node in a turn at most: 32 reads.
const BURST: usize = 32 * READ_BUFFER;

/// What one socket may give in a turn, and when a socket that had more is served in the next.
pub(crate) struct Burst {
    pub(crate) bytes: usize,
    /// Behind those that are newly ready, or before them.
    pub(crate) goes_last: bool,
}

impl Default for Burst {
    /// Node's: level-triggered epoll tells first of those that have more.
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
        assert_eq!(ReadBuffer::default().bytes(), []);
    }
}
