//! Floor 2, the kernel: mio, the slab, and what the system does for us. It knows no user callback.

pub(crate) mod clock;
pub(crate) mod connector;
pub(crate) mod descriptor;
pub(crate) mod host_name;
pub(crate) mod listener;
pub(crate) mod mailbox;
pub(crate) mod offer;
pub(crate) mod options;
pub(crate) mod pipe;
pub(crate) mod reactor;
pub(crate) mod resolver;
pub(crate) mod signals;
pub(crate) mod stream;

/// The call that failed, and its error, where several calls may fail.
pub(crate) type Failed = (&'static str, std::io::Error);
