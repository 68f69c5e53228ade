//! Several loops in a process: a name that one of them has given means a stranger in another.

use netloop::{Error, LookupId, SocketOptions};

use crate::stage::*;

/// Catches: what is written to a socket of another loop goes to whoever has its place in this one.
#[test]
fn an_id_of_another_loop_names_no_socket_and_no_server() {
    let mut one = event_loop();
    let (alice, _a) = connected(&mut one);
    let mut two = event_loop();
    let (bob, mut b) = connected(&mut two);
    assert_ne!(alice, bob);
    let mut nobody = two.socket_at(alice);
    assert!(!nobody.write("for alice only"));
    assert!(nobody.destroy().is_destroyed());
    assert!(b.has_nothing());
    assert!(!two.socket_at(bob).is_destroyed());

    let ours = one.create_server(|_| {}).id();
    let theirs = two.create_server(|_| {}).listen_on(()).unwrap().id();
    two.server_at(ours).close();
    assert!(two.server_at(theirs).is_listening());
}

/// Catches: a timer, an immediate, an abort handle or a lookup of this loop is taken for the one
/// that another loop has given the same number.
#[test]
fn the_other_names_of_another_loop_mean_nothing_either() {
    let (mut one, mut two) = (event_loop(), event_loop());

    let (ours, theirs) = (one.set_immediate(|_| {}), two.set_immediate(|_| {}));
    two.clear_immediate(ours);
    two.unref_immediate(ours);
    assert!(two.immediate_has_ref(theirs) && !two.immediate_has_ref(ours));

    let (ours, theirs) = (one.after(ms(1), |_| {}), two.after(ms(1), |_| {}));
    two.clear_timeout(ours);
    two.unref_timer(ours);
    assert!(two.timer_has_ref(theirs) && !two.timer_has_ref(ours) && !two.refresh(ours));

    let (ours, theirs) = (one.abort_handle(), two.abort_handle());
    let options = SocketOptions::default().signal(theirs);
    let idle = two.socket_with(options).id();
    two.abort(ours);
    assert!(!two.is_aborted(theirs) && !two.is_aborted(ours));
    assert!(!two.socket_at(idle).is_destroyed());

    let words = Words::default();
    let [ours, theirs] = [&mut one, &mut two].map(|l| {
        l.set_lookup(|l, request| _ = l.set_data(request.id));
        watch(&words, &mut l.connect_to(("name.test", 1)).unwrap());
        l.run_nowait().unwrap();
        l.take_data::<LookupId>().unwrap()
    });
    two.answer_lookup(ours, Err(Error::not_found("name.test")));
    two.run_nowait().unwrap();
    assert_eq!(words.take(), [""; 0]);
    two.answer_lookup(theirs, Err(Error::not_found("name.test")));
    two.run_nowait().unwrap();
    assert_eq!(words.take(), ["error ENOTFOUND", "close Some(true)"]);
}
