//! All scenarios once more, with a tracer.

use std::process::Command;

use crate::story::chains::TRACED;

#[test]
fn every_callback_of_every_scenario_leads_to_the_kernel_or_to_a_statement_of_the_programs() {
    if std::env::var_os(TRACED).is_some() {
        return;
    }
    let this = std::env::current_exe().expect("this program");
    let again = Command::new(this).env(TRACED, "1").output();
    let again = again.expect("the scenarios are played again");
    let told = String::from_utf8_lossy(&again.stdout);
    assert!(again.status.success(), "{told}");
}
