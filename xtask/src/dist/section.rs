//! Custom sections of a WebAssembly module.
//!
//! Code and data are carried over byte for byte: nothing here understands what the module does.

use std::ops::Range;

use anyhow::{Context, Result, bail};
use wasm_encoder::{CustomSection, Module, RawSection};
use wasmparser::{Encoding, Parser, Payload};

/// The section in which Kubewarden looks for a policy's metadata.
pub(super) const METADATA: &str = "io.kubewarden.metadata";

/// The module with this section as its last, in place of any of that name: Kubewarden reads the first it meets.
pub(super) fn put(module: &[u8], name: &str, data: &[u8]) -> Result<Vec<u8>> {
    let mut copy = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Some((id, range)) = kept(&payload.context("not a valid WebAssembly module")?, name)? {
            let data = module.get(range).context("a section reaches past the end of the module")?;
            copy.section(&RawSection { id, data });
        }
    }
    copy.section(&CustomSection { name: name.into(), data: data.into() });
    Ok(copy.finish())
}

/// The section that this payload opens, unless it is the one to replace.
fn kept(payload: &Payload<'_>, replaced: &str) -> Result<Option<(u8, Range<usize>)>> {
    match payload {
        Payload::Version { encoding: Encoding::Component, .. } => bail!("a WebAssembly component; a module is needed"),
        Payload::CustomSection(section) if section.name() == replaced => Ok(None),
        other => Ok(other.as_section()),
    }
}

/// The data of every section of that name.
#[cfg(test)]
pub(super) fn all<'a>(module: &'a [u8], name: &str) -> Vec<&'a [u8]> {
    let payloads = Parser::new(0).parse_all(module).map(|payload| payload.expect("a valid module"));
    let custom = payloads.filter_map(|payload| match payload {
        Payload::CustomSection(section) if section.name() == name => Some(section.data()),
        _ => None,
    });
    custom.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{CodeSection, Function, FunctionSection, TypeSection};

    fn module_with_a_function() -> Module {
        let (mut types, mut functions, mut code) = (TypeSection::new(), FunctionSection::new(), CodeSection::new());
        types.ty().function([], []);
        functions.function(0);
        let mut body = Function::new([]);
        body.instructions().end();
        code.function(&body);
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&code);
        module
    }

    #[test]
    fn it_is_put_once_and_everything_else_stays_byte_for_byte() {
        let module = put(&module_with_a_function().finish(), "producers", b"rustc").unwrap();
        let once = put(&module, METADATA, b"old").unwrap();
        let twice = put(&once, METADATA, b"new").unwrap();
        assert!(once.starts_with(&module) && twice.starts_with(&module));
        assert_eq!((all(&twice, METADATA), all(&twice, "producers")), (vec![&b"new"[..]], vec![&b"rustc"[..]]));
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert_eq!(put(b"no", METADATA, b"").unwrap_err().to_string(), "not a valid WebAssembly module");
        let error = put(b"\0asm\x0d\0\x01\0", METADATA, b"").unwrap_err();
        assert_eq!(error.to_string(), "a WebAssembly component; a module is needed");
    }
}
