//! Whether there are descriptors for what the command line asks for.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// How many connections there are descriptors for, beside what is open already. None if the limit is not
/// known, as without /proc.
///
/// # Errors
/// There is not a single one.
pub(crate) fn left() -> io::Result<Option<usize>> {
    let next = io::stdin().as_fd().try_clone_to_owned()?;
    let used = usize::try_from(next.as_raw_fd()).unwrap_or(0);
    Ok(limit().map(|limit| limit.saturating_sub(used)))
}

/// How many are open now, as far as /proc tells.
pub(crate) fn open() -> Option<usize> {
    // Without the one with which it is counted.
    Some(
        std::fs::read_dir("/proc/self/fd")
            .ok()?
            .count()
            .saturating_sub(1),
    )
}

/// The soft limit, `ulimit -n`.
pub(crate) fn limit() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
