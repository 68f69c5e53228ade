//! Names and addresses beside Node: what is asked for, what is found, and where it leads. Most of
//! it in a network and with a hosts file of the test's own; nobody asks a name server.

use std::process::Stdio;

use netloop::{ConnectOptions, Loop, Server, Socket};

use crate::stage::*;
use crate::support::skipped;
use crate::tools::*;

/// Without an address beside the loopback's, getaddrinfo(3) finds no IPv4 address (`AI_ADDRCONFIG`).
const ONE_DEVICE: &str = "ip link add a0 type veth peer name a1; ip address add 10.9.9.1/24 dev a0; \
                          ip link set a0 up";

/// Two pairs of devices, of which only the first ends have addresses: fe80::a on the first,
/// fe80::b on the other. The kernel makes an address reachable only after it has added it.
const TWO_DEVICES: &str = "for d in a b; do ip link add ${d}0 type veth peer name ${d}1; \
    for end in 0 1; do ip link set $d$end addrgenmode none; ip link set $d$end up; done; \
    ip address add fe80::$d/64 dev ${d}0 nodad; for try in $(seq 500); do \
    ip -6 route show table local | grep -q fe80::$d && break; sleep 0.01; done; done";

const HOSTS: &str = "127.0.0.1 localhost plain.test xn--bcher-kva.test xn--strae-oqa.test\n\
                     127.0.0.1 twice.test\n127.0.0.1 twice.test\nfe80::a link.test\n";

/// Runs this test in a network and with a hosts file of its own, where the shim may answer for the
/// C library.
fn in_own_world(test: &str, setup: &str, with_shim: bool) {
    let what = test.replace('_', " ");
    let shim = compiled("getaddrinfo.c").filter(|_| with_shim);
    if with_shim && shim.is_none() {
        return skipped(&what, "no C compiler");
    }
    let Some(mut command) = in_own_network_with(HOSTS, &format!("addresses::{test}"), setup) else {
        return skipped(&what, "no network and hosts file of one's own");
    };
    if let Some(shim) = shim {
        command.env("LD_PRELOAD", shim);
    }
    passes(command);
}

/// That Node prints the same, in the same world.
#[track_caller]
fn as_node(script: &str, ours: &[String]) {
    if lacks(Real::Processes) {
        return;
    }
    match node_prints(script, Stdio::null()) {
        Some(lines) => assert_eq!(ours, lines, "ours, and Node's"),
        None => skipped("Node's own words for names and addresses", "no Node 26"),
    }
}

/// Connects to each in turn, and says what was looked up, and what it fails with.
fn connect_each(l: &mut Loop, mut left: Vec<ConnectOptions>, words: Words) {
    if left.is_empty() {
        return;
    }
    let (looked_up, failed) = (words.clone(), words.clone());
    l.connect(left.remove(0), |_| panic!("nobody listens"))
        .unwrap()
        .on_lookup(move |_, lookup| {
            let found = match (&lookup.error, lookup.address) {
                (None, Some(address)) => address.to_string(),
                (error, _) => error.as_ref().unwrap().code().unwrap().to_owned(),
            };
            looked_up.say(format!("lookup {found}"));
        })
        .on_error(move |_, error| {
            let host = error.hostname().unwrap_or("none");
            failed.say(format!("{} {error}, {host}", error.errno().unwrap()));
        })
        .on_close(move |c, _| {
            connect_each(c.event_loop(), std::mem::take(&mut left), words.clone())
        });
}

const CONNECT_EACH: &str = "\
    const net = require('net'), left = TARGETS; \
    (function next() { if (!left.length) return; const c = net.connect({port: 1, ...left.shift()}); \
    c.on('lookup', (e, a) => console.log('lookup', e ? e.code : a)); \
    c.on('error', e => console.log(e.errno, e.message + ', ' + (e.hostname || 'none'))); \
    c.on('close', next); })();";

/// Runs that, and compares it with Node's. The targets are given to Node as options.
fn connects_as_node(targets: Vec<ConnectOptions>, of_node: &str) -> Vec<String> {
    let mut l = event_loop();
    let words = Words::default();
    connect_each(&mut l, targets, words.clone());
    l.run().unwrap();
    let words = words.take();
    as_node(&CONNECT_EACH.replace("TARGETS", of_node), &words);
    words
}

