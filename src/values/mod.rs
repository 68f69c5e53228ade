//! Floor 0, the values: addresses, block lists, encodings and lines. They know no loop.

pub(crate) mod address;
pub(crate) mod block_list;
pub(crate) mod decoder;
pub(crate) mod lines;
