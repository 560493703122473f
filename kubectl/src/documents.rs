//! YAML and JSON files: their documents, and where in the text each field stands.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, stdin},
    path::{Path, PathBuf},
};

use granit_parser::{Event, Parser, Span};
use serde_json::Value;

use crate::failure::{Failure, Outcome};

/// The file that stands for the standard input.
const STDIN: &str = "-";
/// Files of a folder that are read.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// A place in a text, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// One document of a file.
#[derive(Clone, Debug)]
pub struct Document {
    /// What it says.
    pub value: Value,
    /// Where each field stands, by its path, like `spec.minReplicas`.
    places: BTreeMap<String, Place>,
}

/// A file and what is in it, or why it cannot be read.
#[derive(Clone, Debug)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its documents.
    pub documents: Result<Vec<Document>, Unreadable>,
}

/// A text that is no YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Where.
    pub place: Place,
    /// Why.
    pub message: String,
}

impl Document {
    /// Where the field stands; of one that is not there, its nearest parent.
    pub fn place(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return *place;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = path.get(..end).unwrap_or_default(),
                None => return self.places.get("").copied().unwrap_or(Place { line: 1, column: 1 }),
            }
        }
    }
}

impl File {
    /// Its documents.
    ///
    /// # Errors
    /// Where it is no YAML.
    pub fn readable(self) -> Outcome<Vec<Document>> {
        let Self { name, documents } = self;
        documents.map_err(|Unreadable { place, message }| {
            Failure::new(format!("{name}:{}:{}: {message}", place.line, place.column))
        })
    }
}

/// Reads files; a folder stands for the YAML and JSON files in it and below, `-` for the standard input.
///
/// # Errors
/// Where a file cannot be opened.
pub fn read_files(paths: &[PathBuf]) -> Outcome<Vec<File>> {
    let mut files = Vec::new();
    for path in paths {
        if path.as_os_str() == STDIN {
            let mut text = String::new();
            stdin()
                .read_to_string(&mut text)
                .map_err(|error| Failure::new(format!("failed to read the standard input: {error}")))?;
            files.push(File { name: "stdin".into(), documents: parse(&text) });
        } else if path.is_dir() {
            for file in files_below(path)? {
                files.push(read_file(&file)?);
            }
        } else {
            files.push(read_file(path)?);
        }
    }
    Ok(files)
}

fn read_file(path: &Path) -> Outcome<File> {
    let text = fs::read_to_string(path).map_err(|error| cannot_read(path, &error))?;
    Ok(File { name: path.display().to_string(), documents: parse(&text) })
}

fn cannot_read(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("failed to read {}: {error}", path.display()))
}

/// In the order of their names.
fn files_below(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| cannot_read(folder, &error))? {
        entries.push(entry.map_err(|error| cannot_read(folder, &error))?.path());
    }
    entries.sort();
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else if path.extension().is_some_and(|end| EXTENSIONS.iter().any(|known| *known == end)) {
            files.push(path);
        }
    }
    Ok(files)
}

/// The only document of a file.
///
/// # Errors
/// Where it is no YAML, or holds another number of documents.
pub fn read_one(path: &Path) -> Outcome<Value> {
    let file = read_files(&[path.to_owned()])?.pop();
    let Some(file) = file else { return Err(Failure::new("there is no file")) };
    let name = file.name.clone();
    match <[Document; 1]>::try_from(file.readable()?) {
        Ok([document]) => Ok(document.value),
        Err(documents) => {
            Err(Failure::new(format!("{name}: there are {} documents, one is expected", documents.len())))
        }
    }
}

/// The documents of a text; empty ones are left out, and a `List` stands for its items. JSON is read as JSON.
fn parse(text: &str) -> Result<Vec<Document>, Unreadable> {
    if let Ok(value) = serde_json::from_str(text) {
        let places = places(text).unwrap_or_default().into_iter().next().unwrap_or_default();
        return Ok(expanded(Document { value, places }));
    }
    let places = places(text)?;
    let values: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| {
        let number = |number: u64| usize::try_from(number).unwrap_or(1);
        let place = error.location().map(|at| Place { line: number(at.line()), column: number(at.column()) });
        let message = error.to_string().lines().next().unwrap_or_default().into();
        Unreadable { place: place.unwrap_or(Place { line: 1, column: 1 }), message }
    })?;
    // A document that is one scalar has no fields.
    let values = values.into_iter().filter(|value| value.is_object() || value.is_array());
    let documents = values.zip(places.into_iter().filter(|places| !places.is_empty()));
    Ok(documents.flat_map(|(value, places)| expanded(Document { value, places })).collect())
}

