//! What is shipped stays small: its size is a promise, and what is over it is not written.
//!
//! Only what wasm-opt has seen is held to it: a machine without npm is told, not stopped.

use anyhow::{Result, ensure};

use super::gzip;

/// The most bytes that something may have.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) raw: usize,
    /// With gzip, as it travels.
    pub(super) gzip: usize,
}

/// Whether it is within the limit.
pub(super) fn judge(bytes: &[u8], limit: Limit, optimised: bool, what: &str) -> Result<()> {
    for (bytes, most, how) in [(bytes.len(), limit.raw, ""), (gzip(bytes)?, limit.gzip, " with gzip")] {
        if bytes > most && !optimised {
            println!("dist: over the limit of {most} bytes{how}, which holds for what is optimised");
            continue;
        }
        ensure!(
            bytes <= most,
            "{what} has {bytes} bytes{how}, {} over the limit of {most}; nothing written. Find what grew: \
             `cargo tree -e normal -p` its package",
            bytes - most
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { raw: 1000, gzip: 100 };

    #[test]
    fn the_limit_is_the_last_size_that_passes() {
        assert!(judge(&[0; 1000], LIMIT, true, "it").is_ok());
        let told = judge(&[0; 1001], LIMIT, true, "the module").unwrap_err().to_string();
        assert!(told.starts_with("the module has 1001 bytes, 1 over the limit of 1000; nothing written."), "{told}");
    }

    #[test]
    fn it_holds_with_gzip_too() {
        let noise: Vec<u8> = (0_u32..500).map(|number| (number.pow(2) / 7 % 251) as u8).collect();
        let told = judge(&noise, LIMIT, true, "the package").unwrap_err().to_string();
        assert!(told.contains(" bytes with gzip, ") && told.contains(" over the limit of 100; "), "{told}");
    }

    #[test]
    fn without_wasm_opt_what_is_large_is_told_not_refused() {
        assert!(judge(&[0; 1001], LIMIT, false, "it").is_ok());
    }
}
