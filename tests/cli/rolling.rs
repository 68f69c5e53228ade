//! Restarts that no client notices: behind a real HAProxy, and of several processes on one port.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::balancer::Balancer;
use crate::listening::until;
use crate::network;
use crate::program::Program;
use crate::stage::{LIMIT, connect};
use crate::support::skipped;

/// A port that nobody else is given while this is held, and at which one of ours may listen.
struct Kept(socket2::Socket);

impl Kept {
    fn new() -> Kept {
        let kind = socket2::Type::STREAM;
        let socket = socket2::Socket::new(socket2::Domain::IPV4, kind, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).unwrap();
        Kept(socket)
    }

    fn port(&self) -> u16 {
        let bound = self.0.local_addr().unwrap();
        bound.as_socket().unwrap().port()
    }
}

/// A server behind the balancer: where it listens, whatever process that is.
struct Instance {
    name: &'static str,
    clients: Kept,
    metrics: Kept,
}

impl Instance {
    fn new(name: &'static str) -> Instance {
        Instance {
            name,
            clients: Kept::new(),
            metrics: Kept::new(),
        }
    }

    /// Starts it, and waits until the balancer sends it clients.
    fn start(&self, balancer: &Balancer) -> Program {
        let port = self.clients.port().to_string();
        let metrics = format!("tcp:127.0.0.1:{}", self.metrics.port());
        let server = Program::netloop(&[
            "server",
            "--echo",
            "--quiet",
            "--grace",
            "300ms",
            "--proxy-protocol",
            "127.0.0.1",
            "--port",
            &port,
            "--metrics",
            &metrics,
        ]);
        until("it is up", || balancer.finds_up(self.name));
        server
    }

    /// Its line in the configuration.
    fn line(&self) -> String {
        let (port, check) = (self.clients.port(), self.metrics.port());
        format!(
            "server {} 127.0.0.1:{port} send-proxy-v2 check port {check}",
            self.name
        )
    }
}

/// What a client does: it is greeted, has something sent back now and a little later, and leaves.
fn visit(port: u16) -> io::Result<()> {
    let mut socket = TcpStream::connect(("127.0.0.1", port))?;
    socket.set_read_timeout(Some(LIMIT))?;
    let expect = |socket: &mut TcpStream, text: &[u8]| {
        let mut bytes = vec![0; text.len()];
        socket.read_exact(&mut bytes)?;
        assert_eq!(bytes, text);
        Ok::<_, io::Error>(())
    };
    expect(&mut socket, b"Welcome")?;
    for text in [b"now", b"bye"] {
        socket.write_all(text)?;
        expect(&mut socket, text)?;
        std::thread::sleep(Duration::from_millis(10));
    }
    socket.shutdown(Shutdown::Write)?;
    assert_eq!(socket.read_to_end(&mut Vec::new())?, 0);
    Ok(())
}

/// How many visits a second, and by how many clients at the same time.
const RATE: u32 = 200;
const CLIENTS: u32 = 20;

/// Visits at a steady rate until it is to stop.
fn visits(port: u16, is_over: &AtomicBool, count: &AtomicUsize) {
    let mut next = Instant::now();
    while !is_over.load(Ordering::Relaxed) {
        if let Err(error) = visit(port) {
            is_over.store(true, Ordering::Relaxed);
            panic!("a client sees {error}");
        }
        count.fetch_add(1, Ordering::Relaxed);
        next += Duration::from_secs(1) * CLIENTS / RATE;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

#[test]
fn no_client_sees_an_error_in_twenty_rolling_restarts_behind_haproxy() {
    let instances = [Instance::new("one"), Instance::new("two")];
    let lines: Vec<String> = instances.iter().map(Instance::line).collect();
    let backend = format!(
        "option redispatch
 option httpchk GET /healthz
 default-server inter 50ms rise 1 fall 1
 {}",
        lines.join("\n ")
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let Some(balancer) = Balancer::start(listener, &backend) else {
        return skipped("rolling restarts behind HAProxy", "no haproxy");
    };
    let mut running = instances
        .each_ref()
        .map(|instance| instance.start(&balancer));
    let (is_over, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| visits(port, &is_over, &count));
        }
        for _ in 0..20 {
            for (server, instance) in running.iter_mut().zip(&instances) {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                server.signal("TERM");
                assert_eq!(server.end().0.code(), Some(0));
                until("it is down", || !balancer.finds_up(instance.name));
                *server = instance.start(&balancer);
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let count = count.into_inner();
    assert!(count > 500, "{count}");
}

/// How many of 200 clients are served, of whom about half wait at one process when it is killed.
fn served_after_a_kill() -> usize {
    let kept = Kept::new();
    kept.0.set_reuse_port(true).unwrap();
    let port = kept.port();
    let text = port.to_string();
    let options = ["server", "--echo", "--quiet", "--welcome=", "--reuse-port"];
    let options = [&options[..], &["--port", &text]].concat();
    let [mut killed, other] = [0; 2].map(|_| Program::netloop(&options));
    assert_eq!((killed.port(), other.port()), (port, port));
    killed.signal("STOP");
    let mut clients: Vec<TcpStream> = (0..200).map(|_| connect(port)).collect();
    for client in &mut clients {
        client.write_all(b"x").unwrap();
    }
    killed.signal("KILL");
    killed.end();
    let is_served = |client: &mut TcpStream| client.read_exact(&mut [0]).is_ok();
    clients
        .iter_mut()
        .filter_map(|client| is_served(client).then_some(()))
        .count()
}

#[test]
fn connections_that_wait_at_a_killed_process_go_to_another_if_the_kernel_migrates_them() {
    const SWITCH: &str = "/proc/sys/net/ipv4/tcp_migrate_req";
    if network::is_own() {
        std::fs::write(SWITCH, "0").unwrap();
        assert!(served_after_a_kill() < 200);
        std::fs::write(SWITCH, "1").unwrap();
        assert_eq!(served_after_a_kill(), 200);
        return;
    }
    let test = "rolling::connections_that_wait_at_a_killed_process_go_to_another_if_the_kernel_migrates_them";
    if !network::again(test, &format!("test -e {SWITCH}")) {
        skipped(
            "two processes on one port, one of which is killed",
            "no network of its own, or Linux before 5.14",
        );
    }
}
