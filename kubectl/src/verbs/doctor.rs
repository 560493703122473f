//! `doctor`: what is wrong with the installation, and what to do. It reads, and writes nothing.
//!
//! ```text
//!   look (what this user may read) ──► crd · admission · controller · settings · state · rights ──► findings
//! ```

mod admission;
mod certificate;
mod controller;
mod crd;
mod finding;
mod look;
mod rights;
mod settings;
mod state;

use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use self::{
    finding::{Finding, Level},
    look::Look,
};
use crate::{
    failure::Outcome,
    output::{Format, data_format},
    say::say,
    session::Session,
};

/// Look for what is wrong with the installation, and say what to do
///
/// It checks the CRD, the admission, the controller, the settings on all sides, the rights of the controller, overrides that are
/// overdue, and HPAs that nobody looks after. What you may not read is said and left out. The exit code is 1 where it finds
/// something.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// json or yaml
    #[arg(short, long, value_name = "FORMAT", value_parser = data_format)]
    output: Option<Format>,
}

/// Looks for what is wrong.
pub async fn run(args: &DoctorArgs, session: &Session) -> Outcome {
    let cluster = session.cluster().await?;
    let look = Look::read(cluster, session).await;
    let mut findings = crd::check(&look);
    findings.extend(admission::check(&look, session).await);
    findings.extend(controller::check(&look));
    findings.extend(settings::check(&look));
    findings.extend(state::check(&look));
    findings.extend(rights::check(&look, cluster).await);
    findings.sort_by_key(|finding| finding.level);
    let is_well = findings.iter().all(|finding| finding.level > Level::Warning);
    match &args.output {
        Some(format) => format.print(&serde_json::json!({ "healthy": is_well, "findings": findings }))?,
        None => print(&findings, is_well),
    }
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(findings: &[Finding], is_well: bool) {
    for Finding { check, level, message, remedy } in findings {
        let (style, word) = match level {
            Level::Error => (AnsiColor::Red.on_default(), "error"),
            Level::Warning => (AnsiColor::Yellow.on_default(), "warning"),
            Level::Unknown => (Style::new(), "unknown"),
            Level::Note => (Style::new(), "note"),
        };
        say!("{style}{word:<9}{style:#}{check}: {message}");
        if let Some(remedy) = remedy {
            say!("{:<9}{remedy}", "");
        }
    }
    let unknown = findings.iter().filter(|finding| finding.level == Level::Unknown).count();
    let rest = if unknown == 0 { String::new() } else { format!("; {unknown} checks could not be made") };
    let found = match (is_well, unknown) {
        (false, _) => "something is wrong",
        (true, 0) => "nothing is wrong",
        (true, _) => "nothing is wrong in what you may read",
    };
    say!("{found}{rest}");
}
