//! Whose a path is. A killed server leaves its socket file, and nothing about that file tells whether
//! a server listens there: a living one refuses connections as well, between its bind and its listen.
//!
//! So beside the file stands another one, `PATH.lock`, which names it, and which the server holds locked
//! as long as it lives (flock(2)). It is made after the bind, for only one can bind a path that is free.
//! A server that finds the path taken may take it over if the lock is free and names the very file that
//! stands there.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use netloop::{Error, Server};

/// Claims the path that this server has just bound, if it is at one.
pub(crate) fn stake(server: &mut Server<'_>) {
    if !server.is_listening() {
        return;
    }
    let Some(path) = server.path().map(Path::to_path_buf) else {
        return;
    };
    match Claim::of(&path) {
        Ok(claim) => _ = server.set_data(claim),
        Err(error) => log::warn!(
            "{}.lock: {error}; if this server is killed, remove {0}",
            path.display()
        ),
    }
}

/// Has a server listen, in this way, at the path of one that has died.
///
/// # Errors
/// Why that cannot be, in words.
pub(crate) fn take_over(
    server: &mut Server<'_>,
    path: &Path,
    listen: impl FnOnce(&mut Server<'_>) -> Result<(), Error>,
) -> Result<(), String> {
    let _held = clear(path)?;
    log::info!(
        "{}: its server has died, its file is removed",
        path.display()
    );
    listen(server).map_err(|error| error.to_string())?;
    stake(server);
    Ok(())
}

/// Gives up the path, before the server closes.
pub(crate) fn give_up(server: &mut Server<'_>) {
    drop(server.take_data::<Claim>());
}

/// The lock, held. It is given up, and its file removed, when this is dropped: before the socket file
/// is, so that no other process can have made a lock at this path meanwhile.
struct Claim {
    file: File,
    path: PathBuf,
}

impl Claim {
    /// Claims a path that this process has just bound.
    fn of(path: &Path) -> io::Result<Claim> {
        let beside = beside(path);
        if let Ok(mut former) = options().open(&beside) {
            if !is_lock(&read(&mut former)?) {
                return Err(io::Error::other("not a lock of netloop"));
            }
            fs::remove_file(&beside)?;
        }
        let file = options().create_new(true).open(&beside)?;
        let mut claim = Claim { file, path: beside };
        // Who only looks whether it is free soon lets go of it.
        claim.file.lock()?;
        claim.file.write_all(name_of(path)?.as_bytes())?;
        Ok(claim)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let removed = is_at(&self.file, &self.path).and_then(|is_ours| match is_ours {
            true => fs::remove_file(&self.path),
            false => Ok(()),
        });
        if let Err(error) = removed
            && error.kind() != io::ErrorKind::NotFound
        {
            log::warn!("{}: {error}", self.path.display());
        }
    }
}

/// Removes the file of a server that has died. What is returned is to be held until the path is
/// bound: others leave it alone meanwhile.
///
/// # Errors
/// Why the file stays, in words.
fn clear(path: &Path) -> Result<File, String> {
    let beside = beside(path);
    let failed = |error: io::Error| format!("{}: {error}", beside.display());
    let mut lock = match options().open(&beside) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(ADVICE.into());
        }
        Err(error) => return Err(failed(error)),
    };
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err("a server is listening there".into()),
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    let is_in_place = is_at(&lock, &beside).map_err(failed)?;
    let named = read(&mut lock).map_err(failed)?;
    if !is_in_place || name_of(path).map_err(failed)? != named {
        return Err(ADVICE.into());
    }
    // From here on it names nothing: the next file may get the same inode.
    lock.set_len(0).map_err(failed)?;
    fs::remove_file(path).map_err(failed)?;
    Ok(lock)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".lock");
    name.into()
}

/// Never through a symbolic link.
fn options() -> OpenOptions {
    let mut options = File::options();
    let options_of_open = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    options
        .read(true)
        .write(true)
        .mode(0o600)
        .custom_flags(options_of_open);
    options
}

const ADVICE: &str = "if no server is listening there, remove the file";

const TITLE: &str = "netloop socket ";

/// What tells the socket file at a path from every other: the inode of one that was removed may be given
/// to the next, but not with the same time.
fn name_of(path: &Path) -> io::Result<String> {
    let file = fs::symlink_metadata(path)?;
    if !file.file_type().is_socket() {
        return Ok("no socket".into());
    }
    let (device, inode) = (file.dev(), file.ino());
    let (seconds, nanos) = (file.mtime(), file.mtime_nsec());
    Ok(format!("{TITLE}{device} {inode} {seconds}.{nanos:09}\n"))
}

/// One that names nothing is a lock as well: of a server that is starting, or has died so.
fn is_lock(text: &str) -> bool {
    text.is_empty() || text.starts_with(TITLE)
}

fn read(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(256).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let (ours, there) = (file.metadata()?, fs::symlink_metadata(path)?);
    Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino()))
}
