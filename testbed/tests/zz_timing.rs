//! tmp
#![allow(clippy::unwrap_used, reason = "tests")]
use hpa_override_testbed::*;
use std::time::Instant;
use serde_json::json;
#[test]
fn timing() {
    for controllers in [false, true] {
        let t = Instant::now();
        let cp = ControlPlane::start(&Options { controller_manager: controllers, ..Options::default() }).unwrap();
        println!("start {controllers}: {:?}", t.elapsed());
        let t = Instant::now();
        cp.stop_api_server().unwrap();
        println!("stop: {:?}", t.elapsed());
        let t = Instant::now();
        cp.start_api_server().unwrap();
        println!("restart: {:?}", t.elapsed());
        let t = Instant::now();
        drop(cp);
        println!("drop: {:?}", t.elapsed());
    }
    let t = Instant::now();
    let module = Module::load(std::path::Path::new("../dist/policy.wasm")).unwrap();
    println!("load: {:?}", t.elapsed());
    let kind = json!({"group": "hpa-override.dev", "version": "v1", "kind": "AutoscalerOverride"});
    let resource = json!({"group": "hpa-override.dev", "version": "v1", "resource": "autoscaleroverrides"});
    let request = json!({"uid": "u", "kind": kind, "resource": resource, "name": "o", "namespace": "shop", "operation": "CREATE",
      "userInfo": {"username": "alice", "groups": []},
      "object": {"apiVersion": "hpa-override.dev/v1", "kind": "AutoscalerOverride", "metadata": {"name": "o", "namespace": "shop"},
        "spec": {"hpa": "web", "minReplicas": 4, "duration": "1h"}}});
    let payload = json!({"request": request, "settings": {}});
    println!("{}", module.validate(&payload).unwrap());
    let mut times: Vec<_> = (0..2000).map(|_| { let t = Instant::now(); module.validate(&payload).unwrap(); t.elapsed() }).collect();
    times.sort();
    println!("validate p50 {:?} p99 {:?}", times[1000], times[1980]);
    let mut times: Vec<_> = (0..2000).map(|_| { let t = Instant::now(); module.validate_settings(&json!({})).unwrap(); t.elapsed() }).collect();
    times.sort();
    println!("validate_settings p50 {:?} p99 {:?}", times[1000], times[1980]);
    let t = Instant::now();
    let host = PolicyHost::start_with(module, vec![PolicyConfig::new("p", json!({}))], HostOptions::default()).unwrap();
    println!("host start {:?}", t.elapsed());
    let t = Instant::now();
    host.stop();
    println!("host stop {:?}", t.elapsed());
}
