//! Prints the table of the settings in policy/wapc/README.md.

use std::io::{Result, Write, stdout};

use hpa_override_core::{Setting, Settings};

const HEAD: &str = "\
| setting | value | default | meaning |
|---|---|---|---|
";

fn main() -> Result<()> {
    let mut out = stdout().lock();
    out.write_all(HEAD.as_bytes())?;
    Settings::ALL.iter().try_for_each(|Setting { key, kind, default, meaning }| {
        let default = default.map_or("none".into(), |default| format!("`{default}`"));
        writeln!(out, "| `{key}` | {kind} | {default} | {meaning} |")
    })
}
