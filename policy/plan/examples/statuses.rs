//! Prints the tables of docs/reference/status.md: phases, conditions, reasons.

use std::{
    error::Error,
    io::{Write, stdout},
};

use hpa_override_crd::{ConditionStatus, Reason};
use hpa_override_plan::{reached_table, status_table};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();
    writeln!(out, "| phase | Ready | Active | Stalled | meaning |\n|---|---|---|---|---|")?;
    for row in status_table() {
        let mark = if row.by_controller { "*" } else { "" };
        let [ready, active, stalled] = [row.ready, row.active, row.stalled].map(cell);
        writeln!(out, "| `{}`{mark} | {ready} | {active} | {stalled} | {} |", row.phase.as_str(), row.meaning)?;
    }
    writeln!(out, "\n\\* Only a controller gives these: a write to a target failed.\n")?;
    writeln!(out, "| Reached | meaning |\n|---|---|")?;
    for row in reached_table() {
        writeln!(out, "| {} | {} |", cell((row.status, row.reason)), row.meaning)?;
    }
    Ok(())
}

fn cell((status, reason): (ConditionStatus, Reason)) -> String {
    format!("{} `{}`", status.as_str(), reason.as_str())
}
