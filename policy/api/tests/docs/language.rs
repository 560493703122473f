//! Each example of docs/language.md is in its case, each number beside it too, and no case is left over.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use super::{cells, text, yaml};

/// A piece of the page that a case has to confirm.
enum Piece {
    /// The documents of a fenced block.
    Example(Vec<Value>),
    /// The case that is named, and the sentence after it.
    Case { path: String, sentence: String },
    /// A row of a timeline.
    Row { at: String, bounds: String },
}

/// The page, read from above: a block that follows a case begins the next example.
fn pieces(page: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line == "```yaml" {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            pieces.push(Piece::Example(yaml(&block.join("\n"))));
        } else if let Some(case) = line.strip_prefix("Case: [") {
            let (name, rest) = case.split_once("](../").unwrap();
            let (path, sentence) = rest.split_once(')').unwrap();
            assert_eq!(path, format!("cases/docs/{name}.yaml"), "the link is called as the file is");
            // A sentence may go on on the next lines of its paragraph.
            let more: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
            pieces.push(Piece::Case { path: path.into(), sentence: format!("{sentence} {}", more.join(" ")) });
        } else if let [at, bounds, ..] = cells(line)[..]
            && at.starts_with("20")
        {
            pieces.push(Piece::Row { at: at.into(), bounds: bounds.into() });
        }
    }
    pieces
}

fn case(path: &str) -> Value {
    let [case] = &yaml(&text(path))[..] else { panic!("{path}: one document") };
    case.clone()
}

/// `40-60`.
fn shown(bounds: &Value) -> String {
    format!("{}-{}", bounds["minReplicas"], bounds["maxReplicas"])
}

/// Whether the case holds a document of an example as it is written: an override by its whole spec, else the settings.
fn is_in(document: &Value, case: &Value) -> bool {
    let Some(spec) = document.get("spec") else { return case["settings"] == *document };
    let objects = case["overrides"].as_array().map_or_else(|| vec![&case["object"]], |list| list.iter().collect());
    objects.iter().any(|object| {
        let name = document["metadata"]["name"].as_str();
        object["spec"] == *spec && name.is_none_or(|name| object["metadata"]["name"] == name)
    })
}

/// Whether a sentence names the bounds of the case: `5-9 becomes 40-60` or `5-9 stays 5-9`.
fn agrees(sentence: &str, case: &Value) -> bool {
    let words: Vec<_> = sentence.split([' ', '.', ',', ':']).filter(|word| !word.is_empty()).collect();
    let Some(verb) = words.iter().position(|word| ["becomes", "stays"].contains(word)) else { return true };
    let (from, to) = (shown(&case["hpa"]["spec"]), shown(&case["expect"]["bounds"]));
    words[verb - 1] == from && words[verb + 1] == to && (words[verb] == "stays") == (from == to)
}

#[test]
fn every_example_is_a_case() {
    let (mut examples, mut named) = (Vec::new(), None);
    for piece in pieces(&text("docs/language.md")) {
        match (piece, &named) {
            (Piece::Example(documents), Some(_)) => (examples, named) = (documents, None),
            (Piece::Example(documents), None) => examples.extend(documents),
            (Piece::Case { path, sentence }, _) => {
                let case = case(&path);
                for document in &examples {
                    assert!(is_in(document, &case), "{path} does not hold what the page shows:\n{document:#}");
                }
                assert!(agrees(&sentence, &case), "{path} has other bounds than the page: {sentence}");
                named = Some((path, case));
            }
            (Piece::Row { at, bounds }, Some((path, case))) => {
                let timeline = case["expect"]["timeline"].as_array().unwrap();
                let found = timeline.iter().any(|row| row["at"] == *at && shown(row) == bounds);
                assert!(found, "{path} has no row | {at} | {bounds} |");
            }
            (Piece::Row { at, .. }, None) => panic!("the row {at} is below no case"),
        }
    }
    assert!(examples.is_empty() || named.is_some(), "the last example names no case");
}

#[test]
fn every_case_is_on_the_page() {
    let paths = pieces(&text("docs/language.md")).into_iter().filter_map(|piece| match piece {
        Piece::Case { path, .. } => Some(path),
        _ => None,
    });
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/docs");
    let files = std::fs::read_dir(folder).unwrap();
    let files = files.map(|file| format!("cases/docs/{}", file.unwrap().file_name().display()));
    assert_eq!(paths.collect::<BTreeSet<_>>(), files.collect());
}
