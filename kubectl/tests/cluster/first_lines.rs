//! Lines that somebody types first who knows kubectl and not this plugin. They were written down before the verbs were finished.
//! Each does what was meant, or its answer names the command that does.

use crate::support::{Place, world};

/// The line, its exit code, and what its answer holds.
const LINES: [(&str, i32, &str); 20] = [
    ("", 2, "Usage: kubectl hpa-override"),
    ("help", 0, "kubectl hpa-override set web --min 10"),
    ("set --help", 0, "--until <TIME>"),
    ("list", 0, "No AutoscalerOverrides found in namespace first."),
    ("create web --min 10 --max 20 --name a", 0, "autoscaleroverride.hpa-override.dev/a created"),
    ("get", 0, "a   web"),
    ("get a -o yaml", 0, "minReplicas: 10"),
    ("get hpao a", 0, "a   web"),
    ("set hpa/web --min=12 --duration 30m --name b", 0, "/b created"),
    ("set hpa web --max-replicas 30 --name c --dry-run", 0, "/c created (dry run)"),
    ("set web --min-replicas 10", 0, "created"),
    ("web --min 10", 2, "Usage: kubectl hpa-override"),
    ("scale web --replicas 10", 2, "kubectl hpa-override"),
    ("apply -f override.yaml", 2, "kubectl apply, edit, get and describe work with it, too"),
    ("describe web", 0, "Owner wants:"),
    ("describe hpa web", 0, "Owner wants:"),
    ("describe hpao a", 0, "Requested by:"),
    ("status", 0, "PHASE"),
    ("set web --min 10 --until tomorrow", 1, "write 18:00, \"tomorrow 08:00\""),
    ("delete b", 0, "/b ended"),
];

#[tokio::test]
async fn each_works_or_leads_on() {
    let place = Place::new(world(), "first").await;
    for (line, code, expected) in LINES {
        let words: Vec<&str> = line.split_whitespace().collect();
        let said = place.run(&words);
        let answer = format!("{}{}", said.out, said.err);
        assert!(said.code == code && answer.contains(expected), "`{line}` should answer {code}, {expected}; {said:?}");
    }
}
