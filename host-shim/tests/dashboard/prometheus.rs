//! A real Prometheus on this machine.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, ensure};
use hpa_override_testbed::{Child, Port, http_get};
use jiff::Timestamp;
use serde_json::{Value, json};

/// How far back a range goes, in seconds.
const RANGE: i64 = 120;

/// What a query returns for one set of labels: instants and values.
pub struct Series {
    pub labels: String,
    pub points: Vec<(f64, f64)>,
}

pub struct Prometheus {
    child: Child,
    port: Port,
}

impl Prometheus {
    /// Scrapes these replicas and the API server of that kubeconfig every second.
    pub fn start(program: &Path, folder: &Path, replicas: &[String], kubeconfig: &Value) -> Self {
        let server = kubeconfig["clusters"][0]["cluster"]["server"].as_str().unwrap().trim_start_matches("https://");
        let targets = replicas.iter().enumerate();
        let targets: Vec<_> = targets
            .map(|(number, address)| json!({"targets": [address], "labels": {"pod": format!("replica-{number}")}}))
            .collect();
        // JSON is YAML.
        let config = json!({
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [
                {"job_name": "hpa-override", "static_configs": targets},
                {"job_name": "apiserver", "scheme": "https", "tls_config": {"insecure_skip_verify": true},
                 "authorization": {"credentials": kubeconfig["users"][0]["user"]["token"]},
                 "static_configs": [{"targets": [server]}]},
            ],
        });
        let (file, data) = (folder.join("prometheus.yaml"), folder.join("prometheus"));
        fs::write(&file, config.to_string()).unwrap();
        let port = Port::reserve().unwrap();
        let mut command = Command::new(program);
        command.arg(format!("--config.file={}", file.display())).arg(format!("--storage.tsdb.path={}", data.display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{}", port.number())).env("NO_PROXY", "127.0.0.1");
        Self { child: Child::spawn(command, &folder.join("prometheus.log")).unwrap(), port }
    }

    pub fn log(&self) -> String {
        self.child.log_tail()
    }

    /// The one value of a query; none where it has none.
    pub fn now(&self, query: &str) -> anyhow::Result<Option<f64>> {
        let result = self.get(&format!("/api/v1/query?query={}", encoded(query)))?;
        Ok(result.get(0).and_then(|series| series["value"][1].as_str()).and_then(|value| value.parse().ok()))
    }

    /// The finite values of a query, by second, of the last two minutes.
    pub fn range(&self, query: &str) -> anyhow::Result<Vec<Series>> {
        let end = Timestamp::now().as_second();
        let query = encoded(query);
        let result = self.get(&format!("/api/v1/query_range?query={query}&start={}&end={end}&step=1", end - RANGE))?;
        let all = result.as_array().context("no list")?.iter().map(|series| {
            let values = series["values"].as_array().cloned().unwrap_or_default();
            let value = |point: &Value| Some((point[0].as_f64()?, point[1].as_str()?.parse().ok()?));
            let points = values.iter().filter_map(value).filter(|(_, value): &(f64, f64)| value.is_finite()).collect();
            Series { labels: series["metric"].to_string(), points }
        });
        Ok(all.filter(|series| !series.points.is_empty()).collect())
    }

    fn get(&self, path: &str) -> anyhow::Result<Value> {
        let (_, body) = http_get(self.port.number(), path)?;
        let body: Value = serde_json::from_str(&body).with_context(|| body.clone())?;
        ensure!(body["status"] == "success", "{path}: {body}");
        Ok(body["data"]["result"].clone())
    }
}

fn encoded(query: &str) -> String {
    query.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}
