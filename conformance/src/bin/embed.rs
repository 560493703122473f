//! A whole host of the component, as docs/embedding.md shows it.
#![allow(missing_docs, clippy::pedantic, reason = "generated")]

use wasmtime::{Engine, Store, component::Component, component::Linker, component::bindgen};

bindgen!({ path: "../wit" });

use exports::hpa_override::policy::decisions::{MayPatch, Situation};

fn main() -> wasmtime::Result<()> {
    let engine = Engine::default();
    let component = Component::from_file(&engine, "dist/hpa-override.component.wasm")?;
    let mut store = Store::new(&engine, ());
    let host = HpaOverride::instantiate(&mut store, &component, &Linker::new(&engine))?;
    let hpa = r#"{"metadata": {"namespace": "shop", "name": "web"}, "spec": {"minReplicas": 2, "maxReplicas": 5}}"#;
    let metadata = r#"{"namespace": "shop", "name": "a", "uid": "1", "creationTimestamp": "2026-11-27T05:00:00Z"}"#;
    let spec = r#"{"hpa": "web", "minReplicas": 10, "maxReplicas": "300%", "duration": "2h"}"#;
    let overrides = vec![format!(r#"{{"metadata": {metadata}, "spec": {spec}}}"#)];
    let situation = Situation { hpa: hpa.into(), overrides, may_patch: MayPatch::NotAsked, remembered: None };
    let now = 1_795_759_200; // 2026-11-27T06:00:00Z
    match host.hpa_override_policy_decisions().call_effective_bounds(&mut store, now, None, &situation)? {
        Ok(point) => println!("{} to {} pods", point.effective.min_replicas, point.effective.max_replicas),
        Err(error) => println!("{}: {}", error.path, error.message),
    }
    Ok(())
}
