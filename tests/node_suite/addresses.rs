//! Addresses: what is one, and which a block list holds.

use std::net::Ipv4Addr;

use netloop::{BlockList, Family, SocketAddress, SocketAddressOptions, is_ip, is_ipv4, is_ipv6};

const V4: [&str; 6] = [
    "0.0.0.0",
    "127.0.0.1",
    "255.255.255.255",
    "192.168.1.9",
    "8.8.4.4",
    "1.22.33.44",
];

const V6: [&str; 12] = [
    "::",
    "::1",
    "1::",
    "fe80::1%lo",
    "FE80::A:0:1%1",
    "2001:db8::8:800:200c:417a",
    "2001:DB8:0:0:8:800:200C:417A",
    "::ffff:192.0.2.33",
    "::192.0.2.33",
    "64:ff9b::192.0.2.33",
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7::",
];

const NONE: [&str; 26] = [
    "",
    " ",
    "localhost",
    "127",
    "127.1",
    "127.0.0",
    "127.0.0.1.1",
    "127.0.0.256",
    "127.0.0.01",
    " 127.0.0.1",
    "127.0.0.1 ",
    "127.0.0.1/8",
    "0x7f.0.0.1",
    "127.0.0.1%lo",
    "-1.0.0.0",
    ":",
    ":::",
    "1",
    "12345::",
    "g::1",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "[::1]",
    "::1/128",
    "::ffff:1.2.3",
];

#[test]
fn net_isip() {
    for (inputs, family) in [(&V4[..], 4), (&V6[..], 6), (&NONE[..], 0)] {
        for input in inputs {
            assert_eq!(is_ip(input), family, "{input:?}");
        }
    }
}

#[test]
fn net_isipv4() {
    for input in V4 {
        assert!(is_ipv4(input), "{input:?}");
    }
    for input in V6.iter().chain(&NONE) {
        assert!(!is_ipv4(input), "{input:?}");
    }
}

#[test]
fn net_isipv6() {
    for input in V6 {
        assert!(is_ipv6(input), "{input:?}");
    }
    for input in V4.iter().chain(&NONE) {
        assert!(!is_ipv6(input), "{input:?}");
    }
}

fn holds(list: &BlockList, inside: &[&str], outside: &[&str]) {
    for address in inside {
        assert!(list.check(*address), "{address} of {:?}", list.rules());
    }
    for address in outside {
        assert!(!list.check(*address), "{address} of {:?}", list.rules());
    }
}

#[test]
fn blocklist() {
    addresses_of_both_families();
    ranges_of_both_families();
    subnets_of_both_families();
    rules_are_listed();
    wrong_arguments_are_refused();
}

fn addresses_of_both_families() {
    let mut list = BlockList::new();
    list.add_address("1.1.1.1").unwrap();
    list.add_address("8592:757c:efae:4e45:fb5d:d62a:0d00:8e17")
        .unwrap();
    list.add_address("::ffff:2.2.2.2").unwrap();
    let six = SocketAddressOptions {
        address: Some("2001:db8::7"),
        family: Family::Ipv6,
        ..Default::default()
    };
    let six = SocketAddress::new(six).unwrap();
    list.add_address(six).unwrap();
    let inside = [
        "1.1.1.1",
        "::ffff:1.1.1.1",
        "::ffff:0101:0101",
        "8592:757C:EFAE:4E45:FB5D:D62A:0D00:8E17",
        "2.2.2.2",
        "2001:db8:0::7",
    ];
    holds(&list, &inside, &["1.1.1.2", "::ffff:1.1.1.2", "::1.1.1.1"]);
    assert!(list.check(six) && list.check(Ipv4Addr::new(1, 1, 1, 1)));
}

fn ranges_of_both_families() {
    let mut list = BlockList::new();
    list.add_range("1.1.1.1", "1.1.1.10").unwrap();
    list.add_range("::1", "::f").unwrap();
    let start = SocketAddress::parse("9.0.0.1").unwrap();
    let end = SocketAddress::parse("9.0.0.3").unwrap();
    list.add_range(start, end).unwrap();
    list.add_range("::ffff:7.0.0.1", "::ffff:7.0.0.9").unwrap();
    let inside = ["1.1.1.1", "1.1.1.10", "::ffff:1.1.1.2", "::1", "::f"];
    let outside = ["1.1.1.0", "1.1.1.11", "::ffff:1.1.1.11", "::", "::10"];
    holds(&list, &inside, &outside);
    holds(&list, &["9.0.0.2"], &["9.0.0.4"]);
    holds(&list, &["7.0.0.1", "7.0.0.9"], &["7.0.0.0", "7.0.0.10"]);
}

fn subnets_of_both_families() {
    let mut list = BlockList::new();
    list.add_subnet("1.1.1.0", 16).unwrap();
    list.add_subnet("8592:757c:efae:4e45::", 64).unwrap();
    list.add_subnet(SocketAddress::parse("9.9.9.9").unwrap(), 30)
        .unwrap();
    list.add_subnet("::ffff:8.0.0.0", 120).unwrap();
    let inside = [
        "1.1.0.0",
        "1.1.255.255",
        "::ffff:1.1.1.1",
        "8592:757c:efae:4e45:ffff::",
        "9.9.9.8",
        "8.0.0.255",
    ];
    let outside = [
        "1.2.0.0",
        "::ffff:1.2.1.1",
        "8592:757c:efae:4e46::",
        "9.9.9.12",
        "8.0.1.0",
    ];
    holds(&list, &inside, &outside);
}

fn rules_are_listed() {
    let mut list = BlockList::new();
    list.add_range("10.0.0.1", "10.0.0.10").unwrap();
    list.add_range("::1", "::f").unwrap();
    list.add_subnet("8592:757c:efae:4e45::", 64).unwrap();
    list.add_subnet("10.0.0.0", 8).unwrap();
    list.add_address("1.1.1.1").unwrap();
    list.add_address("::ffff:2.2.2.2").unwrap();
    let rules = [
        "Address: IPv6 ::ffff:2.2.2.2",
        "Address: IPv4 1.1.1.1",
        "Subnet: IPv4 10.0.0.0/8",
        "Subnet: IPv6 8592:757c:efae:4e45::/64",
        "Range: IPv6 ::1-::f",
        "Range: IPv4 10.0.0.1-10.0.0.10",
    ];
    assert_eq!(list.rules(), rules);
    assert_eq!(list.size(), rules.len());
}

fn wrong_arguments_are_refused() {
    let mut list = BlockList::new();
    let refused = [
        (list.add_address("1.1.1"), "ERR_INVALID_ADDRESS"),
        (list.add_range("x", "1.1.1.1"), "ERR_INVALID_ADDRESS"),
        (list.add_range("1.1.1.1", "x"), "ERR_INVALID_ADDRESS"),
        (
            list.add_range("1.1.1.2", "1.1.1.1"),
            "ERR_INVALID_ARG_VALUE",
        ),
        (list.add_subnet("", 8), "ERR_INVALID_ADDRESS"),
        (list.add_subnet("1.1.1.1", 33), "ERR_OUT_OF_RANGE"),
        (list.add_subnet("::", 129), "ERR_OUT_OF_RANGE"),
    ];
    for (result, code) in refused {
        assert_eq!(result.unwrap_err().code(), code);
    }
    assert!(list.rules().is_empty());
    assert!(!list.check("no address"));
}
