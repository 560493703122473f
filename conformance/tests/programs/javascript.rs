//! The npm package as shipped: packed, installed in an empty project elsewhere, imported from JavaScript and TypeScript;
//! its README's examples.

use std::{fs, path::Path, path::PathBuf};

use hpa_override_api::{ErrorCode, functions};
use hpa_override_core::{Code, MayPatch};
use serde_json::{Value, json};

use crate::{dist, folder, has, read};

/// The TypeScript compiler that checks the types.
const TYPESCRIPT: &str = "typescript@7.0.2";

/// An empty project far from this repository, with the packed package installed; removed when dropped.
struct Project(PathBuf);

impl Project {
    /// None where Node or npm is missing.
    fn new(name: &str) -> Option<Self> {
        if !(has("node") && has("npm")) {
            return None;
        }
        let name = format!("hpa-override-{name}-{}", std::process::id());
        let project = Self(folder(&std::env::temp_dir(), &name));
        let tarball = project.run("npm", &["pack", "--silent", dist("js").to_str().unwrap()]);
        project.write("package.json", r#"{"name":"elsewhere","private":true,"type":"module"}"#);
        project.install(&format!("./{}", tarball.trim())).unwrap();
        Some(project)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.0.join(name), content).unwrap();
    }

    fn run(&self, program: &str, args: &[&str]) -> String {
        let (success, printed) = crate::run(&self.0, program, args);
        assert!(success, "{program} {args:?}: {printed}");
        printed
    }

    /// What the program prints, in a file of that name.
    fn node(&self, name: &str, program: &str) -> String {
        self.write(name, program);
        self.run("node", &[name])
    }

    fn install(&self, package: &str) -> Result<(), String> {
        let quietly =
            ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--fetch-retries=1"];
        let (success, printed) = crate::run(&self.0, "npm", &[&quietly[..], &[package]].concat());
        if success { Ok(()) } else { Err(printed) }
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The code of a page's fenced blocks in JavaScript.
fn examples(page: &str) -> Vec<String> {
    let page = read(page);
    let blocks = page.split("```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix("js\n").map(Into::into)).collect()
}

/// A program of `tests/programs/javascript/`.
fn program(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/javascript");
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn the_examples_of_the_readme_print_what_they_say() {
    let Some(project) = Project::new("readme") else { return };
    let examples = examples("policy/js/package/README.md");
    assert_eq!(examples.len(), 3);
    for example in examples {
        let said = example.lines().filter_map(|line| line.strip_prefix("// "));
        let said = said.chain([""]).collect::<Vec<_>>().join("\n");
        assert_eq!(project.node("example.js", &example), said, "{example}");
    }
}

#[test]
fn the_host_of_the_documentation_prints_what_it_says() {
    let Some(project) = Project::new("host") else { return };
    let hosts = examples("docs/embedding.md");
    assert!(hosts.len() == 1 && hosts.iter().all(|host| host.lines().count() <= 25));
    assert_eq!(project.node("host.mjs", &hosts.concat()), "10 to 15 pods\n");
}

#[test]
fn bad_input_is_thrown_or_reported_and_the_next_call_answers() {
    let Some(project) = Project::new("bad-input") else { return };
    assert_eq!(project.node("bad_input.js", &program("bad_input.js")), "");
}

/// What the answers have to contain, so that all of the types is seen.
const SEEN: &str = "Invalid Blocked Returning Expired Suspended Pending Superseded Active Set Raise Cap 150% desired+5 \
                    gradualReturn until returnOver revertedBy\":\"argocd Hpa Override instantInvalid";

#[test]
fn the_types_are_those_of_the_answers() {
    let Some(project) = Project::new("types") else { return };
    if let Err(why) = project.install(TYPESCRIPT) {
        return hpa_override_testbed::say(&format!("not run: {TYPESCRIPT} cannot be installed: {why}"));
    }
    let answers = project.node("answers.js", &program("answers.js"));
    for seen in SEEN.split(' ') {
        assert!(answers.contains(&format!("\"{seen}\"")), "{seen} is not among {answers}");
    }
    project.write("answers.ts", &answers);
    project.write("typed.ts", &program("typed.ts"));
    let strict = ["--strict", "--module", "nodenext", "--target", "es2022", "--noUncheckedIndexedAccess"];
    project.run("npx", &[&["tsc"], &strict[..], &["typed.ts", "answers.ts"]].concat());
    assert_eq!(project.run("node", &["typed.js"]), "5 undefined targetMissing null 0 instantInvalid\n");
}

#[test]
fn every_word_of_the_core_is_in_the_types() {
    let (types, index) = (read("policy/js/package/index.d.ts"), read("policy/js/package/index.js"));
    for name in functions() {
        assert!(types.contains(&format!("export function {name}(")), "{name}");
        assert!(index.contains(&format!("export const {name} = ")), "{name}");
    }
    let union = |name: &str| -> Vec<Value> {
        let (_, rest) = types.split_once(&format!("export type {name} =")).unwrap();
        let (union, _) = rest.split_once(';').unwrap();
        union.split('"').skip(1).step_by(2).map(Into::into).collect()
    };
    assert_eq!(union("Code"), Code::ALL.iter().map(|code| json!(code)).collect::<Vec<_>>());
    assert_eq!(union("ErrorCode"), ErrorCode::ALL.iter().map(|code| json!(code)).collect::<Vec<_>>());
    assert_eq!(union("MayPatch"), MayPatch::ALL.iter().map(|answer| json!(answer.as_str())).collect::<Vec<_>>());
}
