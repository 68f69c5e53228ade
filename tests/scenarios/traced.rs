//! All scenarios once more, with a tracer.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;

use netloop::study::Recording;

use crate::story::chains::TRACED;

#[path = "shown.rs"]
mod shown;

use shown::{check, check_outcomes};

/// A folder that goes with its test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_callback_leads_to_its_root_and_every_line_stands_under_its_cause_or_names_it() {
    if std::env::var_os(TRACED).is_some() {
        return;
    }
    let name = format!("netloop-traced-{}", std::process::id());
    let folder = Folder(std::env::temp_dir().join(name));
    std::fs::create_dir(&folder.0).unwrap();
    let this = std::env::current_exe().expect("this program");
    let again = Command::new(this).env(TRACED, &folder.0).output();
    let again = again.expect("the scenarios are played again");
    let told = String::from_utf8_lossy(&again.stdout);
    assert!(again.status.success(), "{told}");
    let files = std::fs::read_dir(&folder.0).unwrap();
    let files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    assert!(files.len() > 200, "{}", files.len());
    for file in &files {
        let recording = Recording::read(BufReader::new(File::open(file).unwrap()));
        check_outcomes(&recording);
        for options in [&[][..], &["--all"]] {
            check(&recording, &show(file, options));
        }
    }
}

/// What `netloop show` prints of a recording.
fn show(file: &Path, options: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netloop"));
    let output = command.arg("show").arg(file).args(options).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}
