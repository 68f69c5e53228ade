//! Twins that start processes of their own: this very test binary, as somebody else.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::story::*;

twin!(error_client_crash, |t, l| {
    t.go_by_the_clock(l);
    let child = shared(None);
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT);
        close_server(c);
        c.on_data(move |_, _| {
            let mut child: std::process::Child = child.take().unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
        });
    })
    .listen((HOST, 0), move |s| {
        let this = std::env::current_exe().unwrap();
        let mut command = Command::new(this);
        command.args([
            "--exact",
            "children::child_that_says_hi",
            "--ignored",
            "--nocapture",
        ]);
        command.env("NETLOOP_CHILD_PORT", s.port().unwrap().to_string());
        child.set(Some(command.stdout(Stdio::null()).spawn().unwrap()));
    })
    .unwrap();
});

/// Not a test: the process that the test above starts, and kills.
#[test]
#[ignore = "a child of error_client_crash"]
fn child_that_says_hi() {
    let Ok(port) = std::env::var("NETLOOP_CHILD_PORT") else {
        return;
    };
    let mut socket = TcpStream::connect((HOST, port.parse().unwrap())).unwrap();
    socket.write_all(b"hi").unwrap();
    std::io::Read::read_to_end(&mut socket, &mut Vec::new()).unwrap();
}

twin!(error_eacces_unix, |t, l| {
    // Root may connect to anything: then the child that Node's script starts drops that.
    let path = t.sock_path("s");
    l.create_server(move |_| {})
        .listen(path.clone(), move |s| {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            let folder = path.parent().unwrap();
            std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
            let server = s.id();
            if is_root() {
                let told = connect_as_nobody(&path);
                told.lines().for_each(move |line| t.log(line));
                s.close();
                return;
            }
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o000)).unwrap();
            let mut c = s.event_loop().connect(&path, move |_| {}).unwrap();
            watch(t, "client", &mut c, "error close").on_close(move |c, _| {
                c.event_loop().server_at(server).close();
            });
        })
        .unwrap();
});

fn is_root() -> bool {
    let uid = Command::new("id").arg("-u").output().expect("id runs");
    uid.stdout == b"0\n"
}

/// Plays the client in a process of another user, and returns what it printed.
fn connect_as_nobody(path: &std::path::Path) -> String {
    let copy = path.with_file_name("test");
    // By another process: a descriptor to write with, were it ours, would be held by each child
    // that is being started meanwhile, and the kernel runs nothing that may be written to.
    let mut copying = Command::new("cp");
    copying.arg(std::env::current_exe().unwrap()).arg(&copy);
    assert!(copying.status().expect("cp runs").success());
    std::fs::set_permissions(&copy, PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = Command::new(&copy);
    command.args([
        "--exact",
        "children::child_without_permission",
        "--ignored",
        "--nocapture",
    ]);
    command.env("NETLOOP_CHILD_PATH", path).current_dir("/");
    std::os::unix::process::CommandExt::uid(&mut command, 65534);
    let told = command.output().expect("the child runs").stdout;
    let told = String::from_utf8(told).unwrap();
    let lines = told.lines().filter(move |line| line.starts_with("client "));
    lines.collect::<Vec<_>>().join("\n")
}

/// Not a test: the process that the test above starts.
#[test]
#[ignore = "a child of error_eacces_unix"]
fn child_without_permission() {
    let Ok(path) = std::env::var("NETLOOP_CHILD_PATH") else {
        return;
    };
    let mut l = netloop::EventLoop::new().unwrap();
    let mut c = l.connect(std::path::Path::new(&path), move |_| {}).unwrap();
    c.on_error(move |_, error| println!("\nclient error {}", errs(error)));
    c.on_close(move |_, had_error| println!("client close hadError={}", had_error.unwrap()));
    l.run().unwrap();
}

twin!(server_unix_stale_exit, |t, l| {
    let path = t.sock_path("s");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([
        "--exact",
        "children::child_that_exits_listening",
        "--ignored",
    ]);
    child.env("NETLOOP_CHILD_PATH", &path).stdout(Stdio::null());
    assert!(child.status().unwrap().success());
    t.log(format!("main left-behind={}", path.exists()));
    let mut c = l.connect(&path, move |_| {}).unwrap();
    c.on_error(move |c, error| {
        t.log(format!("client error {}", errs(error)));
        let mut s = c.event_loop().create_server(move |_| {});
        s.on_error(move |_, error| t.log(format!("server error {}", error.code().unwrap())));
        s.listen(&path, move |_| {}).unwrap();
    });
});

/// Not a test: the process that the test above starts.
#[test]
#[ignore = "a child of server_unix_stale_exit"]
fn child_that_exits_listening() {
    let Ok(path) = std::env::var("NETLOOP_CHILD_PATH") else {
        return;
    };
    let mut l = netloop::EventLoop::new().unwrap();
    l.set_timeout(ms(10_000), |_| panic!("nothing listens"));
    l.create_server(|_| {})
        .listen(std::path::Path::new(&path), |_| std::process::exit(0))
        .unwrap();
    l.run().unwrap();
}
