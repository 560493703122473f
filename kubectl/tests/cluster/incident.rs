//! docs/incident.md: its commands are run in order, and its answers are those of a real control plane.
//!
//! `HPA_OVERRIDE_WRITE_DOCS=1` writes the answers, and docs/incident.svg.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use hpa_override_testbed::{Identity, apply_yaml};

use crate::support::{OLGA, Place, hpa, steady, world};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/incident.md");
const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/incident.svg");
/// Characters of a line, lines, and their size in pixels.
const COLUMNS: usize = 130;
const LINE: usize = 17;

/// Runs the commands of the document; the document with their answers.
fn answered(document: &str, run: impl Fn(&str) -> String) -> String {
    let (mut text, mut is_console) = (String::new(), false);
    for line in document.lines() {
        let is_fence = line.starts_with("```");
        if is_fence {
            is_console = line == "```console";
        }
        // The answers that are there are replaced.
        if is_fence || !is_console || line.starts_with("$ ") {
            let _ = writeln!(text, "{line}");
        }
        if let Some(command) = line.strip_prefix("$ ").filter(|_| is_console) {
            text += &run(command);
        }
    }
    text
}

/// The session as a picture of a terminal.
fn picture(document: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut is_console = false;
    for line in document.lines() {
        if line.starts_with("```") {
            is_console = line == "```console";
            if !is_console && !lines.is_empty() {
                lines.push(String::new());
            }
        } else if is_console {
            let letters: Vec<char> = line.chars().collect();
            lines.extend(letters.chunks(COLUMNS).map(|part| part.iter().collect::<String>()));
            if letters.is_empty() {
                lines.push(String::new());
            }
        }
    }
    lines.pop();
    let (width, height) = (COLUMNS * 8 + 24, lines.len() * LINE + 30);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" font-size=\"13\">\n\
         <title>kubectl hpa-override during an incident</title>\n<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#1e1e1e\"/>\n"
    );
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        let colour = match line.as_bytes() {
            [b'$', ..] => "#ffffff",
            [b'+', b' ', ..] => "#98c379",
            [b'-', b' ', ..] => "#e06c75",
            _ => "#c8c8c8",
        };
        let text = line.replace('&', "&amp;").replace('<', "&lt;");
        let y = number * LINE + 24;
        let _ = writeln!(svg, "<text x=\"12\" y=\"{y}\" fill=\"{colour}\" xml:space=\"preserve\">{text}</text>");
    }
    svg + "</svg>\n"
}

#[test]
fn the_document_is_what_happens() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let place = runtime.block_on(Place::new(world(), "shop"));
    let kubeconfig = world().plane().folder().join("incident.kubeconfig");
    fs::copy(world().plane().kubeconfig_file(&Identity::user(OLGA)).unwrap(), &kubeconfig).unwrap();
    let environment: Vec<_> =
        place.command(OLGA, &[]).get_envs().map(|(key, value)| (key.to_owned(), value.unwrap().to_owned())).collect();
    let kubectl = place.command(OLGA, &[]).get_program().to_owned();
    let path = environment.iter().find(|(key, _)| key == "PATH").unwrap().1.clone();
    let folder = Path::new(&kubectl).parent().unwrap().to_owned();
    let run = |command: &str| {
        // Between two commands Argo CD syncs.
        runtime.block_on(apply_yaml(&place.client, &hpa("shop", "web"), "argocd", true)).unwrap();
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("{command} 2>&1")).envs(environment.iter().cloned()).env("KUBECONFIG", &kubeconfig);
        let paths = std::env::split_paths(&path).chain([folder.clone()]);
        let output = shell.env("PATH", std::env::join_paths(paths).unwrap()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{command}: {text}");
        text
    };
    let document = fs::read_to_string(DOCUMENT).unwrap();
    let real = answered(&document, run);
    if std::env::var_os("HPA_OVERRIDE_WRITE_DOCS").is_some() {
        fs::write(DOCUMENT, &real).unwrap();
        fs::write(PICTURE, picture(&real)).unwrap();
    } else {
        assert_eq!(steady(&document), steady(&real), "write it with HPA_OVERRIDE_WRITE_DOCS=1");
        assert_eq!(fs::read_to_string(PICTURE).unwrap(), picture(&document), "the picture is of this document");
    }
}
