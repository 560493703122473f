//! `validate`: what the guard would say of files, without a cluster.

use std::{path::PathBuf, process::ExitCode};

use hpa_override_core::{Finding, GROUP, Instant, KIND, MayPatch, Report, Settings, VERSION, review_override};
use serde_json::{Value, json};

use crate::{
    documents::{Document, File, Place, Unreadable, read_files, read_one},
    failure::{Failure, Outcome},
    objects::{id_of, text},
    say::{note, say},
    session::Session,
};

/// Check files as the guard would, without a cluster
///
/// Every error and every warning is shown with file, line and column. Documents of other kinds are left out. --as says who
/// the requester is. The exit code is 1 where there is an error.
#[derive(Debug, clap::Args)]
pub struct ValidateArgs {
    /// Files, folders, or - for the standard input; may be repeated
    #[arg(short = 'f', long = "filename", value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    #[command(flatten)]
    offline: OfflineArgs,

    /// The override as it is stored, where the file changes it
    #[arg(long, value_name = "FILE")]
    old: Option<PathBuf>,

    /// text, json, sarif or github
    #[arg(short, long, value_name = "FORMAT", default_value = "text", value_enum)]
    output: ReportFormat,
}

/// What only a cluster would know.
#[derive(Clone, Debug, clap::Args)]
pub struct OfflineArgs {
    /// Settings of the platform team, as the controller reads them [default: none]
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,

    /// The instant for which it is decided, like 2026-11-27T06:00:00Z [default: now]
    #[arg(long, value_name = "INSTANT")]
    at: Option<Instant>,

    /// Whether the requester may patch the target, where the settings ask for it: yes, no, unavailable, error, notAsked
    #[arg(long, value_name = "ANSWER", default_value = "yes", value_parser = may_patch)]
    may_patch: MayPatch,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ReportFormat {
    /// A line each, with file, line and column.
    Text,
    /// The reports as the API gives them.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
}

fn may_patch(text: &str) -> Result<MayPatch, String> {
    MayPatch::parse(text).ok_or_else(|| "use yes, no, unavailable, error or notAsked".into())
}

impl OfflineArgs {
    /// The document of the settings; null where there is none.
    pub fn settings_document(&self) -> Outcome<Value> {
        self.settings.as_deref().map_or(Ok(Value::Null), read_one)
    }

    /// The settings.
    fn settings(&self) -> Outcome<Settings> {
        let document = self.settings_document()?;
        Settings::parse(&document)
            .map_err(|errors| Failure::new(format!("the settings are not valid: {}", errors.join("; "))))
    }

    /// The instant of the decision.
    pub fn at(&self, session: &Session) -> Instant {
        self.at.unwrap_or_else(|| session.now())
    }

    /// The answer of the cluster.
    pub fn may_patch(&self) -> MayPatch {
        self.may_patch
    }
}

/// One document, and what is to be said of it.
struct Checked {
    file: String,
    name: String,
    report: Report,
    document: Option<Document>,
    unreadable: Option<Unreadable>,
}

/// A finding at its place.
struct Line<'a> {
    file: &'a str,
    place: Place,
    is_error: bool,
    code: String,
    text: String,
}

