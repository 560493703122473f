//! The npm package as shipped: packed, installed in an empty project elsewhere, imported from JavaScript and TypeScript;
//! its README's examples. Where there is no Node, one line says so.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use hpa_override_core::{Code, MayPatch, json::ErrorCode};
use hpa_override_testbed::say;
use serde_json::json;

/// The TypeScript compiler that checks the types.
const TYPESCRIPT: &str = "typescript@7.0.2";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn has_node() -> bool {
    let there =
        Command::new("node").arg("--version").output().is_ok() && Command::new("npm").arg("--version").output().is_ok();
    if !there {
        say("not run: there is no Node with npm on this machine");
    }
    there
}

fn run(folder: &Path, program: &str, args: &[&str]) -> String {
    try_run(folder, program, args).unwrap()
}

fn try_run(folder: &Path, program: &str, args: &[&str]) -> Result<String, String> {
    let Output { status, stdout, stderr } = Command::new(program).args(args).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(stdout), text(stderr));
    if status.success() { Ok(stdout) } else { Err(format!("{program} {args:?}: {stdout}{stderr}")) }
}

/// An empty project far from this repository, with the packed package installed.
fn project(name: &str) -> PathBuf {
    let package = root().join("dist/js");
    assert!(package.exists(), "there is no dist/js; run `cargo xtask dist`");
    let folder = std::env::temp_dir().join(format!("hpa-override-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let tarball = run(&folder, "npm", &["pack", "--silent", package.canonicalize().unwrap().to_str().unwrap()]);
    fs::write(folder.join("package.json"), r#"{"name":"elsewhere","private":true,"type":"module"}"#).unwrap();
    install(&folder, &format!("./{}", tarball.trim())).unwrap();
    folder
}

fn install(folder: &Path, package: &str) -> Result<String, String> {
    let quietly = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--fetch-retries=1"];
    try_run(folder, "npm", &[&quietly[..], &[package]].concat())
}

/// The code of a page's fenced blocks in that language.
fn examples(page: &Path, language: &str) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let blocks = text.split("```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix(&format!("{language}\n")).map(Into::into)).collect()
}

#[test]
fn the_examples_of_the_readme_print_what_they_say() {
    if !has_node() {
        return;
    }
    let folder = project("readme");
    let examples = examples(&root().join("policy/js/package/README.md"), "js");
    assert_eq!(examples.len(), 3);
    for example in examples {
        let said = example.lines().filter_map(|line| line.strip_prefix("// "));
        let said = said.chain([""]).collect::<Vec<_>>().join("\n");
        fs::write(folder.join("example.js"), &example).unwrap();
        assert_eq!(run(&folder, "node", &["example.js"]), said, "{example}");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_host_of_the_documentation_prints_what_it_says() {
    if !has_node() {
        return;
    }
    let folder = project("host");
    let hosts = examples(&root().join("docs/embedding.md"), "js");
    assert!(hosts.len() == 1 && hosts.iter().all(|host| host.lines().count() <= 25));
    fs::write(folder.join("host.mjs"), hosts.concat()).unwrap();
    assert_eq!(run(&folder, "node", &["host.mjs"]), "10 to 15 pods\n");
    fs::remove_dir_all(folder).unwrap();
}

const BAD_INPUT: &str = r#"
import assert from "node:assert";
import * as door from "hpa-override";

const now = "2026-11-27T06:00:00Z";
const hpa = { metadata: { namespace: "shop", name: "web" }, spec: { maxReplicas: 5 } };
const answers = () => assert.deepEqual(door.effectiveBounds({ now, hpa }).effective, { minReplicas: 1, maxReplicas: 5 });

function refused(ask, code, path) {
  assert.throws(ask, (error) => {
    assert(error instanceof door.HpaOverrideError && error instanceof Error);
    assert.deepEqual([error.code, error.path], [code, path]);
    assert.deepEqual(error.report, { errors: [{ path, code, message: error.report.errors[0].message }], warnings: [] });
    assert(error.message.endsWith(error.report.errors[0].message));
    return true;
  });
  answers();
}

const nested = (levels) => JSON.parse("[".repeat(levels) + "]".repeat(levels));
let deep = [];
for (let level = 0; level < 5_000_000; level++) deep = [deep];
const cycle = {};
cycle.cycle = cycle;

const revoked = Proxy.revocable({}, {});
revoked.revoke();

refused(() => door.planHpa(), "typeInvalid", "");
refused(() => door.planHpa(() => 1), "typeInvalid", "");
refused(() => door.planHpa(null), "typeInvalid", "");
refused(() => door.planHpa({ now, hpa: nested(1000) }), "jsonInvalid", "");
refused(() => door.planHpa({ now, hpa: nested(127) }), "jsonInvalid", "");
refused(() => door.planHpa({ now, hpa, overrides: [nested(126)] }), "jsonInvalid", "");
refused(() => door.validateSettings(nested(127)), "jsonInvalid", "");
door.planHpa({ now, hpa: nested(126), overrides: [nested(125)] });
refused(() => door.planHpa({ now, hpa: deep }), "jsonInvalid", "");
refused(() => door.planHpa({ now, hpa: cycle }), "jsonInvalid", "");
refused(() => door.planHpa({ now, hpa: 1n }), "jsonInvalid", "");
refused(() => door.planHpa({ now, hpa: { name: "\ud800" } }), "jsonInvalid", "");
refused(() => door.planHpa({ get now() { throw null; } }), "jsonInvalid", "");
refused(() => door.planHpa({ toJSON() { throw undefined; } }), "jsonInvalid", "");
refused(() => door.planHpa({ toJSON() { throw "no"; } }), "jsonInvalid", "");
refused(() => door.planHpa({ toJSON() { throw Object.create(null); } }), "jsonInvalid", "");
refused(() => door.planHpa({ toJSON() { throw { get message() { throw new Error(); } }; } }), "jsonInvalid", "");
refused(() => door.planHpa(revoked.proxy), "jsonInvalid", "");
refused(() => door.reviewOverride({ now, object: {}, old: [] }), "typeInvalid", "old");
refused(() => door.planHpa({ now, hpa: "x".repeat(100_000_000) }), "jsonInvalid", "");
refused(() => door.validateSettings("ü".repeat(50_000_000)), "jsonInvalid", "");
refused(() => door.planHpa({ now, overides: [] }), "keyUnknown", "overides");
refused(() => door.planHpa({ now: "today" }), "instantInvalid", "now");
refused(() => door.planHpa({ now: new Date(NaN) }), "instantInvalid", "now");
refused(() => door.planHpa({ now: new Date("9001-01-01T00:00:00Z") }), "instantInvalid", "now");
refused(() => door.planHpa({ now: -1 }), "instantInvalid", "now");
refused(() => door.timeline({ now, hpa }), "instantInvalid", "until");
refused(() => door.effectiveBounds({ now, hpa: { spec: { maxReplicas: 2 ** 31 } } }), "hpaInvalid", "hpa.spec");
refused(() => door.nextTransition({ now, hpa, settings: { a: 1 } }), "settingsInvalid", "settings");
refused(() => door.planStatus({ now, overrides: {} }), "typeInvalid", "overrides");

function told(spec, code, path) {
  const object = { metadata: { namespace: "shop", name: "a" }, spec: { hpa: "web", minReplicas: 2, duration: "1h", ...spec } };
  const { errors } = door.reviewOverride({ now, object }).report;
  assert.deepEqual(errors.map((error) => [error.code, error.path]), [[code, path]]);
  answers();
}

told({ minReplicas: 2 ** 40 }, "amountInvalid", "spec.minReplicas");
told({ schedule: { cron: "0 8 * * *", timeZone: "Europe/Nowhere" } }, "timeZoneUnknown", "spec.schedule.timeZone");
told({ schedule: { cron: "0,".repeat(50_000) } }, "cronInvalid", "spec.schedule.cron");

let inner = 0;
for (let level = 0; level < 118; level++) inner = { "": inner };
const dense = Array(14_000).fill(inner);
assert.equal(door.admitHpa({ now, object: { ...hpa, dense } }).object, null);
answers();
const metadata = { namespace: "shop", name: "a" };
const object = { metadata, spec: { hpa: "web", minReplicas: 2, duration: "1h" }, dense };
assert.equal(door.reviewOverride({ now, object, request: { user: "alice" } }).object.dense.length, dense.length);
answers();

const numbers = [NaN, -Infinity, -0, 2.5, 2 ** 53];
const stamped = door.reviewOverride({ now, object: { ...object, dense: numbers }, request: { user: "alice" } }).object;
assert.deepEqual(stamped.dense, [null, null, 0, 2.5, 2 ** 53]);

const nameless = door.planHpa({ now, hpa, overrides: [{ ...object, metadata: {}, dense: [] }] });
assert.deepEqual([Object.values(nameless.phases), nameless.patch], [["Invalid"], null]);

const schedule = { cron: "* * * * *" };
const blocked = { metadata, spec: { hpa: "web", minReplicas: 9, duration: "1m", schedule } };
const span = door.timeline({ now, until: "2030-01-01T00:00:00Z", hpa, overrides: [blocked], settings: { replicaCeiling: 8 } });
assert.deepEqual([span.points.length, span.goesOnAt], [1, "2026-11-27T22:40:00Z"]);

assert.deepEqual(door.validateSettings({ maxDuration: "7d" }), []);
assert.deepEqual(door.validateSettings(7), ["the settings are not an object"]);
assert.equal(door.admitHpa({ now, object: hpa }).object, null);
"#;

#[test]
fn bad_input_is_thrown_or_told_and_the_next_call_answers() {
    if !has_node() {
        return;
    }
    let folder = project("bad-input");
    fs::write(folder.join("bad.js"), BAD_INPUT).unwrap();
    assert_eq!(run(&folder, "node", &["bad.js"]), "");
    fs::remove_dir_all(folder).unwrap();
}

/// Prints answers as literals of their types: TypeScript takes no literal with a key too many or too few.
const ANSWERS: &str = r#"
import * as door from "hpa-override";

const now = "2026-11-27T06:00:00Z";
const object = (name, spec) => ({ metadata: { namespace: "shop", name, uid: name, creationTimestamp: now }, spec });
const hpa = { metadata: { namespace: "shop", name: "web" }, spec: { minReplicas: 2, maxReplicas: 50 } };
const ovr = object("a", { hpa: "web", minReplicas: "150%", maxReplicas: "desired-5", duration: "1h", returnOver: "10m" });
const overrides = [
  ovr,
  object("raise", { hpa: "web", minReplicas: "desired+5", mode: "Raise", duration: "1h" }),
  object("cap", { hpa: "web", maxReplicas: 40, mode: "Cap", duration: "1h", priority: 1 }),
  object("superseded", { hpa: "web", maxReplicas: 30, priority: -1, duration: "1h" }),
  object("suspended", { hpa: "web", maxReplicas: 30, suspend: true }),
  object("pending", { hpa: "web", maxReplicas: 30, startsAt: "2026-11-27T09:00:00Z" }),
  object("blocked", { hpa: "web", maxReplicas: 70, duration: "1h" }),
  object("invalid", { hpa: "web" }),
];
const settings = { replicaCeiling: 60 };
const situation = { now, settings, hpa, overrides };
const plan = door.planHpa(situation);
const overridden = {
  metadata: { ...hpa.metadata, annotations: plan.patch.metadata.annotations },
  spec: { ...hpa.spec, ...plan.patch.spec },
};
const managedFields = [{ manager: "argocd", operation: "Update", fieldsV1: { "f:spec": { "f:minReplicas": {} } } }];
const reverted = { metadata: { ...overridden.metadata, managedFields }, spec: { ...overridden.spec, minReplicas: 2 } };

function thrown() {
  try {
    door.planHpa({ now: "today", hpa });
  } catch (error) {
    return error.report;
  }
}

const answers = [
  ["Report<ErrorCode>", thrown()],
  ["Review", door.reviewOverride({ now, object: {} })],
  ["Review", door.reviewOverride({ now, object: ovr, request: { user: "alice" } })],
  ["Admission", door.admitHpa({ now, object: hpa })],
  ["Admission", door.admitHpa({ now, object: hpa, old: overridden, request: { user: "alice" } })],
  ["HpaPlan", door.planHpa({ now, hpa })],
  ["HpaPlan", plan],
  ["HpaPlan", door.planHpa({ ...situation, hpa: reverted })],
  ["StatusPlan", door.planStatus({ now, object: ovr, hpas: [overridden], overrides })],
  ["StatusPlan", door.planStatus({ now, object: object("b", { hpa: "none", minReplicas: 1 }) })],
  ["Point", door.effectiveBounds(situation)],
  ["Span", door.timeline({ ...situation, until: "2026-11-28T00:00:00Z" })],
  ["Span", door.timeline({ now, hpa, until: "2026-11-28T00:00:00Z" })],
];
const types = ["Admission", "ErrorCode", "HpaPlan", "Point", "Report", "Review", "Span", "StatusPlan"];
console.log(`import type { ${types.join(", ")} } from "hpa-override";`);
answers.forEach(([type, answer], at) => console.log(`export const answer${at}: ${type} = ${JSON.stringify(answer)};`));
"#;

/// What the answers have to say, so that all of the types is seen.
const SEEN: [&str; 20] = [
    "Invalid",
    "Blocked",
    "Returning",
    "Expired",
    "Suspended",
    "Pending",
    "Superseded",
    "Active",
    "Set",
    "Raise",
    "Cap",
    "150%",
    "desired+5",
    "landing",
    "until",
    "returnOver",
    "revertedBy\":\"argocd",
    "Hpa",
    "Override",
    "instantInvalid",
];

const TYPED: &str = r#"
import { HpaOverrideError, admitHpa, nextTransition, planHpa, planStatus } from "hpa-override";
import { reviewOverride, timeline, validateSettings } from "hpa-override";
import type { Code, MayPatch, Phase, Point } from "hpa-override";

const hpa = { metadata: { namespace: "shop", name: "web" }, spec: { maxReplicas: 5 } };
const now = new Date("2026-11-27T06:00:00Z");
const mayPatch: MayPatch = "yes";
const points: Point[] = timeline({ now, until: "2026-11-28T00:00:00Z", hpa, mayPatch }).points;
const max: number | undefined = points[0]?.effective.maxReplicas;
const phase: Phase | undefined = planHpa({ now, hpa, overrides: [] }).phases["shop/a"];
const codes: Code[] = reviewOverride({ now, object: {} }).report.errors.map((finding) => finding.code);
const next: string | null = nextTransition({ now, hpa });
try {
  planHpa({ now: "today", hpa });
} catch (error) {
  if (error instanceof HpaOverrideError) console.log(max, phase, codes[0], next, validateSettings(null).length, error.code);
}
// @ts-expect-error: not an answer of the cluster
() => planHpa({ now, hpa, mayPatch: "maybe" });
// @ts-expect-error: nobody else makes one
() => new HpaOverrideError("no");

// Objects and settings are of whatever type one has.
interface Autoscaler { metadata?: { name?: string; creationTimestamp?: Date }; spec?: { maxReplicas: number } }
class Rules { maxDuration?: string = "7d"; }
class Override { metadata = { namespace: "shop", name: "a" }; constructor(public spec: { hpa: string; minReplicas: number }) {} }
const typed: Autoscaler = { metadata: { name: "web", creationTimestamp: now }, spec: { maxReplicas: 5 } };
const overrides: readonly Override[] = [new Override({ hpa: "web", minReplicas: 2 })];
const groups: readonly string[] = ["devs"];
planHpa({ now, hpa: typed, overrides, settings: new Rules() });
planStatus({ now, object: overrides[0]!, overrides, hpas: [typed] as readonly Autoscaler[] });
admitHpa({ now, object: typed, old: typed, request: { user: "alice", groups } });
reviewOverride({ now, object: overrides[0]!, old: overrides[0]!, request: { groups } });
validateSettings(new Rules());
"#;

#[test]
fn the_types_are_those_of_the_answers() {
    if !has_node() {
        return;
    }
    let folder = project("types");
    if let Err(why) = install(&folder, TYPESCRIPT) {
        say(&format!("not run: there is no {TYPESCRIPT} to be had: {why}"));
        return;
    }
    fs::write(folder.join("typed.ts"), TYPED).unwrap();
    fs::write(folder.join("answers.js"), ANSWERS).unwrap();
    let answers = run(&folder, "node", &["answers.js"]);
    for seen in SEEN {
        assert!(answers.contains(&format!("\"{seen}\"")), "{seen} is not among {answers}");
    }
    fs::write(folder.join("answers.ts"), answers).unwrap();
    let strict = ["--strict", "--module", "nodenext", "--target", "es2022", "--noUncheckedIndexedAccess"];
    run(&folder, "npx", &[&["tsc"], &strict[..], &["typed.ts", "answers.ts"]].concat());
    assert_eq!(run(&folder, "node", &["typed.js"]), "5 undefined targetMissing null 0 instantInvalid\n");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn every_word_of_the_core_is_in_the_types() {
    let types = fs::read_to_string(root().join("policy/js/package/index.d.ts")).unwrap();
    let index = fs::read_to_string(root().join("policy/js/package/index.js")).unwrap();
    for name in hpa_override_core::json::functions() {
        assert!(types.contains(&format!("export function {name}(")), "{name}");
        assert!(index.contains(&format!("export const {name} = ")), "{name}");
    }
    let union = |name: &str| -> Vec<String> {
        let (_, rest) = types.split_once(&format!("export type {name} =")).unwrap();
        let (union, _) = rest.split_once(';').unwrap();
        union.split('"').skip(1).step_by(2).map(Into::into).collect()
    };
    let words = |words: Vec<serde_json::Value>| -> Vec<String> {
        words.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(union("Code"), words(Code::ALL.iter().map(|code| json!(code)).collect()));
    assert_eq!(union("ErrorCode"), words(ErrorCode::ALL.iter().map(|code| json!(code)).collect()));
    assert_eq!(union("MayPatch"), words(MayPatch::ALL.iter().map(|answer| json!(answer.as_str())).collect()));
}
