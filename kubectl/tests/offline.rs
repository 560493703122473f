//! `validate` and `preview` without a cluster: files in, text out.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

const NOW: &str = "2026-11-27T06:00:00Z";
const WRONG: &str = "apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: hpa-override.dev/v1
kind: AutoscalerOverride
metadata:
  name: campaign
  namespace: shop
spec:
  hpa: web
  minReplicas: forty
  schedule:
    cron: 61 * * * *
  duration: 1h
";
const HPA: &str = "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec: {minReplicas: 2, maxReplicas: 5}
";
const CAMPAIGN: &str = "apiVersion: hpa-override.dev/v1
kind: AutoscalerOverride
metadata: {name: campaign, namespace: shop}
spec: {hpa: web, minReplicas: 10, maxReplicas: 20, startsAt: '2026-11-27T07:00:00Z', duration: 2h}
";

/// A folder with these files, which ends with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("hpa-override-offline-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        Self(folder)
    }

    /// The exit code, the standard output and the standard error, with paths as in the folder.
    fn run(&self, arguments: &[&str], input: &str) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-hpa_override"));
        command.args(arguments).current_dir(&self.0).env("TZ", "Europe/Rome").env("KUBECONFIG", "/nonexistent");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_error_has_its_place() {
    let folder = Folder::new("place", &[("a.yaml", WRONG), ("b.yml", CAMPAIGN), ("c.txt", "a: [")]);
    let (code, out, err) = folder.run(&["validate", "-f", ".", "--at", NOW], "");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((code, lines.len(), err.as_str()), (1, 2, "2 checked: 2 errors, 0 warnings\n"), "{out}");
    assert!(
        lines[0].starts_with("./a.yaml:12:3: error: spec.minReplicas: ")
            && lines[0].ends_with(" (shop/campaign) [amountInvalid]")
    );
    assert!(
        lines[1].starts_with("./a.yaml:14:5: error: spec.schedule.cron: ") && lines[1].ends_with("[cronInvalid]"),
        "{out}"
    );
}

#[test]
fn findings_are_annotations_and_sarif() {
    let folder = Folder::new("formats", &[("a.yaml", WRONG)]);
    let (_, github, _) = folder.run(&["validate", "-f", "a.yaml", "--at", NOW, "-o", "github"], "");
    assert!(
        github.starts_with("::error file=a.yaml,line=12,col=3,title=amountInvalid::spec.minReplicas: "),
        "{github}"
    );
    let (code, sarif, _) = folder.run(&["validate", "-f", "-", "--at", NOW, "-o", "sarif"], WRONG);
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    let location = &result["locations"][0]["physicalLocation"];
    assert_eq!(
        (code, &result["ruleId"], &location["artifactLocation"]["uri"]),
        (1, &json!("amountInvalid"), &json!("stdin"))
    );
    assert_eq!(location["region"], json!({"startLine": 12, "startColumn": 3}));
}

#[test]
fn a_text_that_is_no_yaml_is_an_error_at_its_place() {
    let folder = Folder::new("yaml", &[]);
    let (code, out, _) = folder.run(&["validate", "-f", "-"], "a: 1\na: 2\n");
    assert!(code == 1 && out.starts_with("stdin:2:1: error: "), "{out}");
    let (code, _, err) = folder.run(&["validate", "-f", "-"], "kind: Namespace\napiVersion: v1\n");
    assert_eq!(
        (code, err.as_str()),
        (1, "error: there is no AutoscalerOverride of hpa-override.dev/v1 in these files\n")
    );
}

#[test]
fn limits_and_the_requester_are_flags() {
    let settings = "replicaCeiling: 8\nauthorizeRequester: true\n";
    let folder =
        Folder::new("limits", &[("a.yaml", CAMPAIGN), ("s.yaml", settings), ("wrong.yaml", "replicaCeling: 8")]);
    let (code, out, _) = folder
        .run(&["validate", "-f", "a.yaml", "--at", NOW, "--settings", "s.yaml", "--may-patch=no", "--as=alice"], "");
    assert_eq!((code, out.matches("[ceilingExceeded]").count()), (1, 2), "{out}");
    assert!(out.contains("`alice` may not patch HorizontalPodAutoscaler shop/web"), "{out}");
    let (code, _, err) = folder.run(&["validate", "-f", "a.yaml", "--settings", "wrong.yaml"], "");
    assert!(code == 1 && err.starts_with("error: the settings are not valid: replicaCeling"), "{err}");
}

#[test]
fn a_preview_is_a_table_a_plot_and_a_picture() {
    let folder = Folder::new("preview", &[("a.yaml", CAMPAIGN), ("hpa.yaml", HPA)]);
    let preview = ["preview", "-f", "a.yaml", "--hpa", "hpa.yaml", "--at", NOW];
    let (code, out, err) = folder.run(&preview, "");
    let table = "\
FROM                               BOUNDS   OWNER   WHAT HAPPENS
2026-11-27 07:00 CET (06:00 UTC)   2-5      2-5     nothing is active
2026-11-27 08:00 CET (07:00 UTC)   10-20    2-5     shop/campaign begins
2026-11-27 10:00 CET (09:00 UTC)   2-5      2-5     shop/campaign ends
";
    assert!(code == 0 && err.is_empty() && out.starts_with(table), "{out}{err}");
    let (_, json, _) = folder.run(&[&preview[..], &["-o", "json"]].concat(), "");
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["points"][1]["effective"], json!({"minReplicas": 10, "maxReplicas": 20}));
    let (_, svg, _) = folder.run(&[&preview[..], &["-o", "svg"]].concat(), "");
    assert!(
        svg.starts_with("<svg ") && svg.ends_with("</svg>\n") && svg.contains("HorizontalPodAutoscaler shop/web"),
        "{svg}"
    );
}

#[test]
fn an_override_of_another_hpa_is_named() {
    let folder = Folder::new("other", &[("a.yaml", CAMPAIGN), ("hpa.yaml", &HPA.replace("name: web", "name: api"))]);
    let (code, _, err) = folder.run(&["preview", "-f", "a.yaml", "--hpa", "hpa.yaml", "--at", NOW], "");
    assert_eq!((code, err.as_str()), (0, "warning: shop/campaign does not target HorizontalPodAutoscaler shop/api\n"));
}
