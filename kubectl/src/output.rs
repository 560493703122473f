//! How results are shown: tables, or objects as JSON, YAML, names or by a `JSONPath` template, as kubectl has it.

pub mod json_path;

use std::{fmt::Write as _, str::FromStr};

use comfy_table::{ContentArrangement, Table, presets::NOTHING};
use serde_json::{Value, json};

use self::json_path::Template;
use crate::{
    failure::{Failure, Outcome},
    objects::text,
    say::{out, say},
};

/// What `-o` asks for.
#[derive(Clone, Debug)]
pub enum Format {
    /// A table with all columns.
    Wide,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// `resource/name`, a line each.
    Name,
    /// A `JSONPath` template.
    JsonPath(Template),
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "wide" => Ok(Self::Wide),
            "json" => Ok(Self::Json),
            "yaml" => Ok(Self::Yaml),
            "name" => Ok(Self::Name),
            _ => match text.strip_prefix("jsonpath=") {
                Some(template) => template.parse().map(Self::JsonPath),
                None => Err("use wide, json, yaml, name or jsonpath=TEMPLATE".into()),
            },
        }
    }
}

/// What `-o` of a verb about one object takes: `wide` is for tables.
///
/// # Errors
/// Where it is none of these.
pub fn object_format(text: &str) -> Result<Format, String> {
    match text.parse()? {
        Format::Wide => Err("use json, yaml, name or jsonpath=TEMPLATE".into()),
        format => Ok(format),
    }
}

/// What `-o` of a verb takes that shows no object: it has no name.
///
/// # Errors
/// Where it is none of these.
pub fn data_format(text: &str) -> Result<Format, String> {
    match text.parse()? {
        Format::Wide | Format::Name => Err("use json, yaml or jsonpath=TEMPLATE".into()),
        format => Ok(format),
    }
}

impl Format {
    /// Prints one object.
    pub fn print(&self, object: &Value) -> Outcome<()> {
        match self {
            Self::Wide => {}
            Self::Json => say!("{object:#}"),
            Self::Yaml => out(format_args!("{}", yaml(object)?)),
            Self::Name => say!("{}", resource_name(object)),
            Self::JsonPath(template) => out(format_args!("{}", template.fill(object))),
        }
        Ok(())
    }

    /// Prints objects of one kind, as a list.
    pub fn print_list(&self, objects: &[Value]) -> Outcome<()> {
        match self {
            Self::Name => {
                for object in objects {
                    say!("{}", resource_name(object));
                }
                Ok(())
            }
            _ => self.print(&json!({"apiVersion": "v1", "kind": "List", "items": objects})),
        }
    }
}

/// An object as YAML.
pub fn yaml(object: &Value) -> Outcome<String> {
    yaml_serde::to_string(object).map_err(|error| Failure::new(format!("failed to write YAML: {error}")))
}

/// `autoscaleroverride.hpa-override.dev/web`, as kubectl names an object.
pub fn resource_name(object: &Value) -> String {
    let group = text(object, "/apiVersion").split_once('/').map(|(group, _)| format!(".{group}")).unwrap_or_default();
    format!("{}{group}/{}", text(object, "/kind").to_lowercase(), text(object, "/metadata/name"))
}

/// A table without lines, three blanks between its columns.
pub fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(head.iter().copied());
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 3));
    }
    table.lines().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{}", line.trim_end());
        text
    })
}

/// A text of at most so many characters.
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.into();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned() {
        let rows = vec![vec!["web".into(), "2-5".into()], vec!["checkout".into(), "10-20".into()]];
        assert_eq!(table(&["NAME", "BOUNDS"], rows), "NAME       BOUNDS\nweb        2-5\ncheckout   10-20\n");
    }

    #[test]
    fn wide_characters_count_twice() {
        let rows = vec![vec!["売出".into(), "a".into()], vec!["abcd".into(), "b".into()]];
        assert_eq!(table(&["R", "C"], rows), "R      C\n売出   a\nabcd   b\n");
    }

    #[test]
    fn names_are_those_of_kubectl() {
        let object =
            json!({"apiVersion": "hpa-override.dev/v1", "kind": "AutoscalerOverride", "metadata": {"name": "a"}});
        assert_eq!(resource_name(&object), "autoscaleroverride.hpa-override.dev/a");
    }
}
