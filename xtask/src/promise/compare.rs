//! Whether a surface keeps what an earlier one promised. It knows no field and no name: everything is by keyword.
//!
//! Who writes objects may go on writing all that was accepted, and who reads them finds every field with the type that it
//! had. So a constraint may become weaker or go, a field may come if nobody has to set it, and a word may join others.

use serde_json::{Map, Value};

use super::surface::ROOT;

/// What differs, each in the order of the paths.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Comparison {
    /// A sentence for each promise that is broken: path, what was, what is, what to do.
    pub(super) broken: Vec<String>,
    /// What is promised from the next recording on.
    pub(super) added: Vec<String>,
}

/// Which changes of a constraint keep the promise, beside none.
enum May {
    /// It may go: patterns, rules between fields.
    Go,
    /// A limit from above may rise or go.
    Rise,
    /// A limit from below may fall or go.
    Fall,
    /// It may become false.
    BecomeFalse,
    /// Words may join, or the whole list may go.
    GainWords,
    /// Rules may go, each for itself.
    LoseRules,
    /// Nothing: types, formats, defaults, kinds of lists, and whatever is not known here.
    Stay,
}

fn may(keyword: &str) -> May {
    match keyword {
        "pattern" => May::Go,
        "maxLength" | "maxItems" | "maxProperties" | "maximum" => May::Rise,
        "minLength" | "minItems" | "minProperties" | "minimum" => May::Fall,
        "required" | "exclusiveMaximum" | "exclusiveMinimum" | "uniqueItems" => May::BecomeFalse,
        "enum" => May::GainWords,
        "x-kubernetes-validations" => May::LoseRules,
        _ => May::Stay,
    }
}

impl May {
    /// Whether the change from one value to another keeps the promise; none is a keyword that is not there.
    fn allows(&self, was: Option<&Value>, is: Option<&Value>) -> bool {
        let is_true = |value: Option<&Value>| value == Some(&Value::Bool(true));
        match (self, was, is) {
            _ if was == is => true,
            (Self::BecomeFalse, ..) => !is_true(is) || is_true(was),
            (Self::LoseRules, ..) => items(is).iter().all(|rule| items(was).contains(rule)),
            (Self::Stay, ..) | (_, None, Some(_)) => false,
            (_, _, None) => true,
            (Self::Go, ..) => false,
            (Self::Rise, Some(was), Some(is)) => number(is) >= number(was),
            (Self::Fall, Some(was), Some(is)) => number(is) <= number(was),
            (Self::GainWords, ..) => items(was).iter().all(|word| items(is).contains(word)),
        }
    }

    /// What to do where it does not.
    fn remedy(&self) -> &'static str {
        match self {
            Self::Go => "set it back; one that accepts all that it did needs a review",
            Self::Rise | Self::Fall | Self::BecomeFalse => {
                "set it back: objects that are accepted today would be refused"
            }
            Self::GainWords => "keep every word: objects that have it would be refused",
            Self::LoseRules => "drop the new rule; one that refuses nothing that was accepted needs a review",
            Self::Stay => "set it back: clients and stored objects depend on it",
        }
    }
}

/// Everything that differs between two surfaces.
pub(super) fn compare(recorded: &Value, current: &Value) -> Comparison {
    let mut found = Comparison::default();
    let (was, is) = (&recorded["fields"], &current["fields"]);
    for (path, was) in entries(was) {
        match is.get(path) {
            None => found.broken.push(format!("{path}: is gone; put it back under this name")),
            Some(is) => found.broken.extend(broken_keywords(path, was, is)),
        }
    }
    for (path, entry) in entries(is).filter(|(path, _)| was.get(path).is_none()) {
        let parent = path.rsplit_once('.').map_or(ROOT, |(parent, _)| parent);
        if entry["required"] == true && was.get(parent).is_some() {
            found.broken.push(format!("{path}: is new and required; make it optional: no object has it yet"));
        } else {
            found.added.push(path.clone());
        }
    }
    compare_names(&recorded["names"], &current["names"], &mut found);
    found
}

fn broken_keywords(path: &str, was: &Value, is: &Value) -> Vec<String> {
    let new = entries(is).map(|(keyword, _)| keyword).filter(|keyword| was.get(keyword).is_none());
    let keywords = entries(was).map(|(keyword, _)| keyword).chain(new);
    let broken = keywords.filter(|keyword| !may(keyword).allows(was.get(keyword), is.get(keyword)));
    let change = |keyword: &String| change(was.get(keyword), is.get(keyword));
    broken.map(|keyword| format!("{path}: {keyword} {}; {}", change(keyword), may(keyword).remedy())).collect()
}

/// Of two lists only what one of them lacks.
fn change(was: Option<&Value>, is: Option<&Value>) -> String {
    let shown = |value: Option<&Value>| value.map_or("absent".to_owned(), ToString::to_string);
    let (Some(Value::Array(before)), Some(Value::Array(now))) = (was, is) else {
        return format!("was {}, is {}", shown(was), shown(is));
    };
    let lacking = |here: &[Value], there: &[Value]| {
        here.iter().filter(|item| !there.contains(item)).map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let changes = [("lost", lacking(before, now)), ("gained", lacking(now, before))];
    let changes = changes.iter().filter(|(_, items)| !items.is_empty()).map(|(word, items)| format!("{word} {items}"));
    changes.collect::<Vec<_>>().join(", ")
}

fn compare_names(was: &Value, is: &Value, found: &mut Comparison) {
    let lacking = |here: &Value, there: &Value| -> Vec<String> {
        let of_kind = |(kind, names)| items(Some(names)).iter().map(move |name| (kind, name));
        let lacks = |(kind, name): &(&String, &Value)| !items(there.get(*kind)).contains(name);
        entries(here).flat_map(of_kind).filter(lacks).map(|(kind, name)| format!("{kind} {name}")).collect()
    };
    let gone = lacking(was, is).into_iter();
    found.broken.extend(gone.map(|name| format!("{name}: is gone; put it back as it was")));
    found.added.extend(lacking(is, was));
}

fn entries(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flat_map(Map::iter)
}

fn items(list: Option<&Value>) -> &[Value] {
    list.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Limits fit: none is above 2^53.
fn number(value: &Value) -> Option<f64> {
    value.as_f64()
}

#[cfg(test)]
mod tests;
