//! No two files of a product crate import each other, directly or through others.
//!
//! What counts is a `use` of `crate::`, `super::`, `self::` or a module below, outside of tests. `mod` and re-exports
//! (`pub use`) are no imports; what is imported through a re-export counts for the file that it leads to.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;

const CRATES: [&str; 9] = [
    "crd",
    "policy/core",
    "policy/plan",
    "policy/api",
    "policy/wapc",
    "policy/component",
    "policy/js",
    "host-shim",
    "kubectl",
];

/// By the path of the module, as `crate::a`.
type Files = BTreeMap<String, File>;

#[derive(Default)]
struct File {
    imports: Vec<String>,
    /// By the name under which something is re-exported.
    exports: BTreeMap<String, String>,
}

/// Names a circle in every crate that has one.
pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let mut circles = Vec::new();
    for name in CRATES {
        let mut files = Files::new();
        read(&workspace.root.join(name).join("src"), "crate", &mut files)?;
        circles.extend(circle(&files).map(|circle| format!("{name}: {circle}")));
    }
    ensure!(circles.is_empty(), "files import each other: {}", circles.join("; "));
    println!("imports: no circle in {}", CRATES.join(", "));
    Ok(())
}

fn read(folder: &Path, module: &str, files: &mut Files) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let inner = if stem == "lib" { module.to_owned() } else { format!("{module}::{stem}") };
        match path.extension() {
            _ if matches!(stem, "bin" | "tests") => {}
            None => read(&path, &inner, files)?,
            Some(end) if end == "rs" => drop(files.insert(inner, file(&fs::read_to_string(&path)?))),
            Some(_) => {}
        }
    }
    Ok(())
}

fn file(text: &str) -> File {
    let mut file = File::default();
    let begins = |line: &str| line.starts_with("use ") || line.starts_with("pub") && line.contains(" use ");
    for statement in text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().split(';') {
        let lines = statement.lines().map(str::trim).skip_while(|line| !begins(line)).collect::<Vec<_>>().concat();
        let Some((head, tree)) = lines.split_once("use ") else { continue };
        for path in paths(tree) {
            if head.is_empty() {
                file.imports.push(path);
            } else {
                let name = path.rsplit("::").next().unwrap_or_default().to_owned();
                file.exports.insert(name, path);
            }
        }
    }
    file
}

/// The single paths of a tree like `a::{b, c::{self, d}}`.
fn paths(tree: &str) -> Vec<String> {
    let Some((head, inner)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap_or_default().trim_end_matches("::self").to_owned()];
    };
    let (inner, mut depth) = (inner.rsplit_once('}').map_or(inner, |(inner, _)| inner), 0);
    let parts = inner.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    parts.filter(|part| !part.is_empty()).flat_map(|part| paths(&format!("{head}{}", part.trim()))).collect()
}

/// The file to which a path in that module leads; none of another crate.
fn resolved(files: &Files, module: &str, path: &str) -> Option<String> {
    let mut at = module.to_owned();
    for (index, segment) in path.split("::").enumerate() {
        let inner = format!("{at}::{segment}");
        match segment {
            "crate" => "crate".clone_into(&mut at),
            "super" => at.truncate(at.rfind("::")?),
            "self" => {}
            _ if files.contains_key(&inner) => at = inner,
            _ if index == 0 => return None,
            _ => {
                let through = files.get(&at)?.exports.get(segment);
                return through.and_then(|path| resolved(files, &at, path)).or(Some(at));
            }
        }
    }
    Some(at)
}

/// The modules that import each other, in a circle.
fn circle(files: &Files) -> Option<String> {
    files.keys().find_map(|start| Some(format!("{start} → {}", way(files, start, start, &mut BTreeSet::new())?)))
}

/// The modules on the way from the imports of one file to another.
fn way(files: &Files, from: &str, to: &str, seen: &mut BTreeSet<String>) -> Option<String> {
    let imports = files.get(from).into_iter().flat_map(|file| &file.imports);
    let targets: BTreeSet<_> = imports.filter_map(|path| resolved(files, from, path)).collect();
    targets.into_iter().filter(|target| target != from).find_map(|target| match target {
        target if target == to => Some(target),
        target if seen.insert(target.clone()) => Some(format!("{target} → {}", way(files, &target, to, seen)?)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circle_of(files: &[(&str, &str)]) -> Option<String> {
        circle(&files.iter().map(|(name, text)| ((*name).into(), file(text))).collect())
    }

    #[test]
    fn a_circle_is_found_through_other_files_and_a_re_export() {
        let root = "mod a;\npub use self::b::{\n    Deep,\n    Flat,\n};\n";
        let (a, b) = ("//! A\n\nuse crate::Deep;\n", "use std::fmt;\nuse super::c::{self, Other};\n");
        let files = [("crate", root), ("crate::a", a), ("crate::b", b)];
        let c = ("crate::c", "fn f() {\n    use crate::{d, a::{Inner, More as Less}};\n}\n");
        assert_eq!(circle_of(&[&files[..], &[c]].concat()).unwrap(), "crate::a → crate::b → crate::c → crate::a");
    }

    #[test]
    fn re_exports_modules_and_tests_are_no_imports() {
        let a = "mod b;\npub(crate) use b::Thing;\n#[cfg(test)]\nmod tests {\n    use super::b::Thing;\n}\n";
        let b = "use crate::Item;\nuse super::Own;\n#[cfg(test)]\nmod tests;\n";
        assert_eq!(circle_of(&[("crate", "mod a;\npub use a::Item;\n"), ("crate::a", a), ("crate::a::b", b)]), None);
    }
}
