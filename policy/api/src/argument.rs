//! Reads the argument of a call. What is absent or null is not given; what is given must be of its type.

use hpa_override_core::{Instant, MayPatch, ParsedOverride, Request, Settings, value::text::cut};
use serde_json::{Map, Number, Value};

use crate::error::{Error, ErrorCode};

/// What every function but `validateSettings` takes, and its own keys.
pub(crate) struct Argument<'a> {
    map: &'a Map<String, Value>,
    pub(crate) settings: Settings,
    pub(crate) now: Instant,
}

const NULL: &Value = &Value::Null;

/// The value of the only key that the argument may have.
pub(crate) fn only_key<'a>(argument: &'a Value, key: &str) -> Result<&'a Value, Error> {
    Ok(object(argument, &[key])?.get(key).unwrap_or(NULL))
}

fn object<'a>(argument: &'a Value, keys: &[&str]) -> Result<&'a Map<String, Value>, Error> {
    let map = argument.as_object().ok_or_else(|| not_a("", "n object"))?;
    match map.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => {
            let sentence = format!("unknown key; this function takes {}", keys.join(", "));
            Err(Error::new(&cut(key), ErrorCode::KeyUnknown, sentence))
        }
        None => Ok(map),
    }
}

/// Text as JSON; `what` it is goes into the sentence.
pub(crate) fn parsed(path: &str, what: &str, text: &str) -> Result<Value, Error> {
    serde_json::from_str(text)
        .map_err(|error| Error::new(path, ErrorCode::JsonInvalid, format!("{what} cannot be read: {error}")))
}

fn not_a(path: &str, what: &str) -> Error {
    Error::new(path, ErrorCode::TypeInvalid, format!("not a{what}"))
}

impl<'a> Argument<'a> {
    pub(crate) fn parse(argument: &'a Value, keys: &[&str]) -> Result<Self, Error> {
        let map = object(argument, &[&["now", "settings"], keys].concat())?;
        let settings = Settings::parse(map.get("settings").unwrap_or(NULL))
            .map_err(|errors| Error::new("settings", ErrorCode::SettingsInvalid, errors.join("; ")))?;
        Ok(Self { map, settings, now: instant(map, "now")? })
    }

    pub(crate) fn at(&self, key: &str) -> &'a Value {
        self.map.get(key).unwrap_or(NULL)
    }

    pub(crate) fn instant(&self, key: &str) -> Result<Instant, Error> {
        instant(self.map, key)
    }

    /// The object to be replaced; anything else than an object is an error.
    pub(crate) fn old(&self) -> Result<Option<&'a Value>, Error> {
        match self.at("old") {
            Value::Null => Ok(None),
            old if old.is_object() => Ok(Some(old)),
            _ => Err(not_a("old", "n object")),
        }
    }

    pub(crate) fn remembered(&self) -> Result<Option<&'a str>, Error> {
        text(self.at("remembered"), "remembered")
    }

    pub(crate) fn may_patch(&self) -> Result<MayPatch, Error> {
        let Some(word) = text(self.at("mayPatch"), "mayPatch")? else { return Ok(MayPatch::default()) };
        MayPatch::parse(word).ok_or_else(|| not_a("mayPatch", "ny of yes, no, unavailable, error, notAsked"))
    }

    pub(crate) fn list(&self, key: &str) -> Result<&'a [Value], Error> {
        match self.at(key) {
            Value::Null => Ok(&[]),
            Value::Array(items) => Ok(items),
            _ => Err(not_a(key, " list")),
        }
    }

    pub(crate) fn overrides(&self) -> Result<Vec<ParsedOverride>, Error> {
        Ok(self.list("overrides")?.iter().map(|object| ParsedOverride::parse(object, self.now)).collect())
    }

    /// The requester; what is absent is empty.
    pub(crate) fn request(&self) -> Result<Request, Error> {
        let map = match self.at("request") {
            Value::Null => return Ok(Request::default()),
            given => object(given, &["user", "groups", "subResource"])
                .map_err(|error| Error { path: under("request", &error.path), ..error })?,
        };
        let at = |key: &str| map.get(key).unwrap_or(NULL);
        let word = |key: &str| Ok(text(at(key), &under("request", key))?.unwrap_or_default().to_owned());
        let groups = match at("groups") {
            Value::Null => Vec::new(),
            given => given
                .as_array()
                .and_then(|groups| groups.iter().map(group).collect())
                .ok_or_else(|| not_a("request.groups", " list of texts"))?,
        };
        Ok(Request { user: word("user")?, groups, sub_resource: word("subResource")? })
    }
}

fn group(value: &Value) -> Option<String> {
    value.as_str().map(Into::into)
}

fn under(path: &str, key: &str) -> String {
    if key.is_empty() { path.into() } else { format!("{path}.{key}") }
}

fn text<'a>(value: &'a Value, path: &str) -> Result<Option<&'a str>, Error> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(not_a(path, " text")),
    }
}

fn instant(map: &Map<String, Value>, key: &str) -> Result<Instant, Error> {
    let invalid = |sentence: String| Error::new(key, ErrorCode::InstantInvalid, sentence);
    match map.get(key) {
        Some(Value::String(text)) => {
            text.parse().map_err(|error| invalid(format!("`{}` is not an instant; {error}", cut(text))))
        }
        Some(Value::Number(seconds)) => of_seconds(seconds).ok_or_else(|| {
            invalid(format!("`{seconds}` is not an instant; give whole seconds since 1970, in the years 2000 to 9000"))
        }),
        _ => Err(invalid("not an instant".into())),
    }
}

/// The instant that many seconds after 1970-01-01T00:00:00Z.
pub(crate) fn of_seconds(seconds: &Number) -> Option<Instant> {
    let seconds = seconds.as_i64()?;
    Some(Instant::from_unix(seconds)).filter(|instant| instant.as_unix() == seconds)
}
