//! `pipe-*`: what becomes of a source whose pipes are removed.

use std::cell::Cell;

use netloop::{ListenerId, Loop, Server, Socket, SocketId, SocketOptions};

use crate::reading::with_mark;
use crate::story::*;

/// A destination that is to drain, and never does.
fn full(l: &mut Loop) -> SocketId {
    let mut full = l.socket_with(SocketOptions::default().high_water_mark(1));
    full.cork();
    full.write("x");
    full.id()
}

fn source<'l>(l: &'l mut Loop, to: &[SocketId]) -> Socket<'l> {
    let mut source = l.socket();
    for it in to {
        source.pipe(*it);
    }
    source
}

type Away = &'static dyn Fn(&mut Socket<'_>, &str);

/// Listens for `data`, and is gone before it unpipes.
fn gone(p: &mut Socket<'_>, away: Away, who: &'static str) {
    let this = ListenerId::unique();
    p.on_data(move |p, _| away(p.off("data", this), who))
        .named(this);
}

const CASES: &[fn(&mut Socket<'_>, Away)] = &[
    |p, away| _ = p.on_data(|p, _| away(p, "the only one")),
    |p, away| _ = p.once_data(|p, _| away(p, "once")),
    |p, away| gone(p, away, "gone"),
    |p, away| {
        gone(p, away, "another stays");
        p.on_data(|_, _| {});
    },
    |p, away| {
        p.once_data(|p, _| away(p, "once, before another"))
            .once_data(|p, _| away(p, "once, the last"));
    },
];

fn next(l: &mut Loop, (server, port): (netloop::ServerId, u16), case: &'static Cell<usize>) {
    if case.get() == CASES.len() {
        l.server_at(server).close();
        return;
    }
    l.connect((HOST, port), |c| _ = c.write("x"))
        .unwrap()
        .on_close(move |c, _| next(c.event_loop(), (server, port), case))
        .resume();
}

twin!(pipe_away_in_data, |t, l| {
    let (a, case) = (full(l), shared(0));
    let away: Away = Box::leak(Box::new(move |p: &mut Socket<'_>, who: &str| {
        let waits = p.pipe(a).is_paused();
        let is_paused = p.unpipe(Some(a)).is_paused();
        t.log(format!("{who} {waits} {is_paused}"));
        let id = p.id();
        p.event_loop()
            .set_immediate(move |l| _ = l.socket_at(id).destroy());
    }));
    l.create_server(move |p| {
        CASES[case.get()](p, away);
        case.set(case.get() + 1);
    })
    .listen((HOST, 0), move |s| {
        let server = (s.id(), s.port().unwrap());
        next(s.event_loop(), server, case);
    })
    .unwrap();
});

twin!(pipe_several, |t, l| {
    let (room, full) = (l.socket().id(), full(l));
    let log = move |what: &str, p: &mut Socket<'_>| t.log(format!("{what} {}", p.is_paused()));
    let mut twice = source(l, &[full, full]);
    log("both wait", &mut twice);
    log("one is gone", twice.unpipe(Some(full)));
    log("none is left", twice.unpipe(Some(full)));
    let mut heard = source(l, &[full, room]);
    log("a listener is left", heard.on_data(|_, _| {}).unpipe(None));
    log("a pipe was left", source(l, &[full, room]).unpipe(None));
    log("the last one waits", source(l, &[room, full]).unpipe(None));

    let begin = move |s: &mut Server<'_>| {
        let mut a = with_mark(s, 1);
        a.cork();
        a.write("x");
        let (a, l) = (a.id(), a.event_loop());
        let several = source(l, &[a, room]).on_data(|_, _| {}).id();
        let alone = source(l, &[a]).on_data(|_, _| {}).id();
        let drained = move |l: &mut Loop| {
            let mut several = l.socket_at(several);
            log(
                "drained of several",
                several.unpipe(Some(room)).unpipe(Some(a)),
            );
            log("drained alone", l.socket_at(alone).unpipe(Some(a)));
            l.socket_at(a).destroy();
        };
        l.socket_at(a)
            .once_drain(move |a| _ = a.event_loop().set_immediate(drained))
            .on_connect(|a| _ = a.uncork());
    };
    l.create_server(|p| {
        close_server(p);
        p.resume();
    })
    .listen((HOST, 0), begin)
    .unwrap();
});

twin!(pipe_of_the_ended_away, |t, l| {
    let mut server = l.create_server(|p| {
        close_server(p);
        p.end();
        p.resume();
    });
    let begin = move |s: &mut Server<'_>| {
        let [ends, stays] = [(); 2].map(|()| s.event_loop().socket().id());
        let mut c = connect(s);
        c.set_allow_half_open(true).resume().on_end(move |c| {
            c.pipe(ends).unpipe(Some(ends)).pipe_without_end(stays);
            t.log(format!("piped {}", c.is_paused()));
            let id = c.id();
            c.event_loop().set_immediate(move |l| {
                let [ends, stays] = [ends, stays].map(|it| l.socket_at(it).is_writable_ended());
                let mut c = l.socket_at(id);
                t.log(format!("ended {ends} {stays} {}", c.is_paused()));
                c.destroy();
            });
        });
    };
    server.listen((HOST, 0), begin).unwrap();
});