/// nodejs/node#25558. Catches: the resolver is asked for the letters as they stand.
#[cfg(feature = "idna")]
#[test]
fn an_international_name_is_looked_up_in_its_ascii_form() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let this = "an_international_name_is_looked_up_in_its_ascii_form";
        return in_own_world(this, ONE_DEVICE, false);
    }
    let names = [
        "bücher.test",
        "BÜCHER.test",
        "straße.test",
        "PLAIN。test",
        "ｌｏｃａｌｈｏｓｔ",
        "１２７.0.0.1",
        "127.1",
    ];
    let of_node = format!("{names:?}.map(host => ({{host}}))");
    let words = connects_as_node(names.map(|name| (name, 1).into()).into(), &of_node);
    let each = [
        "lookup 127.0.0.1",
        "-111 connect ECONNREFUSED 127.0.0.1:1, none",
    ];
    assert_eq!(words, each.repeat(names.len()));
    for name in names {
        let (mut l, words) = (event_loop(), Words::default());
        let said = words.clone();
        let listening = move |s: &mut Server<'_>| {
            said.say(s.address().unwrap().ip().to_string());
            s.close();
        };
        l.create_server(|_| {})
            .listen((name, 0), listening)
            .unwrap();
        l.run().unwrap();
        assert_eq!(words.take(), ["127.0.0.1"], "{name}");
    }
}

/// Catches: a name that is no name goes to the resolver.
#[cfg(feature = "idna")]
#[test]
fn a_name_that_has_no_ascii_form_is_invalid() {
    let words = connects_as_node(vec![("xn--ü", 1).into()], "[{host: 'xn--\\u00fc'}]");
    let told = "-22 getaddrinfo EINVAL xn--ü, xn--ü";
    assert_eq!(words, ["lookup EINVAL", told]);
}

/// The hosts file has the address twice, and Node tells of each. Catches: what was found is sifted.
#[test]
fn each_address_that_was_found_is_told_and_tried_once() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let this = "each_address_that_was_found_is_told_and_tried_once";
        return in_own_world(this, ONE_DEVICE, false);
    }
    let words = connects_as_node(vec![("twice.test", 1).into()], "[{host: 'twice.test'}]");
    let refused = "-111 connect ECONNREFUSED 127.0.0.1:1, none";
    let found = "lookup 127.0.0.1";
    assert_eq!(words, [found, found, refused]);
}

/// Node asks the resolver for this name.
#[cfg(feature = "idna")]
#[test]
fn a_right_to_left_label_binds_the_whole_name() {
    let (mut l, words) = (event_loop(), Words::default());
    connect_each(&mut l, vec![("א.-x.test", 1).into()], words.clone());
    l.run().unwrap();
    assert_eq!(words.take()[0], "lookup EINVAL");
}

/// oven-sh/bun#33516. Catches: the resolver is asked for a name of any length, or a refusal is told
/// at another time than Node's.
#[test]
fn a_name_of_more_than_255_bytes_is_invalid_and_told_so_in_the_next_tick() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let this = "a_name_of_more_than_255_bytes_is_invalid_and_told_so_in_the_next_tick";
        // With 255 bytes the resolver is asked: one that ends whoever asks it is not there.
        return in_own_world(this, "true", true);
    }
    let longest = format!("error-2.test{}", "x".repeat(243));
    for (host, expected) in [
        (longest, ["lookup ENOTFOUND", "-3008 getaddrinfo ENOTFOUND"]),
        (
            format!("kills.test{}", "x".repeat(246)),
            ["lookup EINVAL", "-22 getaddrinfo EINVAL"],
        ),
        (
            "a.".repeat(50_000),
            ["lookup EINVAL", "-22 getaddrinfo EINVAL"],
        ),
    ] {
        let of_node = format!("[{{host: '{host}'}}]");
        let words = connects_as_node(vec![(&*host, 1).into()], &of_node);
        assert_eq!(words[0], expected[0]);
        assert_eq!(words[1], format!("{} {host}, {host}", expected[1]));
    }
    let (mut l, words) = (event_loop(), Words::default());
    let said = words.clone();
    let say = move |word: &'static str| {
        let said = said.clone();
        move || said.say(word)
    };
    let host = "x".repeat(256);
    let mut c = l.connect_to((&*host, 1)).unwrap();
    let (looked_up, failed, closed) = (say("lookup"), say("error"), say("close"));
    c.on_lookup(move |_, _| looked_up())
        .on_error(move |_, _| failed())
        .on_close(move |_, _| closed());
    let tick = say("tick");
    l.next_tick(move |_| tick());
    let of_server = say("server error");
    let mut server = l.create_server(|_| panic!("nobody connects"));
    server.on_error(move |_, error| {
        assert_eq!(error.errno(), Some(-22));
        of_server();
    });
    server.listen_on((&*host, 0)).unwrap();
    let tick = say("tick");
    l.next_tick(move |_| tick());
    let immediate = say("immediate");
    l.set_immediate(move |_| immediate());
    l.run().unwrap();
    let words = words.take();
    let script = "const say = word => () => console.log(word); const host = 'x'.repeat(256); \
        const c = require('net').connect(1, host); \
        for (const event of ['lookup', 'error', 'close']) c.on(event, say(event)); \
        process.nextTick(say('tick')); \
        require('net').createServer().on('error', say('server error')).listen(0, host); \
        process.nextTick(say('tick')); setImmediate(say('immediate'))";
    as_node(script, &words);
    let expected = [
        "lookup",
        "tick",
        "server error",
        "tick",
        "error",
        "immediate",
        "close",
    ];
    assert_eq!(words, expected);
}

