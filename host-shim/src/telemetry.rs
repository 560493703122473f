//! The log. `RUST_LOG` sets what is logged, default `info`.

use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;

/// Starts the log.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