/// The items of a `List`, else the document itself.
fn expanded(Document { value, places }: Document) -> Vec<Document> {
    let is_list = value.get("kind").and_then(Value::as_str) == Some("List");
    let Some(items) = value.get("items").and_then(Value::as_array).filter(|_| is_list) else {
        return vec![Document { value, places }];
    };
    let item = |(at, item): (usize, &Value)| {
        let start = format!("items[{at}]");
        let within = places.range(start.clone()..).take_while(|(path, _)| path.starts_with(&start));
        let within = within.filter_map(|(path, place)| {
            let rest = path.strip_prefix(&start)?;
            Some((rest.strip_prefix('.').unwrap_or(rest).to_owned(), *place))
        });
        Document { value: item.clone(), places: within.collect() }
    };
    items.iter().enumerate().map(item).collect()
}

/// Where one is within a document.
enum Within {
    /// A mapping, and the key whose value comes next.
    Mapping(String, Option<String>),
    /// A sequence, and the number of the item that comes next.
    Sequence(String, usize),
}

/// For each document the places of its fields; of an empty one none.
fn places(text: &str) -> Result<Vec<BTreeMap<String, Place>>, Unreadable> {
    let (mut documents, mut places, mut within) = (Vec::new(), BTreeMap::new(), Vec::<Within>::new());
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let (event, span) =
            next.map_err(|error| Unreadable { place: place_of(error.marker()), message: error.kind().to_string() })?;
        match event {
            Event::DocumentStart(..) => {
                places = BTreeMap::new();
                within.clear();
            }
            Event::DocumentEnd => documents.push(std::mem::take(&mut places)),
            Event::MappingStart(..) => {
                let path = value_path(&mut within, &mut places, &span);
                within.push(Within::Mapping(path, None));
            }
            Event::SequenceStart(..) => {
                let path = value_path(&mut within, &mut places, &span);
                within.push(Within::Sequence(path, 0));
            }
            Event::MappingEnd | Event::SequenceEnd => drop(within.pop()),
            Event::Scalar(value, ..) => {
                if let Some(Within::Mapping(parent, key @ None)) = within.last_mut() {
                    let path = if parent.is_empty() { value.to_string() } else { format!("{parent}.{value}") };
                    places.insert(path.clone(), place_of(&span.start));
                    *key = Some(path);
                } else if !within.is_empty() {
                    value_path(&mut within, &mut places, &span);
                }
            }
            Event::Alias(..) => drop(value_path(&mut within, &mut places, &span)),
            _ => {}
        }
    }
    Ok(documents)
}

/// The path of the value that begins here; it is noted, but for that of a key, which has been.
fn value_path(within: &mut [Within], places: &mut BTreeMap<String, Place>, span: &Span) -> String {
    let path = match within.last_mut() {
        None => String::new(),
        Some(Within::Mapping(_, key)) => return key.take().unwrap_or_default(),
        Some(Within::Sequence(parent, number)) => {
            *number += 1;
            format!("{parent}[{}]", *number - 1)
        }
    };
    places.insert(path.clone(), place_of(&span.start));
    path
}

fn place_of(marker: &granit_parser::Marker) -> Place {
    Place { line: marker.line(), column: marker.col() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "\
# an override
apiVersion: v1
spec:
  hpa: web
  schedule:
    except: [\"2026-12-25\",
      \"2026-13-01\"]
---
---
{\"spec\": {\"hpa\": \"api\"}}
";

    #[test]
    fn fields_have_their_place() {
        let documents = parse(TWO).unwrap();
        let place = |document: usize, path| {
            let Place { line, column } = documents[document].place(path);
            (line, column)
        };
        assert_eq!(documents.len(), 2);
        assert_eq!(place(0, "spec.hpa"), (4, 3));
        assert_eq!(place(0, "spec.schedule.except[1]"), (7, 7));
        assert_eq!(place(0, "spec.minReplicas"), (3, 1), "what is not there: its parent");
        assert_eq!(place(1, "spec.hpa"), (10, 11));
        assert_eq!(documents[1].value["spec"]["hpa"], "api");
    }

    #[test]
    fn a_list_stands_for_its_items() {
        let documents = parse("kind: List\nitems:\n- spec: {hpa: web}\n- spec:\n    hpa: api\n").unwrap();
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[1].place("spec.hpa"), Place { line: 5, column: 5 });
    }

    #[test]
    fn a_text_that_is_no_yaml_says_where() {
        let error = parse("a: 1\nb: [1\n").unwrap_err();
        assert_eq!(error.place.line, 2);
        let twice = parse("a: 1\na: 2\n").unwrap_err();
        assert_eq!(twice.place, Place { line: 2, column: 1 });
    }
}