/// Checks the files.
pub fn run(args: &ValidateArgs, session: &Session) -> Outcome {
    let (settings, now) = (args.offline.settings()?, args.offline.at(session));
    let old = args.old.as_deref().map(read_one).transpose()?;
    let mut checked = Vec::new();
    for File { name, documents } in read_files(&args.files)? {
        match documents {
            Ok(documents) => {
                let ours = documents.into_iter().filter(|document| is_override(&document.value));
                checked.extend(ours.map(|document| {
                    let object = in_namespace(&document.value, session);
                    let review = review_override(
                        &object,
                        old.as_ref(),
                        &session.requester(),
                        &settings,
                        now,
                        args.offline.may_patch(),
                    );
                    let (file, name) = (name.clone(), id_of(&object).to_string());
                    Checked { file, name, report: review.report, document: Some(document), unreadable: None }
                }));
            }
            Err(unreadable) => checked.push(Checked {
                file: name,
                name: String::new(),
                report: Report::default(),
                document: None,
                unreadable: Some(unreadable),
            }),
        }
    }
    if old.is_some() && checked.len() != 1 {
        return Err(Failure::new(format!("--old is for one override, and there are {} in these files", checked.len())));
    }
    if checked.is_empty() {
        return Err(Failure::new(format!("there is no {KIND} of {GROUP}/{VERSION} in these files")));
    }
    let lines: Vec<Line<'_>> = checked.iter().flat_map(Checked::lines).collect();
    let errors = lines.iter().filter(|line| line.is_error).count();
    match args.output {
        ReportFormat::Text => print_text(&lines, checked.len(), errors),
        ReportFormat::Json => print_json(&checked),
        ReportFormat::Sarif => say!("{:#}", sarif(&lines)),
        ReportFormat::Github => {
            for line in &lines {
                say!("{}", line.as_annotation());
            }
        }
    }
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether it is one of ours, by its kind.
pub fn is_override(object: &Value) -> bool {
    text(object, "/kind") == KIND && text(object, "/apiVersion").split('/').next() == Some(GROUP)
}

/// As kubectl would create it: in the namespace of the flags where it names none.
pub fn in_namespace(object: &Value, session: &Session) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        && !metadata.contains_key("namespace")
    {
        metadata.insert("namespace".into(), session.offline_namespace().into());
    }
    object
}

impl Checked {
    fn lines(&self) -> Vec<Line<'_>> {
        if let Some(Unreadable { place, message }) = &self.unreadable {
            let code = "yamlInvalid".to_owned();
            return vec![Line { file: &self.file, place: *place, is_error: true, code, text: message.clone() }];
        }
        let line = |finding: &Finding, is_error: bool| Line {
            file: &self.file,
            place: self
                .document
                .as_ref()
                .map_or(Place { line: 1, column: 1 }, |document| document.place(&finding.path)),
            is_error,
            code: json!(finding.code).as_str().unwrap_or_default().to_owned(),
            text: format!("{} ({})", finding, self.name),
        };
        let errors = self.report.errors.iter().map(|finding| line(finding, true));
        errors.chain(self.report.warnings.iter().map(|finding| line(finding, false))).collect()
    }
}

impl Line<'_> {
    fn level(&self) -> &'static str {
        if self.is_error { "error" } else { "warning" }
    }

    /// A workflow command of GitHub Actions; its special characters are escaped.
    fn as_annotation(&self) -> String {
        let Place { line, column } = self.place;
        let data = self.text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
        let property = |text: &str| text.replace('%', "%25").replace(':', "%3A").replace(',', "%2C");
        format!(
            "::{} file={},line={line},col={column},title={}::{data}",
            self.level(),
            property(self.file),
            property(&self.code)
        )
    }
}

fn print_text(lines: &[Line<'_>], documents: usize, errors: usize) {
    for line in lines {
        let Place { line: number, column } = line.place;
        say!("{}:{number}:{column}: {}: {} [{}]", line.file, line.level(), line.text, line.code);
    }
    let warnings = lines.len() - errors;
    note!("{documents} checked: {errors} errors, {warnings} warnings");
}

/// The report of each document, as `reviewOverride` of the JSON API gives it.
fn print_json(checked: &[Checked]) {
    let one = |checked: &Checked| {
        let unreadable = checked
            .unreadable
            .as_ref()
            .map(|found| json!({"line": found.place.line, "column": found.place.column, "message": found.message}));
        json!({"file": checked.file, "name": checked.name, "report": checked.report, "unreadable": unreadable})
    };
    say!("{:#}", Value::from(checked.iter().map(one).collect::<Vec<_>>()));
}

fn sarif(lines: &[Line<'_>]) -> Value {
    let result = |line: &Line<'_>| {
        let region = json!({"startLine": line.place.line, "startColumn": line.place.column});
        json!({
            "ruleId": line.code, "level": line.level(), "message": {"text": line.text},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": line.file}, "region": region}}],
        })
    };
    let mut rules: Vec<&str> = lines.iter().map(|line| line.code.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    let rules: Vec<Value> = rules.into_iter().map(|id| json!({"id": id, "helpUri": CODES})).collect();
    let driver = json!({"name": "kubectl-hpa_override", "version": env!("CARGO_PKG_VERSION"), "rules": rules});
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": lines.iter().map(result).collect::<Vec<_>>()}],
    })
}

/// What each code means.
const CODES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/codes.md");
