//! What is shipped stays small: its size is a promise, and what is over it is not written.
//!
//! Only what wasm-opt has seen is held to it: a machine without npm is told, not stopped.

use anyhow::{Result, bail};

use super::gzip;

/// The most bytes that something may have.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    /// What it holds for.
    pub(super) what: &'static str,
    /// Where it comes from.
    pub(super) package: &'static str,
    pub(super) target: &'static str,
    pub(super) raw: usize,
    /// With gzip, as it travels.
    pub(super) gzip: usize,
}

impl Limit {
    /// Whether it is kept.
    pub(super) fn judge(self, bytes: &[u8], optimised: bool) -> Result<()> {
        let Self { what, package, target, .. } = self;
        for (bytes, most, how) in [(bytes.len(), self.raw, ""), (gzip(bytes)?, self.gzip, " with gzip")] {
            match (bytes > most, optimised) {
                (false, _) => {}
                (true, false) => {
                    println!("dist: over the limit of {most} bytes{how}, which holds for what is optimised");
                }
                (true, true) => bail!(
                    "{what} has {bytes} bytes{how}, {} over the limit of {most}; nothing written. Find what grew: \
                     `cargo tree -p {package} --target {target} -e normal`",
                    bytes - most
                ),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { what: "the module", package: "p", target: "t", raw: 1000, gzip: 100 };

    #[test]
    fn the_limit_is_the_last_size_that_passes() {
        assert!(LIMIT.judge(&[0; 1000], true).is_ok());
        let told = LIMIT.judge(&[0; 1001], true).unwrap_err().to_string();
        let sentence = "the module has 1001 bytes, 1 over the limit of 1000; nothing written. Find what grew: \
                        `cargo tree -p p --target t -e normal`";
        assert_eq!(told, sentence);
    }

    #[test]
    fn it_holds_with_gzip_too() {
        let noise: Vec<u8> = (0_u32..500).map(|number| (number.pow(2) / 7 % 251) as u8).collect();
        let told = LIMIT.judge(&noise, true).unwrap_err().to_string();
        assert!(told.contains(" bytes with gzip, ") && told.contains(" over the limit of 100; "), "{told}");
    }

    #[test]
    fn without_wasm_opt_what_is_large_is_told_not_refused() {
        assert!(LIMIT.judge(&[0; 1001], false).is_ok());
    }
}
