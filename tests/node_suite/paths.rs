//! Unix-domain sockets: forms, modes, and what is no path to listen on.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use netloop::{ListenOptions, Server};

use crate::story::*;

row!(
    net_better_error_messages_listen_path,
    Real::Files,
    ["EACCES listen, of the path that was asked for"],
    |t, l| {
        let path = t.sock_path("none").join("below");
        let mut server = l.create_server(|_| unreachable!());
        let asked = path.to_str().unwrap().to_owned();
        server
            .on_error(move |_, error| {
                assert_eq!(error.address(), Some(asked.as_str()));
                t.log(format!("{}, of the path that was asked for", errs(error)));
            })
            .listen(&path, |_| unreachable!())
            .unwrap();
    }
);

row!(
    net_pipe_with_long_path,
    ["listen error EINVAL listen", "connect error EINVAL connect"],
    |t, l| {
        let path = t.sock_path(&"x".repeat(110));
        l.create_server(|_| unreachable!())
            .on_error(move |_, error| t.log(format!("listen error {}", errs(error))))
            .listen(&path, |_| unreachable!())
            .unwrap();
        t.run(l);
        l.connect(&path, |_| unreachable!())
            .unwrap()
            .on_error(move |_, error| t.log(format!("connect error {}", errs(error))));
    }
);

fn forms(path: &Path) -> Vec<ListenOptions> {
    let text = path.to_str().unwrap();
    let owned: PathBuf = path.to_path_buf();
    vec![
        ListenOptions::from(text),
        ListenOptions::from(path),
        ListenOptions::from(&owned),
        ListenOptions::from(owned),
        ListenOptions::default().path(path),
        ListenOptions::default().path(text).backlog(5),
    ]
}

fn mode_of(server: &Server<'_>) -> u32 {
    let file = std::fs::metadata(server.path().unwrap()).unwrap();
    file.permissions().mode() & 0o777
}

row!(
    net_server_listen_path,
    Real::Files,
    [
        "6 forms have listened",
        "readable true, writable false: 444",
        "readable false, writable true: 222",
        "readable true, writable true: 666",
        "a port wins over a path",
    ],
    |t, l| {
        let listened = shared(0);
        for (index, form) in forms(&t.sock_path("s")).into_iter().enumerate() {
            let mut server = l.create_server(|_| unreachable!());
            let id = server.id();
            let returned = server
                .listen(form, move |s| {
                    assert!(
                        s.path().unwrap().exists() && s.address().is_none(),
                        "form {index}"
                    );
                    count_up(listened);
                    s.close();
                })
                .unwrap()
                .id();
            assert_eq!(returned, id);
            t.run(l);
        }
        t.log(format!("{} forms have listened", listened.get()));
        for (readable, writable) in [(true, false), (false, true), (true, true)] {
            let options = ListenOptions::from(&t.sock_path("m"))
                .readable_all(readable)
                .writable_all(writable);
            let mut server = l.create_server(|_| unreachable!());
            server.listen(options, |_| unreachable!()).unwrap();
            let mode = mode_of(&server);
            t.log(format!(
                "readable {readable}, writable {writable}: {mode:o}"
            ));
            server.close();
        }
        let mut both = l.create_server(|_| unreachable!());
        both.listen(
            ListenOptions::from(0).path(t.sock_path("b")),
            |_| unreachable!(),
        )
        .unwrap();
        assert!(both.port().is_some() && !t.sock_path("b").exists());
        both.close();
        t.log("a port wins over a path");
    }
);
