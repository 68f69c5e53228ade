//! Servers at a path: whose the file is, and who may take it over or away.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use crate::program::Program;
use crate::server::{injected, signal_child};
use crate::stage::{connect_path, own_path, read};

const ADVICE: &str = "if no server is listening there, remove the file";

fn at_path(path: &Path) -> Program {
    Program::netloop(&["server", "--path", path.to_str().unwrap()])
}

#[track_caller]
fn listens(server: &Program, path: &Path) {
    server.expect(&format!("listening on {}..", path.display()));
}

/// What the log of a server says that is started at this path, and ends.
#[track_caller]
fn refused_at(path: &Path) -> String {
    let (status, lines, log) = at_path(path).end();
    let told = format!(
        "listen EADDRINUSE: address already in use {}\n",
        path.display()
    );
    assert_eq!((status.code(), lines.len()), (Some(1), 0));
    assert_eq!(log.matches(&told).count(), 1, "{log}");
    log
}

/// Leaves the file of a server that was killed.
#[track_caller]
fn killed_at(path: &Path) {
    let mut server = at_path(path);
    listens(&server, path);
    server.signal("KILL");
    server.end();
    assert!(path.exists());
}

#[track_caller]
fn stops_and_leaves_nothing(mut server: Program, path: &Path) {
    server.signal("TERM");
    assert_eq!(server.end().0.code(), Some(0));
    assert!(!path.exists() && !lock_of(path).exists());
}

fn lock_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

#[test]
fn the_file_of_a_killed_server_is_taken_over_and_that_of_a_living_one_is_not() {
    let path = own_path("killed");
    killed_at(&path);
    let server = at_path(&path);
    listens(&server, &path);
    assert_eq!(read(&mut connect_path(&path), 7), b"Welcome");
    assert!(refused_at(&path).contains("a server is listening there"));
    assert_eq!(read(&mut connect_path(&path), 7), b"Welcome");
    stops_and_leaves_nothing(server, &path);
}

#[test]
fn no_file_is_taken_over_but_that_which_a_killed_server_has_left() {
    let path = own_path("foreign");
    // Another program's, dead; then one that lives, where a server of ours was killed before.
    drop(UnixListener::bind(&path).unwrap());
    assert!(refused_at(&path).contains(ADVICE));
    std::fs::remove_file(&path).unwrap();
    killed_at(&path);
    std::fs::remove_file(&path).unwrap();
    let living = UnixListener::bind(&path).unwrap();
    assert!(refused_at(&path).contains(ADVICE));
    drop(connect_path(&path));
    living.accept().unwrap();
    std::fs::remove_file(&path).unwrap();
    // What is no socket.
    std::fs::write(&path, "precious").unwrap();
    assert!(refused_at(&path).contains(ADVICE));
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    std::fs::remove_file(&path).unwrap();
    // What only has the name of a lock.
    std::fs::write(lock_of(&path), "precious").unwrap();
    let mut server = at_path(&path);
    listens(&server, &path);
    assert_eq!(read(&mut connect_path(&path), 7), b"Welcome");
    server.signal("TERM");
    assert!(server.end().2.contains("not a lock of netloop"));
    assert_eq!(std::fs::read(lock_of(&path)).unwrap(), b"precious");
    std::fs::remove_file(lock_of(&path)).unwrap();
}

#[test]
fn of_three_that_start_at_once_at_the_path_of_a_killed_server_exactly_one_wins() {
    let path = own_path("three");
    let rounds = std::env::var("NETLOOP_ROUNDS");
    let rounds = rounds.map_or(10, |rounds| rounds.parse().unwrap());
    for round in 0..rounds {
        killed_at(&path);
        let servers = [(); 3].map(|()| at_path(&path));
        let (mut won, lost): (Vec<_>, Vec<_>) = servers
            .into_iter()
            .map(|server| (server.line_if_any(), server))
            .partition(|(line, _)| line.is_some());
        assert_eq!(won.len(), 1, "{round}");
        for (_, mut server) in lost {
            let (status, _, log) = server.end();
            assert_eq!(status.code(), Some(1));
            assert!(log.contains("] listen EADDRINUSE"), "{log}");
        }
        assert_eq!(read(&mut connect_path(&path), 7), b"Welcome");
        stops_and_leaves_nothing(won.remove(0).1, &path);
    }
}

#[test]
fn the_file_of_a_successor_stays_when_a_server_stops() {
    let path = own_path("successor");
    let mut former = at_path(&path);
    listens(&former, &path);
    std::fs::remove_file(&path).unwrap();
    let mut server = at_path(&path);
    listens(&server, &path);
    former.signal("TERM");
    let (status, _, log) = former.end();
    assert_eq!(status.code(), Some(0));
    assert!(
        log.contains("another file has taken the place of ours"),
        "{log}"
    );
    assert_eq!(read(&mut connect_path(&path), 7), b"Welcome");
    // The successor's lock stays as well: it can be taken over from.
    server.signal("KILL");
    server.end();
    let next = at_path(&path);
    listens(&next, &path);
    stops_and_leaves_nothing(next, &path);
}

#[test]
fn a_file_that_cannot_be_removed_is_told() {
    let path = own_path("stays");
    let options = ["-e", "trace=unlink", "-e", "inject=unlink:error=EACCES"];
    let Some(mut server) = injected(&options, &["--path", path.to_str().unwrap()]) else {
        return;
    };
    listens(&server, &path);
    signal_child(&server, "TERM");
    let (_, _, log) = server.end();
    assert_eq!(log.matches("Permission denied").count(), 2, "{log}");
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_file(lock_of(&path)).unwrap();
}
