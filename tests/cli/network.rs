//! Tests that run once more in a network of their own, where they may change what the kernel does.

use std::process::{Command, Stdio};

const OWN: &str = "NETLOOP_IN_OWN_NETWORK";

/// Whether this is the second run.
pub(crate) fn is_own() -> bool {
    std::env::var_os(OWN).is_some()
}

/// Runs a test again in a network of its own, after these commands of a shell. False where the kernel does
/// not let us have one.
#[track_caller]
pub(crate) fn again(test: &str, setup: &str) -> bool {
    let own = |script: &str| {
        let mut command = Command::new("unshare");
        let script = format!("ip link set lo up\n{setup}\n{script}");
        command.args(["-n", "sh", "-ec", &script]);
        command
    };
    let can = own("true").stderr(Stdio::null()).status();
    if !can.is_ok_and(|status| status.success()) {
        return false;
    }
    let mut command = own("exec \"$0\" --exact \"$1\"");
    command.arg(std::env::current_exe().unwrap()).arg(test);
    let output = command.env(OWN, "1").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}"
    );
    true
}
