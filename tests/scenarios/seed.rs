//! `seed-*`: the two programs it began with.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;

use netloop::{ConnectOptions, LookupId, Loop, Socket};

use crate::story::*;

twin!(seed_both, |t, l| {
    l.create_server(move |c| {
        t.log("server connection");
        c.write("Welcome");
        c.on_data(move |_, chunk| t.log(format!("server {}", data(chunk))))
            .on_end(move |_| t.log("server end"))
            .on_close(move |c, had_error| {
                t.log(format!(
                    "server socket-close hadError={}",
                    had_error.unwrap()
                ));
                close_server(c);
            });
    })
    .on_close(move |_| t.log("server close"))
    .listen((HOST, 0), move |s| {
        t.log("server listening");
        let n = shared(0);
        let mut c = connect(s);
        c.on_connect(move |c| {
            t.log("client connect");
            c.set_interval(ms(30), move |c| tick(t, c, n));
        });
        c.on_data(move |_, chunk| t.log(format!("client {}", data(chunk))))
            .on_end(move |_| t.log("client end"))
            .on_close(move |_, had_error| {
                t.log(format!("client close hadError={}", had_error.unwrap()));
            });
    })
    .unwrap();
});

fn tick(t: &'static Story, c: &mut Socket<'_>, n: &'static std::cell::Cell<u32>) {
    let tick = count_up(n);
    t.log(format!("client tick {tick} {}", c.write("hi")));
    if tick == 3 {
        let this = c.event_loop().current_timer().unwrap();
        c.event_loop().clear_interval(this);
        c.end();
    }
}

twin!(seed_client_side, Real::Threads, |t, l| {
    t.go_by_the_clock(l);
    let listener = TcpListener::bind((HOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let child = std::thread::spawn(move || {
        let (mut c, _) = listener.accept().unwrap();
        c.write_all(b"Welcome").unwrap();
        c.read_to_end(&mut Vec::new()).unwrap();
    });
    let n = shared(0);
    let mut c = l.connect((HOST, port), move |_| {}).unwrap();
    watch(t, "client", &mut c, DEFAULT).once_data(move |c, _| {
        c.set_interval(ms(30), move |c| tick(t, c, n));
    });
    t.run(l);
    child.join().unwrap();
});

twin!(seed_interval_before_connect, |t, l| {
    l.create_server(move |c| {
        c.on_data(move |_, chunk| t.log(format!("server {}", data(chunk))))
            .on_end(move |c| {
                t.log("server end");
                close_server(c);
            });
    })
    .listen((HOST, 0), move |s| {
        let asked = shared(None::<LookupId>);
        let n = shared(0);
        let lookup =
            move |_: &mut Loop, request: netloop::LookupRequest| asked.set(Some(request.id));
        let options = ConnectOptions::from(("slow.test", s.port().unwrap())).lookup(lookup);
        let mut c = s.event_loop().connect(options, move |_| {}).unwrap();
        c.set_interval(ms(30), move |c| {
            let (tick, state) = (count_up(n), c.ready_state());
            let wrote = c.write("hi");
            t.log(format!(
                "client tick {tick} {state} {wrote} {}",
                c.writable_length()
            ));
            if tick == 3 {
                let this = c.event_loop().current_timer().unwrap();
                c.event_loop().clear_interval(this);
                c.end();
                let address = HOST.parse().unwrap();
                c.event_loop()
                    .answer_lookup(asked.get().unwrap(), Ok(vec![address]));
            }
        });
        c.on_connect(move |_| t.log("client connect"))
            .on_finish(move |_| t.log("client finish"))
            .on_close(move |_, _| t.log("client close"))
            .resume();
    })
    .unwrap();
});

twin!(seed_server_side, Real::Threads, |t, l| {
    t.go_by_the_clock(l);
    let (heard, told) = channel();
    let mut s = l.create_server(move |c| {
        let heard = heard.clone();
        watch(t, "peer", c, DEFAULT).on_data(move |_, _| heard.send(()).unwrap());
        t.log(format!("peer write {}", c.write("Welcome")));
        c.on_close(move |c, _| close_server(c));
    });
    watch_server(t, "server", &mut s)
        .listen((HOST, 0), move |s| {
            let port = s.port().unwrap();
            std::thread::spawn(move || {
                let mut c = TcpStream::connect((HOST, port)).unwrap();
                for _ in 0..3 {
                    c.write_all(b"hi").unwrap();
                    told.recv().unwrap();
                }
                c.shutdown(std::net::Shutdown::Write).unwrap();
                c.read_to_end(&mut Vec::new()).unwrap();
            });
        })
        .unwrap();
});
