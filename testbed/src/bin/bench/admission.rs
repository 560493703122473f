//! Measures what an admission costs with the policy module, and with the controller's own webhook, against a module that only
//! accepts.
//!
//! ```text
//!   requests ──┬─► engine: a call of each module in turn ─────────────────────────┐
//!              ├─► policy host, HTTPS, one connection to each: one after another ─┼─► p50, p99, ratio
//!              └─► the controller's webhook, HTTPS, in the same way ──────────────┤
//!   writes ──────► a real API server with each admission, one after another ──────┘
//! ```
//! But for the last, both are asked the same, in turn, so that other load on the machine slows both alike. It sets no limit.

mod api_server;
mod client;
mod times;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use hpa_override_testbed::{Admission, Module, Options, PolicyConfig, PolicyHost, World, WorldOptions};
use serde_json::{Value, json};

use self::{client::Client, times::Times};

/// What to measure, and with what.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The admission module.
    #[arg(long)]
    module: PathBuf,
    /// A module that only accepts.
    #[arg(long)]
    accepting: PathBuf,
    /// The controller.
    #[arg(long)]
    controller: PathBuf,
    /// The folder with the requests.
    #[arg(long)]
    requests: PathBuf,
    /// How many requests of each sort.
    #[arg(long)]
    count: usize,
}

/// What is asked: a title, the policy, the request's file.
const SORTS: [(&str, &str, &str); 2] = [
    ("HPA write under override", "merge", "hpa-reapply-unchanged-keeps-override"),
    ("override create", "guard", "override-create-accepted"),
];

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    ensure!(args.count > 0, "--count is 0: there is nothing to measure");
    let paths = [&args.accepting, &args.module];
    let [accepting, ours] = paths.map(|path| fs::metadata(path).map_or(0, |file| file.len()));
    println!("{} requests of each sort; accept-only {accepting} bytes, hpa-override {ours} bytes", args.count);
    println!("{}", times::head());
    let [accepting, ours] = paths.map(|path| Module::load(path));
    let modules = [accepting?, ours?];
    let asked = SORTS.map(|(title, policy, file)| Ok((title, policy, read(&args.requests, file)?)));
    let asked = asked.into_iter().collect::<Result<Vec<_>>>()?;
    on_the_engine(&modules, &asked, args.count)?;
    let [accepting, ours] = &modules;
    let [accepting, ours] = [host(accepting)?, host(ours)?];
    let connect = |host: &PolicyHost| Client::connect(host.url().trim_start_matches("https://"), host.ca_pem());
    through(
        "HTTPS",
        [connect(&accepting)?, connect(&ours)?],
        |policy| format!("/validate/{policy}"),
        &asked,
        args.count,
    )?;
    let (plane, settings) = (Options::default(), json!({}));
    let (controller, admission) = (args.controller.clone(), Admission::Webhook);
    let world = World::start(WorldOptions { plane, controller, admission, settings })?;
    let (address, authorities) = world.webhook()?;
    let clients = [connect(&accepting)?, Client::connect(&address, &authorities)?];
    through("the controller's webhook", clients, |_| "/admit".into(), &asked, args.count)?;
    drop((world, accepting, ours));
    through_the_api_server(args)?;
    Ok(ExitCode::SUCCESS)
}

fn through_the_api_server(args: &Args) -> Result<()> {
    let accepting = api_server::measure(args, Admission::Policies(args.accepting.clone()))?;
    for (title, admission) in [("policies", Admission::Policies(args.module.clone())), ("webhook", Admission::Webhook)]
    {
        let ours = api_server::measure(args, admission)?;
        for ((sort, accepting), ours) in api_server::SORTS.iter().zip(&accepting).zip(&ours) {
            times::print(&format!("API server, {title}: {sort}"), [accepting, ours]);
        }
    }
    Ok(())
}

fn read(folder: &Path, file: &str) -> Result<Value> {
    let path = folder.join(file).with_extension("json");
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("failed to read {}", path.display()))
}

/// A call of the bare module. One that needs no memory and no JSON shows what a fresh instance costs.
fn on_the_engine(modules: &[Module; 2], asked: &[(&str, &str, Value)], count: usize) -> Result<()> {
    let call = |operation: &'static str, payload: Vec<u8>| {
        Times::in_turn(count, |which| {
            let module = modules.get(which).context("there are two modules")?;
            let start = Instant::now();
            module.call_raw(operation, &payload)?;
            Ok(start.elapsed())
        })
    };
    let [accepting, ours] = call("protocol_version", Vec::new())?;
    times::print("engine: fresh instance", [&accepting, &ours]);
    for (title, _, request) in asked {
        let payload = json!({"request": request, "settings": {}}).to_string().into_bytes();
        let [accepting, ours] = call("validate", payload)?;
        times::print(&format!("engine: {title}"), [&accepting, &ours]);
    }
    Ok(())
}

fn host(module: &Module) -> Result<PolicyHost> {
    PolicyHost::start(module.clone(), SORTS.map(|(_, policy, _)| PolicyConfig::new(policy, json!({}))).to_vec())
}

/// What the API server sees, once it is connected: the host of the module that only accepts, and another, which is asked at the
/// path that `path` makes of the policy.
fn through(
    title: &str,
    mut clients: [Client; 2],
    path: impl Fn(&str) -> String,
    asked: &[(&str, &str, Value)],
    count: usize,
) -> Result<()> {
    for (sort, policy, request) in asked {
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        let (paths, body) = ([format!("/validate/{policy}"), path(policy)], review.to_string());
        let [accepting, ours] = Times::in_turn(count, |which| {
            let (client, path) = clients.get_mut(which).zip(paths.get(which)).context("there are two")?;
            let start = Instant::now();
            client.allowed(path, body.clone())?;
            Ok(start.elapsed())
        })?;
        times::print(&format!("{title}: {sort}"), [&accepting, &ours]);
    }
    Ok(())
}
