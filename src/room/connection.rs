//! One connection: its stream, and where it stands in its life.

use super::stream::Stream;
use crate::rules::state::socket::Standing;

#[derive(Debug)]
pub(crate) struct Connection {
    /// None before `connect` and after `destroy`.
    pub(crate) stream: Option<Stream>,
    pub(crate) state: Standing,
    pub(crate) bytes_read: u64,
    /// It stands in the pending queue.
    pub(crate) is_put_off: bool,
    /// The kernel has told that it has failed, or that both halves have ended.
    pub(crate) is_over: bool,
}

impl Connection {
    pub(crate) fn new(stream: Option<Stream>, state: Standing) -> Connection {
        Connection {
            stream,
            state,
            bytes_read: 0,
            is_put_off: false,
            is_over: false,
        }
    }
}
