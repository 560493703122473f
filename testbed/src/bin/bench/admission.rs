//! Measures what an admission costs with the policy module, against one that only accepts.
//!
//! ```text
//!   requests ──┬─► engine: a call of each module in turn ─────────────────────────┐
//!              └─► policy host, HTTPS, one connection to each: one after another ─┴─► p50, p99, ratio
//! ```
//! Both are asked the same, in turn, in one process, so that other load on the machine slows both alike. It sets no limit.

mod client;
mod times;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use hpa_override_testbed::{Module, PolicyConfig, PolicyHost};
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
    through_the_host(&modules, &asked, args.count)?;
    Ok(ExitCode::SUCCESS)
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
    times::print("engine: fresh instance", call("protocol_version", Vec::new())?);
    for (title, _, request) in asked {
        let payload = json!({"request": request, "settings": {}}).to_string().into_bytes();
        times::print(&format!("engine: {title}"), call("validate", payload)?);
    }
    Ok(())
}

/// What the API server sees, once it is connected.
fn through_the_host(modules: &[Module; 2], asked: &[(&str, &str, Value)], count: usize) -> Result<()> {
    let policies = || SORTS.map(|(_, policy, _)| PolicyConfig::new(policy, json!({}))).to_vec();
    let start = |module: &Module| PolicyHost::start(module.clone(), policies());
    let hosts = modules.each_ref().map(start);
    let hosts = hosts.into_iter().collect::<Result<Vec<_>>>()?;
    let mut clients = hosts.iter().map(Client::connect).collect::<Result<Vec<_>>>()?;
    for (title, policy, request) in asked {
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        let (path, body) = (format!("/validate/{policy}"), review.to_string());
        let times = Times::in_turn(count, |which| {
            let client = clients.get_mut(which).context("there are two hosts")?;
            let start = Instant::now();
            client.allowed(&path, body.clone())?;
            Ok(start.elapsed())
        });
        times::print(&format!("HTTPS: {title}"), times?);
    }
    Ok(())
}
