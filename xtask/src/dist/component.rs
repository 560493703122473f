//! The core as a WebAssembly component, in `dist/hpa-override.component.wasm`: `wit/override.wit` is its whole interface.
//!
//! It writes no component that imports anything of its host.

use std::fs;

use anyhow::{Context, Result, ensure};
use wasm_encoder::{CustomSection, Encode, Section};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::{Limit, bare, optimise, say, write};
use crate::workspace::Workspace;

/// The package of the component.
pub(crate) const PACKAGE: &str = "hpa-override-component";
const WIT: &str = "wit/override.wit";
/// As docs/embedding.md promises.
const LIMIT: Limit = Limit { what: "the component", package: PACKAGE, raw: 800_000, gzip: 320_000 };

/// Builds, optimises, encodes, describes, writes.
pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let built = bare(workspace, PACKAGE)?;
    say("component built", built.len());
    let smaller = optimise::smaller(workspace, "component", &built)?;
    say(&smaller.how, smaller.module.len());
    let wit = fs::read_to_string(workspace.root.join(WIT)).with_context(|| format!("cannot read {WIT}"))?;
    let component = encode(smaller.module, &wit).context("cannot make a component of the module")?;
    let imports = imports(&component)?;
    ensure!(imports.is_empty(), "the component imports {}; it may import nothing", imports.join(", "));
    println!("dist: component imports: none");
    let described = described(component, &wit, workspace.version_of(PACKAGE)?);
    LIMIT.check(&described, smaller.optimised)?;
    write(workspace, &super::component(workspace), &described)
}

/// A module has no types of the component model: they come from the file that the guest was generated from.
fn encode(mut module: Vec<u8>, wit: &str) -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str(WIT, wit)?;
    let world = resolve.select_world(&[package], None)?;
    if !has_types(&module) {
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    }
    ComponentEncoder::default().validate(true).module(&module)?.encode()
}

fn has_types(module: &[u8]) -> bool {
    let types = |payload: Payload<'_>| matches!(payload, Payload::CustomSection(section) if section.name().starts_with("component-type"));
    Parser::new(0).parse_all(module).flatten().any(types)
}

/// The names of all that the component imports; those of its inner parts do not count.
fn imports(component: &[u8]) -> Result<Vec<String>> {
    let (mut names, mut depth) = (Vec::new(), 0_u32);
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    names.push(import?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

/// The component with what it is: as OCI names it, where tools look, and its interface with the documentation.
fn described(mut component: Vec<u8>, wit: &str, version: &str) -> Vec<u8> {
    let sections = [
        ("description", "What an AutoscalerOverride means, asked by any host; imports nothing"),
        ("version", version),
        ("licenses", env!("CARGO_PKG_LICENSE")),
        ("authors", env!("CARGO_PKG_AUTHORS")),
        ("source", env!("CARGO_PKG_REPOSITORY")),
        ("wit", wit),
    ];
    for (name, text) in sections {
        let section = CustomSection { name: name.into(), data: text.as_bytes().into() };
        component.push(section.id());
        section.encode(&mut component);
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_imported_from_a_host_is_found() {
        let mut types = wasm_encoder::ComponentTypeSection::new();
        types.instance(&wasm_encoder::InstanceType::new());
        let mut section = wasm_encoder::ComponentImportSection::new();
        section.import("host:clock/now", wasm_encoder::ComponentTypeRef::Instance(0));
        let mut importing = wasm_encoder::Component::new();
        importing.section(&types).section(&section);
        assert_eq!(imports(&importing.clone().finish()).unwrap(), ["host:clock/now"]);
        let mut around = wasm_encoder::Component::new();
        around.section(&wasm_encoder::NestedComponentSection(&importing));
        assert_eq!(imports(&around.finish()).unwrap(), [""; 0], "of an inner one");
    }
}
