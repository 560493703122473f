//! The log. `RUST_LOG` sets what is logged, default [`FILTER`].

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;

/// What is logged. kube writes an error for each request that fails, also where we say it ourselves, and less often.
pub const FILTER: &str = "info,kube_client::client::builder=off";

/// Starts the log.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(FILTER));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_ansi(stderr().is_terminal());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
