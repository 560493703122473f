//! `wit/override.wit` has all that the core has: no function, code, phase or mode is forgotten, and all is documented.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;

use hpa_override_api::{ErrorCode, call, functions};
use hpa_override_core::{Code, MayPatch, Mode, Phase};
use rstest::rstest;
use serde_json::{Value, json};
use wit_parser::{InterfaceId, Resolve, TypeDefKind};

fn file() -> (Resolve, InterfaceId) {
    let mut resolve = Resolve::default();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let (package, _) = resolve.push_path(path).unwrap();
    let decisions = resolve.packages[package].interfaces["decisions"];
    (resolve, decisions)
}

/// The words of an enum.
fn words(name: &str) -> Vec<String> {
    let (resolve, decisions) = file();
    let id = resolve.interfaces[decisions].types[name];
    let TypeDefKind::Enum(cases) = &resolve.types[id].kind else { panic!("{name} is no enum") };
    cases.cases.iter().map(|case| case.name.clone()).collect()
}

/// What JSON has as `camelCase` or as `PascalCase`.
fn kebab(word: &Value) -> String {
    let mut kebab = String::new();
    for letter in word.as_str().unwrap().chars() {
        if letter.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}

fn kebabs(words: impl IntoIterator<Item = Value>) -> Vec<String> {
    words.into_iter().map(|word| kebab(&word)).collect()
}

/// Does not compile where one is missing.
fn phases() -> [Phase; 8] {
    use Phase::{Active, Blocked, Expired, Invalid, Pending, Returning, Superseded, Suspended};
    match Active {
        Invalid | Blocked | Returning | Expired | Suspended | Pending | Superseded | Active => {
            [Invalid, Blocked, Returning, Expired, Suspended, Pending, Superseded, Active]
        }
    }
}

/// As [`phases`].
fn modes() -> [Mode; 3] {
    match Mode::Set {
        Mode::Set | Mode::Raise | Mode::Cap => [Mode::Set, Mode::Raise, Mode::Cap],
    }
}

#[rstest]
#[case::of_a_report("code", kebabs(Code::ALL.iter().map(|code| json!(code))))]
#[case::of_an_error("error-code", kebabs(ErrorCode::ALL.iter().map(|code| json!(code))))]
#[case::phases("phase", kebabs(phases().map(|phase| json!(phase))))]
#[case::modes("mode", kebabs(modes().map(|mode| json!(mode))))]
#[case::answers_of_the_cluster("may-patch", kebabs(MayPatch::ALL.iter().map(|answer| json!(answer.as_str()))))]
fn every_word_of_the_core_is_there(#[case] name: &str, #[case] core: Vec<String>) {
    assert_eq!(words(name), core);
}

#[test]
fn errors_and_warnings_are_documented_as_such() {
    let (resolve, decisions) = file();
    let TypeDefKind::Enum(code) = &resolve.types[resolve.interfaces[decisions].types["code"]].kind else { panic!() };
    for (case, code) in code.cases.iter().zip(Code::ALL) {
        let end = if code.is_warning() { " A warning." } else { " An error." };
        let docs = case.docs.contents.as_deref().unwrap();
        assert!(docs.trim_end().ends_with(end), "{}: {docs}", case.name);
    }
}

/// The JSON API names its functions only where one is unknown.
#[test]
fn every_function_of_the_core_is_there_and_no_other() {
    let (resolve, decisions) = file();
    let names: Vec<&str> = resolve.interfaces[decisions].functions.keys().map(String::as_str).collect();
    let core = kebabs(functions().map(|name| json!(name)));
    assert_eq!(names, core);
    for name in functions() {
        let unknown = call(name, &json!(null)).unwrap_err().code == ErrorCode::FunctionUnknown;
        assert!(!unknown, "{name}");
    }
}

#[test]
fn the_world_imports_nothing() {
    let (resolve, _) = file();
    let (_, world) = resolve.worlds.iter().next().unwrap();
    assert_eq!((resolve.worlds.len(), world.name.as_str()), (1, "hpa-override"));
    assert_eq!((world.imports.len(), world.exports.len()), (0, 1));
}

#[test]
fn everything_is_documented() {
    let (resolve, decisions) = file();
    let interface = &resolve.interfaces[decisions];
    let mut bare = Vec::new();
    let mut note = |name: String, docs: &wit_parser::Docs| bare.extend(docs.contents.is_none().then_some(name));
    note("decisions".into(), &interface.docs);
    for (name, function) in &interface.functions {
        note(name.clone(), &function.docs);
    }
    for (name, id) in &interface.types {
        let definition = &resolve.types[*id];
        note(name.clone(), &definition.docs);
        match &definition.kind {
            TypeDefKind::Record(record) => {
                record.fields.iter().for_each(|field| note(format!("{name}.{}", field.name), &field.docs));
            }
            TypeDefKind::Variant(variant) => {
                variant.cases.iter().for_each(|case| note(format!("{name}.{}", case.name), &case.docs));
            }
            TypeDefKind::Enum(words) => {
                words.cases.iter().for_each(|case| note(format!("{name}.{}", case.name), &case.docs));
            }
            _ => {}
        }
    }
    assert_eq!(bare, [""; 0]);
}
