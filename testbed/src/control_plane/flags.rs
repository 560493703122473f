//! The command lines of the three programs.
//!
//! Only what a loopback control plane needs: no fsync, no leader election, no endpoint of the `kubernetes` service.
//! Admission, authorization and validation stay as they are in a cluster, but for the `ServiceAccount` admission plugin,
//! which would demand tokens that nobody makes here.

use std::path::Path;

use super::site::Site;

pub(super) fn etcd(site: &Site) -> Vec<String> {
    let [client, peer] = [&site.etcd_port, &site.peer_port].map(|port| format!("http://127.0.0.1:{}", port.number()));
    vec![
        "--name=testbed".to_owned(),
        format!("--data-dir={}", site.folder().join("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=testbed={peer}"),
        "--unsafe-no-fsync".to_owned(),
    ]
}

pub(super) fn api_server(site: &Site) -> Vec<String> {
    let file = |name: &str| site.folder().join(name).display().to_string();
    vec![
        format!("--etcd-servers=http://127.0.0.1:{}", site.etcd_port.number()),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={}", site.api_port.number()),
        format!("--cert-dir={}", site.folder().display()),
        format!("--tls-cert-file={}", file("server.crt")),
        format!("--tls-private-key-file={}", file("server.key")),
        format!("--token-auth-file={}", file("tokens.csv")),
        format!("--service-account-key-file={}", file("accounts.pub")),
        format!("--service-account-signing-key-file={}", file("accounts.key")),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        "--authorization-mode=RBAC".to_owned(),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        "--disable-admission-plugins=ServiceAccount".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
        format!("--audit-policy-file={}", file("audit-policy.yaml")),
        format!("--audit-log-path={}", site.audit_log().display()),
        "--audit-log-mode=blocking".to_owned(),
        "--audit-log-maxsize=10000".to_owned(),
    ]
}

pub(super) fn controller_manager(kubeconfig: &Path) -> Vec<String> {
    let controllers = "horizontal-pod-autoscaler-controller,deployment-controller,replicaset-controller,job-controller,\
                       namespace-controller,garbage-collector-controller,clusterrole-aggregation-controller";
    vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--controllers={controllers}"),
        "--horizontal-pod-autoscaler-sync-period=2s".to_owned(),
        "--leader-elect=false".to_owned(),
        "--secure-port=0".to_owned(),
        "--kube-api-qps=200".to_owned(),
        "--kube-api-burst=400".to_owned(),
    ]
}