/// Catches: a lookup's error without libuv's name and number, or one that is told as another.
#[test]
fn what_a_lookup_fails_with_has_the_name_and_the_number_that_libuv_gives_it() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let this = "what_a_lookup_fails_with_has_the_name_and_the_number_that_libuv_gives_it";
        return in_own_world(this, "true", true);
    }
    let expected = [
        (1, "EAI_BADFLAGS", -3002),
        (2, "ENOTFOUND", -3008),
        (3, "EAI_AGAIN", -3001),
        (4, "EAI_FAIL", -3004),
        (5, "ENOTFOUND", -3007),
        (6, "EAI_FAMILY", -3005),
        (7, "EAI_SOCKTYPE", -3011),
        (8, "EAI_SERVICE", -3010),
        (9, "EAI_ADDRFAMILY", -3000),
        (10, "EAI_MEMORY", -3006),
        (12, "EAI_OVERFLOW", -3009),
    ];
    let hosts = expected.map(|(number, _, _)| format!("error-{number}.test"));
    let of_node = format!("{hosts:?}.map(host => ({{host}}))");
    let targets = hosts.iter().map(|host| (&**host, 1).into()).collect();
    let words = connects_as_node(targets, &of_node);
    for ((number, code, errno), told) in expected.iter().zip(words.chunks(2)) {
        let host = format!("error-{number}.test");
        assert_eq!(told[0], format!("lookup {code}"));
        assert_eq!(
            told[1],
            format!("{errno} getaddrinfo {code} {host}, {host}")
        );
    }
}

/// Catches: a text that the C library would cut is handed to it.
#[test]
fn a_host_with_a_nul_is_refused_in_nodes_words() {
    let mut l = event_loop();
    let refused = l.connect_to(("a\0b", 1)).err().unwrap();
    let mut server = l.create_server(|_| {});
    let listened = server.listen_on(("a\0b", 1)).err().unwrap();
    let words = [refused, listened].map(|error| format!("{} {error}", error.code().unwrap()));
    let script = "const net = require('net'); for (const f of [() => net.connect(1, 'a\\0b'), \
        () => net.createServer().listen(1, 'a\\0b')]) \
        try { f() } catch (e) { console.log(e.code, e.message) }";
    as_node(script, &words);
    let wanted = "must be a string without null bytes. Received 'a\\x00b'";
    for (told, what) in words
        .iter()
        .zip(["property 'options.host'", "argument 'hostname'"])
    {
        assert_eq!(*told, format!("ERR_INVALID_ARG_VALUE The {what} {wanted}"));
    }
}

/// A server of all addresses that says at which address of its own it was found.
fn told_where(
    l: &mut Loop,
    words: &Words,
    count: usize,
    then: impl FnOnce(&mut Loop, u16) + 'static,
) {
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        said.say(format!("at {}", c.address().unwrap().ip()));
        if said.count("at fe80::a") + said.count("at fe80::b") == count {
            close_server(c);
        }
        c.destroy();
    });
    server.listen_on(()).unwrap();
    let port = server.port().unwrap();
    then(l, port);
}

