//! A question as a case file: it passes where every door answers as native does. What was found goes ahead as a comment.

use crate::question::Question;

/// YAML; what is long stands on one line, as JSON.
pub fn of(found: &str, Question { function, argument }: &Question) -> String {
    let mut lines: Vec<String> = found.lines().map(|line| format!("# {line}")).collect();
    lines.push(format!("title: every door answers alike\nkind: question\nfunction: {function}"));
    match argument.as_object().filter(|map| !map.is_empty()) {
        Some(map) => {
            lines.push("argument:".into());
            lines.extend(map.iter().map(|(key, value)| format!("  {key}: {value}")));
        }
        None => lines.push(format!("argument: {argument}")),
    }
    lines.join("\n") + "\n"
}
