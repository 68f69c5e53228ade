//! What differs from Node in the order and the reckoning of timers, pinned.

use netloop::{EventLoop, Socket, TimerId};

use crate::peers::{Real, lacks};
use crate::story::*;

#[test]
fn a_tick_refreshes_the_next_timer_of_the_list_before_it_is_chosen() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        let second = shared(None::<TimerId>);
        l.set_timeout(ms(5), move |l| {
            t.log("first");
            l.next_tick(move |l| assert!(l.refresh(second.get().unwrap())));
            l.set_immediate(move |_| t.log("immediate"));
        });
        second.set(Some(l.set_timeout(ms(5), move |_| t.log("second"))));
    };
    check_text("refresh in a tick", "first\nimmediate\nsecond\n", play);
}

#[test]
fn a_cleared_timer_leaves_no_list_behind_though_it_did_not_hold_the_loop() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        let cleared = l.set_timeout(ms(20), |_| {});
        l.unref_timer(cleared);
        l.clear_timeout(cleared);
        l.set_timeout(ms(25), move |_| t.log("due after 25"));
        busy(l, 10);
        l.set_timeout(ms(20), move |_| t.log("due after 30"));
        busy(l, 50);
    };
    check_text("lists", "due after 25\ndue after 30\n", play);
}

#[test]
fn an_idle_timeout_counts_from_the_time_of_the_turn() {
    if lacks(Real::Clock) {
        return;
    }
    let play = |t: &'static Story, l: &mut EventLoop| {
        // To be busy in held time is to read the clock.
        t.go_by_the_clock(l);
        l.create_server(|c| {
            c.resume();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            connect(s).once_ready(move |c| {
                let id = c.id();
                c.set_timeout_once(ms(50), move |_| t.log("timeout"));
                c.event_loop().set_timeout(ms(10), move |l| {
                    std::thread::sleep(ms(100));
                    l.socket_at(id).write("x");
                    t.log("wrote");
                    l.set_timeout(ms(30), move |l| {
                        t.log("30 ms later");
                        l.socket_at(id).destroy();
                    });
                });
            });
        })
        .unwrap();
    };
    check_text("idle", "wrote\ntimeout\n30 ms later\n", play);
}

#[test]
fn idle_timeouts_of_a_late_turn_come_in_the_order_of_their_setting() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        let both = shared([None; 2]);
        l.create_server(|c| _ = c.resume())
            .listen((HOST, 0), move |s| {
                let server = s.id();
                let late = move |l: &mut netloop::Loop| {
                    let [a, b] = both.get().map(Option::unwrap);
                    for (who, id) in [("a", a), ("b", b)] {
                        let told = move |c: &mut Socket<'_>| {
                            t.log(format!("{who} timeout"));
                            c.destroy();
                            c.event_loop().server_at(server).close();
                        };
                        l.socket_at(id).set_timeout(ms(20)).on_timeout(told);
                    }
                    l.socket_at(a).write("x");
                    busy(l, 60);
                };
                both.set([Some(connect(s).id()), None]);
                let b = connect(s).once_ready(move |c| late(c.event_loop())).id();
                both.set([both.get()[0], Some(b)]);
            })
            .unwrap();
    };
    check_text("order", "a timeout\nb timeout\n", play);
}
