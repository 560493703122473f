//! The host's half of waPC: the request for the guest, its answer, and calls of the host.

use wasmtime_provider::wasmtime::{Caller, Linker, Result};

use super::{Call, length, read, write};

const MODULE: &str = "wapc";

/// Address and length of a text.
type Text = (i32, i32);

pub(super) fn link(linker: &mut Linker<Call>) -> Result<()> {
    linker.func_wrap(MODULE, "__guest_request", |mut caller: Caller<'_, Call>, operation: i32, payload: i32| {
        let (name, bytes) = (caller.data().operation.clone(), caller.data().payload.clone());
        write(&mut caller, operation, &name)?;
        write(&mut caller, payload, &bytes)
    })?;
    linker.func_wrap(
        MODULE,
        "__guest_response",
        |mut caller: Caller<'_, Call>, at: i32, length: i32| -> Result<()> {
            caller.data_mut().answer = read(&mut caller, at, length)?;
            Ok(())
        },
    )?;
    linker.func_wrap(MODULE, "__guest_error", |mut caller: Caller<'_, Call>, at: i32, length: i32| -> Result<()> {
        caller.data_mut().error = read(&mut caller, at, length)?;
        Ok(())
    })?;
    linker.func_wrap(MODULE, "__console_log", |_: Caller<'_, Call>, _: i32, _: i32| ())?;
    linker.func_wrap(
        MODULE,
        "__host_call",
        |caller: Caller<'_, Call>, b: i32, bl: i32, n: i32, nl: i32, o: i32, ol: i32, p: i32, pl: i32| {
            host_call(caller, [(b, bl), (n, nl), (o, ol), (p, pl)])
        },
    )?;
    linker.func_wrap(MODULE, "__host_response_len", |caller: Caller<'_, Call>| {
        caller.data().host_answer.as_ref().map_or(0, |bytes| length(bytes))
    })?;
    linker.func_wrap(MODULE, "__host_response", |mut caller: Caller<'_, Call>, at: i32| {
        let bytes = caller.data().host_answer.clone().unwrap_or_default();
        write(&mut caller, at, &bytes)
    })?;
    linker.func_wrap(MODULE, "__host_error_len", |caller: Caller<'_, Call>| {
        caller.data().host_answer.as_ref().map_or_else(|error| length(error.as_bytes()), |_| 0)
    })?;
    linker.func_wrap(MODULE, "__host_error", |mut caller: Caller<'_, Call>, at: i32| {
        let error = caller.data().host_answer.clone().err().unwrap_or_default();
        write(&mut caller, at, error.as_bytes())
    })?;
    Ok(())
}

/// 1 where the host has an answer, 0 where it has an error.
fn host_call(mut caller: Caller<'_, Call>, texts: [Text; 4]) -> Result<i32> {
    let [binding, namespace, operation, payload] = texts.map(|(at, length)| read(&mut caller, at, length));
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (binding, namespace, operation) = (text(binding?), text(namespace?), text(operation?));
    let answer = caller.data().host_calls.call(&binding, &namespace, &operation, &payload?);
    caller.data_mut().host_answer = answer.map_err(|error| error.to_string());
    Ok(i32::from(caller.data().host_answer.is_ok()))
}
