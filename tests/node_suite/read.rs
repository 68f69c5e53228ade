//! Reading: into a buffer of one's own, paused, and resumed.

use std::cell::Cell;

use netloop::{ConnectOptions, Loop, OnRead, ServerOptions, Socket, SocketId};

use crate::stage::*;
use crate::story::*;

const LENGTH: usize = 100_000;

/// Reads a pattern into a buffer of this kind, stops once, and tells how it went.
fn read_into(
    t: &'static Story,
    port: u16,
    word: &'static str,
    buffer: impl Into<Box<[u8]>>,
) -> ConnectOptions {
    let (all, stopped) = (shared(Vec::new()), shared(false));
    let on_read = OnRead::new(buffer, move |c, chunk| {
        append(all, chunk);
        let got = all.take();
        let count = got.len();
        if count == LENGTH {
            assert!(got == pattern(LENGTH));
            t.log(format!("{word} all"));
        }
        all.set(got);
        if stopped.replace(true) {
            return true;
        }
        t.log(format!("{word} pauses after {count}"));
        let id = c.id();
        c.event_loop().set_immediate(move |l| {
            l.set_immediate(move |l| {
                let got = all.take();
                assert_eq!(got.len(), count, "no byte came while it was paused");
                all.set(got);
                l.socket_at(id).resume();
            });
        });
        false
    });
    ConnectOptions::from((HOST, port)).on_read(on_read)
}

row!(
    net_onread_static_buffer,
    [
        "vector pauses after 5",
        "vector all",
        "end",
        "boxed slice pauses after 1024",
        "boxed slice all",
        "end",
        "array pauses after 3",
        "array all",
        "end",
    ],
    |t, l| {
        for kind in 0..3 {
            l.create_server(|c| {
                c.end_with(pattern(LENGTH)).resume();
                close_server(c);
            })
            .listen((HOST, 0), move |s| {
                let port = s.port().unwrap();
                let options = match kind {
                    0 => read_into(t, port, "vector", vec![0; 5]),
                    1 => read_into(t, port, "boxed slice", vec![0; 1024].into_boxed_slice()),
                    _ => read_into(t, port, "array", [0; 3]),
                };
                let mut c = s.event_loop().connect_to(options).unwrap();
                c.on_data(|_, _| unreachable!())
                    .on_end(move |_| t.log("end"));
            })
            .unwrap();
            t.run(l);
        }
    }
);

const GREETING: &[u8] = b"Hello, world";

type Act = fn(&mut Socket<'_>);

/// What is done to each of the five before the connection stands.
const ACTS: [(&str, Act); 5] = [
    ("resume", |c| _ = c.resume()),
    ("pause, resume", |c| _ = c.pause().resume()),
    ("resume, pause, resume", |c| _ = c.resume().pause().resume()),
    ("pause", |c| _ = c.pause()),
    ("resume, resume, pause", |c| _ = c.resume().resume().pause()),
];

row!(
    net_pause_resume_connecting,
    [
        "told: pause, resume | resume | resume, pause, resume",
        "2 were not told",
        "told: pause | resume, resume, pause",
    ],
    |t, l| {
        let (told, paused, clients) = (shared(Vec::new()), shared(Vec::new()), shared(0));
        // All are greeted in one turn, before any of them can be told.
        let options = ServerOptions::default().accepts_per_turn(5);
        l.create_server_with(options, move |c| {
            c.write(GREETING);
            if count_up(clients) == 5 {
                close_server(c);
            }
        })
        .listen((HOST, 0), move |s| {
            for (word, act) in ACTS {
                let mut c = connect(s);
                act(&mut c);
                if c.is_paused() {
                    push(paused, c.id());
                }
                c.on_data(move |c, chunk| {
                    assert_eq!(chunk, GREETING);
                    c.end();
                    let all = push(told, word);
                    match all.len() {
                        3 => {
                            t.log(format!("told: {}", sorted(&all)));
                            resume_later(t, c.event_loop(), paused.take());
                        }
                        5 => t.log(format!("told: {}", sorted(&all[3..]))),
                        _ => {}
                    }
                });
            }
        })
        .unwrap();
    }
);

/// Adds to a list, and returns a copy of it.
fn push<T: Clone>(list: &Cell<Vec<T>>, one: T) -> Vec<T> {
    let mut all = list.take();
    all.push(one);
    list.set(all.clone());
    all
}

fn sorted(words: &[&str]) -> String {
    let mut words = words.to_vec();
    words.sort_unstable();
    words.join(" | ")
}

/// Two turns later, which would have brought what is not held back.
fn resume_later(t: &'static Story, l: &mut Loop, paused: Vec<SocketId>) {
    l.set_immediate(move |l| {
        l.set_immediate(move |l| {
            t.log(format!("{} were not told", paused.len()));
            for id in paused {
                assert!(l.socket_at(id).is_paused());
                l.socket_at(id).resume();
            }
        });
    });
}

row!(
    net_server_pause_on_connect,
    [
        "flowing data",
        "paused bytesRead=0 isPaused=true",
        "resumed data",
    ],
    |t, l| {
        let options = ServerOptions::default().pause_on_connect(true);
        let paused = shared(None);
        l.create_server(move |c| {
            c.on_data(move |c, chunk| {
                assert_eq!(chunk, GREETING);
                t.log("flowing data");
                let paused = paused.get().expect("accepted first");
                let mut held = c.event_loop().socket_at(paused);
                let (read, is_paused) = (held.bytes_read(), held.is_paused());
                t.log(format!("paused bytesRead={read} isPaused={is_paused}"));
                held.resume();
            });
            close_server(c);
        })
        .listen((HOST, 0), move |flowing| {
            let plain = flowing.port().unwrap();
            flowing
                .event_loop()
                .create_server_with(options, move |c| {
                    paused.set(Some(c.id()));
                    c.on_data(move |c, chunk| {
                        assert_eq!((chunk, c.bytes_read()), (GREETING, GREETING.len() as u64));
                        t.log("resumed data");
                    });
                    close_server(c);
                    // What was sent to the paused one is there already when this one's comes.
                    let mut other = c.event_loop().connect_to((HOST, plain)).unwrap();
                    other.resume().end_with(GREETING);
                })
                .listen((HOST, 0), |s| {
                    connect(s).resume().end_with(GREETING);
                })
                .unwrap();
        })
        .unwrap();
    }
);
