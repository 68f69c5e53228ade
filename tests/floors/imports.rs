//! Who imports whom, module by module, and the circles in that.

use std::collections::{BTreeMap, BTreeSet};

use super::File;

type Path = Vec<String>;

/// One name that a `use` brings in: where it comes from, and what it is called here.
struct Import {
    path: Path,
    name: String,
}

/// The modules of a crate, and what each imports.
pub(crate) struct Imports {
    modules: BTreeMap<Path, Vec<Import>>,
    edges: BTreeMap<Path, BTreeSet<Path>>,
}

impl Imports {
    pub(crate) fn of(files: &[File]) -> Imports {
        let mut imports = Imports {
            modules: files.iter().map(|it| (module(it), vec![])).collect(),
            edges: BTreeMap::new(),
        };
        let mut paths = Vec::new();
        for file in files {
            let (uses, body) = uses_and_body(file.without_tests());
            let mut used = imports.imports_of(&module(file), &uses);
            let written = imports.paths_in(&module(file), &body);
            // What is only handed on is not needed here.
            let needed = used.iter().filter(|it| has_word(&body, &it.name));
            paths.push((
                module(file),
                needed
                    .map(|it| it.path.clone())
                    .chain(written)
                    .collect::<Vec<_>>(),
            ));
            let known = imports.modules.get_mut(&module(file)).expect("a module");
            known.append(&mut used);
        }
        for (module, paths) in paths {
            let targets = paths.iter().map(|path| imports.home_of(path, 0));
            let targets = targets.filter(|target| *target != module).collect();
            imports.edges.insert(module, targets);
        }
        imports
    }

    /// The circles: modules each of which can be reached from each other one.
    pub(crate) fn circles(&self) -> Vec<Vec<String>> {
        let reached: BTreeMap<_, _> = self.edges.keys().map(|it| (it, self.reach(it))).collect();
        let mut circles = BTreeSet::new();
        for (module, others) in &reached {
            let circle = others
                .iter()
                .filter(|other| reached[*other].contains(*module));
            let circle: Vec<String> = circle.map(|it| it.join("/")).collect();
            circles.extend((!circle.is_empty()).then_some(circle));
        }
        circles.into_iter().collect()
    }

    fn reach(&self, from: &Path) -> BTreeSet<Path> {
        let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(module) = open.pop() {
            for target in &self.edges[module] {
                if reached.insert(target.clone()) {
                    open.push(target);
                }
            }
        }
        reached
    }

    fn imports_of(&self, module: &Path, uses: &[String]) -> Vec<Import> {
        let mut imports = Vec::new();
        for tree in uses {
            expand(&[], tree, &mut imports);
        }
        let absolute = imports.into_iter().filter_map(|import| {
            let path = self.absolute(module, &import.path)?;
            Some(Import { path, ..import })
        });
        absolute.collect()
    }

    /// Paths that stand in the code itself.
    fn paths_in(&self, module: &Path, body: &str) -> Vec<Path> {
        let mut paths = Vec::new();
        for start in ["crate::", "super::", "self::"] {
            for (at, _) in body.match_indices(start) {
                if !body[..at].ends_with(|before: char| is_of_word(before) || before == ':') {
                    let path = body[at..].split(|it: char| !is_of_word(it) && it != ':');
                    let path: Path = path.take(1).flat_map(parts).collect();
                    paths.extend(self.absolute(module, &path));
                }
            }
        }
        paths
    }

    /// The path from the crate's root; `None` for one into another crate.
    fn absolute(&self, module: &Path, path: &[String]) -> Option<Path> {
        let climbs = path.iter().take_while(|part| *part == "super").count();
        let base = match path.first()?.as_str() {
            "crate" => return Some(path[1..].to_vec()),
            "self" => return Some([module, &path[1..]].concat()),
            "super" => &module[..module.len().checked_sub(climbs)?],
            _ => module,
        };
        let path = [base, &path[climbs..]].concat();
        (climbs > 0 || self.modules.contains_key(&path[..base.len() + 1])).then_some(path)
    }

    /// The module in which a path ends, through all that only hand it on.
    fn home_of(&self, path: &[String], depth: usize) -> Path {
        assert!(depth < 20, "{path:?} is handed on in a circle");
        let mut end = path.len();
        while !self.modules.contains_key(&path[..end]) && end > 0 {
            end -= 1;
        }
        let (module, rest) = path.split_at(end);
        let imports = self.modules.get(module).into_iter().flatten();
        let mut handed_on = imports.filter(|it| Some(&it.name) == rest.first() && it.path != path);
        match handed_on.next() {
            Some(import) => self.home_of(&[&import.path[..], &rest[1..]].concat(), depth + 1),
            None => module.to_vec(),
        }
    }
}

/// The crate's root has no name.
fn module(file: &File) -> Path {
    match file.path.as_str() {
        "lib.rs" => Path::new(),
        _ => file.module.clone(),
    }
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(is_of_word) && !after.starts_with(is_of_word)
    })
}

fn parts(path: &str) -> Vec<String> {
    let parts = path
        .split("::")
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

/// The trees of the `use` items, and the rest of the code, without `pub(in …)`.
fn uses_and_body(code: &str) -> (Vec<String>, String) {
    let (mut uses, mut body) = (Vec::new(), String::new());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let bare = match line.split_once("pub(") {
            Some((before, rest)) if before.trim().is_empty() => {
                rest.split_once(") ").map_or(line, |(_, item)| item)
            }
            _ => line.trim_start().trim_start_matches("pub "),
        };
        let Some(tree) = bare.trim_start().strip_prefix("use ") else {
            body += bare;
            body.push('\n');
            continue;
        };
        let mut tree = tree.to_owned();
        while !tree.ends_with(';') {
            tree += lines.next().expect("the end of a use");
        }
        uses.push(tree.trim_end_matches(';').to_owned());
    }
    (uses, body)
}

/// `a::{b, c::d as e}`: the names that it brings in.
fn expand(prefix: &[String], tree: &str, imports: &mut Vec<Import>) {
    let tree = tree.trim();
    if let Some((path, rest)) = tree.split_once('{') {
        let prefix = [prefix, &parts(path)].concat();
        let inner = rest.strip_suffix('}').expect("the end of a group");
        let (mut depth, mut start) = (0, 0);
        for (at, letter) in inner.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    expand(&prefix, &inner[start..at], imports);
                    start = at + 1;
                }
                _ => {}
            }
        }
        return expand(&prefix, &inner[start..], imports);
    }
    let (path, alias) = match tree.split_once(" as ") {
        Some((path, alias)) => (path, Some(alias.to_owned())),
        None => (tree, None),
    };
    let mut path = [prefix, &parts(path)].concat();
    if path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    if path.len() > prefix.len() || tree == "self" {
        let name = alias.or_else(|| path.last().cloned()).expect("a name");
        imports.push(Import { path, name });
    }
}