/// nodejs/node#48846. Catches: a link-local address without a zone, or in one that there is not, goes
/// to the kernel as it is, which refuses it.
#[test]
fn a_link_local_address_without_a_zone_is_looked_for_on_the_first_device_that_has_one() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let this =
            "a_link_local_address_without_a_zone_is_looked_for_on_the_first_device_that_has_one";
        return in_own_world(this, TWO_DEVICES, false);
    }
    let hosts = [
        "fe80::a",
        "fe80::a%nosuch",
        "fe80::a%a0",
        "fe80::b%b0",
        "link.test",
    ];
    let (mut l, words) = (event_loop(), Words::default());
    let said = words.clone();
    told_where(&mut l, &words, hosts.len(), move |l, port| {
        for host in hosts {
            let said = said.clone();
            let connected = move |c: &mut Socket<'_>| {
                let (ip, ours) = (c.remote_address().unwrap(), c.local_address().unwrap());
                said.say(format!("{host} {ip} {ours}"));
                c.destroy();
            };
            let options = ConnectOptions::from((host, port)).family(6);
            l.connect(options, connected).unwrap();
        }
    });
    l.run().unwrap();
    let mut words = words.take();
    words.sort();
    let script = "const net = require('net'), HOSTS; let left = hosts.length; \
        const bare = address => address.replace(/%.*/, ''); \
        const s = net.createServer(c => { console.log('at', bare(c.localAddress)); \
        if (!--left) s.close(); c.destroy(); }).listen(0, () => hosts.forEach(host => { \
        const c = net.connect({port: s.address().port, host, family: 6}, () => { \
        console.log(host, bare(c.remoteAddress), bare(c.localAddress)); c.destroy(); }); \
        c.on('error', () => {}); }));";
    let script = script.replace("HOSTS", &format!("hosts = {hosts:?}"));
    match node_prints(&script, Stdio::null()) {
        Some(mut lines) => {
            lines.sort();
            assert_eq!(words, lines, "ours, and Node's");
        }
        None => skipped("Node's link-local addresses", "no Node 26"),
    }
    let mut expected = vec!["at fe80::a"; 4];
    expected.push("at fe80::b");
    let told = hosts.map(|host| {
        let address = if host.starts_with("fe80::b") {
            "fe80::b"
        } else {
            "fe80::a"
        };
        format!("{host} {address} {address}")
    });
    expected.extend(told.iter().map(String::as_str));
    expected.sort_unstable();
    assert_eq!(words, expected);
}

/// Catches: the zone that a lookup has found is lost. Node loses it, and takes the first device.
#[test]
fn the_zone_of_what_a_lookup_found_is_kept() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        return in_own_world("the_zone_of_what_a_lookup_found_is_kept", TWO_DEVICES, true);
    }
    let (mut l, words) = (event_loop(), Words::default());
    told_where(&mut l, &words, 1, move |l, port| {
        l.connect_to(("zoned.test", port)).unwrap();
    });
    l.run().unwrap();
    assert_eq!(words.take(), ["at fe80::b"]);
    let said = words.clone();
    let listening = move |s: &mut Server<'_>| {
        said.say(s.address().unwrap().ip().to_string());
        s.close();
    };
    l.create_server(|_| {})
        .listen(("zoned.test", 0), listening)
        .unwrap();
    l.run().unwrap();
    assert_eq!(words.take(), ["fe80::b"]);
}

/// Node shows the zone by the device's name, and in `remoteAddress`, too. Catches: a zone is lost on
/// its way to the kernel or back, or one's own address is not bound in it.
#[test]
fn the_zone_of_an_address_is_the_number_of_a_device_and_shown_with_the_port() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let this = "the_zone_of_an_address_is_the_number_of_a_device_and_shown_with_the_port";
        return in_own_world(this, TWO_DEVICES, false);
    }
    let table = std::fs::read_to_string("/proc/net/if_inet6").expect("a proc");
    let row = table.lines().find(|row| row.ends_with(" b0")).unwrap();
    let number = row.split_whitespace().nth(1).unwrap();
    let device = u32::from_str_radix(number, 16).unwrap();
    let (mut l, words) = (event_loop(), Words::default());
    let said = words.clone();
    told_where(&mut l, &words, 1, move |l, port| {
        let options = ConnectOptions::from((format!("fe80::b%{device}"), port));
        let connected = move |c: &mut Socket<'_>| {
            let zone = |address| match address {
                Some(std::net::SocketAddr::V6(address)) => address.scope_id(),
                other => panic!("{other:?}"),
            };
            let (peer, ours) = (zone(c.peer()), zone(c.address()));
            assert_eq!((peer, ours), (device, device));
            said.say(format!("to {}", c.remote_address().unwrap()));
            c.destroy();
        };
        let own = "fe80::b".parse().unwrap();
        l.connect(options.local_address(own), connected).unwrap();
    });
    l.run().unwrap();
    let mut words = words.take();
    words.sort();
    assert_eq!(words, ["at fe80::b", "to fe80::b"]);
}

