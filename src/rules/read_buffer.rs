//! The buffer that a loop reads into.

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
