//! The manners of the package: what it carries, that its links lead somewhere, what a library user
//! compiles, and that the guide's tests run in a separate crate.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use support::skipped;

/// The lines that cargo prints.
fn cargo(arguments: &[&str]) -> BTreeSet<String> {
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .arg("--offline");
    let output = command.output().expect("cargo runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    let text = String::from_utf8(output.stdout).expect("names in UTF-8");
    text.lines().map(|line| line.trim().to_owned()).collect()
}

fn files() -> BTreeSet<String> {
    cargo(&["package", "--list", "--allow-dirty"])
}

/// Where the links of a page lead, without the place in the page.
fn links(page: &str) -> Vec<&str> {
    let ends = page.split("](").skip(1);
    let targets = ends.filter_map(|rest| Some(rest.split_once(')')?.0));
    targets
        .map(|target| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty())
        .collect()
}

#[test]
fn the_package_carries_what_a_user_needs_and_no_more() {
    let files = files();
    for needed in [
        "src/lib.rs",
        "src/main.rs",
        "src/parity.md",
        "benches/results.md",
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "LICENSE-APACHE",
        "LICENSE-MIT",
    ] {
        assert!(files.contains(needed), "{needed} is not in the package");
    }
    let strays: Vec<&String> = files
        .iter()
        .filter(|file| file.starts_with("tests") || file.starts_with(".ci"))
        .collect();
    assert!(strays.is_empty(), "{strays:?}");
    let examples = fs::read_dir("examples").map_or(0, Iterator::count);
    let packed = files.iter().filter(|file| file.starts_with("examples/"));
    assert!(packed.count() >= examples, "an example is missing");
}

#[test]
fn a_link_of_a_packed_page_leads_to_a_packed_file_or_to_the_web() {
    let files = files();
    let mut relative = 0;
    for page in files.iter().filter(|file| file.ends_with(".md")) {
        // The parity page is part of the documentation, which checks its links itself.
        if page.starts_with("src/") {
            continue;
        }
        let text = fs::read_to_string(page).expect("a page");
        for link in links(&text) {
            if link.starts_with("https://") {
                continue;
            }
            let folder = Path::new(page).parent().unwrap_or(Path::new(""));
            let target = folder.join(link).to_string_lossy().into_owned();
            assert!(files.contains(&target), "{page}: {target} is not packed");
            relative += 1;
        }
    }
    assert!(relative > 0, "the pages are linked");
}

#[test]
fn a_library_user_compiles_these_crates_and_no_more() {
    let tree = cargo(&[
        "tree",
        "-e",
        "normal",
        "--no-default-features",
        "--prefix",
        "none",
        "--format",
        "{lib}",
        "--locked",
    ]);
    let crates: Vec<&str> = tree
        .iter()
        .map(|line| line.trim_end_matches(" (*)"))
        .filter(|name| *name != "netloop")
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let expected = [
        "cfg_if",
        "dns_lookup",
        "errno",
        "libc",
        "log",
        "mio",
        "signal_hook",
        "signal_hook_mio",
        "signal_hook_registry",
        "slab",
        "socket2",
    ];
    assert_eq!(crates, expected);
}

#[test]
fn the_readme_and_the_front_page_name_each_feature() {
    let read = |path| fs::read_to_string(path).expect("it is packed");
    let (manifest, readme, front) = (read("Cargo.toml"), read("README.md"), read("src/lib.rs"));
    let (_, features) = manifest.split_once("\n[features]\n").expect("features");
    let features = features.split("\n[").next().unwrap_or_default();
    let lines = features.lines().filter(|line| !line.starts_with('#'));
    let names = lines.filter_map(|line| Some(line.split_once(" = ")?.0));
    for name in names.filter(|name| *name != "default") {
        let row = format!("| `{name}` |");
        assert!(readme.contains(&row), "README.md: {name}");
        assert!(front.contains(&format!("//! {row}")), "src/lib.rs: {name}");
    }
}

/// A crate in a folder of its own, which depends on netloop as a program does that is tested in a world.
fn outside(folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = format!(
        r#"
        [package]
        name = "outside"
        edition = "2024"

        [dev-dependencies.netloop]
        path = {root:?}
        default-features = false
        features = ["sim"]
        "#
    );
    let page = |name: &str| root.join("src/guide").join(name);
    let pages = [page("testing.md"), page("simulating.md")];
    let [testing, simulating] = pages.map(|page| format!("#![doc = include_str!({page:?})]\n"));
    fs::create_dir_all(folder.join("src")).expect("a folder");
    fs::write(folder.join("Cargo.toml"), manifest).expect("a file");
    fs::write(folder.join("src/lib.rs"), testing + &simulating).expect("a file");
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).expect("a file");
}

#[test]
fn the_guides_tests_run_in_a_crate_outside() {
    let folder = std::env::temp_dir().join(format!("netloop-outside-{}", std::process::id()));
    outside(&folder);
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        command.args(arguments).arg("--offline");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("outside");
        command.current_dir(&folder).env("CARGO_TARGET_DIR", target);
        command.output().expect("cargo runs")
    };
    let has_all = cargo(&["tree"]).status.success();
    let tested = has_all.then(|| cargo(&["test", "--doc"]));
    fs::remove_dir_all(&folder).expect("the folder goes");
    let Some(tested) = tested else {
        return skipped("a crate outside", "it cannot be built without the network");
    };
    let told = String::from_utf8_lossy(&tested.stdout);
    assert!(tested.status.success(), "{tested:?}");
    let passed = told.lines().filter(|line| line.ends_with(" ... ok"));
    assert!(passed.count() >= 7, "{told}");
}