/// When a connection will be probed, in tens of seconds, from the kernel's table: its row begins
/// with a number, the port of our end stands behind the colon, then follow the peer, the state (1: established), the
/// queues, and which timer runs for how many hundredths. The port of our end alone may be that of
/// another connection of this machine, to somewhere else.
fn probed_in(table: &str, [ours, peer]: [u16; 2]) -> String {
    let [ours, peer] = [ours, peer].map(|port| format!(":{port:04X}"));
    let mut rows = table
        .lines()
        .map(|row| row.split_whitespace().collect::<Vec<_>>());
    let is_it =
        |row: &Vec<&str>| row[1].ends_with(&ours) && row[2].ends_with(&peer) && row[3] == "01";
    let row = rows.find(is_it);
    let row = row.expect("the connection stands");
    let (timer, time) = row[5].split_once(':').expect("a timer and its time");
    let hundredths = u32::from_str_radix(time, 16).expect("hexadecimal digits");
    format!("timer {timer} {}", (hundredths + 500) / 1000)
}

/// nodejs/node#57712. Catches: what is told of keep-alive before the descriptor is there waits for the
/// connection, with the kernel's two hours.
#[test]
fn keep_alive_told_while_connecting_has_libuvs_minute_unless_a_time_is_told() {
    if lacks(Real::Descriptors) {
        return;
    }
    type Way = (&'static str, bool, fn(&mut Socket<'_>));
    let ways: [Way; 9] = [
        ("", false, |_| {}),
        ("", true, |_| {}),
        ("c.setKeepAlive(true)", false, |c| {
            _ = c.set_keep_alive(true, ms(0))
        }),
        ("c.setKeepAlive(true, 400)", false, |c| {
            _ = c.set_keep_alive(true, ms(400))
        }),
        ("c.setKeepAlive(true, 7000)", false, |c| {
            _ = c.set_keep_alive(true, ms(7000))
        }),
        (
            "c.setKeepAlive(true, 7000).setKeepAlive(true)",
            false,
            |c| {
                _ = c.set_keep_alive(true, ms(7000)).set_keep_alive(true, ms(0));
            },
        ),
        ("c.setKeepAlive(true).setKeepAlive(false)", false, |c| {
            _ = c.set_keep_alive(true, ms(0)).set_keep_alive(false, ms(0));
        }),
        ("c.setKeepAlive(true)", true, |c| {
            _ = c.set_keep_alive(true, ms(0))
        }),
        ("c.on('connect', () => c.setKeepAlive(true))", false, |c| {
            _ = c.on_connect(|c| _ = c.set_keep_alive(true, ms(0)));
        }),
    ];
    let mut told = Vec::new();
    let mut script = String::new();
    for (of_node, keep_alive, way) in ways {
        let (mut l, words) = (event_loop(), Words::default());
        let said = words.clone();
        let mut server = l.create_server(|c| {
            close_server(c);
            c.resume();
        });
        let address = listen(&mut server);
        let options = ConnectOptions::from(address).keep_alive(keep_alive);
        let mut c = l.connect_to(options).unwrap();
        way(&mut c);
        c.once_ready(move |c| {
            let table = std::fs::read_to_string("/proc/net/tcp").expect("a proc");
            said.say(probed_in(
                &table,
                [c.local_port(), c.remote_port()].map(Option::unwrap),
            ));
            c.end();
        });
        l.run().unwrap();
        told.extend(words.take());
        script += &format!("c = connect({keep_alive}); {of_node}; await done(c);");
    }
    let script =
        "const net = require('net'); const s = net.createServer(c => c.resume()).listen(0, \
        '127.0.0.1', async () => { let c; \
        const connect = keepAlive => net.connect({...s.address(), host: '127.0.0.1', keepAlive}); \
        const done = c => new Promise(next => { c.resume().on('ready', () => { \
        const [ours, peer] = [c.localPort, c.remotePort] \
        .map(port => ':' + port.toString(16).toUpperCase().padStart(4, '0')); \
        const row = require('fs').readFileSync('/proc/net/tcp', 'utf8').split('\\n') \
        .map(row => row.trim().split(/\\s+/)).find(row => \
        row[1]?.endsWith(ours) && row[2].endsWith(peer) && row[3] == '01'); \
        const [timer, time] = row[5].split(':'); \
        console.log('timer ' + timer + ' ' + Math.round(parseInt(time, 16) / 1000)); \
        c.end(); }).on('close', next) }); "
            .to_owned()
            + &script
            + "s.close(); });";
    as_node(&script, &told);
    let expected = [
        "00 0", "02 720", "02 6", "02 6", "02 1", "02 6", "00 0", "02 720", "02 720",
    ];
    assert_eq!(told, expected.map(|timer| format!("timer {timer}")));
}
