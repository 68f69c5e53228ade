//! All twins once more, on a simulated kernel: what they print is the same.

use std::process::Command;

/// Says to a program of tests that its twins are played on a simulated kernel.
const SIMULATED: &str = "NETLOOP_SIMULATED";

/// What a simulated kernel does not have, and the twins that need it.
const NOT_THERE: [(&str, &[&str]); 5] = [
    (
        "processes and threads beside the loop, and real time",
        &[
            "connection_order_child",
            "error_client_crash",
            "error_eacces_unix",
            "idle",
            "net_child_process_connect_reset",
            "net_listen_after_destroying_stdin",
            "seed_client_side",
            "seed_server_side",
            "server_unix_stale_exit",
        ],
    ),
    (
        "files, and folders that are not there",
        &[
            "error_econnrefused_unix",
            "net_better_error_messages_listen_path",
            "net_server_listen_path",
            "server_eaddrinuse_unix",
            "server_unix_enoent_dir",
            "server_unix_modes",
            "server_unix_unlink",
            "server_unix_unlink_foreign",
        ],
    ),
    (
        "descriptors and sockets that are not the loop's own",
        &[
            "happy_eyeballs_timeout",
            "happy_eyeballs_timeout_all",
            "net_listen_ipv6only",
            "net_persistent_keepalive",
            "net_server_bind",
            "net_socket_connect_invalid_autoselectfamilyattempttimeout",
            "net_socket_tos",
            "option_socket_fd",
            "server_listen_fd",
        ],
    ),
    ("the machine's own names", &["connection_events_localhost"]),
    ("signals that reach the process", &["signals"]),
];

pub(crate) fn is_on() -> bool {
    std::env::var_os(SIMULATED).is_some()
}

pub(crate) fn can_play(name: &str) -> bool {
    !NOT_THERE.iter().any(|(_, twins)| twins.contains(&name))
}

#[test]
fn each_twin_prints_the_same_on_a_simulated_kernel() {
    if is_on() {
        return;
    }
    let mut again = Command::new(std::env::current_exe().expect("this program"));
    let again = again.args(["--skip", "traced::"]).env(SIMULATED, "1");
    let again = again.output().expect("the twins are played again");
    let told = String::from_utf8_lossy(&again.stdout);
    assert!(again.status.success(), "{told}");
}
