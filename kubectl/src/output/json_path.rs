//! kubectl's `JSONPath` templates: text with `{.path}`, `{"text"}`, `{range .items[*]}` … `{end}`.

use std::str::FromStr;

use serde_json::Value;
use serde_json_path::JsonPath;

/// A template.
#[derive(Clone, Debug)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Path(JsonPath),
    Range(JsonPath, Vec<Part>),
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut tokens = tokens(text)?.into_iter();
        let parts = parse(&mut tokens, false)?;
        Ok(Self(parts))
    }
}

impl Template {
    /// The text that it gives for an object.
    pub fn fill(&self, object: &Value) -> String {
        let mut text = String::new();
        fill(&self.0, object, &mut text);
        text
    }
}

enum Token {
    Text(String),
    Braces(String),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (inside, behind) = after.split_once('}').ok_or_else(|| format!("`{text}` lacks a closing brace"))?;
        if !before.is_empty() {
            tokens.push(Token::Text(before.into()));
        }
        tokens.push(Token::Braces(inside.trim().into()));
        rest = behind;
    }
    if !rest.is_empty() {
        tokens.push(Token::Text(rest.into()));
    }
    Ok(tokens)
}

fn parse(tokens: &mut impl Iterator<Item = Token>, within_range: bool) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    while let Some(token) = tokens.next() {
        let inside = match token {
            Token::Text(text) => {
                parts.push(Part::Text(text));
                continue;
            }
            Token::Braces(inside) => inside,
        };
        if inside == "end" && within_range {
            return Ok(parts);
        }
        if let Some(path) = inside.strip_prefix("range ") {
            parts.push(Part::Range(json_path(path.trim())?, parse(tokens, true)?));
        } else if let Some(text) = quoted(&inside) {
            parts.push(Part::Text(text));
        } else {
            parts.push(Part::Path(json_path(&inside)?));
        }
    }
    if within_range { Err("`{range}` lacks its `{end}`".into()) } else { Ok(parts) }
}

fn quoted(inside: &str) -> Option<String> {
    let quote = inside.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let text = inside.strip_prefix(quote)?.strip_suffix(quote)?;
    Some(text.replace("\\n", "\n").replace("\\t", "\t"))
}

/// kubectl writes `.metadata.annotations.a\.b/c`, RFC 9535 `$['metadata']['annotations']['a.b/c']`.
fn json_path(path: &str) -> Result<JsonPath, String> {
    let (mut standard, mut name, mut depth, mut escaped) = ("$".to_owned(), String::new(), 0_i32, false);
    let flush = |standard: &mut String, name: &mut String| {
        if name == "*" {
            standard.push_str("[*]");
        } else if !name.is_empty() {
            standard.extend(["['", &name.replace('\'', "\\'"), "']"]);
        }
        name.clear();
    };
    let body = path.strip_prefix('$').or_else(|| path.strip_prefix('@')).unwrap_or(path);
    for letter in body.chars() {
        match letter {
            _ if escaped => {
                name.push(letter);
                escaped = false;
            }
            '\\' if depth == 0 => escaped = true,
            '.' if depth == 0 => flush(&mut standard, &mut name),
            '[' => {
                flush(&mut standard, &mut name);
                depth += 1;
                standard.push(letter);
            }
            ']' => {
                depth -= 1;
                standard.push(letter);
            }
            _ if depth > 0 => standard.push(letter),
            _ => name.push(letter),
        }
    }
    flush(&mut standard, &mut name);
    JsonPath::parse(&standard).map_err(|error| format!("`{path}` is no JSONPath: {error}"))
}

fn fill(parts: &[Part], object: &Value, text: &mut String) {
    for part in parts {
        match part {
            Part::Text(given) => text.push_str(given),
            Part::Path(path) => {
                let found: Vec<String> = path.query(object).iter().map(|value| shown(value)).collect();
                text.push_str(&found.join(" "));
            }
            Part::Range(path, parts) => path.query(object).iter().for_each(|value| fill(parts, value, text)),
        }
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::a_path("{.metadata.name}", "a")]
    #[case::an_escaped_dot(r"{.metadata.annotations.hpa-override\.dev/requested-by}", "alice")]
    #[case::a_filter(r#"{.status.conditions[?(@.type=="Ready")].status}"#, "True")]
    #[case::all("{.status.conditions[*].type}", "Ready Active")]
    #[case::text_around("name: {.metadata.name}!", "name: a!")]
    #[case::a_range(r#"{range .status.conditions[*]}{.type}={.status}{"\n"}{end}"#, "Ready=True\nActive=False\n")]
    #[case::absent("{.spec.none}", "")]
    fn what_kubectl_prints(#[case] template: &str, #[case] expected: &str) {
        let object = json!({
            "metadata": {"name": "a", "annotations": {"hpa-override.dev/requested-by": "alice"}},
            "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Active", "status": "False"}]},
        });
        assert_eq!(template.parse::<Template>().unwrap().fill(&object), expected);
    }

    #[rstest]
    #[case::brace("{.a", "`{.a` lacks a closing brace")]
    #[case::end("{range .a}{.b}", "`{range}` lacks its `{end}`")]
    fn templates_that_are_none(#[case] template: &str, #[case] expected: &str) {
        assert_eq!(template.parse::<Template>().unwrap_err(), expected);
    }
}
