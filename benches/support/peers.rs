//! The servers of a run: which there are, how each is built and started, and which are missing.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::machine;
use super::report::Report;
use super::server::Server;

/// The variable that asks a bench executable to be a server, with the server's name.
pub(crate) const SERVE: &str = "NETLOOP_BENCH_SERVE";

/// One kind of server.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// The name in tables and filters.
    pub(crate) name: &'static str,
    /// Its version or how it was built, for the reader.
    pub(crate) note: String,
    program: PathBuf,
    arguments: Vec<String>,
    /// What the environment asks this executable to be.
    serve: Option<&'static str>,
}

/// The peers of a run and the reasons why others are none.
pub(crate) struct Field {
    /// Those that can run; the floor first.
    pub(crate) peers: Vec<Peer>,
    /// Name and reason of those that cannot.
    pub(crate) missing: Vec<(&'static str, String)>,
}

impl Peer {
    fn program(name: &'static str, note: String, program: PathBuf, arguments: &[&str]) -> Peer {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        Peer {
            name,
            note,
            program,
            arguments,
            serve: None,
        }
    }

    /// A Rust peer: this executable again, asked by its environment to be that server.
    fn of_this_executable(name: &'static str, note: &str) -> io::Result<Peer> {
        let program = std::env::current_exe()?;
        Ok(Peer {
            name,
            note: note.to_owned(),
            program,
            arguments: Vec::new(),
            serve: Some(name),
        })
    }

    /// The bare mio loop, which is always there.
    pub(crate) fn bare_mio() -> io::Result<Peer> {
        Peer::of_this_executable("bare mio", "mio and slab, short-read rule")
    }

    /// A program on netloop's public API.
    fn public_api() -> io::Result<Peer> {
        Peer::of_this_executable("public API", "netloop as a library, Node's defaults")
    }

    /// tokio.
    fn tokio() -> io::Result<Peer> {
        Peer::of_this_executable(
            "tokio",
            "current thread, a task for each connection, one buffer",
        )
    }

    /// The same server under another name.
    pub(crate) fn named(&self, name: &'static str) -> Peer {
        Peer {
            name,
            ..self.clone()
        }
    }

    /// The file that is started.
    pub(crate) fn executable(&self) -> &Path {
        &self.program
    }

    /// Starts it on the servers' processor.
    pub(crate) fn start(&self) -> io::Result<Server> {
        if machine::can_pin() {
            self.start_under(&["taskset", "-c", &machine::SERVER_PROCESSOR.to_string()])
        } else {
            self.start_under(&[])
        }
    }

    /// Starts it under another program that watches it or changes its circumstances.
    pub(crate) fn start_under(&self, prefix: &[&str]) -> io::Result<Server> {
        let mut command = match prefix {
            [] => Command::new(&self.program),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(&self.program);
                command
            }
        };
        command.args(&self.arguments);
        if let Some(name) = self.serve {
            command.env(SERVE, name);
        }
        Server::start(&mut command)
    }
}

impl Field {
    /// Finds and builds all there are.
    pub(crate) fn find() -> Field {
        let candidates = [
            ("floor", floor()),
            ("netloop", netloop()),
            (
                "public API",
                Peer::public_api().map_err(|error| error.to_string()),
            ),
            (
                "bare mio",
                Peer::bare_mio().map_err(|error| error.to_string()),
            ),
            ("libuv", libuv()),
            ("tokio", Peer::tokio().map_err(|error| error.to_string())),
            ("node", node()),
        ];
        let mut field = Field {
            peers: Vec::new(),
            missing: Vec::new(),
        };
        for (name, candidate) in candidates {
            match candidate.and_then(|peer| trial(&peer).map(|()| peer)) {
                Ok(peer) => field.peers.push(peer),
                Err(reason) => field.missing.push((name, reason)),
            }
        }
        field
    }

    /// What all others are divided by: the floor, or the next barest where it cannot be built.
    pub(crate) fn base(&self) -> &Peer {
        let by_name = |name| self.peers.iter().find(|peer| peer.name == name);
        by_name("floor")
            .or_else(|| by_name("bare mio"))
            .expect("this executable serves bare mio")
    }

    /// Says who is there and who is not.
    pub(crate) fn announce(&self, report: &Report) {
        for peer in &self.peers {
            report.say(&format!("  {:<10} {}", peer.name, peer.note));
        }
        for (name, reason) in &self.missing {
            report.say(&format!("  {name:<10} MISSING: {reason}"));
        }
    }
}

/// A peer counts as there when it starts and listens.
fn trial(peer: &Peer) -> Result<(), String> {
    peer.start()
        .map(drop)
        .map_err(|error| format!("does not start: {error}"))
}

/// The server of the program.
fn netloop() -> Result<Peer, String> {
    let arguments = [
        "server",
        "--echo",
        "--quiet",
        "--welcome=",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
    ];
    if !cfg!(feature = "cli") {
        return Err("built without its feature, cli".to_owned());
    }
    let note = arguments[..4].join(" ");
    Ok(Peer::program("netloop", note, released()?, &arguments))
}

/// Builds the program as it is released: the benches have another profile.
fn released() -> Result<PathBuf, String> {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_netloop"));
    let folder = program.ancestors().nth(2).expect("it is in target/release");
    let built = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("CARGO_BUILD_TARGET")
        .args(["build", "--quiet", "--release", "--bin", "netloop"])
        .arg("--target-dir")
        .arg(folder)
        .status();
    match built {
        Ok(status) if status.success() => Ok(program),
        _ => Err("cargo does not build it".to_owned()),
    }
}

fn floor() -> Result<Peer, String> {
    let program = compile("floor", &[])?;
    let note = format!("bare level-triggered epoll, {}", compiler());
    Ok(Peer::program("floor", note, program, &["0"]))
}

fn libuv() -> Result<Peer, String> {
    let flags = machine::output("pkg-config", &["--cflags", "--libs", "libuv"])
        .ok_or("pkg-config finds no libuv (its development package)")?;
    let version = machine::output("pkg-config", &["--modversion", "libuv"]).unwrap_or_default();
    let program = compile("libuv", &flags.split_whitespace().collect::<Vec<_>>())?;
    Ok(Peer::program("libuv", version, program, &["0"]))
}

fn node() -> Result<Peer, String> {
    let program = machine::node();
    let version = machine::output(&program, &["--version"])
        .ok_or("no node on the path, nor in NETLOOP_NODE")?;
    let script = source("node.js").display().to_string();
    Ok(Peer::program(
        "node",
        version,
        PathBuf::from(program),
        &[&script, "0"],
    ))
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("benches/peers")
        .join(name)
}

fn compiler() -> String {
    let version = machine::output("cc", &["--version"]).unwrap_or_default();
    format!(
        "{} -O3 -march=native",
        version.lines().next().unwrap_or("cc")
    )
}

/// Builds a peer in C into the suite's folder.
fn compile(name: &str, flags: &[&str]) -> Result<PathBuf, String> {
    let program = machine::folder().join(name);
    let output = Command::new("cc")
        .args(["-O3", "-march=native", "-Wall", "-Wextra", "-o"])
        .arg(&program)
        .arg(source(&format!("{name}.c")))
        .args(flags)
        .output()
        .map_err(|_| "no C compiler (cc)".to_owned())?;
    if output.status.success() {
        return Ok(program);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let first = complaint.lines().find(|line| line.contains("error"));
    Err(format!(
        "does not compile: {}",
        first.unwrap_or("cc failed")
    ))
}
