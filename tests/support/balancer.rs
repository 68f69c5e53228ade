//! A real HAProxy before servers of ours.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) struct Balancer {
    haproxy: Child,
    config: PathBuf,
}

impl Balancer {
    /// Starts it at a socket that listens already, with these lines in its backend. None if there is no
    /// HAProxy.
    pub(crate) fn start(listener: TcpListener, backend: &str) -> Option<Balancer> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("netloop-haproxy-{}-{number}.cfg", std::process::id());
        let config = std::env::temp_dir().join(name);
        let text = format!(
            "global
 maxconn 1000
 stats socket {}
defaults
 mode tcp
 timeout connect 10s
 timeout client 60s
 timeout server 60s
 timeout check 10s
frontend front
 bind fd@0
 default_backend back
backend back
 {backend}
",
            config.with_extension("sock").display()
        );
        std::fs::write(&config, text).expect("a file of our own");
        let mut command = Command::new("haproxy");
        command.args(["-db", "-f"]).arg(&config);
        command.stdin(OwnedFd::from(listener));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let started = command.spawn();
        if started.is_err() {
            _ = std::fs::remove_file(&config);
        }
        started.ok().map(|haproxy| Balancer { haproxy, config })
    }

    /// Whether it finds this server of its backend healthy.
    pub(crate) fn finds_up(&self, server: &str) -> bool {
        let Ok(mut socket) = UnixStream::connect(self.config.with_extension("sock")) else {
            return false;
        };
        let mut states = String::new();
        let asked = socket.write_all(b"show servers state back\n");
        asked
            .and_then(|()| socket.read_to_string(&mut states))
            .expect("it answers");
        // Its name is the fourth of a line, its state the sixth: 2 is up.
        let is_up = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            words.get(3) == Some(&server) && words.get(5) == Some(&"2")
        };
        states.lines().any(is_up)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        _ = self.haproxy.kill();
        _ = self.haproxy.wait();
        _ = std::fs::remove_file(&self.config);
        _ = std::fs::remove_file(self.config.with_extension("sock"));
    }
}
